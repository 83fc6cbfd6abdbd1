//! The technologist's list: studies whose images a model refused, with what was wrong, who asked for a repeat, who took it
//! on, and the study that repeats it.

use actix_web::web::{Data, Json, Path, Query};
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::repeat::{Known, Stage, stage};

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery};
use super::patient::PatientView;
use super::state::State;
use super::views;
use super::words::{ANY, words};
use crate::storage::analyses::{self, AnalysisState};
use crate::storage::entity::{analysis, repeat, study};
use crate::storage::{StoreError, Tx, audit, priors, repeats, studies, timeline};

/// What is older is history.
const SHOWN_FOR: TimeDelta = TimeDelta::days(14);
/// Studies that are looked at at most.
const MOST: u64 = 500;
/// Characters of a note at most.
const NOTE: usize = 200;

/// A study whose images could not be used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct QualityView {
    pub study_id: StudyId,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    pub patient: PatientView,
    /// AE title of the sender.
    pub sender: String,
    pub arrived_at: Timestamp,
    pub stage: Stage,
    pub refusals: Vec<Refusal>,
    pub repeat: Option<RepeatView>,
    /// Later studies of the patient that may be the repeat.
    pub candidates: Vec<Candidate>,
}

/// What one model says against the images.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Refusal {
    pub model: String,
    pub reason: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RepeatView {
    pub note: String,
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Timestamp>,
    pub study_id: Option<String>,
    pub linked_by: Option<String>,
    pub linked_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Candidate {
    pub study_id: StudyId,
    pub accession: Option<String>,
    pub description: String,
    pub arrived_at: Timestamp,
}

/// What is done about a study on the list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Ask for a repeat, with a word to those who take the images.
    Request {
        #[serde(default)]
        #[schemars(length(max = NOTE), regex(pattern = ANY))]
        note: String,
    },
    /// Take the repeat on.
    Acknowledge,
    /// Name the study that repeats it.
    Link { study_id: StudyId },
}

impl Act {
    fn action(&self) -> &'static str {
        match self {
            Self::Request { .. } => "repeat.request",
            Self::Acknowledge => "repeat.acknowledge",
            Self::Link { .. } => "repeat.link",
        }
    }
}

/// `GET /api/v1/quality`.
pub async fn list(
    state: Data<State>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<QualityView>>, ApiError> {
    let page = load(&state, &query).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "quality.view", shown).await?;
    Ok(Json(page))
}

/// `POST /api/v1/studies/{id}/repeat`.
pub async fn post(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<Act>,
    who: Principal,
) -> Result<Json<RepeatView>, ApiError> {
    Ok(Json(act(&state, &who, &id, wanted.into_inner()).await?))
}

/// A piece of the list, what needs a hand first. Shows patients: note the view before it is answered.
pub async fn load(state: &State, query: &PageQuery) -> Result<Page<QualityView>, ApiError> {
    let conn = state.store.read();
    let since = state.now() - SHOWN_FOR;
    let mut ids = analyses::refused_for_quality(conn, since, MOST).await?;
    ids.extend(repeats::requested(conn, since, MOST).await?);
    ids.sort_unstable();
    ids.dedup();
    let mut asked = repeats::of_studies(conn, &ids).await?;
    let mut said = studies::by_study(analyses::of_studies(conn, &ids).await?, |row| &row.study_id);
    let mut items = Vec::new();
    for row in studies::by_ids(conn, &ids).await? {
        let refusals = refusals(&said.remove(&row.id).unwrap_or_default())?;
        let asked = asked.remove(&row.id);
        items.push(view(&row, refusals, asked)?);
    }
    items.sort_by_key(|item| (item.stage, std::cmp::Reverse(item.arrived_at)));
    let mut page = Page::piece(query, items)?;
    for item in &mut page.items {
        item.candidates = candidates(state, item).await?;
    }
    Ok(page)
}

/// What the models that speak for a study now have against its images.
fn refusals(rows: &[analysis::Model]) -> Result<Vec<Refusal>, StoreError> {
    let mut refusals = Vec::new();
    for row in analyses::current(rows) {
        if analyses::state_of(row)? == AnalysisState::QualityRejected {
            refusals.push(Refusal {
                model: row.model.clone(),
                reason: row.reason.clone(),
                at: from_micros(row.updated_at),
            });
        }
    }
    Ok(refusals)
}

