//! A message a second time. An inbound one is read again as its sender's profile stands now and applied, which changes nothing
//! that it changed before, and pages nobody unless that is asked for; an outbound one is sent again with the same bytes.
//! With `preview=true` it is said what would happen, down to the alerts, and nothing happens.

use actix_web::web::{Data, Json, Path, Query};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::foreseen::{AlertCounts, Foreseen};
use tocsin_domain::ids::MessageId;
use tocsin_domain::order::Hl7Event;
use tocsin_domain::work::Paging;

use super::auth::Principal;
use super::deliveries::job_text;
use super::error::ApiError;
use super::replay_preview as preview;
use super::state::State;
use super::views;
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::entity::{delivery, message};
use crate::storage::{StoreError, audit, messages, outbox, replay};

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct Ask {
    /// Say what would happen, and do nothing.
    #[serde(default)]
    pub preview: bool,
    /// Let alerts that it brings about page people; without, they are raised and withheld.
    #[serde(default)]
    pub pages: bool,
}

impl Ask {
    pub fn paging(self) -> Paging {
        match self.pages {
            true => Paging::AsUsual,
            false => Paging::Withheld,
        }
    }
}

/// Reads messages; the listener knows how.
pub trait Reader: Send + Sync {
    /// # Errors
    /// What is wrong with the message, where, and what was expected; never a value of it.
    fn read(&self, raw: &[u8], received_at: Timestamp) -> Result<Hl7Event, String>;

    /// What a message is listed by; `None` where it has no header.
    fn label(&self, raw: &[u8]) -> Option<Label>;
}

/// A message's own words on who sent it, what it is, and what it is told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Sending application and facility.
    pub peer: String,
    pub kind: String,
    pub control_id: String,
}

/// Says what applying messages would come to; whoever applies them knows how.
#[async_trait]
pub trait Foresight: Send + Sync {
    /// For each, in their order: what it would change, or why it could not be applied.
    async fn foresee(
        &self,
        messages: Vec<(message::Model, Hl7Event)>,
        paging: Paging,
    ) -> Result<Vec<Result<Vec<Foreseen>, String>>, StoreError>;
}

/// What a replay does, or would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Replayed {
    pub id: String,
    /// `in` or `out`.
    pub direction: String,
    pub preview: bool,
    /// Sentences, without a patient.
    pub effects: Vec<String>,
    /// What a preview says of studies and alerts, for programs.
    pub foreseen: Vec<Foreseen>,
    /// Alerts that would be raised, withheld or retracted; of a preview.
    pub alerts: AlertCounts,
    /// `queued`, `brought_forward` or `running`; null for a preview.
    pub job: Option<String>,
}

/// What a replay of a message comes to.
enum Plan {
    Apply(Box<Hl7Event>),
    Send(Box<delivery::Model>),
}

pub async fn post(
    state: Data<State>,
    id: Path<String>,
    ask: Query<Ask>,
    who: Principal,
) -> Result<Json<Replayed>, ApiError> {
    Ok(Json(run(&state, &who, &id, *ask).await?))
}

pub async fn run(state: &State, who: &Principal, id: &str, ask: Ask) -> Result<Replayed, ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::NotFound("message"))?;
    let row = messages::by_id(state.store.read(), id)
        .await?
        .ok_or(ApiError::NotFound("message"))?;
    if !ask.preview {
        return once(state, who, &row, ask).await;
    }
    let (object, detail) = (format!("message:{id}"), serde_json::json!({}));
    views::note(state, who, "message.replay_preview", object, detail).await?;
    let seen = foresee(state, std::slice::from_ref(&row), ask.paging())
        .await?
        .pop();
    let seen = seen.unwrap_or_else(|| Err(refused(&row, "could not be tried")))?;
    Ok(Replayed {
        id: row.id,
        direction: row.direction,
        preview: true,
        effects: seen.effects,
        alerts: AlertCounts::of(&seen.foreseen),
        foreseen: seen.foreseen,
        job: None,
    })
}

/// Does it, and says what it does.
///
/// # Errors
/// A conflict, with the message's id, where it cannot be replayed.
pub async fn once(
    state: &State,
    who: &Principal,
    row: &message::Model,
    ask: Ask,
) -> Result<Replayed, ApiError> {
    let id: MessageId = row.id.parse().map_err(|_| ApiError::NotFound("message"))?;
    let plan = plan(state, row).await?;
    let effects = effects(state, row, &plan).await?;
    let job = execute(state, who, id, plan, ask.paging()).await?.to_owned();
    Ok(Replayed {
        id: row.id.clone(),
        direction: row.direction.clone(),
        preview: false,
        effects,
        foreseen: Vec::new(),
        alerts: AlertCounts::default(),
        job: Some(job),
    })
}

