//! Stored instances and the quarantine. The same UID with the same bytes changes nothing; with other bytes it is kept
//! apart, durably, for a person to decide.

use std::collections::BTreeSet;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{InstanceId, SeriesId, SiteId, StudyId};
use tocsin_domain::study::InstanceFacts;

use super::document;
use super::entity::{instance, quarantine, series};
use super::error::StoreError;
use super::page::Before;
use super::store::Tx;

/// An instance whose bytes are on stable storage already.
#[derive(Clone)]
pub struct Received {
    pub site: SiteId,
    pub facts: InstanceFacts,
    /// What the header says badly, in words; empty if nothing.
    pub problems: Vec<String>,
    pub transfer_syntax: String,
    pub sha256: String,
    pub length: u64,
    pub calling_ae: String,
}

/// What became of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    New,
    Duplicate,
    Quarantined,
}

/// Whether these bytes are already here under this UID; `None` when the UID is new.
pub async fn known(tx: &Tx, received: &Received) -> Result<Option<Kept>, StoreError> {
    let found = instance::Entity::find()
        .filter(instance::Column::Site.eq(&received.site.0))
        .filter(instance::Column::SopUid.eq(received.facts.sop_instance_uid.as_str()))
        .one(tx.conn())
        .await?;
    let Some(found) = found else { return Ok(None) };
    if found.sha256 == received.sha256 {
        return Ok(Some(Kept::Duplicate));
    }
    set_apart(tx, received, &found.sha256).await?;
    Ok(Some(Kept::Quarantined))
}

async fn set_apart(tx: &Tx, received: &Received, kept_sha256: &str) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = quarantine::ActiveModel {
        id: Set(InstanceId(tx.uuid()).to_string()),
        site: Set(received.site.0.clone()),
        sop_uid: Set(received.facts.sop_instance_uid.to_string()),
        study_uid: Set(received.facts.study_uid.to_string()),
        sha256: Set(received.sha256.clone()),
        length: Set(i64::try_from(received.length).unwrap_or(i64::MAX)),
        transfer_syntax: Set(received.transfer_syntax.clone()),
        calling_ae: Set(received.calling_ae.clone()),
        reason: Set("the SOP Instance UID is taken by an instance with other bytes".to_owned()),
        kept_sha256: Set(kept_sha256.to_owned()),
        state: Set("open".to_owned()),
        resolved_by: Set(None),
        resolution: Set(None),
        received_at: Set(now),
        updated_at: Set(now),
    };
    let again = OnConflict::columns([
        quarantine::Column::Site,
        quarantine::Column::SopUid,
        quarantine::Column::Sha256,
    ])
    .update_column(quarantine::Column::UpdatedAt)
    .to_owned();
    quarantine::Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

pub async fn insert(
    tx: &Tx,
    received: &Received,
    study: StudyId,
    series: SeriesId,
) -> Result<InstanceId, StoreError> {
    let id = InstanceId(tx.uuid());
    let facts = serde_json::to_string(&received.facts)
        .map_err(|_| StoreError::Refused("instance facts that are no JSON".into()))?;
    let row = instance::ActiveModel {
        id: Set(id.to_string()),
        site: Set(received.site.0.clone()),
        study_id: Set(study.to_string()),
        series_id: Set(series.to_string()),
        sop_uid: Set(received.facts.sop_instance_uid.to_string()),
        sop_class: Set(received.facts.sop_class_uid.to_string()),
        transfer_syntax: Set(received.transfer_syntax.clone()),
        sha256: Set(received.sha256.clone()),
        length: Set(i64::try_from(received.length).unwrap_or(i64::MAX)),
        calling_ae: Set(received.calling_ae.clone()),
        facts: Set(facts),
        problems: Set((!received.problems.is_empty()).then(|| received.problems.join("; "))),
        received_at: Set(to_micros(tx.now())),
    };
    instance::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(id)
}

pub fn facts_of(row: &instance::Model) -> Result<InstanceFacts, StoreError> {
    document::read(&row.facts, "instance", "facts", &row.id)
}

