//! Taking back what a model said: the result stays readable, a withdrawn one stands in its place, and whatever went out of it
//! is followed by a word that takes it back.

use tocsin_domain::assessment::Assessment;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::{ResultId, StudyId};
use tocsin_domain::work::Work;

use super::analyses::{self, AnalysisState};
use super::entity::analysis;
use super::error::StoreError;
use super::jobs::{self, Terms};
use super::results;
use super::store::Tx;
use super::timeline;

/// Withdraws the result that an analysis stands for; `None` when there is none, or it was withdrawn before. `reason` is for
/// people and names no patient; `assessments` are the verdicts that left nothing of it, if those did.
pub async fn withdraw(
    tx: &Tx,
    row: analysis::Model,
    at: Timestamp,
    reason: &str,
    assessments: Vec<Assessment>,
) -> Result<Option<ResultId>, StoreError> {
    let stands = row
        .result_id
        .as_deref()
        .and_then(|id| id.parse::<ResultId>().ok());
    let (Some(older), false) = (stands, analyses::state_of(&row)? == AnalysisState::Withdrawn) else {
        return Ok(None);
    };
    let older = results::record_of(&results::get(tx.conn(), older).await?)?;
    let study = older.study;
    let withdrawn = ResultRecord {
        id: ResultId(tx.uuid()),
        status: ResultStatus::Withdrawn,
        produced_at: at,
        supersedes: Some(older.id),
        statements: Vec::new(),
        comparison: None,
        assessments,
        ..older
    };
    results::insert(tx, &withdrawn, None).await?;
    analyses::stands(tx, row, &withdrawn, reason).await?;
    let said = format!("{}: {reason}", withdrawn.model.name);
    timeline::note(tx, study, "result_withdrawn", said).await?;
    follow_up(tx, study, withdrawn.id).await?;
    Ok(Some(withdrawn.id))
}

async fn follow_up(tx: &Tx, study: StudyId, result: ResultId) -> Result<(), StoreError> {
    jobs::enqueue(tx, &Work::TriageStudy { study }, Terms::triage(study)).await?;
    jobs::enqueue(tx, &Work::PublishResult { result }, Terms::now()).await
}
