//! The reading worklist: every study that waits, in the order that the domain gives, with the reasons.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::StudyId;
use tocsin_domain::triage::{Contribution, Verdict};
use tocsin_domain::worklist::{Band, Place, Reason};

use super::ai::{AiView, ai_of};
use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::patient::PatientView;
use super::state::State;
use super::views;
use super::waiting::{Ranked, Snapshot};
use super::worklist_query::WorklistQuery;
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

/// Everything that waits, as it stands now.
pub async fn waiting(state: &State) -> Result<Arc<Snapshot>, ApiError> {
    Ok(state.waiting.now(&state.store, &state.settings.caps).await?)
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
    let selection = query.checked(me, search, state.now())?;
    let page = query.page();
    let (offset, count) = (page.offset()?, page.count(LIMIT));
    let list = waiting(state).await?;
    let (mut modalities, mut bands) = (BTreeMap::<&str, usize>::new(), BTreeMap::new());
    for row in &list.rows {
        *modalities.entry(&row.known.study.modality).or_insert(0) += 1;
        *bands.entry(row.place.item.band.text()).or_insert(0) += 1;
    }
    let critical = list
        .rows
        .iter()
        .filter(|row| row.place.item.band == Band::Critical);
    let critical: Vec<&Ranked> = critical.take(CRITICAL).collect();
    let picked = selection.of(&list.rows);
    let matching = picked.len();
    let shown: Vec<&Ranked> = picked.into_iter().skip(offset).take(count).collect();
    let next = offset.saturating_add(shown.len());
    Ok(Listed {
        next: (next < matching).then(|| next.to_string()),
        items: describe(state, shown).await?,
        critical: describe(state, critical).await?,
        waiting: list.rows.len(),
        matching,
        modalities: modalities
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
        bands,
    })
}

pub fn verdicts_of(row: &study::Model) -> Result<Vec<Verdict>, StoreError> {
    row.verdict.as_deref().map_or(Ok(Vec::new()), |text| {
        document::read(text, "study", "verdict", &row.id)
    })
}

pub fn reasons_of(row: &study::Model) -> Result<Vec<Reason>, StoreError> {
    document::read(&row.reasons, "study", "reasons", &row.id)
}

/// The rows as people see them; one that was taken off the list a moment ago is left out.
async fn describe(state: &State, rows: Vec<&Ranked>) -> Result<Vec<WorklistItem>, ApiError> {
    let conn = state.store.read();
    let ids: Vec<String> = rows.iter().map(|row| row.known.study.id.clone()).collect();
    let mut studies: BTreeMap<String, study::Model> = studies::by_ids(conn, &ids)
        .await?
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let order_ids: Vec<String> = studies.values().filter_map(|row| row.order_id.clone()).collect();
    let mut priorities = BTreeMap::new();
    for order in orders::by_ids(conn, &order_ids).await? {
        priorities.insert(order.id.clone(), orders::record_of(&order)?.priority);
    }
    let mut said = studies::by_study(analyses::of_studies(conn, &ids).await?, |row| &row.study_id);
    let mut found = studies::by_study(results::of_studies(conn, &ids).await?, |row| &row.study_id);
    let mut alerts = studies::by_study(alerts::of_studies(conn, &ids).await?, |row| &row.study_id);
    let now = state.now();
    let mut items = Vec::with_capacity(rows.len());
    for ranked in rows {
        let Some(row) = studies.remove(&ranked.known.study.id) else {
            continue;
        };
        let records = found.remove(&row.id).unwrap_or_default();
        let records = records
            .iter()
            .map(results::record_of)
            .collect::<Result<Vec<_>, _>>()?;
        let ai = ai_of(&said.remove(&row.id).unwrap_or_default(), &records)?;
        let priority = row.order_id.as_ref().and_then(|id| priorities.get(id).cloned());
        let alert = most_pressing(alerts.remove(&row.id).unwrap_or_default().iter());
        items.push(item(
            ranked.place.clone(),
            row,
            ai,
            priority.flatten(),
            alert,
            now,
        )?);
    }
    Ok(items)
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
