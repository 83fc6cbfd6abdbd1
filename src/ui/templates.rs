//! The templates of the pages: ours, embedded, and in front of them those of the site's own folder, which are read again with
//! every page. Strict: a value that is missing is an error, never an empty space. A site's template that fails costs its
//! wording, not the page: ours is shown instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, http::StatusCode};
use handlebars::{Context, Handlebars, RenderError};
use rust_embed::RustEmbed;
use serde::Serialize;

use super::assets;
use super::frame::Frame;
use super::helpers;
use super::wording::{Wording, WordingError};
use crate::api::{ApiError, Templates};

#[derive(RustEmbed)]
#[folder = "templates/pages"]
#[include = "*.hbs"]
struct Embedded;

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("the template {name} is not text")]
    Encoding { name: String },
    #[error("{place} is not a valid template: {reason}")]
    Syntax { place: String, reason: String },
    #[error("{path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Wording(#[from] WordingError),
}

/// Ours, and the site's in front of them.
pub struct Registry {
    site: Option<Handlebars<'static>>,
    shipped: Handlebars<'static>,
    assets: assets::Assets,
}

impl Registry {
    /// `site` is a folder with `pages/`, `assets/` and `messages/`, each with files named like ours, as far as they exist.
    ///
    /// # Errors
    /// A template that does not compile, with its place; a language without messages.
    pub fn open(site: Option<&Path>, language: &str) -> Result<Self, TemplateError> {
        let wording = Arc::new(Wording::open(site, language)?);
        let shipped = shipped(&wording)?;
        let own = match site.map(|folder| folder.join("pages")) {
            Some(pages) if pages.is_dir() => Some(in_front_of(&pages, &wording)?),
            Some(_) | None => None,
        };
        Ok(Self {
            site: own,
            shipped,
            assets: assets::Assets::open(site),
        })
    }
}

impl Templates for Registry {
    fn render(&self, name: &str, values: &serde_json::Value) -> Result<String, String> {
        let context = Context::from(values.clone());
        if let Some(site) = &self.site {
            match site.render_with_context(name, &context) {
                Ok(html) => return Ok(html),
                Err(error) => tracing::error!(
                    template = name,
                    reason = reason(&error),
                    "a template of the site failed; ours is shown"
                ),
            }
        }
        let rendered = self.shipped.render_with_context(name, &context);
        rendered.map_err(|error| reason(&error))
    }

    fn asset(&self, hash: &str, file: &str) -> Option<(Vec<u8>, &'static str)> {
        self.assets.get(hash, file)
    }

    fn links(&self) -> serde_json::Value {
        serde_json::to_value(self.assets.links()).unwrap_or_default()
    }
}

/// Where and why; never the values that were rendered.
fn reason(error: &RenderError) -> String {
    let place = match (error.template_name.as_deref(), error.line_no) {
        (Some(name), Some(line)) => format!("{name}:{line}: "),
        (Some(name), None) => format!("{name}: "),
        (None, _) => String::new(),
    };
    format!("{place}{}", error.reason())
}

fn blank(wording: &Arc<Wording>) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    helpers::register(&mut registry, wording);
    registry
}

/// The names of our templates.
pub fn names() -> impl Iterator<Item = String> {
    Embedded::iter().filter_map(|file| file.strip_suffix(".hbs").map(str::to_owned))
}

fn text(name: &str) -> Result<String, TemplateError> {
    let file = Embedded::get(&format!("{name}.hbs"));
    let text = file.and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    text.ok_or_else(|| TemplateError::Encoding {
        name: name.to_owned(),
    })
}

fn shipped(wording: &Arc<Wording>) -> Result<Handlebars<'static>, TemplateError> {
    let mut registry = blank(wording);
    for name in names() {
        registry
            .register_template_string(&name, text(&name)?)
            .map_err(|error| syntax(name.clone(), &error))?;
    }
    Ok(registry)
}

