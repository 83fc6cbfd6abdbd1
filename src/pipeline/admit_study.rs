//! Job: decides, per model in force, whether it runs on the study and on which series, and says why where it does not.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use tocsin_domain::admit::{Admission, Arrival, admit};
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::study::StudyFacts;
use tocsin_domain::work::Work;

use super::env::{Env, Settings};
use super::find_priors;
use super::models::{AbsentModel, ActiveModel};
use super::tell_rejection;
use super::vendor_results;
use crate::jobs::JobError;
use crate::retrieve::Priors;
use crate::storage::analyses::{self, AnalysisState, Subject};
use crate::storage::entity::{series, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::prior_searches::{self, Purpose};
use crate::storage::{StoreError, Tx, instances, studies, timeline};

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let (lease, models, absent) = (lease.clone(), env.models.clone(), env.absent_models.clone());
    let (settings, priors) = (env.settings.clone(), env.priors.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let row = studies::lock(tx, id).await?;
                if let Some(facts) = studies::facts_of(&row)? {
                    let series = studies::series_of(tx.conn(), id).await?;
                    let asked = asked_models(tx, &row).await?;
                    let asked = |model: &&ActiveModel| match &asked {
                        Some(names) => names.contains(&model.reference.name),
                        None => true,
                    };
                    for model in models.iter().filter(asked) {
                        decide(tx, &settings, &row, &facts, &series, model).await?;
                    }
                    for model in absent.iter().filter(|_| Purpose::of(&row) == Purpose::Reading) {
                        tell_absent(tx, id, model).await?;
                    }
                    find_earlier(tx, id, &row, priors.as_deref()).await?;
                    vendor_results::adopt(tx, &settings, id).await?;
                }
                jobs::enqueue(tx, &Work::TriageStudy { study: id }, Terms::triage(id)).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

/// Of a study that is only compared with: the models that read those it is compared with. `None`: all.
async fn asked_models(tx: &Tx, row: &study::Model) -> Result<Option<BTreeSet<String>>, StoreError> {
    match Purpose::of(row) {
        Purpose::Reading => Ok(None),
        Purpose::Comparison => {
            let mut names = BTreeSet::new();
            for asker in prior_searches::askers(tx.conn(), row).await? {
                names.extend(reading(tx, asker).await?);
            }
            Ok(Some(names))
        }
    }
}

/// The models that read a study, or will.
async fn reading(tx: &Tx, id: StudyId) -> Result<impl Iterator<Item = String>, StoreError> {
    let rows = analyses::of_study(tx.conn(), id).await?;
    let runs = rows.into_iter().filter(|row| !row.input_key.is_empty());
    Ok(runs.map(|row| row.model))
}

/// Once a model reads the study, what it will say can be compared: earlier studies are looked for, and those that came
/// before are read by it too.
async fn find_earlier(
    tx: &Tx,
    id: StudyId,
    row: &study::Model,
    priors: Option<&Priors>,
) -> Result<(), StoreError> {
    let Some(priors) = priors.filter(|_| Purpose::of(row) == Purpose::Reading) else {
        return Ok(());
    };
    if reading(tx, id).await?.next().is_none() {
        return Ok(());
    }
    find_priors::begin(tx, row, &priors.sources).await?;
    for prior in prior_searches::came_for(tx.conn(), row).await? {
        let prior = studies::id_of(&prior)?;
        let terms = Terms::once(format!("admit:{prior}"));
        jobs::enqueue(tx, &Work::AdmitStudy { study: prior }, terms).await?;
    }
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
        Admission::Run { series_uid, why, .. } => {
            queue(tx, id, Purpose::of(row), series, model, &series_uid, &why).await
        }
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
    purpose: Purpose,
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
    let work = match purpose {
        Purpose::Reading => Work::Infer {
            analysis,
            urgency: model.package.manifest.urgency,
        },
        Purpose::Comparison => Work::InferPrior { analysis },
    };
    jobs::enqueue(tx, &work, terms).await
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
