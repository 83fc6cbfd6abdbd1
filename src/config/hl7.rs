//! `[hl7]`: the MLLP listener, its limits, and the systems we know.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;
use tocsin_domain::ids::SiteId;

use super::check::Problems;
use super::site::Site;
use super::value::{Accept, Listen};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hl7 {
    pub listen: Listen,
    /// Under TLS, beside the other; 2576 is a usual port.
    pub listen_tls: Option<Listen>,
    pub accept: Accept,
    /// Ours, in MSH-3 of what we send.
    pub application: String,
    /// Ours, in MSH-4 of what we send.
    pub facility: String,
    /// The assigning authority of patient identifiers that name none; empty when there is none.
    pub default_authority: String,
    /// How this site fills fields: a name among the shipped profiles, or a path.
    pub profile: String,
    pub max_message_kb: NonZeroUsize,
    pub max_connections: NonZeroU32,
    pub idle_timeout_seconds: NonZeroU64,
    /// What a sender meets whose messages somebody has paused.
    pub when_paused: WhenPaused,
    /// MSH-11 values that are accepted; others are answered AR.
    pub processing_ids: Vec<String>,
    pub peers: Vec<Hl7Peer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenPaused {
    /// Its connection is closed without an answer, so that it keeps the message and tries again.
    Close,
    /// It is answered AR, and nothing is kept: for senders that try again after that.
    Reject,
}

/// A system that sends us messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hl7Peer {
    pub name: String,
    /// A name or an address it connects from.
    pub host: String,
    /// MSH-3 it must use; any when absent.
    pub application: Option<String>,
    /// MSH-4 it must use; any when absent.
    pub facility: Option<String>,
    pub site: Option<SiteId>,
    /// Overrides the profile of the section for this peer.
    pub profile: Option<String>,
    /// Where the answers of enhanced mode go that come after a message was applied; none are sent when absent.
    pub application_answers: Option<ApplicationAnswers>,
}

/// `[hl7.peers.application_answers]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationAnswers {
    pub to: AnswersTo,
    pub host: Option<String>,
    pub port: Option<u16>,
    /// It is called under TLS.
    #[serde(default)]
    pub tls: bool,
    #[serde(default = "half_a_minute")]
    pub ack_timeout_seconds: NonZeroU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswersTo {
    /// A listener of that system, at `host` and `port`.
    Listener,
    /// The connection that the message came on, or the next one of that system.
    SameConnection,
}

fn half_a_minute() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(29)
}

impl ApplicationAnswers {
    fn check(&self, key: &str, problems: &mut Problems<'_>) {
        let addressed = (
            self.host.as_deref().is_some_and(|host| !host.is_empty()),
            self.port,
        );
        match (self.to, addressed) {
            (AnswersTo::Listener, (true, Some(1..))) => {}
            (AnswersTo::Listener, (false, _)) => {
                problems.add(
                    &format!("{key}.host"),
                    "missing; expected a host name or an address",
                );
            }
            (AnswersTo::Listener, (true, None | Some(0))) => {
                problems.add(&format!("{key}.port"), "expected a port from 1 to 65535");
            }
            (AnswersTo::SameConnection, (false, None)) => {}
            (AnswersTo::SameConnection, (_, _)) => {
                problems.add(key, "same-connection has no host and no port");
            }
        }
    }
}

impl Hl7 {
    pub fn max_message_bytes(&self) -> usize {
        self.max_message_kb.get().saturating_mul(1024)
    }

    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_seconds.get())
    }

    pub(super) fn check(&self, site: &Site, problems: &mut Problems<'_>) {
        problems.loopback_only("hl7.listen", self.accept, Some(self.listen));
        problems.loopback_only("hl7.listen_tls", self.accept, self.listen_tls);
        problems.not_empty("hl7.application", &self.application);
        problems.not_empty("hl7.profile", &self.profile);
        for (index, id) in self.processing_ids.iter().enumerate() {
            if !["P", "T", "D"].contains(&id.as_str()) {
                problems.add(
                    &format!("hl7.processing_ids.{index}"),
                    "expected P, T or D (HL7 table 0103)",
                );
            }
        }
        for (index, peer) in self.peers.iter().enumerate() {
            let key = |name: &str| format!("hl7.peers.{index}.{name}");
            problems.not_empty(&key("name"), &peer.name);
            problems.not_empty(&key("host"), &peer.host);
            site.check_reference(&key("site"), peer.site.as_ref(), problems);
            let Some(answers) = &peer.application_answers else {
                continue;
            };
            answers.check(&key("application_answers"), problems);
            // Answers are kept under the name of their receiver.
            if self.peers.iter().filter(|other| other.name == peer.name).count() > 1 {
                problems.add(&key("name"), "expected a name that no other peer has");
            }
        }
    }
}
