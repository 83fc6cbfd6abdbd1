//! One sub-operation of a retrieval: an instance goes as it is stored, or in another uncompressed encoding of the same values
//! where the receiver takes no other. Nothing is compressed or decompressed.

use tocsin_domain::dimse::{self, Originator, Response};
use tocsin_domain::part10::FileMeta;
use tokio::task::spawn_blocking;

use crate::deliver::dicom::association::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use crate::deliver::dicom::{Sender, StoreStatus, reencoded};
use crate::ingest::dicom::line::{Broken, Line};
use crate::storage::blobs::{BlobHash, BlobStore};
use crate::storage::entity::instance;

/// Where instances go.
pub(super) enum Outlet {
    /// To whoever asked, over the same association.
    Back,
    /// To another node, and in whose name.
    Away(Box<Sender>, Originator),
}

/// What became of an instance.
pub(super) enum Sent {
    Taken,
    /// Kept, with a remark.
    Warned,
    Failed(String),
}

impl From<StoreStatus> for Sent {
    fn from(status: StoreStatus) -> Self {
        match status {
            StoreStatus::Stored => Self::Taken,
            StoreStatus::StoredWithWarning { .. } => Self::Warned,
            StoreStatus::NotAccepted => {
                Self::Failed("not accepted in the encoding in which it is stored".to_owned())
            }
            StoreStatus::Refused { status, comment } => {
                Self::Failed(format!("refused with {status:#06x} {comment}"))
            }
            StoreStatus::Unknown { reason } => Self::Failed(reason),
        }
    }
}

impl Outlet {
    pub(super) async fn send(
        &mut self,
        line: &mut Line,
        blobs: &BlobStore,
        row: &instance::Model,
    ) -> Result<Sent, Broken> {
        let file = match file(blobs, row).await {
            Ok(file) => file,
            Err(reason) => return Ok(Sent::Failed(reason)),
        };
        match self {
            Self::Away(sender, originator) => {
                let sent = sender.send(&file, Some(originator)).await;
                Ok(sent.map_or_else(|error| Sent::Failed(crate::deliver::chain(&error)), Sent::from))
            }
            Self::Back => match fitting(line, file).await {
                Ok(fitting) => back(line, &fitting).await,
                Err(reason) => Ok(Sent::Failed(reason)),
            },
        }
    }

    pub(super) async fn close(self) {
        match self {
            Self::Back => {}
            Self::Away(sender, _) => sender.close().await,
        }
    }
}

/// The file of an instance, as it was received.
async fn file(blobs: &BlobStore, row: &instance::Model) -> Result<Vec<u8>, String> {
    let hash: BlobHash = row
        .sha256
        .parse()
        .map_err(|_| "its file has no name".to_owned())?;
    let blobs = blobs.clone();
    match spawn_blocking(move || blobs.read(&hash)).await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its file could not be read".to_owned()),
    }
}

/// A data set in an encoding that a context has.
struct Fitting {
    context: u8,
    meta: FileMeta,
    data_set: Vec<u8>,
}

async fn fitting(line: &Line, mut file: Vec<u8>) -> Result<Fitting, String> {
    let (meta, start) = FileMeta::read(&file).map_err(|error| error.to_string())?;
    let takes = |syntax: &str| {
        let class = meta.sop_class.as_str();
        let context = line.contexts().iter().find(|context| {
            context.requester.scp && context.abstract_syntax == class && context.transfer_syntax == syntax
        });
        context.map(|context| context.id)
    };
    if let Some(context) = takes(meta.transfer_syntax.as_str()) {
        let data_set = file.split_off(start);
        return Ok(Fitting {
            context,
            meta,
            data_set,
        });
    }
    let other = match meta.transfer_syntax.as_str() {
        EXPLICIT_LITTLE => IMPLICIT_LITTLE,
        IMPLICIT_LITTLE => EXPLICIT_LITTLE,
        _ => return Err("no context for it in the encoding in which it is stored".to_owned()),
    };
    let context = takes(other).ok_or("no context for it in an uncompressed encoding")?;
    let from = meta.transfer_syntax.to_string();
    let again = spawn_blocking(move || reencoded(&file[start..], &from, other)).await;
    let data_set = again
        .ok()
        .flatten()
        .ok_or("it cannot be written in another encoding")?;
    Ok(Fitting {
        context,
        meta,
        data_set,
    })
}

/// Sends it over the association of the request and waits for the answer.
async fn back(line: &mut Line, fitting: &Fitting) -> Result<Sent, Broken> {
    let message = line.number();
    let (class, instance) = (
        fitting.meta.sop_class.as_str(),
        fitting.meta.sop_instance.as_str(),
    );
    let command = dimse::store_request(message, class, instance, None);
    line.say(fitting.context, command, Some(&fitting.data_set))
        .await?;
    let Response { status, comment, .. } = line.answer_to(message).await?;
    Ok(StoreStatus::of(status, comment).into())
}