pub async fn by_id(conn: &impl ConnectionTrait, id: &str) -> Result<Option<instance::Model>, StoreError> {
    Ok(instance::Entity::find_by_id(id).one(conn).await?)
}

pub async fn of_study(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<instance::Model>, StoreError> {
    Ok(instance::Entity::find()
        .filter(instance::Column::StudyId.eq(study.to_string()))
        .order_by_asc(instance::Column::ReceivedAt)
        .all(conn)
        .await?)
}

/// The one that came first.
pub async fn first_of_study(
    conn: &impl ConnectionTrait,
    study: &str,
) -> Result<Option<instance::Model>, StoreError> {
    Ok(instance::Entity::find()
        .filter(instance::Column::StudyId.eq(study))
        .order_by_asc(instance::Column::ReceivedAt)
        .one(conn)
        .await?)
}

pub async fn of_series(
    conn: &impl ConnectionTrait,
    series: &str,
) -> Result<Vec<instance::Model>, StoreError> {
    Ok(instance::Entity::find()
        .filter(instance::Column::SeriesId.eq(series))
        .order_by_asc(instance::Column::ReceivedAt)
        .all(conn)
        .await?)
}

/// The quarantine, newest first, optionally of one state.
pub async fn quarantined(
    conn: &impl ConnectionTrait,
    state: Option<&str>,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<quarantine::Model>, StoreError> {
    let mut select = quarantine::Entity::find()
        .order_by_desc(quarantine::Column::ReceivedAt)
        .order_by_desc(quarantine::Column::Id)
        .limit(limit);
    if let Some(state) = state {
        select = select.filter(quarantine::Column::State.eq(state));
    }
    if let Some(before) = before {
        select = select.filter(before.condition(quarantine::Column::ReceivedAt, quarantine::Column::Id));
    }
    Ok(select.all(conn).await?)
}

/// A person has looked at a quarantined instance; the instance that came first stays the one in use.
pub async fn dismiss(tx: &Tx, id: &str, by: &str, why: &str) -> Result<quarantine::Model, StoreError> {
    let row = quarantine::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Missing("quarantined instance"))?;
    if row.state != "open" {
        let closer = row.resolved_by.unwrap_or_default();
        return Err(StoreError::Refused(format!(
            "the entry {id} of the quarantine is {} already, by {closer}; expected one that is open",
            row.state
        )));
    }
    let mut row: quarantine::ActiveModel = row.into();
    row.state = Set("dismissed".to_owned());
    row.resolved_by = Set(Some(by.to_owned()));
    row.resolution = Set(Some(why.to_owned()));
    row.updated_at = Set(to_micros(tx.now()));
    Ok(row.update(tx.conn()).await?)
}

/// Instances that are asked for at once; SQLite takes no more values in a statement than some ten thousand.
const ASKED: usize = 1000;

/// Those of these SOP Instance UIDs that are stored.
pub async fn which_are_here(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    uids: &[&str],
) -> Result<BTreeSet<String>, StoreError> {
    let mut here = BTreeSet::new();
    for some in uids.chunks(ASKED) {
        let found: Vec<String> = instance::Entity::find()
            .select_only()
            .column(instance::Column::SopUid)
            .filter(instance::Column::Site.eq(&site.0))
            .filter(instance::Column::SopUid.is_in(some.iter().copied()))
            .into_tuple()
            .all(conn)
            .await?;
        here.extend(found);
    }
    Ok(here)
}

/// The UIDs of series and object of every instance of a study.
pub async fn uids_of_study(
    conn: &impl ConnectionTrait,
    study: StudyId,
    series: &[series::Model],
) -> Result<Vec<(String, String)>, StoreError> {
    let rows: Vec<(String, String)> = instance::Entity::find()
        .select_only()
        .columns([instance::Column::SeriesId, instance::Column::SopUid])
        .filter(instance::Column::StudyId.eq(study.to_string()))
        .into_tuple()
        .all(conn)
        .await?;
    let uid_of = |id: &str| series.iter().find(|row| row.id == id);
    let named = rows
        .into_iter()
        .filter_map(|(series, sop)| Some((uid_of(&series)?.series_uid.clone(), sop)));
    Ok(named.collect())
}
