//! `[fhir]`: the addresses of the site's identifiers, and the receivers whom subscriptions may have told. It names the files of
//! credentials; the application reads them.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;
use super::oidc::is_trusted;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fhir {
    /// Assigning authority, as messages and images say it, and the address by which FHIR knows its identifiers.
    #[serde(default)]
    pub systems: BTreeMap<String, String>,
    /// So often in a row a receiver may fail before its subscription is in error.
    pub failures: NonZeroU32,
    /// For one notice.
    pub timeout_seconds: NonZeroU64,
    pub receivers: Vec<Receiver>,
}

/// Somebody who may be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// For people, in the list of what is owed.
    pub name: String,
    /// Endpoints lie at it or below it.
    pub url: String,
    pub bearer_file: Option<PathBuf>,
    /// Certificates to trust besides those of the public authorities, in PEM.
    pub ca_file: Option<PathBuf>,
}

impl Fhir {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        for receiver in &mut self.receivers {
            for file in [&mut receiver.bearer_file, &mut receiver.ca_file]
                .into_iter()
                .flatten()
            {
                *file = base.join(&*file);
            }
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        for (authority, system) in &self.systems {
            if !is_address(system) {
                problems.add(
                    &format!("fhir.systems.{authority}"),
                    "expected an address, such as urn:oid:2.999.1 or https://hospital.example.org/patients",
                );
            }
        }
        for (index, receiver) in self.receivers.iter().enumerate() {
            let key = |name: &str| format!("fhir.receivers.{index}.{name}");
            problems.not_empty(&key("name"), &receiver.name);
            let earlier = self.receivers.iter().take(index);
            if earlier.into_iter().any(|earlier| earlier.name == receiver.name) {
                problems.add(&key("name"), "expected a name that no other receiver has");
            }
            if !is_trusted(&receiver.url) || receiver.url.contains(['@', '%', '\\']) {
                problems.add(
                    &key("url"),
                    "expected an https:// address without @, ? and #, or http:// on loopback, such as https://ehr.example.org/hooks",
                );
            }
            for (name, file) in [
                ("bearer_file", &receiver.bearer_file),
                ("ca_file", &receiver.ca_file),
            ] {
                if file.as_deref().is_some_and(|path| !path.is_file()) {
                    problems.add(&key(name), "expected a file; there is none");
                }
            }
        }
    }
}

/// A scheme, and something after it.
fn is_address(text: &str) -> bool {
    let known = ["urn:", "https://", "http://"];
    known
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        && !text.contains([' ', '|', ','])
}
