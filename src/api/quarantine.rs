//! Instances that came with other bytes under a known UID: the list, and closing an entry. The bytes stay either way.

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::InstanceId;

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery, one_of};
use super::state::State;
use super::views;
use super::words::{SEEN, words};
use crate::storage::entity::quarantine;
use crate::storage::{audit, instances};

pub const STATES: [&str; 2] = ["open", "dismissed"];
/// Characters of a reason that are kept.
const REASON: usize = 500;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct QuarantineView {
    pub id: String,
    pub sop_instance_uid: String,
    pub study_uid: String,
    pub calling_ae: String,
    pub transfer_syntax: String,
    pub length: i64,
    pub sha256: String,
    /// Of the instance that came first and stays in use.
    pub kept_sha256: String,
    pub reason: String,
    /// `open` or `dismissed`.
    pub state: String,
    pub resolved_by: Option<String>,
    /// Why it was dismissed.
    pub resolution: Option<String>,
    pub received_at: Timestamp,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Filter {
    /// `open` or `dismissed`; both without it.
    pub state: Option<String>,
}

/// Why an entry is closed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissal {
    /// In a few words, without a patient's name.
    #[schemars(length(min = 1, max = REASON), regex(pattern = SEEN))]
    pub reason: String,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<QuarantineView>>, ApiError> {
    Ok(Json(load(&state, &who, filter.state.as_deref(), &query).await?))
}

pub async fn load(
    state: &State,
    who: &Principal,
    wanted: Option<&str>,
    query: &PageQuery,
) -> Result<Page<QuarantineView>, ApiError> {
    let wanted = one_of("state", wanted, &STATES)?;
    let before = query.before()?;
    let rows = instances::quarantined(state.store.read(), wanted, before.as_ref(), query.limit()).await?;
    let detail = serde_json::json!({ "rows": rows.len() });
    views::note(state, who, "quarantine.view", "quarantine".to_owned(), detail).await?;
    let items = rows.iter().cloned().map(view).collect();
    Ok(Page::of(query, &rows, |row| (row.received_at, &row.id), items))
}

pub async fn dismiss(
    state: Data<State>,
    id: Path<String>,
    dismissal: Json<Dismissal>,
    who: Principal,
) -> Result<Json<QuarantineView>, ApiError> {
    Ok(Json(close(&state, &who, &id, &dismissal.reason).await?))
}

pub async fn close(
    state: &State,
    who: &Principal,
    id: &str,
    reason: &str,
) -> Result<QuarantineView, ApiError> {
    let id: InstanceId = id
        .parse()
        .map_err(|_| ApiError::NotFound("quarantined instance"))?;
    let reason = words("reason", reason, REASON)?;
    let event = who.did(
        "quarantine.dismiss",
        format!("quarantine:{id}"),
        &state.settings.site.0,
        serde_json::json!({ "reason": reason }),
    );
    let by = who.name.clone();
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = instances::dismiss(tx, &id.to_string(), &by, &reason).await?;
                audit::record(tx, event).await?;
                Ok(row)
            })
        })
        .await?;
    Ok(view(row))
}

fn view(row: quarantine::Model) -> QuarantineView {
    QuarantineView {
        id: row.id,
        sop_instance_uid: row.sop_uid,
        study_uid: row.study_uid,
        calling_ae: row.calling_ae,
        transfer_syntax: row.transfer_syntax,
        length: row.length,
        sha256: row.sha256,
        kept_sha256: row.kept_sha256,
        reason: row.reason,
        state: row.state,
        resolved_by: row.resolved_by,
        resolution: row.resolution,
        received_at: from_micros(row.received_at),
    }
}
