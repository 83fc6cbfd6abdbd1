//! Results that a person changes: by a verdict on a finding, or by bringing back what was taken back. What the model read is never lost;
//! each change is a result of its own in the place of the one before, and goes the way of every result.

use tocsin_domain::assessment::{Assessment, Judged, Step, Unchanged, Verdict, next_step};
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::{ResultId, StudyId};
use tocsin_domain::work::Work;

use super::entity::analysis;
use super::error::StoreError;
use super::jobs::{self, Terms};
use super::store::Tx;
use super::{analyses, results, studies, timeline, withdrawals};

/// Versions of one reading that are looked through at most.
const CHAIN: usize = 1_000;

/// What came of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amended {
    By(ResultId),
    Unchanged(Unchanged),
    /// The verdict is on what no longer speaks for its model.
    Older,
}

/// Applies a radiologist's verdict on a finding of `result`, or of any later version of the same reading.
pub async fn judge(
    tx: &Tx,
    study: StudyId,
    result: ResultId,
    verdict: &Verdict,
) -> Result<Amended, StoreError> {
    studies::lock(tx, study).await?;
    let Some(row) = standing(tx, study, result).await? else {
        return Ok(Amended::Older);
    };
    let record = record_of(tx, &row).await?;
    Ok(match next_step(&record, verdict) {
        Step::Nothing(why) => Amended::Unchanged(why),
        Step::Amend(all) => {
            let said = words(&record, verdict);
            Amended::By(replace(tx, row, &record, all, &said).await?)
        }
        Step::Withdraw(all) => {
            let said = words(&record, verdict);
            match withdrawals::withdraw(tx, row, tx.now(), &said, all).await? {
                Some(id) => Amended::By(id),
                None => Amended::Unchanged(Unchanged::TakenBack),
            }
        }
    })
}

/// Puts what the model read back in the place of a withdrawn result, without any verdict.
///
/// # Errors
/// It stands, or something else does.
pub async fn reinstate(
    tx: &Tx,
    study: StudyId,
    result: ResultId,
    reason: &str,
) -> Result<(ResultId, String), StoreError> {
    studies::lock(tx, study).await?;
    let row = standing(tx, study, result).await?;
    let row = row.ok_or_else(|| not_standing(result))?;
    let record = record_of(tx, &row).await?;
    if record.status != ResultStatus::Withdrawn {
        let why = format!("the result {result} stands; expected one that was taken back");
        return Err(StoreError::Refused(why));
    }
    let model = row.model.clone();
    let id = replace(tx, row, &record, Vec::new(), reason).await?;
    Ok((id, model))
}

/// Why nothing can be done with a result.
pub fn not_standing(result: ResultId) -> StoreError {
    StoreError::Refused(format!(
        "the result {result} does not speak for its model on this study; expected one that stands"
    ))
}

/// The analysis that speaks for its model, where this result is a version of what it read.
pub async fn standing(
    tx: &Tx,
    study: StudyId,
    result: ResultId,
) -> Result<Option<analysis::Model>, StoreError> {
    let Some(judged) = results::by_id(tx.conn(), result).await? else {
        return Ok(None);
    };
    let rows = analyses::of_study(tx.conn(), study).await?;
    let current = analyses::current(&rows);
    Ok(current
        .into_iter()
        .find(|row| row.id == judged.analysis_id)
        .cloned())
}

async fn record_of(tx: &Tx, row: &analysis::Model) -> Result<ResultRecord, StoreError> {
    let id = row.result_id.as_deref().and_then(|id| id.parse().ok());
    let id = id.ok_or(StoreError::Missing("result of the analysis"))?;
    results::record_of(&results::get(tx.conn(), id).await?)
}

/// What the model read, before anything of it was rejected.
async fn whole(tx: &Tx, standing: &ResultRecord) -> Result<ResultRecord, StoreError> {
    let mut record = standing.clone();
    for _ in 0..CHAIN {
        match record.supersedes {
            _ if record.is_whole() => return Ok(record),
            Some(older) => record = results::record_of(&results::get(tx.conn(), older).await?)?,
            None => break,
        }
    }
    Err(StoreError::Missing("what the model read"))
}

async fn replace(
    tx: &Tx,
    row: analysis::Model,
    standing: &ResultRecord,
    assessments: Vec<Assessment>,
    said: &str,
) -> Result<ResultId, StoreError> {
    let whole = whole(tx, standing).await?;
    let (study, id) = (standing.study, ResultId(tx.uuid()));
    let amended = whole.assessed(id, tx.now(), standing.id, assessments);
    let mask = results::mask_of(tx.conn(), whole.id).await?;
    results::insert(tx, &amended, (!mask.is_empty()).then_some(mask)).await?;
    if let Some(map) = results::map_of(tx.conn(), whole.id).await? {
        results::keep_map(tx, id, map).await?;
    }
    analyses::stands(tx, row, &amended, said).await?;
    let detail = format!("{}: {said}", amended.model.name);
    timeline::note(tx, study, "result_amended", detail).await?;
    jobs::enqueue(tx, &Work::TriageStudy { study }, Terms::triage(study)).await?;
    jobs::enqueue(tx, &Work::PublishResult { result: id }, Terms::now()).await?;
    Ok(id)
}

/// For the timeline, and beside the model: `Intracranial hemorrhage rejected by ada: calcification`.
fn words(record: &ResultRecord, verdict: &Verdict) -> String {
    let finding = record
        .findings
        .iter()
        .find(|one| one.code.code == verdict.finding);
    let name = finding.map_or(verdict.finding.as_str(), |one| &one.code.display);
    let judged = match verdict.judged {
        Some(Judged::Confirmed) => "confirmed",
        Some(Judged::Verified) => "verified",
        Some(Judged::Rejected) => "rejected",
        None => "left open",
    };
    let reason = verdict.reason.as_ref().map(|reason| format!(": {reason}"));
    format!("{name} {judged} by {}{}", verdict.by, reason.unwrap_or_default())
}
