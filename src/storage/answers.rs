//! Application answers that are owed to the senders of messages (HL7's enhanced mode): one row from the reception of the message
//! until its sender has taken the answer.

use schemars::JsonSchema;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::MessageId;
use tocsin_domain::work::Work;

use super::entity::application_answer::{self, Column, Entity, Model};
use super::error::StoreError;
use super::jobs::{self, Terms};
use super::store::{Store, Tx};

/// How often an answer is written on connections of its receiver before it is given up.
const MOST_TRIES: i64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// The message is not applied yet.
    Waiting,
    /// It is to be sent, or is being sent.
    Pending,
    Accepted,
    /// The receiver does not take it, or there is no way to send it.
    Refused,
    /// What became of the message is nothing that its sender asked to be told.
    NotAsked,
}

impl AnswerState {
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Pending,
        Self::Accepted,
        Self::Refused,
        Self::NotAsked,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::NotAsked => "not_asked",
        }
    }
}

pub fn state_of(row: &Model) -> Result<AnswerState, StoreError> {
    AnswerState::ALL
        .into_iter()
        .find(|state| state.text() == row.state)
        .ok_or_else(|| StoreError::Inconsistent {
            table: "application_answer",
            column: "state",
            id: row.message_id.clone(),
        })
}

/// Notes that the sender of a message is owed an answer once it was applied.
pub async fn owe(tx: &Tx, message: MessageId, peer: String, promise: String) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = application_answer::ActiveModel {
        message_id: Set(message.to_string()),
        peer: Set(peer),
        promise: Set(promise),
        state: Set(AnswerState::Waiting.text().to_owned()),
        reply_id: Set(None),
        attempts: Set(0),
        claimed_until: Set(None),
        last_error: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// It is known what became of a message: has the answer written that waits for that, if there is one. Answers of one
/// receiver go out one after another, in the order in which they became due.
pub async fn due(tx: &Tx, message: MessageId) -> Result<(), StoreError> {
    let Some(row) = get(tx.conn(), message).await? else {
        return Ok(());
    };
    if state_of(&row)? != AnswerState::Waiting {
        return Ok(());
    }
    let terms = Terms {
        order_key: Some(format!("answer:{}", row.peer)),
        ..Terms::once(format!("answer:{message}"))
    };
    set_state(tx, message, AnswerState::Pending, None).await?;
    jobs::enqueue(tx, &Work::AnswerMessage { message }, terms).await
}

pub async fn get(conn: &impl ConnectionTrait, message: MessageId) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find_by_id(message.to_string()).one(conn).await?)
}

/// The answer is written, and from now on always the same.
pub async fn composed(tx: &Tx, message: MessageId, reply: MessageId) -> Result<(), StoreError> {
    let row = application_answer::ActiveModel {
        message_id: Set(message.to_string()),
        reply_id: Set(Some(reply.to_string())),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

pub async fn set_state(
    tx: &Tx,
    message: MessageId,
    state: AnswerState,
    error: Option<String>,
) -> Result<(), StoreError> {
    let row = application_answer::ActiveModel {
        message_id: Set(message.to_string()),
        state: Set(state.text().to_owned()),
        last_error: Set(error),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// Whether answers wait for a connection of this receiver.
pub async fn any_wait(store: &Store, peer: &str) -> Result<bool, StoreError> {
    let found = waiting(peer, store.now()).one(store.read()).await?;
    Ok(found.is_some())
}

/// Hands out the answers that wait for a connection of this receiver, each to one connection until `until`. What nobody
/// took after many tries is given up.
pub async fn claim(tx: &Tx, peer: &str, until: Timestamp, limit: u64) -> Result<Vec<Model>, StoreError> {
    let rows = waiting(peer, tx.now()).limit(limit).all(tx.conn()).await?;
    let mut claimed = Vec::new();
    for row in rows {
        let (attempts, given_up) = (row.attempts + 1, row.attempts >= MOST_TRIES);
        let mut changed: application_answer::ActiveModel = row.clone().into();
        changed.updated_at = Set(to_micros(tx.now()));
        if given_up {
            changed.state = Set(AnswerState::Refused.text().to_owned());
            changed.last_error = Set(Some(format!("sent {MOST_TRIES} times and never acknowledged")));
        } else {
            changed.attempts = Set(attempts);
            changed.claimed_until = Set(Some(to_micros(until)));
            claimed.push(row);
        }
        changed.update(tx.conn()).await?;
    }
    Ok(claimed)
}

/// A connection has ended before these were taken.
pub async fn release(tx: &Tx, messages: &[MessageId]) -> Result<(), StoreError> {
    for message in messages {
        let row = application_answer::ActiveModel {
            message_id: Set(message.to_string()),
            claimed_until: Set(None),
            updated_at: Set(to_micros(tx.now())),
            ..Default::default()
        };
        row.update(tx.conn()).await?;
    }
    Ok(())
}

/// Written, wanted, and on no connection; the oldest first.
fn waiting(peer: &str, now: Timestamp) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::Peer.eq(peer))
        .filter(Column::State.eq(AnswerState::Pending.text()))
        .filter(Column::ReplyId.is_not_null())
        .filter(
            Condition::any()
                .add(Column::ClaimedUntil.is_null())
                .add(Column::ClaimedUntil.lt(to_micros(now))),
        )
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::MessageId)
}