fn view(
    row: &study::Model,
    refusals: Vec<Refusal>,
    asked: Option<repeat::Model>,
) -> Result<QualityView, StoreError> {
    let asked = asked.map(repeat_view);
    let known = Known {
        refused: !refusals.is_empty(),
        requested: asked.is_some(),
        acknowledged: asked
            .as_ref()
            .is_some_and(|asked| asked.acknowledged_by.is_some()),
        linked: asked.as_ref().is_some_and(|asked| asked.study_id.is_some()),
    };
    Ok(QualityView {
        study_id: studies::id_of(row)?,
        accession: row.accession.clone(),
        modality: row.modality.clone(),
        description: row.description.clone(),
        patient: PatientView::of_images(row),
        sender: row.sender_ae.clone(),
        arrived_at: from_micros(row.arrived_at),
        stage: stage(known),
        refusals,
        repeat: asked,
        candidates: Vec::new(),
    })
}

fn repeat_view(row: repeat::Model) -> RepeatView {
    RepeatView {
        note: row.note,
        requested_by: row.requested_by,
        requested_at: from_micros(row.requested_at),
        acknowledged_by: row.acknowledged_by,
        acknowledged_at: row.acknowledged_at.map(from_micros),
        study_id: row.repeat_study_id,
        linked_by: row.linked_by,
        linked_at: row.linked_at.map(from_micros),
    }
}

/// Later studies of the same patient and modality, where a repeat is awaited.
async fn candidates(state: &State, item: &QualityView) -> Result<Vec<Candidate>, ApiError> {
    match item.stage {
        Stage::Requested | Stage::Acknowledged => {}
        Stage::Rejected | Stage::Repeated | Stage::Accepted => return Ok(Vec::new()),
    }
    let conn = state.store.read();
    let row = studies::get(conn, item.study_id).await?;
    let mut later = Vec::new();
    for other in priors::of(conn, &row, &state.settings.default_authority).await? {
        if other.arrived_at > row.arrived_at && other.modality == row.modality {
            later.push(Candidate {
                study_id: studies::id_of(&other)?,
                arrived_at: from_micros(other.arrived_at),
                accession: other.accession,
                description: other.description,
            });
        }
    }
    Ok(later)
}

/// Does what somebody decided about a study on the list.
///
/// # Errors
/// A step that was taken before, or that another has to go before; a repeat that is no other study of the patient.
pub async fn act(state: &State, who: &Principal, id: &str, act: Act) -> Result<RepeatView, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    check(state, id, &act).await?;
    let event = who.did(
        act.action(),
        format!("study:{id}"),
        &state.settings.site.0,
        told(&act),
    );
    let by = who.name.clone();
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                studies::lock(tx, id).await?;
                let row = step(tx, id, &by, act).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(row)
            })
        })
        .await?;
    Ok(repeat_view(row))
}

async fn check(state: &State, id: StudyId, act: &Act) -> Result<(), ApiError> {
    let conn = state.store.read();
    let row = studies::by_id(conn, id)
        .await?
        .ok_or(ApiError::NotFound("study"))?;
    match act {
        Act::Request { note } if !note.trim().is_empty() => words("note", note, NOTE).map(|_| ()),
        Act::Request { .. } | Act::Acknowledge => Ok(()),
        Act::Link { study_id } => {
            let others = priors::of(conn, &row, &state.settings.default_authority).await?;
            match others.iter().any(|other| other.id == study_id.to_string()) {
                true => Ok(()),
                false => Err(ApiError::Conflict(
                    "study_id: expected another study of the same patient".into(),
                )),
            }
        }
    }
}

async fn step(tx: &Tx, id: StudyId, by: &str, act: Act) -> Result<repeat::Model, StoreError> {
    let (row, event, said) = match act {
        Act::Request { note } => {
            let row = repeats::request(tx, id, by, note.trim()).await?;
            (row, "repeat_requested", format!("by {by}"))
        }
        Act::Acknowledge => {
            let row = repeats::acknowledge(tx, id, by).await?;
            (row, "repeat_acknowledged", format!("by {by}"))
        }
        Act::Link { study_id } => {
            let row = repeats::link(tx, id, study_id, by).await?;
            timeline::note(tx, study_id, "repeats", format!("study {id}, linked by {by}")).await?;
            (row, "repeated", format!("by study {study_id}, linked by {by}"))
        }
    };
    timeline::note(tx, id, event, said).await?;
    Ok(row)
}

/// What goes on the audit chain: a note may name the patient.
fn told(act: &Act) -> serde_json::Value {
    match act {
        Act::Request { .. } | Act::Acknowledge => serde_json::json!({}),
        Act::Link { study_id } => serde_json::json!({ "repeat": study_id }),
    }
}
