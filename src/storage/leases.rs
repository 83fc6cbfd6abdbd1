//! Jobs in the hands of workers. A lease is a token that every later write names; a worker whose lease went to another can
//! change nothing any more. Runs the same on SQLite and PostgreSQL.

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, Statement};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::work::{Lane, Work, pause_after_deaths};

use super::document;
use super::entity::job;
use super::error::StoreError;
use super::jobs::{DEAD, DONE, LEASED, READY};
use super::store::{Store, Tx};

/// A job that this worker holds.
#[derive(Clone, Debug)]
pub struct Lease {
    pub seq: i64,
    pub token: i64,
    pub lane: Lane,
    pub work: Work,
    /// This attempt included; those that ended with their process are not counted here.
    pub attempts: i64,
    /// How often its process died under it.
    pub deaths: i64,
    pub queued_at: i64,
}

/// Takes up to `limit` jobs of a lane that are due, or whose holder has fallen silent. The latter are still in state 1,
/// which is what tells a death from an attempt.
pub async fn claim(store: &Store, lane: Lane, owner: &str, limit: i64) -> Result<Vec<Lease>, StoreError> {
    let owner = owner.to_owned();
    store
        .write(move |tx| Box::pin(async move { claim_in(tx, lane, owner, limit).await }))
        .await
}

/// Two statements, each along an index: one for both would sort all that waits before it takes the first, and a backlog
/// would slow down what works it off.
async fn claim_in(tx: &Tx, lane: Lane, owner: String, limit: i64) -> Result<Vec<Lease>, StoreError> {
    let mut leases = Vec::new();
    for due in [Due::HolderSilent, Due::Ready] {
        let left = limit - i64::try_from(leases.len()).unwrap_or(limit);
        if left > 0 {
            leases.extend(take(tx, lane, due, &owner, left).await?);
        }
    }
    leases.sort_by_key(|lease| lease.seq);
    Ok(leases)
}

/// What a job is taken for.
#[derive(Clone, Copy)]
enum Due {
    /// Its time has come.
    Ready,
    /// Whoever held it renews its lease no more.
    HolderSilent,
}

impl Due {
    /// The condition on a row `j`; `$4` is now.
    fn sql(self) -> &'static str {
        match self {
            Self::Ready => "j.state = 0 AND j.run_at <= $4",
            Self::HolderSilent => "j.state = 1 AND j.lease_until < $4",
        }
    }
}

async fn take(tx: &Tx, lane: Lane, due: Due, owner: &str, limit: i64) -> Result<Vec<Lease>, StoreError> {
    // PostgreSQL's workers step over one another's rows; SQLite has one writer and no such clause.
    let skip = match tx.backend() {
        sea_orm::DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
        _ => "",
    };
    // What is only compared with waits while anything of the lane before it waits or runs.
    let gives_way = match lane.yields_to() {
        Some(first) => format!(
            "AND NOT EXISTS (SELECT 1 FROM job u WHERE u.lane = {} \
               AND (u.state = 1 OR (u.state = 0 AND u.run_at <= $4)))",
            first.number()
        ),
        None => String::new(),
    };
    let due = due.sql();
    let sql = format!(
        "UPDATE job SET state = 1, lease_token = lease_token + 1, lease_owner = $1, lease_until = $2, \
         attempts = attempts + 1 - state, deaths = deaths + state, dedup_key = NULL \
         WHERE seq IN (SELECT j.seq FROM job j WHERE j.lane = $3 AND {due} \
           AND (j.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM job e \
             WHERE e.order_key = j.order_key AND e.seq < j.seq AND e.state IN (0, 1))) \
           {gives_way} \
           ORDER BY j.run_at, j.seq LIMIT $5 {skip}) \
         RETURNING seq, lease_token, payload, attempts, deaths, created_at"
    );
    let until = to_micros(tx.now() + TimeDelta::seconds(lane.lease_seconds()));
    let values = [
        owner.into(),
        until.into(),
        lane.number().into(),
        to_micros(tx.now()).into(),
        limit.into(),
    ];
    let rows = tx
        .conn()
        .query_all_raw(Statement::from_sql_and_values(tx.backend(), sql, values))
        .await?;
    rows.iter().map(|row| lease_of(row, lane)).collect()
}

fn lease_of(row: &QueryResult, lane: Lane) -> Result<Lease, StoreError> {
    let seq: i64 = row.try_get("", "seq")?;
    let payload: String = row.try_get("", "payload")?;
    let work = document::read(&payload, "job", "payload", &seq.to_string())?;
    Ok(Lease {
        seq,
        token: row.try_get("", "lease_token")?,
        lane,
        work,
        attempts: row.try_get("", "attempts")?,
        deaths: row.try_get("", "deaths")?,
        queued_at: row.try_get("", "created_at")?,
    })
}

