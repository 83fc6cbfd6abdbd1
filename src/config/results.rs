//! `[results]`: whether what models say leaves at once, or waits until a radiologist lets it go, and what their agreement makes of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Of every finding that is not named below.
    pub send: Send,
    pub agreement: Agreement,
    /// By coding scheme and code, as in `SCT:1386000`.
    #[serde(default)]
    pub findings: BTreeMap<String, Send>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Send {
    AtOnce,
    Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// It is said with the result, which stays unverified.
    Stated,
    /// It verifies the finding: SR `VERIFIED`, OBX-11 `F`, Observation `final`.
    Verifies,
}

impl Results {
    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        for finding in self.findings.keys() {
            let named = finding.split_once(':');
            if !named.is_some_and(|(scheme, code)| !scheme.is_empty() && !code.is_empty()) {
                problems.add(
                    &format!("results.findings.{finding}"),
                    "expected a coding scheme and a code, such as \"SCT:1386000\"",
                );
            }
        }
    }
}
