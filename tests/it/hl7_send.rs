//! What we send by HL7: another system reads the same facts, and no text in them becomes structure.

use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use tocsin::ingest::hl7::Reading;
use tocsin::ingest::hl7::event::open;
use tocsin::report::hl7_context::{BuildError, Envelope, OrderContext, Parties};
use tocsin::report::orm::{PriorityChange, change_priority};
use tocsin::report::oru::{ResultMessage, result};
use tocsin::report::site_profile::{DEFAULT_231, DEFAULT_251, SiteProfile};
use tocsin_domain::assessment::{Assessment, Judged};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::code;
use tocsin_domain::explanation::Explanation;
use tocsin_domain::finding::{
    DisplayPolicy, Finding, Measurement, ModelRef, Presence, ResultRecord, ResultStatus,
};
use tocsin_domain::ids::{AnalysisId, ResultId, StudyId, Uid};
use tocsin_domain::order::{
    EntityId, Hl7Event, OrderControl, OrderEvent, Procedure, ReportEvent, ReportStatus,
};
use tocsin_domain::phi::{Demographics, PatientIdentifier};
use tocsin_domain::worklist::Band;
use uuid::Uuid;

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a UID")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn order() -> OrderContext {
    OrderContext {
        patient: PatientIdentifier {
            value: "MRN0001".into(),
            authority: "EGH".into(),
        },
        demographics: Demographics {
            name: Some("Müller^Jane^Q^Dr^Jr".into()),
            birth_date: Some("19500102".into()),
            sex: Some("F".into()),
        },
        patient_class: Some("E".into()),
        location: Some("ED^01^A^EGH".into()),
        visit: Some("VIS9".into()),
        placer: Some(entity("PLC77001", "EHR")),
        filler: Some(entity("FIL88001", "RIS")),
        accession: Some("ACC1".into()),
        study_uid: Some(uid("1.2.840.1")),
        procedure: Procedure {
            code: "30799-1".into(),
            text: "CT Head WO contrast".into(),
            system: "LN".into(),
        },
        modality: Some("CT".into()),
        requested_procedure_id: Some("RP1".into()),
        scheduled_step_id: Some("SPS1".into()),
        status: Some("IP".into()),
        study_time: Some(at("2026-03-14T09:26:53Z")),
    }
}

fn entity(number: &str, namespace: &str) -> EntityId {
    EntityId {
        number: number.into(),
        namespace: namespace.into(),
    }
}

fn record(status: ResultStatus, probability: Option<f64>) -> ResultRecord {
    let measured = |code, value, unit| Measurement { code, value, unit };
    ResultRecord {
        id: ResultId(Uuid::from_u128(1)),
        study: StudyId(Uuid::from_u128(2)),
        analysis: AnalysisId(Uuid::from_u128(3)),
        model: ModelRef {
            name: "ich".into(),
            version: "1.0.0".into(),
            sha256: "ab".repeat(32),
            manufacturer: "Tocsin".into(),
            display_policy: DisplayPolicy::PreviewPlain,
            disclaimer: "Trained on synthetic phantoms.".into(),
        },
        status,
        produced_at: at("2026-03-14T09:28:03Z"),
        findings: vec![Finding {
            code: code::INTRACRANIAL_HEMORRHAGE,
            site: code::BRAIN,
            presence: Presence::Present,
            flagged: true,
            probability,
            operating_point: "total volume ≥ 1 mL".into(),
            measurements: vec![
                measured(code::VOLUME, 1.64, code::MILLILITER),
                measured(code::MIDLINE_SHIFT, 4.2, code::MILLIMETER),
            ],
            evaluations: vec![],
            lesions: vec![],
            lines: vec![],
            key_instance: None,
        }],
        series_uid: uid("1.2.840.1.1"),
        instance_uids: vec![uid("1.2.840.1.1.1")],
        supersedes: None,
        limitations: vec![],
        foreground: None,
        comparison: None,
        statements: Vec::new(),
        explanation: Explanation::default(),
        origin: Default::default(),
        assessments: Vec::new(),
    }
}

fn profile(text: &str) -> SiteProfile {
    SiteProfile::parse(text).expect("a sound profile")
}

fn parties() -> Parties {
    Parties {
        sending_application: "TOCSIN".into(),
        sending_facility: "EGH".into(),
        receiving_application: "RIS".into(),
        receiving_facility: "EGH".into(),
        processing_id: "P".into(),
    }
}

fn sent<T>(profile: &SiteProfile, build: impl FnOnce(&Envelope<'_>) -> T) -> T {
    build(&Envelope {
        profile: &profile.send,
        parties: &parties(),
        control_id: "TRI000001",
        at: at("2026-03-14T09:28:05Z"),
        zone: chrono_tz::UTC,
    })
}

fn priority_message(profile: &SiteProfile, order: &OrderContext, change: &PriorityChange<'_>) -> Vec<u8> {
    sent(profile, |envelope| change_priority(order, change, envelope))
        .expect("a message")
        .bytes
}

fn raise() -> PriorityChange<'static> {
    PriorityChange::raised(Band::Critical, &record(ResultStatus::Preliminary, None)).expect("flagged")
}

