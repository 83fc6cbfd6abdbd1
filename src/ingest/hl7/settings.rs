//! Who may send HL7 and how much: the settings of the MLLP listener, already checked and complete.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use tocsin_domain::ids::SiteId;

use super::header::Header;
use super::mllp::DEFAULT_LIMIT;
use super::vendor_results::AiSender;
use crate::report::read_profile::ReadProfile;

#[derive(Clone, Debug)]
pub struct MllpSettings {
    /// Ours: MSH-3 and MSH-4 of an answer to a message that is addressed to nobody.
    pub application: String,
    pub facility: String,
    pub accept: Accept,
    /// For senders that are not listed.
    pub reading: SiteReading,
    /// MSH-11 values that are taken.
    pub processing_ids: Vec<String>,
    /// Whose ORU^R01 are results of products.
    pub ai_senders: Vec<AiSender>,
    /// What a sender meets whose messages somebody has paused.
    pub when_paused: WhenPaused,
    pub limits: MllpLimits,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenPaused {
    /// Its connection is closed without an answer, so that it keeps the message and tries again.
    #[default]
    Close,
    /// It is answered AR (CR), and nothing is kept.
    Reject,
}

/// How the messages of a sender are read, and to which site they belong.
#[derive(Clone, Debug)]
pub struct SiteReading {
    pub site: SiteId,
    pub zone: Tz,
    pub profile: Arc<ReadProfile>,
    /// Where an application's answers go that come later; `None` when they are not sent.
    pub answers: Option<LaterAnswers>,
}

/// The way of the answers that come after a message was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaterAnswers {
    /// The sender by its name in the configuration.
    pub peer: String,
    pub way: AnswerWay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerWay {
    /// A connection that we open; a job does.
    OwnConnection,
    /// The next connection of that sender, usually the one that the message came on.
    SameConnection,
}

/// Whose connections are accepted.
#[derive(Clone, Debug)]
pub enum Accept {
    /// Anyone on this machine. Senders that are listed are read as listed.
    Loopback(Vec<Peer>),
    /// Those listed. A name in MSH is no proof of identity: the address must fit too.
    Peers(Vec<Peer>),
}

/// A sender that is known.
#[derive(Clone, Debug)]
pub struct Peer {
    pub name: String,
    pub host: PeerHost,
    /// MSH-3 it must use; any when absent.
    pub application: Option<String>,
    /// MSH-4 it must use; any when absent.
    pub facility: Option<String>,
    pub reading: SiteReading,
}

/// Where a peer calls from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerHost {
    Address(IpAddr),
    /// Looked up at each connection.
    Name(String),
}

#[derive(Clone, Debug)]
pub struct MllpLimits {
    pub message_bytes: usize,
    pub connections: usize,
    pub connections_per_peer: usize,
    /// Between two messages of a connection.
    pub idle: Duration,
    /// From the first byte of a frame to its last.
    pub frame: Duration,
    /// For an answer to be taken by the sender.
    pub write: Duration,
    /// For a host name to be looked up.
    pub lookup: Duration,
}

impl Default for MllpLimits {
    fn default() -> Self {
        Self {
            message_bytes: DEFAULT_LIMIT,
            connections: 64,
            connections_per_peer: 16,
            idle: Duration::from_secs(600),
            frame: Duration::from_secs(60),
            write: Duration::from_secs(30),
            lookup: Duration::from_secs(5),
        }
    }
}

impl From<&str> for PeerHost {
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::Name(text.to_owned()),
        }
    }
}

/// What an address is entitled to, decided when it connects.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) peers: Vec<Peer>,
    /// Used when no peer fits; `None` refuses the message.
    pub(super) otherwise: Option<SiteReading>,
}

impl MllpSettings {
    /// `None`: nobody from there may connect.
    pub(super) async fn recognise(&self, address: IpAddr) -> Option<Caller> {
        let address = address.to_canonical();
        let (listed, otherwise) = match &self.accept {
            Accept::Loopback(_) if !address.is_loopback() => return None,
            Accept::Loopback(peers) => (peers, Some(self.reading.clone())),
            Accept::Peers(peers) => (peers, None),
        };
        let mut peers = Vec::new();
        for peer in listed {
            if peer.host.is_at(address, self.limits.lookup).await {
                peers.push(peer.clone());
            }
        }
        let entitled = otherwise.is_some() || !peers.is_empty();
        entitled.then_some(Caller { peers, otherwise })
    }
}

