//! Job: has the child process read one series with one model, and keeps what it found as the canonical record. Runs
//! outside any transaction; a crash, a timeout or bad images cost this analysis and nothing else.

use tocsin_domain::finding::{ModelRef, ResultRecord, ResultStatus};
use tocsin_domain::ids::{AnalysisId, InstanceId, ResultId, StudyId, Uid};
use tocsin_domain::vendor::Origin;
use tocsin_domain::work::{Urgency, Work};

use super::check_deadline;
use super::env::Env;
use super::tell_rejection;
use crate::inference::child::protocol::{Analysis, Refusal, SliceFile};
use crate::inference::pool::{Analysed, WorkerError};
use crate::jobs::JobError;
use crate::storage::analyses::{self, AnalysisState, Ending};
use crate::storage::blobs::BlobHash;
use crate::storage::entity::{analysis, instance};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, holds, instances, results, studies, timeline};

/// `urgency` is that of the lane which the run is in; a run for a comparison alone has a lane whatever its model is.
pub async fn run(env: &Env, lease: &Lease, id: AnalysisId, urgency: Option<Urgency>) -> Result<(), JobError> {
    let row = analyses::get(env.store.read(), id).await?;
    if analyses::state_of(&row)?.is_final() {
        return finish_silently(env, lease).await;
    }
    let Some(model) = env
        .models
        .iter()
        .find(|m| m.reference.sha256 == row.sha256 && m.reference.name == row.model)
    else {
        return Err(JobError::Fail(format!(
            "model {} {} is no longer in force",
            row.model, row.version
        )));
    };
    let lane_of_model = model.package.manifest.urgency;
    if urgency.is_some_and(|urgency| urgency != lane_of_model) {
        return change_lane(env, lease, &row, lane_of_model).await;
    }
    let (study, uid, files) = inputs(env, &row).await?;
    begin(env, lease, id, study, &row.model).await?;
    match env.worker.analyse(&model.package, files).await {
        Ok(Analysed { analysis, mask }) => keep(env, lease, row, study, uid, analysis, mask).await,
        Err(error) => failed(env, lease, &row, &model.reference, study, error).await,
    }
}

async fn finish_silently(env: &Env, lease: &Lease) -> Result<(), JobError> {
    let lease = lease.clone();
    env.store
        .write(move |tx| Box::pin(async move { leases::complete(tx, &lease).await }))
        .await?;
    Ok(())
}

