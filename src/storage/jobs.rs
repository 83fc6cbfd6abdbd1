//! The job table: transactional to fill, leased to work on. A lease is a token that every later write names; a worker
//! whose lease went to another can change nothing any more. Runs the same on SQLite and PostgreSQL.

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryResult,
    Statement,
};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::work::{Lane, Work, pause_after_deaths};

use super::entity::job;
use super::error::StoreError;
use super::store::{Store, Tx};

/// States of a job row.
pub const READY: i16 = 0;
pub const LEASED: i16 = 1;
pub const DONE: i16 = 2;
pub const DEAD: i16 = 3;

/// How a job is queued.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Jobs of one key run one after another, in the order they were queued.
    pub order_key: Option<String>,
    /// At most one waiting job of this key; queueing a second brings the first forward if that is earlier.
    pub dedup_key: Option<String>,
    /// Not before; `None` is now.
    pub run_at: Option<Timestamp>,
}

impl Terms {
    pub fn now() -> Self {
        Self::default()
    }

    pub fn once(dedup_key: String) -> Self {
        Self {
            dedup_key: Some(dedup_key),
            ..Self::default()
        }
    }

    /// Looks at a study's instances again. One at a time, or what an older look saw could be saved over what a newer one did.
    pub fn assembly(study: StudyId) -> Self {
        let key = format!("assemble:{study}");
        Self {
            order_key: Some(key.clone()),
            ..Self::once(key)
        }
    }

    /// Runs the rules over a study again.
    pub fn triage(study: StudyId) -> Self {
        Self::once(format!("triage:{study}"))
    }

    pub fn at(mut self, run_at: Timestamp) -> Self {
        self.run_at = Some(run_at);
        self
    }
}

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

/// Queues a job; it exists if and only if the transaction commits.
pub async fn enqueue(tx: &Tx, work: &Work, terms: Terms) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let run_at = terms.run_at.map_or(now, to_micros);
    let row = job::ActiveModel {
        lane: Set(work.lane().number()),
        kind: Set(work.kind().to_owned()),
        order_key: Set(terms.order_key),
        dedup_key: Set(terms.dedup_key),
        payload: Set(
            serde_json::to_string(work).map_err(|_| StoreError::Refused("a job that is no JSON".into()))?
        ),
        state: Set(READY),
        run_at: Set(run_at),
        lease_until: Set(None),
        lease_token: Set(0),
        lease_owner: Set(None),
        attempts: Set(0),
        deaths: Set(0),
        last_error: Set(None),
        created_at: Set(now),
        done_at: Set(None),
        ..Default::default()
    };
    let earlier = OnConflict::column(job::Column::DedupKey)
        .value(
            job::Column::RunAt,
            Expr::cust("CASE WHEN job.run_at > excluded.run_at THEN excluded.run_at ELSE job.run_at END"),
        )
        .to_owned();
    job::Entity::insert(row)
        .on_conflict(earlier)
        .exec_without_returning(tx.conn())
        .await?;
    if run_at <= now {
        tx.wake(work.lane());
    }
    Ok(())
}

/// What became of a wish to have a job run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeued {
    Queued,
    /// One waited already, for a later moment; it is due now.
    BroughtForward,
    /// One runs at this moment; a second would do the same at the same time.
    Running,
}

/// Has this work done now, by one job at most. Whoever calls holds a lock on the row that the work is about.
pub async fn requeue(tx: &Tx, work: &Work, terms: Terms) -> Result<Requeued, StoreError> {
    let payload =
        serde_json::to_string(work).map_err(|_| StoreError::Refused("a job that is no JSON".into()))?;
    let forward = job::Entity::update_many()
        .col_expr(job::Column::RunAt, Expr::value(to_micros(tx.now())))
        .filter(job::Column::Kind.eq(work.kind()))
        .filter(job::Column::Payload.eq(&payload))
        .filter(job::Column::State.eq(READY))
        .exec(tx.conn())
        .await?;
    if forward.rows_affected > 0 {
        tx.wake(work.lane());
        return Ok(Requeued::BroughtForward);
    }
    let running = job::Entity::find()
        .filter(job::Column::Kind.eq(work.kind()))
        .filter(job::Column::Payload.eq(&payload))
        .filter(job::Column::State.eq(LEASED))
        .count(tx.conn())
        .await?;
    if running > 0 {
        return Ok(Requeued::Running);
    }
    enqueue(tx, work, terms).await?;
    Ok(Requeued::Queued)
}

