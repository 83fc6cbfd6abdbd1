//! Stopping what goes to a neighbour or comes from one, with a reason, and letting it go again. What is owed meanwhile waits and
//! keeps its order; what others have for us waits there, since nothing of it is acknowledged.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};

use super::auth::Principal;
use super::connections::ConnectionKind;
use super::error::ApiError;
use super::state::State;
use super::words::{SEEN, words};
use crate::storage::entity::pause;
use crate::storage::pauses::{self, Stopped};
use crate::storage::{StoreError, audit};

/// Longest reason, characters.
const MAX_REASON: usize = 200;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PauseView {
    pub reason: String,
    pub by: String,
    pub since: Timestamp,
}

impl PauseView {
    pub fn of(row: pause::Model) -> Self {
        Self {
            reason: row.reason,
            by: row.paused_by,
            since: from_micros(row.created_at),
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// For those who wonder why nothing comes; 200 characters at most.
    #[schemars(length(min = 1, max = MAX_REASON), regex(pattern = SEEN))]
    pub reason: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Paused {
    pub destination: String,
    pub paused: bool,
}

pub async fn pause(
    state: Data<State>,
    id: Path<String>,
    asked: Json<Pause>,
    who: Principal,
) -> Result<Json<Paused>, ApiError> {
    let destination = begin(&state, &who, &id, &asked.reason).await?;
    Ok(Json(Paused {
        destination,
        paused: true,
    }))
}

pub async fn resume(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<Paused>, ApiError> {
    let destination = end(&state, &who, &id).await?;
    Ok(Json(Paused {
        destination,
        paused: false,
    }))
}

/// What is stopped with it; `None` of one that cannot be stopped here.
pub fn stopped<'n>(kind: ConnectionKind, name: &'n str) -> Option<Stopped<'n>> {
    match kind {
        ConnectionKind::Hl7Out
        | ConnectionKind::DicomOut
        | ConnectionKind::Subscriber
        | ConnectionKind::FhircastHub => Some(Stopped::Destination(name)),
        ConnectionKind::Hl7In => Some(Stopped::Hl7Sender(name)),
        ConnectionKind::DicomIn => Some(Stopped::DicomSender(name)),
        ConnectionKind::Hl7Listener => Some(Stopped::AllHl7),
        ConnectionKind::DicomListener => Some(Stopped::AllDicom),
        ConnectionKind::PriorSource | ConnectionKind::WorklistSource => None,
    }
}

/// Its name, and the key of its pause.
fn one(state: &State, id: &str) -> Result<(String, String), ApiError> {
    let found = state.neighbours.all().iter().find(|one| one.id == id);
    found
        .and_then(|one| Some((one.name.clone(), stopped(one.kind, &one.name)?.key())))
        .ok_or(ApiError::NotFound("connection that can be paused"))
}

/// # Errors
/// No reason, or a conflict where it is paused already.
pub async fn begin(state: &State, who: &Principal, id: &str, reason: &str) -> Result<String, ApiError> {
    let (name, key) = one(state, id)?;
    let reason = words("reason", reason, MAX_REASON)?;
    let detail = serde_json::json!({ "reason": reason });
    let site = &state.settings.site.0;
    let event = who.did("connection.pause", format!("connection:{key}"), site, detail);
    let (by, paused) = (who.name.clone(), key);
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                pauses::begin(tx, paused, reason, by).await?;
                audit::record(tx, event).await
            })
        })
        .await;
    match done {
        Ok(_) => Ok(name),
        Err(StoreError::Conflict) => Err(ApiError::Conflict(format!("{name} is paused already"))),
        Err(error) => Err(error.into()),
    }
}

/// # Errors
/// A conflict where it is not paused.
pub async fn end(state: &State, who: &Principal, id: &str) -> Result<String, ApiError> {
    let (name, key) = one(state, id)?;
    let site = &state.settings.site.0;
    let event = who.did(
        "connection.resume",
        format!("connection:{key}"),
        site,
        serde_json::json!({}),
    );
    let paused = key;
    let was = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let was = pauses::end(tx, &paused).await?;
                if was {
                    audit::record(tx, event).await?;
                }
                Ok(was)
            })
        })
        .await?;
    match was {
        true => Ok(name),
        false => Err(ApiError::Conflict(format!("{name} is not paused"))),
    }
}
