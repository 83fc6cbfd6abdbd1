//! The templates and the style sheet, embedded. Strict: a value that is missing is an error, never an empty space.

use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;
use actix_web::{HttpResponse, http::StatusCode};
use handlebars::Handlebars;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::api::ApiError;

const STYLE: &str = include_str!("../../templates/assets/tocsin.css");
const TEMPLATES: [(&str, &str); 6] = [
    ("layout", include_str!("../../templates/pages/layout.hbs")),
    ("worklist", include_str!("../../templates/pages/worklist.hbs")),
    ("study", include_str!("../../templates/pages/study.hbs")),
    (
        "acknowledge",
        include_str!("../../templates/pages/acknowledge.hbs"),
    ),
    ("sign_in", include_str!("../../templates/pages/sign_in.hbs")),
    ("ai", include_str!("../../templates/pages/ai.hbs")),
];

/// What every page has around its content.
#[derive(Serialize)]
struct Framed<'a, T: Serialize> {
    title: &'a str,
    style: String,
    page: &'a T,
}

/// Renders a page into its frame.
pub fn page<T: Serialize>(
    name: &str,
    title: &str,
    status: StatusCode,
    page: &T,
) -> Result<HttpResponse, ApiError> {
    let framed = Framed {
        title,
        style: style_path(),
        page,
    };
    let html = registry().render(name, &framed).map_err(|error| {
        tracing::error!(template = name, reason = %error.reason(), "a page could not be rendered");
        ApiError::Internal
    })?;
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(html))
}

fn registry() -> &'static Handlebars<'static> {
    static REGISTRY: OnceLock<Handlebars<'static>> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        for (name, text) in TEMPLATES {
            if let Err(error) = registry.register_template_string(name, text) {
                tracing::error!(template = name, reason = %error.reason(), "a template is faulty");
            }
        }
        registry
    })
}

fn hash() -> String {
    hex::encode(&Sha256::digest(STYLE)[..8])
}

fn style_path() -> String {
    format!("/assets/{}/tocsin.css", hash())
}

/// The style sheet under the name of its content, to be kept for good.
pub async fn asset(path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (asked, file) = path.into_inner();
    if asked != hash() || file != "tocsin.css" {
        return Err(ApiError::NotFound("page or resource"));
    }
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(STYLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles() {
        for (name, _) in TEMPLATES {
            assert!(registry().has_template(name), "{name}");
        }
    }
}
