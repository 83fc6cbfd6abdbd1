//! `[dicom]`: the listener for images, its limits, and the application entities we know.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tocsin_domain::ids::SiteId;

use super::archive::{ArchiveObject, RejectObjects};
use super::check::Problems;
use super::site::Site;
use super::value::{Accept, AeTitle, Listen};
use super::web::{self, WebKeys};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dicom {
    pub listen: Listen,
    /// Under TLS, beside the other; 2762 is the usual port.
    pub listen_tls: Option<Listen>,
    /// Ours; associations that call another are rejected.
    pub ae_title: AeTitle,
    pub accept: Accept,
    pub max_associations: NonZeroU32,
    pub max_associations_per_peer: NonZeroU32,
    /// The maximum PDU length we announce (PS3.8 D.1).
    pub max_pdu_bytes: u32,
    pub max_instance_mb: NonZeroU64,
    /// Nesting of sequences in a data set.
    pub max_depth: NonZeroU32,
    /// For the association request, and between the PDUs of one message.
    pub read_timeout_seconds: NonZeroU64,
    /// Between messages.
    pub idle_timeout_seconds: NonZeroU64,
    /// Silence that ends a series while its modality says by MPPS that it is still at work.
    pub step_patience_seconds: u32,
    pub peers: Vec<DicomPeer>,
}

/// Another application entity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DicomPeer {
    pub ae_title: AeTitle,
    /// A name or an address. A sender must connect from it; a receiver is called at it. Empty where it is called by its `url` alone.
    #[serde(default)]
    pub host: String,
    /// Where a receiver listens.
    pub port: Option<u16>,
    #[serde(default)]
    pub role: PeerRole,
    pub site: Option<SiteId>,
    /// A receiver is called under TLS.
    #[serde(default)]
    pub tls: bool,
    /// It may query for what is stored here and retrieve it.
    #[serde(default)]
    pub retrieve: bool,
    /// This receiver is asked to keep safe what it has taken.
    #[serde(default)]
    pub commitment: bool,
    /// What this receiver is sent, where it is not what `archive.send` says.
    pub send: Option<Vec<ArchiveObject>>,
    /// When it is told that objects are taken back, where that is not what `archive.reject` says.
    pub reject: Option<RejectObjects>,
    /// It is handed objects by STOW-RS instead of C-STORE: `/studies` lies below.
    pub url: Option<String>,
    pub bearer_file: Option<PathBuf>,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    /// Certificates to trust besides those of the public authorities, in PEM.
    pub ca_file: Option<PathBuf>,
}

impl DicomPeer {
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

    /// Whether it may open associations with us.
    pub fn may_call(&self) -> bool {
        !self.host.is_empty()
    }

    fn check_address(&self, key: &dyn Fn(&str) -> String, problems: &mut Problems<'_>) {
        if self.url.is_none() {
            problems.not_empty(&key("host"), &self.host);
            self.web().check_absent(key, problems);
            if self.role.receives() && self.port.is_none_or(|port| port == 0) {
                problems.add(&key("port"), "expected the port on which it listens, such as 104");
            }
            return;
        }
        self.web().check(key, problems);
        if !self.role.receives() {
            problems.add(
                &key("url"),
                "expected only of a receiver, with role archive or destination",
            );
        }
        if self.port.is_some() || self.tls {
            problems.add(
                &key("port"),
                "expected no port and no tls beside a url, which says both",
            );
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerRole {
    /// Sends images to us.
    #[default]
    Sender,
    /// Receives our results; may send as well.
    Archive,
    /// Receives the results of studies that a rule routes to it; may send as well.
    Destination,
}

impl PeerRole {
    /// Whether it is called, and so needs a port.
    pub fn receives(self) -> bool {
        match self {
            Self::Sender => false,
            Self::Archive | Self::Destination => true,
        }
    }
}

impl Dicom {
    /// Where results are sent, all or some.
    pub fn receivers(&self) -> impl Iterator<Item = &DicomPeer> {
        self.peers.iter().filter(|peer| peer.role.receives())
    }

    pub fn peer(&self, ae_title: &str) -> Option<&DicomPeer> {
        self.peers
            .iter()
            .find(|peer| peer.ae_title.as_str() == ae_title.trim())
    }

    pub fn max_instance_bytes(&self) -> u64 {
        self.max_instance_mb.get().saturating_mul(1024 * 1024)
    }

    pub fn read_timeout(&self) -> Duration {
        Duration::from_secs(self.read_timeout_seconds.get())
    }

    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_seconds.get())
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        for peer in &mut self.peers {
            let files = [&mut peer.bearer_file, &mut peer.password_file, &mut peer.ca_file];
            web::resolve(base, files);
        }
    }

    pub(super) fn check(&self, site: &Site, problems: &mut Problems<'_>) {
        problems.loopback_only("dicom.listen", self.accept, Some(self.listen));
        problems.loopback_only("dicom.listen_tls", self.accept, self.listen_tls);
        if !(4096..=4 * 1024 * 1024).contains(&self.max_pdu_bytes) {
            problems.add("dicom.max_pdu_bytes", "expected 4096 to 4194304");
        }
        // A study that stands still for five minutes counts as stuck.
        if self.step_patience_seconds > 240 {
            problems.add("dicom.step_patience_seconds", "expected 0 to 240");
        }
        for (index, peer) in self.peers.iter().enumerate() {
            let key = |name: &str| format!("dicom.peers.{index}.{name}");
            peer.check_address(&key, problems);
            site.check_reference(&key("site"), peer.site.as_ref(), problems);
            if peer.send.is_some() && !peer.role.receives() {
                problems.add(
                    &key("send"),
                    "expected only of a receiver, with role archive or destination",
                );
            }
            if peer.commitment && !(peer.role.receives() && peer.url.is_none()) {
                problems.add(
                    &key("commitment"),
                    "expected only of a receiver, with role archive or destination, that is called by C-STORE",
                );
            }
            if self
                .peers
                .iter()
                .take(index)
                .any(|earlier| earlier.ae_title == peer.ae_title)
            {
                problems.add(&key("ae_title"), "expected an AE title that no other peer has");
            }
        }
    }
}
