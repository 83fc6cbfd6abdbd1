//! Looks for the order of a study and records how sure that is. The decision is `tocsin_domain::link`; here are the rows.

use sea_orm::ActiveValue::Set;
use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::link::{self, Candidate, Link};
use tocsin_domain::phi::PatientIdentifier;

use super::apply_message::qualified;
use super::reported;
use crate::storage::entity::{imaging_order, study};
use crate::storage::outbox::release_held;
use crate::storage::{StoreError, Tx, orders, patients, studies, timeline};

/// Links the study afresh, unless a person has decided. `true` when the link changed.
pub async fn relink(tx: &Tx, id: StudyId, authority: &str) -> Result<bool, StoreError> {
    let row = studies::lock(tx, id).await?;
    if row.link_resolved_by.is_some() {
        return Ok(false);
    }
    let site = SiteId(row.site.clone());
    let found = orders::candidates(tx.conn(), &site, &row.study_uid, row.accession.as_deref()).await?;
    let imaged = imaged_patient(tx, &site, &row, authority).await?;
    let mut candidates = Vec::with_capacity(found.len());
    for order in &found {
        candidates.push(candidate(tx, order, &row.study_uid).await?);
    }
    let decision = link::decide(imaged.as_deref(), &candidates);
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

/// The record that the images' patient id leads to after merges, or the id itself where no message spoke of it.
async fn imaged_patient(
    tx: &Tx,
    site: &SiteId,
    row: &study::Model,
    authority: &str,
) -> Result<Option<String>, StoreError> {
    let Some(value) = row.patient_identifier.clone() else {
        return Ok(None);
    };
    let said = row.patient_authority.clone().unwrap_or_default();
    // Images rarely name an issuer; the identifier is then the site's own, as in messages.
    let identifier = qualified(
        &PatientIdentifier {
            value,
            authority: said,
        },
        authority,
    );
    if let Some(known) = patients::find(tx.conn(), site, &identifier).await? {
        return Ok(Some(patients::survivor(tx.conn(), known).await?.id));
    }
    let unknown = format!("{}^{}", identifier.authority, identifier.value);
    if !identifier.authority.is_empty() {
        return Ok(Some(unknown));
    }
    Ok(Some(
        only_bearer(tx, site, &identifier.value).await?.unwrap_or(unknown),
    ))
}

/// Where neither the images nor the configuration say whose number it is, one patient who has it is meant; of several, none.
async fn only_bearer(tx: &Tx, site: &SiteId, value: &str) -> Result<Option<String>, StoreError> {
    let mut bearers = Vec::new();
    for record in patients::of_value(tx.conn(), site, value).await? {
        bearers.push(patients::survivor(tx.conn(), record).await?.id);
    }
    bearers.sort_unstable();
    bearers.dedup();
    Ok(if bearers.len() == 1 { bearers.pop() } else { None })
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
