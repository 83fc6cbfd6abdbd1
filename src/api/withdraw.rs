//! A person takes back what a model said: its result is withdrawn, and every output that went out of it is followed by one
//! that says so. The result stays readable.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{ResultId, StudyId};

use super::auth::Principal;
use super::error::ApiError;
use super::state::State;
use super::words::{SEEN, words};
use crate::storage::{StoreError, Tx, analyses, audit, withdrawals};

/// Characters of a reason at most.
const REASON: usize = 200;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// The result that speaks for its model now.
    pub result_id: ResultId,
    /// Why, for those who read the timeline; names no patient.
    #[schemars(length(min = 1, max = REASON), regex(pattern = SEEN))]
    pub reason: String,
}

/// What stands in its place.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WithdrawnView {
    pub result_id: ResultId,
    pub model: String,
}

/// `POST /api/v1/studies/{id}/withdraw`.
pub async fn post(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<Withdraw>,
    who: Principal,
) -> Result<Json<WithdrawnView>, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let Withdraw { result_id, reason } = wanted.into_inner();
    let reason = words("reason", &reason, REASON)?;
    let event = who.did(
        "result.withdraw",
        format!("study:{id}"),
        &state.settings.site.0,
        serde_json::json!({ "result": result_id, "reason": reason }),
    );
    let by = who.name.clone();
    let view = state
        .store
        .write(move |tx| {
            Box::pin(async move {
                let view = take_back(tx, id, result_id, &format!("withdrawn by {by}: {reason}")).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(view)
            })
        })
        .await?;
    Ok(Json(view))
}

async fn take_back(
    tx: &Tx,
    study: StudyId,
    result: ResultId,
    reason: &str,
) -> Result<WithdrawnView, StoreError> {
    let rows = analyses::of_study(tx.conn(), study).await?;
    let wanted = Some(result.to_string());
    let standing = analyses::current(&rows)
        .into_iter()
        .find(|row| row.result_id == wanted);
    let standing = standing.cloned().ok_or_else(|| {
        StoreError::Refused(format!(
            "the result {result} does not speak for its model on this study; expected one that stands"
        ))
    })?;
    let model = standing.model.clone();
    let withdrawn = withdrawals::withdraw(tx, standing, tx.now(), reason).await?;
    let result_id =
        withdrawn.ok_or_else(|| StoreError::Refused(format!("the result {result} is withdrawn already")))?;
    Ok(WithdrawnView { result_id, model })
}
