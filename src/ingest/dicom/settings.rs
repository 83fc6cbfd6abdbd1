//! Who may send and how much: the settings of the DICOM listener, already checked and complete.

use std::net::IpAddr;
use std::time::Duration;

use super::prescan;
use crate::config;
use crate::config::value;
use crate::deliver::dicom::wire::MAX_PDU_BYTES;

/// Deeper nesting than this could exhaust the stack of whoever reads the object later, whatever is configured.
const MAX_DEPTH: usize = 256;
/// The ARTIM timer is no longer than this.
const MAX_ARTIM: Duration = Duration::from_secs(30);

/// Settings of the storage and verification SCP.
#[derive(Clone, Debug)]
pub struct ScpSettings {
    /// What senders must call; at most 16 characters.
    pub ae_title: String,
    pub accept: Accept,
    pub limits: ScpLimits,
}

/// Whose associations are accepted.
#[derive(Clone, Debug)]
pub enum Accept {
    /// Any AE title, from this machine only. Those listed may do more than send.
    Loopback(Vec<Peer>),
    /// Those listed. An AE title is no proof of identity: the address must fit too.
    Peers(Vec<Peer>),
}

/// A sender that is known.
#[derive(Clone, Debug)]
pub struct Peer {
    pub ae_title: String,
    pub host: PeerHost,
    pub rights: Rights,
}

/// What a peer may do. Images leave for those alone of whom the configuration says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rights {
    #[default]
    Send,
    SendAndRetrieve,
}

impl Rights {
    pub fn may_retrieve(self) -> bool {
        match self {
            Self::Send => false,
            Self::SendAndRetrieve => true,
        }
    }
}

/// Where a peer calls from.
#[derive(Clone, Debug)]
pub enum PeerHost {
    Any,
    Address(IpAddr),
    /// Looked up at each association.
    Name(String),
}

#[derive(Clone, Debug)]
pub struct ScpLimits {
    pub associations: usize,
    pub associations_per_peer: usize,
    /// From the connection to the association request, the ARTIM timer of PS3.8 9.1.5.
    pub artim: Duration,
    /// From the first byte of a PDU to its last.
    pub pdu: Duration,
    /// Between two messages of an association.
    pub idle: Duration,
    /// Longest PDU that we announce to take.
    pub pdu_bytes: u32,
    /// Data set of one instance.
    pub instance_bytes: u64,
    /// Instances are refused while less than this is free on the disk.
    pub disk_reserve_bytes: u64,
    pub prescan: prescan::Limits,
}

impl Default for ScpLimits {
    fn default() -> Self {
        Self {
            associations: 64,
            associations_per_peer: 20,
            artim: Duration::from_secs(30),
            pdu: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            pdu_bytes: MAX_PDU_BYTES,
            instance_bytes: 2 * 1024 * 1024 * 1024,
            disk_reserve_bytes: 1024 * 1024 * 1024,
            prescan: prescan::Limits::default(),
        }
    }
}

impl ScpSettings {
    pub fn new(ae_title: &str, accept: Accept) -> Self {
        Self {
            ae_title: ae_title.to_owned(),
            accept,
            limits: ScpLimits::default(),
        }
    }

    /// From the sections `[dicom]` and `[storage]`.
    pub fn from_config(section: &config::dicom::Dicom, storage: &config::storage::Storage) -> Self {
        let callers = section.peers.iter().filter(|peer| peer.may_call());
        let peers = callers.map(Peer::from_config).collect();
        let accept = match section.accept {
            value::Accept::Loopback => Accept::Loopback(peers),
            value::Accept::Peers => Accept::Peers(peers),
        };
        let size = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        let limits = ScpLimits {
            associations: size(section.max_associations),
            associations_per_peer: size(section.max_associations_per_peer),
            artim: section.read_timeout().min(MAX_ARTIM),
            pdu: section.read_timeout(),
            idle: section.idle_timeout(),
            pdu_bytes: section.max_pdu_bytes,
            instance_bytes: section.max_instance_bytes(),
            disk_reserve_bytes: storage.min_free_mb.saturating_mul(1024 * 1024),
            prescan: prescan::Limits {
                depth: size(section.max_depth).min(MAX_DEPTH),
                ..prescan::Limits::default()
            },
        };
        Self {
            ae_title: section.ae_title.as_str().to_owned(),
            accept,
            limits,
        }
    }
}

impl Peer {
    fn from_config(peer: &config::dicom::DicomPeer) -> Self {
        let host = peer
            .host
            .parse()
            .map_or_else(|_| PeerHost::Name(peer.host.clone()), PeerHost::Address);
        Self {
            ae_title: peer.ae_title.as_str().to_owned(),
            host,
            rights: match peer.retrieve {
                true => Rights::SendAndRetrieve,
                false => Rights::Send,
            },
        }
    }
}

/// What is known of a caller before its request is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Known(Rights),
    /// Known, and somebody has stopped what it sends.
    Paused,
    /// The AE title is on no list.
    UnknownTitle,
    /// The AE title is listed, for other addresses than this one; or only this machine may call.
    WrongAddress,
}

impl Accept {
    pub(super) async fn recognise(&self, calling_ae: &str, address: IpAddr) -> Caller {
        let address = address.to_canonical();
        let peers = match self {
            Self::Loopback(peers) if address.is_loopback() => {
                let listed = peers.iter().find(|peer| peer.ae_title == calling_ae);
                return Caller::Known(listed.map_or(Rights::Send, |peer| peer.rights));
            }
            Self::Loopback(_) => return Caller::WrongAddress,
            Self::Peers(peers) => peers.iter().filter(|peer| peer.ae_title == calling_ae),
        };
        let mut caller = Caller::UnknownTitle;
        for peer in peers {
            if peer.host.is_at(address).await {
                return Caller::Known(peer.rights);
            }
            caller = Caller::WrongAddress;
        }
        caller
    }
}

impl PeerHost {
    async fn is_at(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Address(listed) => listed.to_canonical() == address,
            Self::Name(name) => match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(mut found) => found.any(|found| found.ip().to_canonical() == address),
                Err(error) => {
                    tracing::warn!(host = %name, %error, "the host name of a DICOM peer cannot be resolved");
                    false
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_is_known_by_its_title_and_its_address() {
        let listed = |host| Peer {
            ae_title: "CT1".into(),
            host,
            rights: Rights::SendAndRetrieve,
        };
        let peers = Accept::Peers(vec![listed(PeerHost::Address("10.0.0.1".parse().unwrap()))]);
        let loopback = Accept::Loopback(vec![listed(PeerHost::Any)]);
        let retrieves = Caller::Known(Rights::SendAndRetrieve);
        let table = [
            (&peers, "CT1", "10.0.0.1", retrieves),
            (&peers, "CT1", "::ffff:10.0.0.1", retrieves),
            (&peers, "CT1", "10.0.0.2", Caller::WrongAddress),
            (&peers, "CT2", "10.0.0.1", Caller::UnknownTitle),
            (&loopback, "ANY", "127.0.0.1", Caller::Known(Rights::Send)),
            (&loopback, "CT1", "127.0.0.1", retrieves),
            (&loopback, "CT1", "10.0.0.1", Caller::WrongAddress),
        ];
        for (accept, title, address, expected) in table {
            let caller = accept.recognise(title, address.parse().unwrap()).await;
            assert_eq!(caller, expected, "{title} from {address}");
        }
        let anywhere = Accept::Peers(vec![listed(PeerHost::Any)]);
        assert_eq!(
            anywhere.recognise("CT1", "10.9.9.9".parse().unwrap()).await,
            retrieves
        );
    }
}
