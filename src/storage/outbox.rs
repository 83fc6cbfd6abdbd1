//! What may go out now, and putting it on its way: for results that are published, for links that became sure, and for
//! people who decide or send again.

use tocsin_domain::ids::StudyId;
use tocsin_domain::work::Work;

use super::deliveries::{self, DeliveryKind, DeliveryState};
use super::entity::delivery;
use super::error::StoreError;
use super::jobs::{self, Requeued, Terms};
use super::store::Tx;
use super::studies;

/// Why nothing may go out yet: a conflict names the wrong patient to somebody, and without its order a message has nobody
/// to name.
pub fn held_because(link: &str, kind: DeliveryKind) -> Option<&'static str> {
    match (link, kind) {
        ("linked", _) => None,
        ("conflict", _) => Some("its order and its images disagree; a person has to decide"),
        (_, DeliveryKind::PriorityChange | DeliveryKind::ResultMessage) => {
            Some("no order is known for this study")
        }
        (_, DeliveryKind::StructuredReport | DeliveryKind::KeyImage) => None,
    }
}

/// What was held goes out once nothing holds it any more. How many deliveries that frees.
pub async fn release_held(tx: &Tx, id: StudyId, link: &str) -> Result<usize, StoreError> {
    let mut freed = 0;
    for row in deliveries::of_study(tx.conn(), id).await? {
        let waits = deliveries::state_of(&row)? == DeliveryState::Held;
        if waits && held_because(link, deliveries::kind_of(&row)?).is_none() {
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
    let terms = Terms {
        order_key: order_key(tx, row).await?,
        ..Terms::now()
    };
    jobs::requeue(tx, &Work::Deliver { delivery }, terms).await
}

/// Changes of one order's priority go out one after another.
async fn order_key(tx: &Tx, row: &delivery::Model) -> Result<Option<String>, StoreError> {
    match deliveries::kind_of(row)? {
        DeliveryKind::PriorityChange => {
            let study = row
                .study_id
                .parse()
                .map_err(|_| StoreError::Missing("study of the delivery"))?;
            let order = studies::get(tx.conn(), study).await?.order_id;
            Ok(order.map(|order| format!("ris:{order}")))
        }
        DeliveryKind::ResultMessage | DeliveryKind::StructuredReport | DeliveryKind::KeyImage => Ok(None),
    }
}
