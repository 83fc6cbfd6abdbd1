//! The demonstration's archive: a storage SCP on loopback that remembers what it was sent. It serves nothing back.

use std::path::Path;
use std::sync::Arc;

use tocsin_domain::ids::Uid;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::app::machine;
use crate::cli::Failure;
use crate::deliver::channel::Door;
use crate::ingest::dicom::{
    self, Accept, ClosedAssociation, InstanceSink, ReceivedInstance, RejectedAssociation, ScpSettings,
    StoreOutcome,
};
use crate::storage::blobs::BlobStore;

pub const AE_TITLE: &str = "DEMOPACS";
/// Instances are refused while less than this is free on the disk.
const RESERVE: u64 = 64 * 1024 * 1024;

/// What kind of result an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    StructuredReport,
    KeyImage,
    Segmentation,
    Other,
}

impl Kind {
    /// By SOP class (PS3.4 B.5).
    fn of(class: &Uid) -> Self {
        match class.as_str() {
            "1.2.840.10008.5.1.4.1.1.7" => Self::KeyImage,
            "1.2.840.10008.5.1.4.1.1.66.4" => Self::Segmentation,
            text if text.starts_with("1.2.840.10008.5.1.4.1.1.88.") => Self::StructuredReport,
            _ => Self::Other,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::StructuredReport => "structured report",
            Self::KeyImage => "key image",
            Self::Segmentation => "segmentation",
            Self::Other => "object",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub kind: Kind,
    pub study_uid: Uid,
}

/// Everything that was kept so far.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Vec<Kept>>>);

impl Shelf {
    pub async fn all(&self) -> Vec<Kept> {
        self.0.lock().await.clone()
    }
}

impl InstanceSink for Shelf {
    async fn echoed(&self, _: &str) {}

    async fn store(&self, received: ReceivedInstance) -> StoreOutcome {
        self.0.lock().await.push(Kept {
            kind: Kind::of(&received.facts.sop_class_uid),
            study_uid: received.facts.study_uid,
        });
        StoreOutcome::Stored
    }

    async fn association_closed(&self, _: ClosedAssociation) {}

    async fn association_rejected(&self, _: RejectedAssociation) {}
}

/// Receives objects into `folder` until `stop`.
pub fn serve(
    listener: TcpListener,
    folder: &Path,
    shelf: Shelf,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let mut settings = ScpSettings::new(AE_TITLE, Accept::Loopback(Vec::new()));
    settings.limits.disk_reserve_bytes = RESERVE;
    let env = dicom::Env {
        settings,
        blobs: BlobStore::open(folder)?,
        sink: shelf,
        served: None,
        clock: machine::clock(),
        ids: machine::ids(),
    };
    tokio::spawn(dicom::serve(vec![Door::plain(listener)], Arc::new(env), stop));
    Ok(())
}
