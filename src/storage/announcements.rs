//! Performed procedure steps and availability notices: what was said, which studies it is of, and what of it their
//! timelines know. A notice never changes; a step does until it is final.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::announced::outlook::Here;
use tocsin_domain::announced::{Announcement, ListedSeries, Outlook, PerformedStep, Said};
use tocsin_domain::clock::{from_micros, to_micros};
use tocsin_domain::ids::{AnnouncementId, SiteId, StudyId, Uid};

use super::document;
use super::entity::{announced_series, announced_study, announcement, announcement_noted, series, study};
use super::error::StoreError;
use super::store::Tx;
use super::studies;

const STEP: &str = "step";
const NOTICE: &str = "notice";

/// What is said for the first time.
pub struct New<'a> {
    pub site: &'a SiteId,
    pub sop_uid: &'a Uid,
    pub sender: &'a str,
    pub what: What<'a>,
}

pub enum What<'a> {
    Step(&'a PerformedStep),
    Notice {
        study: &'a Uid,
        series: &'a [ListedSeries],
    },
}

impl What<'_> {
    fn studies(&self) -> Vec<&Uid> {
        match self {
            Self::Step(step) => step.studies.iter().collect(),
            Self::Notice { study, .. } => vec![*study],
        }
    }

    fn series(&self) -> &[ListedSeries] {
        match self {
            Self::Step(step) => &step.series,
            Self::Notice { series, .. } => series,
        }
    }
}

pub fn id_of(row: &announcement::Model) -> Result<AnnouncementId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "announcement",
        column: "id",
        id: row.id.clone(),
    })
}

fn step_of(row: &announcement::Model) -> Result<PerformedStep, StoreError> {
    document::read(&row.record, "announcement", "record", &row.id)
}

/// Why a step was discontinued.
pub fn reason_of(row: &announcement::Model) -> Result<Option<String>, StoreError> {
    match row.kind.as_str() {
        STEP => Ok(step_of(row)?.reason),
        _ => Ok(None),
    }
}

fn said(row: &announcement::Model) -> Result<Said, StoreError> {
    match row.kind.as_str() {
        STEP => Ok(Said::Step(step_of(row)?.state)),
        _ => Ok(Said::Availability),
    }
}

