//! From `[auth.oidc]` to the identity provider that the API asks: reads the secret and the certificates that it names.

use std::path::Path;

use super::error::AppError;
use crate::api::auth::Role;
use crate::api::auth::oidc::provider::Provider;
use crate::api::auth::oidc::{FactorAt, OidcSettings};
use crate::config::oidc::{OidcFactor, OidcRole};
use crate::config::{Config, secret};

/// Where people may sign in besides here, if there is such a place. Nobody is asked yet.
pub fn provider(config: &Config) -> Result<Option<Provider>, AppError> {
    let Some(oidc) = &config.auth.oidc else {
        return Ok(None);
    };
    let wrong = |problem: String| AppError::Identity { problem };
    let secret = oidc.client_secret_file.as_deref().map(secret_text).transpose();
    let secret = secret.map_err(|problem| wrong(format!("auth.oidc.client_secret_file: {problem}")));
    let certificates = oidc.ca_file.as_deref().map(std::fs::read).transpose();
    let mut roles: Vec<_> = oidc.roles.iter().collect();
    roles.sort_by_key(|(_, role)| **role);
    let settings = OidcSettings {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret: secret?,
        scopes: oidc.scopes.clone(),
        role_claim: oidc.role_claim.clone(),
        roles: roles
            .into_iter()
            .map(|(said, role)| (said.clone(), role_of(*role)))
            .collect(),
        label: oidc.label.clone(),
        certificates: certificates.map_err(|error| wrong(format!("auth.oidc.ca_file: {error}")))?,
        factor: match oidc.second_factor {
            OidcFactor::Provider => FactorAt::Provider,
            OidcFactor::Ours => FactorAt::Ours,
        },
    };
    Provider::new(settings).map(Some).map_err(|error| {
        wrong(format!(
            "auth.oidc.ca_file: expected certificates in PEM: {error}"
        ))
    })
}

/// A secret in a file that nobody else can read.
///
/// # Errors
/// What is wrong with the file, without its name.
pub(super) fn secret_text(path: &Path) -> Result<String, &'static str> {
    let about = std::fs::metadata(path).map_err(|_| "cannot be read")?;
    if secret::exposed(&about) {
        return Err("can be read by others: expected mode 0600 (chmod 600)");
    }
    let text = std::fs::read_to_string(path).map_err(|_| "cannot be read")?;
    match text.trim() {
        "" => Err("is empty: expected the secret of the client"),
        secret => Ok(secret.to_owned()),
    }
}

fn role_of(role: OidcRole) -> Role {
    match role {
        OidcRole::Admin => Role::Admin,
        OidcRole::Governance => Role::Governance,
        OidcRole::IntegrationEngineer => Role::IntegrationEngineer,
        OidcRole::Radiologist => Role::Radiologist,
        OidcRole::QaReviewer => Role::QaReviewer,
        OidcRole::StrokeTeam => Role::StrokeTeam,
        OidcRole::Technologist => Role::Technologist,
        OidcRole::Service => Role::Service,
    }
}
