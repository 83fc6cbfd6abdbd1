//! The seam between the listener and whoever keeps rows: what is handed over, and what may be answered.

use std::future::Future;
use std::net::SocketAddr;

use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::Uid;
use tocsin_domain::study::InstanceFacts;
use uuid::Uuid;

use super::facts::TagProblem;
use crate::storage::blobs::BlobRef;

/// One association, for logs and for the timeline of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AssociationId(pub Uuid);

/// An instance whose bytes are on stable storage. It is acknowledged once the sink has answered.
#[derive(Clone, Debug)]
pub struct ReceivedInstance {
    pub association: AssociationId,
    pub calling_ae: String,
    pub called_ae: String,
    pub peer: SocketAddr,
    pub transfer_syntax: Uid,
    pub facts: InstanceFacts,
    /// Values that were left out of the facts.
    pub problems: Vec<TagProblem>,
    pub blob: BlobRef,
    pub received_at: Timestamp,
}

/// What became of an instance. All but `Refused` are answered with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOutcome {
    Stored,
    /// The same object was here already.
    Duplicate,
    /// Another object under the same UID is here already; this one is kept apart and shown.
    Quarantined {
        reason: String,
    },
    /// Answered with `status`, a failure of PS3.4 B.2.3; nothing is kept of it.
    Refused {
        status: u16,
        reason: String,
    },
}

/// How an association ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationEnd {
    /// By its sender, in good order: a sign that a series is complete.
    Released,
    /// By an abort of either side, a lost connection or a time limit.
    Broken,
}

/// The end of an association, told after its last answer.
#[derive(Clone, Debug)]
pub struct ClosedAssociation {
    pub association: AssociationId,
    pub calling_ae: String,
    pub called_ae: String,
    pub peer: SocketAddr,
    pub end: AssociationEnd,
    /// Studies of which it brought instances.
    pub studies: Vec<Uid>,
    pub stored: u64,
    pub refused: u64,
    pub closed_at: Timestamp,
}

/// One that was turned away.
#[derive(Clone, Debug)]
pub struct RejectedAssociation {
    pub association: AssociationId,
    pub calling_ae: String,
    pub called_ae: String,
    pub peer: SocketAddr,
    /// In words, for the engineer of the interfaces.
    pub reason: String,
}

/// Keeps instances. The database behind it is one implementation, the memory of a test another.
pub trait InstanceSink: Send + Sync + 'static {
    /// Returns when the outcome is committed.
    fn store(&self, received: ReceivedInstance) -> impl Future<Output = StoreOutcome> + Send;

    /// Whether somebody has stopped what this peer, or everybody, sends.
    fn paused(&self, _calling_ae: &str) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }

    fn association_closed(&self, closed: ClosedAssociation) -> impl Future<Output = ()> + Send;

    /// A peer was turned away, and has been told.
    fn association_rejected(&self, rejected: RejectedAssociation) -> impl Future<Output = ()> + Send;

    /// A peer verified the connection; it is answered whatever becomes of this.
    fn echoed(&self, calling_ae: &str) -> impl Future<Output = ()> + Send;
}