/// What a replay would do.
pub struct Seen {
    pub effects: Vec<String>,
    pub foreseen: Vec<Foreseen>,
}

/// What replays of these messages would do, or why one cannot be (a conflict); nothing happens, and nothing is noted.
pub async fn foresee(
    state: &State,
    rows: &[message::Model],
    paging: Paging,
) -> Result<Vec<Result<Seen, ApiError>>, ApiError> {
    let mut all = Vec::with_capacity(rows.len());
    let (mut candidates, mut places) = (Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate() {
        let planned = match plan(state, row).await {
            Ok(planned) => planned,
            Err(ApiError::Conflict(because)) => {
                all.push(Err(ApiError::Conflict(because)));
                continue;
            }
            Err(error) => return Err(error),
        };
        all.push(Ok(Seen {
            effects: effects(state, row, &planned).await?,
            foreseen: Vec::new(),
        }));
        if let Plan::Apply(event) = planned {
            candidates.push((row.clone(), *event));
            places.push(at);
        }
    }
    let tried = state.foresight.foresee(candidates, paging).await?;
    for (at, came) in places.into_iter().zip(tried) {
        match (&mut all[at], came) {
            (Ok(seen), Ok(foreseen)) => {
                seen.effects.extend(foreseen.iter().map(Foreseen::sentence));
                seen.foreseen = foreseen;
            }
            (one, Err(why)) => *one = Err(refused(&rows[at], &format!("cannot be applied: {why}"))),
            (Err(_), Ok(_)) => {}
        }
    }
    Ok(all)
}

async fn effects(state: &State, row: &message::Model, plan: &Plan) -> Result<Vec<String>, ApiError> {
    match plan {
        Plan::Apply(event) => preview::of_event(state, row, event).await,
        Plan::Send(delivery) => Ok(preview::of_delivery(delivery, row)),
    }
}

async fn plan(state: &State, row: &message::Model) -> Result<Plan, ApiError> {
    if row.direction == "in" {
        return applicable(row, read(state, row)).map(Box::new).map(Plan::Apply);
    }
    let delivery = deliveries::of_message(state.store.read(), &row.id)
        .await?
        .ok_or_else(|| {
            refused(
                row,
                "belongs to no delivery; expected one that is owed to somebody",
            )
        })?;
    sendable(row, deliveries::state_of(&delivery)?)?;
    Ok(Plan::Send(Box::new(delivery)))
}

fn read(state: &State, row: &message::Model) -> Result<Hl7Event, String> {
    state.reader.read(&row.raw, from_micros(row.created_at))
}

/// # Errors
/// A conflict where it cannot be read, or changes nothing.
pub fn applicable(row: &message::Model, event: Result<Hl7Event, String>) -> Result<Hl7Event, ApiError> {
    match event {
        Err(problem) => Err(refused(row, &format!("cannot be read: {problem}"))),
        Ok(Hl7Event::Ignored { .. }) => Err(refused(row, "is of a kind that changes nothing here")),
        Ok(
            event @ (Hl7Event::Orders(_)
            | Hl7Event::Patient(_)
            | Hl7Event::Merge(_)
            | Hl7Event::Report(_)
            | Hl7Event::VendorResults(_)
            | Hl7Event::Appointment(_)
            | Hl7Event::Answer(_)),
        ) => Ok(event),
    }
}

fn sendable(row: &message::Model, state: DeliveryState) -> Result<(), ApiError> {
    match state {
        DeliveryState::Pending
        | DeliveryState::Committed
        | DeliveryState::Confirmed
        | DeliveryState::Refused => Ok(()),
        DeliveryState::Held => Err(refused(row, "is held until its study's order is decided")),
        DeliveryState::Cancelled => Err(refused(row, "was cancelled")),
    }
}

fn refused(row: &message::Model, because: &str) -> ApiError {
    ApiError::Conflict(format!("the message {} {because}", row.id))
}

async fn execute(
    state: &State,
    who: &Principal,
    id: MessageId,
    plan: Plan,
    paging: Paging,
) -> Result<&'static str, ApiError> {
    let detail = match &plan {
        Plan::Apply(_) => serde_json::json!({ "direction": "in", "paging": paging }),
        Plan::Send(delivery) => serde_json::json!({ "direction": "out", "delivery": delivery.id }),
    };
    let event = who.did(
        "message.replay",
        format!("message:{id}"),
        &state.settings.site.0,
        detail,
    );
    let job = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let job = match &plan {
                    Plan::Apply(event) => replay::apply_again(tx, id, event, paging).await?,
                    Plan::Send(delivery) => {
                        let row = deliveries::lock(tx, deliveries::id_of(delivery)?).await?;
                        outbox::send(tx, &row).await?
                    }
                };
                audit::record(tx, event).await?;
                Ok(job)
            })
        })
        .await?;
    Ok(job_text(job))
}
