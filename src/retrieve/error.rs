//! Why earlier studies could not be had, and whether asking again may help. Names no patient.

use tocsin_domain::dimse::query::STATUS_DESTINATION_UNKNOWN;

use crate::deliver::chain;
use crate::deliver::dicom::DeliverError;
use crate::deliver::web::WebError;
use crate::storage::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    #[error("{}", chain(.0))]
    Peer(#[source] DeliverError),
    #[error("the archive does not serve {0}")]
    NotServed(&'static str),
    #[error("{service} was answered with status {status:#06x}{}", said(.comment))]
    Status {
        service: &'static str,
        status: u16,
        comment: String,
    },
    #[error("the archive gave more than {limit} answers to one question")]
    TooManyAnswers { limit: usize },
    #[error("an answer is not a data set: {0}")]
    Malformed(String),
    #[error("not done within {seconds} s")]
    TooSlow { seconds: u64 },
    #[error("more than {limit} instances came")]
    TooManyInstances { limit: u32 },
    #[error("an instance did not end")]
    Endless,
    #[error("{}", chain(.0))]
    Web(#[source] WebError),
    #[error("what came could not be filed")]
    Store(#[source] StoreError),
}

impl RetrieveError {
    /// Whether the same question may be answered later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Peer(error) => error.is_transient(),
            Self::Status { status, .. } => *status != STATUS_DESTINATION_UNKNOWN && status >> 8 != 0xA9,
            Self::Web(error) => error.is_transient(),
            Self::TooSlow { .. } | Self::Store(_) => true,
            Self::NotServed(_)
            | Self::TooManyAnswers { .. }
            | Self::TooManyInstances { .. }
            | Self::Malformed(_)
            | Self::Endless => false,
        }
    }
}

fn said(comment: &str) -> String {
    match comment {
        "" => String::new(),
        comment => format!(", {comment}"),
    }
}
