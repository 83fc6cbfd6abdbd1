//! Decides whether the RIS must hear of a changed reading priority. It hears of a raise, and of the end of one; it is
//! never asked to go below what its own order said.

use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::order::OrderState;
use tocsin_domain::worklist::Band;

use super::env::Settings;
use super::triage_study::Case;
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState, Owed};
use crate::storage::{StoreError, Tx, orders, timeline};

/// The RIS among the destinations of deliveries.
pub const RIS: &str = "ris";

pub async fn reconcile(
    tx: &Tx,
    id: StudyId,
    case: &Case,
    band: Band,
    settings: &Settings,
) -> Result<(), StoreError> {
    let (true, Some(order), Some(order_id)) = (settings.ris_enabled, &case.order, &case.study.order_id)
    else {
        return Ok(());
    };
    // After the procedure was cancelled or reported there is nothing left to put first.
    if order.state == OrderState::Cancelled || !case.study.on_worklist {
        return Ok(());
    }
    let told: Vec<_> = deliveries::of_study(tx.conn(), id)
        .await?
        .into_iter()
        .filter(|d| d.kind == DeliveryKind::PriorityChange.text())
        .collect();
    let Some(row) = orders::by_id(tx.conn(), order_id).await? else {
        return Ok(());
    };
    // Whoever changed the order after we asked for another priority knows it by the order, not by what we asked for.
    let asked = match orders::stands_as_raised(&row, order) {
        true => told.last().and_then(|d| d.detail.clone()),
        false => None,
    };
    let known = asked.unwrap_or_else(|| case.human_band.text().to_owned());
    if known == band.text() {
        return Ok(());
    }
    orders::remember_raise(tx, row, order.priority.clone()).await?;
    let owed = Owed {
        site: SiteId(case.study.site.clone()),
        study: id,
        result: case.records.first().map(|record| record.id),
        kind: DeliveryKind::PriorityChange,
        destination: RIS.to_owned(),
        dedup_key: format!("priority:{id}:{}", told.len() + 1),
        state: DeliveryState::Pending,
        words: None,
        detail: Some(band.text().to_owned()),
    };
    if deliveries::owe(tx, owed).await?.is_none() {
        return Ok(());
    }
    timeline::note(
        tx,
        id,
        "priority_change_owed",
        format!("{known} to {}", band.text()),
    )
    .await
}
