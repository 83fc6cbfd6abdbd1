//! What is owed to other systems: objects for the archive, messages for the RIS. A row stays until the other side has
//! confirmed it, refused it, or a person has cancelled it.

use schemars::JsonSchema;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{DeliveryId, MessageId, ResultId, SiteId, StudyId};
use tocsin_domain::work::Work;

use super::entity::delivery::{self, Column, Entity};
use super::error::StoreError;
use super::jobs::{self, Terms};
use super::page::Before;
use super::store::Tx;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits until a person has resolved a conflict, or until the order is known.
    Held,
    Pending,
    /// The receiver has it; what its application says comes later.
    Committed,
    Confirmed,
    /// The other side said no; sending it again unchanged would not help.
    Refused,
    Cancelled,
}

impl DeliveryState {
    pub const ALL: [Self; 6] = [
        Self::Held,
        Self::Pending,
        Self::Committed,
        Self::Confirmed,
        Self::Refused,
        Self::Cancelled,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Committed => "committed",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    PriorityChange,
    ResultMessage,
    StructuredReport,
    KeyImage,
    Rejection,
    Segmentation,
    // A subscriber is told of a result.
    FhirNotice,
    RejectionNote,
    // A result is offered to the report that is open in a session.
    FhircastUpdate,
}

impl DeliveryKind {
    pub const ALL: [Self; 9] = [
        Self::PriorityChange,
        Self::ResultMessage,
        Self::StructuredReport,
        Self::KeyImage,
        Self::Rejection,
        Self::Segmentation,
        Self::FhirNotice,
        Self::RejectionNote,
        Self::FhircastUpdate,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::PriorityChange => "priority_change",
            Self::ResultMessage => "result_message",
            Self::StructuredReport => "structured_report",
            Self::KeyImage => "key_image",
            Self::Rejection => "rejection",
            Self::Segmentation => "segmentation",
            Self::FhirNotice => "fhir_notice",
            Self::RejectionNote => "rejection_note",
            Self::FhircastUpdate => "fhircast_update",
        }
    }
}

/// Something to be owed.
#[derive(Clone, Debug)]
pub struct Owed {
    pub site: SiteId,
    pub study: StudyId,
    pub result: Option<ResultId>,
    pub kind: DeliveryKind,
    /// The name of the peer in the configuration.
    pub destination: String,
    /// One row per key, whatever is retried above.
    pub dedup_key: String,
    pub state: DeliveryState,
    /// Why it is held.
    pub words: Option<String>,
    pub detail: Option<String>,
}

/// Adds a debt, and the job that pays it unless it is held; `None` when it is owed or paid already.
pub async fn owe(tx: &Tx, owed: Owed) -> Result<Option<DeliveryId>, StoreError> {
    let known = Entity::find()
        .filter(Column::DedupKey.eq(&owed.dedup_key))
        .one(tx.conn())
        .await?;
    if known.is_some() {
        return Ok(None);
    }
    let (id, now) = (DeliveryId(tx.uuid()), to_micros(tx.now()));
    let waits = owed.state == DeliveryState::Pending;
    let terms = terms(id, &owed.destination, &owed.study.to_string());
    let row = delivery::ActiveModel {
        id: Set(id.to_string()),
        site: Set(owed.site.0),
        study_id: Set(owed.study.to_string()),
        result_id: Set(owed.result.map(|id| id.to_string())),
        dedup_key: Set(owed.dedup_key),
        kind: Set(owed.kind.text().to_owned()),
        destination: Set(owed.destination),
        state: Set(owed.state.text().to_owned()),
        attempts: Set(0),
        message_id: Set(None),
        object_uid: Set(None),
        blob_sha256: Set(None),
        detail: Set(owed.detail),
        last_error: Set(owed.words),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    if waits {
        jobs::enqueue(tx, &Work::Deliver { delivery: id }, terms).await?;
    }
    Ok(Some(id))
}

/// What one system gets about one study goes out in the order in which it was owed, so that no older word comes last.
pub(super) fn terms(id: DeliveryId, destination: &str, study: &str) -> Terms {
    Terms {
        order_key: Some(format!("deliver:{destination}:{study}")),
        ..Terms::once(format!("deliver:{id}"))
    }
}

pub async fn get(conn: &impl ConnectionTrait, id: DeliveryId) -> Result<delivery::Model, StoreError> {
    Entity::find_by_id(id.to_string())
        .one(conn)
        .await?
        .ok_or(StoreError::Missing("delivery"))
}

/// The row, locked until the transaction ends, so that two who send it again queue one job.
pub async fn lock(tx: &Tx, id: DeliveryId) -> Result<delivery::Model, StoreError> {
    Entity::find_by_id(id.to_string())
        .lock_exclusive()
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Missing("delivery"))
}

