//! The reading worklist: every study that waits, in the order that the domain gives, with the reasons.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::triage::{Contribution, Verdict};
use tocsin_domain::worklist::{Band, Item, Place, Reason, rank};

use super::ai::{AiView, ai_of};
use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::patient::PatientView;
use super::state::State;
use super::views;
use super::worklist_query::{Row, WorklistQuery};
use crate::storage::analyses::AnalysisState;
use crate::storage::entity::{alert, study};
use crate::storage::{StoreError, alerts, analyses, document, orders, results, studies};

/// A worklist is read whole as a rule.
pub const LIMIT: usize = 200;
/// Critical studies that are shown above every list.
const CRITICAL: usize = 5;

/// A study on the worklist.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WorklistItem {
    /// From 1.
    pub rank: usize,
    /// Where it would stand if no model had said anything about any study.
    pub rank_without_ai: usize,
    pub study_id: StudyId,
    pub study_uid: String,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    /// As the order says it; null without an order.
    pub ris_priority: Option<String>,
    pub band: Band,
    pub score: f64,
    pub reasons: Vec<Reason>,
    /// What the rules gave; the scores add up to `score`.
    pub contributions: Vec<Contribution>,
    pub ai: Vec<AiView>,
    pub arrived_at: Timestamp,
    pub wait_cap_at: Timestamp,
    pub overdue: bool,
    pub patient: PatientView,
    /// `receiving`, `settled`, `stuck`, …
    pub state: String,
    /// Images received so far.
    pub images: i64,
    /// AE title of the sender.
    pub sender: String,
    /// `linked`, `unmatched` or `conflict`.
    pub link: String,
    pub claimed_by: Option<String>,
    pub report_status: Option<String>,
    /// The most pressing alert about it.
    pub alert: Option<AlertBrief>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlertBrief {
    pub id: String,
    pub status: String,
    pub title: String,
    pub acknowledged_by: Option<String>,
}

pub async fn list(
    state: Data<State>,
    query: Query<WorklistQuery>,
    who: Principal,
) -> Result<Json<Page<WorklistItem>>, ApiError> {
    let listed = load(&state, &query, &who.name, "").await?;
    let shown = listed.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "worklist.view", shown).await?;
    Ok(Json(Page {
        items: listed.items,
        next: listed.next,
    }))
}

/// Where a study stands now; `None` when it no longer waits to be read.
pub async fn place_of(state: &State, study: StudyId) -> Result<Option<Place>, ApiError> {
    let rows = studies::on_worklist(state.store.read()).await?;
    Ok(places(state, &rows)?
        .into_iter()
        .find(|place| place.item.study == study))
}

fn places(state: &State, rows: &[study::Model]) -> Result<Vec<Place>, StoreError> {
    let items = rows.iter().map(item_of).collect::<Result<Vec<_>, _>>()?;
    Ok(rank(items, &state.settings.caps, state.now()))
}

/// A piece of the worklist.
pub struct Listed {
    pub items: Vec<WorklistItem>,
    /// The first critical studies of everything that waits, whatever was asked for.
    pub critical: Vec<WorklistItem>,
    /// The cursor of the next piece.
    pub next: Option<String>,
    /// Studies that wait, and those of them that were asked for.
    pub waiting: usize,
    pub matching: usize,
    /// Those of everything that waits, with how many there are.
    pub modalities: BTreeMap<String, usize>,
    pub bands: BTreeMap<&'static str, usize>,
}

/// A piece of the list as it stands now. Shows patients: note the view before it is answered.
pub async fn load(state: &State, query: &WorklistQuery, me: &str, search: &str) -> Result<Listed, ApiError> {
    let selection = query.checked(me, search)?;
    let page = query.page();
    let (offset, count) = (page.offset()?, page.count(LIMIT));
    let rows = ranked(state, query).await?;
    let waiting = rows.len();
    let (mut modalities, mut bands) = (BTreeMap::new(), BTreeMap::new());
    for row in &rows {
        *modalities.entry(row.study.modality.clone()).or_insert(0) += 1;
        *bands.entry(row.place.item.band.text()).or_insert(0) += 1;
    }
    let critical = rows.iter().filter(|row| row.place.item.band == Band::Critical);
    let critical: Vec<Row> = critical.take(CRITICAL).cloned().collect();
    let picked = selection.of(rows);
    let matching = picked.len();
    let shown: Vec<Row> = picked.into_iter().skip(offset).take(count).collect();
    let next = offset.saturating_add(shown.len());
    Ok(Listed {
        next: (next < matching).then(|| next.to_string()),
        items: describe(state, shown).await?,
        critical: describe(state, critical).await?,
        waiting,
        matching,
        modalities,
        bands,
    })
}

