//! A message that a person corrects by hand: an inbound one is applied as it should have come, an outbound one is sent as it
//! should have gone. What is made of it is a new message that names the other; the other stays as it was. First it is said
//! what differs and what that would do.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tocsin_domain::clock::from_micros;
use tocsin_domain::foreseen::{AlertCounts, Foreseen};
use tocsin_domain::ids::{MessageId, SiteId};
use tocsin_domain::order::Hl7Event;
use tocsin_domain::work::{Paging, Work};

use super::auth::Principal;
use super::deliveries::job_text;
use super::error::ApiError;
use super::replay::{self, Label, applicable};
use super::replay_preview as sentences;
use super::state::State;
use super::views;
use super::words::words;
use crate::report::hl7_diff::{self, Change};
use crate::report::hl7_edit::{self, editable, edited};
use crate::report::hl7_keys;
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::entity::{delivery, message, message_edit};
use crate::storage::jobs::{self, Terms};
use crate::storage::message_edits::{self, Edit};
use crate::storage::messages::{self, Draft, Inbound, InboundState};
use crate::storage::{audit, document, replay as again};

/// Longest reason, characters.
const MAX_REASON: usize = 500;

/// A message as it can be edited.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Editable {
    pub id: String,
    /// `in` or `out`.
    pub direction: String,
    /// One segment a line; `⟦1B⟧` stands for bytes that are no characters.
    pub text: String,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The whole message as it is to be, in the form that it is given for editing.
    pub text: String,
    /// Why; needed to do it, 500 characters at most.
    #[serde(default)]
    pub reason: String,
    /// Say what differs and what would happen, and do nothing.
    #[serde(default)]
    pub preview: bool,
    /// Let alerts that it brings about page people; without, they are raised and withheld.
    #[serde(default)]
    pub pages: bool,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Edited {
    /// The message that was edited.
    pub original: String,
    /// The message that was made of it; null for a preview.
    pub id: Option<String>,
    pub preview: bool,
    pub changes: Vec<Change>,
    /// Why it cannot be applied or sent; of a preview.
    pub refused: Option<String>,
    /// Sentences, without a patient.
    pub effects: Vec<String>,
    pub foreseen: Vec<Foreseen>,
    pub alerts: AlertCounts,
    /// `queued`, `brought_forward` or `running`; null for a preview.
    pub job: Option<String>,
}

/// Where a message comes from, and what was made of it.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Lineage {
    pub made_of: Option<EditView>,
    pub made: Vec<EditView>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EditView {
    /// The other message.
    pub message_id: String,
    pub by: String,
    pub reason: String,
    pub at: tocsin_domain::clock::Timestamp,
}

