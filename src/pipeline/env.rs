//! What the jobs share, and which job a payload asks for.

use std::sync::Arc;

use tocsin_domain::work::Work;

use crate::jobs::{Handler, JobError};
use crate::storage::Store;
use crate::storage::jobs::Lease;

use super::apply_message;

/// Everything a job may use.
pub struct Env {
    pub store: Store,
    pub settings: Arc<Settings>,
}

/// The configuration as far as jobs read it.
pub struct Settings {
    /// Assigning authority of identifiers that name none.
    pub default_authority: String,
}

impl Handler for Env {
    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        match lease.work {
            Work::ApplyMessage { message } => apply_message::run(self, lease, message).await,
            _ => Err(JobError::Fail("x".into())),
        }
    }

    async fn given_up(&self, lease: &Lease, reason: &str) {
        let _ = (lease, reason);
    }
}
