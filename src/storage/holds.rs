//! Results that wait until a radiologist lets them go. A hold belongs to a reading: later versions of what was read wait with it, and go
//! once it was let go. Held results are told to nobody outside.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::to_micros;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{ResultId, StudyId};
use tocsin_domain::leaving::{Before, Leaving, SendPolicy};

use super::deliveries::{self, DeliveryState};
use super::entity::result;
use super::entity::result_hold::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;
use super::{changes, results, timeline};

const REPLACED: &str = "it was replaced or taken back before anybody let it go";

/// The hold of a reading, let go or not.
pub async fn of(conn: &impl ConnectionTrait, analysis: &str) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find_by_id(analysis).one(conn).await?)
}

/// Those of a study that wait.
pub async fn of_study(conn: &impl ConnectionTrait, study: StudyId) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .filter(Column::ReleasedAt.is_null())
        .all(conn)
        .await?)
}

/// Readings that wait, for a query.
pub fn waiting() -> SelectStatement {
    Query::select()
        .column(Column::AnalysisId)
        .from(Entity)
        .and_where(Column::ReleasedAt.is_null())
        .to_owned()
}

/// Of these studies, the ones of which something waits.
pub async fn among(conn: &impl ConnectionTrait, studies: &[String]) -> Result<BTreeSet<String>, StoreError> {
    let rows = Entity::find()
        .filter(Column::StudyId.is_in(studies.iter().cloned()))
        .filter(Column::ReleasedAt.is_null())
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.study_id).collect())
}

/// Whether this result, by its row, may not be told of.
pub async fn is_held(conn: &impl ConnectionTrait, row: &result::Model) -> Result<bool, StoreError> {
    let known = of(conn, &row.analysis_id).await?;
    Ok(known.is_some_and(|known| known.released_at.is_none()))
}

/// Ids of the results of a study that wait.
pub async fn results_of(conn: &impl ConnectionTrait, study: StudyId) -> Result<BTreeSet<String>, StoreError> {
    let rows = result::Entity::find()
        .filter(result::Column::StudyId.eq(study.to_string()))
        .filter(result::Column::AnalysisId.in_subquery(waiting()))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Why a result waits, in words.
pub fn words(finding: &str) -> String {
    format!("held by policy ({finding}) until a radiologist lets it go")
}

/// Whether a result that is published leaves; a new hold is written down.
pub async fn decide(tx: &Tx, record: &ResultRecord, policy: &SendPolicy) -> Result<Leaving, StoreError> {
    let own = of(tx.conn(), &record.analysis.to_string()).await?;
    let before = before(tx, record, own.as_ref()).await?;
    let leaving = policy.leaving(record, before);
    if let (Leaving::Held { finding }, None) = (&leaving, &own) {
        let row = ActiveModel {
            analysis_id: Set(record.analysis.to_string()),
            study_id: Set(record.study.to_string()),
            finding: Set(finding.clone()),
            created_at: Set(to_micros(tx.now())),
            released_at: Set(None),
            released_by: Set(None),
        };
        Entity::insert(row).exec_without_returning(tx.conn()).await?;
        let detail = format!("{}: {}", record.model.name, words(finding));
        timeline::note(tx, record.study, "result_held", detail).await?;
        changes::note(tx, record.study).await?;
    }
    Ok(leaving)
}

async fn before(tx: &Tx, record: &ResultRecord, own: Option<&Model>) -> Result<Before, StoreError> {
    Ok(match (own, record.supersedes) {
        (Some(own), _) if own.released_at.is_some() => Before::Left,
        (Some(_), _) => Before::Waits,
        (None, None) => Before::Nothing,
        (None, Some(older)) => match is_held(tx.conn(), &results::get(tx.conn(), older).await?).await? {
            true => Before::NeverLeft,
            false => Before::Left,
        },
    })
}

/// What waits of older results of this model is not sent any more.
pub async fn drop_replaced(tx: &Tx, record: &ResultRecord) -> Result<(), StoreError> {
    let mut replaced = BTreeSet::new();
    for row in results::of_study(tx.conn(), record.study).await? {
        let older = results::record_of(&row)?;
        if older.model.name == record.model.name && older.id != record.id && is_held(tx.conn(), &row).await? {
            replaced.insert(row.id);
        }
    }
    for row in deliveries::of_study(tx.conn(), record.study).await? {
        let waits = deliveries::state_of(&row)? == DeliveryState::Held;
        if waits && row.result_id.as_ref().is_some_and(|id| replaced.contains(id)) {
            let words = Some(REPLACED.to_owned());
            deliveries::settle(tx, deliveries::id_of(&row)?, DeliveryState::Cancelled, words).await?;
        }
    }
    Ok(())
}

/// Lets a reading go. Whoever calls sends what waited.
///
/// # Errors
/// Nothing waits.
pub async fn let_go(tx: &Tx, result: ResultId, by: &str) -> Result<Model, StoreError> {
    let analysis = results::get(tx.conn(), result).await?.analysis_id;
    let waits = of(tx.conn(), &analysis)
        .await?
        .filter(|row| row.released_at.is_none());
    let Some(known) = waits else {
        let why = format!("the result {result} is not held; it left, or nothing of it is to leave");
        return Err(StoreError::Refused(why));
    };
    let row = ActiveModel {
        analysis_id: Set(analysis),
        released_at: Set(Some(to_micros(tx.now()))),
        released_by: Set(Some(by.to_owned())),
        ..Default::default()
    };
    Entity::update(row).exec(tx.conn()).await?;
    Ok(known)
}
