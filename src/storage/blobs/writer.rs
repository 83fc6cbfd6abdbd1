//! An object on its way into the store: written and hashed as it comes, sealed, and then waited for.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tocsin_domain::part10::FileMeta;
use tokio::sync::oneshot;

use super::sync::Placement;
use super::{BlobError, BlobHash, BlobRef, BlobStore, Verdict, hash};

/// An object on its way in: bytes are written and hashed as they come. Dropped before its commit, it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    store: BlobStore,
    file: File,
    part: Part,
    hash: Sha256,
    len: u64,
}

/// The temporary file, removed with its owner unless it was moved away before.
#[derive(Debug)]
pub(super) struct Part(PathBuf);

impl Part {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl BlobWriter {
    /// Writes the head that `meta` describes.
    pub(super) fn start(
        store: BlobStore,
        mut file: File,
        part: Part,
        meta: &FileMeta,
    ) -> Result<Self, BlobError> {
        let head = meta.to_bytes();
        file.write_all(&head).map_err(|source| BlobError::Write {
            path: part.0.clone(),
            source,
        })?;
        let mut hash = Sha256::new();
        hash::begin(&mut hash, meta);
        Ok(Self {
            store,
            file,
            part,
            hash,
            len: u64::try_from(head.len()).unwrap_or(u64::MAX),
        })
    }

    /// Adds bytes of the data set. Blocking.
    pub fn append(&mut self, data_set: &[u8]) -> Result<(), BlobError> {
        self.file.write_all(data_set).map_err(|source| BlobError::Write {
            path: self.part.0.clone(),
            source,
        })?;
        self.hash.update(data_set);
        self.len += u64::try_from(data_set.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Ends the object and queues it for the next sync. Durable when the commit says so. Blocking.
    pub fn seal(self) -> Result<Commit, BlobError> {
        let blob = BlobRef {
            hash: BlobHash(self.hash.finalize().into()),
            len: self.len,
        };
        let path = self.store.path(&blob.hash);
        let placement = match self.store.verify(&blob.hash)? {
            Verdict::Missing | Verdict::Intact { .. } => Placement::Once,
            Verdict::Damaged => Placement::Replace,
        };
        let done = self
            .store
            .inner
            .syncer
            .submit(self.file, self.part, path, placement)?;
        Ok(Commit { blob, done })
    }
}

/// An object whose sync is under way.
#[derive(Debug)]
pub struct Commit {
    blob: BlobRef,
    done: oneshot::Receiver<Result<(), BlobError>>,
}

impl Commit {
    /// Returns when file and directory entry are on stable storage.
    pub async fn wait(self) -> Result<BlobRef, BlobError> {
        self.done.await.map_err(|_| BlobError::SyncerGone)??;
        Ok(self.blob)
    }

    /// The same, for threads that may block.
    pub fn wait_blocking(self) -> Result<BlobRef, BlobError> {
        self.done.blocking_recv().map_err(|_| BlobError::SyncerGone)??;
        Ok(self.blob)
    }
}
