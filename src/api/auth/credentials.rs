//! What somebody shows to prove who they are: a password with the code of an authenticator where the account has one, or a
//! bearer token. Used to sign in, to come back to a locked screen, and before privileged acts.

use actix_web::web;
use serde::Deserialize;

use super::factor::Factor;
use super::guard::known_token;
use super::role::Role;
use super::secret;
use super::session::Subject;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::accounts;
use crate::storage::entity::account;

/// Verified in place of an account that is not there, so that both take as long. No password has this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What was typed.
#[derive(Default, Deserialize)]
pub struct Given {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub password: String,
    /// Of the authenticator, where the account has one.
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub token: String,
}

/// Somebody whose secret was right.
pub struct Known {
    pub subject: Subject,
    pub name: String,
    pub role: Role,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unknown,
    /// The password was right, and the code was missing, wrong or used before.
    Code,
}

/// Looks at what was typed; the inner error is the person's, the outer one ours.
pub async fn check(state: &State, given: Given) -> Result<Result<Known, Refused>, ApiError> {
    match given.token.trim() {
        "" => by_password(state, given).await,
        token => by_token(state, token).await,
    }
}

async fn by_token(state: &State, token: &str) -> Result<Result<Known, Refused>, ApiError> {
    match known_token(state, token).await {
        Ok((name, role, id)) => Ok(Ok(Known {
            subject: Subject::Token(id),
            name,
            role,
        })),
        Err(ApiError::Unauthenticated) => Ok(Err(Refused::Unknown)),
        Err(other) => Err(other),
    }
}

async fn by_password(state: &State, given: Given) -> Result<Result<Known, Refused>, ApiError> {
    let account = accounts::by_name(state.store.read(), given.name.trim()).await?;
    let matches = password_matches(account.as_ref(), given.password).await?;
    let Some(row) = account.filter(|row| matches && !row.disabled) else {
        return Ok(Err(Refused::Unknown));
    };
    let Some(role) = Role::parse(&row.role) else {
        return Ok(Err(Refused::Unknown));
    };
    if row.factor_nonce.is_some() && !spend(state, &row, &given.code).await? {
        return Ok(Err(Refused::Code));
    }
    Ok(Ok(Known {
        role,
        subject: Subject::Account(row.id),
        name: row.name,
    }))
}

/// As slow for an account that is not there, or has no password, as for one that has.
pub async fn password_matches(row: Option<&account::Model>, password: String) -> Result<bool, ApiError> {
    let kept = row.map(|row| row.password_hash.as_str());
    let kept = kept.filter(|hash| !hash.is_empty()).unwrap_or(NOBODY).to_owned();
    web::block(move || secret::password_matches(&password, &kept))
        .await
        .map_err(|_| ApiError::Internal)
}

/// Whether this is the code that the account's authenticator shows now; it is used up by being asked about.
pub async fn spend(state: &State, row: &account::Model, code: &str) -> Result<bool, ApiError> {
    let Some(nonce) = &row.factor_nonce else {
        return Ok(false);
    };
    let Some(step) = factor_of(state, row, nonce)?.accepts(code, state.now(), row.factor_step) else {
        return Ok(false);
    };
    let id = row.id.clone();
    let spent = state
        .store
        .write_first(move |tx| Box::pin(async move { accounts::spend_code(tx, &id, step).await }))
        .await?;
    Ok(spent)
}

/// The factor of an account under a nonce.
pub fn factor_of(state: &State, row: &account::Model, nonce: &str) -> Result<Factor, ApiError> {
    let (key, site) = (&state.keys.session, &state.settings.site_name);
    Factor::of(key, &row.id, nonce, site, &row.name).ok_or(ApiError::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_not_there_costs_as_much_to_try_and_takes_no_password() {
        let ours = secret::hash_password("correct horse battery", &[7; 16]).expect("a hash");
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(NOBODY), cost(&ours));
        assert!(!secret::password_matches("", NOBODY));
    }
}
