//! Instances that we fetched ourselves, taken in as the listener takes those that are sent to it: walked, hashed, on stable
//! storage, then filed. Whoever fetches knows the wire; what is filed, and whose it may be, is decided behind here.

use tocsin_domain::dimse::Head;
use tocsin_domain::ids::{SiteId, Uid};

use super::negotiate::{Context, Roles};
use super::receive::{Keep, Reception};
use super::rows::{Rows, problems};
use super::settings::ScpLimits;
use super::sink::StoreOutcome;
use crate::storage::StoreError;
use crate::storage::blobs::BlobStore;
use crate::storage::instances::Received;

/// What is needed to take instances in.
pub struct Intake {
    pub rows: Rows,
    pub blobs: BlobStore,
    pub limits: ScpLimits,
}

/// Where instances come from, and whose they are here.
#[derive(Clone, Debug)]
pub struct Origin {
    /// As the sender names itself.
    pub sender: String,
    pub site: SiteId,
    /// All are of this one; others are refused.
    pub study: Option<Uid>,
}

/// An instance that is being received.
pub struct Taking {
    reception: Reception,
    head: Head,
}

/// An instance that is filed, or kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub study: Uid,
}

/// Why an instance was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKept {
    /// For the sender (PS3.4 B.2.3).
    pub status: u16,
    pub reason: String,
}

/// Bytes came without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endless;

impl Intake {
    /// An instance in this encoding, whose SOP class and UID `head` names.
    pub fn begin(&self, origin: &Origin, head: Head, transfer_syntax: &str) -> Taking {
        let context = Context {
            id: 1,
            abstract_syntax: head.sop_class.clone(),
            transfer_syntax: transfer_syntax.to_owned(),
            requester: Roles::USUAL,
        };
        let mut reception = Reception::begin(&head, &context, &origin.sender, &self.blobs, &self.limits);
        if let Some(study) = &origin.study {
            reception.only_of(study.clone());
        }
        Taking { reception, head }
    }

    /// The last piece has come: on stable storage and filed, or refused.
    pub async fn finish(&self, origin: &Origin, taking: Taking) -> Result<Kept, NotKept> {
        let durable = taking.reception.finish().await.map_err(|refusal| NotKept {
            status: refusal.status(),
            reason: refusal.comment(),
        })?;
        let study = durable.facts.study_uid.clone();
        let received = Received {
            site: origin.site.clone(),
            problems: problems(&durable.problems),
            facts: durable.facts,
            transfer_syntax: durable.transfer_syntax.to_string(),
            sha256: durable.blob.hash.to_string(),
            length: durable.blob.len,
            calling_ae: origin.sender.clone(),
        };
        match self.rows.file(received).await {
            StoreOutcome::Stored | StoreOutcome::Duplicate | StoreOutcome::Quarantined { .. } => {
                Ok(Kept { study })
            }
            StoreOutcome::Refused { status, reason } => Err(NotKept { status, reason }),
        }
    }

    /// No more images of this study will come.
    pub async fn fetched(&self, origin: &Origin, study: &Uid) -> Result<(), StoreError> {
        self.rows.fetched(&origin.site, study).await
    }
}

impl Taking {
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// # Errors
    /// So much came that only closing the connection will end it.
    pub async fn push(&mut self, piece: &[u8]) -> Result<(), Endless> {
        match self.reception.push(piece).await {
            Keep::Going => Ok(()),
            Keep::Abort => Err(Endless),
        }
    }
}
