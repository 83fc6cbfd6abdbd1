//! What is owed to other systems: the list, and sending one again.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::{DeliveryId, StudyId};

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery, one_of};
use super::patient::PatientView;
use super::state::State;
use super::views;
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::entity::{commitment, delivery, study};
use crate::storage::jobs::Requeued;
use crate::storage::{StoreError, audit, commitments, outbox, results, studies, timeline};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeliveryView {
    pub id: String,
    pub study_id: String,
    pub kind: String,
    pub destination: String,
    /// `held`, `pending`, `confirmed`, `refused` or `cancelled`.
    pub state: String,
    pub attempts: i64,
    /// The other side's last word, why it could not be reached, or why it is held.
    pub last_error: Option<String>,
    /// Whether the archive keeps the object: `asked`, `committed`, `failed` with its reason, `silent` after a day; nothing where it
    /// is not asked.
    pub commitment: Option<String>,
    /// The message that was sent, if it is one.
    pub message_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A delivery in a list of all, with whom it is about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwedView {
    #[serde(flatten)]
    pub delivery: DeliveryView,
    pub patient: PatientView,
    pub accession: Option<String>,
    /// The model whose result it says; nothing of what says something of the study alone.
    pub model: Option<String>,
    pub version: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Filter {
    /// `held`, `pending`, `confirmed`, `refused` or `cancelled`; all without it.
    pub state: Option<String>,
}

/// What came of a wish to send something again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SentAgain {
    pub id: String,
    pub state: String,
    /// `queued`, `brought_forward` or `running`.
    pub job: String,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<OwedView>>, ApiError> {
    Ok(Json(load(&state, &who, filter.state.as_deref(), &query).await?))
}

pub async fn load(
    state: &State,
    who: &Principal,
    wanted: Option<&str>,
    query: &PageQuery,
) -> Result<Page<OwedView>, ApiError> {
    let wanted = one_of("state", wanted, &DeliveryState::ALL.map(DeliveryState::text))?;
    let wanted = wanted.and_then(|text| DeliveryState::ALL.into_iter().find(|s| s.text() == text));
    let before = query.before()?;
    let conn = state.store.read();
    let rows = deliveries::in_state(conn, wanted, before.as_ref(), query.limit()).await?;
    let about: BTreeSet<String> = rows.iter().map(|row| row.study_id.clone()).collect();
    views::viewed(state, who, "deliveries.view", about.clone()).await?;
    let studies = studies::by_ids(conn, &Vec::from_iter(about)).await?;
    let results: Vec<String> = rows.iter().filter_map(|row| row.result_id.clone()).collect();
    let models = results::models_of(conn, &results).await?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let kept = commitments::of_all(conn, &ids).await?;
    let items = rows
        .iter()
        .map(|row| owed(row, &studies, &models, &kept))
        .collect();
    Ok(Page::of(query, &rows, |row| (row.created_at, &row.id), items))
}

fn owed(
    row: &delivery::Model,
    studies: &[study::Model],
    models: &BTreeMap<String, [String; 2]>,
    kept: &[commitment::Model],
) -> OwedView {
    let study = studies.iter().find(|study| study.id == row.study_id);
    let made_by = row.result_id.as_ref().and_then(|id| models.get(id).cloned());
    let (model, version) = made_by.map(|[model, version]| (model, version)).unzip();
    OwedView {
        patient: study.map(PatientView::of_images).unwrap_or_default(),
        accession: study.and_then(|study| study.accession.clone()),
        model,
        version,
        delivery: view(row.clone(), kept),
    }
}

pub async fn retry(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<Json<SentAgain>, ApiError> {
    Ok(Json(again(&state, &who, &id).await?))
}

/// Sends a delivery again that waits or was refused, with the bytes it was rendered with.
pub async fn again(state: &State, who: &Principal, id: &str) -> Result<SentAgain, ApiError> {
    let id: DeliveryId = id.parse().map_err(|_| ApiError::NotFound("delivery"))?;
    let event = who.did(
        "delivery.retry",
        format!("delivery:{id}"),
        &state.settings.site.0,
        serde_json::json!({}),
    );
    let by = who.name.clone();
    let job = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = deliveries::lock(tx, id).await?;
                let hold = why_not(deliveries::state_of(&row)?);
                if let Some(because) = hold {
                    return Err(StoreError::Refused(format!("the delivery {id} {because}")));
                }
                if deliveries::is_overtaken(tx.conn(), &row).await? {
                    return Err(StoreError::Refused(format!(
                        "the delivery {id} was overtaken by a later change of the same priority; send that one again"
                    )));
                }
                let study = row
                    .study_id
                    .parse()
                    .map_err(|_| StoreError::Missing("study of the delivery"))?;
                let job = outbox::send(tx, &row).await?;
                let detail = format!("{} to {} sent again by {by}", row.kind, row.destination);
                timeline::note(tx, study, "delivery_retried", detail).await?;
                audit::record(tx, event).await?;
                Ok(job)
            })
        })
        .await?;
    Ok(SentAgain {
        id: id.to_string(),
        state: DeliveryState::Pending.text().to_owned(),
        job: job_text(job).to_owned(),
    })
}

/// Why a delivery in this state is not sent again; `None` when it may be.
pub fn why_not(state: DeliveryState) -> Option<&'static str> {
    match state {
        DeliveryState::Pending | DeliveryState::Refused => None,
        DeliveryState::Held => {
            Some("is held, until the study's order is decided or a radiologist lets it go; do that first")
        }
        DeliveryState::Committed => Some(
            "has arrived, and its receiver has not said yet what came of it; expected one that waits or was refused",
        ),
        DeliveryState::Confirmed => {
            Some("was confirmed by its receiver; expected one that waits or was refused")
        }
        DeliveryState::Cancelled => Some("was cancelled; expected one that waits or was refused"),
    }
}

pub fn job_text(job: Requeued) -> &'static str {
    match job {
        Requeued::Queued => "queued",
        Requeued::BroughtForward => "brought_forward",
        Requeued::Running => "running",
    }
}

/// Everything that is owed about a study.
pub async fn of_study(conn: &impl ConnectionTrait, id: StudyId) -> Result<Vec<DeliveryView>, StoreError> {
    let rows = deliveries::of_study(conn, id).await?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let kept = commitments::of_all(conn, &ids).await?;
    Ok(rows.into_iter().map(|row| view(row, &kept)).collect())
}

/// A delivery; what is known of its safe keeping stands in `kept`.
fn view(row: delivery::Model, kept: &[commitment::Model]) -> DeliveryView {
    let commitment = kept
        .iter()
        .find(|kept| kept.id == row.id)
        .map(|kept| match &kept.detail {
            Some(detail) => format!("{}: {detail}", kept.state),
            None => kept.state.clone(),
        });
    DeliveryView {
        id: row.id,
        study_id: row.study_id,
        kind: row.kind,
        destination: row.destination,
        state: row.state,
        attempts: row.attempts,
        commitment,
        last_error: row.last_error,
        message_id: row.message_id,
        created_at: from_micros(row.created_at),
        updated_at: from_micros(row.updated_at),
    }
}