fn in_front_of(pages: &Path, wording: &Arc<Wording>) -> Result<Handlebars<'static>, TemplateError> {
    let mut registry = shipped(wording)?;
    registry.set_dev_mode(true);
    for name in names() {
        let path = pages.join(format!("{name}.hbs"));
        if path.is_file() {
            registry
                .register_template_file(&name, &path)
                .map_err(|error| syntax(path.display().to_string(), &error))?;
        }
    }
    Ok(registry)
}

fn syntax(place: String, error: &handlebars::TemplateError) -> TemplateError {
    let line = error
        .pos()
        .map(|(line, column)| format!("{line}:{column}: "))
        .unwrap_or_default();
    TemplateError::Syntax {
        place,
        reason: format!("{line}{}", error.reason()),
    }
}

/// What every template sees.
#[derive(Serialize)]
struct Framed<'a, T: Serialize> {
    /// A message: what the page is called.
    title: &'a str,
    /// The same for programs, whatever the language.
    name: String,
    assets: serde_json::Value,
    frame: &'a Frame,
    page: &'a T,
}

/// Renders a page in its frame. `title` names the message that the page is called by: `nav-alerts`, `title-sign-in`.
///
/// # Errors
/// A template that cannot be rendered, which is a fault of ours.
pub fn page<T: Serialize>(
    name: &str,
    title: &str,
    status: StatusCode,
    frame: &Frame,
    page: &T,
) -> Result<HttpResponse, ApiError> {
    let html = html(name, title, frame, page)?;
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(html))
}

pub fn html<T: Serialize>(name: &str, title: &str, frame: &Frame, page: &T) -> Result<String, ApiError> {
    let framed = Framed {
        title,
        name: plainly(title),
        assets: frame.templates.links(),
        frame,
        page,
    };
    let values = serde_json::to_value(&framed).map_err(|_| ApiError::Internal)?;
    frame.templates.render(name, &values).map_err(|reason| {
        tracing::error!(template = name, reason, "a page could not be rendered");
        ApiError::Internal
    })
}

/// `title-sign-in` is the page `Sign in`.
fn plainly(title: &str) -> String {
    let name = title
        .split_once('-')
        .map_or(title, |(_, name)| name)
        .replace('-', " ");
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles() {
        let wording = Arc::new(Wording::open(None, "en").expect("English"));
        let registry = shipped(&wording).expect("templates that compile");
        assert!(names().count() >= 14);
        for name in names() {
            assert!(registry.has_template(&name), "{name}");
        }
    }

    #[test]
    fn no_page_holds_a_script_or_a_style_of_its_own() {
        for name in names() {
            let text = text(&name).expect("text");
            for inline in ["<style", "style=", "onclick", "onload", "javascript:", "{{{"] {
                assert!(!text.contains(inline), "{name} holds {inline}");
            }
            let scripts = text.matches("<script").count();
            assert_eq!(scripts, text.matches("<script src=").count(), "{name}");
        }
    }

    #[test]
    fn a_template_of_the_site_is_read_again_and_a_broken_one_does_not_cost_the_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let pages = folder.path().join("pages");
        std::fs::create_dir(&pages).expect("pages");
        let write = |text: &str| std::fs::write(pages.join("error.hbs"), text).expect("written");
        write("Ours says {{page.title}}");
        let templates = Registry::open(Some(folder.path()), "en").expect("templates");
        let values = serde_json::json!({
            "title": "title-error", "name": "Error", "assets": templates.links(), "page": { "status": 404, "title": "<b>", "detail": "d" },
            "frame": { "site": "S", "zone": "UTC", "watermark": null, "person": null, "theme": "dim" },
        });
        let render = || templates.render("error", &values).expect("a page");
        assert_eq!(render(), "Ours says &lt;b&gt;");
        write("Now {{page.status}}");
        assert_eq!(render(), "Now 404");
        write("{{page.nothing}}");
        assert!(render().contains("<h2>404 &lt;b&gt;</h2>"), "{}", render());
        write("{{#if");
        assert!(Registry::open(Some(folder.path()), "en").is_err());
    }
}
