//! Which archives were asked about the earlier studies of a study, what came of it, and which studies are expected from
//! them. An expected study is there to be compared with: it waits for nobody, until somebody else sends it too.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    Select,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{SiteId, StudyId, Uid};

use super::changes;
use super::entity::{prior_fetch, prior_search, study};
use super::error::StoreError;
use super::store::Tx;
use super::{studies, timeline};

/// State of a study that is expected, once the archive has sent it.
const ARRIVED: &str = "arrived";

/// What a study is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody is to read it.
    Reading,
    /// Fetched to compare others with: on no list, told to nobody, sent nowhere.
    Comparison,
}

impl Purpose {
    pub fn text(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Comparison => "comparison",
        }
    }

    pub fn of(row: &study::Model) -> Self {
        match row.purpose.as_str() {
            "comparison" => Self::Comparison,
            _ => Self::Reading,
        }
    }
}

/// How far the search in one archive has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchState {
    Asking,
    Done,
    /// It failed, and will be tried again.
    Waiting,
    GivenUp,
}

impl SearchState {
    pub fn text(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::GivenUp => "given_up",
        }
    }
}

/// Notes how a search stands; `detail` is for people and names no patient.
pub async fn note(
    tx: &Tx,
    study: StudyId,
    source: &str,
    state: SearchState,
    detail: &str,
) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    match of_source(tx.conn(), study, source).await? {
        Some(row) => {
            let mut row: prior_search::ActiveModel = row.into();
            row.state = Set(state.text().to_owned());
            row.detail = Set(detail.to_owned());
            row.updated_at = Set(now);
            row.update(tx.conn()).await?;
        }
        None => {
            let row = prior_search::ActiveModel {
                id: Set(tx.uuid().to_string()),
                study_id: Set(study.to_string()),
                source: Set(source.to_owned()),
                state: Set(state.text().to_owned()),
                detail: Set(detail.to_owned()),
                created_at: Set(now),
                updated_at: Set(now),
            };
            prior_search::Entity::insert(row)
                .exec_without_returning(tx.conn())
                .await?;
        }
    }
    changes::note(tx, study).await
}

pub async fn of_source(
    conn: &impl ConnectionTrait,
    study: StudyId,
    source: &str,
) -> Result<Option<prior_search::Model>, StoreError> {
    Ok(prior_search::Entity::find()
        .filter(prior_search::Column::StudyId.eq(study.to_string()))
        .filter(prior_search::Column::Source.eq(source))
        .one(conn)
        .await?)
}

/// The searches for a study, by the names of the archives.
pub async fn of_study(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<prior_search::Model>, StoreError> {
    Ok(prior_search::Entity::find()
        .filter(prior_search::Column::StudyId.eq(study.to_string()))
        .order_by_asc(prior_search::Column::Source)
        .all(conn)
        .await?)
}

/// An archive, as it names itself when it sends.
#[derive(Clone, Debug)]
pub struct Sender {
    pub source: String,
    /// Its AE title; of a web server its name here.
    pub title: String,
}

/// From now on this study is expected from there.
pub async fn expect(tx: &Tx, asker: &study::Model, from: &Sender, uid: &Uid) -> Result<(), StoreError> {
    let known = prior_fetch::Entity::find()
        .filter(prior_fetch::Column::StudyId.eq(&asker.id))
        .filter(prior_fetch::Column::Source.eq(&from.source))
        .filter(prior_fetch::Column::PriorUid.eq(uid.as_str()))
        .one(tx.conn())
        .await?;
    if known.is_some() {
        return Ok(());
    }
    let row = prior_fetch::ActiveModel {
        id: Set(tx.uuid().to_string()),
        study_id: Set(asker.id.clone()),
        source: Set(from.source.clone()),
        sender: Set(from.title.clone()),
        site: Set(asker.site.clone()),
        prior_uid: Set(uid.to_string()),
        state: Set("asked".to_owned()),
        updated_at: Set(to_micros(tx.now())),
    };
    prior_fetch::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Who waits for a study that this sender brings; the study that asked first.
pub async fn asker(
    tx: &Tx,
    site: &SiteId,
    uid: &Uid,
    sender: &str,
) -> Result<Option<study::Model>, StoreError> {
    let expected = expected(site, uid)
        .filter(prior_fetch::Column::Sender.eq(sender))
        .one(tx.conn())
        .await?;
    let Some(expected) = expected else { return Ok(None) };
    let id: StudyId = expected.study_id.parse().map_err(|_| StoreError::Inconsistent {
        table: "prior_fetch",
        column: "study_id",
        id: expected.id.clone(),
    })?;
    studies::by_id(tx.conn(), id).await
}

/// Whether nothing of this study need be fetched: it came whole before, or its scanner sends it.
pub async fn is_here(conn: &impl ConnectionTrait, site: &SiteId, uid: &Uid) -> Result<bool, StoreError> {
    let Some(row) = studies::by_uid(conn, site, uid.as_str()).await? else {
        return Ok(false);
    };
    if Purpose::of(&row) == Purpose::Reading {
        return Ok(true);
    }
    let whole = expected(site, uid)
        .filter(prior_fetch::Column::State.eq(ARRIVED))
        .one(conn)
        .await?;
    Ok(whole.is_some())
}

/// All that the archive sends of this study has come.
pub async fn arrived(tx: &Tx, site: &SiteId, uid: &Uid) -> Result<(), StoreError> {
    for row in expected(site, uid).all(tx.conn()).await? {
        let mut row: prior_fetch::ActiveModel = row.into();
        row.state = Set(ARRIVED.to_owned());
        row.updated_at = Set(to_micros(tx.now()));
        row.update(tx.conn()).await?;
    }
    Ok(())
}

fn expected(site: &SiteId, uid: &Uid) -> Select<prior_fetch::Entity> {
    prior_fetch::Entity::find()
        .filter(prior_fetch::Column::PriorUid.eq(uid.as_str()))
        .filter(prior_fetch::Column::Site.eq(&site.0))
}

/// The studies that came for this one to be compared with.
pub async fn came_for(
    conn: &impl ConnectionTrait,
    asker: &study::Model,
) -> Result<Vec<study::Model>, StoreError> {
    let rows = prior_fetch::Entity::find()
        .filter(prior_fetch::Column::StudyId.eq(&asker.id))
        .all(conn)
        .await?;
    Ok(study::Entity::find()
        .filter(study::Column::Site.eq(&asker.site))
        .filter(study::Column::StudyUid.is_in(rows.into_iter().map(|row| row.prior_uid)))
        .filter(study::Column::Purpose.eq(Purpose::Comparison.text()))
        .all(conn)
        .await?)
}

/// The studies that asked for this one.
pub async fn askers(conn: &impl ConnectionTrait, prior: &study::Model) -> Result<Vec<StudyId>, StoreError> {
    let rows = prior_fetch::Entity::find()
        .filter(prior_fetch::Column::PriorUid.eq(&prior.study_uid))
        .filter(prior_fetch::Column::Site.eq(&prior.site))
        .all(conn)
        .await?;
    let mut ids: Vec<StudyId> = rows.iter().filter_map(|row| row.study_id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A study that came to be compared with, and now comes to be read: from its scanner, or by its order.
pub async fn promote(tx: &Tx, row: study::Model, because: &str) -> Result<study::Model, StoreError> {
    timeline::note(tx, studies::id_of(&row)?, "to_be_read", because).await?;
    let mut row: study::ActiveModel = row.into();
    row.purpose = Set(Purpose::Reading.text().to_owned());
    row.on_worklist = Set(true);
    studies::save(tx, row).await
}
