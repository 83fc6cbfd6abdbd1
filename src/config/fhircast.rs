//! `[fhircast]`: the hub of the reading rooms, and the sessions into whose open reports results are offered. It names the files
//! of credentials; the application reads them.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;
use super::oidc::is_trusted;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fhircast {
    /// Where requests are posted; nothing is published where there is none.
    pub hub: Option<String>,
    /// The sessions, by the names that the hub gives them.
    pub topics: Vec<String>,
    pub publishes: Publishes,
    /// So long after a result its study may be opened.
    pub patience_minutes: NonZeroU32,
    /// How often it is looked whether the study is open.
    pub look_seconds: NonZeroU32,
    /// For one request.
    pub timeout_seconds: NonZeroU64,
    pub bearer_file: Option<PathBuf>,
    /// Certificates to trust besides those of the public authorities, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// Which results are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publishes {
    /// Those in which something was found.
    Flagged,
    Any,
}

impl Fhircast {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        for file in [&mut self.bearer_file, &mut self.ca_file].into_iter().flatten() {
            *file = base.join(&*file);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        let Some(hub) = &self.hub else { return };
        if !is_trusted(hub) || hub.contains(['@', '%', '\\']) {
            problems.add(
                "fhircast.hub",
                "expected an https:// address without @, ? and #, or http:// on loopback, such as https://hub.example.org/api/hub",
            );
        }
        if self.topics.is_empty() {
            problems.add(
                "fhircast.topics",
                "expected the name of a session at least, because fhircast.hub is set",
            );
        }
        for (index, topic) in self.topics.iter().enumerate() {
            if topic.is_empty() || topic.chars().any(|c| c.is_control() || c.is_whitespace()) {
                problems.add(
                    &format!("fhircast.topics.{index}"),
                    "expected a name without spaces",
                );
            }
        }
        for (name, file) in [("bearer_file", &self.bearer_file), ("ca_file", &self.ca_file)] {
            if file.as_deref().is_some_and(|path| !path.is_file()) {
                problems.add(&format!("fhircast.{name}"), "expected a file; there is none");
            }
        }
    }
}
