//! Studies to be taken again, because a model or a person could not use their images. One row per study; each step is
//! taken once and names who took it.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::StudyId;

use super::changes;
use super::entity::repeat::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

pub async fn of_studies(
    conn: &impl ConnectionTrait,
    studies: &[String],
) -> Result<BTreeMap<String, Model>, StoreError> {
    let rows = Entity::find()
        .filter(Column::StudyId.is_in(studies.iter().cloned()))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.study_id.clone(), row)).collect())
}

/// Studies of which somebody asked for a repeat since then, the latest first.
pub async fn requested(
    conn: &impl ConnectionTrait,
    since: Timestamp,
    most: u64,
) -> Result<Vec<String>, StoreError> {
    let rows = Entity::find()
        .filter(Column::RequestedAt.gte(to_micros(since)))
        .order_by_desc(Column::RequestedAt)
        .limit(most)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.study_id).collect())
}

/// Asks for a repeat. Refuses a second request.
pub async fn request(tx: &Tx, study: StudyId, by: &str, note: &str) -> Result<Model, StoreError> {
    if let Some(known) = Entity::find_by_id(study.to_string()).one(tx.conn()).await? {
        return Err(StoreError::Refused(format!(
            "{} has asked for a repeat of this study already",
            known.requested_by
        )));
    }
    let row = ActiveModel {
        study_id: Set(study.to_string()),
        note: Set(note.to_owned()),
        requested_by: Set(by.to_owned()),
        requested_at: Set(to_micros(tx.now())),
        acknowledged_by: Set(None),
        acknowledged_at: Set(None),
        repeat_study_id: Set(None),
        linked_by: Set(None),
        linked_at: Set(None),
    };
    let row = row.insert(tx.conn()).await?;
    changes::note(tx, study).await?;
    Ok(row)
}

/// Somebody takes the repeat on. Refuses what nobody asked for, and what somebody has taken on.
pub async fn acknowledge(tx: &Tx, study: StudyId, by: &str) -> Result<Model, StoreError> {
    let row = asked(tx, study).await?;
    if let Some(other) = &row.acknowledged_by {
        return Err(StoreError::Refused(format!(
            "{other} has taken this repeat on already"
        )));
    }
    let now = to_micros(tx.now());
    let mut row: ActiveModel = row.into();
    row.acknowledged_by = Set(Some(by.to_owned()));
    row.acknowledged_at = Set(Some(now));
    save(tx, study, row).await
}

/// Names the study that repeats this one; a person may correct that.
pub async fn link(tx: &Tx, study: StudyId, repeat: StudyId, by: &str) -> Result<Model, StoreError> {
    let row = asked(tx, study).await?;
    let now = to_micros(tx.now());
    let mut row: ActiveModel = row.into();
    row.repeat_study_id = Set(Some(repeat.to_string()));
    row.linked_by = Set(Some(by.to_owned()));
    row.linked_at = Set(Some(now));
    save(tx, study, row).await
}

async fn asked(tx: &Tx, study: StudyId) -> Result<Model, StoreError> {
    Entity::find_by_id(study.to_string())
        .one(tx.conn())
        .await?
        .ok_or_else(|| StoreError::Refused("nobody has asked for a repeat of this study".into()))
}

async fn save(tx: &Tx, study: StudyId, row: ActiveModel) -> Result<Model, StoreError> {
    let row = row.update(tx.conn()).await?;
    changes::note(tx, study).await?;
    Ok(row)
}
