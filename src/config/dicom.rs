//! `[dicom]`: the listener for images, its limits, and the application entities we know.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use serde::Deserialize;
use tocsin_domain::ids::SiteId;

use super::archive::{ArchiveObject, RejectObjects};
use super::check::Problems;
use super::site::Site;
use super::value::{Accept, AeTitle, Listen};

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
    pub peers: Vec<DicomPeer>,
}

/// Another application entity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DicomPeer {
    pub ae_title: AeTitle,
    /// A name or an address. A sender must connect from it; a receiver is called at it.
    pub host: String,
    /// Where a receiver listens.
    pub port: Option<u16>,
    #[serde(default)]
    pub role: PeerRole,
    pub site: Option<SiteId>,
    /// A receiver is called under TLS.
    #[serde(default)]
    pub tls: bool,
    /// What this receiver is sent, where it is not what `archive.send` says.
    pub send: Option<Vec<ArchiveObject>>,
    /// When it is told that objects are taken back, where that is not what `archive.reject` says.
    pub reject: Option<RejectObjects>,
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

    pub(super) fn check(&self, site: &Site, problems: &mut Problems<'_>) {
        problems.loopback_only("dicom.listen", self.accept, Some(self.listen));
        problems.loopback_only("dicom.listen_tls", self.accept, self.listen_tls);
        if !(4096..=4 * 1024 * 1024).contains(&self.max_pdu_bytes) {
            problems.add("dicom.max_pdu_bytes", "expected 4096 to 4194304");
        }
        for (index, peer) in self.peers.iter().enumerate() {
            let key = |name: &str| format!("dicom.peers.{index}.{name}");
            problems.not_empty(&key("host"), &peer.host);
            site.check_reference(&key("site"), peer.site.as_ref(), problems);
            if peer.role.receives() && peer.port.is_none_or(|port| port == 0) {
                problems.add(&key("port"), "expected the port on which it listens, such as 104");
            }
            if peer.send.is_some() && !peer.role.receives() {
                problems.add(
                    &key("send"),
                    "expected only of a receiver, with role archive or destination",
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
