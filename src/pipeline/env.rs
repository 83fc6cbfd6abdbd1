//! What the jobs share, and which job a payload asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use tocsin_domain::alert::{Person, Policy};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::work::Work;
use tocsin_domain::worklist::PriorityMap;

use crate::jobs::{Handler, JobError};
use crate::notify::{Mailer, PageTemplates};
use crate::storage::Store;
use crate::storage::blobs::BlobStore;
use crate::storage::jobs::Lease;
use crate::telemetry::Metrics;

use super::{apply_message, assemble_study, send_notification, step_alert};

/// Everything a job may use.
pub struct Env {
    pub store: Store,
    pub blobs: BlobStore,
    pub settings: Arc<Settings>,
    pub metrics: Metrics,
    pub mailer: Mailer,
    pub templates: PageTemplates,
}

/// The configuration as far as jobs read it.
pub struct Settings {
    pub site_name: String,
    pub time_zone: Tz,
    /// Where phones reach the acknowledge page, without a slash at its end.
    pub base_url: String,
    /// Assigning authority of identifiers that name none.
    pub default_authority: String,
    pub priorities: PriorityMap,
    pub people: Vec<Person>,
    pub policies: BTreeMap<String, Policy>,
    pub default_policy: String,
    pub mail_from: String,
    /// Right-hand side of our Message-IDs.
    pub mail_host: String,
    /// Signs acknowledge links, which hold for so long.
    pub link_key: Vec<u8>,
    pub link_hours: i64,
}

impl Settings {
    /// The site's wall clock, for people.
    pub fn local_time(&self, at: Timestamp) -> String {
        at.with_timezone(&self.time_zone)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    }

    /// The policy of that name, else the default one.
    pub fn policy(&self, name: Option<&str>) -> Option<&Policy> {
        name.and_then(|name| self.policies.get(name))
            .or_else(|| self.policies.get(&self.default_policy))
    }
}

impl Handler for Env {
    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let started = std::time::Instant::now();
        let outcome = self.dispatch(lease).await;
        self.metrics
            .stage(lease.work.kind())
            .observe(started.elapsed().as_secs_f64());
        outcome
    }

    async fn given_up(&self, lease: &Lease, reason: &str) {
        let marked = match lease.work {
            Work::ApplyMessage { message } => apply_message::given_up(self, message, reason).await,
            _ => Ok(()),
        };
        if let Err(error) = marked {
            tracing::error!(%error, "a job that was given up could not be marked");
        }
    }
}

impl Env {
    async fn dispatch(&self, lease: &Lease) -> Result<(), JobError> {
        match lease.work {
            Work::ApplyMessage { message } => apply_message::run(self, lease, message).await,
            Work::AssembleStudy { study } => assemble_study::run(self, lease, study).await,
            Work::StepAlert { alert } => step_alert::run(self, lease, alert).await,
            Work::SendNotification { notification } => {
                send_notification::run(self, lease, notification).await
            }
            _ => Err(JobError::Fail("x".into())),
        }
    }
}
