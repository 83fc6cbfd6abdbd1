//! What people said about a study, in order. Nothing is changed or removed.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::StudyId;

use super::changes;
use super::entity::study_comment::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

pub async fn add(tx: &Tx, study: StudyId, text: String, by: &str) -> Result<Model, StoreError> {
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        study_id: Set(study.to_string()),
        text: Set(text),
        by: Set(by.to_owned()),
        at: Set(to_micros(tx.now())),
    };
    let row = row.insert(tx.conn()).await?;
    changes::note(tx, study).await?;
    Ok(row)
}

pub async fn of_study(conn: &impl ConnectionTrait, study: StudyId) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .all(conn)
        .await?)
}
