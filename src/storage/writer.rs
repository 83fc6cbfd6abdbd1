//! The writer: a single task owns the writing connection. It commits what is there and takes what has gathered meanwhile, each write
//! under its own savepoint, all under one sync of the disk. What a peer waits for goes before what jobs write, and does not wait for
//! more than one of those.

use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;
use super::store::{Shared, Tx, new_tx, wake};

/// Writes of a turn that may wait for the writer; more wait at the door, so that memory stays bounded.
const QUEUE: usize = 1024;
/// Writes that share one commit at most.
const BATCH: usize = 64;

/// When a write has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A peer waits for its outcome.
    First,
    Ordinary,
}

/// A write on its way: runs inside the batch's transaction, and hears afterwards whether the commit held.
type Queued = Box<dyn FnOnce(Tx) -> BoxFuture<'static, Finish> + Send>;

/// How a write ended inside its batch.
struct Finish {
    savepoint: Savepoint,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// Whether a savepoint ended as it was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Savepoint {
    Ended,
    /// The whole transaction is undone: SQLite does so by itself when the disk is full or fails; or the connection is lost.
    Gone,
}

/// Where writes wait.
pub(super) struct Queue {
    first: mpsc::Sender<Queued>,
    ordinary: mpsc::Sender<Queued>,
}

/// The writer's end.
pub(super) struct Waiting {
    first: mpsc::Receiver<Queued>,
    ordinary: mpsc::Receiver<Queued>,
}

pub(super) fn queue() -> (Queue, Waiting) {
    let (to_first, first) = mpsc::channel(QUEUE);
    let (to_ordinary, ordinary) = mpsc::channel(QUEUE);
    let queue = Queue {
        first: to_first,
        ordinary: to_ordinary,
    };
    (queue, Waiting { first, ordinary })
}

impl Queue {
    pub(super) async fn write<T, F>(&self, turn: Turn, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let queued: Queued = Box::new(move |tx| Box::pin(run_queued(tx, work, answer)));
        let queue = match turn {
            Turn::First => &self.first,
            Turn::Ordinary => &self.ordinary,
        };
        queue
            .send(queued)
            .await
            .map_err(|_| StoreError::Unavailable("the writer has stopped"))?;
        answered
            .await
            .map_err(|_| StoreError::Unavailable("nothing was written: there was no connection"))?
    }
}

impl Waiting {
    /// Waits for a write; `None` once nobody can send one.
    async fn next(&mut self) -> Option<(Turn, Queued)> {
        tokio::select! {
            biased;
            Some(queued) = self.first.recv() => Some((Turn::First, queued)),
            Some(queued) = self.ordinary.recv() => Some((Turn::Ordinary, queued)),
            else => None,
        }
    }

    /// A write that waits already.
    fn of(&mut self, takes: Takes) -> Option<(Turn, Queued)> {
        let first = match takes {
            Takes::Nothing => None,
            Takes::First | Takes::Any => self.first.try_recv().ok(),
        };
        match (first, takes) {
            (Some(queued), _) => Some((Turn::First, queued)),
            (None, Takes::Any) => Some((Turn::Ordinary, self.ordinary.try_recv().ok()?)),
            (None, Takes::First | Takes::Nothing) => None,
        }
    }

    fn clear(&mut self) {
        while self.of(Takes::Any).is_some() {}
    }
}

/// What a batch holds so far.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    first: usize,
    ordinary: usize,
}

/// What a batch may still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Any,
    First,
    Nothing,
}

impl Batch {
    fn count(&mut self, turn: Turn) {
        match turn {
            Turn::First => self.first += 1,
            Turn::Ordinary => self.ordinary += 1,
        }
    }

    /// One ordinary write goes with those that have a peer waiting, so that jobs get on however much comes in.
    fn takes(self) -> Takes {
        match self {
            _ if self.first + self.ordinary >= BATCH => Takes::Nothing,
            Self { first: 0, .. } | Self { ordinary: 0, .. } => Takes::Any,
            _ => Takes::First,
        }
    }
}

