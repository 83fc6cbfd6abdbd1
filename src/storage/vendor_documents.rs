//! What products of other vendors said, each document once, with what became of it. A document that waits for its images, or
//! that names another patient, is looked at again when the study changes.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use tocsin_domain::clock::{Timestamp, from_micros, to_micros};
use tocsin_domain::ids::{ResultId, SiteId, StudyId};
use tocsin_domain::vendor::Told;

use super::document;
use super::entity::study;
use super::entity::vendor_document::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// Documents of one study that are looked at.
const MOST: u64 = 200;

/// How a document came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Report,
    Message,
}

impl Source {
    fn text(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Message => "message",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentState {
    /// For its study, or for the images of it.
    Waiting,
    /// It became a result, or took one back.
    Applied,
    /// It names another patient than the images.
    Conflict,
    /// It changes nothing, with the reason.
    Left,
}

impl DocumentState {
    pub fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Applied => "applied",
            Self::Conflict => "conflict",
            Self::Left => "left",
        }
    }
}

/// A document before it is stored.
#[derive(Clone, Debug)]
pub struct Arrived<'a> {
    pub site: &'a SiteId,
    /// By its name in the configuration.
    pub product: &'a str,
    pub source: Source,
    pub source_id: String,
    pub study: Option<StudyId>,
    pub told: &'a Told,
}

/// Keeps a document; the same one again is looked at afresh, for what is made of it may have changed.
pub async fn keep(tx: &Tx, arrived: Arrived<'_>) -> Result<vendor_document::Model, StoreError> {
    let now = to_micros(tx.now());
    let known = Entity::find()
        .filter(Column::SourceId.eq(&arrived.source_id))
        .filter(Column::Product.eq(arrived.product))
        .one(tx.conn())
        .await?;
    let waiting = DocumentState::Waiting.text().to_owned();
    if let Some(known) = known {
        let applied = known.state == DocumentState::Applied.text();
        let mut row: vendor_document::ActiveModel = known.into();
        row.told = Set(document::write(arrived.told)?);
        row.study_id = Set(arrived.study.map(|id| id.to_string()));
        if !applied {
            row.state = Set(waiting);
        }
        row.updated_at = Set(now);
        return Ok(row.update(tx.conn()).await?);
    }
    let subject = &arrived.told.study;
    let row = vendor_document::ActiveModel {
        id: Set(tx.uuid().to_string()),
        site: Set(arrived.site.0.clone()),
        product: Set(arrived.product.to_owned()),
        source: Set(arrived.source.text().to_owned()),
        source_id: Set(arrived.source_id),
        study_uid: Set(subject.study_uid.as_ref().map(ToString::to_string)),
        accession: Set(subject.accession.clone()),
        study_id: Set(arrived.study.map(|id| id.to_string())),
        told: Set(document::write(arrived.told)?),
        state: Set(waiting),
        reason: Set("its study has no images yet".to_owned()),
        result_id: Set(None),
        told_at: Set(to_micros(arrived.told.at)),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Ok(row.insert(tx.conn()).await?)
}

pub fn told_of(row: &vendor_document::Model) -> Result<Told, StoreError> {
    document::read(&row.told, "vendor_document", "told", &row.id)
}

/// What became of a document.
pub async fn settle(
    tx: &Tx,
    row: vendor_document::Model,
    study: StudyId,
    state: DocumentState,
    reason: &str,
    result: Option<ResultId>,
) -> Result<(), StoreError> {
    let mut row: vendor_document::ActiveModel = row.into();
    row.study_id = Set(Some(study.to_string()));
    row.state = Set(state.text().to_owned());
    row.reason = Set(reason.to_owned());
    if result.is_some() {
        row.result_id = Set(result.map(|id| id.to_string()));
    }
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// When the latest word of a product that counted was said.
pub async fn last_applied(
    conn: &impl ConnectionTrait,
    study: StudyId,
    product: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let row = Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .filter(Column::Product.eq(product))
        .filter(Column::State.eq(DocumentState::Applied.text()))
        .order_by_desc(Column::ToldAt)
        .one(conn)
        .await?;
    Ok(row.map(|row| from_micros(row.told_at)))
}

/// Documents that may be this study's and still wait, oldest word first.
pub async fn open_for(
    conn: &impl ConnectionTrait,
    study: &study::Model,
) -> Result<Vec<vendor_document::Model>, StoreError> {
    let mut whose = Condition::any()
        .add(Column::StudyId.eq(&study.id))
        .add(Column::StudyUid.eq(&study.study_uid));
    if let Some(accession) = study.accession.as_deref().filter(|a| !a.is_empty()) {
        let by_accession = Condition::all()
            .add(Column::StudyUid.is_null())
            .add(Column::Accession.eq(accession));
        whose = whose.add(by_accession);
    }
    let open = [DocumentState::Waiting, DocumentState::Conflict].map(DocumentState::text);
    Ok(Entity::find()
        .filter(Column::Site.eq(&study.site))
        .filter(Column::State.is_in(open))
        .filter(whose)
        .order_by_asc(Column::ToldAt)
        .order_by_asc(Column::CreatedAt)
        .limit(MOST)
        .all(conn)
        .await?)
}
