//! HL7 messages in and out, with the bytes as they were. An inbound message is one row however often it is sent.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::clock::{Timestamp, from_micros, to_micros};
use tocsin_domain::ids::{MessageId, SiteId, StudyId};

use super::entity::message::{self, Column, Entity};
use super::entity::{message_key, study};
use super::error::StoreError;
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
    /// By what it is found, in capitals; its type and sender are added.
    pub keys: BTreeSet<String>,
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

/// Stores messages in this order, with few statements for all of them; says of each what it came to.
pub async fn receive_all(tx: &Tx, all: Vec<Inbound>) -> Result<Vec<Intake>, StoreError> {
    let mut known = known(tx, &all).await?;
    let now = to_micros(tx.now());
    let (mut intakes, mut rows, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    // Lists show the newest first: those of one moment follow one another by a microsecond.
    for (now, mut inbound) in (now..).zip(all) {
        let same_id = known
            .entry((inbound.peer.clone(), inbound.control_id.clone()))
            .or_default();
        if let Some(first) = same_id.iter().find(|first| first.sha256 == inbound.sha256) {
            let ack = first.ack.clone();
            intakes.push(Intake::Resent { ack });
            continue;
        }
        let flagged = !same_id.is_empty();
        same_id.push(First {
            sha256: inbound.sha256.clone(),
            ack: inbound.ack.clone(),
        });
        let id = MessageId(tx.uuid());
        inbound.keys.extend(named(&inbound.kind, &inbound.peer));
        keys.extend(key_rows(&id.to_string(), now, std::mem::take(&mut inbound.keys)));
        rows.push(inbound_row(id, inbound, flagged, now));
        intakes.push(Intake::New { id, flagged });
    }
    if !rows.is_empty() {
        Entity::insert_many(rows)
            .exec_without_returning(tx.conn())
            .await?;
    }
    insert_keys(tx, keys).await?;
    Ok(intakes)
}

/// A message that was stored under a control id.
struct First {
    sha256: String,
    ack: Vec<u8>,
}

/// What is stored under these senders' control ids.
async fn known(tx: &Tx, all: &[Inbound]) -> Result<HashMap<(String, String), Vec<First>>, StoreError> {
    let peers: BTreeSet<&str> = all.iter().map(|inbound| inbound.peer.as_str()).collect();
    let control_ids: BTreeSet<&str> = all.iter().map(|inbound| inbound.control_id.as_str()).collect();
    let rows: Vec<(String, String, String, Option<Vec<u8>>)> = Entity::find()
        .select_only()
        .columns([Column::Peer, Column::ControlId, Column::Sha256, Column::Ack])
        .filter(Column::Direction.eq("in"))
        .filter(Column::Peer.is_in(peers))
        .filter(Column::ControlId.is_in(control_ids))
        // What a person has edited has answered nobody.
        .filter(Column::Ack.is_not_null())
        .into_tuple()
        .all(tx.conn())
        .await?;
    let mut known = HashMap::<_, Vec<First>>::new();
    for (peer, control_id, sha256, ack) in rows {
        let ack = ack.unwrap_or_default();
        known
            .entry((peer, control_id))
            .or_default()
            .push(First { sha256, ack });
    }
    Ok(known)
}

/// An inbound message that a person has made of another. It is applied as if its sender had sent it; nobody is answered.
pub async fn amend(tx: &Tx, mut inbound: Inbound) -> Result<MessageId, StoreError> {
    let (id, now) = (MessageId(tx.uuid()), to_micros(tx.now()));
    let mut keys = std::mem::take(&mut inbound.keys);
    keys.extend(named(&inbound.kind, &inbound.peer));
    let row = message::ActiveModel {
        ack_code: Set(None),
        ack: Set(None),
        ..inbound_row(id, inbound, false, now)
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    add_keys(tx, &id.to_string(), now, keys).await?;
    Ok(id)
}

fn inbound_row(id: MessageId, inbound: Inbound, flagged: bool, now: i64) -> message::ActiveModel {
    message::ActiveModel {
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
    }
}

/// A message that is to be sent.
#[derive(Clone)]
pub struct Draft {
    pub id: MessageId,
    pub study: Option<StudyId>,
    pub site: SiteId,
    /// The destination's name in the configuration.
    pub peer: String,
    pub kind: String,
    pub raw: Vec<u8>,
    pub sha256: String,
    /// By what it is found, in capitals; its type, destination and study are added.
    pub keys: BTreeSet<String>,
}

/// Stores a message that is to be sent.
pub async fn compose(tx: &Tx, draft: Draft) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let mut keys = draft.keys;
    keys.extend(named(&draft.kind, &draft.peer));
    if let Some(study) = draft.study {
        keys.extend(of_study(tx, study).await?);
    }
    let row = message::ActiveModel {
        id: Set(draft.id.to_string()),
        site: Set(draft.site.0),
        direction: Set("out".to_owned()),
        peer: Set(draft.peer),
        control_id: Set(control_id(draft.id)),
        sha256: Set(draft.sha256),
        kind: Set(draft.kind),
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
    add_keys(tx, &draft.id.to_string(), now, keys).await
}

/// Type and peer, the latter also by its parts.
fn named(kind: &str, peer: &str) -> Vec<String> {
    let parts = peer.split('|').chain([peer, kind]);
    let parts = parts.map(|part| part.trim().to_uppercase());
    parts.filter(|part| !part.is_empty()).collect()
}

/// A message about a study is found by the study's numbers, though it may not name them.
async fn of_study(tx: &Tx, id: StudyId) -> Result<Vec<String>, StoreError> {
    let row = study::Entity::find_by_id(id.to_string()).one(tx.conn()).await?;
    let mut keys = vec![id.to_string().to_uppercase()];
    if let Some(row) = row {
        keys.push(row.study_uid);
        keys.extend(row.accession.map(|number| number.to_uppercase()));
    }
    Ok(keys)
}

async fn add_keys(tx: &Tx, id: &str, created_at: i64, keys: BTreeSet<String>) -> Result<(), StoreError> {
    insert_keys(tx, key_rows(id, created_at, keys).collect()).await
}

fn key_rows(
    id: &str,
    created_at: i64,
    keys: BTreeSet<String>,
) -> impl Iterator<Item = message_key::ActiveModel> {
    keys.into_iter().map(move |term| message_key::ActiveModel {
        term: Set(term),
        created_at: Set(created_at),
        message_id: Set(id.to_owned()),
    })
}

async fn insert_keys(tx: &Tx, rows: Vec<message_key::ActiveModel>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    message_key::Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
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
    let row = row.update(tx.conn()).await?;
    match study {
        Some(study) => {
            let keys = of_study(tx, study).await?.into_iter().collect();
            add_keys(tx, &row.id, row.created_at, keys).await
        }
        None => Ok(()),
    }
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
