//! A result with everything in it, and the study it speaks of, for the tests of the renderers.

use chrono::FixedOffset;
use tocsin_domain::code::{self, Code};
use tocsin_domain::explanation::Explanation;
use tocsin_domain::finding::{
    DisplayPolicy, Finding, Lesion, Measurement, ModelRef, Presence, ResultRecord, ResultStatus, Statement,
};
use tocsin_domain::ids::{AnalysisId, ResultId, StudyId, Uid};
use tocsin_domain::phi::{Demographics, PatientIdentifier};
use tocsin_domain::triage::PackRef;
use uuid::Uuid;

use super::{Installation, SourceSeries, StudyHeader};

pub fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a UID")
}

pub fn measure(code: Code, value: f64, unit: Code) -> Measurement {
    Measurement { code, value, unit }
}

/// Two lesions, a probability, a limitation and a sentence of a rule.
pub fn bleed() -> ResultRecord {
    let lesion = |number, location, laterality, volume| Lesion {
        number,
        location,
        laterality,
        measurements: vec![measure(code::VOLUME, volume, code::MILLILITER)],
        key_instance: None,
        centre_mm: None,
    };
    let finding = Finding {
        code: code::INTRACRANIAL_HEMORRHAGE,
        site: code::BRAIN,
        presence: Presence::Present,
        flagged: true,
        probability: Some(0.875),
        operating_point: "total volume ≥ 1.5 mL".into(),
        measurements: vec![
            measure(code::VOLUME, 24.13, code::MILLILITER),
            measure(code::COMPONENT_COUNT, 2.0, code::COUNT),
            measure(code::MIDLINE_SHIFT, 4.2, code::MILLIMETER),
        ],
        evaluations: Vec::new(),
        lines: Vec::new(),
        lesions: vec![
            lesion(1, code::DEEP, Some(code::LEFT), 20.1),
            lesion(2, code::BRAIN_VENTRICLE, None, 4.03),
        ],
        key_instance: Some(uid("1.2.826.0.1.99.2.2")),
    };
    ResultRecord {
        id: ResultId(Uuid::from_u128(10)),
        study: StudyId(Uuid::from_u128(1)),
        analysis: AnalysisId(Uuid::from_u128(2)),
        model: ModelRef {
            name: "ich".into(),
            version: "1.0.0".into(),
            sha256: "0a".repeat(32),
            manufacturer: "Tocsin".into(),
            display_policy: DisplayPolicy::PreviewWithMarks,
            disclaimer: "Trained on synthetic phantoms.".into(),
        },
        status: ResultStatus::Preliminary,
        produced_at: "2026-03-14T09:28:05Z".parse().expect("an instant"),
        findings: vec![finding],
        series_uid: uid("1.2.826.0.1.99.2"),
        instance_uids: (1..=3).map(|n| uid(&format!("1.2.826.0.1.99.2.{n}"))).collect(),
        supersedes: None,
        limitations: vec!["thick slices".into()],
        foreground: None,
        comparison: None,
        statements: vec![Statement {
            rule: "large".into(),
            pack: PackRef {
                name: "head-ct".into(),
                version: "2.0.0".into(),
                sha256: "0b".repeat(32),
            },
            text: "Large hemorrhage".into(),
        }],
        explanation: Explanation::default(),
        origin: Default::default(),
        assessments: Vec::new(),
    }
}

/// Nothing found.
pub fn clear() -> ResultRecord {
    let mut record = bleed();
    record.statements.clear();
    record.limitations.clear();
    let finding = &mut record.findings[0];
    (finding.presence, finding.flagged, finding.probability) = (Presence::Absent, false, None);
    finding.measurements = vec![measure(code::VOLUME, 0.0, code::MILLILITER)];
    finding.lesions.clear();
    finding.key_instance = None;
    record
}

/// The study, with a name that would like to be markup.
pub fn header() -> StudyHeader {
    StudyHeader {
        patient: Some(PatientIdentifier {
            value: "MRN1".into(),
            authority: "EGH".into(),
        }),
        demographics: Demographics {
            name: Some("O'<b>^Jane^Q^Dr^Jr".into()),
            birth_date: Some("19500102".into()),
            sex: Some("F".into()),
        },
        study_uid: uid("1.2.826.0.1.99.1"),
        study_id: None,
        study_date: Some("20260314".into()),
        study_time: None,
        study_description: Some("CT HEAD WO CONTRAST".into()),
        accession: Some("ACC1".into()),
        referring_physician: None,
        institution: None,
        request: None,
        source: SourceSeries {
            modality: "CT".into(),
            sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2"),
            frame_of_reference_uid: None,
            body_part: Some("HEAD".into()),
            orientation: None,
        },
    }
}

pub fn installation() -> Installation {
    Installation {
        site: "General Hospital".into(),
        serial: "TOCSIN-1".into(),
        offset: FixedOffset::east_opt(3600).expect("an offset"),
    }
}
