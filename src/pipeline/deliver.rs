//! Job: sends one message or object and records the answer. What is sent is rendered once and kept, so that every attempt
//! sends the same bytes under the same control id or UID.

mod dicom;
mod fhircast;
mod hl7;
mod hook;
pub mod outputs;
mod pictures;
mod rejection;
mod sources;

pub(super) use dicom::rendered;
pub(super) use fhircast::is_flagged;

use chrono::TimeDelta;
use tocsin_domain::ids::DeliveryId;
use tocsin_domain::work::Work;

use super::env::Env;
use crate::jobs::JobError;
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState};
use crate::storage::entity::{delivery, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::outbox::held_because;
use crate::storage::{StoreError, Tx, pauses, studies, timeline};

/// How soon what is owed to a paused destination finds that the pause is over.
const LOOKS_AGAIN: std::time::Duration = std::time::Duration::from_secs(15);

/// How long the application of a receiver may take to answer before a person is told that it has not.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
const SILENT: &str = "its receiver has it, and the application there has not answered in ten minutes";

/// How an attempt ended.
pub(super) enum Attempt {
    Confirmed {
        note: String,
    },
    /// The receiver has it and answers for its application later.
    Committed,
    Refused {
        reason: String,
    },
    /// May work later, and is tried until it does.
    Retry {
        reason: String,
    },
    /// Not yet, for a reason that is no fault; looked at again after a while.
    Later {
        reason: String,
        pause: std::time::Duration,
    },
    /// Nobody is to get it any more.
    Needless {
        reason: String,
    },
}

pub async fn run(env: &Env, lease: &Lease, id: DeliveryId) -> Result<(), JobError> {
    let held = lease.clone();
    let due = env
        .store
        .write(move |tx| Box::pin(async move { begin(tx, &held, id).await }))
        .await?;
    let (row, study) = match due {
        Due::Now(row, study) => (*row, *study),
        Due::Nothing => return Ok(()),
        Due::Paused { reason } => {
            let pause = LOOKS_AGAIN;
            return Err(JobError::RetryAfter { reason, pause });
        }
    };
    let attempt = match deliveries::kind_of(&row)? {
        DeliveryKind::PriorityChange | DeliveryKind::ResultMessage | DeliveryKind::Rejection => {
            hl7::send(env, &row, &study).await?
        }
        DeliveryKind::StructuredReport
        | DeliveryKind::KeyImage
        | DeliveryKind::Segmentation
        | DeliveryKind::RejectionNote => dicom::send(env, &row, &study).await?,
        DeliveryKind::FhirNotice => hook::send(env, &row).await?,
        DeliveryKind::FhircastUpdate => fhircast::send(env, &row, &study).await?,
    };
    end(env, lease, id, row, attempt).await
}

/// Whether there is something to send.
enum Due {
    Now(Box<delivery::Model>, Box<study::Model>),
    /// The job is done.
    Nothing,
    /// Somebody has stopped what goes there.
    Paused {
        reason: String,
    },
}

async fn begin(tx: &Tx, lease: &Lease, id: DeliveryId) -> Result<Due, StoreError> {
    leases::fence(tx, lease).await?;
    let row = deliveries::get(tx.conn(), id).await?;
    if row.state == DeliveryState::Committed.text() {
        deliveries::settle(tx, id, DeliveryState::Committed, Some(SILENT.to_owned())).await?;
    }
    let study_id = row
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the delivery"))?;
    let study = studies::get(tx.conn(), study_id).await?;
    let waits = row.state == DeliveryState::Pending.text();
    // The link may have turned into a conflict since this was queued.
    let hold = held_because(&study.link, deliveries::kind_of(&row)?);
    if let (true, Some(reason)) = (waits, hold) {
        deliveries::set_state(tx, id, DeliveryState::Held, Some(reason.to_owned())).await?;
    }
    if !waits || hold.is_some() {
        leases::complete(tx, lease).await?;
        return Ok(Due::Nothing);
    }
    if let Some(pause) = pauses::of(tx.conn(), &row.destination).await? {
        let reason = format!("paused: {}", pause.reason);
        deliveries::set_state(tx, id, DeliveryState::Pending, Some(reason.clone())).await?;
        return Ok(Due::Paused { reason });
    }
    Ok(Due::Now(Box::new(row), Box::new(study)))
}

async fn end(
    env: &Env,
    lease: &Lease,
    id: DeliveryId,
    row: delivery::Model,
    attempt: Attempt,
) -> Result<(), JobError> {
    let later = |reason: String, pause| JobError::RetryAfter { reason, pause };
    let (state, error, retry) = match attempt {
        Attempt::Confirmed { note } => (
            DeliveryState::Confirmed,
            Some(note).filter(|n| !n.is_empty()),
            None,
        ),
        Attempt::Committed => (DeliveryState::Committed, None, None),
        Attempt::Refused { reason } => (DeliveryState::Refused, Some(reason), None),
        Attempt::Needless { reason } => (DeliveryState::Cancelled, Some(reason), None),
        Attempt::Retry { reason } => (
            DeliveryState::Pending,
            Some(reason.clone()),
            Some(JobError::Retry(reason)),
        ),
        Attempt::Later { reason, pause } => (
            DeliveryState::Pending,
            Some(reason.clone()),
            Some(later(reason, pause)),
        ),
    };
    let (lease, done) = (lease.clone(), retry.is_none());
    let keep = state == DeliveryState::Confirmed && is_to_be_kept(env, &row)?;
    let settled = env
        .store
        .write(move |tx| {
            Box::pin(async move {
                let now = deliveries::state_of(&deliveries::get(tx.conn(), id).await?)?;
                if now != DeliveryState::Pending {
                    // The application there was faster with its answer than its listener with the commit answer.
                    leases::complete(tx, &lease).await?;
                    return Ok(true);
                }
                deliveries::set_state(tx, id, state, error).await?;
                if done {
                    let study = row
                        .study_id
                        .parse()
                        .map_err(|_| StoreError::Missing("study of the delivery"))?;
                    let detail = format!("{} {} by {}", row.kind, state.text(), row.destination);
                    timeline::note(tx, study, "delivery", detail).await?;
                    if keep {
                        let terms = Terms::once(format!("keep:{id}"));
                        jobs::enqueue(tx, &Work::AskToKeep { delivery: id }, terms).await?;
                    }
                    leases::complete(tx, &lease).await?;
                }
                if state == DeliveryState::Committed {
                    let look = Terms::once(format!("deliver:{id}")).at(tx.now() + PATIENCE);
                    jobs::enqueue(tx, &Work::Deliver { delivery: id }, look).await?;
                }
                Ok(done)
            })
        })
        .await?;
    match retry {
        Some(again) if !settled => Err(again),
        Some(_) | None => Ok(()),
    }
}

/// Whether the archive that has taken an object is asked to keep it safe.
fn is_to_be_kept(env: &Env, row: &delivery::Model) -> Result<bool, StoreError> {
    Ok(match deliveries::kind_of(row)? {
        DeliveryKind::StructuredReport | DeliveryKind::KeyImage | DeliveryKind::Segmentation => {
            let archives = &env.settings.archives;
            archives
                .iter()
                .any(|archive| archive.name == row.destination && archive.committing().is_some())
        }
        DeliveryKind::PriorityChange
        | DeliveryKind::ResultMessage
        | DeliveryKind::Rejection
        | DeliveryKind::RejectionNote
        | DeliveryKind::FhirNotice
        | DeliveryKind::FhircastUpdate => false,
    })
}

/// A delivery that was given up is shown as refused, with the reason.
pub async fn given_up(env: &Env, id: DeliveryId, reason: &str) -> Result<(), StoreError> {
    let reason = reason.to_owned();
    env.store
        .write(move |tx| {
            Box::pin(async move { deliveries::set_state(tx, id, DeliveryState::Refused, Some(reason)).await })
        })
        .await
}
