//! The one way to write. On SQLite a single task owns the writing connection: it commits what is there and takes what has
//! gathered meanwhile, each write under its own savepoint, all under one sync of the disk. On PostgreSQL a write is an
//! ordinary transaction, but for many small ones at once, which share commits as well. Nothing is answered before its commit is
//! confirmed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tocsin_domain::clock::{Clock, Timestamp};
use tocsin_domain::ids::{IdGen, StudyId};
use tocsin_domain::work::Lane;
use tocsin_migrations::{Migrator, MigratorTrait};
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use super::connect::{self, Connections};
use super::error::StoreError;

/// Writes that may wait for the writer; more wait at the door, so that memory stays bounded.
const QUEUE: usize = 1024;
/// Writes that share one commit at most.
const BATCH: usize = 64;

/// The database, shared by everything that runs.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    reader: DatabaseConnection,
    writer: Writer,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    audit_key: Vec<u8>,
    woken: [Notify; Lane::ALL.len()],
    /// Told when a committed write changed a study.
    changed: Notify,
}

enum Writer {
    Queue(mpsc::Sender<Queued>),
    Direct {
        db: DatabaseConnection,
        /// For writes that share a commit.
        together: mpsc::Sender<Queued>,
    },
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

/// Whom a committed write wakes.
#[derive(Clone, Copy)]
struct Calls {
    lanes: u8,
    changed: bool,
}

/// A transaction with what a write needs to know besides the rows.
pub struct Tx {
    txn: DatabaseTransaction,
    shared: Arc<Shared>,
    lanes: AtomicU8,
    changed: Mutex<BTreeSet<StudyId>>,
}

impl Tx {
    pub fn conn(&self) -> &DatabaseTransaction {
        &self.txn
    }

    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub fn uuid(&self) -> Uuid {
        self.shared.ids.uuid()
    }

    pub fn backend(&self) -> DbBackend {
        sea_orm::ConnectionTrait::get_database_backend(&self.txn)
    }

    pub(super) fn audit_key(&self) -> &[u8] {
        &self.shared.audit_key
    }

    /// Whether this is the first change of the study in this transaction. Whoever follows studies is told after the commit.
    pub(super) fn changes(&self, study: StudyId) -> bool {
        self.changed
            .lock()
            .map_or(true, |mut changed| changed.insert(study))
    }

    /// What is to be woken once the transaction is committed.
    fn calls(&self) -> Calls {
        Calls {
            lanes: self.lanes.load(Ordering::Relaxed),
            changed: self.changed.lock().map_or(true, |changed| !changed.is_empty()),
        }
    }

    /// Workers of this lane are woken once the transaction is committed.
    pub(super) fn wake(&self, lane: Lane) {
        self.lanes.fetch_or(1 << lane.number(), Ordering::Relaxed);
    }
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub async fn open(
        url: &str,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGen>,
        audit_key: Vec<u8>,
    ) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (db, reader, writer) = match connect::open(url).await? {
            Connections::Sqlite { writer, reader } => (writer, reader, Writer::Queue(queue)),
            Connections::Postgres(db) => {
                let together = queue;
                (db.clone(), db.clone(), Writer::Direct { db, together })
            }
        };
        Migrator::up(&db, None).await?;
        let shared = shared(reader, writer, clock, ids, audit_key);
        tokio::spawn(run_writer(db, waiting, Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// For reading; on SQLite these connections refuse to write.
    pub fn read(&self) -> &DatabaseConnection {
        &self.shared.reader
    }

    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        self.shared.clock.clone()
    }

    pub fn ids(&self) -> Arc<dyn IdGen> {
        self.shared.ids.clone()
    }

    pub fn audit_key(&self) -> &[u8] {
        &self.shared.audit_key
    }

    /// Resolves when a committed write queued work for this lane.
    pub async fn woken(&self, lane: Lane) {
        self.shared.woken[lane.number() as usize].notified().await;
    }

    /// Resolves when a committed write of this process changed a study.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// Runs a write; its effects are on stable storage when this returns `Ok`, and absent when it returns `Err`.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        match &self.shared.writer {
            Writer::Queue(queue) => write_queued(queue, work).await,
            Writer::Direct { db, .. } => self.write_directly(db, work).await,
        }
    }

