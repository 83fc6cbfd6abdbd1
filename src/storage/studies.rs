//! Studies and series: what has arrived, how it is linked to its order, and where it stands on the worklist.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use tocsin_domain::clock::{Timestamp, from_micros, to_micros};
use tocsin_domain::ids::{SeriesId, SiteId, StudyId, Uid};
use tocsin_domain::reading::Ending;
use tocsin_domain::study::{InstanceFacts, SeriesFacts, StudyFacts};

use super::changes;
use super::dicom_keys;
use super::document;
use super::entity::{series, study};
use super::error::StoreError;
use super::page::Before;
use super::prior_searches::Purpose;
use super::readings;
use super::store::Tx;
use super::waiting;

pub fn id_of(row: &study::Model) -> Result<StudyId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "study",
        column: "id",
        id: row.id.clone(),
    })
}

pub fn series_id_of(row: &series::Model) -> Result<SeriesId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "series",
        column: "id",
        id: row.id.clone(),
    })
}

pub async fn by_id(conn: &impl ConnectionTrait, id: StudyId) -> Result<Option<study::Model>, StoreError> {
    Ok(study::Entity::find_by_id(id.to_string()).one(conn).await?)
}

pub async fn get(conn: &impl ConnectionTrait, id: StudyId) -> Result<study::Model, StoreError> {
    by_id(conn, id).await?.ok_or(StoreError::Missing("study"))
}

/// The row, locked until the transaction ends where the database has more than one writer.
pub async fn lock(tx: &Tx, id: StudyId) -> Result<study::Model, StoreError> {
    study::Entity::find_by_id(id.to_string())
        .lock_exclusive()
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Missing("study"))
}

pub async fn by_uid(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    uid: &str,
) -> Result<Option<study::Model>, StoreError> {
    Ok(study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .filter(study::Column::StudyUid.eq(uid))
        .one(conn)
        .await?)
}

pub async fn by_accession(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    accession: &str,
) -> Result<Vec<study::Model>, StoreError> {
    Ok(study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .filter(study::Column::Accession.eq(accession))
        .all(conn)
        .await?)
}

/// Studies linked to an order, or whose images name a patient.
pub async fn of_order(conn: &impl ConnectionTrait, order: &str) -> Result<Vec<study::Model>, StoreError> {
    Ok(study::Entity::find()
        .filter(study::Column::OrderId.eq(order))
        .all(conn)
        .await?)
}

pub async fn of_patient(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    identifier: &str,
) -> Result<Vec<study::Model>, StoreError> {
    Ok(study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .filter(study::Column::PatientIdentifier.eq(identifier))
        .all(conn)
        .await?)
}

/// Studies that a number names: the accession number, the patient's identifier or the UID; newest first.
pub async fn named(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    number: &str,
    most: u64,
) -> Result<Vec<study::Model>, StoreError> {
    // As it was typed, and in capitals or without, so that the indexes are used.
    let written = || [number.to_owned(), number.to_uppercase(), number.to_lowercase()];
    let names = study::Column::Accession
        .is_in(written())
        .or(study::Column::PatientIdentifier.is_in(written()))
        .or(study::Column::StudyUid.eq(number));
    Ok(study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .filter(names)
        .order_by_desc(study::Column::ArrivedAt)
        .limit(most)
        .all(conn)
        .await?)
}

/// Rows of several studies, apart, each in the order in which they came.
pub fn by_study<R>(rows: Vec<R>, study: impl Fn(&R) -> &String) -> BTreeMap<String, Vec<R>> {
    let mut by_study: BTreeMap<String, Vec<R>> = BTreeMap::new();
    for row in rows {
        by_study.entry(study(&row).clone()).or_default().push(row);
    }
    by_study
}

/// The study and series that an instance belongs to, created if they are new.
pub async fn place(
    tx: &Tx,
    site: &SiteId,
    facts: &InstanceFacts,
    sender: &str,
    purpose: Purpose,
) -> Result<(StudyId, SeriesId, bool), StoreError> {
    let (study, is_new) = match by_uid(tx.conn(), site, facts.study_uid.as_str()).await? {
        Some(row) => (row, false),
        None => (create(tx, site, facts, sender, purpose).await?, true),
    };
    let study_id = id_of(&study)?;
    let series = match series_by_uid(tx.conn(), study_id, &facts.series_uid).await? {
        Some(row) => row,
        None => create_series(tx, study_id, facts).await?,
    };
    Ok((study_id, series_id_of(&series)?, is_new))
}