/// Takes up to `limit` jobs of a lane that are due, or whose holder has fallen silent. The latter are still in state 1,
/// which is what tells a death from an attempt.
pub async fn claim(store: &Store, lane: Lane, owner: &str, limit: i64) -> Result<Vec<Lease>, StoreError> {
    let owner = owner.to_owned();
    store
        .write(move |tx| Box::pin(async move { claim_in(tx, lane, owner, limit).await }))
        .await
}

async fn claim_in(tx: &Tx, lane: Lane, owner: String, limit: i64) -> Result<Vec<Lease>, StoreError> {
    // PostgreSQL's workers step over one another's rows; SQLite has one writer and no such clause.
    let skip = match tx.backend() {
        sea_orm::DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
        _ => "",
    };
    let sql = format!(
        "UPDATE job SET state = 1, lease_token = lease_token + 1, lease_owner = $1, lease_until = $2, \
         attempts = attempts + 1 - state, deaths = deaths + state, dedup_key = NULL \
         WHERE seq IN (SELECT j.seq FROM job j WHERE j.lane = $3 \
           AND ((j.state = 0 AND j.run_at <= $4) OR (j.state = 1 AND j.lease_until < $4)) \
           AND (j.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM job e \
             WHERE e.order_key = j.order_key AND e.seq < j.seq AND e.state IN (0, 1))) \
           ORDER BY j.run_at, j.seq LIMIT $5 {skip}) \
         RETURNING seq, lease_token, payload, attempts, deaths, created_at"
    );
    let now = to_micros(tx.now());
    let until = to_micros(tx.now() + TimeDelta::seconds(lane.lease_seconds()));
    let values = [
        owner.into(),
        until.into(),
        lane.number().into(),
        now.into(),
        limit.into(),
    ];
    let rows = tx
        .conn()
        .query_all_raw(Statement::from_sql_and_values(tx.backend(), sql, values))
        .await?;
    let mut leases = Vec::with_capacity(rows.len());
    for row in rows {
        leases.push(lease_of(&row, lane)?);
    }
    leases.sort_by_key(|lease| lease.seq);
    Ok(leases)
}

fn lease_of(row: &QueryResult, lane: Lane) -> Result<Lease, StoreError> {
    let seq: i64 = row.try_get("", "seq")?;
    let payload: String = row.try_get("", "payload")?;
    let work = serde_json::from_str(&payload).map_err(|_| StoreError::Inconsistent {
        table: "job",
        column: "payload",
        id: seq.to_string(),
    })?;
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
        let pause = match row.lane == Lane::Inference.number() {
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

/// Removes what was done before `before`, so that the table that workers search stays small.
pub async fn purge_done(tx: &Tx, before: Timestamp) -> Result<u64, StoreError> {
    let gone = job::Entity::delete_many()
        .filter(job::Column::State.eq(DONE))
        .filter(job::Column::DoneAt.lt(to_micros(before)))
        .exec(tx.conn())
        .await?;
    Ok(gone.rows_affected)
}

/// Jobs of a lane in a state, for metrics and for waiting until all is quiet.
pub async fn count(store: &Store, lane: Lane, state: i16) -> Result<u64, StoreError> {
    Ok(job::Entity::find()
        .filter(job::Column::Lane.eq(lane.number()))
        .filter(job::Column::State.eq(state))
        .count(store.read())
        .await?)
}

/// When the longest overdue job of a lane was due; the measure of whether the lane moves.
pub async fn oldest_due(store: &Store, lane: Lane) -> Result<Option<i64>, StoreError> {
    use sea_orm::{QueryOrder, QuerySelect};
    let now = to_micros(store.now());
    Ok(job::Entity::find()
        .select_only()
        .column(job::Column::RunAt)
        .filter(job::Column::Lane.eq(lane.number()))
        .filter(job::Column::State.eq(READY))
        .filter(job::Column::RunAt.lte(now))
        .order_by_asc(job::Column::RunAt)
        .into_tuple::<i64>()
        .one(store.read())
        .await?)
}
