//! `[modality_worklist]`: the worklists of a RIS that are asked for orders, how often, and for which days.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use serde::Deserialize;
use tocsin_domain::ids::SiteId;

use super::check::Problems;
use super::site::Site;
use super::value::AeTitle;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModalityWorklist {
    pub every_seconds: NonZeroU64,
    /// Steps are asked for from so many days before today to so many after.
    pub days_before: u16,
    pub days_after: u16,
    /// Answers to one question; a worklist that gives more is not listened to.
    pub answers: NonZeroU32,
    pub timeout_seconds: NonZeroU64,
    pub sources: Vec<WorklistSource>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorklistSource {
    /// For people, and in the rows of what came of asking.
    pub name: String,
    pub ae_title: AeTitle,
    pub host: String,
    pub port: u16,
    #[serde(default)]
    pub tls: bool,
    /// Whose orders they are; the default site where it is not said.
    pub site: Option<SiteId>,
    /// Only steps of this station.
    pub station_ae: Option<AeTitle>,
    /// Only steps of this modality, such as `CT`.
    pub modality: Option<String>,
}

impl ModalityWorklist {
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_seconds.get())
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }

    pub(super) fn check(&self, site: &Site, problems: &mut Problems<'_>) {
        if self.every_seconds.get() > 86_400 {
            problems.add("modality_worklist.every_seconds", "expected 1 to 86400");
        }
        for (index, source) in self.sources.iter().enumerate() {
            let key = |name: &str| format!("modality_worklist.sources.{index}.{name}");
            problems.not_empty(&key("name"), &source.name);
            problems.not_empty(&key("host"), &source.host);
            site.check_reference(&key("site"), source.site.as_ref(), problems);
            if source.port == 0 {
                problems.add(&key("port"), "expected the port on which it listens, such as 104");
            }
            if source.modality.as_deref().is_some_and(|code| !is_code(code)) {
                problems.add(
                    &key("modality"),
                    "expected a modality as DICOM writes it, such as CT",
                );
            }
            let earlier = &self.sources[..index];
            if earlier.iter().any(|earlier| earlier.name == source.name) {
                problems.add(&key("name"), "expected a name that no other source has");
            }
        }
    }
}

/// A Code String: no wildcard gets into a question by it.
fn is_code(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == ' ';
    !text.trim().is_empty() && text.len() <= 16 && text.chars().all(allowed)
}
