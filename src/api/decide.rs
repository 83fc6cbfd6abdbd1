//! What a radiologist decides about a result: it is let go where policy holds it, taken back, or brought back. Whatever went out of it is
//! followed by what says so; the result stays readable.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{ResultId, StudyId};

use super::auth::Principal;
use super::error::ApiError;
use super::state::State;
use super::words::{SEEN, words};
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::{
    StoreError, Tx, amendments, audit, changes, holds, outbox, studies, timeline, withdrawals,
};

/// Characters of a reason at most.
const REASON: usize = 200;

/// Which result, and why.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The result that speaks for its model now.
    pub result_id: ResultId,
    /// Why, for those who read the timeline; names no patient.
    #[schemars(length(min = 1, max = REASON), regex(pattern = SEEN))]
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LetGo {
    /// The result that speaks for its model now.
    pub result_id: ResultId,
}

/// What stands in its place.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DecidedView {
    pub result_id: ResultId,
    pub model: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LetGoView {
    pub result_id: ResultId,
    /// What is on its way now.
    pub deliveries: usize,
}

/// `POST /api/v1/studies/{id}/withdraw`.
pub async fn post_withdraw(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<Decision>,
    who: Principal,
) -> Result<Json<DecidedView>, ApiError> {
    Ok(Json(withdraw(&state, &who, &id, wanted.into_inner()).await?))
}

/// `POST /api/v1/studies/{id}/reinstate`.
pub async fn post_reinstate(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<Decision>,
    who: Principal,
) -> Result<Json<DecidedView>, ApiError> {
    Ok(Json(reinstate(&state, &who, &id, wanted.into_inner()).await?))
}

/// `POST /api/v1/studies/{id}/let-go`.
pub async fn post_let_go(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<LetGo>,
    who: Principal,
) -> Result<Json<LetGoView>, ApiError> {
    Ok(Json(let_go(&state, &who, &id, wanted.result_id).await?))
}

/// # Errors
/// A result that does not stand, or that was taken back before; a reason that is missing or too long.
pub async fn withdraw(
    state: &State,
    who: &Principal,
    id: &str,
    wanted: Decision,
) -> Result<DecidedView, ApiError> {
    let (study, reason) = (study(id)?, words("reason", &wanted.reason, REASON)?);
    let event = event(state, who, "result.withdraw", study, &wanted, &reason);
    let (by, result) = (who.name.clone(), wanted.result_id);
    let view = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let view = take_back(tx, study, result, &format!("withdrawn by {by}: {reason}")).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(view)
            })
        })
        .await?;
    Ok(view)
}

async fn take_back(
    tx: &Tx,
    study: StudyId,
    result: ResultId,
    reason: &str,
) -> Result<DecidedView, StoreError> {
    studies::lock(tx, study).await?;
    let standing = amendments::standing(tx, study, result).await?;
    let standing = standing.filter(|row| row.result_id == Some(result.to_string()));
    let standing = standing.ok_or_else(|| amendments::not_standing(result))?;
    let model = standing.model.clone();
    let withdrawn = withdrawals::withdraw(tx, standing, tx.now(), reason, Vec::new()).await?;
    let result_id =
        withdrawn.ok_or_else(|| StoreError::Refused(format!("the result {result} is withdrawn already")))?;
    Ok(DecidedView { result_id, model })
}

/// # Errors
/// A result that was not taken back; a reason that is missing or too long.
pub async fn reinstate(
    state: &State,
    who: &Principal,
    id: &str,
    wanted: Decision,
) -> Result<DecidedView, ApiError> {
    let (study, reason) = (study(id)?, words("reason", &wanted.reason, REASON)?);
    let event = event(state, who, "result.reinstate", study, &wanted, &reason);
    let (by, result) = (who.name.clone(), wanted.result_id);
    let view = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let said = format!("reinstated by {by}: {reason}");
                let (result_id, model) = amendments::reinstate(tx, study, result, &said).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(DecidedView { result_id, model })
            })
        })
        .await?;
    Ok(view)
}

/// Sends what waited of a result that policy holds; later versions of it go at once.
///
/// # Errors
/// Nothing waits.
pub async fn let_go(
    state: &State,
    who: &Principal,
    id: &str,
    result: ResultId,
) -> Result<LetGoView, ApiError> {
    let study = study(id)?;
    let event = who.did(
        "result.release",
        format!("study:{study}"),
        &state.settings.site.0,
        serde_json::json!({ "result": result }),
    );
    let by = who.name.clone();
    let view = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let view = release(tx, study, result, &by).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(view)
            })
        })
        .await?;
    Ok(view)
}

async fn release(tx: &Tx, study: StudyId, result: ResultId, by: &str) -> Result<LetGoView, StoreError> {
    let link = studies::lock(tx, study).await?.link;
    let standing = amendments::standing(tx, study, result).await?;
    let standing = standing.ok_or_else(|| amendments::not_standing(result))?;
    let hold = holds::let_go(tx, result, by).await?;
    let detail = format!("{}: {} let go by {by}", standing.model, hold.finding);
    timeline::note(tx, study, "result_released", detail).await?;
    changes::note(tx, study).await?;
    let freed = outbox::release_held(tx, study, &link).await?;
    // What else holds it is said instead.
    for row in deliveries::of_study(tx.conn(), study).await? {
        let waits = deliveries::state_of(&row)? == DeliveryState::Held;
        if waits && row.result_id == standing.result_id {
            let (state, words) = outbox::beginning(&link, deliveries::kind_of(&row)?, None);
            deliveries::settle(tx, deliveries::id_of(&row)?, state, words).await?;
        }
    }
    Ok(LetGoView {
        result_id: result,
        deliveries: freed,
    })
}

fn study(id: &str) -> Result<StudyId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound("study"))
}

fn event(
    state: &State,
    who: &Principal,
    action: &str,
    study: StudyId,
    wanted: &Decision,
    reason: &str,
) -> tocsin_domain::audit::Event {
    let detail = serde_json::json!({ "result": wanted.result_id, "reason": reason });
    who.did(action, format!("study:{study}"), &state.settings.site.0, detail)
}
