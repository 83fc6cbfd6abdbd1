//! A person's word on which order a study belongs to. It stands above what the program would decide, and frees what was
//! held for it.

use sea_orm::ActiveValue::Set;
use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::work::Work;

use super::entity::{imaging_order, study};
use super::error::StoreError;
use super::jobs::{self, Terms};
use super::patients::Imaged;
use super::store::Tx;
use super::{orders, outbox, patients, studies, timeline};

/// Orders that are offered at most.
const SUGGESTIONS: u64 = 20;

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The order of this id.
    Order(String),
    /// No order that we know is this study's.
    NoOrder,
}

/// What came of it.
pub struct Resolved {
    pub study: study::Model,
    /// Deliveries that were held and are on their way now.
    pub released: usize,
}

/// Orders that may be the study's: of its UID, its accession number, or its patient.
pub async fn suggestions(
    conn: &impl sea_orm::ConnectionTrait,
    row: &study::Model,
    default_authority: &str,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    let site = SiteId(row.site.clone());
    let mut found = orders::candidates(conn, &site, &row.study_uid, row.accession.as_deref()).await?;
    let patient = match patients::imaged(conn, row, default_authority).await? {
        Some(Imaged::Record(id)) => Some(id),
        Some(Imaged::Unknown(_)) | None => None,
    };
    let more = orders::suggested(
        conn,
        &site,
        patient.as_deref(),
        row.accession.as_deref(),
        SUGGESTIONS,
    )
    .await?;
    for order in more {
        if !found.iter().any(|known| known.id == order.id) {
            found.push(order);
        }
    }
    Ok(found)
}

/// Records the decision, frees what it frees, and has the rules run again.
pub async fn resolve(tx: &Tx, id: StudyId, decision: &Decision, by: &str) -> Result<Resolved, StoreError> {
    let row = studies::lock(tx, id).await?;
    if row.link == "linked" && row.link_resolved_by.is_none() {
        return Err(StoreError::Refused(format!(
            "the study {id} is linked to its order already, {}; expected one that is unmatched or in conflict",
            row.link_detail.unwrap_or_default()
        )));
    }
    let (link, order, said) = match decision {
        Decision::Order(order) => {
            let order = order_at(tx, &row.site, order).await?;
            let said = format!("to order {order} by decision of {by}");
            ("linked", Some(order), said)
        }
        Decision::NoOrder => ("unmatched", None, format!("no order is this study's, says {by}")),
    };
    let mut row: study::ActiveModel = row.into();
    row.link = Set(link.to_owned());
    row.link_detail = Set(Some(said.clone()));
    row.link_resolved_by = Set(Some(by.to_owned()));
    row.order_id = Set(order);
    let study = studies::save(tx, row).await?;
    timeline::note(tx, id, "link_resolved", said).await?;
    let released = outbox::release_held(tx, id, link).await?;
    let again = Work::TriageStudy { study: id };
    jobs::enqueue(tx, &again, Terms::triage(id)).await?;
    Ok(Resolved { study, released })
}

async fn order_at(tx: &Tx, site: &str, id: &str) -> Result<String, StoreError> {
    orders::by_id(tx.conn(), id)
        .await?
        .filter(|order| order.site == site)
        .map(|order| order.id)
        .ok_or(StoreError::Missing("order at this study's site"))
}
