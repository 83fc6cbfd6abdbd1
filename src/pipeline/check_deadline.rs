//! Job: looks whether a study has stood still past its deadline, and marks it so. A stuck study keeps its place on the list;
//! people see that something did not happen.

use sea_orm::ActiveValue::Set;
use tocsin_domain::assemble::{Deadline, DeadlineLimits, StuckBecause, deadline};
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::StudyId;
use tocsin_domain::work::Work;

use super::env::Env;
use crate::jobs::JobError;
use crate::storage::analyses;
use crate::storage::entity::study;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, Tx, studies, timeline};

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let lease = lease.clone();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                check(tx, id).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn check(tx: &Tx, id: StudyId) -> Result<(), StoreError> {
    let row = studies::lock(tx, id).await?;
    let mut open = Vec::new();
    for analysis in analyses::of_study(tx.conn(), id).await? {
        if !analyses::state_of(&analysis)?.is_final() {
            open.push(format!("{} is {}", analysis.model, analysis.state));
        }
    }
    let why = match row.state.as_str() {
        "stuck" => return Ok(()),
        "settled" if open.is_empty() => return Ok(()),
        "settled" => open.join(", "),
        state => format!("the study is {state}"),
    };
    let progress = timeline::last(tx.conn(), id)
        .await?
        .unwrap_or(row.last_instance_at);
    let (first, limits) = (from_micros(row.arrived_at), DeadlineLimits::default());
    match deadline(first, from_micros(progress), &limits, tx.now()) {
        Deadline::Within { until } => {
            let again = Terms::once(key(id)).at(until);
            jobs::enqueue(tx, &Work::CheckStudyDeadline { study: id }, again).await
        }
        Deadline::Stuck { because, .. } => {
            let what = match because {
                StuckBecause::NoProgress => "nothing has moved",
                StuckBecause::TooLong => "it has taken",
            };
            let minutes = match because {
                StuckBecause::NoProgress => limits.idle.num_minutes(),
                StuckBecause::TooLong => limits.total.num_minutes(),
            };
            mark(tx, row, id, format!("{what} for {minutes} min: {why}")).await
        }
    }
}

/// Shown as stuck until it moves again: what is still to come looks at the study afresh.
async fn mark(tx: &Tx, row: study::Model, id: StudyId, detail: String) -> Result<(), StoreError> {
    timeline::note(tx, id, "stuck", detail).await?;
    let mut row: study::ActiveModel = row.into();
    row.state = Set("stuck".to_owned());
    studies::save(tx, row).await.map(|_| ())
}

pub fn key(id: StudyId) -> String {
    format!("deadline:{id}")
}

/// A job about this study was given up.
pub async fn stuck(env: &Env, id: StudyId, job: &'static str, reason: &str) -> Result<(), StoreError> {
    let detail = format!("{job}: {reason}");
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let row = studies::lock(tx, id).await?;
                mark(tx, row, id, detail).await
            })
        })
        .await
}

/// Something happened to the study after all; whether it is complete is decided again.
pub async fn moved(tx: &Tx, id: StudyId) -> Result<(), StoreError> {
    let row = studies::get(tx.conn(), id).await?;
    if row.state != "stuck" {
        return Ok(());
    }
    jobs::enqueue(tx, &Work::AssembleStudy { study: id }, Terms::assembly(id)).await
}