async fn create(
    tx: &Tx,
    site: &SiteId,
    facts: &InstanceFacts,
    sender: &str,
    purpose: Purpose,
) -> Result<study::Model, StoreError> {
    let now = to_micros(tx.now());
    let row = study::ActiveModel {
        id: Set(StudyId(tx.uuid()).to_string()),
        site: Set(site.0.clone()),
        study_uid: Set(facts.study_uid.to_string()),
        accession: Set(facts.accession.clone()),
        patient_identifier: Set(facts.patient.as_ref().map(|p| p.value.clone())),
        patient_authority: Set(facts.patient.as_ref().map(|p| p.authority.clone())),
        patient_name: Set(facts.demographics.name.as_ref().map(|n| n.expose().clone())),
        birth_date: Set(facts.demographics.birth_date.as_ref().map(|n| n.expose().clone())),
        sex: Set(facts.demographics.sex.as_ref().map(|n| n.expose().clone())),
        modality: Set(facts.modality.clone()),
        description: Set(facts.study_description.clone().unwrap_or_default()),
        sender_ae: Set(sender.to_owned()),
        order_id: Set(None),
        link: Set("unmatched".to_owned()),
        link_detail: Set(Some("no order has been looked for yet".to_owned())),
        link_resolved_by: Set(None),
        state: Set("receiving".to_owned()),
        facts: Set(None),
        instances: Set(0),
        arrived_at: Set(now),
        last_instance_at: Set(now),
        human_band: Set(0),
        band: Set(0),
        score: Set(0.0),
        reasons: Set("[]".to_owned()),
        verdict: Set(None),
        band_without_ai: Set(0),
        score_without_ai: Set(0.0),
        on_worklist: Set(purpose == Purpose::Reading),
        claimed_by: Set(None),
        claimed_at: Set(None),
        report_status: Set(None),
        purpose: Set(purpose.text().to_owned()),
        updated_at: Set(now),
    };
    let row = row.insert(tx.conn()).await?;
    dicom_keys::of_study(tx, id_of(&row)?, site, facts).await?;
    changes::note(tx, id_of(&row)?).await?;
    Ok(row)
}

pub async fn series_of(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<series::Model>, StoreError> {
    Ok(series::Entity::find()
        .filter(series::Column::StudyId.eq(study.to_string()))
        .all(conn)
        .await?)
}

pub async fn series_by_uid(
    conn: &impl ConnectionTrait,
    study: StudyId,
    uid: &Uid,
) -> Result<Option<series::Model>, StoreError> {
    Ok(series::Entity::find()
        .filter(series::Column::StudyId.eq(study.to_string()))
        .filter(series::Column::SeriesUid.eq(uid.as_str()))
        .one(conn)
        .await?)
}

async fn create_series(tx: &Tx, study: StudyId, facts: &InstanceFacts) -> Result<series::Model, StoreError> {
    let now = to_micros(tx.now());
    let row = series::ActiveModel {
        id: Set(SeriesId(tx.uuid()).to_string()),
        study_id: Set(study.to_string()),
        series_uid: Set(facts.series_uid.to_string()),
        state: Set("receiving".to_owned()),
        facts: Set(None),
        instances: Set(0),
        released_at: Set(None),
        last_instance_at: Set(now),
        updated_at: Set(now),
    };
    let row = row.insert(tx.conn()).await?;
    dicom_keys::of_series(tx, series_id_of(&row)?, study, facts).await?;
    Ok(row)
}

/// The association that carried images of this study has been released or lost: one of the signals of completeness.
pub async fn released(tx: &Tx, study: StudyId) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    for row in series_of(tx.conn(), study).await? {
        let mut row: series::ActiveModel = row.into();
        row.released_at = Set(Some(now));
        row.update(tx.conn()).await?;
    }
    Ok(())
}

