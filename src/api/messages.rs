//! HL7 messages in and out, newest first. The list shows what a message is; its bytes are a route of their own.

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::MessageId;

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery};
use super::state::State;
use super::views;
use crate::storage::entity::message;
use crate::storage::messages;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Search {
    /// Looked for in control id, type, sender and meaning.
    pub q: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageView {
    pub id: String,
    /// `in` or `out`.
    pub direction: String,
    pub peer: String,
    pub control_id: String,
    pub kind: String,
    pub state: String,
    pub ack_code: Option<String>,
    pub problem: Option<String>,
    /// The control id came before with other bytes.
    pub flagged: bool,
    pub study_id: Option<String>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RawMessage {
    pub id: String,
    /// The message as it was, one segment a line; bytes that are no UTF-8 are replaced.
    pub text: String,
    pub answer: Option<String>,
}

pub async fn list(
    state: Data<State>,
    search: Query<Search>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<MessageView>>, ApiError> {
    let limit = query.limit();
    let before = query.before()?;
    let rows = messages::search(state.store.read(), search.q.as_deref(), before.as_ref(), limit).await?;
    let next = (rows.len() as u64 == limit)
        .then(|| rows.last().map(|row| format!("{}~{}", row.created_at, row.id)))
        .flatten();
    views::note(
        &state,
        &who,
        "messages.search",
        "messages".to_owned(),
        serde_json::json!({ "rows": rows.len() }),
    )
    .await?;
    Ok(Json(Page {
        items: rows.into_iter().map(view).collect(),
        next,
    }))
}

pub async fn raw(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<RawMessage>, ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::NotFound("message"))?;
    let row = messages::by_id(state.store.read(), id)
        .await?
        .ok_or(ApiError::NotFound("message"))?;
    views::note(
        &state,
        &who,
        "message.view",
        format!("message:{id}"),
        serde_json::json!({}),
    )
    .await?;
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "\n");
    Ok(Json(RawMessage {
        id: row.id,
        text: lines(&row.raw),
        answer: row.ack.as_deref().map(lines),
    }))
}

fn view(row: message::Model) -> MessageView {
    MessageView {
        id: row.id,
        direction: row.direction,
        peer: row.peer,
        control_id: row.control_id,
        kind: row.kind,
        state: row.state,
        ack_code: row.ack_code,
        problem: row.problem,
        flagged: row.flagged,
        study_id: row.study_id,
        at: from_micros(row.created_at),
    }
}
