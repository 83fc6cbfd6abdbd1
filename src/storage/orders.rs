//! Imaging orders: one row per order, its record folded from every message about it.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use tocsin_domain::appointment::AppointmentEvent;
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{OrderId, SiteId};
use tocsin_domain::order::{EntityId, OrderEvent, OrderRecord, OrderState, PatientEvent};
use tocsin_domain::scheduled::{SAID_BY_WORKLIST, is_only_scheduled};

use super::document;
use super::entity::imaging_order::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

pub fn record_of(row: &imaging_order::Model) -> Result<OrderRecord, StoreError> {
    document::read(&row.record, "imaging_order", "record", &row.id)
}

pub fn state_text(state: OrderState) -> &'static str {
    match state {
        OrderState::Placed => "placed",
        OrderState::Completed => "completed",
        OrderState::Cancelled => "cancelled",
    }
}

pub async fn by_id(
    conn: &impl ConnectionTrait,
    id: &str,
) -> Result<Option<imaging_order::Model>, StoreError> {
    Ok(Entity::find_by_id(id).one(conn).await?)
}

/// Several orders, for lists.
pub async fn by_ids(
    conn: &impl ConnectionTrait,
    ids: &[String],
) -> Result<Vec<imaging_order::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Id.is_in(ids.iter().cloned()))
        .all(conn)
        .await?)
}

/// The order an event speaks of: by filler number, else placer number, else accession number.
pub async fn find(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    filler: Option<&EntityId>,
    placer: Option<&EntityId>,
    accession: Option<&str>,
) -> Result<Option<imaging_order::Model>, StoreError> {
    if let Some(filler) = filler {
        let found = Entity::find()
            .filter(Column::Site.eq(&site.0))
            .filter(Column::FillerNumber.eq(&filler.number))
            .filter(Column::FillerNamespace.eq(&filler.namespace))
            .one(conn)
            .await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    if let Some(placer) = placer {
        let found = Entity::find()
            .filter(Column::Site.eq(&site.0))
            .filter(Column::PlacerNumber.eq(&placer.number))
            .filter(Column::PlacerNamespace.eq(&placer.namespace))
            .one(conn)
            .await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let Some(accession) = accession else {
        return Ok(None);
    };
    Ok(Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::Accession.eq(accession))
        .order_by_desc(Column::UpdatedAt)
        .one(conn)
        .await?)
}

/// The order that an event is folded into. A worklist and messages may agree on the Study Instance UID alone.
pub async fn known(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    event: &OrderEvent,
) -> Result<Option<imaging_order::Model>, StoreError> {
    let (filler, placer) = (event.filler.as_ref(), event.placer.as_ref());
    let found = find(conn, site, filler, placer, event.accession.as_deref()).await?;
    let Some(uid) = event.study_uid.as_ref().filter(|_| found.is_none()) else {
        return Ok(found);
    };
    let same_study = Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::StudyUid.eq(uid.as_str()))
        .order_by_asc(Column::CreatedAt)
        .all(conn)
        .await?;
    for row in same_study {
        if event.at == SAID_BY_WORKLIST || is_only_scheduled(&record_of(&row)?) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Folds an event into its order, which it may create.
pub async fn fold(
    tx: &Tx,
    site: &SiteId,
    patient_id: Option<String>,
    event: &OrderEvent,
) -> Result<imaging_order::Model, StoreError> {
    let known = known(tx.conn(), site, event).await?;
    let now = to_micros(tx.now());
    let (record, mut row) = match known {
        Some(known) => (
            record_of(&known)?.apply(event),
            imaging_order::ActiveModel::from(known),
        ),
        None => {
            let fresh = imaging_order::ActiveModel {
                id: Set(OrderId(tx.uuid()).to_string()),
                site: Set(site.0.clone()),
                raised_from: Set(None),
                created_at: Set(now),
                ..Default::default()
            };
            (OrderRecord::first(event), fresh)
        }
    };
    let created = row.record.is_not_set();
    if patient_id.is_some() || created {
        row.patient_id = Set(patient_id);
    }
    row.accession = Set(record.accession.clone());
    row.study_uid = Set(record.study_uid.as_ref().map(ToString::to_string));
    row.placer_number = Set(record.placer.as_ref().map(|id| id.number.clone()));
    row.placer_namespace = Set(record.placer.as_ref().map(|id| id.namespace.clone()));
    row.filler_number = Set(record.filler.as_ref().map(|id| id.number.clone()));
    row.filler_namespace = Set(record.filler.as_ref().map(|id| id.namespace.clone()));
    row.state = Set(state_text(record.state).to_owned());
    row.record = Set(document::write(&record)?);
    row.updated_at = Set(now);
    if created {
        Ok(row.insert(tx.conn()).await?)
    } else {
        Ok(row.update(tx.conn()).await?)
    }
}

/// The open orders of a patient.
pub async fn open_of_patient(
    conn: &impl ConnectionTrait,
    patient: &str,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::PatientId.eq(patient))
        .filter(Column::State.eq(state_text(OrderState::Placed)))
        .all(conn)
        .await?)
}

