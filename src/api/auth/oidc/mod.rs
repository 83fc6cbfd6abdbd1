//! Signing in with an identity provider (OpenID Connect): the way there and back, what the provider says of somebody, and
//! which role that is here. A provider that is down costs its own button and nothing else.

pub mod arrival;
pub mod claims;
mod fetch;
pub mod journey;
pub mod provider;

use super::Role;

/// `[auth.oidc]` as far as requests read it.
#[derive(Clone)]
pub struct OidcSettings {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    /// Besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that says what somebody is; dots lead into it.
    pub role_claim: String,
    /// What its values are here; of several the first.
    pub roles: Vec<(String, Role)>,
    /// Of the button.
    pub label: String,
    /// In PEM, besides those of the public authorities.
    pub certificates: Option<Vec<u8>>,
    pub factor: FactorAt,
}

/// Who asks for a second factor those who need one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorAt {
    Provider,
    Ours,
}
