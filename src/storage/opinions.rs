//! What people think of a model's finding. Nothing is overwritten: somebody who thinks again adds another line, and their
//! latest counts.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{ResultId, StudyId};

use super::changes;
use super::entity::opinion::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// An opinion on one finding of one result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    pub study: StudyId,
    pub result: ResultId,
    /// Code value of the finding.
    pub finding: String,
    pub verdict: &'static str,
    pub reason: Option<String>,
    pub by: String,
}

pub async fn add(tx: &Tx, opinion: Opinion) -> Result<Model, StoreError> {
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        study_id: Set(opinion.study.to_string()),
        result_id: Set(opinion.result.to_string()),
        finding: Set(opinion.finding),
        verdict: Set(opinion.verdict.to_owned()),
        reason: Set(opinion.reason),
        by: Set(opinion.by),
        at: Set(to_micros(tx.now())),
    };
    let row = row.insert(tx.conn()).await?;
    changes::note(tx, opinion.study).await?;
    Ok(row)
}

/// All of a study, oldest first.
pub async fn of_study(conn: &impl ConnectionTrait, study: StudyId) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .all(conn)
        .await?)
}
