//! Studies whose order is unknown or contradicts them, with the orders that may be meant, newest first.

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery, one_of};
use super::patient::PatientView;
use super::state::State;
use super::views;
use crate::storage::deliveries::DeliveryState;
use crate::storage::entity::{imaging_order, patient, study};
use crate::storage::patients::Imaged;
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
    pub then: Then,
}

/// What choosing an order would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Then {
    /// Deliveries that would go out.
    pub releases: usize,
    /// The accession number that results would carry, where the images say another or none.
    pub accession: Option<String>,
    /// The priority that would count.
    pub priority: Option<String>,
    /// The order is of somebody else than the images: whoever chooses it says that the images are wrong.
    pub other_patient: bool,
}

/// Why a study waits: its order contradicts it, or none was found.
pub const LINKS: [&str; 2] = ["conflict", "unmatched"];

/// Which of them are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Filter {
    pub link: Option<String>,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<Unreconciled>>, ApiError> {
    let page = load(&state, filter.link.as_deref(), &query).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "reconciliation.view", shown).await?;
    Ok(Json(page))
}

/// A piece of the list. Shows patients: note the view before it is answered.
pub async fn load(
    state: &State,
    link: Option<&str>,
    query: &PageQuery,
) -> Result<Page<Unreconciled>, ApiError> {
    let link = one_of("link", link, &LINKS)?;
    let before = query.before()?;
    let rows = studies::unreconciled(state.store.read(), link, before.as_ref(), query.limit()).await?;
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
    let imaged = patients::imaged(conn, row, &state.settings.default_authority).await?;
    let mut candidates = Vec::new();
    for order in reconciliation::suggestions(conn, row, &state.settings.default_authority).await? {
        let record = orders::record_of(&order)?;
        let whose = patient_of(state, &order).await?;
        let then = Then {
            releases: held,
            accession: order
                .accession
                .clone()
                .filter(|number| row.accession.as_ref() != Some(number)),
            priority: record.priority.clone(),
            other_patient: other_patient(imaged.as_ref(), whose.as_ref()),
        };
        candidates.push(candidate(order, record.procedure.text, whose, then));
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
        patient: PatientView::of_images(row).qualified(&state.settings.default_authority),
        held,
        candidates,
    })
}

/// Whether an order is of somebody else than the images; what names nobody contradicts nobody.
pub(super) fn other_patient(imaged: Option<&Imaged>, ordered: Option<&patient::Model>) -> bool {
    imaged
        .zip(ordered)
        .is_some_and(|(imaged, ordered)| *imaged != Imaged::Record(ordered.id.clone()))
}

/// The patient of an order, after merges.
pub(super) async fn patient_of(
    state: &State,
    order: &imaging_order::Model,
) -> Result<Option<patient::Model>, StoreError> {
    let conn = state.store.read();
    let Some(id) = &order.patient_id else {
        return Ok(None);
    };
    match patients::by_id(conn, id).await? {
        Some(known) => Ok(Some(patients::survivor(conn, known).await?)),
        None => Ok(None),
    }
}

fn candidate(
    row: imaging_order::Model,
    procedure: String,
    whose: Option<patient::Model>,
    then: Then,
) -> CandidateView {
    CandidateView {
        order_id: row.id,
        accession: row.accession,
        study_uid: row.study_uid,
        placer_number: row.placer_number,
        filler_number: row.filler_number,
        procedure,
        state: row.state,
        patient: whose.as_ref().map(PatientView::of_record),
        then,
    }
}
