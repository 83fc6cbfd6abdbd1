//! Which sessions of the reading rooms are owed a result: all that are configured, where something was found, or an older result
//! is corrected or taken back.

use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::SiteId;

use super::deliver::is_flagged;
use super::env::Hub;
use crate::storage::deliveries::{self, DeliveryKind, Owed};
use crate::storage::entity::study;
use crate::storage::outbox::beginning;
use crate::storage::{StoreError, Tx};

/// The hub among the destinations of deliveries.
pub const HUB: &str = "fhircast";

pub async fn owe(
    tx: &Tx,
    hub: Option<&Hub>,
    study: &study::Model,
    record: &ResultRecord,
    hold: Option<&str>,
) -> Result<(), StoreError> {
    let Some(hub) = hub else { return Ok(()) };
    let wanted = hub.any || is_flagged(record) || record.supersedes.is_some();
    if !wanted || !record.origin.is_own() {
        return Ok(());
    }
    let kind = DeliveryKind::FhircastUpdate;
    let (state, words) = beginning(&study.link, kind, hold);
    for topic in &hub.topics {
        let owed = Owed {
            site: SiteId(study.site.clone()),
            study: record.study,
            result: Some(record.id),
            kind,
            destination: HUB.to_owned(),
            dedup_key: format!("{}:{}:{topic}", record.id, kind.text()),
            state,
            words: words.clone(),
            detail: Some(topic.clone()),
        };
        deliveries::owe(tx, owed).await?;
    }
    Ok(())
}
