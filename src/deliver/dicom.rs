//! DICOM out: C-STORE and C-ECHO to other nodes, and the connection that both directions share.
//! Sends DICOM files as they are; only a peer that insists on implicit VR gets another encoding of the same values.

pub mod association;
mod commitment;
mod scu;
mod status;
pub mod wire;

use dicom_ul::pdu::{AssociationRJResult, AssociationRJSource};
use tocsin_domain::dimse::CommandError;
use tocsin_domain::part10::MetaError;

use super::tls::Tls;
pub use commitment::ask_to_keep;
pub use scu::{Sender, echo, reencoded, store};
pub use status::{StoreStatus, Verdict};
use wire::WireError;

/// A node that objects are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DicomPeer {
    pub ae_title: String,
    pub host: String,
    pub port: u16,
    /// What we call ourselves towards it.
    pub our_ae: String,
    /// It is called under TLS.
    pub tls: Option<Tls>,
}

/// Why an association with a peer did not come about or did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    #[error("object {index} is not a DICOM file")]
    NotDicom { index: usize, source: MetaError },
    #[error("the objects need more than 128 presentation contexts, expected fewer kinds of objects at once")]
    TooManyContexts,
    #[error("cannot connect to {host}:{port}")]
    Connect {
        host: String,
        port: u16,
        source: std::io::Error,
    },
    #[error("no connection to {host}:{port} within {seconds} s")]
    ConnectTimeout { host: String, port: u16, seconds: u64 },
    #[error("no TLS with {host}:{port}")]
    Tls {
        host: String,
        port: u16,
        source: std::io::Error,
    },
    #[error("the association was rejected: {source_of_it}")]
    Rejected {
        result: AssociationRJResult,
        source_of_it: AssociationRJSource,
    },
    #[error("the peer aborted the association")]
    Aborted,
    #[error("the peer sent a PDU that may not come here")]
    Unexpected,
    #[error("the connection failed")]
    Wire(#[source] WireError),
    #[error("the answer is not a command set")]
    Answer(#[source] CommandError),
    #[error("the peer's answer is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the peer does not serve verification")]
    EchoNotAccepted,
    #[error("the peer does not serve storage commitment")]
    CommitmentNotAccepted,
    #[error("storage commitment was answered with status {0:#06x}")]
    CommitmentStatus(u16),
    #[error("the echo was answered with status {0:#06x}")]
    EchoStatus(u16),
}

impl DeliverError {
    /// Whether the same attempt may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Tls { .. }
            | Self::Aborted
            | Self::Wire(_)
            | Self::CommitmentStatus(_)
            | Self::EchoStatus(_) => true,
            Self::Rejected { result, .. } => *result == AssociationRJResult::Transient,
            Self::NotDicom { .. }
            | Self::TooManyContexts
            | Self::Unexpected
            | Self::Answer(_)
            | Self::TooLong { .. }
            | Self::CommitmentNotAccepted
            | Self::EchoNotAccepted => false,
        }
    }
}
