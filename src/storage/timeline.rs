//! What happened to a study, in order, with the instants that latencies are measured from.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::StudyId;

use super::changes;
use super::entity::timeline;
use super::error::StoreError;
use super::store::Tx;

/// Notes an event; `detail` is a sentence without patient data.
pub async fn note(tx: &Tx, study: StudyId, event: &str, detail: impl Into<String>) -> Result<(), StoreError> {
    let row = timeline::ActiveModel {
        study_id: Set(study.to_string()),
        at: Set(to_micros(tx.now())),
        event: Set(event.to_owned()),
        detail: Set(detail.into()),
        ..Default::default()
    };
    timeline::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    changes::note(tx, study).await
}

pub async fn of_study(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<timeline::Model>, StoreError> {
    Ok(timeline::Entity::find()
        .filter(timeline::Column::StudyId.eq(study.to_string()))
        .order_by_asc(timeline::Column::Seq)
        .all(conn)
        .await?)
}

/// When something last happened to the study.
pub async fn last(conn: &impl ConnectionTrait, study: StudyId) -> Result<Option<i64>, StoreError> {
    let newest = timeline::Entity::find()
        .filter(timeline::Column::StudyId.eq(study.to_string()))
        .order_by_desc(timeline::Column::Seq)
        .one(conn)
        .await?;
    Ok(newest.map(|row| row.at))
}

/// Whether an event was noted before, for those that count only once.
pub async fn has(conn: &impl ConnectionTrait, study: StudyId, event: &str) -> Result<bool, StoreError> {
    let found = timeline::Entity::find()
        .filter(timeline::Column::StudyId.eq(study.to_string()))
        .filter(timeline::Column::Event.eq(event))
        .one(conn)
        .await?;
    Ok(found.is_some())
}
