//! Decides that the RIS hears of images that a model could not read. Said once for each model and reason; what becomes of the images is
//! for people, on the technologist's list.

use sha2::{Digest, Sha256};
use tocsin_domain::finding::ModelRef;
use tocsin_domain::ids::SiteId;

use super::env::Settings;
use super::tell_ris::RIS;
use crate::storage::deliveries::{self, DeliveryKind, Owed};
use crate::storage::entity::study;
use crate::storage::outbox::beginning;
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, studies};

/// Owes the note, held where the study's order is not known.
pub async fn owe(
    tx: &Tx,
    settings: &Settings,
    study: &study::Model,
    model: &ModelRef,
    reason: &str,
) -> Result<(), StoreError> {
    if !settings.ris_enabled || Purpose::of(study) == Purpose::Comparison {
        return Ok(());
    }
    let kind = DeliveryKind::Rejection;
    let why = format!("{} {}: {reason}", model.name, model.version);
    let (state, words) = beginning(&study.link, kind, None);
    let owed = Owed {
        site: SiteId(study.site.clone()),
        study: studies::id_of(study)?,
        result: None,
        kind,
        destination: RIS.to_owned(),
        dedup_key: format!("rejection:{}:{}", study.id, hex::encode(Sha256::digest(&why))),
        state,
        words,
        detail: Some(why),
    };
    deliveries::owe(tx, owed).await.map(|_| ())
}
