//! Says what applying messages would come to, by the job that applies them.

use std::sync::Arc;

use async_trait::async_trait;
use tocsin_domain::foreseen::Foreseen;
use tocsin_domain::order::Hl7Event;
use tocsin_domain::work::Paging;

use crate::api::replay::Foresight;
use crate::pipeline::env::Env;
use crate::pipeline::foresee::{Candidate, foresee};
use crate::storage::StoreError;
use crate::storage::entity::message;

pub struct JobForesight(pub Arc<Env>);

#[async_trait]
impl Foresight for JobForesight {
    async fn foresee(
        &self,
        messages: Vec<(message::Model, Hl7Event)>,
        paging: Paging,
    ) -> Result<Vec<Result<Vec<Foreseen>, String>>, StoreError> {
        let candidates = messages.into_iter();
        let candidates = candidates.map(|(row, event)| Candidate { row, event }).collect();
        foresee(&self.0, candidates, paging).await
    }
}