/// Whether this object was made here, for somebody.
pub async fn sent_object(conn: &impl ConnectionTrait, uid: &str) -> Result<bool, StoreError> {
    let row = Entity::find().filter(Column::ObjectUid.eq(uid)).one(conn).await?;
    Ok(row.is_some())
}

/// The delivery that sends this message.
pub async fn of_message(
    conn: &impl ConnectionTrait,
    message: &str,
) -> Result<Option<delivery::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::MessageId.eq(message))
        .one(conn)
        .await?)
}

pub fn id_of(row: &delivery::Model) -> Result<DeliveryId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "delivery",
        column: "id",
        id: row.id.clone(),
    })
}

pub fn state_of(row: &delivery::Model) -> Result<DeliveryState, StoreError> {
    DeliveryState::ALL
        .into_iter()
        .find(|state| state.text() == row.state)
        .ok_or_else(|| StoreError::Inconsistent {
            table: "delivery",
            column: "state",
            id: row.id.clone(),
        })
}

pub fn kind_of(row: &delivery::Model) -> Result<DeliveryKind, StoreError> {
    DeliveryKind::ALL
        .into_iter()
        .find(|kind| kind.text() == row.kind)
        .ok_or_else(|| StoreError::Inconsistent {
            table: "delivery",
            column: "kind",
            id: row.id.clone(),
        })
}

/// What was rendered for a delivery, fixed before its first attempt, so that every attempt sends the same bytes.
pub async fn rendered(
    tx: &Tx,
    id: DeliveryId,
    message: Option<MessageId>,
    object_uid: Option<String>,
    blob_sha256: Option<String>,
) -> Result<(), StoreError> {
    let row = delivery::ActiveModel {
        id: Set(id.to_string()),
        message_id: Set(message.map(|id| id.to_string())),
        object_uid: Set(object_uid),
        blob_sha256: Set(blob_sha256),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

pub async fn set_state(
    tx: &Tx,
    id: DeliveryId,
    state: DeliveryState,
    error: Option<String>,
) -> Result<(), StoreError> {
    let row = get(tx.conn(), id).await?;
    let attempts = row.attempts + 1;
    let mut row: delivery::ActiveModel = row.into();
    row.state = Set(state.text().to_owned());
    row.attempts = Set(attempts);
    row.last_error = Set(error);
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// The receiver's last word, come by itself and not in answer to an attempt.
pub async fn settle(
    tx: &Tx,
    id: DeliveryId,
    state: DeliveryState,
    words: Option<String>,
) -> Result<(), StoreError> {
    let row = delivery::ActiveModel {
        id: Set(id.to_string()),
        state: Set(state.text().to_owned()),
        last_error: Set(words),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// Whether a later change of priority of the same order was owed to the same receiver: an older one, sent now, would undo it.
pub async fn is_overtaken(conn: &impl ConnectionTrait, row: &delivery::Model) -> Result<bool, StoreError> {
    if kind_of(row)? != DeliveryKind::PriorityChange {
        return Ok(false);
    }
    let study = row
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the delivery"))?;
    let place = |key: &str| {
        key.rsplit(':')
            .next()
            .and_then(|number| number.parse::<u64>().ok())
    };
    let own = place(&row.dedup_key);
    Ok(of_study(conn, study).await?.iter().any(|other| {
        other.kind == row.kind && other.destination == row.destination && place(&other.dedup_key) > own
    }))
}

pub async fn of_study(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<delivery::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .order_by_asc(Column::CreatedAt)
        .all(conn)
        .await?)
}

/// Deliveries in a state, newest first.
pub async fn in_state(
    conn: &impl ConnectionTrait,
    state: Option<DeliveryState>,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<delivery::Model>, StoreError> {
    let mut select = Entity::find()
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    if let Some(state) = state {
        select = select.filter(Column::State.eq(state.text()));
    }
    if let Some(before) = before {
        select = select.filter(before.condition(Column::CreatedAt, Column::Id));
    }
    Ok(select.all(conn).await?)
}

/// A message that was written before the order was sure is written anew, for the order that the study has now.
pub async fn forget_message(tx: &Tx, id: DeliveryId) -> Result<(), StoreError> {
    let mut row: delivery::ActiveModel = get(tx.conn(), id).await?.into();
    row.message_id = Set(None);
    row.update(tx.conn()).await?;
    Ok(())
}

/// Waits to be sent again; its attempts go on counting.
pub async fn reopen(tx: &Tx, id: DeliveryId) -> Result<(), StoreError> {
    let row = delivery::ActiveModel {
        id: Set(id.to_string()),
        state: Set(DeliveryState::Pending.text().to_owned()),
        last_error: Set(None),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}