pub async fn save_series(
    tx: &Tx,
    row: series::Model,
    facts: &SeriesFacts,
    state: &str,
    instances: i64,
    last_instance_at: i64,
) -> Result<(), StoreError> {
    let facts = document::write(facts)?;
    let mut row: series::ActiveModel = row.into();
    row.facts = Set(Some(facts));
    row.state = Set(state.to_owned());
    row.instances = Set(instances);
    row.last_instance_at = Set(last_instance_at);
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

pub fn facts_of(row: &study::Model) -> Result<Option<StudyFacts>, StoreError> {
    row.facts
        .as_deref()
        .map(|text| document::read(text, "study", "facts", &row.id))
        .transpose()
}

pub fn series_facts_of(row: &series::Model) -> Result<Option<SeriesFacts>, StoreError> {
    row.facts
        .as_deref()
        .map(|text| document::read(text, "series", "facts", &row.id))
        .transpose()
}

/// Saves a changed row; whoever changed it read it in this transaction.
pub async fn save(tx: &Tx, row: study::ActiveModel) -> Result<study::Model, StoreError> {
    let mut row = row;
    row.updated_at = Set(to_micros(tx.now()));
    let saved = row.update(tx.conn()).await?;
    changes::note(tx, id_of(&saved)?).await?;
    Ok(saved)
}

pub async fn by_ids(conn: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<study::Model>, StoreError> {
    Ok(study::Entity::find()
        .filter(study::Column::Id.is_in(ids.iter().cloned()))
        .all(conn)
        .await?)
}

/// When an image last arrived, of any study.
pub async fn last_image_at(conn: &impl ConnectionTrait) -> Result<Option<Timestamp>, StoreError> {
    let last = study::Entity::find()
        .filter(study::Column::Purpose.eq(Purpose::Reading.text()))
        .select_only()
        .column(study::Column::LastInstanceAt)
        .order_by_desc(study::Column::LastInstanceAt)
        .limit(1)
        .into_tuple::<i64>()
        .one(conn)
        .await?;
    Ok(last.map(from_micros))
}

/// Studies that wait for a decision about their order, newest first; `link` takes those of one kind alone.
pub async fn unreconciled(
    conn: &impl ConnectionTrait,
    link: Option<&str>,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<study::Model>, StoreError> {
    let mut select = study::Entity::find()
        .filter(study::Column::Link.ne("linked"))
        .filter(study::Column::LinkResolvedBy.is_null())
        .filter(study::Column::Purpose.eq(Purpose::Reading.text()))
        .order_by_desc(study::Column::ArrivedAt)
        .order_by_desc(study::Column::Id)
        .limit(limit);
    if let Some(link) = link {
        select = select.filter(study::Column::Link.eq(link));
    }
    if let Some(before) = before {
        select = select.filter(before.condition(study::Column::ArrivedAt, study::Column::Id));
    }
    Ok(select.all(conn).await?)
}

/// How many of a kind wait for a decision about their order.
pub async fn count_unreconciled(conn: &impl ConnectionTrait, link: &str) -> Result<u64, StoreError> {
    Ok(study::Entity::find()
        .filter(study::Column::Purpose.eq(Purpose::Reading.text()))
        .filter(study::Column::Link.eq(link))
        .filter(study::Column::LinkResolvedBy.is_null())
        .count(conn)
        .await?)
}

/// Who holds the study now.
pub fn holder(row: &study::Model, now: Timestamp) -> Option<&str> {
    waiting::holder(row.claimed_by.as_deref(), row.claimed_at, now)
}

/// Takes the study for reading. Refuses when somebody else holds it.
pub async fn claim(tx: &Tx, id: StudyId, by: &str) -> Result<study::Model, StoreError> {
    let row = lock(tx, id).await?;
    if let Some(holder) = holder(&row, tx.now()).filter(|holder| *holder != by) {
        let since = row
            .claimed_at
            .map(from_micros)
            .map(|at| at.to_rfc3339())
            .unwrap_or_default();
        return Err(StoreError::Refused(format!(
            "{holder} holds this study since {since}"
        )));
    }
    readings::begun(tx, &row, by).await?;
    let now = to_micros(tx.now());
    let mut row: study::ActiveModel = row.into();
    row.claimed_by = Set(Some(by.to_owned()));
    row.claimed_at = Set(Some(now));
    save(tx, row).await
}

/// Whoever holds the study goes on holding it for as long as a claim lasts; nothing to do where nobody does.
pub async fn renew(tx: &Tx, row: study::Model) -> Result<(), StoreError> {
    if holder(&row, tx.now()).is_none() {
        return Ok(());
    }
    let now = to_micros(tx.now());
    let mut row: study::ActiveModel = row.into();
    row.claimed_at = Set(Some(now));
    save(tx, row).await.map(|_| ())
}

/// Who gives a study back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Releaser<'a> {
    Holder(&'a str),
    /// May give back what somebody else holds.
    Administrator,
}

/// Gives the study back. Refuses what nobody holds, and what somebody else holds.
pub async fn unclaim(tx: &Tx, id: StudyId, by: Releaser<'_>) -> Result<(), StoreError> {
    let row = lock(tx, id).await?;
    let Some(held_by) = holder(&row, tx.now()).map(str::to_owned) else {
        return Err(StoreError::Refused("nobody holds this study".into()));
    };
    match by {
        Releaser::Holder(name) if name != held_by => {
            return Err(StoreError::Refused(format!(
                "{held_by} holds this study; only they or an administrator give it back"
            )));
        }
        Releaser::Holder(_) | Releaser::Administrator => {}
    }
    readings::end_standing(tx, &row, Ending::GivenBack).await?;
    let_go(tx, row).await
}

/// Nobody holds the study any more; whoever calls this has written down how its reading ended.
pub async fn let_go(tx: &Tx, row: study::Model) -> Result<(), StoreError> {
    let mut row: study::ActiveModel = row.into();
    row.claimed_by = Set(None);
    row.claimed_at = Set(None);
    save(tx, row).await.map(|_| ())
}
