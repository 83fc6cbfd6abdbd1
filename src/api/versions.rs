//! Which models and rule packs are in force, by version and hash, since when and by whose word.

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};

use super::error::ApiError;
use super::page::{Page, PageQuery};
use super::state::State;
use crate::storage::versions::{self, Kind};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VersionView {
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub state: VersionState,
    pub active_since: Timestamp,
    pub activated_by: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// In force, and in use by this service.
    Active,
    /// In force, but its files were changed, removed or cannot be read since; nothing is decided by it.
    NotLoaded,
}

pub async fn models(
    state: Data<State>,
    query: Query<PageQuery>,
) -> Result<Json<Page<VersionView>>, ApiError> {
    Ok(Json(load(&state, Kind::Model, &query).await?))
}

pub async fn rules(state: Data<State>, query: Query<PageQuery>) -> Result<Json<Page<VersionView>>, ApiError> {
    Ok(Json(load(&state, Kind::Rules, &query).await?))
}

async fn load(state: &State, kind: Kind, query: &PageQuery) -> Result<Page<VersionView>, ApiError> {
    let mut items: Vec<VersionView> = versions::all(state.store.read())
        .await?
        .into_iter()
        .filter(|row| row.kind == kind.text())
        .map(|row| VersionView {
            state: if state.settings.loaded.contains(&row.sha256) {
                VersionState::Active
            } else {
                VersionState::NotLoaded
            },
            name: row.name,
            version: row.version,
            sha256: row.sha256,
            active_since: from_micros(row.activated_at),
            activated_by: row.activated_by,
        })
        .collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Page::piece(query, items)
}
