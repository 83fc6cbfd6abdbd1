//! Messages that a person has made of others: kept as new messages beside the originals, which stay as they were.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::MessageId;

use super::deliveries::{self, DeliveryState};
use super::entity::delivery;
use super::entity::message_edit::{self, Column, Entity};
use super::error::StoreError;
use super::jobs::Requeued;
use super::outbox;
use super::store::Tx;

/// Edits of one message that are shown.
const MOST: u64 = 50;

/// Who has made a message of another, and why.
#[derive(Clone)]
pub struct Edit {
    pub original: String,
    pub by: String,
    pub reason: String,
}

pub async fn note(tx: &Tx, id: MessageId, edit: &Edit) -> Result<(), StoreError> {
    let row = message_edit::ActiveModel {
        message_id: Set(id.to_string()),
        original_id: Set(edit.original.clone()),
        edited_by: Set(edit.by.clone()),
        reason: Set(edit.reason.clone()),
        created_at: Set(to_micros(tx.now())),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The messages of which others were made: somebody has seen to them.
pub(super) fn originals() -> SelectStatement {
    Query::select().column(Column::OriginalId).from(Entity).to_owned()
}

/// What a message was made of, where it was.
pub async fn of(conn: &impl ConnectionTrait, id: &str) -> Result<Option<message_edit::Model>, StoreError> {
    Ok(Entity::find_by_id(id).one(conn).await?)
}

/// What was made of a message, the oldest first.
pub async fn made_of(conn: &impl ConnectionTrait, id: &str) -> Result<Vec<message_edit::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::OriginalId.eq(id))
        .order_by_asc(Column::CreatedAt)
        .limit(MOST)
        .all(conn)
        .await?)
}

/// Owes an edited message in place of one that was owed: what of the other has not arrived does not go out any more.
pub async fn owe_instead(
    tx: &Tx,
    original: &delivery::Model,
    message: MessageId,
) -> Result<Requeued, StoreError> {
    let standing = deliveries::state_of(original)?;
    if matches!(standing, DeliveryState::Pending | DeliveryState::Refused) {
        let words = format!("sent as the edited message {message} instead");
        deliveries::settle(
            tx,
            deliveries::id_of(original)?,
            DeliveryState::Cancelled,
            Some(words),
        )
        .await?;
    }
    let now = to_micros(tx.now());
    let row = delivery::Model {
        id: tx.uuid().to_string(),
        // Its end tells which change of priority is the last one.
        dedup_key: format!("edited:{message}:{}", original.dedup_key),
        state: DeliveryState::Pending.text().to_owned(),
        attempts: 0,
        message_id: Some(message.to_string()),
        last_error: None,
        created_at: now,
        updated_at: now,
        ..original.clone()
    };
    delivery::Entity::insert(delivery::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(tx.conn())
        .await?;
    outbox::send(tx, &row).await
}
