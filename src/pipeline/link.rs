//! Looks for the order of a study and records how sure that is. The decision is `tocsin_domain::link`; here are the rows.

use sea_orm::ActiveValue::Set;
use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::link::{self, Candidate, Link, Unmatched};
use tocsin_domain::reading::Ending;

use super::reported;
use crate::storage::entity::{imaging_order, study};
use crate::storage::outbox::release_held;
use crate::storage::patients::Imaged;
use crate::storage::{StoreError, Tx, orders, patients, readings, studies, timeline};

/// Links the study afresh, unless a person has decided. `true` when the link changed.
pub async fn relink(tx: &Tx, id: StudyId, authority: &str) -> Result<bool, StoreError> {
    let row = studies::lock(tx, id).await?;
    if row.link_resolved_by.is_some() {
        return Ok(false);
    }
    let site = SiteId(row.site.clone());
    let found = orders::candidates(tx.conn(), &site, &row.study_uid, row.accession.as_deref()).await?;
    let imaged = patients::imaged(tx.conn(), &row, authority).await?;
    let mut candidates = Vec::with_capacity(found.len());
    for order in &found {
        candidates.push(candidate(tx, order, &row.study_uid).await?);
    }
    let decision = link::decide(imaged.as_ref().map(Imaged::name).as_deref(), &candidates);
    record(tx, id, row, &found, decision).await
}

async fn record(
    tx: &Tx,
    id: StudyId,
    row: study::Model,
    found: &[imaging_order::Model],
    decision: Link,
) -> Result<bool, StoreError> {
    let (state, detail, order) = match decision {
        Link::Linked { candidate, by } => ("linked", by.text().to_owned(), found.get(candidate)),
        Link::Unmatched(reason) => ("unmatched", reason.text().to_owned(), None),
        Link::Conflict(conflict) => ("conflict", conflict.text().to_owned(), None),
    };
    let order_id = order.map(|order| order.id.clone());
    let changed = row.link != state || row.order_id != order_id;
    if changed {
        timeline::note(tx, id, &format!("link_{state}"), detail.clone()).await?;
    }
    if decision == Link::Unmatched(Unmatched::OnlyCancelled) {
        readings::end_standing(tx, &row, Ending::OrderCancelled).await?;
    }
    let mut row: study::ActiveModel = row.into();
    row.link = Set(state.to_owned());
    row.link_detail = Set(Some(detail));
    row.order_id = Set(order_id);
    studies::save(tx, row).await?;
    if changed {
        release_held(tx, id, state).await?;
    }
    if let Some(order) = order {
        reported::adopt(tx, id, &order.id).await?;
    }
    Ok(changed)
}

async fn candidate(tx: &Tx, order: &imaging_order::Model, study_uid: &str) -> Result<Candidate, StoreError> {
    let patient = match &order.patient_id {
        Some(id) => match patients::by_id(tx.conn(), id).await? {
            Some(row) => Some(patients::survivor(tx.conn(), row).await?.id),
            None => None,
        },
        None => None,
    };
    Ok(Candidate {
        names_study_uid: order.study_uid.as_deref() == Some(study_uid),
        patient,
        cancelled: order.state == "cancelled",
    })
}
