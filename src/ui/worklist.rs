//! The worklist: what waits, in which order and why, with its filters in the address; the rows alone for a screen that
//! follows changes; and the list for a wall.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Query};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::worklist::Band;

use super::choices::{self, Choice, Column};
use super::frame::{Frame, go_to, sealed};
use super::helpers::duration;
use super::sheet::Sheet;
use super::templates;
use crate::api::auth::Principal;
use crate::api::found::{self, FoundStudy, Standing};
use crate::api::worklist::{self, Listed, WorklistItem};
use crate::api::worklist_query::WorklistQuery;
use crate::api::{ApiError, State, views};
use crate::storage::{saved_views, studies};

/// What a table of a demonstration says of itself, in English as all of the table.
const SYNTHETIC: &str = "DEMO - synthetic data";
/// A name of a view, characters.
const NAME: usize = 40;
/// Rows of a table that are read at a time.
const PIECE: u64 = 500;
/// A study whose cap is nearer than this is shown as nearly due.
const SOON: TimeDelta = TimeDelta::minutes(15);

#[derive(Serialize)]
pub struct WorklistPage {
    rows: Vec<RowView>,
    critical: Vec<RowView>,
    /// Critical studies beyond those that are shown above the list.
    critical_more: usize,
    critical_all: usize,
    waiting: usize,
    matching: usize,
    /// Address of the next piece.
    next: Option<String>,
    query: WorklistQuery,
    /// The same as it stands in an address, without `?`.
    address: String,
    /// What was looked for; never in an address.
    search: String,
    /// Studies that it names and that are not on the list.
    pub(super) elsewhere: Vec<FoundStudy>,
    filters: Vec<choices::Filter>,
    columns: Vec<Column>,
    /// Columns that may be left out, and those that are.
    hideable: Vec<Choice>,
    hidden: Vec<String>,
    views: Vec<Choice>,
    feed: Feed,
}

/// Whether images arrive at all: a quiet list and a dead feed must not look the same.
#[derive(Serialize)]
pub struct Feed {
    pub last_image_at: Option<Timestamp>,
    pub ago: Option<String>,
    /// Where images are to be sent.
    pub ae_title: String,
    pub port: u16,
}

#[derive(Serialize)]
struct RowView {
    #[serde(flatten)]
    item: WorklistItem,
    wait: String,
    cap: Cap,
    /// Ranks gained or lost by what models said.
    moved_by_ai: i64,
    /// Claimed by whoever looks.
    mine: bool,
}

#[derive(Serialize)]
struct Cap {
    /// `due`, `soon` or `later`.
    state: &'static str,
    /// Until then.
    left: String,
}

fn row(item: WorklistItem, me: &str, now: Timestamp) -> RowView {
    let left = item.wait_cap_at - now;
    let state = match (item.overdue, left < SOON) {
        (true, _) => "due",
        (false, true) => "soon",
        (false, false) => "later",
    };
    RowView {
        wait: duration(now - item.arrived_at),
        moved_by_ai: item.rank_without_ai as i64 - item.rank as i64,
        mine: item.claimed_by.as_deref() == Some(me),
        cap: Cap {
            state,
            left: duration(left),
        },
        item,
    }
}

pub async fn show(
    state: Data<State>,
    query: Query<WorklistQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    whole(&state, &who, query.into_inner(), "", "worklist").await
}

/// For a screen that nobody sits at.
pub async fn wall(
    state: Data<State>,
    query: Query<WorklistQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    whole(&state, &who, query.into_inner(), "", "wall").await
}

async fn whole(
    state: &State,
    who: &Principal,
    query: WorklistQuery,
    search: &str,
    template: &str,
) -> Result<HttpResponse, ApiError> {
    let mut page = load(state, who, query, search).await?;
    page.elsewhere = elsewhere(state, search).await?;
    views::viewed(state, who, "worklist.view", shown(&page)).await?;
    let frame = Frame::of(state, who);
    templates::page(template, "nav-worklist", StatusCode::OK, &frame, &page)
}

/// The table alone, for a screen that follows changes.
pub async fn rows(
    state: Data<State>,
    query: Query<WorklistQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let page = load(&state, &who, query.into_inner(), "").await?;
    views::viewed_again(&state, &who, "worklist.view", shown(&page)).await?;
    let frame = Frame::of(&state, &who);
    templates::page("worklist_rows", "nav-worklist", StatusCode::OK, &frame, &page)
}

/// As far as it was asked for, whole, with what was asked and when.
pub async fn sheet(
    state: Data<State>,
    query: Query<WorklistQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let mut query = query.into_inner();
    let asked = choices::address(&WorklistQuery {
        cursor: None,
        limit: None,
        ..query.clone()
    });
    let header = [
        "rank",
        "rank_without_ai",
        "band",
        "score",
        "patient",
        "identifier",
        "accession",
        "modality",
        "description",
        "arrived_at",
        "wait_cap_at",
        "overdue",
        "images",
        "sender",
        "link",
        "ai",
        "alert",
        "claimed_by",
        "report_status",
    ];
    let mut title = vec![
        "worklist".to_owned(),
        asked,
        state.now().to_rfc3339(),
        who.name.clone(),
    ];
    if state.settings.demonstration {
        title.push(SYNTHETIC.to_owned());
    }
    let mut table = Sheet::new(title.iter().map(String::as_str));
    table.row(header);
    let mut shown = Vec::new();
    query.cursor = None;
    query.limit = Some(PIECE);
    loop {
        let listed = worklist::load(&state, &query, &who.name, "").await?;
        for item in &listed.items {
            shown.push(item.study_id.to_string());
            table.row(fields(item));
        }
        query.cursor = listed.next;
        if query.cursor.is_none() {
            break;
        }
    }
    views::viewed(&state, &who, "worklist.export", shown).await?;
    Ok(table.download("worklist.csv"))
}

