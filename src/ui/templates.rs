//! The templates of the pages, embedded. Strict: a value that is missing is an error, never an empty space.

use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, http::StatusCode};
use chrono_tz::Tz;
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde::Serialize;
use tocsin_domain::clock::Timestamp;

use super::assets::{self, Links};
use super::frame::Frame;
use crate::api::ApiError;

macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/pages/", $name, ".hbs")))),+]
    };
}

const TEMPLATES: [(&str, &str); 14] = pages![
    "layout",
    "worklist",
    "worklist_rows",
    "study",
    "ai",
    "alerts",
    "messages",
    "message",
    "reconciliation",
    "quarantine",
    "deliveries",
    "acknowledge",
    "sign_in",
    "error",
];

/// What every template sees.
#[derive(Serialize)]
struct Framed<'a, T: Serialize> {
    title: &'a str,
    assets: Links,
    frame: &'a Frame,
    page: &'a T,
}

/// Renders a page in its frame.
pub fn page<T: Serialize>(
    name: &str,
    title: &str,
    status: StatusCode,
    frame: &Frame,
    page: &T,
) -> Result<HttpResponse, ApiError> {
    let framed = Framed {
        title,
        assets: assets::links(),
        frame,
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
        registry.register_helper("time", Box::new(time));
        registry.register_helper("words", Box::new(words));
        for (name, text) in TEMPLATES {
            if let Err(error) = registry.register_template_string(name, text) {
                tracing::error!(template = name, reason = %error.reason(), "a template is faulty");
            }
        }
        registry
    })
}

/// `{{time at}}`: an instant on the site's wall clock.
fn time(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let given = helper
        .param(0)
        .and_then(|value| value.value().as_str())
        .unwrap_or_default();
    let zone: Option<Tz> = context.data()["frame"]["zone"]
        .as_str()
        .and_then(|name| name.parse().ok());
    let shown = match (given.parse::<Timestamp>(), zone) {
        (Ok(at), Some(zone)) => at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string(),
        (Ok(at), None) => at.to_rfc3339(),
        (Err(_), _) => String::new(),
    };
    out.write(&shown)?;
    Ok(())
}

/// `{{words state}}`: a name of the API as people write it.
fn words(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let given = helper.param(0).and_then(|value| value.value().as_str());
    let plain = given.unwrap_or_default().replace('_', " ");
    out.write(&handlebars::html_escape(&plain))?;
    Ok(())
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

    #[test]
    fn no_page_holds_a_script_or_a_style_of_its_own() {
        for (name, text) in TEMPLATES {
            for inline in ["<style", "style=", "onclick", "onload", "javascript:", "{{{"] {
                assert!(!text.contains(inline), "{name} holds {inline}");
            }
            let scripts = text.matches("<script").count();
            assert_eq!(scripts, text.matches("<script src=").count(), "{name}");
        }
    }
}
