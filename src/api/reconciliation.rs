//! Studies whose order is unknown or contradicts them, with the orders that may be meant, newest first.

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery};
use super::patient::PatientView;
use super::state::State;
use super::views;
use crate::storage::deliveries::DeliveryState;
use crate::storage::entity::{imaging_order, study};
use crate::storage::{StoreError, deliveries, orders, patients, reconciliation, studies};

/// A study that waits for a decision.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unreconciled {
    pub study_id: StudyId,
    pub study_uid: String,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    pub arrived_at: Timestamp,
    /// `unmatched` or `conflict`.
    pub link: String,
    /// Why, in words.
    pub reason: String,
    /// As the images say.
    pub patient: PatientView,
    /// Deliveries that wait for the decision.
    pub held: usize,
    /// Orders of the same UID, accession number or patient.
    pub candidates: Vec<CandidateView>,
}

/// An order that may be the study's.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CandidateView {
    pub order_id: String,
    pub accession: Option<String>,
    pub study_uid: Option<String>,
    pub placer_number: Option<String>,
    pub filler_number: Option<String>,
    pub procedure: String,
    /// `placed`, `completed` or `cancelled`.
    pub state: String,
    /// As the order's messages say, after merges.
    pub patient: Option<PatientView>,
}

pub async fn list(
    state: Data<State>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<Unreconciled>>, ApiError> {
    let page = load(&state, &query).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "reconciliation.view", shown).await?;
    Ok(Json(page))
}

/// A piece of the list. Shows patients: note the view before it is answered.
pub async fn load(state: &State, query: &PageQuery) -> Result<Page<Unreconciled>, ApiError> {
    let before = query.before()?;
    let rows = studies::unreconciled(state.store.read(), before.as_ref(), query.limit()).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(view(state, row).await?);
    }
    Ok(Page::of(query, &rows, |row| (row.arrived_at, &row.id), items))
}

async fn view(state: &State, row: &study::Model) -> Result<Unreconciled, StoreError> {
    let conn = state.store.read();
    let id = studies::id_of(row)?;
    let mut held = 0;
    for delivery in deliveries::of_study(conn, id).await? {
        held += usize::from(deliveries::state_of(&delivery)? == DeliveryState::Held);
    }
    let mut candidates = Vec::new();
    for order in reconciliation::suggestions(conn, row, &state.settings.default_authority).await? {
        candidates.push(candidate(state, order).await?);
    }
    Ok(Unreconciled {
        study_id: id,
        study_uid: row.study_uid.clone(),
        accession: row.accession.clone(),
        modality: row.modality.clone(),
        description: row.description.clone(),
        arrived_at: from_micros(row.arrived_at),
        link: row.link.clone(),
        reason: row.link_detail.clone().unwrap_or_default(),
        patient: PatientView::of_images(row),
        held,
        candidates,
    })
}

async fn candidate(state: &State, row: imaging_order::Model) -> Result<CandidateView, StoreError> {
    let conn = state.store.read();
    let record = orders::record_of(&row)?;
    let patient = match &row.patient_id {
        Some(id) => match patients::by_id(conn, id).await? {
            Some(known) => Some(PatientView::of_record(&patients::survivor(conn, known).await?)),
            None => None,
        },
        None => None,
    };
    Ok(CandidateView {
        order_id: row.id,
        accession: row.accession,
        study_uid: row.study_uid,
        placer_number: row.placer_number,
        filler_number: row.filler_number,
        procedure: record.procedure.text,
        state: row.state,
        patient,
    })
}