/// `GET /api/v1/messages/{id}/edit`.
pub async fn get(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<Editable>, ApiError> {
    Ok(Json(open(&state, &who, &id).await?))
}

/// `POST /api/v1/messages/{id}/edit`.
pub async fn post(
    state: Data<State>,
    id: Path<String>,
    wish: Json<Wish>,
    who: Principal,
) -> Result<Json<Edited>, ApiError> {
    Ok(Json(run(&state, &who, &id, &wish).await?))
}

/// The message as a text; the view is on the audit chain when this returns.
pub async fn open(state: &State, who: &Principal, id: &str) -> Result<Editable, ApiError> {
    let row = original(state, id).await?;
    let (object, detail) = (format!("message:{}", row.id), serde_json::json!({}));
    views::note(state, who, "message.view", object, detail).await?;
    Ok(Editable {
        text: editable(&row.raw).text,
        id: row.id,
        direction: row.direction,
    })
}

pub async fn lineage(state: &State, id: &str) -> Result<Lineage, ApiError> {
    let conn = state.store.read();
    let view = |other: String, row: &message_edit::Model| EditView {
        message_id: other,
        by: row.edited_by.clone(),
        reason: row.reason.clone(),
        at: from_micros(row.created_at),
    };
    let made_of = message_edits::of(conn, id).await?;
    let made = message_edits::made_of(conn, id).await?;
    Ok(Lineage {
        made_of: made_of.map(|row| view(row.original_id.clone(), &row)),
        made: made.iter().map(|row| view(row.message_id.clone(), row)).collect(),
    })
}

/// What the edited message would be, or is.
struct Version {
    raw: Vec<u8>,
    label: Label,
    plan: Plan,
}

enum Plan {
    Apply(Box<Hl7Event>),
    SendInsteadOf(Box<delivery::Model>),
}

/// # Errors
/// A text that cannot be written, a reason that is missing, or a conflict where it cannot be applied or sent.
pub async fn run(state: &State, who: &Principal, id: &str, wish: &Wish) -> Result<Edited, ApiError> {
    let row = original(state, id).await?;
    let before = editable(&row.raw);
    let raw =
        edited(&wish.text, before.form).map_err(|error| ApiError::BadRequest(format!("text: {error}")))?;
    let changes = hl7_diff::changes(&before.text, &editable(&raw).text);
    let mut answer = Edited {
        original: row.id.clone(),
        id: None,
        preview: wish.preview,
        changes,
        refused: None,
        effects: Vec::new(),
        foreseen: Vec::new(),
        alerts: AlertCounts::default(),
        job: None,
    };
    let version = version(state, &row, raw).await;
    if wish.preview {
        let (object, detail) = (format!("message:{}", row.id), serde_json::json!({}));
        views::note(state, who, "message.edit_preview", object, detail).await?;
        return match version {
            Ok(version) => foresee(state, &row, version, paging(wish), answer).await,
            Err(ApiError::Conflict(why)) => {
                answer.refused = Some(why);
                Ok(answer)
            }
            Err(error) => Err(error),
        };
    }
    if answer.changes.is_empty() {
        return Err(ApiError::BadRequest(
            "text: nothing was changed; a replay repeats a message as it is".to_owned(),
        ));
    }
    let reason = words("reason", &wish.reason, MAX_REASON)?;
    let places: Vec<&str> = answer
        .changes
        .iter()
        .map(|change| change.place.as_str())
        .collect();
    let places = serde_json::json!(places);
    let (made, job) = execute(state, who, &row, version?, (paging(wish), reason, places)).await?;
    answer.id = Some(made.to_string());
    answer.job = Some(job);
    Ok(answer)
}

fn paging(wish: &Wish) -> Paging {
    replay::Ask {
        preview: wish.preview,
        pages: wish.pages,
    }
    .paging()
}

async fn original(state: &State, id: &str) -> Result<message::Model, ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::NotFound("message"))?;
    let row = messages::by_id(state.store.read(), id).await?;
    row.ok_or(ApiError::NotFound("message"))
}

/// # Errors
/// A conflict where it could not be applied or sent.
async fn version(state: &State, row: &message::Model, raw: Vec<u8>) -> Result<Version, ApiError> {
    let refused = |because: &str| ApiError::Conflict(format!("the edited message {because}"));
    let label = state
        .reader
        .label(&raw)
        .ok_or_else(|| refused("has no header that can be read"))?;
    if row.direction == "in" {
        // What says no time itself was said when the original came.
        let event = state.reader.read(&raw, from_micros(row.created_at));
        let event = applicable(row, event).map_err(|error| of_edited(error, &row.id))?;
        return Ok(Version {
            raw,
            label,
            plan: Plan::Apply(Box::new(event)),
        });
    }
    let owed = deliveries::of_message(state.store.read(), &row.id).await?;
    let owed =
        owed.ok_or_else(|| refused("belongs to no delivery; expected one that is owed to somebody"))?;
    let held = match deliveries::state_of(&owed)? {
        DeliveryState::Held => Some("is held until its study's order is decided"),
        DeliveryState::Committed => {
            Some("is of one that arrived and is not answered yet; expected one that was answered")
        }
        DeliveryState::Cancelled => Some("is of one that was cancelled; edit what was sent in its place"),
        DeliveryState::Pending | DeliveryState::Confirmed | DeliveryState::Refused => None,
    };
    if let Some(because) = held {
        return Err(refused(because));
    }
    Ok(Version {
        raw,
        label,
        plan: Plan::SendInsteadOf(Box::new(owed)),
    })
}

