//! What is stored, as another system asks for it: studies that a query narrows down to, one instance of each series to
//! describe it by, and the instances of what is to be sent. What was set apart in the quarantine is not here.

use std::collections::BTreeSet;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};
use tocsin_domain::ids::SiteId;

use super::entity::{instance, series, study};
use super::error::StoreError;
use super::page::Before;
use super::{patients, priors};

/// What of a query the database can answer. Everything absent is not asked.
#[derive(Clone, Default)]
pub struct Narrow {
    pub studies: Option<Vec<String>>,
    /// Patient identifiers, as images carry them.
    pub patients: Option<BTreeSet<String>>,
}

/// A page of the studies of a site, newest first.
pub async fn studies(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    narrow: &Narrow,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<study::Model>, StoreError> {
    let mut select = study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .order_by_desc(study::Column::ArrivedAt)
        .order_by_desc(study::Column::Id)
        .limit(limit);
    if let Some(uids) = &narrow.studies {
        select = select.filter(study::Column::StudyUid.is_in(uids));
    }
    if let Some(numbers) = &narrow.patients {
        select = select.filter(study::Column::PatientIdentifier.is_in(numbers));
    }
    if let Some(before) = before {
        select = select.filter(before.condition(study::Column::ArrivedAt, study::Column::Id));
    }
    Ok(select.all(conn).await?)
}

/// Who bears a patient number, after merges.
#[derive(Clone, Default)]
pub struct Bearers {
    /// The records that merges lead to.
    pub records: BTreeSet<String>,
    /// Every number that leads there, the one asked for among them.
    pub numbers: BTreeSet<String>,
}

/// Whom these numbers mean, and under which other ones their images may be.
pub async fn bearers(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    numbers: &[String],
) -> Result<Bearers, StoreError> {
    let mut found = Bearers {
        records: BTreeSet::new(),
        numbers: numbers.iter().cloned().collect(),
    };
    for number in numbers {
        for record in patients::of_value(conn, site, number).await? {
            let survivor = patients::survivor(conn, record).await?;
            let records = priors::records_of(conn, &survivor.id).await?;
            found
                .numbers
                .extend(records.into_iter().map(|row| row.identifier));
            found.records.insert(survivor.id);
        }
    }
    Ok(found)
}

/// A series: how many instances it has, and one of them.
pub struct Sample {
    pub instances: i64,
    pub one: instance::Model,
}

#[derive(FromQueryResult)]
struct Counted {
    instances: i64,
    one: String,
}

/// Every series of these studies.
pub async fn samples(conn: &impl ConnectionTrait, studies: &[String]) -> Result<Vec<Sample>, StoreError> {
    let counted = instance::Entity::find()
        .select_only()
        .column_as(instance::Column::Id.count(), "instances")
        .column_as(instance::Column::Id.min(), "one")
        .filter(instance::Column::StudyId.is_in(studies))
        .group_by(instance::Column::SeriesId)
        .into_model::<Counted>()
        .all(conn)
        .await?;
    let mut samples = Vec::with_capacity(counted.len());
    for part in counted.chunks(PARAMETERS) {
        let ids = part.iter().map(|counted| counted.one.as_str());
        let rows = instance::Entity::find()
            .filter(instance::Column::Id.is_in(ids))
            .all(conn)
            .await?;
        samples.extend(rows.into_iter().filter_map(|one| {
            let counted = part.iter().find(|counted| counted.one == one.id)?;
            Some(Sample {
                instances: counted.instances,
                one,
            })
        }));
    }
    Ok(samples)
}

/// Values that one statement names at most.
const PARAMETERS: usize = 500;

/// Which instances of some studies.
#[derive(Clone, Default)]
pub struct Part {
    pub series: Option<Vec<String>>,
    pub instances: Option<Vec<String>>,
}

/// The instances of these studies, series by series in the order in which they came; one more than `most` where there are more.
pub async fn instances(
    conn: &impl ConnectionTrait,
    studies: &[String],
    part: &Part,
    most: u64,
) -> Result<Vec<instance::Model>, StoreError> {
    let mut select = instance::Entity::find()
        .filter(instance::Column::StudyId.is_in(studies))
        .order_by_asc(instance::Column::SeriesId)
        .order_by_asc(instance::Column::ReceivedAt)
        .limit(most.saturating_add(1));
    if let Some(uids) = &part.series {
        let series: Vec<String> = series::Entity::find()
            .select_only()
            .column(series::Column::Id)
            .filter(series::Column::StudyId.is_in(studies))
            .filter(series::Column::SeriesUid.is_in(uids))
            .into_tuple()
            .all(conn)
            .await?;
        select = select.filter(instance::Column::SeriesId.is_in(series));
    }
    if let Some(uids) = &part.instances {
        select = select.filter(instance::Column::SopUid.is_in(uids));
    }
    Ok(select.all(conn).await?)
}
