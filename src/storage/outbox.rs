//! What may go out now, and putting it on its way: for results that are published, for links that became sure, and for
//! people who decide or send again.

use tocsin_domain::ids::StudyId;
use tocsin_domain::work::Work;

use super::deliveries::{self, DeliveryKind, DeliveryState};
use super::entity::delivery;
use super::error::StoreError;
use super::holds;
use super::jobs::{self, Requeued};
use super::store::Tx;

/// Why nothing may go out yet: a conflict names the wrong patient to somebody, and without its order a message has nobody
/// to name.
pub fn held_because(link: &str, kind: DeliveryKind) -> Option<&'static str> {
    match (link, kind) {
        ("linked", _) => None,
        ("conflict", _) => Some("its order and its images disagree; a person has to decide"),
        (
            _,
            DeliveryKind::PriorityChange
            | DeliveryKind::ResultMessage
            | DeliveryKind::Rejection
            | DeliveryKind::FhirNotice,
        ) => Some("no order is known for this study"),
        (
            _,
            DeliveryKind::StructuredReport
            | DeliveryKind::KeyImage
            | DeliveryKind::Segmentation
            | DeliveryKind::RejectionNote
            | DeliveryKind::FhircastUpdate,
        ) => None,
    }
}

/// How something begins that is owed: held, with why, or on its way. `hold` is why its result waits for a radiologist.
pub fn beginning(link: &str, kind: DeliveryKind, hold: Option<&str>) -> (DeliveryState, Option<String>) {
    match hold.or_else(|| held_because(link, kind)) {
        Some(because) => (DeliveryState::Held, Some(because.to_owned())),
        None => (DeliveryState::Pending, None),
    }
}

/// What was held goes out once nothing holds it any more. How many deliveries that frees.
pub async fn release_held(tx: &Tx, id: StudyId, link: &str) -> Result<usize, StoreError> {
    let waiting = holds::results_of(tx.conn(), id).await?;
    let mut freed = 0;
    for row in deliveries::of_study(tx.conn(), id).await? {
        let waits = deliveries::state_of(&row)? == DeliveryState::Held;
        let by_policy = row.result_id.as_ref().is_some_and(|id| waiting.contains(id));
        if waits && !by_policy && held_because(link, deliveries::kind_of(&row)?).is_none() {
            deliveries::forget_message(tx, deliveries::id_of(&row)?).await?;
            send(tx, &row).await?;
            freed += 1;
        }
    }
    Ok(freed)
}

/// Puts a delivery on its way, again or for the first time, by one job at most.
pub async fn send(tx: &Tx, row: &delivery::Model) -> Result<Requeued, StoreError> {
    let delivery = deliveries::id_of(row)?;
    deliveries::reopen(tx, delivery).await?;
    let terms = deliveries::terms(delivery, &row.destination, &row.study_id);
    jobs::requeue(tx, &Work::Deliver { delivery }, terms).await
}