fn result_message(profile: &SiteProfile, order: &OrderContext, record: &ResultRecord) -> Vec<u8> {
    let (study, sr) = (uid("1.2.840.1"), uid("2.25.99"));
    let message = ResultMessage {
        record,
        order,
        study_uid: &study,
        sr_instance_uid: Some(&sr),
        device_uid: None,
    };
    sent(profile, |envelope| result(&message, envelope))
        .expect("a message")
        .bytes
}

fn read(message: &[u8]) -> Hl7Event {
    let profile = profile(DEFAULT_251);
    let reading = Reading {
        profile: &profile.read,
        zone: chrono_tz::UTC,
        processing_ids: &["P".to_owned()],
        ai_senders: &[],
        received_at: at("2026-03-14T12:00:00Z"),
    };
    open(message).expect("HL7").event(&reading).expect("understood")
}

fn read_order(message: &[u8]) -> OrderEvent {
    match read(message) {
        Hl7Event::Orders(mut orders) if orders.len() == 1 => orders.remove(0),
        other => panic!("{other:?} is not one order"),
    }
}

fn read_report(message: &[u8]) -> ReportEvent {
    match read(message) {
        Hl7Event::Report(mut reports) if reports.len() == 1 => reports.remove(0),
        other => panic!("{other:?} is not one report"),
    }
}

