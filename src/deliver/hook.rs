//! Tells a subscriber over HTTP (FHIR R4 rest-hook). Calls nobody but those whom the site has named; follows no redirect, reads
//! nothing of what is answered, and no error names the address: it may name a patient's resource.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, StatusCode};

/// A receiver, as the site has configured it.
#[derive(Clone)]
pub struct HookPeer {
    pub name: String,
    pub client: Client,
    /// How we say who we are; never printed.
    pub bearer: Option<String>,
    pub timeout: Duration,
}

impl fmt::Debug for HookPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookPeer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("the receiver could not be reached, or broke off")]
    Reach(#[source] reqwest::Error),
    #[error("the receiver answered with status {0}")]
    Status(StatusCode),
}

impl HookPeer {
    /// Asks for nothing, to see whether somebody answers, whatever that is.
    pub async fn reach(&self, url: &str) -> Result<StatusCode, HookError> {
        let request = self.client.head(url).timeout(self.timeout);
        let answer = request.send().await;
        answer
            .map(|answer| answer.status())
            .map_err(|error| HookError::Reach(error.without_url()))
    }

    /// That something has happened, and no more.
    pub async fn nudge(&self, endpoint: &str) -> Result<(), HookError> {
        self.send(self.client.post(endpoint)).await
    }

    /// A resource, to be kept under its address below the endpoint.
    pub async fn put(&self, address: &str, media_type: &'static str, body: String) -> Result<(), HookError> {
        let request = self
            .client
            .put(address)
            .header(CONTENT_TYPE, media_type)
            .body(body);
        self.send(request).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<(), HookError> {
        let request = match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.timeout(self.timeout).send().await;
        let answer = answer.map_err(|error| HookError::Reach(error.without_url()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(HookError::Status(status)),
        }
    }
}
