//! Jobs: asks an archive that has taken an object to keep it safe, and looks a day later whether it has said that it does.
//! What it says comes to the listener.

use tocsin_domain::commitment::PATIENCE;
use tocsin_domain::ids::DeliveryId;
use tocsin_domain::part10::FileMeta;
use tocsin_domain::work::Work;

use super::deliver::rendered;
use super::env::{Archive, Env};
use crate::deliver::chain;
use crate::deliver::dicom::{DeliverError, ask_to_keep};
use crate::jobs::JobError;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, commitments, deliveries, timeline};

pub async fn run(env: &Env, lease: &Lease, id: DeliveryId) -> Result<(), JobError> {
    let row = deliveries::get(env.store.read(), id).await?;
    let mut archives = env.settings.archives.iter();
    let archive = archives.find(|archive| archive.name == row.destination);
    let archive = archive.and_then(Archive::committing);
    let (Some(archive), Some(file)) = (archive, rendered(env, &row)?) else {
        return complete(env, lease).await;
    };
    let (meta, _) = FileMeta::read(&file).map_err(|error| JobError::Fail(error.to_string()))?;
    let (held, destination) = (lease.clone(), row.destination.clone());
    let transaction = env
        .store
        .write(move |tx| {
            Box::pin(async move {
                leases::fence(tx, &held).await?;
                commitments::ask(tx, id, &destination).await
            })
        })
        .await?;
    let (class, instance) = (meta.sop_class.as_str(), meta.sop_instance.as_str());
    ask_to_keep(archive, &transaction, class, instance)
        .await
        .map_err(|error| match error {
            DeliverError::CommitmentNotAccepted => JobError::Fail(error.to_string()),
            other => JobError::Retry(chain(&other)),
        })?;
    let lease = lease.clone();
    let later = Work::CheckKeeping {
        delivery: id,
        transaction: transaction.clone(),
    };
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let terms = Terms::once(format!("check_keeping:{transaction}")).at(tx.now() + PATIENCE);
                jobs::enqueue(tx, &later, terms).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn complete(env: &Env, lease: &Lease) -> Result<(), JobError> {
    let lease = lease.clone();
    env.store
        .write(move |tx| Box::pin(async move { leases::complete(tx, &lease).await }))
        .await?;
    Ok(())
}

pub async fn check(env: &Env, lease: &Lease, id: DeliveryId, transaction: &str) -> Result<(), JobError> {
    let (lease, transaction) = (lease.clone(), transaction.to_owned());
    let silent = env
        .store
        .write(move |tx| {
            Box::pin(async move {
                let silent = commitments::silent(tx, id, &transaction).await?;
                if silent {
                    unanswered(tx, id, "has not said within a day whether it keeps it").await?;
                }
                leases::complete(tx, &lease).await?;
                Ok(silent)
            })
        })
        .await?;
    if silent {
        tracing::warn!(delivery.id = %id, "an archive has not said within a day whether it keeps an object");
    }
    Ok(())
}

/// The archive could not be asked.
pub async fn given_up(env: &Env, id: DeliveryId, reason: &str) -> Result<(), StoreError> {
    let reason = format!("was not asked to keep it: {reason}");
    env.store
        .write(move |tx| Box::pin(async move { unanswered(tx, id, &reason).await }))
        .await
}

async fn unanswered(tx: &crate::storage::Tx, id: DeliveryId, what: &str) -> Result<(), StoreError> {
    let row = deliveries::get(tx.conn(), id).await?;
    let study = row
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the delivery"))?;
    let detail = format!("{}: {} {what}", row.kind, row.destination);
    timeline::note(tx, study, "commitment", detail).await
}
