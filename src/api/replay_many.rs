//! Many messages a second time: all that failed alike, or those that are named. First it is said what would happen; many
//! are replayed only by who says how many.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::foreseen::{AlertCounts, Effect};
use tocsin_domain::ids::MessageId;

use super::auth::Principal;
use super::error::ApiError;
use super::replay::{self, Ask};
use super::state::State;
use super::views;
use crate::storage::entity::message;
use crate::storage::message_search::{self, Wanted};
use crate::storage::{failures, messages};

/// Messages of one request.
const MAX_MESSAGES: u64 = 500;
/// More than this need their number typed.
const UNCONFIRMED: usize = 50;
/// Effects that a preview lists.
const SHOWN: usize = 20;

/// Which messages, and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = named_or_alike()))]
pub struct Many {
    /// Ids of messages; without any, those that failed and fit the rest.
    #[schemars(length(max = MAX_MESSAGES))]
    #[serde(default)]
    pub messages: Vec<String>,
    #[serde(default)]
    pub direction: String,
    #[serde(default)]
    pub peer: String,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub problem: String,
    /// Say what would happen, and do nothing.
    #[serde(default)]
    pub preview: bool,
    /// Let alerts that they bring about page people.
    #[serde(default)]
    pub pages: bool,
    /// `REPLAY 312`, where more than 50 messages are replayed.
    #[serde(default)]
    pub confirm: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReplayedMany {
    pub preview: bool,
    /// Messages that fit, 500 at most of one request.
    pub messages: usize,
    /// Of them: those that are, or would be, replayed.
    pub replayed: usize,
    /// Why the others are not.
    pub refused: Vec<Refused>,
    /// What they would do, the first of many, alerts before everything else; sentences without a patient.
    pub effects: Vec<String>,
    /// Alerts that would be raised, withheld or retracted by all of them together; of a preview.
    pub alerts: AlertCounts,
    /// What `confirm` has to say, where it has to.
    pub confirm: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Refused {
    pub because: String,
    pub messages: usize,
}

pub async fn post(
    state: Data<State>,
    many: Json<Many>,
    who: Principal,
) -> Result<Json<ReplayedMany>, ApiError> {
    Ok(Json(run(&state, &who, &many).await?))
}

pub async fn run(state: &State, who: &Principal, many: &Many) -> Result<ReplayedMany, ApiError> {
    let ask = Ask {
        preview: many.preview,
        pages: many.pages,
    };
    let rows = chosen(state, many).await?;
    let phrase = (rows.len() > UNCONFIRMED).then(|| format!("REPLAY {}", rows.len()));
    let unconfirmed = |phrase: &&String| !ask.preview && many.confirm.trim() != **phrase;
    if let Some(phrase) = phrase.as_ref().filter(unconfirmed) {
        return Err(ApiError::BadRequest(format!("confirm: expected `{phrase}`")));
    }
    let detail = serde_json::json!({ "messages": rows.len(), "preview": ask.preview, "pages": ask.pages });
    views::note(state, who, "messages.replay", "messages".to_owned(), detail).await?;
    let mut done = ReplayedMany {
        preview: ask.preview,
        messages: rows.len(),
        replayed: 0,
        refused: Vec::new(),
        effects: Vec::new(),
        alerts: AlertCounts::default(),
        confirm: phrase,
    };
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    if ask.preview {
        foresee(state, &rows, ask, &mut done, &mut refused).await?;
        done.refused = grouped(refused);
        return Ok(done);
    }
    for row in &rows {
        match replay::once(state, who, row, ask).await {
            Ok(replayed) => {
                done.replayed += 1;
                let room = SHOWN.saturating_sub(done.effects.len());
                done.effects.extend(replayed.effects.into_iter().take(room));
            }
            Err(ApiError::Conflict(because)) => count(&mut refused, row, &because),
            Err(error) => return Err(error),
        }
    }
    done.refused = grouped(refused);
    Ok(done)
}

async fn foresee(
    state: &State,
    rows: &[message::Model],
    ask: Ask,
    done: &mut ReplayedMany,
    refused: &mut BTreeMap<String, usize>,
) -> Result<(), ApiError> {
    let (mut foreseen, mut others) = (Vec::new(), Vec::new());
    for (row, seen) in rows.iter().zip(replay::foresee(state, rows, ask.paging()).await?) {
        match seen {
            Ok(seen) => {
                done.replayed += 1;
                foreseen.extend(seen.foreseen);
                others.extend(seen.effects);
            }
            Err(ApiError::Conflict(because)) => count(refused, row, &because),
            Err(error) => return Err(error),
        }
    }
    let is_alert = |effect: &Effect| {
        matches!(
            effect,
            Effect::AlertRaised { .. } | Effect::AlertWithheld { .. } | Effect::AlertRetracted { .. }
        )
    };
    let alerts = foreseen.iter().filter(|one| is_alert(&one.effect));
    let mut effects: Vec<String> = alerts.map(|one| one.sentence()).collect();
    others.retain(|other| !effects.contains(other));
    effects.extend(others);
    effects.truncate(SHOWN);
    done.alerts = AlertCounts::of(&foreseen);
    done.effects = effects;
    Ok(())
}

fn count(refused: &mut BTreeMap<String, usize>, row: &message::Model, because: &str) {
    *refused.entry(because.replace(&row.id, "…")).or_default() += 1;
}

fn grouped(refused: BTreeMap<String, usize>) -> Vec<Refused> {
    refused
        .into_iter()
        .map(|(because, messages)| Refused { because, messages })
        .collect()
}

/// As `chosen` reads it, for the description of the API.
fn named_or_alike() -> serde_json::Value {
    serde_json::json!([
        { "required": ["messages"], "properties": { "messages": { "minItems": 1 } } },
        { "required": ["peer", "state"], "properties": {
            "peer": { "minLength": 1 }, "state": { "enum": failures::FAILED },
        } },
    ])
}

/// Oldest first: what came first is applied first.
async fn chosen(state: &State, many: &Many) -> Result<Vec<message::Model>, ApiError> {
    let conn = state.store.read();
    let mut rows = Vec::new();
    if many.messages.is_empty() {
        rows = message_search::search(conn, &alike(many)?, None, MAX_MESSAGES).await?;
    }
    if many.messages.len() > MAX_MESSAGES as usize {
        return Err(ApiError::BadRequest(format!(
            "messages: expected {MAX_MESSAGES} at most"
        )));
    }
    for id in &many.messages {
        let id: MessageId = id.parse().map_err(|_| ApiError::NotFound("message"))?;
        rows.push(
            messages::by_id(conn, id)
                .await?
                .ok_or(ApiError::NotFound("message"))?,
        );
    }
    rows.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(rows)
}

/// All of a state would be too many by mistake: what failed between us and somebody is named.
fn alike(many: &Many) -> Result<Wanted, ApiError> {
    if !failures::FAILED.contains(&many.state.as_str()) || many.peer.is_empty() {
        return Err(ApiError::BadRequest(format!(
            "expected messages, or a peer and a state out of {}",
            failures::FAILED.join(", ")
        )));
    }
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Ok(Wanted {
        direction: said(&many.direction),
        peer: said(&many.peer),
        kind: said(&many.kind),
        state: said(&many.state),
        problem: said(&many.problem),
        unedited: true,
        ..Wanted::default()
    })
}
