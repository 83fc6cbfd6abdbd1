//! Which subscribers are owed word of a result that is published: those whose criteria it meets.

use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::SiteId;

use crate::fhir::Server;
use crate::fhir::search::rows::{parts, tell};
use crate::fhir::search::scan::matches;
use crate::fhir::subscription::criteria_of;
use crate::storage::deliveries::{self, DeliveryKind, Owed};
use crate::storage::entity::{result, study, subscription};
use crate::storage::outbox::beginning;
use crate::storage::subscriptions::{self, SubscriptionStatus};
use crate::storage::{StoreError, Tx};

pub async fn owe(
    tx: &Tx,
    server: &Server,
    study: &study::Model,
    row: &result::Model,
    hold: Option<&str>,
) -> Result<(), StoreError> {
    let mut waiting = subscriptions::all(tx.conn()).await?;
    waiting.retain(|one| SubscriptionStatus::of(one, tx.now()) != SubscriptionStatus::Off);
    if waiting.is_empty() {
        return Ok(());
    }
    let told = tell(tx.conn(), row).await?;
    for one in waiting {
        let query = match criteria_of(server, &one.criteria) {
            Ok(query) => query,
            Err(error) => {
                tracing::error!(subscription.id = %one.id, %error, "criteria that were taken are not understood any more");
                continue;
            }
        };
        let mut met = parts(server, query.kind, &told);
        met.retain(|entry| matches(&query, &entry.resource, server));
        // Who gets no resource along is told once.
        if one.payload.is_none() {
            met.truncate(1);
        }
        for entry in met {
            let about = format!("{}/{}", query.kind.name(), entry.id);
            deliveries::owe(tx, notice(study, &told.record, &one, &about, hold)).await?;
        }
    }
    Ok(())
}

/// Its destination is the receiver by its name; the detail says which subscription, and which resource.
fn notice(
    study: &study::Model,
    record: &ResultRecord,
    one: &subscription::Model,
    about: &str,
    hold: Option<&str>,
) -> Owed {
    let kind = DeliveryKind::FhirNotice;
    let (state, words) = beginning(&study.link, kind, hold);
    Owed {
        site: SiteId(study.site.clone()),
        study: record.study,
        result: Some(record.id),
        kind,
        destination: one.receiver.clone(),
        dedup_key: format!("{}:{}:{}:{about}", record.id, kind.text(), one.id),
        state,
        words,
        detail: Some(format!("{} {about}", one.id)),
    }
}
