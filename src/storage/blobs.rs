//! Stored DICOM objects as files, named by what they hold: `ab/<sha256>.dcm`, where the hash covers the transfer syntax
//! UID, a zero byte and the data set, so that the same object has the same name whoever sent it.
//! A name is never made of anything a sender wrote, and a file that was acknowledged is never written to again.

mod hash;
mod sync;
mod writer;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::part10::{FileMeta, MetaError};

pub use hash::BlobHash;
use sync::Syncer;
use writer::Part;
pub use writer::{BlobWriter, Commit};

const FILE_MODE: u32 = 0o640;
const DIRECTORY_MODE: u32 = 0o750;
/// Where objects are while they arrive, inside the blob directory so that a rename stays on one file system.
const INCOMING: &str = "incoming";

/// A stored object: its name and the length of its file in bytes, file meta group included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRef {
    pub hash: BlobHash,
    pub len: u64,
}

/// A file found in the store; a row may or may not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    pub blob: BlobRef,
    pub modified: Timestamp,
}

/// What a check of a stored file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Intact { len: u64 },
    Missing,
    Damaged,
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("cannot make the blob directory {path}")]
    Directory { path: PathBuf, source: io::Error },
    #[error("cannot create {path}")]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot rename {path} into the store")]
    Rename { path: PathBuf, source: io::Error },
    #[error("cannot bring {path} to stable storage")]
    Sync { path: PathBuf, source: io::Error },
    #[error("cannot remove {path}")]
    Remove { path: PathBuf, source: io::Error },
    #[error("cannot tell the free space of {path}")]
    Space { path: PathBuf, source: io::Error },
    #[error("not a DICOM file")]
    NotDicom(#[source] MetaError),
    #[error("the thread that syncs stored objects has ended")]
    SyncerGone,
}

/// The directory of stored objects. Clones share one sync thread, which groups the syncs of concurrent writers.
#[derive(Clone, Debug)]
pub struct BlobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    syncer: Syncer,
    parts: AtomicU64,
}

impl BlobStore {
    /// Opens the directory, making it and its 256 sub-directories where they are missing. Blocking.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let incoming = root.join(INCOMING);
        make_directory(&incoming)?;
        for shard in 0..=u8::MAX {
            make_directory(&root.join(format!("{shard:02x}")))?;
        }
        let directory = File::open(root).map_err(|source| BlobError::Read {
            path: root.to_owned(),
            source,
        })?;
        directory.sync_all().map_err(|source| BlobError::Sync {
            path: root.to_owned(),
            source,
        })?;
        let syncer = Syncer::start(directory).map_err(|source| BlobError::Directory {
            path: root.to_owned(),
            source,
        })?;
        let inner = Inner {
            root: root.to_owned(),
            syncer,
            parts: AtomicU64::new(0),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Starts an object with the head that `meta` describes. Blocking.
    pub fn writer(&self, meta: &FileMeta) -> Result<BlobWriter, BlobError> {
        let (file, part) = self.create_part()?;
        BlobWriter::start(self.clone(), file, part, meta)
    }

    /// A file that nobody else has: names left by a crash, or taken by another process, are passed over.
    fn create_part(&self) -> Result<(File, Part), BlobError> {
        loop {
            let number = self.inner.parts.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}-{number}.part", std::process::id());
            let path = self.inner.root.join(INCOMING).join(name);
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(FILE_MODE)
                .open(&path)
            {
                Ok(file) => return Ok((file, Part::at(path))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(BlobError::Create { path, source }),
            }
        }
    }

    /// Stores a whole DICOM file, its preamble replaced by zeros, and returns when it is durable. Blocking.
    pub fn put(&self, part10: &[u8]) -> Result<BlobRef, BlobError> {
        let (meta, start) = FileMeta::read(part10).map_err(BlobError::NotDicom)?;
        let mut writer = self.writer(&meta)?;
        writer.append(&part10[start..])?;
        writer.seal()?.wait_blocking()
    }

    /// Where the object lies, whether it exists or not.
    pub fn path(&self, hash: &BlobHash) -> PathBuf {
        self.inner
            .root
            .join(format!("{:02x}", hash.0[0]))
            .join(format!("{hash}.dcm"))
    }

    /// The whole DICOM file. Blocking.
    pub fn read(&self, hash: &BlobHash) -> Result<Vec<u8>, BlobError> {
        let path = self.path(hash);
        fs::read(&path).map_err(|source| BlobError::Read { path, source })
    }

    /// Reads the object and compares it with its name. Blocking.
    pub fn verify(&self, hash: &BlobHash) -> Result<Verdict, BlobError> {
        let path = self.path(hash);
        match hash::hash_of_file(&path) {
            Ok(Some((found, len))) if found == *hash => Ok(Verdict::Intact { len }),
            Ok(_) => Ok(Verdict::Damaged),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Verdict::Missing),
            Err(source) => Err(BlobError::Read { path, source }),
        }
    }

    /// Removes the object; one that is not there is no error. Blocking.
    pub fn remove(&self, hash: &BlobHash) -> Result<(), BlobError> {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(BlobError::Remove { path, source }),
        }
    }

    /// Removes what writers left in the incoming folder more than `age` before `now`; tells how many. Blocking.
    pub fn sweep(&self, now: Timestamp, age: TimeDelta) -> Result<u64, BlobError> {
        let mut removed = 0;
        for (path, modified) in list(&self.inner.root.join(INCOMING))? {
            if now - modified < age || path.extension().is_none_or(|e| e != "part") {
                continue;
            }
            fs::remove_file(&path).map_err(|source| BlobError::Remove { path, source })?;
            removed += 1;
        }
        Ok(removed)
    }

    /// The objects of one of the 256 sub-directories, for the comparison with the rows. Blocking.
    pub fn shard(&self, number: u8) -> Result<Vec<StoredBlob>, BlobError> {
        let mut found = Vec::new();
        for (path, modified) in list(&self.inner.root.join(format!("{number:02x}")))? {
            let name = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .and_then(|stem| stem.parse().ok());
            let (Some(hash), Ok(facts)) = (name, fs::metadata(&path)) else {
                continue;
            };
            found.push(StoredBlob {
                blob: BlobRef {
                    hash,
                    len: facts.len(),
                },
                modified,
            });
        }
        Ok(found)
    }

    /// Bytes that an unprivileged writer can still use on the file system of the store.
    pub fn free_bytes(&self) -> Result<u64, BlobError> {
        let path = &self.inner.root;
        let space = rustix::fs::statvfs(path).map_err(|source| BlobError::Space {
            path: path.clone(),
            source: source.into(),
        })?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Calls of fsync, fdatasync and syncfs so far, and objects they made durable.
    pub fn syncs(&self) -> (u64, u64) {
        self.inner.syncer.counts()
    }
}

fn make_directory(path: &Path) -> Result<(), BlobError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|source| BlobError::Directory {
            path: path.to_owned(),
            source,
        })
}

/// Files of a directory with the time of their last change; what vanishes meanwhile is left out.
fn list(directory: &Path) -> Result<Vec<(PathBuf, Timestamp)>, BlobError> {
    let failed = |source| BlobError::Read {
        path: directory.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(modified) = entry.metadata().and_then(|facts| facts.modified()) else {
            continue;
        };
        found.push((entry.path(), Timestamp::from(modified)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
