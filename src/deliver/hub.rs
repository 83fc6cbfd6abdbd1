//! Talks with a FHIRcast hub over HTTP: asks what a session has open, and posts events. Calls nobody but the hub that the site
//! has named; follows no redirect, reads a bounded answer, and no error names a patient's resource.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

/// The longest context that is read.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A hub, as the site has configured it.
#[derive(Clone)]
pub struct HubPeer {
    pub url: Url,
    pub client: Client,
    /// How we say who we are; never printed.
    pub bearer: Option<String>,
    pub timeout: Duration,
}

impl fmt::Debug for HubPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubPeer").finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("the hub could not be reached, or broke off")]
    Reach(#[source] reqwest::Error),
    #[error("the hub answered with status {0}")]
    Status(StatusCode),
    #[error("the hub answered with what is no context: {0}")]
    Answer(&'static str),
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    Taken,
    /// The context has changed since it was asked for.
    Stale,
}

impl HubPeer {
    /// The current context of a session; `None` where the hub knows no such session.
    pub async fn current(&self, topic: &str) -> Result<Option<Value>, HubError> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| HubError::Answer("the hub's address takes no path"))?
            .pop_if_empty()
            .push(topic);
        let answer = self.send(self.client.get(url)).await?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => Ok(None),
            status if status.is_success() => read(answer).await.map(Some),
            status => Err(HubError::Status(status)),
        }
    }

    pub async fn post(&self, event: &Value) -> Result<Posted, HubError> {
        let request = self.client.post(self.url.clone());
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(event.to_string());
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Ok(Posted::Stale),
            status if status.is_success() => Ok(Posted::Taken),
            status => Err(HubError::Status(status)),
        }
    }

    /// What the hub says of itself.
    pub async fn configuration(&self) -> Result<Value, HubError> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| HubError::Answer("the hub's address takes no path"))?
            .pop_if_empty()
            .extend([".well-known", "fhircast-configuration"]);
        let answer = self.send(self.client.get(url)).await?;
        match answer.status() {
            status if status.is_success() => read(answer).await,
            status => Err(HubError::Status(status)),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, HubError> {
        let request = match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.timeout(self.timeout).send().await;
        answer.map_err(|error| HubError::Reach(error.without_url()))
    }
}

async fn read(mut answer: Response) -> Result<Value, HubError> {
    let mut bytes = Vec::new();
    let broken = |error: reqwest::Error| HubError::Reach(error.without_url());
    while let Some(piece) = answer.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_BYTES {
            return Err(HubError::Answer("expected 4 MiB at most"));
        }
    }
    serde_json::from_slice(&bytes).map_err(|_| HubError::Answer("expected JSON"))
}
