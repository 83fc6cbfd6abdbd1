//! `[priors]`: the archives that are asked for earlier studies of a patient, and how much is fetched. It names the files of
//! credentials; the application reads them.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tocsin_domain::ids::SiteId;

use super::check::Problems;
use super::dicom::Dicom;
use super::site::Site;
use super::value::{Accept, AeTitle};
use super::web::{self, WebKeys};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priors {
    /// Fetched for one study from one archive at most, the newest first.
    pub studies: NonZeroU32,
    /// Older ones are left where they are.
    pub years: NonZeroU32,
    /// Images of all of them together.
    pub instances: NonZeroU32,
    /// Answers of an archive to one question; one that gives more is not listened to.
    pub answers: NonZeroU32,
    /// For one question, or one study to come.
    pub timeout_seconds: NonZeroU64,
    pub sources: Vec<PriorSource>,
}

/// An archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorSource {
    /// For people, and in the rows of what was asked.
    pub name: String,
    pub retrieve: Retrieve,
    /// Of whose studies it is asked; of all sites where it is not said.
    pub site: Option<SiteId>,
    /// Where it is asked, for C-FIND with C-GET or C-MOVE.
    pub ae_title: Option<AeTitle>,
    pub host: Option<String>,
    pub port: Option<u16>,
    /// It is called under TLS; DICOMweb says so in its address.
    #[serde(default)]
    pub tls: bool,
    /// Below it lies `/studies`, for DICOMweb.
    pub url: Option<String>,
    pub bearer_file: Option<PathBuf>,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    /// Images that an Instance Availability Notification says can be had at this AE title are fetched, to be read.
    #[serde(default)]
    pub fetch_announced: bool,
    /// Certificates to trust besides those of the public authorities, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// How an archive sends what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retrieve {
    CGet,
    /// To our listener: the archive knows our AE title, and is among those that may send.
    CMove,
    Dicomweb,
}

impl Priors {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        for source in &mut self.sources {
            let files = [
                &mut source.bearer_file,
                &mut source.password_file,
                &mut source.ca_file,
            ];
            web::resolve(base, files);
        }
    }

    pub(super) fn check(&self, dicom: &Dicom, site: &Site, problems: &mut Problems<'_>) {
        for (index, source) in self.sources.iter().enumerate() {
            let key = |name: &str| format!("priors.sources.{index}.{name}");
            problems.not_empty(&key("name"), &source.name);
            site.check_reference(&key("site"), source.site.as_ref(), problems);
            if self
                .sources
                .iter()
                .take(index)
                .any(|earlier| earlier.name == source.name)
            {
                problems.add(&key("name"), "expected a name that no other source has");
            }
            if source.fetch_announced && source.ae_title.is_none() {
                problems.add(
                    &key("ae_title"),
                    "missing; expected the AE title under which notices name this archive",
                );
            }
            match source.retrieve {
                Retrieve::CGet | Retrieve::CMove => source.check_dimse(&key, dicom, problems),
                Retrieve::Dicomweb => source.web().check(&key, problems),
            }
        }
    }
}

impl PriorSource {
    fn check_dimse(&self, key: &dyn Fn(&str) -> String, dicom: &Dicom, problems: &mut Problems<'_>) {
        let Some(title) = &self.ae_title else {
            return problems.add(&key("ae_title"), "missing; expected the archive's AE title");
        };
        if self.host.as_deref().is_none_or(|host| host.trim().is_empty()) {
            problems.add(&key("host"), "missing; expected the archive's name or address");
        }
        if self.port.is_none_or(|port| port == 0) {
            problems.add(&key("port"), "expected the port on which it listens, such as 104");
        }
        let may_send = dicom.accept == Accept::Loopback || dicom.peer(title.as_str()).is_some();
        if self.retrieve == Retrieve::CMove && !may_send {
            problems.add(
                &key("ae_title"),
                "expected one of dicom.peers, because with c-move the archive sends to our listener",
            );
        }
    }

    /// What it is called with where it speaks DICOMweb.
    pub fn web(&self) -> WebKeys<'_> {
        WebKeys {
            url: self.url.as_deref(),
            bearer_file: self.bearer_file.as_deref(),
            user: self.user.as_deref(),
            password_file: self.password_file.as_deref(),
            ca_file: self.ca_file.as_deref(),
        }
    }
}
