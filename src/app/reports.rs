//! The outputs of a result for the pages, composed by the jobs that send them.

use std::sync::Arc;

use async_trait::async_trait;
use tocsin_domain::finding::ResultRecord;

use crate::api::report::Reports;
use crate::jobs::JobError;
use crate::pipeline::deliver::outputs;
use crate::pipeline::env::Env;
use crate::report::outputs::Outputs;
use crate::storage::entity::study;

/// What the jobs have.
pub struct JobReports(pub Arc<Env>);

#[async_trait]
impl Reports for JobReports {
    async fn outputs(&self, study: &study::Model, record: &ResultRecord) -> Result<Outputs, JobError> {
        outputs::of(&self.0, study, record).await
    }
}
