//! Styles and scripts, embedded, each under the hash of its content, so that browsers may keep them for good.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::api::ApiError;

const FILES: [(&str, &str, &str); 2] = [
    (
        "tocsin.css",
        "text/css; charset=utf-8",
        include_str!("../../templates/assets/tocsin.css"),
    ),
    (
        "tocsin.js",
        "text/javascript; charset=utf-8",
        include_str!("../../templates/assets/tocsin.js"),
    ),
];

/// Where a page finds them.
#[derive(Serialize)]
pub struct Links {
    style: String,
    script: String,
}

pub fn links() -> Links {
    Links {
        style: link("tocsin.css"),
        script: link("tocsin.js"),
    }
}

fn link(file: &str) -> String {
    let content = FILES
        .iter()
        .find(|(name, ..)| *name == file)
        .map_or("", |(_, _, text)| text);
    format!("/assets/{}/{file}", hash(content))
}

fn hash(content: &str) -> String {
    hex::encode(&Sha256::digest(content)[..8])
}

pub async fn get(path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (asked, file) = path.into_inner();
    let (_, kind, content) = FILES
        .iter()
        .find(|(name, _, content)| *name == file && hash(content) == asked)
        .ok_or(ApiError::NotFound("page or resource"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, *kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(*content))
}
