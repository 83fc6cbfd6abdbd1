//! Patient records and their merges. Stored objects are never rewritten; a retired record points to its survivor, and
//! whoever needs a name follows the pointer when it is needed.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::{PatientId, SiteId};
use tocsin_domain::order::PatientField;
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};

use super::entity::patient::{self, Column, Entity};
use super::entity::study;
use super::error::StoreError;
use super::store::Tx;

/// Merges that are followed at most; a longer chain is a fault in the data.
const CHAIN: usize = 32;

pub async fn find(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    identifier: &PatientIdentifier,
) -> Result<Option<patient::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::Authority.eq(&identifier.authority))
        .filter(Column::Identifier.eq(&identifier.value))
        .one(conn)
        .await?)
}

/// The records with this number under any authority.
pub async fn of_value(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    value: &str,
) -> Result<Vec<patient::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::Identifier.eq(value))
        .all(conn)
        .await?)
}

pub async fn by_id(conn: &impl ConnectionTrait, id: &str) -> Result<Option<patient::Model>, StoreError> {
    Ok(Entity::find_by_id(id).one(conn).await?)
}

/// The record that a chain of merges ends in.
pub async fn survivor(
    conn: &impl ConnectionTrait,
    start: patient::Model,
) -> Result<patient::Model, StoreError> {
    let mut current = start;
    for _ in 0..CHAIN {
        let Some(next) = current.merged_into.clone() else {
            return Ok(current);
        };
        current = by_id(conn, &next)
            .await?
            .ok_or(StoreError::Missing("surviving patient"))?;
    }
    Err(StoreError::Refused(
        "the chain of patient merges does not end".into(),
    ))
}

/// Whom the images of a study are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imaged {
    /// The id of the record that their identifier leads to after merges.
    Record(String),
    /// No message ever spoke of this identifier.
    Unknown(PatientIdentifier),
}

impl Imaged {
    /// The same for two studies of one patient, and for no others.
    pub fn name(&self) -> String {
        match self {
            Self::Record(id) => id.clone(),
            Self::Unknown(identifier) => format!("{}^{}", identifier.authority, identifier.value),
        }
    }
}

/// The patient of a study as its images name them; `None` when they name none. Images rarely say whose number it is: it is
/// then the site's own, and where the site has no default either, that of the one patient who bears it.
pub async fn imaged(
    conn: &impl ConnectionTrait,
    row: &study::Model,
    default_authority: &str,
) -> Result<Option<Imaged>, StoreError> {
    let Some(value) = row.patient_identifier.clone() else {
        return Ok(None);
    };
    let authority = row.patient_authority.clone().unwrap_or_default();
    let said = PatientIdentifier { value, authority };
    named(conn, &SiteId(row.site.clone()), said, default_authority)
        .await
        .map(Some)
}

/// The same of an identifier as images say it.
pub async fn named(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    said: PatientIdentifier,
    default_authority: &str,
) -> Result<Imaged, StoreError> {
    let identifier = said.qualified(default_authority);
    if let Some(known) = find(conn, site, &identifier).await? {
        return Ok(Imaged::Record(survivor(conn, known).await?.id));
    }
    let bearer = match identifier.authority.is_empty() {
        true => only_bearer(conn, site, &identifier.value).await?,
        false => None,
    };
    Ok(bearer.map_or_else(|| Imaged::Unknown(identifier), Imaged::Record))
}

/// Of several patients who have this number, none is meant.
async fn only_bearer(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    value: &str,
) -> Result<Option<String>, StoreError> {
    let mut bearers = Vec::new();
    for record in of_value(conn, site, value).await? {
        bearers.push(survivor(conn, record).await?.id);
    }
    bearers.sort_unstable();
    bearers.dedup();
    Ok(if bearers.len() == 1 { bearers.pop() } else { None })
}

/// Creates or updates a record. News older than what is known fills gaps only, and deletes nothing.
pub async fn upsert(
    tx: &Tx,
    site: &SiteId,
    identifier: &PatientIdentifier,
    said: &Demographics,
    deleted: &[PatientField],
    at: Timestamp,
) -> Result<patient::Model, StoreError> {
    let now = to_micros(tx.now());
    let Some(known) = find(tx.conn(), site, identifier).await? else {
        let row = patient::ActiveModel {
            id: Set(PatientId(tx.uuid()).to_string()),
            site: Set(site.0.clone()),
            authority: Set(identifier.authority.clone()),
            identifier: Set(identifier.value.clone()),
            name: Set(exposed(&said.name)),
            birth_date: Set(exposed(&said.birth_date)),
            sex: Set(exposed(&said.sex)),
            merged_into: Set(None),
            told_at: Set(to_micros(at)),
            updated_at: Set(now),
        };
        return Ok(row.insert(tx.conn()).await?);
    };
    let newer = to_micros(at) >= known.told_at;
    let pick = |field, known: &Option<String>, said: &Option<Phi<String>>| match said {
        Some(said) if newer || known.is_none() => Some(said.expose().clone()),
        None if newer && deleted.contains(&field) => None,
        Some(_) | None => known.clone(),
    };
    let (name, birth_date, sex) = (
        pick(PatientField::Name, &known.name, &said.name),
        pick(PatientField::BirthDate, &known.birth_date, &said.birth_date),
        pick(PatientField::Sex, &known.sex, &said.sex),
    );
    let told_at = known.told_at.max(to_micros(at));
    let same = (&name, &birth_date, &sex) == (&known.name, &known.birth_date, &known.sex);
    if same && told_at == known.told_at {
        return Ok(known);
    }
    let mut row: patient::ActiveModel = known.into();
    row.name = Set(name);
    row.birth_date = Set(birth_date);
    row.sex = Set(sex);
    row.told_at = Set(told_at);
    row.updated_at = Set(now);
    Ok(row.update(tx.conn()).await?)
}

/// Points the retired record to the survivor. Refuses a circle.
pub async fn merge(tx: &Tx, retired: patient::Model, into: &patient::Model) -> Result<(), StoreError> {
    let end = survivor(tx.conn(), into.clone()).await?;
    if end.id == retired.id {
        return Err(StoreError::Refused(
            "this merge would close a circle of patient records".into(),
        ));
    }
    let mut row: patient::ActiveModel = retired.into();
    row.merged_into = Set(Some(end.id));
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

fn exposed(value: &Option<Phi<String>>) -> Option<String> {
    value.as_ref().map(|v| v.expose().clone())
}