fn segments(message: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(message).into_owned();
    text.split('\r')
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_priority_change_of_2_5_1_says_exactly_this() {
    let got = segments(&priority_message(&profile(DEFAULT_251), &order(), &raise()));
    let wanted = [
        "MSH|^~\\&|TOCSIN|EGH|RIS|EGH|20260314092805+0000||OMI^O23^OMI_O23|TRI000001|P|2.5.1|||AL|AL||UNICODE UTF-8",
        "PID|1||MRN0001^^^EGH^MR||Müller^Jane^Q^Jr^Dr||19500102|F",
        "PV1|1|E|ED^01^A^EGH||||||||||||||||VIS9",
        "ORC|XO|PLC77001^EHR|FIL88001^RIS||IP||1^^^^^S||20260314092805+0000|TOCSIN^Orchestrator||||||AI-1386000^AI suspected: Intracranial hemorrhage^99TOCSIN",
        "TQ1|1||||||||S^Stat^HL70485",
        "OBR|1|PLC77001^EHR|FIL88001^RIS|30799-1^CT Head WO contrast^LN|S||20260314092653+0000|||||||||||ACC1|RP1|SPS1||||CT|||1^^^^^S",
        "NTE|1|L|AI triage: Suspected intracranial hemorrhage, 1.64 mL. Unverified.",
        "IPC|ACC1|RP1|1.2.840.1^^1.2.840.1^ISO|SPS1|CT^^DCM",
    ];
    assert_eq!(got, wanted);
}

#[test]
fn a_result_of_2_5_1_says_exactly_this() {
    let record = record(ResultStatus::Preliminary, Some(0.937));
    let got = segments(&result_message(&profile(DEFAULT_251), &order(), &record));
    let tail = "|||20260314092653+0000|||ich^ich 1.0.0^99TOCSIN|abababababababab^Tocsin|20260314092803+0000";
    assert_eq!(got[0].split('|').nth(8), Some("ORU^R01^ORU_R01"));
    assert!(got[4].ends_with("|20260314092803+0000||CT|P"), "{}", got[4]);
    let wanted = [
        format!("OBX|1|ST|113014^DICOM Study^DCM|1|1.2.840.1||||||O{tail}"),
        format!("OBX|2|CE|1386000^Intracranial hemorrhage^SCT|1|52101004^Present^SCT|||AA|0.937||P{tail}"),
        format!("OBX|3|NM|111012^Certainty of Finding^DCM|1|93.7|%^percent^UCUM|||||P{tail}"),
        format!("OBX|4|NM|118565006^Volume^SCT|1|1.64|mL^milliliter^UCUM|||||P{tail}"),
        format!("OBX|5|NM|RDE165^Midline shift^99RADELEMENT|1|4.2|mm^millimeter^UCUM|||||P{tail}"),
        format!("OBX|6|HD|^SR Instance UID|1|2.25.99||||||P{tail}"),
    ];
    assert_eq!(got[5..11], wanted);
    assert!(got[11].starts_with("OBX|7|TX|19005-8^"), "{}", got[11]);
    assert!(
        got[11].contains("|AI result, NOT a radiologist report. "),
        "{}",
        got[11]
    );
    assert_eq!(got.len(), 12);
}

#[test]
fn a_raw_score_is_no_probability() {
    let got = segments(&result_message(
        &profile(DEFAULT_251),
        &order(),
        &record(ResultStatus::Preliminary, None),
    ));
    assert!(!got.iter().any(|s| s.contains("111012")), "{got:?}");
    let presence: Vec<&str> = got[6].split('|').collect();
    assert_eq!((presence[8], presence[9], presence[11]), ("AA", "", "P"));
}

#[test]
fn every_standing_has_its_letters() {
    let letters = |record: &ResultRecord| {
        let got = segments(&result_message(&profile(DEFAULT_251), &order(), record));
        let field = |name: &str, number: usize, nth: usize| {
            let segment = got
                .iter()
                .filter(|s| s.starts_with(name))
                .nth(nth)
                .expect("a segment");
            segment.split('|').nth(number).unwrap_or_default().to_owned()
        };
        (field("OBR", 25, 0), field("OBX", 11, 1), got.len())
    };
    let undetermined = {
        let mut record = record(ResultStatus::Preliminary, None);
        record.findings[0].presence = Presence::Undetermined;
        record.findings[0].flagged = false;
        record
    };
    for (record, obr, obx, count) in [
        (record(ResultStatus::Preliminary, None), "P", "P", 11),
        (record(ResultStatus::Corrected, None), "C", "C", 11),
        (record(ResultStatus::Withdrawn, None), "C", "W", 7),
        (undetermined, "P", "X", 11),
        (verified(), "C", "F", 12),
    ] {
        assert_eq!(letters(&record), (obr.to_owned(), obx.to_owned(), count));
    }
}

/// A radiologist has verified its finding.
fn verified() -> ResultRecord {
    let mut record = record(ResultStatus::Corrected, Some(0.937));
    record.assessments = vec![Assessment {
        finding: record.findings[0].code.code.to_string(),
        judged: Judged::Verified,
        by: "Dr Ito".to_owned(),
        at: at("2026-03-14T10:00:00Z"),
        reason: None,
    }];
    record
}

#[test]
fn what_we_send_is_read_as_what_we_meant() {
    for (text, priority) in [(DEFAULT_251, "S"), (DEFAULT_231, "S")] {
        let got = read_order(&priority_message(&profile(text), &order(), &raise()));
        let wanted = order();
        assert_eq!(got.control, OrderControl::Change);
        assert_eq!(
            (got.placer, got.filler, got.accession),
            (wanted.placer, wanted.filler, wanted.accession)
        );
        assert_eq!(
            (got.study_uid, got.procedure),
            (wanted.study_uid, Some(wanted.procedure))
        );
        assert_eq!((got.status, got.modality), (wanted.status, wanted.modality));
        assert_eq!(got.requested_procedure_id, wanted.requested_procedure_id);
        assert_eq!(got.scheduled_step_id, wanted.scheduled_step_id);
        assert_eq!(got.priority.as_deref(), Some(priority));
        assert_eq!(got.patient.demographics, wanted.demographics);
        assert_eq!(got.patient.identifier, Some(wanted.patient));
        assert_eq!(
            (got.patient.location, got.patient.visit),
            (wanted.location, wanted.visit)
        );
    }
    let got = read_order(&priority_message(
        &profile(DEFAULT_231),
        &order(),
        &PriorityChange::restored("R"),
    ));
    assert_eq!(got.priority.as_deref(), Some("R"));
    let got = read_report(&result_message(
        &profile(DEFAULT_231),
        &order(),
        &record(ResultStatus::Preliminary, None),
    ));
    assert_eq!(
        (got.status, got.accession.as_deref()),
        (ReportStatus::Preliminary, Some("ACC1"))
    );
    assert!(
        got.text.expose().contains(">= 1 mL"),
        "8859/1 has no ≥: {}",
        got.text.expose()
    );
}

#[test]
fn what_must_be_known_is_asked_for() {
    let fails = |change: fn(&mut OrderContext)| {
        let mut order = order();
        change(&mut order);
        sent(&profile(DEFAULT_251), |envelope| {
            change_priority(&order, &raise(), envelope)
        })
        .expect_err("refused")
    };
    assert_eq!(
        fails(|o| o.procedure = Procedure::default()),
        BuildError::NoProcedure("OMI")
    );
    assert_eq!(fails(|o| o.study_uid = None), BuildError::NoStudyUid("OMI^O23"));
    assert_eq!(
        fails(|o| (o.placer, o.filler) = (None, None)),
        BuildError::NoOrderNumber
    );
}

proptest! {
    #[test]
    fn no_text_of_an_order_becomes_structure(
        name in any::<String>(),
        accession in "[|^~\\\\&\r\n\u{b}\u{1c}A-Z]{1,20}",
        procedure in any::<String>(),
        sentence in any::<String>(),
    ) {
        let mut order = order();
        order.demographics.name = Some(name.replace('^', " ").into());
        order.accession = Some(accession.clone());
        order.procedure.text = procedure;
        let change = PriorityChange { sentence, ..raise() };
        for text in [DEFAULT_231, DEFAULT_251] {
            let got = priority_message(&profile(text), &order, &change);
            prop_assert!(!got.iter().any(|b| [0x0b, 0x1c, b'\n'].contains(b)));
            let names: Vec<String> = segments(&got).iter().map(|s| s[..3].to_owned()).collect();
            let wanted: &[&str] = match text == DEFAULT_231 {
                true => &["MSH", "PID", "PV1", "ORC", "OBR", "NTE", "ZDS"],
                false => &["MSH", "PID", "PV1", "ORC", "TQ1", "OBR", "NTE", "IPC"],
            };
            prop_assert_eq!(names, wanted);
        }
    }
}

// ---- another reader ----

#[test]
fn hl7apy_reads_our_messages_strictly() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let local = root.join(".venv/bin/python");
    let python = if local.exists() {
        local
    } else {
        PathBuf::from("python3")
    };
    let has = Command::new(&python).args(["-c", "import hl7apy"]).output();
    if !has.is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED: no Python with hl7apy at {}", python.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let profiles = of_every_version();
    for (name, text) in &profiles {
        let profile = profile(text);
        let write = |kind: &str, bytes: Vec<u8>| {
            std::fs::write(folder.path().join(format!("{kind}-{name}.hl7")), bytes).expect("written");
        };
        write("raise", priority_message(&profile, &order(), &raise()));
        write(
            "restore",
            priority_message(&profile, &order(), &PriorityChange::restored("R")),
        );
        for (kind, status) in [
            ("preliminary", ResultStatus::Preliminary),
            ("corrected", ResultStatus::Corrected),
            ("withdrawn", ResultStatus::Withdrawn),
        ] {
            write(
                kind,
                result_message(&profile, &order(), &record(status, Some(0.937))),
            );
        }
        write("verified", result_message(&profile, &order(), &verified()));
    }
    let script = root.join("tests/peers/check_hl7.py");
    let output = Command::new(&python)
        .arg(&script)
        .arg(folder.path())
        .output()
        .expect("started");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let read = said.lines().filter(|l| l.starts_with('{')).count();
    assert_eq!(read, 6 * profiles.len(), "{said}");
}

