//! Earlier studies of the patient of a study, found by the identifiers that their images carry, after merges.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use chrono::TimeZone;
use tocsin_domain::clock::{Timestamp, from_micros, wall_clock};
use tocsin_domain::ids::SiteId;
use tocsin_domain::same_person::Person;

use super::entity::{patient, study};
use super::error::StoreError;
use super::instances;
use super::patients::{self, Imaged};

/// Studies that are looked at at most; the newest go first.
const MOST: u64 = 50;
/// Records that were merged into each other are followed this far back.
const MERGES: usize = 32;

/// Other studies of the same patient, the newest first.
pub async fn of(
    conn: &impl ConnectionTrait,
    row: &study::Model,
    default_authority: &str,
) -> Result<Vec<study::Model>, StoreError> {
    let Some(whom) = patients::imaged(conn, row, default_authority).await? else {
        return Ok(Vec::new());
    };
    let site = SiteId(row.site.clone());
    let all = of_whom(conn, &site, &whom, default_authority).await?;
    Ok(all.into_iter().filter(|study| study.id != row.id).collect())
}

/// All studies of a patient, the newest first.
pub async fn of_whom(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    whom: &Imaged,
    default_authority: &str,
) -> Result<Vec<study::Model>, StoreError> {
    let identifiers: BTreeSet<String> = match whom {
        Imaged::Record(id) => {
            let records = records_of(conn, id).await?;
            records.into_iter().map(|row| row.identifier).collect()
        }
        Imaged::Unknown(identifier) => BTreeSet::from([identifier.value.clone()]),
    };
    let candidates = study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .filter(study::Column::PatientIdentifier.is_in(identifiers))
        .order_by_desc(study::Column::ArrivedAt)
        .limit(MOST)
        .all(conn)
        .await?;
    let mut same = Vec::new();
    for candidate in candidates {
        // One number may be two people's, under two authorities.
        if patients::imaged(conn, &candidate, default_authority)
            .await?
            .as_ref()
            == Some(whom)
        {
            same.push(candidate);
        }
    }
    Ok(same)
}

/// A record and all that were merged into it.
pub async fn records_of(
    conn: &impl ConnectionTrait,
    record: &str,
) -> Result<Vec<patient::Model>, StoreError> {
    let mut found = Vec::new();
    let mut records = vec![record.to_owned()];
    found.extend(patients::by_id(conn, record).await?);
    for _ in 0..MERGES {
        let retired = patient::Entity::find()
            .filter(patient::Column::MergedInto.is_in(records))
            .all(conn)
            .await?;
        if retired.is_empty() {
            break;
        }
        records = retired.iter().map(|row| row.id.clone()).collect();
        found.extend(retired);
    }
    Ok(found)
}

/// When the images of a study were taken, as the first of them says on the site's wall clock; when it arrived where none says.
pub async fn taken_at<Z: TimeZone>(
    conn: &impl ConnectionTrait,
    row: &study::Model,
    zone: &Z,
) -> Result<Timestamp, StoreError> {
    let first = instances::first_of_study(conn, &row.id).await?;
    let facts = first.as_ref().map(instances::facts_of).transpose()?;
    let said =
        facts.and_then(|facts| wall_clock(facts.study_date.as_deref()?, facts.study_time.as_deref(), zone));
    Ok(said.unwrap_or_else(|| from_micros(row.arrived_at)))
}

/// Whom the images of a study are of, as they say.
pub fn person(row: &study::Model) -> Person<'_> {
    Person {
        name: row.patient_name.as_deref(),
        birth_date: row.birth_date.as_deref(),
        sex: row.sex.as_deref(),
    }
}
