//! One instance on its way in: pieces are walked, hashed and written as they come, and the whole is durable before it is
//! handed over. An instance that turns out to be bad is written no further and leaves nothing.

use tocsin_domain::dimse::{self, Head};
use tocsin_domain::ids::Uid;
use tocsin_domain::part10::FileMeta;
use tocsin_domain::study::InstanceFacts;
use tokio::task::spawn_blocking;

use super::facts::{self, MissingTag, TagProblem};
use super::negotiate::Context;
use super::prescan::{PrescanError, Scanner};
use super::settings::ScpLimits;
use crate::storage::blobs::{BlobError, BlobRef, BlobStore, BlobWriter, Commit};

/// Bytes gathered before they go to the disk; most CT slices go there in one piece.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Why an instance is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the SOP class of the command is not that of its presentation context")]
    ClassNotNegotiated,
    #[error("the {0} of the command is not a UID")]
    NotAUid(&'static str),
    #[error("malformed: {0}")]
    Malformed(PrescanError),
    #[error("cannot be filed: {0}")]
    Missing(MissingTag),
    #[error("the {0} differs between command and data set")]
    Mismatch(&'static str),
    #[error("of another study than it was sent to")]
    OtherStudy,
    #[error("longer than {0} bytes")]
    TooLong(u64),
    #[error("less than {reserve} bytes of disk are free ({free})")]
    DiskFull { free: u64, reserve: u64 },
    #[error("cannot store it")]
    Storage(#[source] BlobError),
    #[error("reading it failed inside")]
    Inside,
    #[error("{reason}")]
    Sink { status: u16, reason: String },
}

impl Refusal {
    /// The status that the sender is told (PS3.4 table B.2-1, PS3.7 annex C).
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::ClassNotNegotiated => dimse::STATUS_SOP_CLASS_NOT_SUPPORTED,
            Self::NotAUid(_) => dimse::STATUS_INVALID_SOP_INSTANCE,
            Self::Malformed(_) | Self::Missing(_) | Self::Inside => dimse::STATUS_CANNOT_UNDERSTAND,
            Self::Mismatch(_) | Self::OtherStudy => dimse::STATUS_DATA_SET_MISMATCH,
            Self::TooLong(_) | Self::DiskFull { .. } | Self::Storage(_) => dimse::STATUS_OUT_OF_RESOURCES,
            Self::Sink { status, .. } => *status,
        }
    }
}

impl Refusal {
    /// For the error comment of the response, which holds 64 characters: the place comes first.
    pub(super) fn comment(&self) -> String {
        match self {
            Self::Malformed(error) => {
                let tag = error
                    .tag
                    .map(|tag| format!(" ({:04x},{:04x})", tag.0, tag.1))
                    .unwrap_or_default();
                format!("@{}{tag}: {}", error.offset, error.problem)
            }
            Self::Missing(missing) => missing.to_string(),
            Self::ClassNotNegotiated
            | Self::NotAUid(_)
            | Self::Mismatch(_)
            | Self::OtherStudy
            | Self::TooLong(_)
            | Self::DiskFull { .. }
            | Self::Storage(_)
            | Self::Inside
            | Self::Sink { .. } => self.to_string(),
        }
    }
}

/// What came of an instance that was received whole.
pub(super) struct Durable {
    pub facts: InstanceFacts,
    pub problems: Vec<TagProblem>,
    pub transfer_syntax: Uid,
    pub blob: BlobRef,
}

/// An instance that is being received. After a refusal the rest of it is passed over.
pub(super) struct Reception {
    body: Result<Box<Body>, Refusal>,
    /// Received and not yet on the disk.
    pending: Vec<u8>,
    received: u64,
    limit: u64,
}

/// What is needed to take bytes in, moved to a blocking thread and back.
struct Body {
    scanner: Scanner,
    meta: FileMeta,
    blobs: BlobStore,
    writer: Option<BlobWriter>,
    reserve: u64,
    /// An instance of any other is refused.
    study: Option<Uid>,
}

impl Reception {
    pub(super) fn begin(
        head: &Head,
        context: &Context,
        calling_ae: &str,
        blobs: &BlobStore,
        limits: &ScpLimits,
    ) -> Self {
        let body = file_meta(head, context, calling_ae).map(|meta| {
            Box::new(Body {
                scanner: Scanner::new(meta.transfer_syntax.as_str(), limits.prescan),
                meta,
                blobs: blobs.clone(),
                writer: None,
                reserve: limits.disk_reserve_bytes,
                study: None,
            })
        });
        Self {
            body,
            pending: Vec::new(),
            received: 0,
            limit: limits.instance_bytes,
        }
    }

    /// An instance of any other study is refused.
    pub(super) fn only_of(&mut self, study: Uid) {
        if let Ok(body) = &mut self.body {
            body.study = Some(study);
        }
    }

