//! The door: a session begins with its row, the account's last sign-in and an entry on the audit chain in one transaction;
//! whoever was refused leaves an entry too.

use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::clock::Timestamp;

use super::credentials::Known;
use super::presence::HALF;
use super::session::{Session, Subject};
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::sessions::{self, Begun};
use crate::storage::{StoreError, audit, people};

/// How far in somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Full,
    /// The code of their authenticator is still owed.
    Half,
}

/// Begins a session; the `Set-Cookie` that the browser keeps it by. `journey` is the way by which they came from the provider:
/// each opens one session.
pub async fn begin(
    state: &State,
    known: &Known,
    extent: Extent,
    journey: Option<String>,
) -> Result<String, ApiError> {
    let nonce = hex::encode(&(state.entropy)()[..16]);
    let now = state.now();
    let session = Session::begin(known.subject.clone(), nonce, now);
    let (key, settings) = (&state.keys.session, &state.settings);
    let begun = Begun {
        session: session.csrf(key),
        subject: known.subject.text(),
        until: now + chrono::TimeDelta::seconds(settings.session.whole),
        proved_at: match extent {
            Extent::Full => tocsin_domain::clock::to_micros(now),
            Extent::Half => HALF,
        },
        journey,
    };
    let event = attempt(state, Some(known));
    let account = match &known.subject {
        Subject::Account(id) => Some(id.clone()),
        Subject::Token(_) => None,
    };
    let written = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                sessions::begin(tx, begun).await?;
                if let Some(id) = account {
                    people::signed_in(tx, &id).await?;
                }
                audit::record(tx, event).await
            })
        })
        .await;
    match written {
        Ok(_) => Ok(settings
            .transport
            .set_cookie(&session.write(key), settings.session)),
        Err(StoreError::Conflict) => Err(ApiError::Conflict(
            "this sign-in was used already; begin a new one".into(),
        )),
        Err(error) => Err(error.into()),
    }
}

/// Somebody tried in vain. What was typed may be a password in the wrong place: it is not written down.
pub async fn refused(state: &State) -> Result<(), ApiError> {
    let event = attempt(state, None);
    state
        .store
        .write_first(move |tx| Box::pin(async move { audit::record(tx, event).await }))
        .await?;
    Ok(())
}

fn attempt(state: &State, known: Option<&Known>) -> Event {
    let (actor, object, outcome) = match known {
        Some(Known { subject, name, .. }) => (name.clone(), subject.text(), Outcome::Success),
        None => (
            "unknown".to_owned(),
            "account:unknown".to_owned(),
            Outcome::Refused,
        ),
    };
    Event {
        actor,
        actor_kind: ActorKind::Person,
        action: "session.begin".to_owned(),
        object,
        site: state.settings.site.0.clone(),
        outcome,
        request_id: String::new(),
        detail: serde_json::json!({}),
    }
}

/// How long the address must wait before it may try again.
pub fn not_too_often(state: &State, address: std::net::IpAddr, now: Timestamp) -> Result<(), ApiError> {
    match state.throttle.wait(address, now) {
        Some(wait) => Err(ApiError::TooMany {
            seconds: wait.num_seconds().max(1),
        }),
        None => Ok(()),
    }
}
