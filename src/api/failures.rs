//! Messages that failed, by cause: what failed alike is looked at, mended and replayed together.

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};

use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::state::State;
use super::views;
use crate::storage::failures::{self, Group};

/// Messages of one type that failed for one reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FailureView {
    /// `in` or `out`.
    pub direction: String,
    pub peer: String,
    pub kind: String,
    /// `failed`: could not be applied; `refused`: its receiver did not want it.
    pub state: String,
    /// What is wrong and what was expected; null where the receiver's answer says it.
    pub problem: Option<String>,
    pub count: i64,
    /// Studies that they are known to be about.
    pub studies: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

pub async fn list(state: Data<State>, who: Principal) -> Result<Json<Page<FailureView>>, ApiError> {
    let items = load(&state, &who).await?;
    Ok(Json(Page { items, next: None }))
}

pub async fn load(state: &State, who: &Principal) -> Result<Vec<FailureView>, ApiError> {
    let groups = failures::groups(state.store.read()).await?;
    let detail = serde_json::json!({ "groups": groups.len() });
    views::note(state, who, "messages.failures", "messages".to_owned(), detail).await?;
    Ok(groups.into_iter().map(view).collect())
}

fn view(group: Group) -> FailureView {
    FailureView {
        direction: group.direction,
        peer: group.peer,
        kind: group.kind,
        state: group.state,
        problem: group.problem,
        count: group.count,
        studies: group.studies,
        first_at: from_micros(group.first),
        last_at: from_micros(group.last),
    }
}
