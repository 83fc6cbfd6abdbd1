//! Which studies changed, in a sequence that every process sees: screens follow it, and ask again for what it names.
//! On PostgreSQL a lower number may become visible after a higher one; whoever follows has to wait for gaps.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::StudyId;

use super::entity::study_change::{ActiveModel, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// Changes that are read at a time.
const PIECE: u64 = 1_000;

/// A study changed; `seq` grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub seq: i64,
    pub study: String,
}

/// Notes that something visible of a study changed; once per transaction is enough, and costs no more than that.
pub async fn note(tx: &Tx, study: StudyId) -> Result<(), StoreError> {
    if !tx.changes(study) {
        return Ok(());
    }
    let row = ActiveModel {
        study_id: Set(study.to_string()),
        at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The changes after `seq`, oldest first, as many as are read at a time.
pub async fn after(conn: &impl ConnectionTrait, seq: i64) -> Result<Vec<Change>, StoreError> {
    let rows = Entity::find()
        .filter(Column::Seq.gt(seq))
        .order_by_asc(Column::Seq)
        .limit(PIECE)
        .all(conn)
        .await?;
    let change = |row: super::entity::study_change::Model| Change {
        seq: row.seq,
        study: row.study_id,
    };
    Ok(rows.into_iter().map(change).collect())
}

/// The number of the latest change, 0 before the first.
pub async fn latest(conn: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let newest = Entity::find().order_by_desc(Column::Seq).one(conn).await?;
    Ok(newest.map_or(0, |row| row.seq))
}

/// The number of the oldest change that is still kept.
pub async fn oldest(conn: &impl ConnectionTrait) -> Result<Option<i64>, StoreError> {
    let oldest = Entity::find().order_by_asc(Column::Seq).one(conn).await?;
    Ok(oldest.map(|row| row.seq))
}

/// Forgets changes from before `before`; a screen that slept longer loads its page again.
pub async fn purge(tx: &Tx, before: Timestamp) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::At.lt(to_micros(before)))
        .exec(tx.conn())
        .await?;
    Ok(())
}
