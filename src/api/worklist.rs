//! The reading worklist: every study that waits, in the order that the domain gives, with the reasons.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::StudyId;
use tocsin_domain::triage::Contribution;
use tocsin_domain::worklist::{Band, Place, Reason};

use super::ai::AiView;
use super::auth::Principal;
use super::described::{self, AlertBrief, Described};
use super::error::ApiError;
use super::page::Page;
use super::patient::PatientView;
use super::state::State;
use super::views;
use super::waiting::{Ranked, Snapshot};
use super::worklist_query::WorklistQuery;
use crate::storage::waiting::Waiting;

/// A worklist is read whole as a rule.
pub const LIMIT: usize = 200;
/// Critical studies that nobody has taken, shown above every list.
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
    /// `placed`, `completed` or `cancelled`; null without an order.
    pub order_state: Option<String>,
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
    /// The first critical studies that nobody has taken, of everything that waits, whatever was asked for.
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
    let now = state.now();
    let critical = list
        .rows
        .iter()
        .filter(|row| row.place.item.band == Band::Critical && row.known.study.holder(now).is_none());
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

/// The rows as people see them; one that was taken off the list a moment ago is left out.
async fn describe(state: &State, rows: Vec<&Ranked>) -> Result<Vec<WorklistItem>, ApiError> {
    let unknown = rows.iter().filter(|row| row.known.described.get().is_none());
    let ids: Vec<String> = unknown.map(|row| row.known.study.id.clone()).collect();
    let mut read = described::of(state.store.read(), &ids).await?;
    let now = state.now();
    let shown = rows.into_iter().filter_map(|row| {
        let known = &row.known;
        let described = match read.remove(&known.study.id) {
            Some(read) => known.described.get_or_init(|| Arc::new(read)),
            None => known.described.get()?,
        };
        Some(item(&row.place, &known.study, described, now))
    });
    Ok(shown.collect())
}

fn item(place: &Place, study: &Waiting, described: &Described, now: Timestamp) -> WorklistItem {
    let described = described.clone();
    WorklistItem {
        rank: place.rank,
        rank_without_ai: place.rank_without_ai,
        study_id: place.item.study,
        study_uid: study.study_uid.clone(),
        accession: study.accession.clone(),
        modality: study.modality.clone(),
        description: study.description.clone(),
        ris_priority: described.ris_priority,
        order_state: described.order_state,
        band: place.item.band,
        score: place.item.score,
        reasons: described.reasons,
        contributions: described.contributions,
        ai: described.ai,
        arrived_at: place.item.arrived_at,
        wait_cap_at: place.wait_cap_at,
        overdue: place.overdue,
        patient: described.patient,
        state: described.state,
        images: study.instances,
        sender: described.sender,
        link: study.link.clone(),
        claimed_by: study.holder(now).map(str::to_owned),
        report_status: study.report_status.clone(),
        alert: described.alert,
    }
}
