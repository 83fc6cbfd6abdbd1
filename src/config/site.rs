//! `[site]`: who we are. Every row carries a site id; one site is the default, more may be listed.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tocsin_domain::ids::SiteId;

use super::check::Problems;
use super::value::{TimeZone, ViewerUrl};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Short, stable, and part of rows: never change it once data came in.
    pub id: SiteId,
    pub name: String,
    pub time_zone: TimeZone,
    /// Of the pages: a tag such as `en` or `pt-BR`, with messages of that name in the templates' folder.
    pub language: String,
    /// A folder with templates of our own, which go before the shipped ones: `pages/`, `assets/`, `messages/`, `page/`.
    #[serde(default)]
    pub templates: Option<PathBuf>,
    /// Where the site's own viewer shows a study: an address with `{study_uid}` or `{accession}` in it.
    #[serde(default)]
    pub viewer_url: Option<ViewerUrl>,
    /// Further sites, which peers may be mapped to.
    #[serde(default)]
    pub others: Vec<OtherSite>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherSite {
    pub id: SiteId,
    pub name: String,
    pub time_zone: TimeZone,
}

impl Site {
    pub fn knows(&self, site: &SiteId) -> bool {
        self.id == *site || self.others.iter().any(|other| other.id == *site)
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        if let Some(templates) = &mut self.templates {
            *templates = base.join(&*templates);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        problems.not_empty("site.name", &self.name);
        problems.not_empty("site.id", &self.id.0);
        problems.folder("site.templates", self.templates.as_deref());
        for (index, other) in self.others.iter().enumerate() {
            problems.not_empty(&format!("site.others.{index}.id"), &other.id.0);
            let before = self
                .others
                .iter()
                .take(index)
                .any(|earlier| earlier.id == other.id);
            if before || other.id == self.id {
                problems.add(
                    &format!("site.others.{index}.id"),
                    "expected an id that no other site has",
                );
            }
        }
    }

    /// A peer's site must be one we know.
    pub(super) fn check_reference(&self, key: &str, site: Option<&SiteId>, problems: &mut Problems<'_>) {
        if let Some(site) = site
            && !self.knows(site)
        {
            problems.add(key, "expected the id of [site] or of one of [[site.others]]");
        }
    }
}
