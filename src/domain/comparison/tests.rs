//! What is said of a finding that was found on both studies, on one, or on none.

use uuid::Uuid;

use super::*;
use crate::code::{self, Code};
use crate::finding::{DisplayPolicy, ModelRef, ResultStatus};
use crate::ids::{AnalysisId, Uid};

fn at(day: i64) -> Timestamp {
    crate::clock::from_micros(day * 86_400_000_000)
}

fn mm(value: f64) -> Measurement {
    Measurement {
        code: code::LARGEST_DIAMETER,
        value,
        unit: code::MILLIMETER,
    }
}

fn result(study: u128, presence: Presence, measurements: Vec<Measurement>) -> ResultRecord {
    let nodule = Code::new("SCT", "427359005", "Solitary nodule of lung");
    ResultRecord {
        id: ResultId(Uuid::from_u128(study)),
        study: StudyId(Uuid::from_u128(study)),
        analysis: AnalysisId(Uuid::from_u128(study)),
        model: ModelRef {
            name: "nodule".into(),
            version: study.to_string(),
            sha256: String::new(),
            manufacturer: String::new(),
            display_policy: DisplayPolicy::PreviewPlain,
            disclaimer: String::new(),
        },
        status: ResultStatus::Preliminary,
        produced_at: at(0),
        findings: vec![Finding {
            code: nodule.clone(),
            site: nodule,
            presence,
            flagged: presence == Presence::Present,
            probability: None,
            operating_point: String::new(),
            measurements,
            lesions: Vec::new(),
            key_instance: None,
            evaluations: Vec::new(),
            lines: Vec::new(),
        }],
        series_uid: Uid::parse("1.2").unwrap(),
        instance_uids: Vec::new(),
        supersedes: None,
        limitations: Vec::new(),
        foreground: None,
        comparison: None,
        statements: Vec::new(),
        explanation: Default::default(),
        origin: Default::default(),
        assessments: Vec::new(),
    }
}

fn compared(now: &ResultRecord, then: &ResultRecord) -> Comparison {
    let before = Earlier {
        taken_at: at(0),
        record: then,
    };
    compare(now, at(183), &before, "2025-06-01".into())
}

#[test]
fn a_nodule_of_18_mm_that_has_23_after_half_a_year_has_grown_and_doubles_in_173_days() {
    let (now, then) = (
        result(2, Presence::Present, vec![mm(23.0)]),
        result(1, Presence::Present, vec![mm(18.0)]),
    );
    let comparison = compared(&now, &then);
    assert_eq!(comparison.interval_days, 183.0);
    assert_eq!(comparison.model_version.as_deref(), Some("1"));
    let change = &comparison.findings[0];
    assert_eq!(change.course, Course::Grown);
    let diameter = &change.measurements[0];
    assert_eq!((diameter.now - diameter.before, diameter.error), (5.0, 2.0));
    assert!(diameter.percent.is_some_and(|p| (p - 27.8).abs() < 0.1));
    assert!(diameter.doubling_days.is_some_and(|d| (d - 172.5).abs() < 0.1));
}

#[test]
fn what_differs_by_no_more_than_the_error_is_unchanged_and_has_no_doubling_time() {
    let (now, then) = (
        result(2, Presence::Present, vec![mm(19.9)]),
        result(1, Presence::Present, vec![mm(18.0)]),
    );
    let change = &compared(&now, &then).findings[0];
    assert_eq!(
        (change.course, change.measurements[0].doubling_days),
        (Course::Unchanged, None)
    );
    assert_eq!(change.measurements[0].trend, Trend::WithinError);
}

#[test]
fn what_was_found_on_one_study_alone_is_new_or_resolved_and_on_none_is_not_told() {
    let table = [
        (Presence::Absent, Presence::Present, Some(Course::New)),
        (Presence::Present, Presence::Absent, Some(Course::Resolved)),
        (
            Presence::Undetermined,
            Presence::Present,
            Some(Course::Undetermined),
        ),
        (Presence::Present, Presence::Present, Some(Course::Persists)),
        (Presence::Absent, Presence::Absent, None),
    ];
    for (before, now, expected) in table {
        let comparison = compared(&result(2, now, Vec::new()), &result(1, before, Vec::new()));
        assert_eq!(
            comparison.findings.first().map(|f| f.course),
            expected,
            "{before:?} {now:?}"
        );
    }
}

#[test]
fn a_measurement_in_another_unit_is_not_compared() {
    let then = Measurement {
        unit: Code::new("UCUM", "cm", "centimeter"),
        ..mm(1.8)
    };
    let comparison = compared(
        &result(2, Presence::Present, vec![mm(23.0)]),
        &result(1, Presence::Present, vec![then]),
    );
    let change = &comparison.findings[0];
    assert_eq!(change.measurements[0].trend, Trend::NotComparable);
    assert_eq!(
        (change.course, change.measurements[0].percent),
        (Course::Persists, None)
    );
}

#[test]
fn the_latest_earlier_result_of_the_same_model_is_compared_with() {
    let now = result(9, Presence::Present, Vec::new());
    let (old, older, later) = (
        result(1, Presence::Present, Vec::new()),
        result(2, Presence::Present, Vec::new()),
        result(3, Presence::Present, Vec::new()),
    );
    let mut other = result(4, Presence::Present, Vec::new());
    other.model.name = "else".into();
    let earlier = |day, record| Earlier {
        taken_at: at(day),
        record,
    };
    let known = [
        earlier(50, &old),
        earlier(10, &older),
        earlier(190, &later),
        earlier(60, &other),
        earlier(70, &now),
    ];
    assert_eq!(latest(&now, at(183), &known).map(|e| e.record.id), Some(old.id));
    assert!(latest(&now, at(5), &known).is_none());
}
