//! What a radiologist's verdict does to a result: a finding that they confirm is said to be confirmed, one that they reject is
//! said no more, and a result of which nothing is left is withdrawn. The latest verdict counts; the same one twice does nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::finding::{Finding, Presence, ResultRecord, ResultStatus};
use crate::ids::ResultId;

/// What a radiologist made of a finding, as the result says it to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assessment {
    /// Code value of the finding.
    pub finding: String,
    pub judged: Judged,
    /// The radiologist.
    pub by: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// They agree; whoever reads of it is told so.
    Confirmed,
    /// They agree, and the site takes that for a verification.
    Verified,
    Rejected,
}

/// What somebody says of a finding now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub finding: String,
    /// `None` takes an earlier verdict back.
    pub judged: Option<Judged>,
    pub by: String,
    pub at: Timestamp,
    pub reason: Option<String>,
}

/// What becomes of the result that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing(Unchanged),
    /// An amended one takes its place, with these.
    Amend(Vec<Assessment>),
    /// No finding is left.
    Withdraw(Vec<Assessment>),
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// It says so already.
    SaysSo,
    /// It was taken back for another reason than a verdict, which no verdict undoes.
    TakenBack,
}

/// What follows from a verdict on a finding of the result that stands.
pub fn next_step(standing: &ResultRecord, verdict: &Verdict) -> Step {
    let rejected = |known: &Assessment| known.judged == Judged::Rejected;
    let taken_back = standing.status == ResultStatus::Withdrawn;
    if taken_back && !standing.assessments.iter().any(rejected) {
        return Step::Nothing(Unchanged::TakenBack);
    }
    let known = |finding: &str| standing.assessments.iter().find(|one| one.finding == finding);
    if known(&verdict.finding).map(|known| known.judged) == verdict.judged {
        return Step::Nothing(Unchanged::SaysSo);
    }
    let said = |finding: &Finding| match finding.code.code == verdict.finding {
        true => verdict.judged.map(|judged| verdict.assessment(judged)),
        false => known(&finding.code.code).cloned(),
    };
    let all: Vec<Assessment> = standing.findings.iter().filter_map(said).collect();
    match all.len() == standing.findings.len() && all.iter().all(rejected) {
        true => Step::Withdraw(all),
        false => Step::Amend(all),
    }
}

impl Verdict {
    fn assessment(&self, judged: Judged) -> Assessment {
        Assessment {
            finding: self.finding.clone(),
            judged,
            by: self.by.clone(),
            at: self.at,
            reason: self.reason.clone(),
        }
    }
}

impl ResultRecord {
    pub fn assessment_of(&self, finding: &Finding) -> Option<&Assessment> {
        self.assessments
            .iter()
            .find(|assessed| assessed.finding == finding.code.code)
    }

    /// Who verified every finding, the last of them.
    pub fn verified_by(&self) -> Option<&Assessment> {
        let verified = |finding: &Finding| {
            let assessed = self.assessment_of(finding);
            assessed.is_some_and(|assessed| assessed.judged == Judged::Verified)
        };
        let all = !self.findings.is_empty() && self.findings.iter().all(verified);
        self.assessments
            .iter()
            .filter(|_| all)
            .max_by_key(|assessed| assessed.at)
    }

    /// Whether a radiologist has confirmed whatever it finds.
    pub fn is_confirmed(&self) -> bool {
        let confirmed = |finding: &Finding| match self.assessment_of(finding).map(|one| one.judged) {
            Some(Judged::Confirmed | Judged::Verified) => true,
            Some(Judged::Rejected) | None => false,
        };
        !self.findings.is_empty() && self.findings.iter().all(confirmed)
    }

    /// What the model read, none of it rejected, with these verdicts on it: the result that takes the place of `replaces`.
    pub fn assessed(
        &self,
        id: ResultId,
        at: Timestamp,
        replaces: ResultId,
        assessments: Vec<Assessment>,
    ) -> ResultRecord {
        let mut record = ResultRecord {
            id,
            status: ResultStatus::Corrected,
            produced_at: at,
            supersedes: Some(replaces),
            statements: Vec::new(),
            comparison: None,
            assessments,
            ..self.clone()
        };
        for place in 0..record.findings.len() {
            let assessed = record.assessment_of(&record.findings[place]);
            if assessed.is_some_and(|one| one.judged == Judged::Rejected) {
                reject(&mut record, place);
            }
        }
        record
    }

    /// Whether it is what the model read, and not what was left of it after a verdict.
    pub fn is_whole(&self) -> bool {
        let rejected = |one: &Assessment| one.judged == Judged::Rejected;
        self.status != ResultStatus::Withdrawn && !self.assessments.iter().any(rejected)
    }
}

/// The finding keeps its place, and says nothing any more; nothing is shown for it either.
fn reject(record: &mut ResultRecord, place: usize) {
    let finding = &mut record.findings[place];
    finding.presence = Presence::Undetermined;
    finding.flagged = false;
    finding.probability = None;
    finding.measurements.clear();
    finding.evaluations.clear();
    finding.lesions.clear();
    finding.lines.clear();
    finding.key_instance = None;
    let explanation = &mut record.explanation;
    explanation.key_slices.retain(|key| key.finding != place);
    for segment in &mut explanation.segments {
        segment.rejected |= segment.finding == Some(place);
    }
}

#[cfg(test)]
pub(crate) mod tests;
