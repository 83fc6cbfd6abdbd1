//! How a job can fail: either the same job may succeed later, or it never will.

use std::time::Duration;

use crate::storage::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Worth another attempt, after the lane's usual pause.
    #[error("{0}")]
    Retry(String),
    /// Worth another attempt, not before this pause is over.
    #[error("{reason}")]
    RetryAfter { reason: String, pause: Duration },
    /// No attempt will ever succeed; a person has to look.
    #[error("{0}")]
    Fail(String),
    /// Another worker has the job now; nothing of ours was kept.
    #[error("the lease was lost")]
    Fenced,
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced => Self::Fenced,
            StoreError::Unavailable(_) | StoreError::Conflict => Self::Retry(error.to_string()),
            StoreError::Inconsistent { .. }
            | StoreError::Missing(_)
            | StoreError::Refused(_)
            | StoreError::Nul
            | StoreError::Statement(_)
            | StoreError::NotDurable(_) => Self::Fail(error.to_string()),
        }
    }
}