/// Keeps it; `None` where this UID is known already.
pub async fn insert(tx: &Tx, new: &New<'_>) -> Result<Option<AnnouncementId>, StoreError> {
    if of_uid(tx, new.site, new.sop_uid).await?.is_some() {
        return Ok(None);
    }
    let (id, now) = (AnnouncementId(tx.uuid()), to_micros(tx.now()));
    let (kind, said, record) = match &new.what {
        What::Step(step) => (STEP, Said::Step(step.state), document::write(&stripped(step))?),
        What::Notice { .. } => (NOTICE, Said::Availability, "{}".to_owned()),
    };
    let row = announcement::ActiveModel {
        id: Set(id.to_string()),
        site: Set(new.site.0.clone()),
        kind: Set(kind.to_owned()),
        sop_uid: Set(new.sop_uid.to_string()),
        sender: Set(new.sender.to_owned()),
        state: Set(said.text().to_owned()),
        record: Set(record),
        fetch_state: Set(None),
        fetch_detail: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    announcement::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    for study in new.what.studies().into_iter().collect::<BTreeSet<_>>() {
        let row = announced_study::ActiveModel {
            id: Set(tx.uuid().to_string()),
            announcement_id: Set(id.to_string()),
            study_uid: Set(study.to_string()),
        };
        announced_study::Entity::insert(row)
            .exec_without_returning(tx.conn())
            .await?;
    }
    list(tx, id, new.what.series()).await?;
    Ok(Some(id))
}

/// Its series have rows of their own.
fn stripped(step: &PerformedStep) -> PerformedStep {
    PerformedStep {
        series: Vec::new(),
        ..step.clone()
    }
}

async fn list(tx: &Tx, id: AnnouncementId, series: &[ListedSeries]) -> Result<(), StoreError> {
    for listed in series {
        let row = announced_series::ActiveModel {
            id: Set(tx.uuid().to_string()),
            announcement_id: Set(id.to_string()),
            study_uid: Set(listed.study_uid.as_ref().map(ToString::to_string)),
            series_uid: Set(listed.series_uid.to_string()),
            instances: Set(document::write(&listed.instances)?),
        };
        announced_series::Entity::insert(row)
            .exec_without_returning(tx.conn())
            .await?;
    }
    Ok(())
}

/// Locked until the transaction ends where the database has more than one writer.
async fn of_uid(tx: &Tx, site: &SiteId, sop_uid: &Uid) -> Result<Option<announcement::Model>, StoreError> {
    Ok(announcement::Entity::find()
        .filter(announcement::Column::Site.eq(&site.0))
        .filter(announcement::Column::SopUid.eq(sop_uid.as_str()))
        .lock_exclusive()
        .one(tx.conn())
        .await?)
}

/// The step of this UID, whole, with its row.
pub async fn step(
    tx: &Tx,
    site: &SiteId,
    sop_uid: &Uid,
) -> Result<Option<(announcement::Model, PerformedStep)>, StoreError> {
    let found = of_uid(tx, site, sop_uid).await?.filter(|row| row.kind == STEP);
    let Some(row) = found else { return Ok(None) };
    let mut step = step_of(&row)?;
    let listed = series_rows(tx.conn(), std::slice::from_ref(&row.id)).await?;
    step.series = listed.iter().map(listed_of).collect::<Result<_, _>>()?;
    Ok(Some((row, step)))
}

/// Saves a step that has changed.
pub async fn save_step(tx: &Tx, row: announcement::Model, step: &PerformedStep) -> Result<(), StoreError> {
    let id = id_of(&row)?;
    let mut row: announcement::ActiveModel = row.into();
    row.state = Set(Said::Step(step.state).text().to_owned());
    row.record = Set(document::write(&stripped(step))?);
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    announced_series::Entity::delete_many()
        .filter(announced_series::Column::AnnouncementId.eq(id.to_string()))
        .exec(tx.conn())
        .await?;
    list(tx, id, &step.series).await
}

/// The studies of ours that it is of: those that it names, and those that have a series of its list.
pub async fn studies_of(tx: &Tx, site: &SiteId, what: &What<'_>) -> Result<Vec<StudyId>, StoreError> {
    let uids = what.studies().into_iter().map(Uid::as_str);
    let mut found = study::Entity::find()
        .filter(study::Column::Site.eq(&site.0))
        .filter(study::Column::StudyUid.is_in(uids))
        .all(tx.conn())
        .await?;
    let series = what.series().iter().map(|listed| listed.series_uid.as_str());
    let owners: Vec<String> = series::Entity::find()
        .select_only()
        .column(series::Column::StudyId)
        .filter(series::Column::SeriesUid.is_in(series))
        .into_tuple()
        .all(tx.conn())
        .await?;
    let owners = studies::by_ids(tx.conn(), &owners).await?;
    found.extend(owners.into_iter().filter(|row| row.site == site.0));
    let ids = found
        .iter()
        .map(studies::id_of)
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(ids.into_iter().collect())
}

/// All that was said of a study, in the order in which it was last heard.
pub async fn of_study(
    conn: &impl ConnectionTrait,
    study: &study::Model,
    series: &[String],
) -> Result<Vec<(announcement::Model, Announcement)>, StoreError> {
    let named: Vec<String> = announced_study::Entity::find()
        .select_only()
        .column(announced_study::Column::AnnouncementId)
        .filter(announced_study::Column::StudyUid.eq(&study.study_uid))
        .into_tuple()
        .all(conn)
        .await?;
    let listed: Vec<String> = announced_series::Entity::find()
        .select_only()
        .column(announced_series::Column::AnnouncementId)
        .filter(announced_series::Column::SeriesUid.is_in(series.iter().cloned()))
        .into_tuple()
        .all(conn)
        .await?;
    let ids: BTreeSet<String> = named.into_iter().chain(listed).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = announcement::Entity::find()
        .filter(announcement::Column::Id.is_in(ids))
        .filter(announcement::Column::Site.eq(&study.site))
        .order_by_asc(announcement::Column::UpdatedAt)
        .order_by_asc(announcement::Column::Id)
        .all(conn)
        .await?;
    whole(conn, rows).await
}

/// One of them.
pub async fn by_id(
    conn: &impl ConnectionTrait,
    id: AnnouncementId,
) -> Result<Option<(announcement::Model, Announcement)>, StoreError> {
    let row = announcement::Entity::find_by_id(id.to_string()).one(conn).await?;
    Ok(whole(conn, row.into_iter().collect()).await?.pop())
}

async fn whole(
    conn: &impl ConnectionTrait,
    rows: Vec<announcement::Model>,
) -> Result<Vec<(announcement::Model, Announcement)>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut series: BTreeMap<String, Vec<ListedSeries>> = BTreeMap::new();
    for row in series_rows(conn, &ids).await? {
        series
            .entry(row.announcement_id.clone())
            .or_default()
            .push(listed_of(&row)?);
    }
    let mut studies: BTreeMap<String, Vec<Uid>> = BTreeMap::new();
    let named = announced_study::Entity::find()
        .filter(announced_study::Column::AnnouncementId.is_in(ids))
        .all(conn)
        .await?;
    for row in named {
        let uid = uid(&row.study_uid, "announced_study", &row.id)?;
        studies.entry(row.announcement_id).or_default().push(uid);
    }
    let one = |row: announcement::Model| {
        let announcement = Announcement {
            id: id_of(&row)?,
            said: said(&row)?,
            from: row.sender.clone(),
            at: from_micros(row.updated_at),
            studies: studies.remove(&row.id).unwrap_or_default(),
            series: series.remove(&row.id).unwrap_or_default(),
        };
        Ok((row, announcement))
    };
    rows.into_iter().map(one).collect()
}