/// The message that cannot be applied is the edited one, which has no id yet.
fn of_edited(error: ApiError, id: &str) -> ApiError {
    match error {
        ApiError::Conflict(why) => {
            ApiError::Conflict(why.replace(&format!("the message {id}"), "the edited message"))
        }
        other => other,
    }
}

async fn foresee(
    state: &State,
    row: &message::Model,
    version: Version,
    paging: Paging,
    mut answer: Edited,
) -> Result<Edited, ApiError> {
    match version.plan {
        Plan::Apply(event) => {
            answer.effects = sentences::of_event(state, row, &event).await?;
            let tried = message::Model {
                raw: version.raw,
                ..row.clone()
            };
            match state
                .foresight
                .foresee(vec![(tried, *event)], paging)
                .await?
                .pop()
            {
                Some(Ok(foreseen)) => {
                    answer.effects.extend(foreseen.iter().map(Foreseen::sentence));
                    answer.alerts = AlertCounts::of(&foreseen);
                    answer.foreseen = foreseen;
                }
                Some(Err(why)) => answer.refused = Some(why),
                None => {}
            }
        }
        Plan::SendInsteadOf(owed) => answer.effects = sentences::of_edited(&owed)?,
    }
    Ok(answer)
}

async fn execute(
    state: &State,
    who: &Principal,
    row: &message::Model,
    version: Version,
    (paging, reason, places): (Paging, String, serde_json::Value),
) -> Result<(MessageId, String), ApiError> {
    let detail = serde_json::json!({
        "direction": row.direction, "reason": reason, "fields": places, "paging": paging,
    });
    let mut event = who.did(
        "message.edit",
        format!("message:{}", row.id),
        &state.settings.site.0,
        detail,
    );
    let edit = Edit {
        original: row.id.clone(),
        by: who.name.clone(),
        reason,
    };
    let row = row.clone();
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let sha256 = hex::encode(Sha256::digest(&version.raw));
                let (id, job) = match version.plan {
                    Plan::Apply(meaning) => {
                        let inbound = inbound(&row, version.raw, version.label, sha256, &meaning)?;
                        let id = messages::amend(tx, inbound).await?;
                        let terms = Terms {
                            order_key: again::patient_key(&meaning),
                            ..Terms::now()
                        };
                        let work = Work::ApplyMessage { message: id, paging };
                        (id, jobs::requeue(tx, &work, terms).await?)
                    }
                    Plan::SendInsteadOf(owed) => {
                        let id = MessageId(tx.uuid());
                        messages::compose(tx, outbound(&row, &version.raw, id)?).await?;
                        (id, message_edits::owe_instead(tx, &owed, id).await?)
                    }
                };
                message_edits::note(tx, id, &edit).await?;
                event.detail["made"] = serde_json::json!(id);
                audit::record(tx, event).await?;
                Ok((id, job))
            })
        })
        .await?;
    Ok((done.0, job_text(done.1).to_owned()))
}

fn inbound(
    row: &message::Model,
    raw: Vec<u8>,
    label: Label,
    sha256: String,
    meaning: &Hl7Event,
) -> Result<Inbound, crate::storage::StoreError> {
    Ok(Inbound {
        site: SiteId(row.site.clone()),
        peer: label.peer,
        control_id: label.control_id,
        sha256,
        kind: label.kind,
        keys: hl7_keys::of(&raw),
        raw,
        event: Some(document::write(meaning)?),
        problem: None,
        ack_code: String::new(),
        ack: Vec::new(),
        state: InboundState::Received,
    })
}

/// A message of ours has a control id of its own, by which its answer is known.
fn outbound(row: &message::Model, raw: &[u8], id: MessageId) -> Result<Draft, crate::storage::StoreError> {
    let raw = hl7_edit::with_control_id(raw, &messages::control_id(id)).ok_or_else(|| {
        crate::storage::StoreError::Refused(
            "the edited message has no place for a control id (MSH-10)".to_owned(),
        )
    })?;
    Ok(Draft {
        id,
        study: row.study_id.as_deref().and_then(|study| study.parse().ok()),
        site: SiteId(row.site.clone()),
        peer: row.peer.clone(),
        kind: row.kind.clone(),
        sha256: hex::encode(Sha256::digest(&raw)),
        keys: hl7_keys::of(&raw),
        raw,
    })
}
