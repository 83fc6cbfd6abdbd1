//! Verdicts on a result with two findings.

use uuid::Uuid;

use super::*;
use crate::code;
use crate::explanation::{Explanation, Segment};
use crate::finding::{DisplayPolicy, ModelRef};
use crate::ids::{AnalysisId, StudyId, Uid};

fn at(second: i64) -> Timestamp {
    crate::clock::from_micros(second * 1_000_000)
}

fn id(number: u128) -> ResultId {
    ResultId(Uuid::from_u128(number))
}

pub(crate) fn result() -> ResultRecord {
    let finding = |code: code::Code| Finding {
        site: code.clone(),
        code,
        presence: Presence::Present,
        flagged: true,
        probability: Some(0.9),
        operating_point: String::new(),
        measurements: Vec::new(),
        evaluations: Vec::new(),
        lines: Vec::new(),
        lesions: Vec::new(),
        key_instance: None,
    };
    let segment = |place| Segment {
        class: String::new(),
        category: code::PRESENT,
        property: code::PRESENT,
        finding: Some(place),
        rejected: false,
    };
    ResultRecord {
        id: id(1),
        study: StudyId(Uuid::nil()),
        analysis: AnalysisId(Uuid::nil()),
        model: ModelRef {
            name: "both".into(),
            version: "1".into(),
            sha256: String::new(),
            manufacturer: String::new(),
            display_policy: DisplayPolicy::PreviewWithMarks,
            disclaimer: String::new(),
        },
        status: ResultStatus::Preliminary,
        produced_at: at(0),
        findings: vec![finding(code::PNEUMOTHORAX), finding(code::NODULE)],
        series_uid: Uid::parse("1.2").unwrap(),
        instance_uids: Vec::new(),
        supersedes: None,
        limitations: Vec::new(),
        foreground: None,
        comparison: None,
        statements: Vec::new(),
        explanation: Explanation {
            segments: vec![segment(0), segment(1)],
            ..Explanation::default()
        },
        origin: Default::default(),
        assessments: Vec::new(),
    }
}

fn verdict(finding: &code::Code, judged: Option<Judged>, by: &str) -> Verdict {
    Verdict {
        finding: finding.code.to_string(),
        judged,
        by: by.into(),
        at: at(5),
        reason: None,
    }
}

fn amended(standing: &ResultRecord, verdict: &Verdict) -> Vec<(Judged, String)> {
    match next_step(standing, verdict) {
        Step::Amend(all) => all.into_iter().map(|one| (one.judged, one.by)).collect(),
        other => panic!("{other:?}"),
    }
}

fn after(standing: &ResultRecord, verdict: &Verdict) -> ResultRecord {
    let (Step::Amend(all) | Step::Withdraw(all)) = next_step(standing, verdict) else {
        panic!("nothing changed");
    };
    result().assessed(id(2), at(5), standing.id, all)
}

#[test]
fn the_latest_verdict_counts_and_the_same_twice_is_one() {
    use Judged::{Confirmed, Rejected};
    let first = result();
    let agrees = verdict(&code::NODULE, Some(Confirmed), "ada");
    assert_eq!(amended(&first, &agrees), [(Confirmed, "ada".to_owned())]);
    let confirmed = after(&first, &agrees);
    for by in ["ada", "bo"] {
        let again = verdict(&code::NODULE, Some(Confirmed), by);
        assert_eq!(next_step(&confirmed, &again), Step::Nothing(Unchanged::SaysSo));
    }
    let no = verdict(&code::NODULE, Some(Rejected), "bo");
    assert_eq!(amended(&confirmed, &no), [(Rejected, "bo".to_owned())]);
    let undecided = verdict(&code::NODULE, None, "bo");
    assert_eq!(amended(&confirmed, &undecided), []);
    assert_eq!(
        next_step(&first, &undecided),
        Step::Nothing(Unchanged::SaysSo),
        "nothing to take back"
    );
}

#[test]
fn a_rejected_finding_says_and_shows_nothing_while_another_stands() {
    let left = after(&result(), &verdict(&code::NODULE, Some(Judged::Rejected), "ada"));
    let rejected = &left.findings[1];
    assert_eq!(
        (rejected.presence, rejected.flagged),
        (Presence::Undetermined, false)
    );
    assert_eq!(left.explanation.marking_bits(), 1);
    assert_eq!(left.findings[0], result().findings[0]);
    assert_eq!(
        (left.status, left.supersedes),
        (ResultStatus::Corrected, Some(id(1)))
    );
    assert!(!left.is_whole() && !left.is_confirmed());
    let back = after(&left, &verdict(&code::NODULE, None, "ada"));
    assert_eq!(back.findings, result().findings, "as the model read it");
}

#[test]
fn where_nothing_is_left_the_result_is_withdrawn_and_a_later_verdict_brings_it_back() {
    let first = after(&result(), &verdict(&code::NODULE, Some(Judged::Rejected), "ada"));
    let no = verdict(&code::PNEUMOTHORAX, Some(Judged::Rejected), "ada");
    let Step::Withdraw(all) = next_step(&first, &no) else {
        panic!("withdrawn");
    };
    let mut gone = result();
    (gone.status, gone.assessments) = (ResultStatus::Withdrawn, all);
    let yes = verdict(&code::PNEUMOTHORAX, Some(Judged::Confirmed), "bo");
    let all = amended(&gone, &yes);
    assert_eq!(all[0], (Judged::Confirmed, "bo".to_owned()));
    gone.assessments.clear();
    assert_eq!(
        next_step(&gone, &yes),
        Step::Nothing(Unchanged::TakenBack),
        "not by a verdict"
    );
}

#[test]
fn a_result_is_verified_once_every_finding_is() {
    let verified = Some(Judged::Verified);
    let half = after(&result(), &verdict(&code::NODULE, verified, "ada"));
    assert_eq!(half.verified_by(), None);
    let whole = after(&half, &verdict(&code::PNEUMOTHORAX, verified, "bo"));
    assert!(whole.verified_by().is_some() && whole.is_confirmed());
}
