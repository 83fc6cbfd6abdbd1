//! Taking a study for reading and giving it back, so that two people do not read the same one. A claim ends by itself.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::worklist::CLAIM_LASTS;

use super::auth::{Principal, Role};
use super::error::ApiError;
use super::state::State;
use crate::storage::entity::study;
use crate::storage::studies::Releaser;
use crate::storage::{StoreError, audit, studies, timeline};

/// Who holds a study.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Claim {
    pub study_id: StudyId,
    /// Null when nobody does.
    pub claimed_by: Option<String>,
    pub claimed_at: Option<Timestamp>,
    /// When the claim ends by itself.
    pub ends_at: Option<Timestamp>,
}

pub async fn claim(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<Claim>, ApiError> {
    Ok(Json(take(&state, &who, &id).await?))
}

pub async fn release(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<Claim>, ApiError> {
    Ok(Json(give_back(&state, &who, &id).await?))
}

/// Takes the study in the caller's name, or renews their claim; a conflict when somebody else holds it.
pub async fn take(state: &State, who: &Principal, id: &str) -> Result<Claim, ApiError> {
    let id = parse(id)?;
    let by = who.name.clone();
    let event = who.did(
        "study.claim",
        format!("study:{id}"),
        &state.settings.site.0,
        serde_json::json!({}),
    );
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let before = studies::lock(tx, id).await?;
                let renewed = studies::holder(&before, tx.now()) == Some(by.as_str());
                let row = studies::claim(tx, id, &by).await?;
                if !renewed {
                    timeline::note(tx, id, "claimed", format!("by {by}")).await?;
                }
                audit::record(tx, event).await?;
                Ok::<study::Model, StoreError>(row)
            })
        })
        .await?;
    let since = row.claimed_at.map(from_micros);
    Ok(Claim {
        study_id: id,
        claimed_by: row.claimed_by,
        claimed_at: since,
        ends_at: since.map(|at| at + CLAIM_LASTS),
    })
}

/// Gives back what the caller holds; an administrator also what somebody else does.
pub async fn give_back(state: &State, who: &Principal, id: &str) -> Result<Claim, ApiError> {
    let id = parse(id)?;
    let (by, role) = (who.name.clone(), who.role);
    let event = who.did(
        "study.release",
        format!("study:{id}"),
        &state.settings.site.0,
        serde_json::json!({}),
    );
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                studies::unclaim(tx, id, releaser(role, &by)).await?;
                timeline::note(tx, id, "released", format!("by {by}")).await?;
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(Claim {
        study_id: id,
        claimed_by: None,
        claimed_at: None,
        ends_at: None,
    })
}

fn releaser(role: Role, name: &str) -> Releaser<'_> {
    match role {
        Role::Admin => Releaser::Administrator,
        Role::Radiologist
        | Role::StrokeTeam
        | Role::Technologist
        | Role::QaReviewer
        | Role::Governance
        | Role::IntegrationEngineer
        | Role::Service => Releaser::Holder(name),
    }
}

fn parse(id: &str) -> Result<StudyId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound("study"))
}
