//! Job: decides, per model in force, whether it runs on the study and on which series, and says why where it does not.

use sha2::{Digest, Sha256};
use tocsin_domain::admit::{Admission, Arrival, admit};
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::study::StudyFacts;
use tocsin_domain::work::Work;

use super::env::{Env, Settings};
use super::models::{AbsentModel, ActiveModel};
use super::tell_rejection;
use crate::jobs::JobError;
use crate::storage::analyses::{self, AnalysisState, Subject};
use crate::storage::entity::{series, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, Tx, instances, studies, timeline};

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let (lease, models, absent) = (lease.clone(), env.models.clone(), env.absent_models.clone());
    let settings = env.settings.clone();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let row = studies::lock(tx, id).await?;
                if let Some(facts) = studies::facts_of(&row)? {
                    let series = studies::series_of(tx.conn(), id).await?;
                    for model in models.iter() {
                        decide(tx, &settings, &row, &facts, &series, model).await?;
                    }
                    for model in absent.iter() {
                        tell_absent(tx, id, model).await?;
                    }
                }
                jobs::enqueue(tx, &Work::TriageStudy { study: id }, Terms::triage(id)).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn decide(
    tx: &Tx,
    settings: &Settings,
    row: &study::Model,
    facts: &StudyFacts,
    series: &[series::Model],
    model: &ActiveModel,
) -> Result<(), StoreError> {
    let id = studies::id_of(row)?;
    let ready: Vec<Uid> = series
        .iter()
        .filter(|s| s.state == "ready")
        .filter_map(|s| Uid::parse(&s.series_uid).ok())
        .collect();
    let arrival = if row.state == "settled" {
        Arrival::Settled
    } else {
        Arrival::Arriving { ready: &ready }
    };
    match admit(&model.criteria, facts, arrival) {
        Admission::Run { series_uid, why, .. } => queue(tx, id, series, model, &series_uid, &why).await,
        Admission::NotEligible { reason } => note(tx, id, model, AnalysisState::NotEligible, &reason).await,
        Admission::QualityRejected { reasons, .. } => {
            let text = reasons.into_iter().map(|r| r.text).collect::<Vec<_>>().join("; ");
            note(tx, id, model, AnalysisState::QualityRejected, &text).await?;
            tell_rejection::owe(tx, settings, row, &model.reference, &text).await
        }
        Admission::Wait { reason } => note(tx, id, model, AnalysisState::Waiting, &reason).await,
    }
}

/// A model that would perhaps have read the study, had it been there.
async fn tell_absent(tx: &Tx, id: StudyId, model: &AbsentModel) -> Result<(), StoreError> {
    let subject = Subject {
        study: id,
        series: None,
        model: model.name.clone(),
        version: model.version.clone(),
        sha256: model.sha256.clone(),
        input_key: String::new(),
    };
    let (_, is_new) = analyses::decide(tx, &subject, AnalysisState::Failed, &model.reason).await?;
    if is_new {
        let detail = format!("{}: not analysed, {}", model.name, model.reason);
        timeline::note(tx, id, "admission", detail).await?;
    }
    Ok(())
}

/// A model that does not run, with the reason; said once.
async fn note(
    tx: &Tx,
    id: StudyId,
    model: &ActiveModel,
    state: AnalysisState,
    reason: &str,
) -> Result<(), StoreError> {
    let rows = analyses::of_study(tx.conn(), id).await?;
    let said = rows
        .iter()
        .any(|r| r.model == model.reference.name && r.state == state.text() && r.reason == reason);
    analyses::decide(tx, &subject(id, model, None, String::new()), state, reason).await?;
    if !said {
        let detail = format!("{}: {}, {reason}", model.reference.name, state.text());
        timeline::note(tx, id, "admission", detail).await?;
    }
    Ok(())
}

async fn queue(
    tx: &Tx,
    id: StudyId,
    series: &[series::Model],
    model: &ActiveModel,
    uid: &Uid,
    why: &str,
) -> Result<(), StoreError> {
    let chosen = series
        .iter()
        .find(|s| s.series_uid == uid.as_str())
        .ok_or(StoreError::Missing("chosen series"))?;
    let key = input_key(tx, &chosen.id).await?;
    let subject = subject(id, model, Some(chosen.id.clone()), key);
    let (analysis, is_new) = analyses::decide(tx, &subject, AnalysisState::Queued, why).await?;
    if !is_new {
        return Ok(());
    }
    timeline::note(
        tx,
        id,
        "admission",
        format!("{}: queued, {why}", model.reference.name),
    )
    .await?;
    let terms = analyses::inference(&id.to_string(), &model.reference.name);
    let urgency = model.package.manifest.urgency;
    jobs::enqueue(tx, &Work::Infer { analysis, urgency }, terms).await
}

fn subject(id: StudyId, model: &ActiveModel, series: Option<String>, input_key: String) -> Subject {
    Subject {
        study: id,
        series,
        model: model.reference.name.clone(),
        version: model.reference.version.clone(),
        sha256: model.reference.sha256.clone(),
        input_key,
    }
}

/// Names a set of images, so that a model never runs twice on the same ones.
async fn input_key(tx: &Tx, series: &str) -> Result<String, StoreError> {
    let mut parts: Vec<String> = instances::of_series(tx.conn(), series)
        .await?
        .into_iter()
        .map(|row| format!("{}={}", row.sop_uid, row.sha256))
        .collect();
    parts.sort_unstable();
    Ok(hex::encode(Sha256::digest(parts.join("\n"))))
}