/// Everything that waits, by rank.
async fn ranked(state: &State, query: &WorklistQuery) -> Result<Vec<Row>, ApiError> {
    let conn = state.store.read();
    let rows = studies::on_worklist(conn).await?;
    let places = places(state, &rows)?;
    let mut said: BTreeMap<String, Vec<AnalysisState>> = BTreeMap::new();
    if query.asks_ai() {
        for (study, rows) in analyses::waiting(conn).await? {
            let states = analyses::current(&rows).into_iter().map(analyses::state_of);
            said.insert(study, states.collect::<Result<_, _>>()?);
        }
    }
    let mut by_id: BTreeMap<String, study::Model> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let now = state.now();
    let row = |place: Place| {
        let study = by_id.remove(&place.item.study.to_string())?;
        Some(Row {
            holder: studies::holder(&study, now).map(str::to_owned),
            ai: said.remove(&study.id).unwrap_or_default(),
            place,
            study,
        })
    };
    Ok(places.into_iter().filter_map(row).collect())
}

/// What the order is decided from.
fn item_of(row: &study::Model) -> Result<Item, StoreError> {
    let human = band(row, "human_band", row.human_band)?;
    let without_ai = band(row, "band_without_ai", row.band_without_ai)?;
    Ok(Item {
        study: studies::id_of(row)?,
        band: band(row, "band", row.band)?,
        human_band: human.max(without_ai),
        score: row.score,
        human_score: row.score_without_ai,
        arrived_at: from_micros(row.arrived_at),
    })
}

pub fn band(row: &study::Model, column: &'static str, number: i16) -> Result<Band, StoreError> {
    Band::from_number(number).ok_or_else(|| unreadable(row, column))
}

pub fn verdicts_of(row: &study::Model) -> Result<Vec<Verdict>, StoreError> {
    row.verdict.as_deref().map_or(Ok(Vec::new()), |text| {
        document::read(text, "study", "verdict", &row.id)
    })
}

pub fn reasons_of(row: &study::Model) -> Result<Vec<Reason>, StoreError> {
    document::read(&row.reasons, "study", "reasons", &row.id)
}

fn unreadable(row: &study::Model, column: &'static str) -> StoreError {
    StoreError::Inconsistent {
        table: "study",
        column,
        id: row.id.clone(),
    }
}

async fn describe(state: &State, rows: Vec<Row>) -> Result<Vec<WorklistItem>, ApiError> {
    let conn = state.store.read();
    let ids: Vec<String> = rows.iter().map(|row| row.study.id.clone()).collect();
    let order_ids: Vec<String> = rows.iter().filter_map(|row| row.study.order_id.clone()).collect();
    let mut priorities = BTreeMap::new();
    for order in orders::by_ids(conn, &order_ids).await? {
        priorities.insert(order.id.clone(), orders::record_of(&order)?.priority);
    }
    let analyses = analyses::of_studies(conn, &ids).await?;
    let records = results::of_studies(conn, &ids)
        .await?
        .iter()
        .map(results::record_of)
        .collect::<Result<Vec<_>, _>>()?;
    let alerts = alerts::of_studies(conn, &ids).await?;
    let now = state.now();
    rows.into_iter()
        .map(
            |Row {
                 place, study: row, ..
             }| {
                let own: Vec<_> = analyses
                    .iter()
                    .filter(|a| a.study_id == row.id)
                    .cloned()
                    .collect();
                let ai = ai_of(&own, &records)?;
                let priority = row.order_id.as_ref().and_then(|id| priorities.get(id).cloned());
                let alert = most_pressing(alerts.iter().filter(|a| a.study_id == row.id));
                item(place, row, ai, priority.flatten(), alert, now)
            },
        )
        .collect()
}

fn item(
    place: Place,
    row: study::Model,
    ai: Vec<AiView>,
    ris_priority: Option<String>,
    alert: Option<AlertBrief>,
    now: Timestamp,
) -> Result<WorklistItem, ApiError> {
    Ok(WorklistItem {
        rank: place.rank,
        rank_without_ai: place.rank_without_ai,
        study_id: place.item.study,
        reasons: reasons_of(&row)?,
        contributions: verdicts_of(&row)?
            .into_iter()
            .flat_map(|verdict| verdict.contributions)
            .collect(),
        patient: PatientView::of_images(&row),
        claimed_by: studies::holder(&row, now).map(str::to_owned),
        study_uid: row.study_uid,
        accession: row.accession,
        modality: row.modality,
        description: row.description,
        ris_priority,
        band: place.item.band,
        score: place.item.score,
        ai,
        arrived_at: place.item.arrived_at,
        wait_cap_at: place.wait_cap_at,
        overdue: place.overdue,
        state: row.state,
        images: row.instances,
        sender: row.sender_ae,
        link: row.link,
        report_status: row.report_status,
        alert,
    })
}

/// One that nobody has acknowledged goes before all others, and the newest before the older.
fn most_pressing<'a>(alerts: impl Iterator<Item = &'a alert::Model>) -> Option<AlertBrief> {
    let weight = |status: &str| match status {
        "raised" | "notified" => 2,
        "acknowledged" => 1,
        _ => 0,
    };
    alerts
        .max_by_key(|a| (weight(&a.status), a.created_at))
        .map(|a| AlertBrief {
            id: a.id.clone(),
            status: a.status.clone(),
            title: a.title.clone(),
            acknowledged_by: a.acknowledged_by.clone(),
        })
}
