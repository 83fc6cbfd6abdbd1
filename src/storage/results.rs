//! Results: the canonical record of each analysis, and the verdicts of the rules. Nothing is overwritten; a newer result
//! points back, an older one stays readable.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{ResultId, StudyId};

use super::document;
use super::entity::{analysis, heat_map, mask, result, verdict};
use super::error::StoreError;
use super::store::Tx;

/// Keeps a result with what it segmented, compressed.
pub async fn insert(tx: &Tx, record: &ResultRecord, mask: Option<Vec<u8>>) -> Result<(), StoreError> {
    let row = result::ActiveModel {
        id: Set(record.id.to_string()),
        study_id: Set(record.study.to_string()),
        analysis_id: Set(record.analysis.to_string()),
        record: Set(document::write(record)?),
        superseded_by: Set(None),
        created_at: Set(to_micros(tx.now())),
    };
    result::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    if let Some(stored) = mask {
        let row = mask::ActiveModel {
            result_id: Set(record.id.to_string()),
            stored: Set(stored),
        };
        mask::Entity::insert(row)
            .exec_without_returning(tx.conn())
            .await?;
    }
    if let Some(older) = record.supersedes {
        let row = result::ActiveModel {
            id: Set(older.to_string()),
            superseded_by: Set(Some(record.id.to_string())),
            ..Default::default()
        };
        row.update(tx.conn()).await?;
    }
    Ok(())
}

/// Completes a record before it is published; afterwards it never changes.
pub async fn complete(tx: &Tx, record: &ResultRecord) -> Result<(), StoreError> {
    let row = result::ActiveModel {
        id: Set(record.id.to_string()),
        record: Set(document::write(record)?),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// What a result segmented, as its worker stored it; empty if it segmented nothing.
pub async fn mask_of(conn: &impl ConnectionTrait, id: ResultId) -> Result<Vec<u8>, StoreError> {
    let row = mask::Entity::find_by_id(id.to_string()).one(conn).await?;
    Ok(row.map(|row| row.stored).unwrap_or_default())
}

/// Keeps the maps of a result (`imaging::heat`), empty where there are none; they come once.
pub async fn keep_map(tx: &Tx, id: ResultId, stored: Vec<u8>) -> Result<(), StoreError> {
    let row = heat_map::ActiveModel {
        result_id: Set(id.to_string()),
        stored: Set(stored),
    };
    heat_map::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// The stored maps of a result; `None` while nobody has looked for them.
pub async fn map_of(conn: &impl ConnectionTrait, id: ResultId) -> Result<Option<Vec<u8>>, StoreError> {
    let row = heat_map::Entity::find_by_id(id.to_string()).one(conn).await?;
    Ok(row.map(|row| row.stored))
}

pub fn record_of(row: &result::Model) -> Result<ResultRecord, StoreError> {
    document::read(&row.record, "result", "record", &row.id)
}

pub async fn by_id(conn: &impl ConnectionTrait, id: ResultId) -> Result<Option<result::Model>, StoreError> {
    Ok(result::Entity::find_by_id(id.to_string()).one(conn).await?)
}

pub async fn get(conn: &impl ConnectionTrait, id: ResultId) -> Result<result::Model, StoreError> {
    by_id(conn, id).await?.ok_or(StoreError::Missing("result"))
}

pub async fn of_study(conn: &impl ConnectionTrait, study: StudyId) -> Result<Vec<result::Model>, StoreError> {
    Ok(result::Entity::find()
        .filter(result::Column::StudyId.eq(study.to_string()))
        .order_by_asc(result::Column::CreatedAt)
        .all(conn)
        .await?)
}

pub async fn of_studies(
    conn: &impl ConnectionTrait,
    studies: &[String],
) -> Result<Vec<result::Model>, StoreError> {
    Ok(result::Entity::find()
        .filter(result::Column::StudyId.is_in(studies.iter().cloned()))
        .filter(result::Column::SupersededBy.is_null())
        .all(conn)
        .await?)
}

/// The model of each of these results: its name and version.
pub async fn models_of(
    conn: &impl ConnectionTrait,
    ids: &[String],
) -> Result<BTreeMap<String, [String; 2]>, StoreError> {
    let made: Vec<(String, String)> = result::Entity::find()
        .filter(result::Column::Id.is_in(ids.iter().cloned()))
        .select_only()
        .columns([result::Column::Id, result::Column::AnalysisId])
        .into_tuple()
        .all(conn)
        .await?;
    let by = made.iter().map(|(_, analysis)| analysis.clone());
    let models: Vec<(String, String, String)> = analysis::Entity::find()
        .filter(analysis::Column::Id.is_in(by))
        .select_only()
        .columns([
            analysis::Column::Id,
            analysis::Column::Model,
            analysis::Column::Version,
        ])
        .into_tuple()
        .all(conn)
        .await?;
    let named = models
        .into_iter()
        .map(|(id, model, version)| (id, [model, version]));
    let named: BTreeMap<String, [String; 2]> = named.collect();
    let of = |(id, analysis)| Some((id, named.get(&analysis)?.clone()));
    Ok(made.into_iter().filter_map(of).collect())
}

/// Keeps what the rules said, with the version that said it.
pub async fn keep_verdict(
    tx: &Tx,
    study: StudyId,
    pack: &str,
    version: &str,
    sha256: &str,
    verdict: String,
) -> Result<(), StoreError> {
    let row = verdict::ActiveModel {
        id: Set(tx.uuid().to_string()),
        study_id: Set(study.to_string()),
        pack: Set(pack.to_owned()),
        version: Set(version.to_owned()),
        sha256: Set(sha256.to_owned()),
        verdict: Set(verdict),
        created_at: Set(to_micros(tx.now())),
    };
    verdict::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

pub async fn verdicts_of(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<verdict::Model>, StoreError> {
    Ok(verdict::Entity::find()
        .filter(verdict::Column::StudyId.eq(study.to_string()))
        .order_by_asc(verdict::Column::CreatedAt)
        .all(conn)
        .await?)
}