/// Folds in what a message says of the visit; the orders that it concerns.
pub async fn visited(
    tx: &Tx,
    patient: &str,
    event: &PatientEvent,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    let mut changed = Vec::new();
    for row in open_of_patient(tx.conn(), patient).await? {
        let record = record_of(&row)?;
        if !record.belongs_to_visit(event) {
            continue;
        }
        let visited = record.clone().visited(event);
        if visited != record {
            changed.push(save(tx, row, &visited).await?);
        }
    }
    Ok(changed)
}

/// Folds an appointment into its order.
pub async fn scheduled(
    tx: &Tx,
    row: imaging_order::Model,
    event: &AppointmentEvent,
) -> Result<imaging_order::Model, StoreError> {
    let record = record_of(&row)?.scheduled(event);
    save(tx, row, &record).await
}

/// Of a record whose numbers and state are as they were.
async fn save(
    tx: &Tx,
    row: imaging_order::Model,
    record: &OrderRecord,
) -> Result<imaging_order::Model, StoreError> {
    let mut row: imaging_order::ActiveModel = row.into();
    row.record = Set(document::write(record)?);
    row.updated_at = Set(to_micros(tx.now()));
    Ok(row.update(tx.conn()).await?)
}

/// Whether the order still says what it said when another priority was asked for.
pub fn stands_as_raised(row: &imaging_order::Model, record: &OrderRecord) -> bool {
    let said = record.priority.as_deref().unwrap_or_default();
    row.raised_from.as_deref() == Some(said)
}

/// The priority that the order said when another was asked for, kept so that it can be restored.
pub async fn remember_raise(
    tx: &Tx,
    row: imaging_order::Model,
    was: Option<String>,
) -> Result<(), StoreError> {
    let mut row: imaging_order::ActiveModel = row.into();
    row.raised_from = Set(Some(was.unwrap_or_default()));
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// Orders that could belong to a study: those that name its UID, else those of its accession number.
pub async fn candidates(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    study_uid: &str,
    accession: Option<&str>,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    let by_uid = Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::StudyUid.eq(study_uid))
        .all(conn)
        .await?;
    if !by_uid.is_empty() {
        return Ok(by_uid);
    }
    let Some(accession) = accession else {
        return Ok(Vec::new());
    };
    Ok(Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::Accession.eq(accession))
        .all(conn)
        .await?)
}

/// Orders of these patient records, newest first.
pub async fn of_patients(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    patients: &[String],
    most: u64,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(Column::PatientId.is_in(patients.iter().cloned()))
        .order_by_desc(Column::CreatedAt)
        .limit(most)
        .all(conn)
        .await?)
}

/// Orders that a person may choose from: those of a patient record, and those of an accession number; newest first.
pub async fn suggested(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    patient: Option<&str>,
    accession: Option<&str>,
    limit: u64,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    let mut wanted = Condition::any();
    if let Some(patient) = patient {
        wanted = wanted.add(Column::PatientId.eq(patient));
    }
    if let Some(accession) = accession {
        wanted = wanted.add(Column::Accession.eq(accession));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    Ok(Entity::find()
        .filter(Column::Site.eq(&site.0))
        .filter(wanted)
        .order_by_desc(Column::UpdatedAt)
        .limit(limit)
        .all(conn)
        .await?)
}
