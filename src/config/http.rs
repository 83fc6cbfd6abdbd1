//! `[http]`: the pages and the API. Off loopback a public address over https and a named proxy that ends TLS are required:
//! sign-in cookies and the links in pages need them.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;
use super::value::{Listen, PublicUrl};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: Listen,
    pub public_url: Option<PublicUrl>,
    /// Addresses whose `X-Forwarded-For` is believed; they end TLS.
    pub trusted_proxies: Vec<IpAddr>,
    /// The largest request body that is read.
    pub body_limit_kb: NonZeroUsize,
    pub request_timeout_seconds: NonZeroU64,
    pub workers: NonZeroU32,
}

impl Http {
    /// The address for links; on loopback the one that is listened on. `bound` is the address in use (port 0 resolved).
    pub fn base_url(&self, bound: std::net::SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().to_owned(),
            None => format!("http://{bound}"),
        }
    }

    pub fn secure_cookies(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    pub fn body_limit(&self) -> usize {
        self.body_limit_kb.get().saturating_mul(1024)
    }

    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds.get())
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if self.listen.0.ip().is_loopback() {
            return;
        }
        match &self.public_url {
            None => problems.add(
                "http.public_url",
                "missing; expected the https:// address people use, because http.listen is not on loopback",
            ),
            Some(url) if !url.is_https() => {
                problems.add(
                    "http.public_url",
                    "expected https://, because http.listen is not on loopback",
                );
            }
            Some(_) => {}
        }
        if self.trusted_proxies.is_empty() {
            problems.add(
                "http.trusted_proxies",
                "expected the address of the proxy that ends TLS, such as [\"10.0.0.2\"], because http.listen is not on loopback",
            );
        }
    }
}
