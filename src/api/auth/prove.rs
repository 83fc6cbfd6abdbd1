//! Somebody in a session proves again who they are: to come back to a locked screen, or before they change who may do what.

use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::credentials::{Given, Refused, password_matches, spend};
use super::guard::known_token;
use super::oidc::FactorAt;
use super::oidc::provider::Vouched;
use super::presence::{Effect, HALF, Presence, effect};
use super::principal::{Means, Principal, Proof};
use super::session::Subject;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::entity::account;
use crate::storage::{accounts, audit, sessions};

/// Looks at what was typed, and notes what it comes to. The inner error is the person's, the outer one ours.
pub async fn by_secret(
    state: &State,
    who: &Principal,
    given: Given,
) -> Result<Result<Effect, Refused>, ApiError> {
    let Proof::Session {
        csrf,
        subject,
        means,
        presence,
        ..
    } = &who.proof
    else {
        return Err(ApiError::BadRequest(
            "a bearer token proves itself with every request".into(),
        ));
    };
    let shown = match (subject, means) {
        (Subject::Token(id), _) => by_token(state, id, given.token.trim()).await?,
        (Subject::Account(id), Means::Provider) => by_code(state, id, *presence, &given.code).await?,
        (Subject::Account(id), Means::Password | Means::Token) => {
            by_password(state, id, *presence, given).await?
        }
    };
    let (object, site) = (subject.text(), &state.settings.site.0);
    let detail = serde_json::json!({});
    match shown {
        Ok(effect) => take(state, csrf, effect, who.did(action(effect), object, site, detail)).await?,
        Err(_) => {
            let event = who.was_refused(PROVE, object, site, detail);
            state
                .store
                .write_first(move |tx| Box::pin(async move { audit::record(tx, event).await }))
                .await?;
        }
    }
    Ok(shown)
}

const PROVE: &str = "session.prove";

fn action(effect: Effect) -> &'static str {
    match effect {
        Effect::Full | Effect::Half => PROVE,
        Effect::Unlock => "session.unlock",
    }
}

async fn by_token(state: &State, id: &str, token: &str) -> Result<Result<Effect, Refused>, ApiError> {
    match known_token(state, token).await {
        Ok((_, _, known)) if known == id => Ok(Ok(Effect::Full)),
        Ok(_) | Err(ApiError::Unauthenticated) => Ok(Err(Refused::Unknown)),
        Err(other) => Err(other),
    }
}

/// After the provider has done its part.
async fn by_code(
    state: &State,
    id: &str,
    presence: Presence,
    code: &str,
) -> Result<Result<Effect, Refused>, ApiError> {
    let row = account(state, id).await?;
    let right = presence == Presence::Half && spend(state, &row, code).await?;
    Ok(if right {
        Ok(Effect::Full)
    } else {
        Err(Refused::Code)
    })
}

async fn by_password(
    state: &State,
    id: &str,
    presence: Presence,
    given: Given,
) -> Result<Result<Effect, Refused>, ApiError> {
    let row = account(state, id).await?;
    if !password_matches(Some(&row), given.password).await? {
        return Ok(Err(Refused::Unknown));
    }
    let owes_code = row.factor_nonce.is_some() && !spend(state, &row, &given.code).await?;
    Ok(match effect(presence, owes_code) {
        Effect::Half => Err(Refused::Code),
        whole @ (Effect::Full | Effect::Unlock) => Ok(whole),
    })
}

async fn account(state: &State, id: &str) -> Result<account::Model, ApiError> {
    let row = accounts::by_id(state.store.read(), id).await?;
    row.ok_or(ApiError::Unauthenticated)
}

/// The provider vouches for somebody who has this session; `None` where it is another's, or has ended.
pub async fn by_provider(
    state: &State,
    session: &str,
    vouched: &Vouched,
    factor: FactorAt,
) -> Result<Option<Effect>, ApiError> {
    let conn = state.store.read();
    let Some(open) = sessions::open(conn, session).await? else {
        return Ok(None);
    };
    let Some(id) = open.subject.strip_prefix("account:") else {
        return Ok(None);
    };
    let row = account(state, id).await?;
    let same = row.issuer.as_ref() == Some(&vouched.identity.issuer)
        && row.subject.as_ref() == Some(&vouched.identity.subject);
    if !same || row.disabled {
        return Ok(None);
    }
    let presence = Presence::of(&open, state.now(), state.settings.idle_lock);
    let effect = effect(presence, owes_code(&row, factor));
    let event = Event {
        actor: row.name.clone(),
        actor_kind: ActorKind::Person,
        action: action(effect).to_owned(),
        object: open.subject.clone(),
        site: state.settings.site.0.clone(),
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "by": "identity provider" }),
    };
    take(state, session, effect, event).await?;
    Ok(Some(effect))
}

/// Whether the code of an authenticator of ours is still to be shown after the provider has vouched.
pub fn owes_code(row: &account::Model, factor: FactorAt) -> bool {
    match factor {
        FactorAt::Provider => false,
        FactorAt::Ours => row.factor_nonce.is_some(),
    }
}

async fn take(state: &State, session: &str, effect: Effect, event: Event) -> Result<(), ApiError> {
    let session = session.to_owned();
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                match effect {
                    Effect::Full => sessions::proved(tx, &session).await?,
                    Effect::Unlock => sessions::unlock(tx, &session).await?,
                    Effect::Half => sessions::half_proved(tx, &session, HALF).await?,
                }
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(())
}
