//! What people at an EHR did with the advice they were shown.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use tocsin_domain::clock::to_micros;

use super::entity::card_feedback::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// What became of one card.
#[derive(Clone)]
pub struct Feedback {
    pub service: &'static str,
    pub card: String,
    pub outcome: &'static str,
    /// A code, where one was chosen.
    pub reason: Option<String>,
    /// Their own words, which may name a patient.
    pub comment: Option<String>,
    pub by: String,
}

pub async fn add(tx: &Tx, feedback: Feedback) -> Result<(), StoreError> {
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        service: Set(feedback.service.to_owned()),
        card: Set(feedback.card),
        outcome: Set(feedback.outcome.to_owned()),
        reason: Set(feedback.reason),
        comment: Set(feedback.comment),
        by: Set(feedback.by),
        at: Set(to_micros(tx.now())),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// What was said of a card, oldest first.
pub async fn of_card(conn: &impl ConnectionTrait, card: &str) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Card.eq(card))
        .order_by_asc(Column::At)
        .all(conn)
        .await?)
}