/// One write inside the batch: keeps its savepoint or undoes it, and tells how to answer once the batch is committed.
async fn run_queued<T, F>(tx: Tx, work: F, answer: oneshot::Sender<Result<T, StoreError>>) -> Finish
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
{
    let outcome = work(&tx).await;
    let calls = tx.calls();
    let shared = tx.shared.clone();
    let (outcome, ended) = match outcome {
        Ok(value) => (Ok(value), tx.txn.commit().await),
        Err(error) => (Err(error), tx.txn.rollback().await),
    };
    let savepoint = match &ended {
        Ok(()) => Savepoint::Ended,
        Err(_) => Savepoint::Gone,
    };
    let outcome = outcome.and_then(|value| ended.map(|()| value).map_err(StoreError::from));
    let answer = Box::new(move |committed: Result<(), StoreError>| {
        let kept = outcome.is_ok() && committed.is_ok();
        // Whoever asked may have gone away; the write stands all the same.
        let _ = answer.send(committed.and(outcome));
        if kept {
            wake(&shared, calls);
        }
    });
    Finish { savepoint, answer }
}

/// Writes what comes until the store is gone.
pub(super) async fn run(db: DatabaseConnection, mut waiting: Waiting, shared: Weak<Shared>) {
    let mut connection = Connection::Sound;
    while let Some(first) = waiting.next().await {
        let Some(shared) = shared.upgrade() else { return };
        if connection == Connection::Doubtful {
            connection = discard(&db).await;
        }
        // What was queued is dropped unanswered if there is no connection; that tells its sender that nothing was kept.
        if connection == Connection::Doubtful {
            continue;
        }
        let outer = match begin(&db).await {
            Ok(outer) => outer,
            Err(error) => {
                tracing::error!(%error, "a write could not begin");
                connection = Connection::Doubtful;
                // Who queued meanwhile has waited for this connection already.
                waiting.clear();
                continue;
            }
        };
        if let Err(error) = run_batch(outer, first, &mut waiting, &shared).await {
            tracing::error!(%error, "a batch of writes was not kept");
            connection = Connection::Doubtful;
        }
    }
}

/// Whether what is written on the connection can be trusted to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Sound,
    Doubtful,
}

/// Closes the writing connection, so that the next write opens another. After a transaction that ended by itself the driver
/// counts savepoints that are gone, and takes the release of an inner one for a commit: what was answered then would never
/// reach the disk. The pool of PostgreSQL looks after its connections itself.
async fn discard(db: &DatabaseConnection) -> Connection {
    if sea_orm::ConnectionTrait::get_database_backend(db) != DbBackend::Sqlite {
        return Connection::Sound;
    }
    let closed = match db.get_sqlite_connection_pool().acquire().await {
        Ok(connection) => connection.close().await,
        Err(error) => Err(error),
    };
    match closed {
        Ok(()) => Connection::Sound,
        Err(_) => {
            tracing::error!("the writing connection could not be closed; nothing is written until it is");
            Connection::Doubtful
        }
    }
}

async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    Ok(db.begin_with_options(options).await?)
}

async fn run_batch(
    outer: DatabaseTransaction,
    first: (Turn, Queued),
    waiting: &mut Waiting,
    shared: &Arc<Shared>,
) -> Result<(), StoreError> {
    let mut answers = Vec::new();
    let mut batch = Batch::default();
    let mut next = Some(first);
    let mut whole = Savepoint::Ended;
    while let Some((turn, queued)) = next.take() {
        batch.count(turn);
        let finish = queued(new_tx(outer.begin().await?, shared)).await;
        whole = finish.savepoint;
        answers.push(finish.answer);
        if whole == Savepoint::Ended {
            next = waiting.of(batch.takes());
        }
    }
    let committed = match whole {
        Savepoint::Ended => outer.commit().await.map_err(StoreError::from),
        Savepoint::Gone => {
            drop(outer);
            Err(StoreError::Unavailable("the transaction ended by itself"))
        }
    };
    for answer in answers {
        answer(match &committed {
            Ok(()) => Ok(()),
            Err(_) => Err(StoreError::Unavailable("the commit failed")),
        });
    }
    committed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_get_one_write_into_a_batch_for_which_peers_wait() {
        let of = |first, ordinary| Batch { first, ordinary }.takes();
        assert_eq!(of(0, 1), Takes::Any);
        assert_eq!(of(0, BATCH - 1), Takes::Any);
        assert_eq!(of(5, 0), Takes::Any);
        assert_eq!(of(5, 1), Takes::First);
        assert_eq!(of(1, 30), Takes::First);
        assert_eq!(of(BATCH - 1, 1), Takes::Nothing);
    }
}
