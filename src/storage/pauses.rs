//! Destinations to which nothing is sent for a while, because somebody said so and why. What is owed to them waits.

use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use tocsin_domain::clock::to_micros;

use super::entity::pause::{self, Entity};
use super::error::StoreError;
use super::store::Tx;

pub async fn of(conn: &impl ConnectionTrait, destination: &str) -> Result<Option<pause::Model>, StoreError> {
    Ok(Entity::find_by_id(destination).one(conn).await?)
}

pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<pause::Model>, StoreError> {
    Ok(Entity::find().all(conn).await?)
}

/// # Errors
/// A conflict where it is paused already.
pub async fn begin(tx: &Tx, destination: String, reason: String, by: String) -> Result<(), StoreError> {
    if of(tx.conn(), &destination).await?.is_some() {
        return Err(StoreError::Conflict);
    }
    let row = pause::ActiveModel {
        destination: Set(destination),
        reason: Set(reason),
        paused_by: Set(by),
        created_at: Set(to_micros(tx.now())),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Whether there was a pause to end.
pub async fn end(tx: &Tx, destination: &str) -> Result<bool, StoreError> {
    let gone = Entity::delete_by_id(destination).exec(tx.conn()).await?;
    Ok(gone.rows_affected > 0)
}
