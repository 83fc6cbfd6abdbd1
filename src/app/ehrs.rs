//! From `[cds_hooks]` to what the API reads of it: the keys that each EHR signs with.

use openidconnect::JsonWebKey;
use openidconnect::core::CoreJsonWebKeySet;

use super::error::AppError;
use crate::api::auth::ehr::Ehr;
use crate::config::Config;

/// The EHRs that may ask for advice, each with the keys of its file.
pub fn of(config: &Config) -> Result<Vec<Ehr>, AppError> {
    let ehr = |(at, ehr): (usize, &crate::config::cds_hooks::Ehr)| {
        let wrong = |problem: String| AppError::Ehrs {
            problem: format!("cds_hooks.ehrs.{at}.jwks_file: {problem}"),
        };
        let text = std::fs::read_to_string(&ehr.jwks_file).map_err(|error| wrong(error.to_string()))?;
        let set: CoreJsonWebKeySet = serde_json::from_str(&text)
            .map_err(|error| wrong(format!("expected a JWK set with public keys: {error}")))?;
        if set.keys().is_empty() || set.keys().iter().any(|key| key.key_id().is_none()) {
            return Err(wrong("expected keys that sign, each with a kid".to_owned()));
        }
        Ok(Ehr {
            name: ehr.name.clone(),
            issuer: ehr.issuer.clone(),
            key_set_url: ehr.jwks_url.clone(),
            keys: set.keys().clone(),
        })
    };
    config.cds_hooks.ehrs.iter().enumerate().map(ehr).collect()
}