async fn series_rows(
    conn: &impl ConnectionTrait,
    ids: &[String],
) -> Result<Vec<announced_series::Model>, StoreError> {
    Ok(announced_series::Entity::find()
        .filter(announced_series::Column::AnnouncementId.is_in(ids.iter().cloned()))
        .order_by_asc(announced_series::Column::SeriesUid)
        .all(conn)
        .await?)
}

fn listed_of(row: &announced_series::Model) -> Result<ListedSeries, StoreError> {
    let study = row.study_uid.as_deref();
    Ok(ListedSeries {
        study_uid: study
            .map(|text| uid(text, "announced_series", &row.id))
            .transpose()?,
        series_uid: uid(&row.series_uid, "announced_series", &row.id)?,
        instances: document::read(&row.instances, "announced_series", "instances", &row.id)?,
    })
}

fn uid(text: &str, table: &'static str, id: &str) -> Result<Uid, StoreError> {
    Uid::parse(text).map_err(|_| StoreError::Inconsistent {
        table,
        column: "a UID",
        id: id.to_owned(),
    })
}

/// Whether this is news on the study's timeline; it is none from now on.
pub async fn is_news(tx: &Tx, study: StudyId, one: &Announcement) -> Result<bool, StoreError> {
    let known = announcement_noted::Entity::find()
        .filter(announcement_noted::Column::StudyId.eq(study.to_string()))
        .filter(announcement_noted::Column::AnnouncementId.eq(one.id.to_string()))
        .filter(announcement_noted::Column::State.eq(one.said.text()))
        .one(tx.conn())
        .await?;
    if known.is_some() {
        return Ok(false);
    }
    let row = announcement_noted::ActiveModel {
        id: Set(tx.uuid().to_string()),
        study_id: Set(study.to_string()),
        announcement_id: Set(one.id.to_string()),
        state: Set(one.said.text().to_owned()),
    };
    announcement_noted::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(true)
}

/// How fetching what a notice lists has gone; `detail` is for people and names no patient.
pub async fn note_fetch(tx: &Tx, id: AnnouncementId, state: &str, detail: &str) -> Result<(), StoreError> {
    let row = announcement::ActiveModel {
        id: Set(id.to_string()),
        fetch_state: Set(Some(state.to_owned())),
        fetch_detail: Set(Some(detail.to_owned())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// All that was said of a study, held against what is here.
pub struct Heard {
    pub outlook: Outlook,
    pub said: Vec<(announcement::Model, Announcement)>,
}

/// `here` are its instances: UIDs of series and object. `series` are all of its series.
pub async fn heard(
    conn: &impl ConnectionTrait,
    study: &study::Model,
    series: &[String],
    here: &[(&str, &str)],
) -> Result<Heard, StoreError> {
    let said = of_study(conn, study, series).await?;
    if said.is_empty() {
        let outlook = Outlook::default();
        return Ok(Heard { outlook, said });
    }
    let mut present = Here::new();
    for (series, sop) in here {
        let series = uid(series, "series", &study.id)?;
        present
            .entry(series)
            .or_default()
            .insert(uid(sop, "instance", &study.id)?);
    }
    let announcements: Vec<Announcement> = said.iter().map(|(_, one)| one.clone()).collect();
    let own = uid(&study.study_uid, "study", &study.id)?;
    Ok(Heard {
        outlook: Outlook::of(&own, &announcements, &present),
        said,
    })
}