impl Caller {
    /// How to read a message with this header, and the name of its sender if it is listed; `None` when its MSH-3 and MSH-4
    /// belong to no peer at this address.
    pub(super) fn sender(&self, header: &Header) -> Option<(Option<&str>, &SiteReading)> {
        let fits = |wanted: &Option<String>, said: &str| wanted.as_ref().is_none_or(|w| w == said);
        let peer = self.peers.iter().find(|peer| {
            fits(&peer.application, &header.sending_application)
                && fits(&peer.facility, &header.sending_facility)
        });
        let listed = peer.map(|peer| (Some(peer.name.as_str()), &peer.reading));
        listed.or(self.otherwise.as_ref().map(|reading| (None, reading)))
    }
}

impl PeerHost {
    async fn is_at(&self, address: IpAddr, limit: Duration) -> bool {
        let name = match self {
            Self::Address(listed) => return listed.to_canonical() == address,
            Self::Name(name) => name,
        };
        let lookup = tokio::time::timeout(limit, tokio::net::lookup_host((name.as_str(), 0))).await;
        match lookup {
            Ok(Ok(mut found)) => found.any(|found| found.ip().to_canonical() == address),
            Ok(Err(error)) => {
                tracing::warn!(host = %name, %error, "the host name of an HL7 peer cannot be resolved");
                false
            }
            Err(_) => {
                tracing::warn!(host = %name, "the host name of an HL7 peer was not resolved in time");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::hl7::event::open;
    use crate::report::site_profile::{DEFAULT_251, SiteProfile};

    fn reading(site: &str) -> SiteReading {
        SiteReading {
            site: SiteId(site.into()),
            zone: chrono_tz::UTC,
            profile: Arc::new(SiteProfile::parse(DEFAULT_251).unwrap().read),
            answers: None,
        }
    }

    fn settings(accept: fn(Vec<Peer>) -> Accept) -> MllpSettings {
        let peer = |name: &str, host: &str, application: Option<&str>| Peer {
            name: name.into(),
            host: host.into(),
            application: application.map(Into::into),
            facility: None,
            reading: reading(name),
        };
        MllpSettings {
            application: "TOCSIN".into(),
            facility: String::new(),
            accept: accept(vec![
                peer("ris", "127.0.0.1", Some("RIS")),
                peer("adt", "10.0.0.1", None),
            ]),
            reading: reading("here"),
            processing_ids: vec!["P".into()],
            ai_senders: Vec::new(),
            when_paused: WhenPaused::default(),
            limits: MllpLimits::default(),
        }
    }

    async fn site(settings: &MllpSettings, address: &str, application: &str) -> Option<String> {
        let caller = settings.recognise(address.parse().unwrap()).await?;
        let opened = open(format!("MSH|^~\\&|{application}|").as_bytes()).unwrap();
        let sender = caller.sender(opened.header());
        sender.map(|(_, reading)| reading.site.0.clone())
    }

    #[tokio::test]
    async fn a_sender_is_known_by_its_address_and_its_name() {
        let loopback = settings(Accept::Loopback);
        let peers = settings(Accept::Peers);
        for (settings, address, application, wanted) in [
            (&loopback, "127.0.0.1", "RIS", Some("ris")),
            (&loopback, "::1", "OTHER", Some("here")),
            (&loopback, "10.0.0.1", "ADT", None),
            (&peers, "127.0.0.1", "RIS", Some("ris")),
            (&peers, "::ffff:127.0.0.1", "RIS", Some("ris")),
            (&peers, "127.0.0.1", "OTHER", None),
            (&peers, "10.0.0.1", "ANY", Some("adt")),
            (&peers, "10.0.0.2", "RIS", None),
        ] {
            let got = site(settings, address, application).await;
            assert_eq!(got.as_deref(), wanted, "{application} at {address}");
        }
    }
}
