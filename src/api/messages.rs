//! HL7 messages in and out, newest first. The list shows what a message is; its bytes are a route of their own.

use actix_web::web::{Data, Json, Path, Query};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::MessageId;

use super::auth::Principal;
use super::error::ApiError;
use super::page::{Page, PageQuery, one_of};
use super::state::State;
use super::views;
use crate::report::hl7_charset::readable;
use crate::storage::entity::message;
use crate::storage::message_search::{self, Wanted};
use crate::storage::messages;

pub const DIRECTIONS: [&str; 2] = ["in", "out"];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Search {
    /// Numbers and words that a message must all have: accession, patient, placer, filler and control numbers, UIDs, words of
    /// the patient's name, type, sender. A single one that nothing has stands for those that begin so.
    #[serde(default)]
    pub q: String,
    /// `in` or `out`.
    #[serde(default)]
    pub direction: String,
    #[serde(default)]
    pub state: String,
    /// RFC 3339, or a date, which begins and ends in the site's time zone.
    #[serde(default)]
    pub since: String,
    #[serde(default)]
    pub until: String,
    #[serde(default)]
    pub peer: String,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub problem: String,
}

impl Search {
    /// # Errors
    /// A time that cannot be read.
    fn wanted(&self, zone: Tz) -> Result<Wanted, ApiError> {
        one_of("direction", Some(self.direction.trim()), &DIRECTIONS)?;
        let said = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Wanted {
            query: said(&self.q),
            direction: said(&self.direction),
            state: said(&self.state),
            since: instant("since", &self.since, zone, 0)?,
            until: instant("until", &self.until, zone, 1)?,
            peer: said(&self.peer),
            kind: said(&self.kind),
            problem: said(&self.problem),
            unedited: false,
        })
    }
}

/// An instant in microseconds; a date is its midnight, `days` later.
fn instant(name: &str, text: &str, zone: Tz, days: i64) -> Result<Option<i64>, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let exact = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let midnight = || {
        let date = text
            .parse::<NaiveDate>()
            .ok()?
            .checked_add_signed(TimeDelta::days(days))?;
        let local = date.and_time(NaiveTime::MIN).and_local_timezone(zone);
        Some(local.earliest()?.to_utc())
    };
    match exact.ok().or_else(midnight) {
        Some(at) => Ok(Some(at.timestamp_micros())),
        None => Err(ApiError::BadRequest(format!(
            "{name}: expected a date (2026-01-31) or a time (2026-01-31T08:00:00Z)"
        ))),
    }
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
    /// The message in the character set of its MSH-18, one segment a line; bytes that are not of that set are replaced.
    pub text: String,
    pub answer: Option<String>,
}

pub async fn list(
    state: Data<State>,
    search: Query<Search>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<Json<Page<MessageView>>, ApiError> {
    Ok(Json(load(&state, &who, &search, &query).await?))
}

/// A piece of the list; what was looked for may be a patient and is not noted.
pub async fn load(
    state: &State,
    who: &Principal,
    search: &Search,
    query: &PageQuery,
) -> Result<Page<MessageView>, ApiError> {
    let before = query.before()?;
    let wanted = search.wanted(state.settings.time_zone)?;
    let rows = message_search::search(state.store.read(), &wanted, before.as_ref(), query.limit()).await?;
    let detail = serde_json::json!({ "rows": rows.len() });
    views::note(state, who, "messages.search", "messages".to_owned(), detail).await?;
    let items = rows.iter().cloned().map(view).collect();
    Ok(Page::of(query, &rows, |row| (row.created_at, &row.id), items))
}

pub async fn raw(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<RawMessage>, ApiError> {
    let (_, message) = one(&state, &who, &id).await?;
    Ok(Json(message))
}

/// A message and its bytes; the view is on the audit chain when this returns.
pub async fn one(state: &State, who: &Principal, id: &str) -> Result<(MessageView, RawMessage), ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::NotFound("message"))?;
    let row = messages::by_id(state.store.read(), id)
        .await?
        .ok_or(ApiError::NotFound("message"))?;
    let detail = serde_json::json!({});
    views::note(state, who, "message.view", format!("message:{id}"), detail).await?;
    let lines = |bytes: &[u8]| readable(bytes).replace('\r', "\n");
    let raw = RawMessage {
        id: row.id.clone(),
        text: lines(&row.raw),
        answer: row.ack.as_deref().map(lines),
    };
    Ok((view(row), raw))
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