    /// Takes a fragment. Says when so much came behind a refusal that only an abort will end it.
    pub(super) async fn push(&mut self, fragment: &[u8]) -> Keep {
        self.received = self
            .received
            .saturating_add(u64::try_from(fragment.len()).unwrap_or(u64::MAX));
        if self.received > self.limit {
            self.refuse(Refusal::TooLong(self.limit));
        }
        if self.body.is_err() {
            let patience = self.limit.saturating_mul(2);
            return if self.received > patience {
                Keep::Abort
            } else {
                Keep::Going
            };
        }
        if self.pending.capacity() == 0 {
            self.pending.reserve(CHUNK_BYTES + fragment.len());
        }
        self.pending.extend_from_slice(fragment);
        if self.pending.len() >= CHUNK_BYTES {
            self.flush().await;
        }
        Keep::Going
    }

    async fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let body = std::mem::replace(&mut self.body, Err(Refusal::Inside));
        self.body = match body {
            Ok(mut body) => blocking(move || body.take(&pending).map(|()| body)).await,
            Err(refusal) => Err(refusal),
        };
    }

    fn refuse(&mut self, refusal: Refusal) {
        if self.body.is_ok() {
            self.body = Err(refusal);
            self.pending = Vec::new();
        }
    }

    /// The last fragment has come: returns once the instance is on stable storage.
    pub(super) async fn finish(self) -> Result<Durable, Refusal> {
        let (body, pending) = (self.body?, self.pending);
        let (commit, facts, problems, transfer_syntax) = blocking(move || body.seal(&pending)).await?;
        let blob = commit.wait().await.map_err(Refusal::Storage)?;
        Ok(Durable {
            facts,
            problems,
            transfer_syntax,
            blob,
        })
    }
}

/// Whether an association goes on after a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Going,
    Abort,
}

impl Body {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.scanner.push(bytes).map_err(Refusal::Malformed)?;
        self.write(bytes)
    }

    /// The walk comes first, so that a small malformed instance never touches the disk.
    fn seal(
        mut self: Box<Self>,
        rest: &[u8],
    ) -> Result<(Commit, InstanceFacts, Vec<TagProblem>, Uid), Refusal> {
        self.scanner.push(rest).map_err(Refusal::Malformed)?;
        let Self {
            scanner,
            meta,
            blobs,
            writer,
            reserve,
            study,
        } = *self;
        let scan = scanner.finish().map_err(Refusal::Malformed)?;
        let (facts, problems) = facts::read(&scan).map_err(Refusal::Missing)?;
        if facts.sop_class_uid != meta.sop_class {
            return Err(Refusal::Mismatch("SOP Class UID"));
        }
        if facts.sop_instance_uid != meta.sop_instance {
            return Err(Refusal::Mismatch("SOP Instance UID"));
        }
        if study.is_some_and(|study| study != facts.study_uid) {
            return Err(Refusal::OtherStudy);
        }
        let mut writer = match writer {
            Some(writer) => writer,
            None => open(&blobs, &meta, reserve)?,
        };
        writer.append(rest).map_err(Refusal::Storage)?;
        let commit = writer.seal().map_err(Refusal::Storage)?;
        Ok((commit, facts, problems, meta.transfer_syntax))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(open(&self.blobs, &self.meta, self.reserve)?),
        };
        writer.append(bytes).map_err(Refusal::Storage)
    }
}

/// A place on the disk, as long as the reserve is free.
fn open(blobs: &BlobStore, meta: &FileMeta, reserve: u64) -> Result<BlobWriter, Refusal> {
    let free = blobs.free_bytes().map_err(Refusal::Storage)?;
    if free < reserve {
        return Err(Refusal::DiskFull { free, reserve });
    }
    blobs.writer(meta).map_err(Refusal::Storage)
}

fn file_meta(head: &Head, context: &Context, calling_ae: &str) -> Result<FileMeta, Refusal> {
    if head.sop_class != context.abstract_syntax {
        return Err(Refusal::ClassNotNegotiated);
    }
    let uid = |text: &str, name| Uid::parse(text).map_err(|_| Refusal::NotAUid(name));
    Ok(FileMeta {
        sop_class: uid(&head.sop_class, "SOP Class UID")?,
        sop_instance: uid(&head.sop_instance, "SOP Instance UID")?,
        transfer_syntax: uid(&context.transfer_syntax, "transfer syntax")?,
        source_ae: Some(calling_ae.to_owned()).filter(|name| is_title(name)),
    })
}

/// Whether a sender's name is an AE title (PS3.5 6.2); those who come by HTTP have longer ones.
fn is_title(name: &str) -> bool {
    let printable = name
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'\\' || b == b' ');
    printable && (1..=16).contains(&name.len())
}

/// Runs on a thread that may block; a panic there refuses one instance and harms nothing else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    spawn_blocking(work).await.unwrap_or(Err(Refusal::Inside))
}