/// A profile for each version that sites may name, with each message that it has for an order.
fn of_every_version() -> Vec<(String, String)> {
    let with = |base: &str, version: &str, message: &str| {
        let own = base
            .replace("version = \"2.3.1\"", &format!("version = \"{version}\""))
            .replace("version = \"2.5.1\"", &format!("version = \"{version}\""));
        let own = own.replace(
            "order_message = \"OMI^O23\"",
            &format!("order_message = \"{message}\""),
        );
        (format!("{version}-{}", &message[..3]), own)
    };
    let early = ["2.3", "2.3.1", "2.4"].map(|version| with(DEFAULT_231, version, "ORM^O01"));
    let both = ["2.5", "2.5.1", "2.6"].map(|version| with(DEFAULT_251, version, "ORM^O01"));
    let new =
        ["2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2"].map(|version| with(DEFAULT_251, version, "OMI^O23"));
    [early.to_vec(), both.to_vec(), new.to_vec()].concat()
}

#[test]
fn the_priority_stands_where_the_version_has_it() {
    for (name, text) in of_every_version() {
        let message =
            String::from_utf8_lossy(&priority_message(&profile(&text), &order(), &raise())).into_owned();
        let field = |segment: &str, number: usize| {
            let line = message.split('\r').find(|line| line.starts_with(segment));
            line.and_then(|line| line.split('|').nth(number))
                .unwrap_or_default()
                .to_owned()
        };
        let (version, withdrawn) = (&name[..name.len() - 4], name.as_str() >= "2.7");
        assert_eq!(field("MSH", 11), version);
        assert_eq!(field("ORC", 7).is_empty(), withdrawn, "{name}: ORC-7");
        assert_eq!(field("OBR", 5).is_empty(), withdrawn, "{name}: OBR-5");
        assert_eq!(field("OBR", 27).is_empty(), withdrawn, "{name}: OBR-27");
        let tq1 = name.ends_with("OMI");
        assert_eq!(field("TQ1", 9).is_empty(), !tq1, "{name}: TQ1-9");
        let result = result_message(
            &profile(&text),
            &order(),
            &record(ResultStatus::Preliminary, Some(0.9)),
        );
        let coded = String::from_utf8_lossy(&result).contains("|CWE|");
        assert_eq!(coded, withdrawn, "{name}: CWE from 2.7 on, CE before");
    }
}
