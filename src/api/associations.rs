//! Associations that peers opened and those that were turned away, newest first, with the reason in words.

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery, one_of};
use super::state::State;
use super::views;
use crate::storage::associations::{self, Outcome};
use crate::storage::entity::association;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Filter {
    /// AE titles, an address, accession numbers and UIDs of studies: all must be there.
    #[serde(default)]
    pub q: String,
    /// `released`, `broken` or `rejected`.
    pub outcome: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AssociationView {
    pub id: String,
    pub calling_ae: String,
    pub called_ae: String,
    pub peer: String,
    /// `released`, `broken` or `rejected`.
    pub outcome: String,
    /// Why it was turned away.
    pub reason: Option<String>,
    /// Instances that were taken, and those that were not.
    pub stored: i64,
    pub refused: i64,
    /// How often it was turned away alike within ten minutes.
    pub times: i64,
    pub at: Timestamp,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<AssociationView>>, ApiError> {
    Ok(Json(load(&state, &who, &filter, &query).await?))
}

pub async fn load(
    state: &State,
    who: &Principal,
    filter: &Filter,
    query: &PageQuery,
) -> Result<Page<AssociationView>, ApiError> {
    let outcome = one_of(
        "outcome",
        filter.outcome.as_deref(),
        &Outcome::ALL.map(Outcome::text),
    )?;
    let (conn, before) = (state.store.read(), query.before()?);
    let rows = associations::search(conn, &filter.q, outcome, before.as_ref(), query.limit()).await?;
    let detail = serde_json::json!({ "rows": rows.len() });
    views::note(
        state,
        who,
        "associations.search",
        "associations".to_owned(),
        detail,
    )
    .await?;
    let items = rows.iter().cloned().map(view).collect();
    Ok(Page::of(query, &rows, |row| (row.created_at, &row.id), items))
}

fn view(row: association::Model) -> AssociationView {
    AssociationView {
        id: row.id,
        calling_ae: row.calling_ae,
        called_ae: row.called_ae,
        peer: row.peer,
        outcome: row.outcome,
        reason: row.reason,
        stored: row.stored,
        refused: row.refused,
        times: row.times,
        at: from_micros(row.created_at),
    }
}
