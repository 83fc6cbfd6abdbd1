//! Letting an alert page that was raised without: by a replay, for one. From then on it is like any other.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use tocsin_domain::ids::AlertId;
use tocsin_domain::work::Work;

use super::auth::Principal;
use super::error::ApiError;
use super::state::State;
use crate::storage::entity::alert;
use crate::storage::jobs::{self, Terms};
use crate::storage::{alerts, audit, document, timeline};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Released {
    pub id: String,
    pub status: String,
}

pub async fn post(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<Released>, ApiError> {
    let row = run(&state, &who, &id).await?;
    Ok(Json(Released {
        id: row.id,
        status: row.status,
    }))
}

/// A conflict where the alert is not withheld.
pub async fn run(state: &State, who: &Principal, id: &str) -> Result<alert::Model, ApiError> {
    let id: AlertId = id.parse().map_err(|_| ApiError::NotFound("alert"))?;
    let site = &state.settings.site.0;
    let event = who.did(
        "alert.release",
        format!("alert:{id}"),
        site,
        serde_json::json!({}),
    );
    let by = who.name.clone();
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = alerts::lock(tx, id).await?;
                let next = match alerts::state_of(&row)?.release(tx.now()) {
                    Ok(next) => next,
                    Err(refused) => return Ok(Err(refused)),
                };
                let study = alerts::study_of(&row)?;
                let mut row: alert::ActiveModel = row.into();
                row.status = Set(next.name().to_owned());
                row.state = Set(document::write(&next)?);
                let row = alerts::save(tx, row).await?;
                timeline::note(tx, study, "alert_released", format!("by {by}")).await?;
                audit::record(tx, event).await?;
                let terms = Terms::once(format!("alert:{id}"));
                jobs::enqueue(tx, &Work::StepAlert { alert: id }, terms).await?;
                Ok(Ok(row))
            })
        })
        .await?;
    done.map_err(|refused| ApiError::Conflict(refused.to_string()))
}
