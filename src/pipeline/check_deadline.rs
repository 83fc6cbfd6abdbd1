//! Job: looks whether a study has stood still past its deadline, and marks it so. A stuck study keeps its place on the list;
//! people see that something did not happen.

use chrono::TimeDelta;
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::StudyId;
use tocsin_domain::work::Work;

use super::env::Env;
use crate::jobs::JobError;
use crate::storage::analyses;
use crate::storage::jobs::{self, Lease, Terms};
use crate::storage::{StoreError, Tx, studies, timeline};

/// A study that is still moving is looked at again after this.
const AGAIN: TimeDelta = TimeDelta::minutes(5);

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let lease = lease.clone();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                check(tx, id).await?;
                jobs::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn check(tx: &Tx, id: StudyId) -> Result<(), StoreError> {
    let row = studies::get(tx.conn(), id).await?;
    let mut open = Vec::new();
    for analysis in analyses::of_study(tx.conn(), id).await? {
        if !analyses::state_of(&analysis)?.is_final() {
            open.push(format!("{} is {}", analysis.model, analysis.state));
        }
    }
    let unsettled = row.state != "settled";
    if !unsettled && open.is_empty() {
        return Ok(());
    }
    let quiet = tx.now() - from_micros(row.last_instance_at);
    if quiet >= studies::DEADLINE {
        let why = if unsettled {
            format!("the study is {}", row.state)
        } else {
            open.join(", ")
        };
        return timeline::note(
            tx,
            id,
            "stuck",
            format!("nothing has moved for {} min: {why}", quiet.num_minutes()),
        )
        .await;
    }
    let again = Terms::once(key(id)).at(tx.now() + AGAIN);
    jobs::enqueue(tx, &Work::CheckStudyDeadline { study: id }, again).await
}

pub fn key(id: StudyId) -> String {
    format!("deadline:{id}")
}

/// A job about this study was given up.
pub async fn stuck(env: &Env, id: StudyId, job: &'static str, reason: &str) -> Result<(), StoreError> {
    let detail = format!("{job}: {reason}");
    env.store
        .write(move |tx| Box::pin(async move { timeline::note(tx, id, "stuck", detail).await }))
        .await
}
