//! Configuration: embedded defaults, then the file, then the environment; checked once, as a whole. What comes out can be
//! used as it is. It opens the configuration file and looks whether named folders exist, and nothing else.

pub mod alerts;
pub mod archive;
pub mod auth;
pub mod cds_hooks;
mod check;
pub mod database;
pub mod dicom;
pub mod error;
pub mod fhir;
pub mod fhircast;
pub mod hl7;
pub mod http;
pub mod inference;
mod load;
pub mod log;
pub mod modality_worklist;
mod nearest;
pub mod oidc;
mod place;
pub mod priors;
mod read;
pub mod results;
pub mod retention;
pub mod ris;
pub mod rules;
pub mod secret;
pub mod shipped;
pub mod site;
pub mod storage;
pub mod tls;
pub mod value;
pub mod vendors;
pub mod web;

use std::path::{Path, PathBuf};

pub use error::{ConfigError, Place, Problem};

/// Everything that can be set, by section.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the file; relative paths were relative to it.
    pub base: PathBuf,
    pub site: site::Site,
    pub database: database::Database,
    pub storage: storage::Storage,
    pub http: http::Http,
    pub dicom: dicom::Dicom,
    pub hl7: hl7::Hl7,
    pub inference: inference::Inference,
    pub rules: rules::Rules,
    pub alerts: alerts::Alerts,
    pub ris: ris::Ris,
    pub archive: archive::Archive,
    pub priors: priors::Priors,
    pub modality_worklist: modality_worklist::ModalityWorklist,
    pub cds_hooks: cds_hooks::CdsHooks,
    pub fhir: fhir::Fhir,
    pub fhircast: fhircast::Fhircast,
    pub results: results::Results,
    pub retention: retention::Retention,
    pub auth: auth::Auth,
    /// Other vendors' products whose results are read.
    pub vendors: Vec<vendors::Vendor>,
    /// Without it nothing is sent or received under TLS.
    pub tls: Option<tls::Tls>,
    pub log: log::Log,
    /// Nothing is real. Said by the program that makes everything up, never by a file.
    pub demonstration: bool,
}

impl Config {
    /// Reads the file, and the environment of this process.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let base = std::path::absolute(path)
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned));
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        load::load(path, &base.unwrap_or_default(), &text, environment.collect())
    }

    /// The same from values in hand: `path` is used in messages, `base` for relative paths.
    pub fn from_text(
        path: &Path,
        base: &Path,
        text: &str,
        environment: Vec<(String, String)>,
    ) -> Result<Self, ConfigError> {
        load::load(path, base, text, environment)
    }

    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.dicom.accept == value::Accept::Peers && self.dicom.peers.is_empty() {
            warnings.push("dicom.peers is empty: nobody can send images".to_owned());
        }
        if self.hl7.accept == value::Accept::Peers && self.hl7.peers.is_empty() {
            warnings.push("hl7.peers is empty: nobody can send messages".to_owned());
        }
        if self.hl7.default_authority.is_empty() {
            warnings.push(
                "hl7.default_authority is empty: of two patients with one number, images cannot say whose they are"
                    .to_owned(),
            );
        }
        if !self.ris.enabled {
            warnings.push("ris.enabled is false: the RIS is not told of changed priorities".to_owned());
        }
        if self.dicom.receivers().next().is_none() {
            warnings.push("no archive among dicom.peers: results stay here".to_owned());
        }
        if self.alerts.capture_dir.is_some() {
            warnings
                .push("alerts.capture_dir is set: pages are written to a folder and reach nobody".to_owned());
        }
        warnings
    }
}
