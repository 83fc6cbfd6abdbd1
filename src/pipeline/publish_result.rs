//! Job: decides which outputs of a result are owed to whom. Rendering waits for the delivery, which fixes the bytes before
//! its first attempt.

use tocsin_domain::finding::{DisplayPolicy, ResultRecord};
use tocsin_domain::ids::{ResultId, SiteId};
use tocsin_domain::work::Work;

use super::env::{Env, Settings};
use super::tell_ris::RIS;
use crate::jobs::JobError;
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState, Owed};
use crate::storage::entity::study;
use crate::storage::jobs::{self, Lease, Terms};
use crate::storage::outbox::held_because;
use crate::storage::{StoreError, Tx, results, studies};

pub async fn run(env: &Env, lease: &Lease, id: ResultId) -> Result<(), JobError> {
    let (lease, settings) = (lease.clone(), env.settings.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let record = results::record_of(&results::get(tx.conn(), id).await?)?;
                let study = studies::lock(tx, record.study).await?;
                for (kind, destination) in outputs(&record, &settings) {
                    owe(tx, &study, &record, kind, destination).await?;
                }
                jobs::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

fn outputs(record: &ResultRecord, settings: &Settings) -> Vec<(DeliveryKind, String)> {
    let mut wanted = Vec::new();
    for archive in &settings.archives {
        if archive.structured_report {
            wanted.push((DeliveryKind::StructuredReport, archive.peer.ae_title.clone()));
        }
        let shows = record
            .findings
            .iter()
            .any(|f| f.flagged && f.key_instance.is_some())
            && record.model.display_policy == DisplayPolicy::PreviewWithMarks;
        if archive.key_image && shows {
            wanted.push((DeliveryKind::KeyImage, archive.peer.ae_title.clone()));
        }
    }
    if settings.ris_enabled {
        wanted.push((DeliveryKind::ResultMessage, RIS.to_owned()));
    }
    wanted
}

async fn owe(
    tx: &Tx,
    study: &study::Model,
    record: &ResultRecord,
    kind: DeliveryKind,
    destination: String,
) -> Result<(), StoreError> {
    let hold = held_because(&study.link, kind);
    let owed = Owed {
        site: SiteId(study.site.clone()),
        study: record.study,
        result: Some(record.id),
        kind,
        dedup_key: format!("{}:{}:{destination}", record.id, kind.text()),
        destination,
        state: if hold.is_some() {
            DeliveryState::Held
        } else {
            DeliveryState::Pending
        },
        detail: None,
    };
    let Some(delivery) = deliveries::owe(tx, owed).await? else {
        return Ok(());
    };
    if hold.is_none() {
        jobs::enqueue(tx, &Work::Deliver { delivery }, Terms::now()).await?;
    }
    Ok(())
}
