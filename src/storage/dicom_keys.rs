//! Studies, series and instances found by what their images say. Rows hold what a filter could not: whoever asks compares the rest.
//! More candidates than a bound are no answer.

use std::collections::BTreeMap;

use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, RelationTrait,
};
use tocsin_domain::ids::{SeriesId, SiteId, StudyId};
use tocsin_domain::study::InstanceFacts;

use super::entity::{instance, series, series_key, study, study_key};
use super::error::StoreError;
use super::store::Tx;

/// Ids in one statement; both databases bound their number.
const AT_ONCE: usize = 1_000;

/// Keeps the keys of a new study.
pub async fn of_study(
    tx: &Tx,
    study: StudyId,
    site: &SiteId,
    facts: &InstanceFacts,
) -> Result<(), StoreError> {
    let row = study_key::ActiveModel {
        study_id: Set(study.to_string()),
        site: Set(site.0.clone()),
        study_date: Set(facts.study_date.clone()),
        study_time: Set(facts.study_time.clone()),
        study_number: Set(facts.study_id.clone()),
        referring_physician: Set(facts
            .referring_physician
            .as_ref()
            .map(|name| name.expose().clone())),
    };
    study_key::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Keeps the keys of a new series.
pub async fn of_series(
    tx: &Tx,
    series: SeriesId,
    study: StudyId,
    facts: &InstanceFacts,
) -> Result<(), StoreError> {
    let row = series_key::ActiveModel {
        series_id: Set(series.to_string()),
        study_id: Set(study.to_string()),
        modality: Set(facts.modality.clone()),
        series_number: Set(facts.series_number),
    };
    series_key::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// A study with its keys.
#[derive(Clone, FromQueryResult)]
pub struct FoundStudy {
    pub id: String,
    pub study_uid: String,
    pub accession: Option<String>,
    pub patient_identifier: Option<String>,
    pub patient_authority: Option<String>,
    pub patient_name: Option<String>,
    pub birth_date: Option<String>,
    pub sex: Option<String>,
    pub description: String,
    pub study_date: Option<String>,
    pub study_time: Option<String>,
    pub study_number: Option<String>,
    pub referring_physician: Option<String>,
}

/// What the database narrows studies by.
#[derive(Clone, Default)]
pub struct Narrowed {
    pub uids: Option<Vec<String>>,
    pub first_date: Option<String>,
    pub last_date: Option<String>,
    pub accession: Option<String>,
    /// Numbers that name the patient.
    pub patients: Option<Vec<String>>,
    pub modality: Option<String>,
}

/// Studies of a site, newest first, `most` at most.
pub async fn studies(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    by: &Narrowed,
    offset: u64,
    most: u64,
) -> Result<Vec<FoundStudy>, StoreError> {
    let mut select = study_key::Entity::find()
        .join(JoinType::InnerJoin, study_key::Relation::Study.def())
        .filter(study_key::Column::Site.eq(&site.0));
    if let Some(uids) = &by.uids {
        select = select.filter(study::Column::StudyUid.is_in(uids));
    }
    if let Some(from) = &by.first_date {
        select = select.filter(study_key::Column::StudyDate.gte(from));
    }
    if let Some(to) = &by.last_date {
        select = select.filter(study_key::Column::StudyDate.lte(to));
    }
    if let Some(accession) = &by.accession {
        select = select.filter(study::Column::Accession.eq(accession));
    }
    if let Some(numbers) = &by.patients {
        select = select.filter(study::Column::PatientIdentifier.is_in(numbers));
    }
    if let Some(modality) = &by.modality {
        let of_modality = Query::select()
            .from(series_key::Entity)
            .column(series_key::Column::StudyId)
            .and_where(series_key::Column::Modality.eq(modality))
            .take();
        select = select.filter(study_key::Column::StudyId.in_subquery(of_modality));
    }
    let found = select
        .order_by_desc(study::Column::ArrivedAt)
        .order_by_desc(study::Column::Id)
        .select_only()
        .columns([
            study::Column::Id,
            study::Column::StudyUid,
            study::Column::Accession,
            study::Column::PatientIdentifier,
            study::Column::PatientAuthority,
            study::Column::PatientName,
            study::Column::BirthDate,
            study::Column::Sex,
            study::Column::Description,
        ])
        .columns([
            study_key::Column::StudyDate,
            study_key::Column::StudyTime,
            study_key::Column::StudyNumber,
            study_key::Column::ReferringPhysician,
        ])
        .offset(offset)
        .limit(most)
        .into_model::<FoundStudy>()
        .all(conn)
        .await?;
    Ok(found)
}

/// A series with its keys.
#[derive(Clone, FromQueryResult)]
pub struct FoundSeries {
    pub id: String,
    pub study_id: String,
    pub series_uid: String,
    pub modality: String,
    pub series_number: Option<i64>,
}

/// The series of these studies, `most` at most.
pub async fn series(
    conn: &impl ConnectionTrait,
    studies: &[String],
    most: usize,
) -> Result<Vec<FoundSeries>, StoreError> {
    let mut found = Vec::new();
    for some in studies.chunks(AT_ONCE) {
        let left = most.saturating_sub(found.len());
        let rows = series_key::Entity::find()
            .join(JoinType::InnerJoin, series_key::Relation::Series.def())
            .filter(series_key::Column::StudyId.is_in(some))
            .order_by_asc(series_key::Column::SeriesNumber)
            .order_by_asc(series::Column::Id)
            .select_only()
            .columns([
                series::Column::Id,
                series::Column::StudyId,
                series::Column::SeriesUid,
            ])
            .columns([series_key::Column::Modality, series_key::Column::SeriesNumber])
            .limit(left as u64)
            .into_model::<FoundSeries>()
            .all(conn)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// The instances of these series, `most` at most.
pub async fn instances(
    conn: &impl ConnectionTrait,
    series: &[String],
    most: usize,
) -> Result<Vec<instance::Model>, StoreError> {
    let mut found = Vec::new();
    for some in series.chunks(AT_ONCE) {
        let left = most.saturating_sub(found.len());
        let rows = instance::Entity::find()
            .filter(instance::Column::SeriesId.is_in(some))
            .order_by_asc(instance::Column::ReceivedAt)
            .order_by_asc(instance::Column::Id)
            .limit(left as u64)
            .all(conn)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// How many instances each of these series has.
pub async fn counted(
    conn: &impl ConnectionTrait,
    series: &[String],
) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut counts = BTreeMap::new();
    for some in series.chunks(AT_ONCE) {
        let rows: Vec<(String, i64)> = instance::Entity::find()
            .filter(instance::Column::SeriesId.is_in(some))
            .select_only()
            .column(instance::Column::SeriesId)
            .column_as(instance::Column::Id.count(), "instances")
            .group_by(instance::Column::SeriesId)
            .into_tuple()
            .all(conn)
            .await?;
        counts.extend(rows);
    }
    Ok(counts)
}

/// The one that came first.
pub async fn first_of_series(
    conn: &impl ConnectionTrait,
    series: &str,
) -> Result<Option<instance::Model>, StoreError> {
    Ok(instance::Entity::find()
        .filter(instance::Column::SeriesId.eq(series))
        .order_by_asc(instance::Column::ReceivedAt)
        .limit(1)
        .one(conn)
        .await?)
}

/// The instance of a site with this UID.
pub async fn instance(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    uid: &str,
) -> Result<Option<instance::Model>, StoreError> {
    Ok(instance::Entity::find()
        .filter(instance::Column::Site.eq(&site.0))
        .filter(instance::Column::SopUid.eq(uid))
        .one(conn)
        .await?)
}
