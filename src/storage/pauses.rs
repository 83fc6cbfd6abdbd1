//! Connections over which nothing goes for a while, because somebody said so and why. What is owed to a destination waits here;
//! what a sender has waits there, since nothing of it is acknowledged.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::to_micros;

use super::entity::pause::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// What can be stopped. Senders and destinations may have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped<'a> {
    Destination(&'a str),
    /// By the name that the configuration gives it.
    Hl7Sender(&'a str),
    /// By its AE title.
    DicomSender(&'a str),
    /// Whoever sends.
    AllHl7,
    AllDicom,
}

impl Stopped<'_> {
    /// Its row.
    pub fn key(self) -> String {
        match self {
            Self::Destination(name) => name.to_owned(),
            Self::Hl7Sender(name) => format!("in:hl7:{name}"),
            Self::DicomSender(ae_title) => format!("in:dicom:{ae_title}"),
            Self::AllHl7 => "in:hl7".to_owned(),
            Self::AllDicom => "in:dicom".to_owned(),
        }
    }
}

/// Whether one of these is stopped.
pub async fn any(conn: &impl ConnectionTrait, of: &[Stopped<'_>]) -> Result<bool, StoreError> {
    let keys = of.iter().map(|one| one.key());
    let row = Entity::find()
        .filter(Column::Destination.is_in(keys))
        .one(conn)
        .await?;
    Ok(row.is_some())
}

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
