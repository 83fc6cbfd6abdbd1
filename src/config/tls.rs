//! `[tls]`: our certificate towards neighbours, for DICOM and HL7 under TLS. It names the files; the application reads them.
//! The pages are served behind a proxy that has a certificate of its own.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Ours, then those between it and its authority, in PEM.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM; for the owner alone.
    pub key_file: PathBuf,
    /// The authorities that sign our neighbours' certificates, in PEM.
    pub ca_file: PathBuf,
    /// Whether who calls us shows a certificate.
    #[serde(default)]
    pub clients: ClientCertificates,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    #[default]
    Required,
    Optional,
}

impl Tls {
    pub(super) fn resolve(&mut self, base: &Path) {
        for file in [&mut self.certificate_file, &mut self.key_file, &mut self.ca_file] {
            *file = base.join(&*file);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        for (key, file, what) in [
            ("tls.certificate_file", &self.certificate_file, "our certificate"),
            ("tls.key_file", &self.key_file, "its private key"),
            ("tls.ca_file", &self.ca_file, "certificates of authorities"),
        ] {
            if !file.is_file() {
                problems.add(
                    key,
                    &format!("expected a file that holds {what} in PEM; there is none"),
                );
            }
        }
    }
}
