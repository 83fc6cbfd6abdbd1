//! The thread that makes arrived objects durable. It takes whatever has gathered while it was busy, never waits for more,
//! and answers each writer after the device did. A failed sync is never tried again: the object is refused instead.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::BlobError;
use super::writer::Part;

/// Objects that may wait for a sync; writers beyond it block, which slows their senders.
const QUEUE: usize = 1024;
/// Objects that share one sync.
const MAX_BATCH: usize = 256;

/// How an object gets to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// Unless the same object has it already. That one is synced again: it may be a leftover of a crash before its sync.
    Once,
    /// A file of this name is there and is not what its name says: it is replaced, but only by bytes already durable.
    Replace,
}

#[derive(Debug)]
struct Work {
    file: File,
    part: Part,
    path: PathBuf,
    placement: Placement,
    answer: oneshot::Sender<Result<(), BlobError>>,
}

#[derive(Debug)]
pub(super) struct Syncer {
    queue: mpsc::SyncSender<Work>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    syncs: AtomicU64,
    objects: AtomicU64,
}

impl Syncer {
    /// `root` is the directory of the store, open.
    pub(super) fn start(root: File) -> io::Result<Self> {
        let (queue, work) = mpsc::sync_channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        std::thread::Builder::new()
            .name("blob-sync".into())
            .spawn(move || run(&root, &work, &shared))?;
        Ok(Self { queue, counts })
    }

    pub(super) fn submit(
        &self,
        file: File,
        part: Part,
        path: PathBuf,
        placement: Placement,
    ) -> Result<oneshot::Receiver<Result<(), BlobError>>, BlobError> {
        let (answer, done) = oneshot::channel();
        let work = Work {
            file,
            part,
            path,
            placement,
            answer,
        };
        self.queue.send(work).map_err(|_| BlobError::SyncerGone)?;
        Ok(done)
    }

    /// Calls that waited for the device, and objects they made durable.
    pub(super) fn counts(&self) -> (u64, u64) {
        (
            self.counts.syncs.load(Ordering::Relaxed),
            self.counts.objects.load(Ordering::Relaxed),
        )
    }
}

fn run(root: &File, queue: &mpsc::Receiver<Work>, counts: &Counts) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            match queue.try_recv() {
                Ok(next) => batch.push(next),
                Err(mpsc::TryRecvError::Empty | mpsc::TryRecvError::Disconnected) => break,
            }
        }
        commit(root, batch, counts);
    }
}

/// Names the objects of a batch and brings them to the device by one sync of their file system, which covers the files and
/// all their directories. It covers what others write there too, so the store does best on a file system of its own.
fn commit(root: &File, batch: Vec<Work>, counts: &Counts) {
    let mut placed = Vec::with_capacity(batch.len());
    for work in batch {
        match place(&work, counts) {
            Ok(name) => placed.push((work, name)),
            Err(error) => answer(work, Err(error)),
        }
    }
    if placed.is_empty() {
        return;
    }
    counts.syncs.fetch_add(1, Ordering::Relaxed);
    let outcome = rustix::fs::syncfs(root);
    for (work, name) in placed {
        let result = match outcome {
            Ok(()) => Ok(()),
            Err(errno) => Err(disown(&work, name, errno)),
        };
        counts
            .objects
            .fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
        answer(work, result);
    }
}

fn answer(work: Work, result: Result<(), BlobError>) {
    // A writer that no longer waits has lost its association; the object stays for the sweep of unknown objects.
    let _ = work.answer.send(result);
}

/// Takes back the name of an object whose sync failed: the kernel may now believe its pages clean, and a resend that
/// found them good would be acknowledged without ever reaching the device.
fn disown(work: &Work, name: Name, errno: Errno) -> BlobError {
    match name {
        Name::Given => {
            let _ = fs::remove_file(&work.path);
        }
        Name::Taken => {}
    }
    BlobError::Sync {
        path: work.path.clone(),
        source: errno.into(),
    }
}

/// Whether a file got its name from this batch or an equal one had it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Given,
    Taken,
}

fn place(work: &Work, counts: &Counts) -> Result<Name, BlobError> {
    match work.placement {
        Placement::Replace => replace(work, counts).map(|()| Name::Taken),
        Placement::Once => {
            match rustix::fs::renameat_with(CWD, work.part.path(), CWD, &work.path, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(Name::Given),
                Err(Errno::EXIST) => Ok(Name::Taken),
                Err(Errno::INVAL | Errno::NOSYS) => replace(work, counts).map(|()| Name::Taken),
                Err(error) => Err(BlobError::Rename {
                    path: work.part.path().to_owned(),
                    source: error.into(),
                }),
            }
        }
    }
}

/// Durable first, named second, so that a crash between leaves the old file or the whole new one.
fn replace(work: &Work, counts: &Counts) -> Result<(), BlobError> {
    counts.syncs.fetch_add(1, Ordering::Relaxed);
    work.file.sync_data().map_err(|source| BlobError::Sync {
        path: work.part.path().to_owned(),
        source,
    })?;
    fs::rename(work.part.path(), &work.path).map_err(|source| BlobError::Rename {
        path: work.part.path().to_owned(),
        source,
    })
}
