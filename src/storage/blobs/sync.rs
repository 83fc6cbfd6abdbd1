//! The thread that makes arrived objects durable. It takes whatever has gathered while it was busy, never waits for more,
//! and answers each writer after the device did. A failed sync is never tried again: the object is refused instead.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
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
    /// Nothing has this name yet.
    New,
    /// A file of this name is there and is not what its name says: it is replaced, but only by bytes already durable.
    Replace,
    /// The same object is there already; it is synced, for it may be a leftover of a crash before its first sync.
    Keep,
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

/// Moves the objects of a batch to their names and syncs them: a single one by its file and its directory, several by one
/// sync of the file system, which covers their files and all their directories.
fn commit(root: &File, batch: Vec<Work>, counts: &Counts) {
    let mut placed = Vec::with_capacity(batch.len());
    for work in batch {
        match place(&work, counts) {
            Ok(file) => placed.push((work, file)),
            Err(error) => answer(work, Err(error)),
        }
    }
    let outcome = match placed.as_slice() {
        [] => return,
        [(work, file)] => sync_one(work, file.as_ref(), counts),
        _ => sync_all(root, counts),
    };
    let objects = u64::try_from(placed.len()).unwrap_or(u64::MAX);
    if outcome.is_ok() {
        counts.objects.fetch_add(objects, Ordering::Relaxed);
    }
    for (work, _) in placed {
        let result = match &outcome {
            Ok(()) => Ok(()),
            // One error answers many writers, and io::Error cannot be cloned.
            Err(error) => {
                let source = error
                    .raw_os_error()
                    .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
                Err(BlobError::Sync {
                    path: work.path.clone(),
                    source,
                })
            }
        };
        answer(work, result);
    }
}

fn answer(work: Work, result: Result<(), BlobError>) {
    // A writer that no longer waits has lost its association; the object stays for the sweep of unknown objects.
    let _ = work.answer.send(result);
}

/// Gives the object its name; `Some` is the file to sync instead of the one that was written.
fn place(work: &Work, counts: &Counts) -> Result<Option<File>, BlobError> {
    let renamed = |source: io::Error| BlobError::Rename {
        path: work.part.path().to_owned(),
        source,
    };
    match work.placement {
        Placement::New => {
            match rustix::fs::renameat_with(CWD, work.part.path(), CWD, &work.path, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(None),
                // Another association brought the same object a moment ago, whole: its bytes made the same name.
                Err(Errno::EXIST) => open(&work.path).map(Some),
                Err(Errno::INVAL | Errno::NOSYS) => replace(work, counts).map(|()| None),
                Err(error) => Err(renamed(error.into())),
            }
        }
        Placement::Replace => replace(work, counts).map(|()| None),
        Placement::Keep => open(&work.path).map(Some),
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

fn sync_one(work: &Work, instead: Option<&File>, counts: &Counts) -> io::Result<()> {
    counts.syncs.fetch_add(2, Ordering::Relaxed);
    instead.unwrap_or(&work.file).sync_all()?;
    let directory = work.path.parent().unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn sync_all(root: &File, counts: &Counts) -> io::Result<()> {
    counts.syncs.fetch_add(1, Ordering::Relaxed);
    Ok(rustix::fs::syncfs(root)?)
}

fn open(path: &Path) -> Result<File, BlobError> {
    File::open(path).map_err(|source| BlobError::Read {
        path: path.to_owned(),
        source,
    })
}