fn fields(item: &WorklistItem) -> [String; 19] {
    let said: Vec<String> = item
        .ai
        .iter()
        .map(|ai| format!("{} {}", ai.model, ai.state.text()))
        .collect();
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        item.rank.to_string(),
        item.rank_without_ai.to_string(),
        item.band.text().to_owned(),
        item.score.to_string(),
        item.patient.display.clone(),
        or_empty(&item.patient.identifier),
        or_empty(&item.accession),
        item.modality.clone(),
        item.description.clone(),
        item.arrived_at.to_rfc3339(),
        item.wait_cap_at.to_rfc3339(),
        item.overdue.to_string(),
        item.images.to_string(),
        item.sender.clone(),
        item.link.clone(),
        said.join("; "),
        item.alert
            .as_ref()
            .map(|alert| alert.status.clone())
            .unwrap_or_default(),
        or_empty(&item.claimed_by),
        or_empty(&item.report_status),
    ]
}

fn shown(page: &WorklistPage) -> Vec<String> {
    let rows = page.rows.iter().chain(&page.critical);
    rows.map(|row| row.item.study_id)
        .chain(page.elsewhere.iter().map(|found| found.study_id))
        .map(|id| id.to_string())
        .collect()
}

async fn load(
    state: &State,
    who: &Principal,
    query: WorklistQuery,
    search: &str,
) -> Result<WorklistPage, ApiError> {
    let listed = worklist::load(state, &query, &who.name, search).await?;
    let kept = saved_views::of(state.store.read(), &who.name).await?;
    let feed = feed(state).await?;
    Ok(page(listed, query, search, kept, feed, &who.name, state.now()))
}

pub fn page(
    listed: Listed,
    query: WorklistQuery,
    search: &str,
    kept: Vec<crate::storage::entity::saved_view::Model>,
    feed: Feed,
    me: &str,
    now: Timestamp,
) -> WorklistPage {
    let rows = |items: Vec<WorklistItem>| items.into_iter().map(|item| row(item, me, now)).collect();
    let filters = choices::filters(&query, &listed);
    let criticals = listed.bands.get(Band::Critical.text()).copied().unwrap_or(0);
    let address = choices::address(&WorklistQuery {
        cursor: None,
        ..query.clone()
    });
    let next = listed.next.map(|cursor| {
        choices::address(&WorklistQuery {
            cursor: Some(cursor),
            ..query.clone()
        })
    });
    WorklistPage {
        rows: rows(listed.items),
        critical_more: criticals.saturating_sub(listed.critical.len()),
        critical_all: criticals,
        critical: rows(listed.critical),
        waiting: listed.waiting,
        matching: listed.matching,
        next,
        columns: choices::columns(&query),
        hideable: choices::hideable(&query),
        hidden: query.hidden().into_iter().map(str::to_owned).collect(),
        views: choices::views(kept, &address),
        search: search.to_owned(),
        elsewhere: Vec::new(),
        query,
        address,
        filters,
        feed,
    }
}

/// What the number names beside the list.
async fn elsewhere(state: &State, search: &str) -> Result<Vec<FoundStudy>, ApiError> {
    let mut found = found::by_number(state, search).await?;
    found.retain(|study| study.standing != Standing::Waits);
    Ok(found)
}

async fn feed(state: &State) -> Result<Feed, ApiError> {
    let last = studies::last_image_at(state.store.read()).await?;
    let (ae_title, port) = state.settings.receives.clone();
    Ok(Feed {
        ae_title,
        port,
        ago: last.map(|at| duration(state.now() - at)),
        last_image_at: last,
    })
}

/// What is looked for may be a patient's name: it travels in the body.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    q: String,
}

pub async fn search(
    state: Data<State>,
    form: Form<Search>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    whole(&state, &who, WorklistQuery::default(), &form.q, "worklist").await
}

#[derive(Deserialize)]
pub struct View {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    /// As it stands in an address.
    #[serde(default)]
    query: String,
    /// The view is removed instead of kept.
    #[serde(default)]
    remove: bool,
}

pub async fn view(state: Data<State>, form: Form<View>, who: Principal) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let name = form.name.trim().to_owned();
    if !(1..=NAME).contains(&name.chars().count()) {
        return Err(ApiError::BadRequest(format!(
            "name: expected 1 to {NAME} characters"
        )));
    }
    // Read and written anew, so that nothing else is kept and followed later.
    let query = Query::<WorklistQuery>::from_query(&form.query)
        .map_err(|error| ApiError::BadRequest(format!("query: {error}")))?
        .into_inner();
    query.checked(&who.name, "", state.now())?;
    let (address, owner) = (choices::address(&query), who.name.clone());
    let target = format!("/?{address}");
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                match form.remove {
                    true => saved_views::remove(tx, &owner, &name).await,
                    false => saved_views::keep(tx, &owner, &name, &address).await,
                }
            })
        })
        .await?;
    Ok(go_to(&target))
}
