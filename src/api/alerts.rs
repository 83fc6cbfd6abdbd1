//! Alerts, newest first, each with its pages.

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery, one_of};
use super::patient::PatientView;
use super::state::State;
use super::views;
use crate::storage::entity::{alert, notification, study};
use crate::storage::{StoreError, alerts, studies};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlertView {
    pub id: String,
    pub study_id: String,
    /// As the images say.
    pub patient: PatientView,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    pub status: String,
    pub title: String,
    pub raised_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Timestamp>,
    pub pages: Vec<PageView>,
}

/// One page to one person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PageView {
    pub recipient: String,
    pub channel: String,
    pub reason: String,
    pub state: String,
    pub attempts: i64,
    pub sent_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Filter {
    /// `raised`, `notified`, `acknowledged`, `withheld` or `retracted`; all without it.
    pub status: Option<String>,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<AlertView>>, ApiError> {
    Ok(Json(load(&state, &who, filter.status.as_deref(), &query).await?))
}

pub async fn load(
    state: &State,
    who: &Principal,
    status: Option<&str>,
    query: &PageQuery,
) -> Result<Page<AlertView>, ApiError> {
    let status = one_of("status", status, &alerts::STATUSES)?;
    let before = query.before()?;
    let rows = alerts::list(state.store.read(), status, before.as_ref(), query.limit()).await?;
    let shown = rows.iter().map(|row| row.study_id.clone());
    views::viewed(state, who, "alerts.view", shown).await?;
    let mut items = Vec::with_capacity(rows.len());
    let ids: Vec<String> = rows.iter().map(|row| row.study_id.clone()).collect();
    let of = studies::by_ids(state.store.read(), &ids).await?;
    for row in &rows {
        let study = of.iter().find(|study| study.id == row.study_id);
        let study = study.ok_or(StoreError::Missing("study of the alert"))?;
        items.push(view(state, row.clone(), study).await?);
    }
    Ok(Page::of(query, &rows, |row| (row.created_at, &row.id), items))
}

/// An alert with its pages.
pub async fn view(state: &State, row: alert::Model, study: &study::Model) -> Result<AlertView, StoreError> {
    let pages = alerts::pages_of(state.store.read(), alerts::id_of(&row)?).await?;
    Ok(AlertView {
        id: row.id,
        study_id: row.study_id,
        patient: PatientView::of_images(study),
        accession: study.accession.clone(),
        modality: study.modality.clone(),
        description: study.description.clone(),
        status: row.status,
        title: row.title,
        raised_at: from_micros(row.created_at),
        due_at: row.due_at.map(from_micros),
        acknowledged_by: row.acknowledged_by.map(|id| state.person(&id).to_owned()),
        acknowledged_at: row.acknowledged_at.map(from_micros),
        pages: pages.into_iter().map(|page| page_view(state, page)).collect(),
    })
}

fn page_view(state: &State, page: notification::Model) -> PageView {
    PageView {
        recipient: state.person(&page.recipient).to_owned(),
        channel: page.channel,
        reason: page.reason,
        state: page.state,
        attempts: page.attempts,
        sent_at: page.sent_at.map(from_micros),
        last_error: page.last_error,
    }
}