/// Whoever asked for the run did not know its model: it goes on in the lane where it keeps nobody else waiting.
async fn change_lane(
    env: &Env,
    lease: &Lease,
    row: &analysis::Model,
    urgency: Urgency,
) -> Result<(), JobError> {
    let (lease, analysis) = (lease.clone(), analyses::id_of(row)?);
    let terms = analyses::inference(&row.study_id, &row.model);
    env.store
        .write(move |tx| {
            Box::pin(async move {
                jobs::enqueue(tx, &Work::Infer { analysis, urgency }, terms).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

pub(super) async fn inputs(
    env: &Env,
    row: &analysis::Model,
) -> Result<(StudyId, Uid, Vec<SliceFile>), JobError> {
    let study: StudyId = row
        .study_id
        .parse()
        .map_err(|_| JobError::Fail("an analysis without a study".to_owned()))?;
    let series = row
        .series_id
        .as_deref()
        .ok_or_else(|| JobError::Fail("an analysis without a series".to_owned()))?;
    let rows = instances::of_series(env.store.read(), series).await?;
    let first = rows
        .first()
        .ok_or_else(|| JobError::Fail("the series has no instances".to_owned()))?;
    let uid = instances::facts_of(first)?.series_uid;
    let files = rows
        .iter()
        .map(|row| slice(env, row))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((study, uid, files))
}

/// A stored instance as the child process is told of it.
pub fn slice(env: &Env, row: &instance::Model) -> Result<SliceFile, StoreError> {
    let unreadable = |column| StoreError::Inconsistent {
        table: "instance",
        column,
        id: row.id.clone(),
    };
    let hash: BlobHash = row.sha256.parse().map_err(|_| unreadable("sha256"))?;
    let id: InstanceId = row.id.parse().map_err(|_| unreadable("id"))?;
    Ok(SliceFile {
        id,
        path: env.blobs.path(&hash),
        sha256: row.sha256.clone(),
    })
}

async fn begin(
    env: &Env,
    lease: &Lease,
    id: AnalysisId,
    study: StudyId,
    model: &str,
) -> Result<(), JobError> {
    let (lease, model) = (lease.clone(), model.to_owned());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                leases::fence(tx, &lease).await?;
                analyses::started(tx, id).await?;
                timeline::note(tx, study, "inference_started", model).await
            })
        })
        .await?;
    Ok(())
}

async fn keep(
    env: &Env,
    lease: &Lease,
    row: analysis::Model,
    study: StudyId,
    series_uid: Uid,
    found: Analysis,
    mask: Vec<u8>,
) -> Result<(), JobError> {
    let seconds = found.timing.inference_ms as f64 / 1000.0;
    let settings = env.settings.clone();
    let (model, version) = (found.model.name.clone(), found.model.version.clone());
    let lease = lease.clone();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let record = record(tx, row, study, series_uid, found, mask).await?;
                // Before anybody can ask for it.
                if Purpose::of(&studies::get(tx.conn(), study).await?) == Purpose::Reading {
                    holds::decide(tx, &record, &settings.sends).await?;
                }
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    env.metrics.inference(&model, &version).observe(seconds);
    Ok(())
}

async fn record(
    tx: &Tx,
    row: analysis::Model,
    study: StudyId,
    series_uid: Uid,
    found: Analysis,
    mask: Vec<u8>,
) -> Result<ResultRecord, StoreError> {
    let id = analyses::id_of(&row)?;
    let older = older_result(tx, study, &row).await?;
    let record = ResultRecord {
        id: ResultId(tx.uuid()),
        study,
        analysis: id,
        status: if older.is_some() {
            ResultStatus::Corrected
        } else {
            ResultStatus::Preliminary
        },
        produced_at: tx.now(),
        series_uid,
        instance_uids: found.series.instance_uids.clone(),
        supersedes: older.as_ref().map(|(result, _)| *result),
        limitations: found.limitations.clone(),
        foreground: found.foreground.clone(),
        comparison: None,
        statements: Vec::new(),
        explanation: found.explanation.clone(),
        origin: Origin::Own,
        assessments: Vec::new(),
        findings: found.findings.clone(),
        model: found.model.clone(),
    };
    results::insert(tx, &record, (!mask.is_empty()).then_some(mask)).await?;
    if let Some((_, analysis)) = older {
        analyses::set_state(tx, analysis, AnalysisState::Superseded).await?;
    }
    let ending = Ending {
        state: analyses::state_for(&record),
        reason: row.reason,
        result: Some(record.id),
        provider: Some(provider(&found)),
        inference_ms: i64::try_from(found.timing.inference_ms).ok(),
    };
    let detail = format!(
        "{}: {}; decoding {} ms, checking {} ms, resampling {} ms, model {} ms, measuring {} ms",
        record.model.name,
        ending.state.text(),
        found.timing.decode_ms,
        found.timing.inspect_ms,
        found.timing.arrange_ms,
        found.timing.inference_ms,
        found.timing.quantify_ms
    );
    timeline::note(tx, study, "inference_finished", detail).await?;
    analyses::finished(tx, id, ending).await?;
    check_deadline::moved(tx, study).await?;
    let triage = Terms::triage(study);
    jobs::enqueue(tx, &Work::TriageStudy { study }, triage).await?;
    jobs::enqueue(tx, &Work::PublishResult { result: record.id }, Terms::now()).await?;
    Ok(record)
}

/// The standing result of the same model, which the new one replaces.
pub(super) async fn older_result(
    tx: &Tx,
    study: StudyId,
    row: &analysis::Model,
) -> Result<Option<(ResultId, AnalysisId)>, StoreError> {
    let rows = analyses::of_study(tx.conn(), study).await?;
    let standing = rows
        .iter()
        .filter(|r| r.model == row.model && r.id != row.id && r.state != AnalysisState::Superseded.text())
        .filter(|r| r.result_id.is_some())
        .max_by_key(|r| r.finished_at);
    let Some(standing) = standing else { return Ok(None) };
    let result = standing.result_id.as_deref().and_then(|id| id.parse().ok());
    result
        .map(|result| (result, analyses::id_of(standing)))
        .map(|(r, a)| a.map(|a| (r, a)))
        .transpose()
}

/// What computed, and what was asked for and did not work.
fn provider(found: &Analysis) -> String {
    let used = format!("{:?}", found.provider_used).to_lowercase();
    let missed: Vec<String> = found
        .fallbacks
        .iter()
        .map(|f| format!("{}: {}", format!("{:?}", f.provider).to_lowercase(), f.reason))
        .collect();
    if missed.is_empty() {
        used
    } else {
        format!("{used} (instead of {})", missed.join("; "))
    }
}

async fn failed(
    env: &Env,
    lease: &Lease,
    row: &analysis::Model,
    model: &ModelRef,
    study: StudyId,
    error: WorkerError,
) -> Result<(), JobError> {
    let reason = error.to_string();
    // Images that cannot be read will not become readable; a crash may have been the machine's.
    if may_pass(&error) && lease.attempts < lease.lane.max_attempts() {
        return Err(JobError::Retry(reason));
    }
    let (id, lease, settings) = (analyses::id_of(row)?, lease.clone(), env.settings.clone());
    let model = model.clone();
    let unfit = matches!(error, WorkerError::Refused(Refusal::Quality { .. }));
    let (state, event) = match unfit {
        true => (AnalysisState::QualityRejected, "admission"),
        false => (AnalysisState::Failed, "inference_failed"),
    };
    let detail = match unfit {
        true => format!("{}: {}, {reason}", row.model, state.text()),
        false => format!("{}: {reason}", row.model),
    };
    env.store
        .write(move |tx| {
            Box::pin(async move {
                timeline::note(tx, study, event, detail).await?;
                if unfit {
                    let row = studies::get(tx.conn(), study).await?;
                    tell_rejection::owe(tx, &settings, &row, &model, &reason).await?;
                }
                not_read(tx, id, study, state, reason).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

pub(super) fn may_pass(error: &WorkerError) -> bool {
    match error {
        WorkerError::Start(_) | WorkerError::Crashed { .. } | WorkerError::Protocol(_) => true,
        WorkerError::TimedOut { .. }
        | WorkerError::OutOfMemory { .. }
        | WorkerError::Refused(_)
        | WorkerError::NoLibrary { .. }
        | WorkerError::Golden { .. } => false,
    }
}

/// The study stays where it is, visibly without this model's word.
async fn mark_failed(
    tx: &Tx,
    id: AnalysisId,
    study: StudyId,
    (model, reason): (&str, String),
) -> Result<(), StoreError> {
    timeline::note(tx, study, "inference_failed", format!("{model}: {reason}")).await?;
    not_read(tx, id, study, AnalysisState::Failed, reason).await
}

async fn not_read(
    tx: &Tx,
    id: AnalysisId,
    study: StudyId,
    state: AnalysisState,
    reason: String,
) -> Result<(), StoreError> {
    let ending = Ending {
        state,
        reason,
        result: None,
        provider: None,
        inference_ms: None,
    };
    analyses::finished(tx, id, ending).await?;
    check_deadline::moved(tx, study).await?;
    jobs::enqueue(tx, &Work::TriageStudy { study }, Terms::triage(study)).await
}

/// A run that was given up, by its id alone.
pub async fn given_up(env: &Env, id: AnalysisId, reason: &str) -> Result<(), StoreError> {
    let reason = reason.to_owned();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let row = analyses::get(tx.conn(), id).await?;
                let study = row
                    .study_id
                    .parse()
                    .map_err(|_| StoreError::Missing("study of the analysis"))?;
                mark_failed(tx, id, study, (&row.model, reason)).await
            })
        })
        .await
}
