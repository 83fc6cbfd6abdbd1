//! Associations that peers opened, and those that were turned away: who, when, what came of it, and by which studies one is
//! found. Those that were turned away alike within a while are one row, so that a stranger who keeps knocking fills no disk.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use tocsin_domain::clock::to_micros;

use super::entity::association::{self, Column, Entity};
use super::entity::association_key;
use super::error::StoreError;
use super::page::Before;
use super::store::Tx;
use super::terms::{ASSOCIATIONS, Found};

/// How long they are kept.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Those turned away alike within this time are one row.
const ALIKE: TimeDelta = TimeDelta::minutes(10);
/// Kinds of strangers that are told apart; of more, the log knows.
const MAX_REJECTED: u64 = 10_000;
/// Studies of one association by which it is found.
const MAX_KEYS: usize = 64;

/// What came of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Released,
    /// By an abort, a lost connection or a time limit.
    Broken,
    /// Turned away.
    Rejected,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Released, Self::Broken, Self::Rejected];

    pub fn text(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Broken => "broken",
            Self::Rejected => "rejected",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Ended {
    pub id: String,
    pub calling_ae: String,
    pub called_ae: String,
    /// The address it came from.
    pub peer: String,
    pub outcome: Outcome,
    /// Why it was turned away or broke.
    pub reason: Option<String>,
    /// Instances.
    pub stored: u64,
    pub refused: u64,
    /// UIDs and accession numbers of studies of which it brought instances.
    pub studies: BTreeSet<String>,
}

/// Keeps how an association ended.
pub async fn ended(tx: &Tx, ended: Ended) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let mut keys: BTreeSet<String> = [&ended.calling_ae, &ended.called_ae, &ended.peer]
        .into_iter()
        .map(|text| text.trim().to_uppercase())
        .filter(|text| !text.is_empty())
        .collect();
    keys.extend(
        ended
            .studies
            .into_iter()
            .take(MAX_KEYS)
            .map(|key| key.to_uppercase()),
    );
    let row = association::ActiveModel {
        id: Set(ended.id.clone()),
        calling_ae: Set(ended.calling_ae),
        called_ae: Set(ended.called_ae),
        peer: Set(ended.peer),
        outcome: Set(ended.outcome.text().to_owned()),
        reason: Set(ended.reason),
        stored: Set(i64::try_from(ended.stored).unwrap_or(i64::MAX)),
        refused: Set(i64::try_from(ended.refused).unwrap_or(i64::MAX)),
        times: Set(1),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    let rows = keys.into_iter().map(|term| association_key::ActiveModel {
        term: Set(term),
        created_at: Set(now),
        association_id: Set(ended.id.clone()),
    });
    association_key::Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Keeps that one was turned away; one like it a moment ago is counted up instead.
pub async fn rejected(tx: &Tx, rejected: Ended) -> Result<(), StoreError> {
    let alike = Entity::find()
        .filter(Column::Outcome.eq(Outcome::Rejected.text()))
        .filter(Column::CreatedAt.gte(to_micros(tx.now() - ALIKE)))
        .filter(Column::Peer.eq(&rejected.peer))
        .filter(Column::CallingAe.eq(&rejected.calling_ae))
        .filter(Column::CalledAe.eq(&rejected.called_ae))
        .filter(Column::Reason.eq(rejected.reason.clone()))
        .one(tx.conn())
        .await?;
    if let Some(row) = alike {
        let times = row.times.saturating_add(1);
        let mut row: association::ActiveModel = row.into();
        row.times = Set(times);
        row.update(tx.conn()).await?;
        return Ok(());
    }
    let all = Entity::find().filter(Column::Outcome.eq(Outcome::Rejected.text()));
    match all.count(tx.conn()).await? < MAX_REJECTED {
        true => ended(tx, rejected).await,
        false => Ok(()),
    }
}

/// Newest first.
pub async fn search(
    conn: &impl ConnectionTrait,
    query: &str,
    outcome: Option<&str>,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<association::Model>, StoreError> {
    let terms = match ASSOCIATIONS.find(conn, query).await? {
        Found::All => Condition::all(),
        Found::Among { ids, common } => having(&common).add(Column::Id.is_in(ids)),
        Found::Common(terms) => having(&terms),
    };
    let select = Entity::find()
        .filter(terms)
        .apply_if(outcome, |select, outcome| {
            select.filter(Column::Outcome.eq(outcome))
        })
        .apply_if(before, |select, before| {
            select.filter(before.condition(Column::CreatedAt, Column::Id))
        })
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    Ok(select.all(conn).await?)
}

fn having(terms: &[String]) -> Condition {
    terms.iter().fold(Condition::all(), |all, term| {
        all.add(ASSOCIATIONS.has(term, Entity, Column::Id))
    })
}

/// Forgets what is older than anybody asks for.
pub async fn purge(tx: &Tx) -> Result<(), StoreError> {
    let before = to_micros(tx.now() - KEPT);
    association_key::Entity::delete_many()
        .filter(association_key::Column::CreatedAt.lt(before))
        .exec(tx.conn())
        .await?;
    Entity::delete_many()
        .filter(Column::CreatedAt.lt(before))
        .exec(tx.conn())
        .await?;
    Ok(())
}
