//! `[auth.oidc]`: the identity provider that people may sign in with (OpenID Connect). It names the files of the secret and
//! of certificates; the application reads them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// As the provider names itself; `/.well-known/openid-configuration` is found below it.
    pub issuer: String,
    pub client_id: String,
    /// Without it we are a public client: PKCE alone protects the code.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// Besides `openid`.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// The claim of the ID token that says what somebody is; dots lead into it, as in `realm_access.roles`.
    pub role_claim: String,
    /// Values of that claim. Who has none of them is refused; of several the first in the order of [`OidcRole`] holds.
    pub roles: BTreeMap<String, OidcRole>,
    /// Of the button.
    #[serde(default = "default_label")]
    pub label: String,
    /// Certificates to trust besides those of the public authorities, in PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default)]
    pub second_factor: OidcFactor,
}

/// What somebody may be here, those who may most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OidcRole {
    Admin,
    Governance,
    IntegrationEngineer,
    Radiologist,
    QaReviewer,
    StrokeTeam,
    Technologist,
    Service,
}

/// Who asks administrators and governance for a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OidcFactor {
    /// The provider has done so already.
    Provider,
    #[default]
    Ours,
}

fn default_scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).to_vec()
}

fn default_label() -> String {
    "Single sign-on".to_owned()
}

impl Oidc {
    pub(super) fn resolve(&mut self, base: &Path) {
        for file in [&mut self.client_secret_file, &mut self.ca_file]
            .into_iter()
            .flatten()
        {
            *file = base.join(&*file);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        for (key, text) in [
            ("auth.oidc.client_id", &self.client_id),
            ("auth.oidc.role_claim", &self.role_claim),
            ("auth.oidc.label", &self.label),
        ] {
            problems.not_empty(key, text);
        }
        if !is_trusted(&self.issuer) {
            problems.add(
                "auth.oidc.issuer",
                "expected an https:// address without ? and #, or http:// on loopback, such as https://id.example.org/realms/hospital",
            );
        }
        if self.roles.is_empty() {
            problems.add(
                "auth.oidc.roles",
                "expected at least one value of the claim, such as radiologists = \"radiologist\"",
            );
        }
        for (key, file, what) in [
            (
                "auth.oidc.client_secret_file",
                &self.client_secret_file,
                "the secret",
            ),
            ("auth.oidc.ca_file", &self.ca_file, "certificates in PEM"),
        ] {
            if file.as_deref().is_some_and(|path| !path.is_file()) {
                problems.add(key, &format!("expected a file that holds {what}; there is none"));
            }
        }
    }
}

/// What a provider says over a line that others can write on is worth nothing.
pub(super) fn is_trusted(issuer: &str) -> bool {
    let on_loopback = |rest: &str| {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    };
    let plain = !issuer.contains(['?', '#', ' ']);
    plain
        && (issuer
            .strip_prefix("https://")
            .is_some_and(|rest| !rest.is_empty())
            || issuer.strip_prefix("http://").is_some_and(on_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_reached_by_https_or_on_this_machine() {
        for good in [
            "https://id.example.org/realms/a",
            "http://localhost:8081",
            "http://127.0.0.1/x",
        ] {
            assert!(is_trusted(good), "{good}");
        }
        for bad in [
            "http://id.example.org",
            "https://",
            "https://a?b",
            "ftp://a",
            "",
            "http://localhost.evil.org",
        ] {
            assert!(!is_trusted(bad), "{bad}");
        }
    }

    #[test]
    fn those_who_may_most_come_first() {
        assert_eq!(
            [OidcRole::Radiologist, OidcRole::Admin].iter().min(),
            Some(&OidcRole::Admin)
        );
    }
}
