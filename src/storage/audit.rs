//! The audit log: an entry is sealed to the one before it in the transaction of what it records.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::audit::{self, Broken, Entry, Event, Head, Verifier};

use super::entity::{audit_entry, audit_head};
use super::error::StoreError;
use super::store::{Store, Tx};

/// The only row of `audit_head`.
const HEAD: i16 = 1;
/// Entries read at a time when the chain is verified.
const PAGE: u64 = 2_000;

/// Writes an entry. The head is locked until the transaction ends, so that entries are sealed one after another.
pub async fn record(tx: &Tx, event: Event) -> Result<i64, StoreError> {
    let row = audit_head::Entity::find_by_id(HEAD)
        .lock_exclusive()
        .one(tx.conn())
        .await?;
    let is_first = row.is_none();
    let head = row.map_or_else(Head::empty, |row| Head {
        seq: row.seq,
        hash: row.hash,
    });
    let entry = audit::seal(tx.audit_key(), &head, tx.now(), event);
    let next = audit_head::ActiveModel {
        id: Set(HEAD),
        seq: Set(entry.seq),
        hash: Set(entry.hash.clone()),
    };
    if is_first {
        audit_head::Entity::insert(next)
            .exec_without_returning(tx.conn())
            .await?;
    } else {
        next.update(tx.conn()).await?;
    }
    let seq = entry.seq;
    audit_entry::Entity::insert(active(entry))
        .exec_without_returning(tx.conn())
        .await?;
    Ok(seq)
}

/// What a walk over the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Whole { entries: i64 },
    Broken(Broken),
}

/// Walks the whole chain from its first entry to its head.
pub async fn verify(store: &Store) -> Result<Verdict, StoreError> {
    let conn = store.read();
    let mut verifier = Verifier::new(store.audit_key());
    let stored = head(conn).await?;
    let mut after = 0;
    loop {
        // Entries written since the head was read belong to the next walk.
        let page = audit_entry::Entity::find()
            .filter(audit_entry::Column::Seq.gt(after))
            .filter(audit_entry::Column::Seq.lte(stored.seq))
            .order_by_asc(audit_entry::Column::Seq)
            .limit(PAGE)
            .all(conn)
            .await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            after = row.seq;
            if let Err(broken) = verifier.take(&entry(row)) {
                return Ok(Verdict::Broken(broken));
            }
        }
    }
    Ok(match verifier.finish(&stored) {
        Ok(head) => Verdict::Whole { entries: head.seq },
        Err(broken) => Verdict::Broken(broken),
    })
}

pub async fn head(conn: &impl ConnectionTrait) -> Result<Head, StoreError> {
    let row = audit_head::Entity::find_by_id(HEAD).one(conn).await?;
    Ok(row.map_or_else(Head::empty, |row| Head {
        seq: row.seq,
        hash: row.hash,
    }))
}

/// Entries newest first.
pub async fn list(
    conn: &impl ConnectionTrait,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<audit_entry::Model>, StoreError> {
    let mut select = audit_entry::Entity::find()
        .order_by_desc(audit_entry::Column::Seq)
        .limit(limit);
    if let Some(before) = before {
        select = select.filter(audit_entry::Column::Seq.lt(before));
    }
    Ok(select.all(conn).await?)
}

fn active(entry: Entry) -> audit_entry::ActiveModel {
    audit_entry::ActiveModel {
        seq: Set(entry.seq),
        at: Set(entry.at),
        actor: Set(entry.actor),
        actor_kind: Set(entry.actor_kind),
        action: Set(entry.action),
        object: Set(entry.object),
        site: Set(entry.site),
        outcome: Set(entry.outcome),
        request_id: Set(entry.request_id),
        detail: Set(entry.detail),
        prev_hash: Set(entry.prev_hash),
        hash: Set(entry.hash),
    }
}

fn entry(row: audit_entry::Model) -> Entry {
    Entry {
        seq: row.seq,
        at: row.at,
        actor: row.actor,
        actor_kind: row.actor_kind,
        action: row.action,
        object: row.object,
        site: row.site,
        outcome: row.outcome,
        request_id: row.request_id,
        detail: row.detail,
        prev_hash: row.prev_hash,
        hash: row.hash,
    }
}
