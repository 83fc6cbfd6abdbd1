//! The job table as those who need work done see it: filled in the transaction that makes the work needed, at most one
//! waiting job of a key. Runs the same on SQLite and PostgreSQL.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::work::{Lane, Work};

use super::document;
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

/// Queues a job; it exists if and only if the transaction commits.
pub async fn enqueue(tx: &Tx, work: &Work, terms: Terms) -> Result<(), StoreError> {
    enqueue_all(tx, vec![(work.clone(), terms)]).await
}

/// Queues jobs in this order, of which no two have the same dedup key.
pub async fn enqueue_all(tx: &Tx, jobs: Vec<(Work, Terms)>) -> Result<(), StoreError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let now = to_micros(tx.now());
    let mut rows = Vec::with_capacity(jobs.len());
    for (work, terms) in jobs {
        let run_at = terms.run_at.map_or(now, to_micros);
        if run_at <= now {
            tx.wake(work.lane());
        }
        rows.push(row_of(&work, terms, run_at, now)?);
    }
    let earlier = OnConflict::column(job::Column::DedupKey)
        .value(
            job::Column::RunAt,
            Expr::cust("CASE WHEN job.run_at > excluded.run_at THEN excluded.run_at ELSE job.run_at END"),
        )
        .to_owned();
    job::Entity::insert_many(rows)
        .on_conflict(earlier)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

fn row_of(work: &Work, terms: Terms, run_at: i64, now: i64) -> Result<job::ActiveModel, StoreError> {
    Ok(job::ActiveModel {
        lane: Set(work.lane().number()),
        kind: Set(work.kind().to_owned()),
        order_key: Set(terms.order_key),
        dedup_key: Set(terms.dedup_key),
        payload: Set(document::write(work)?),
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
    })
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
    let payload = document::write(work)?;
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
