//! HL7 messages in and out, with the bytes as they were. An inbound message is one row however often it is sent.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, sea_query::SelectStatement,
};
use tocsin_domain::clock::{Timestamp, from_micros, to_micros};
use tocsin_domain::ids::{MessageId, SiteId, StudyId};

use super::entity::message::{self, Column, Entity};
use super::error::StoreError;
use super::page::Before;
use super::store::Tx;

/// An inbound message before it is stored.
#[derive(Clone)]
pub struct Inbound {
    pub site: SiteId,
    /// Sending application and facility.
    pub peer: String,
    pub control_id: String,
    pub sha256: String,
    /// `ORM^O01`, as MSH-9 says.
    pub kind: String,
    pub raw: Vec<u8>,
    /// The parsed event as JSON; `None` with a problem.
    pub event: Option<String>,
    pub problem: Option<String>,
    pub ack_code: String,
    pub ack: Vec<u8>,
    pub state: InboundState,
}

/// What becomes of an inbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboundState {
    /// A job will apply it.
    Received,
    Applied,
    /// Well-formed and of no use here.
    Ignored,
    /// Stored, and a person has to look.
    Failed,
}

impl InboundState {
    pub fn text(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// What storing an inbound message came to.
pub enum Intake {
    New {
        id: MessageId,
        flagged: bool,
    },
    /// The same bytes were here before; this was the answer.
    Resent {
        ack: Vec<u8>,
    },
}

pub async fn receive(tx: &Tx, inbound: Inbound) -> Result<Intake, StoreError> {
    let same_id = Entity::find()
        .filter(Column::Direction.eq("in"))
        .filter(Column::Peer.eq(&inbound.peer))
        .filter(Column::ControlId.eq(&inbound.control_id))
        .all(tx.conn())
        .await?;
    if let Some(row) = same_id.iter().find(|row| row.sha256 == inbound.sha256) {
        return Ok(Intake::Resent {
            ack: row.ack.clone().unwrap_or_default(),
        });
    }
    let flagged = !same_id.is_empty();
    let id = MessageId(tx.uuid());
    let now = to_micros(tx.now());
    let row = message::ActiveModel {
        id: Set(id.to_string()),
        site: Set(inbound.site.0),
        direction: Set("in".to_owned()),
        peer: Set(inbound.peer),
        control_id: Set(inbound.control_id),
        sha256: Set(inbound.sha256),
        kind: Set(inbound.kind),
        state: Set(inbound.state.text().to_owned()),
        ack_code: Set(Some(inbound.ack_code)),
        ack: Set(Some(inbound.ack)),
        raw: Set(inbound.raw),
        event: Set(inbound.event),
        problem: Set(inbound.problem),
        flagged: Set(flagged),
        study_id: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(Intake::New { id, flagged })
}

/// A message that is to be sent.
#[derive(Clone)]
pub struct Draft {
    pub id: MessageId,
    pub study: Option<StudyId>,
    pub site: SiteId,
    /// The destination's name in the configuration.
    pub peer: String,
    pub kind: &'static str,
    pub raw: Vec<u8>,
    pub sha256: String,
}

/// Stores a message that is to be sent.
pub async fn compose(tx: &Tx, draft: Draft) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = message::ActiveModel {
        id: Set(draft.id.to_string()),
        site: Set(draft.site.0),
        direction: Set("out".to_owned()),
        peer: Set(draft.peer),
        control_id: Set(control_id(draft.id)),
        sha256: Set(draft.sha256),
        kind: Set(draft.kind.to_owned()),
        state: Set("pending".to_owned()),
        ack_code: Set(None),
        ack: Set(None),
        raw: Set(draft.raw),
        event: Set(None),
        problem: Set(None),
        flagged: Set(false),
        study_id: Set(draft.study.map(|study| study.to_string())),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// MSH-10 of a message of ours: 20 characters, derived from its id, so that a resend repeats it.
pub fn control_id(id: MessageId) -> String {
    id.0.simple().to_string()[12..].to_owned()
}

pub async fn set_state(
    tx: &Tx,
    id: MessageId,
    state: &str,
    problem: Option<String>,
    study: Option<StudyId>,
) -> Result<(), StoreError> {
    let mut row = message::ActiveModel {
        id: Set(id.to_string()),
        state: Set(state.to_owned()),
        problem: Set(problem),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    if let Some(study) = study {
        row.study_id = Set(Some(study.to_string()));
    }
    row.update(tx.conn()).await?;
    Ok(())
}

/// Notes the other side's answer to a message of ours.
pub async fn answered(
    tx: &Tx,
    id: MessageId,
    state: &str,
    code: &str,
    ack: Vec<u8>,
) -> Result<(), StoreError> {
    let row = message::ActiveModel {
        id: Set(id.to_string()),
        state: Set(state.to_owned()),
        ack_code: Set(Some(code.to_owned())),
        ack: Set(Some(ack)),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// The message to this receiver that bears this control id.
pub async fn sent_as(
    conn: &impl ConnectionTrait,
    peer: &str,
    control_id: &str,
) -> Result<Option<message::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Direction.eq("out"))
        .filter(Column::Peer.eq(peer))
        .filter(Column::ControlId.eq(control_id))
        .one(conn)
        .await?)
}

/// When a message last came in.
pub async fn last_in(conn: &impl ConnectionTrait) -> Result<Option<Timestamp>, StoreError> {
    let last = Entity::find()
        .filter(Column::Direction.eq("in"))
        .order_by_desc(Column::CreatedAt)
        .one(conn)
        .await?;
    Ok(last.map(|row| from_micros(row.created_at)))
}

pub async fn by_id(conn: &impl ConnectionTrait, id: MessageId) -> Result<Option<message::Model>, StoreError> {
    Ok(Entity::find_by_id(id.to_string()).one(conn).await?)
}

/// The ids of studies that carry exactly this number.
fn of_studies(number: &str) -> SelectStatement {
    use super::entity::study;
    study::Entity::find()
        .select_only()
        .column(study::Column::Id)
        .filter(
            Condition::any()
                .add(study::Column::Accession.eq(number))
                .add(study::Column::StudyUid.eq(number))
                .add(study::Column::Id.eq(number)),
        )
        .into_query()
}

/// Newest first. `query` is looked for in the control id, the type, the sender and what the message said; a message is
/// also found by the accession number, the UID or our id of the study that it is about.
pub async fn search(
    conn: &impl ConnectionTrait,
    query: Option<&str>,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<message::Model>, StoreError> {
    let mut select = Entity::find()
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    if let Some(before) = before {
        select = select.filter(before.condition(Column::CreatedAt, Column::Id));
    }
    if let Some(query) = query.filter(|q| !q.is_empty()) {
        select = select.filter(
            Condition::any()
                .add(Column::ControlId.contains(query))
                .add(Column::Kind.contains(query))
                .add(Column::Peer.contains(query))
                .add(Column::Event.contains(query))
                .add(Column::StudyId.in_subquery(of_studies(query))),
        );
    }
    Ok(select.all(conn).await?)
}
