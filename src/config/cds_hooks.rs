//! `[cds_hooks]`: the EHRs that may ask for advice, and how they name patients. It names the files of their keys; the
//! application reads them.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Problems;
use super::oidc::is_trusted;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CdsHooks {
    /// Web pages of EHRs that ask from within a browser.
    pub origins: Vec<String>,
    pub ehrs: Vec<Ehr>,
    pub patient_systems: Vec<PatientSystem>,
    /// An examination that was done or ordered so long ago at most is told to whoever orders it again.
    pub recent_hours: NonZeroU32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ehr {
    /// For people, and on the audit chain.
    pub name: String,
    /// `iss` of its tokens.
    pub issuer: String,
    /// The public keys (a JWK set) that it signs with.
    pub jwks_file: PathBuf,
    /// `jku` of its tokens, where they have one. Nothing is fetched from there.
    #[serde(default)]
    pub jwks_url: Option<String>,
}

/// How an EHR names the authority that gives out a patient's numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientSystem {
    /// `Patient.identifier.system`.
    pub system: String,
    /// As HL7 messages name it (PID-3.4).
    pub authority: String,
}

impl CdsHooks {
    pub(super) fn resolve(&mut self, base: &Path) {
        for ehr in &mut self.ehrs {
            ehr.jwks_file = base.join(&ehr.jwks_file);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        for (at, origin) in self.origins.iter().enumerate() {
            let bare = origin
                .split_once("://")
                .is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
            if !(bare && is_trusted(origin)) {
                problems.add(
                    &format!("cds_hooks.origins.{at}"),
                    "expected an https:// address without a path, such as https://ehr.example.org",
                );
            }
        }
        for (at, ehr) in self.ehrs.iter().enumerate() {
            let key = |name: &str| format!("cds_hooks.ehrs.{at}.{name}");
            problems.not_empty(&key("name"), &ehr.name);
            problems.not_empty(&key("issuer"), &ehr.issuer);
            let earlier = self.ehrs.iter().take(at);
            if earlier.clone().any(|other| other.issuer == ehr.issuer) {
                problems.add(&key("issuer"), "expected an issuer that no other EHR has");
            }
            if !ehr.jwks_file.is_file() {
                problems.add(
                    &key("jwks_file"),
                    "expected a file that holds a JWK set; there is none",
                );
            }
        }
        for (at, system) in self.patient_systems.iter().enumerate() {
            problems.not_empty(&format!("cds_hooks.patient_systems.{at}.system"), &system.system);
        }
    }
}
