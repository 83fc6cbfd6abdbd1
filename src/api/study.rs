//! One study: what arrived, what the models said, what happened when, and what is owed to whom.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::appointment::AppointmentState;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::course::Event;
use tocsin_domain::course::critical::{self, Leg};
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::StudyId;
use tocsin_domain::order::OrderRecord;
use tocsin_domain::study::SeriesFacts;
use tocsin_domain::triage::Recommendation;
use tocsin_domain::worklist::{Band, Reason};

use super::ai::{AiView, ai_of, compare, hold};
use super::alerts::{self as alert_views, AlertView};
use super::announced::{self, AnnouncedView};
use super::auth::Principal;
use super::deliveries::{self as delivery_views, DeliveryView};
use super::described::{reasons_of, verdicts_of};
use super::discussion::{self, CommentView, OpinionView};
use super::error::ApiError;
use super::patient::PatientView;
use super::priors::{self, PriorSearchView, PriorView};
use super::state::State;
use super::views;
use super::worklist::waiting;
use crate::storage::entity::{imaging_order, study};
use crate::storage::{StoreError, alerts, analyses, holds, orders, results, studies, timeline};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StudyView {
    pub study_id: StudyId,
    pub study_uid: String,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    pub patient: PatientView,
    pub state: String,
    pub link: String,
    pub link_detail: Option<String>,
    /// Where it stands on the worklist, from 1; null once it has been read.
    pub rank: Option<usize>,
    /// Where it would stand if no model had said anything about any study.
    pub rank_without_ai: Option<usize>,
    pub wait_cap_at: Option<Timestamp>,
    /// As the order says it; null without an order.
    pub ris_priority: Option<String>,
    /// `placed`, `completed` or `cancelled`; null without an order.
    pub order_state: Option<String>,
    /// When the procedure is to begin, as its order, an appointment or a worklist says.
    pub scheduled_at: Option<Timestamp>,
    /// How the last appointment of the order stands; null without one.
    pub appointment: Option<AppointmentState>,
    pub band: Option<Band>,
    pub score: f64,
    pub reasons: Vec<Reason>,
    /// What people think of the findings, oldest first; the latest of each person counts.
    pub opinions: Vec<OpinionView>,
    pub comments: Vec<CommentView>,
    /// What the rules suggest, each with its source; never an order.
    pub recommendations: Vec<Recommendation>,
    pub images: i64,
    pub sender: String,
    pub arrived_at: Timestamp,
    pub last_image_at: Timestamp,
    pub claimed_by: Option<String>,
    pub report_status: Option<String>,
    pub ai: Vec<AiView>,
    pub series: Vec<SeriesFacts>,
    /// What modalities and archives said of its images; null where none did.
    pub announced: Option<AnnouncedView>,
    pub timeline: Vec<TimelineView>,
    /// From the first image to the person who knows, as far as the study has come; lengths add up.
    pub critical_path: Vec<Leg>,
    /// Earlier studies of the patient, those to compare with first.
    pub priors: Vec<PriorView>,
    /// The archives that were asked for earlier studies, and what came of it.
    pub prior_searches: Vec<PriorSearchView>,
    pub alerts: Vec<AlertView>,
    /// Every result, the superseded ones included.
    pub results: Vec<ResultRecord>,
    pub deliveries: Vec<DeliveryView>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TimelineView {
    pub at: Timestamp,
    pub event: String,
    pub ms_since_first: f64,
    pub ms_since_previous: f64,
    pub detail: String,
}

impl From<&TimelineView> for Event {
    fn from(row: &TimelineView) -> Self {
        Self {
            at: row.at,
            name: row.event.clone(),
            detail: row.detail.clone(),
        }
    }
}

pub async fn get(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<StudyView>, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let view = load(&state, id).await?;
    views::viewed(&state, &who, "study.view", [id.to_string()]).await?;
    Ok(Json(view))
}

/// Everything about one study. Shows a patient: note the view before it is answered.
pub async fn load(state: &State, id: StudyId) -> Result<StudyView, ApiError> {
    let conn = state.store.read();
    let row = studies::by_id(conn, id)
        .await?
        .ok_or(ApiError::NotFound("study"))?;
    let records = results::of_study(conn, id)
        .await?
        .iter()
        .map(results::record_of)
        .collect::<Result<Vec<_>, StoreError>>()?;
    let list = waiting(state).await?;
    let place = list.place_of(id);
    let order = ordered(state, &row).await?;
    let (opinions, comments) = discussion::of_study(state, id).await?;
    let mut ai = ai_of(&analyses::of_study(conn, id).await?, &records)?;
    let compared = priors::of(state, &row, &records).await?;
    compare(&mut ai, &compared.changes);
    hold(&mut ai, &holds::of_study(conn, id).await?);
    let series = studies::series_of(conn, id).await?;
    let announced = announced::of(state, id, &row, &series).await?;
    let series = series
        .iter()
        .filter_map(|series| studies::series_facts_of(series).transpose())
        .collect::<Result<Vec<_>, StoreError>>()?;
    let timeline = events(timeline::of_study(conn, id).await?);
    let alerts = alert_list(state, id, &row).await?;
    Ok(StudyView {
        study_id: id,
        patient: PatientView::of_images(&row),
        claimed_by: studies::holder(&row, state.now()).map(str::to_owned),
        rank: place.as_ref().map(|place| place.rank),
        rank_without_ai: place.as_ref().map(|place| place.rank_without_ai),
        wait_cap_at: place.map(|place| place.wait_cap_at),
        order_state: order.as_ref().map(|(order, _)| order.state.clone()),
        scheduled_at: order.as_ref().and_then(|(_, record)| record.scheduled_at),
        appointment: order.as_ref().and_then(|(_, record)| record.appointment),
        ris_priority: order.and_then(|(_, record)| record.priority),
        band: Band::from_number(row.band),
        reasons: reasons_of(&row)?,
        recommendations: recommended(&row)?,
        arrived_at: from_micros(row.arrived_at),
        last_image_at: from_micros(row.last_instance_at),
        study_uid: row.study_uid,
        accession: row.accession,
        modality: row.modality,
        description: row.description,
        state: row.state,
        link: row.link,
        link_detail: row.link_detail,
        score: row.score,
        images: row.instances,
        sender: row.sender_ae,
        report_status: row.report_status,
        ai,
        series,
        announced,
        critical_path: critical::path(&timeline.iter().map(Event::from).collect::<Vec<_>>()),
        timeline,
        priors: compared.priors,
        prior_searches: priors::searches(state, id).await?,
        alerts,
        opinions,
        comments,
        results: records,
        deliveries: delivery_views::of_study(conn, id).await?,
    })
}

async fn alert_list(state: &State, id: StudyId, row: &study::Model) -> Result<Vec<AlertView>, StoreError> {
    let mut list = Vec::new();
    for alert in alerts::of_study(state.store.read(), id).await? {
        list.push(alert_views::view(state, alert, row).await?);
    }
    Ok(list)
}

fn recommended(row: &study::Model) -> Result<Vec<Recommendation>, StoreError> {
    let verdicts = verdicts_of(row)?;
    Ok(verdicts.into_iter().flat_map(|v| v.recommends).collect())
}

/// The order, as far as there is one.
async fn ordered(
    state: &State,
    row: &study::Model,
) -> Result<Option<(imaging_order::Model, OrderRecord)>, StoreError> {
    let Some(order) = &row.order_id else {
        return Ok(None);
    };
    match orders::by_id(state.store.read(), order).await? {
        Some(order) => {
            let record = orders::record_of(&order)?;
            Ok(Some((order, record)))
        }
        None => Ok(None),
    }
}

fn events(rows: Vec<crate::storage::entity::timeline::Model>) -> Vec<TimelineView> {
    let first = rows.first().map_or(0, |row| row.at);
    let mut previous = first;
    rows.into_iter()
        .map(|row| {
            let since = row.at - previous;
            previous = row.at;
            TimelineView {
                at: from_micros(row.at),
                event: row.event,
                ms_since_first: (row.at - first) as f64 / 1000.0,
                ms_since_previous: since as f64 / 1000.0,
                detail: row.detail,
            }
        })
        .collect()
}
