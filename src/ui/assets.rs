//! Styles and scripts, embedded, each under the hash of its content, so that browsers may keep them for good. A site's own
//! files of the same names go before ours.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::api::{ApiError, State};

#[derive(RustEmbed)]
#[folder = "templates/assets"]
struct Embedded;

/// Where they are.
pub struct Assets {
    site: Option<PathBuf>,
}

impl Assets {
    pub fn open(site: Option<&Path>) -> Self {
        Self {
            site: site
                .map(|folder| folder.join("assets"))
                .filter(|folder| folder.is_dir()),
        }
    }

    fn content(&self, file: &str) -> Option<Cow<'static, [u8]>> {
        // Only names of ours, so that no request leaves the folder.
        let shipped = Embedded::get(file)?.data;
        let own = self
            .site
            .as_ref()
            .and_then(|folder| std::fs::read(folder.join(file)).ok());
        Some(own.map_or(shipped, Cow::Owned))
    }

    /// Addresses by file name, the dots of which are underscores: `assets.tocsin_css`.
    pub fn links(&self) -> BTreeMap<String, String> {
        Embedded::iter()
            .filter_map(|file| {
                let hash = hash(&self.content(&file)?);
                Some((file.replace(['.', '-'], "_"), format!("/assets/{hash}/{file}")))
            })
            .collect()
    }

    pub fn get(&self, asked: &str, file: &str) -> Option<(Vec<u8>, &'static str)> {
        let content = self.content(file).filter(|content| hash(content) == asked)?;
        Some((content.into_owned(), kind(file)?))
    }
}

fn kind(file: &str) -> Option<&'static str> {
    match file.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn hash(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..8])
}

pub async fn get(state: Data<State>, path: web::Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (asked, file) = path.into_inner();
    let (content, kind) = state
        .templates
        .asset(&asked, &file)
        .ok_or(ApiError::NotFound("page or resource"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(content))
}
