//! Requests to the provider, none of which takes long, follows a redirect or reads more than it should.

use std::time::Duration;

use openidconnect::reqwest::{self, Certificate, Client, redirect};
use openidconnect::{HttpRequest, HttpResponse, http};

/// A sign-in may need three of these, within the time that a request of a browser has.
const TIMEOUT: Duration = Duration::from_secs(4);
/// Bytes of an answer.
const LARGEST: usize = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the provider could not be reached, or was too slow")]
    Reach(#[from] reqwest::Error),
    #[error("the provider's answer is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("the provider's answer could not be read")]
    Malformed(#[from] http::Error),
}

/// # Errors
/// Certificates that are none.
pub fn client(certificates: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(1);
    for certificate in certificates
        .map(Certificate::from_pem_bundle)
        .transpose()?
        .unwrap_or_default()
    {
        builder = builder.add_root_certificate(certificate);
    }
    builder.build()
}

pub async fn fetch(client: &Client, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body)?)
}
