//! The one way to write. On SQLite all writes go through one writer, which has many of them share a commit; on PostgreSQL a
//! write is an ordinary transaction, but for many small ones at once, which share commits as well. Nothing is answered before its
//! commit is confirmed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbBackend, TransactionTrait};
use tocsin_domain::clock::{Clock, Timestamp};
use tocsin_domain::ids::{IdGen, StudyId};
use tocsin_domain::work::Lane;
use tocsin_migrations::{Migrator, MigratorTrait};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::connect::{self, Connections};
use super::error::StoreError;
use super::writer::{self, Queue, Turn};

/// The database, shared by everything that runs.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
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
    Queued(Queue),
    Direct {
        db: DatabaseConnection,
        /// For writes that share a commit.
        together: Queue,
    },
}

/// Whom a committed write wakes.
#[derive(Clone, Copy)]
pub(super) struct Calls {
    lanes: u8,
    changed: bool,
}

/// A transaction with what a write needs to know besides the rows.
pub struct Tx {
    pub(super) txn: DatabaseTransaction,
    pub(super) shared: Arc<Shared>,
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
    pub(super) fn calls(&self) -> Calls {
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
        let (queue, waiting) = writer::queue();
        let (db, reader, writer) = match connect::open(url).await? {
            Connections::Sqlite { writer, reader } => (writer, reader, Writer::Queued(queue)),
            Connections::Postgres(db) => {
                let together = queue;
                (db.clone(), db.clone(), Writer::Direct { db, together })
            }
        };
        Migrator::up(&db, None).await?;
        let shared = shared(reader, writer, clock, ids, audit_key);
        tokio::spawn(writer::run(db, waiting, Arc::downgrade(&shared)));
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
        self.write_in(Turn::Ordinary, work).await
    }

    /// The same for a write whose outcome somebody at the other end of a wire waits for: on SQLite it goes before those of jobs.
    pub async fn write_first<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.write_in(Turn::First, work).await
    }

    async fn write_in<T, F>(&self, turn: Turn, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        match &self.shared.writer {
            Writer::Queued(queue) => queue.write(turn, work).await,
            Writer::Direct { db, .. } => self.write_directly(db, work).await,
        }
    }

    /// The same for a small one of which many come at once and wait for one row, as when all screens show a new study: on
    /// PostgreSQL too they share a commit.
    pub async fn write_together<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        match &self.shared.writer {
            Writer::Queued(queue) | Writer::Direct { together: queue, .. } => {
                queue.write(Turn::First, work).await
            }
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

pub(super) fn new_tx(txn: DatabaseTransaction, shared: &Arc<Shared>) -> Tx {
    Tx {
        txn,
        shared: shared.clone(),
        lanes: AtomicU8::new(0),
        changed: Mutex::default(),
    }
}

pub(super) fn wake(shared: &Shared, calls: Calls) {
    for lane in Lane::ALL {
        if calls.lanes & (1 << lane.number()) != 0 {
            shared.woken[lane.number() as usize].notify_one();
        }
    }
    if calls.changed {
        shared.changed.notify_one();
    }
}
