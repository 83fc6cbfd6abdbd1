//! From the configuration of a DICOMweb server to how it is called: reads the credentials and certificates that it names.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, redirect};

use super::identity;
use crate::config::web::WebKeys;
use crate::deliver::web::{Credentials, WebPeer};

/// `timeout` is for one request with its answer; without it whoever asks has a limit of their own.
///
/// # Errors
/// The key that is wrong, and what was expected.
pub fn web_peer(keys: &WebKeys<'_>, timeout: Option<Duration>) -> Result<WebPeer, String> {
    let secret =
        |key: &str, path: &Path| identity::secret_text(path).map_err(|problem| format!("{key}: {problem}"));
    let credentials = match (keys.bearer_file, keys.user, keys.password_file) {
        (Some(path), _, _) => Some(Credentials::Bearer(secret("bearer_file", path)?)),
        (None, Some(user), Some(path)) => Some(Credentials::Basic {
            user: user.to_owned(),
            password: secret("password_file", path)?,
        }),
        (None, _, _) => None,
    };
    let ca = |problem: String| format!("ca_file: expected certificates in PEM: {problem}");
    // A redirect could lead the credentials anywhere.
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(1);
    if let Some(limit) = timeout {
        builder = builder.timeout(limit);
    }
    if let Some(path) = keys.ca_file {
        let pem = std::fs::read(path).map_err(|error| ca(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| ca(error.to_string()))?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(WebPeer {
        base: keys.url.unwrap_or_default().trim_end_matches('/').to_owned(),
        credentials,
        client: builder.build().map_err(|error| ca(error.to_string()))?,
    })
}
