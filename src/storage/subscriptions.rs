//! Subscriptions: who is told of which results, and how that has gone. What is owed to them are deliveries; those that fail
//! one after another put the subscription into error, and one that succeeds takes it out again.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use tocsin_domain::clock::{Timestamp, to_micros};

use super::deliveries::{DeliveryKind, DeliveryState};
use super::entity::delivery;
use super::entity::subscription::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// More than a hospital has systems; each is asked about every result.
pub const MOST: u64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionStatus {
    Active,
    /// Its receiver has failed too often.
    Error,
    /// Its time is over.
    Off,
}

impl SubscriptionStatus {
    pub fn text(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }

    pub fn of(row: &Model, now: Timestamp) -> Self {
        if row.ends_at.is_some_and(|end| end <= to_micros(now)) {
            return Self::Off;
        }
        match row.status.as_str() {
            "error" => Self::Error,
            _ => Self::Active,
        }
    }
}

/// A subscription to be kept.
#[derive(Clone, Debug)]
pub struct New {
    pub reason: String,
    pub criteria: String,
    /// The name that the configuration gives the receiver.
    pub receiver: String,
    pub endpoint: String,
    /// The media type of what is sent; nothing is sent along where there is none.
    pub payload: Option<String>,
    pub ends_at: Option<Timestamp>,
    pub created_by: String,
}

pub async fn create(tx: &Tx, new: New) -> Result<Model, StoreError> {
    if Entity::find().count(tx.conn()).await? >= MOST {
        return Err(StoreError::Refused(format!(
            "there are {MOST} subscriptions already; delete one first"
        )));
    }
    let now = to_micros(tx.now());
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        reason: Set(new.reason),
        criteria: Set(new.criteria),
        receiver: Set(new.receiver),
        endpoint: Set(new.endpoint),
        payload: Set(new.payload),
        status: Set(SubscriptionStatus::Active.text().to_owned()),
        error: Set(None),
        failures: Set(0),
        ends_at: Set(new.ends_at.map(to_micros)),
        created_by: Set(new.created_by),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Ok(row.insert(tx.conn()).await?)
}

pub async fn by_id(conn: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find_by_id(id).one(conn).await?)
}

/// The newest first.
pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(MOST)
        .all(conn)
        .await?)
}

/// Ends a subscription, and what is owed to it. `None` where there is none.
pub async fn delete(tx: &Tx, id: &str) -> Result<Option<Model>, StoreError> {
    let Some(row) = by_id(tx.conn(), id).await? else {
        return Ok(None);
    };
    Entity::delete_by_id(id).exec(tx.conn()).await?;
    let owed = [DeliveryState::Held, DeliveryState::Pending].map(DeliveryState::text);
    delivery::Entity::update_many()
        .col_expr(
            delivery::Column::State,
            Expr::value(DeliveryState::Cancelled.text()),
        )
        .col_expr(delivery::Column::UpdatedAt, Expr::value(to_micros(tx.now())))
        .filter(delivery::Column::Kind.eq(DeliveryKind::FhirNotice.text()))
        .filter(delivery::Column::State.is_in(owed))
        .filter(delivery::Column::Detail.starts_with(format!("{id} ")))
        .exec(tx.conn())
        .await?;
    Ok(Some(row))
}

/// The receiver has taken something.
pub async fn succeeded(tx: &Tx, id: &str) -> Result<(), StoreError> {
    let healthy = ActiveModel {
        status: Set(SubscriptionStatus::Active.text().to_owned()),
        error: Set(None),
        failures: Set(0),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    // Written only where something changes: most successes follow one another.
    Entity::update_many()
        .set(healthy)
        .filter(Column::Id.eq(id))
        .filter(Column::Failures.gt(0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// The receiver has failed once more; after `most` times in a row the subscription is in error. How it stands now.
pub async fn failed(tx: &Tx, id: &str, error: &str, most: i64) -> Result<SubscriptionStatus, StoreError> {
    let row = Entity::find_by_id(id).lock_exclusive().one(tx.conn()).await?;
    let Some(row) = row else {
        return Ok(SubscriptionStatus::Off);
    };
    let failures = row.failures.saturating_add(1);
    let in_error = failures >= most || row.status == SubscriptionStatus::Error.text();
    let status = if in_error {
        SubscriptionStatus::Error
    } else {
        SubscriptionStatus::Active
    };
    let mut row: ActiveModel = row.into();
    row.failures = Set(failures);
    row.error = Set(Some(error.to_owned()));
    row.status = Set(status.text().to_owned());
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(status)
}