/// Confirms inside a transaction that the job is still ours; otherwise the whole transaction is undone.
pub async fn fence(tx: &Tx, lease: &Lease) -> Result<(), StoreError> {
    let until = to_micros(tx.now() + TimeDelta::seconds(lease.lane.lease_seconds()));
    change(tx, lease, |update| {
        update.col_expr(job::Column::LeaseUntil, Expr::value(until))
    })
    .await
}

/// The job is done; part of the transaction that holds its effects.
pub async fn complete(tx: &Tx, lease: &Lease) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    // A later job of the same key may have waited for this one.
    tx.wake(lease.lane);
    change(tx, lease, |update| {
        update
            .col_expr(job::Column::State, Expr::value(DONE))
            .col_expr(job::Column::DoneAt, Expr::value(now))
            .col_expr(job::Column::LeaseUntil, Expr::value(Option::<i64>::None))
    })
    .await
}

/// Puts the job back for later, with what went wrong.
pub async fn retry(tx: &Tx, lease: &Lease, at: Timestamp, error: &str) -> Result<(), StoreError> {
    let (at, error) = (to_micros(at), bounded(error));
    change(tx, lease, |update| {
        update
            .col_expr(job::Column::State, Expr::value(READY))
            .col_expr(job::Column::RunAt, Expr::value(at))
            .col_expr(job::Column::LastError, Expr::value(error))
    })
    .await
}

/// Gives a job up; it stays for a person to see.
pub async fn bury(tx: &Tx, lease: &Lease, error: &str) -> Result<(), StoreError> {
    let (now, error) = (to_micros(tx.now()), bounded(error));
    tx.wake(lease.lane);
    change(tx, lease, |update| {
        update
            .col_expr(job::Column::State, Expr::value(DEAD))
            .col_expr(job::Column::DoneAt, Expr::value(now))
            .col_expr(job::Column::LastError, Expr::value(error))
    })
    .await
}

/// Hands a job back untouched, when this process stops.
pub async fn release(tx: &Tx, lease: &Lease) -> Result<(), StoreError> {
    tx.wake(lease.lane);
    change(tx, lease, |update| {
        update
            .col_expr(job::Column::State, Expr::value(READY))
            .col_expr(job::Column::Attempts, Expr::cust("attempts - 1"))
    })
    .await
}

async fn change(
    tx: &Tx,
    lease: &Lease,
    set: impl FnOnce(sea_orm::UpdateMany<job::Entity>) -> sea_orm::UpdateMany<job::Entity>,
) -> Result<(), StoreError> {
    let changed = set(job::Entity::update_many())
        .filter(job::Column::Seq.eq(lease.seq))
        .filter(job::Column::LeaseToken.eq(lease.token))
        .filter(job::Column::State.eq(LEASED))
        .exec(tx.conn())
        .await?;
    if changed.rows_affected == 1 {
        Ok(())
    } else {
        Err(StoreError::Fenced)
    }
}

fn bounded(error: &str) -> String {
    error.chars().take(500).collect()
}

/// After a start: what a dead process of this node held is free at once; a run of a model that has died with the process
/// before waits a little.
pub async fn free_leases_of(store: &Store, owner_prefix: &str) -> Result<u64, StoreError> {
    let pattern = format!("{owner_prefix}%");
    store
        .write(move |tx| Box::pin(async move { free_leases(tx, &pattern).await }))
        .await
}

async fn free_leases(tx: &Tx, pattern: &str) -> Result<u64, StoreError> {
    let held = job::Entity::find()
        .filter(job::Column::State.eq(LEASED))
        .filter(job::Column::LeaseOwner.like(pattern))
        .all(tx.conn())
        .await?;
    for row in &held {
        let runs_model = |lane: &Lane| lane.runs_models() && lane.number() == row.lane;
        let pause = match Lane::ALL.iter().any(runs_model) {
            true => pause_after_deaths(row.deaths),
            false => TimeDelta::zero(),
        };
        job::Entity::update_many()
            .col_expr(job::Column::State, Expr::value(READY))
            .col_expr(job::Column::Attempts, Expr::value(row.attempts - 1))
            .col_expr(job::Column::Deaths, Expr::value(row.deaths + 1))
            .col_expr(job::Column::RunAt, Expr::value(to_micros(tx.now() + pause)))
            .filter(job::Column::Seq.eq(row.seq))
            .filter(job::Column::LeaseToken.eq(row.lease_token))
            .exec(tx.conn())
            .await?;
    }
    Ok(u64::try_from(held.len()).unwrap_or(u64::MAX))
}
