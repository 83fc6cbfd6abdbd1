//! `[ris]`: the system that is told of changed priorities and of results.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ris {
    pub enabled: bool,
    pub host: Option<String>,
    pub port: u16,
    /// It is called under TLS.
    pub tls: bool,
    /// How it wants its messages: a name among the shipped profiles, or a path.
    pub profile: String,
    /// Its MSH-5 in what we send.
    pub application: String,
    /// Its MSH-6 in what we send.
    pub facility: String,
    pub ack_timeout_seconds: NonZeroU64,
}

impl Ris {
    /// Where to connect; `None` when nothing is to be sent.
    pub fn target(&self) -> Option<(&str, u16)> {
        self.host
            .as_deref()
            .filter(|_| self.enabled)
            .map(|host| (host, self.port))
    }

    pub fn ack_timeout(&self) -> Duration {
        Duration::from_secs(self.ack_timeout_seconds.get())
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if !self.enabled {
            return;
        }
        if self.host.as_deref().is_none_or(str::is_empty) {
            problems.add(
                "ris.host",
                "missing; expected a host name or an address, because ris.enabled is true",
            );
        }
        if self.port == 0 {
            problems.add("ris.port", "expected a port from 1 to 65535");
        }
    }
}
