//! Taking responsibility for an alert: one transaction stops the paging, says who it was, and writes the audit entry.
//! Opening a link never comes here.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use tocsin_domain::audit::Event;
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{AlertId, StudyId};
use tocsin_domain::work::Work;

use super::auth::Principal;
use super::error::ApiError;
use super::state::State;
use crate::storage::entity::alert;
use crate::storage::jobs::{self, Terms};
use crate::storage::{StoreError, alerts, audit, document, timeline};

/// What came of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Acknowledged {
    pub id: String,
    pub status: String,
    pub acknowledged_by: Option<String>,
}

pub async fn post(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<Json<Acknowledged>, ApiError> {
    let row = by_person(&state, &who, &id).await?;
    Ok(Json(Acknowledged {
        id: row.id,
        status: row.status,
        acknowledged_by: row.acknowledged_by,
    }))
}

/// Acknowledges in the name of whoever is signed in.
pub async fn by_person(state: &State, who: &Principal, id: &str) -> Result<alert::Model, ApiError> {
    let id: AlertId = id.parse().map_err(|_| ApiError::NotFound("alert"))?;
    let event = who.did(
        "alert.acknowledge",
        format!("alert:{id}"),
        &state.settings.site.0,
        serde_json::json!({}),
    );
    acknowledge(state, id, who.name.clone(), event).await
}

/// Acknowledges in the name of `by`; a conflict when somebody did before.
pub async fn acknowledge(
    state: &State,
    id: AlertId,
    by: String,
    event: Event,
) -> Result<alert::Model, ApiError> {
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = alerts::lock(tx, id).await?;
                let standing = alerts::state_of(&row)?;
                let now = tx.now();
                let next = match standing.acknowledge(by.clone(), now) {
                    Ok(next) => next,
                    Err(refused) => return Ok(Err(refused)),
                };
                let study: StudyId = row
                    .study_id
                    .parse()
                    .map_err(|_| StoreError::Missing("study of the alert"))?;
                let mut row: alert::ActiveModel = row.into();
                row.status = Set(next.name().to_owned());
                row.state = Set(document::write(&next)?);
                row.acknowledged_by = Set(Some(by.clone()));
                row.acknowledged_at = Set(Some(to_micros(now)));
                row.due_at = Set(None);
                let row = alerts::save(tx, row).await?;
                alerts::cancel_pages(tx, id).await?;
                timeline::note(tx, study, "alert_acknowledged", format!("by {by}")).await?;
                audit::record(tx, event).await?;
                jobs::enqueue(
                    tx,
                    &Work::StepAlert { alert: id },
                    Terms::once(format!("alert:{id}")),
                )
                .await?;
                Ok(Ok(row))
            })
        })
        .await?;
    done.map_err(|refused| ApiError::Conflict(refused.to_string()))
}