    /// The same for a small write of which many come at once and wait for one row, as when all screens show a new study: on
    /// PostgreSQL too they share a commit.
    pub async fn write_together<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        match &self.shared.writer {
            Writer::Queue(queue) | Writer::Direct { together: queue, .. } => write_queued(queue, work).await,
        }
    }

    /// Runs a write to see what would come of it, and undoes it: nothing is kept, and nobody is woken.
    pub async fn trial<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (found, mut seen) = oneshot::channel();
        let undone: Result<(), StoreError> = self
            .write(move |tx| {
                Box::pin(async move {
                    // Whoever asked may have gone away.
                    let _ = found.send(work(tx).await?);
                    Err(StoreError::Refused("a trial is undone".to_owned()))
                })
            })
            .await;
        match (seen.try_recv(), undone) {
            (Ok(value), _) => Ok(value),
            (Err(_), Err(error)) => Err(error),
            (Err(_), Ok(())) => Err(StoreError::Unavailable("a trial came to nothing")),
        }
    }

    async fn write_directly<T, F>(&self, db: &DatabaseConnection, work: F) -> Result<T, StoreError>
    where
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let tx = new_tx(db.begin().await?, &self.shared);
        match work(&tx).await {
            Ok(value) => {
                let calls = tx.calls();
                tx.txn.commit().await?;
                wake(&self.shared, calls);
                Ok(value)
            }
            Err(error) => {
                tx.txn.rollback().await?;
                Err(error)
            }
        }
    }
}

async fn write_queued<T, F>(queue: &mpsc::Sender<Queued>, work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let queued: Queued = Box::new(move |tx| Box::pin(run_queued(tx, work, answer)));
    queue
        .send(queued)
        .await
        .map_err(|_| StoreError::Unavailable("the writer has stopped"))?;
    answered
        .await
        .map_err(|_| StoreError::Unavailable("nothing was written: there was no connection"))?
}

fn shared(
    reader: DatabaseConnection,
    writer: Writer,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    audit_key: Vec<u8>,
) -> Arc<Shared> {
    Arc::new(Shared {
        reader,
        writer,
        clock,
        ids,
        audit_key,
        woken: Default::default(),
        changed: Notify::new(),
    })
}

fn new_tx(txn: DatabaseTransaction, shared: &Arc<Shared>) -> Tx {
    Tx {
        txn,
        shared: shared.clone(),
        lanes: AtomicU8::new(0),
        changed: Mutex::default(),
    }
}

fn wake(shared: &Shared, calls: Calls) {
    for lane in Lane::ALL {
        if calls.lanes & (1 << lane.number()) != 0 {
            shared.woken[lane.number() as usize].notify_one();
        }
    }
    if calls.changed {
        shared.changed.notify_one();
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

async fn run_writer(
    db: DatabaseConnection,
    mut waiting: mpsc::Receiver<Queued>,
    shared: std::sync::Weak<Shared>,
) {
    let mut connection = Connection::Sound;
    while let Some(first) = waiting.recv().await {
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
                while waiting.try_recv().is_ok() {}
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
    first: Queued,
    waiting: &mut mpsc::Receiver<Queued>,
    shared: &Arc<Shared>,
) -> Result<(), StoreError> {
    let mut answers = Vec::new();
    let mut next = Some(first);
    let mut whole = Savepoint::Ended;
    while let Some(queued) = next.take() {
        let finish = queued(new_tx(outer.begin().await?, shared)).await;
        whole = finish.savepoint;
        answers.push(finish.answer);
        if whole == Savepoint::Ended && answers.len() < BATCH {
            next = waiting.try_recv().ok();
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
