//! ORU^R01 of another vendor's product: its rows, grouped by OBX-4, as statements in its own codes. That a message is one is
//! decided by who sends it, never by what it says. It maps nothing and judges nothing.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;
use tocsin_domain::order::{PatientEvent, SentResult};
use tocsin_domain::vendor::equivalents::{meaning, usual};
use tocsin_domain::vendor::meaning::Meaning;
use tocsin_domain::vendor::{Group, Said, Speaker, Subject, Told, Value, Word};

use super::Reading;
use super::header::Header;
use super::orders::{Group as Segments, Keys, Places, find, groups};
use super::patients::{Identity, patient};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::reports::{patient_parts, rows, study_uid};
use super::tree::Segment;

/// Rows of one result that are read.
const MOST_ROWS: usize = 2_000;
/// Characters of a reason at most.
const REASON: usize = 200;

/// An application whose ORU^R01 are results of products and no reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AiSender {
    /// MSH-3.
    pub application: String,
    /// MSH-4; any when absent.
    pub facility: Option<String>,
}

impl AiSender {
    pub fn sent(&self, header: &Header) -> bool {
        let facility = |of: &String| *of == header.sending_facility;
        self.application == header.sending_application && self.facility.as_ref().is_none_or(facility)
    }
}

pub fn vendor_results(
    segments: &[Segment<'_>],
    header: &Header,
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<Vec<SentResult>, Hl7Problem> {
    let mut results = Vec::new();
    for part in patient_parts(segments) {
        let head = part.iter().position(|s| s.name == "ORC" || s.name == "OBR");
        let (before, behind) = part.split_at(head.unwrap_or(part.len()));
        let who = patient(before, reading, Identity::Optional, at)?;
        for group in groups(behind) {
            let Some(obr) = find(&group, "OBR") else { continue };
            let places = Places {
                group: &group,
                before,
            };
            for told in result(&places, obr, &who, reading, at)? {
                results.push(SentResult {
                    application: header.sending_application.clone(),
                    facility: header.sending_facility.clone(),
                    told,
                });
            }
        }
    }
    if results.is_empty() {
        let place = Place::segment("OBR", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an OBR segment",
        ));
    }
    Ok(results)
}

/// What the rows under one OBR say: one word for each algorithm that speaks in them.
fn result(
    places: &Places<'_, '_, '_>,
    obr: &Segment<'_>,
    who: &PatientEvent,
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<Vec<Told>, Hl7Problem> {
    let group = places.group;
    let keys = Keys::of(places, study_uid(group)?, reading)?;
    if keys.is_empty() {
        let place = Place::field("OBR", obr.sequence, 3);
        let expected = "a filler or placer order number, an accession number or a Study Instance UID";
        return Err(Hl7Problem::missing(place, expected));
    }
    if keys.study_uid.is_none() && who.identifier.is_none() {
        let expected = "a patient identifier, or a row with the Study Instance UID (113014)";
        return Err(Hl7Problem::missing(Place::field("PID", 1, 3), expected));
    }
    let all: Vec<&Segment<'_>> = rows(group).take(MOST_ROWS).collect();
    let changed = obr.value(22, 1).and_then(|t| reading.time(&t));
    let told = by_speaker(&all).into_iter().map(|(by, own)| Told {
        by,
        word: word(obr, &own, group),
        study: Subject {
            study_uid: keys.study_uid.clone(),
            accession: keys.accession.clone(),
            placer: keys.placer.clone(),
            filler: keys.filler.clone(),
            patient: who.identifier.clone(),
        },
        groups: statements(&own),
        series_uid: None,
        instance_uids: Vec::new(),
        report: own.iter().copied().find_map(report_uid),
        not_understood: Vec::new(),
        at: changed.unwrap_or(at).min(reading.received_at),
    });
    Ok(told.collect())
}

/// Rows that name no algorithm belong to the first that is named.
fn by_speaker<'r, 'a>(all: &[&'r Segment<'a>]) -> Vec<(Speaker, Vec<&'r Segment<'a>>)> {
    let mut found: Vec<(Speaker, Vec<&Segment<'_>>)> = Vec::new();
    let first = all
        .iter()
        .map(|row| speaker(row))
        .find(|by| !by.algorithm.is_empty());
    for row in all {
        let own = speaker(row);
        let by = match own.algorithm.is_empty() {
            true => first.clone().unwrap_or(own),
            false => own,
        };
        match found
            .iter_mut()
            .find(|(known, _)| known.algorithm == by.algorithm)
        {
            Some((known, rows)) => {
                if known.version.is_empty() {
                    *known = by;
                }
                rows.push(row);
            }
            None => found.push((by, vec![row])),
        }
    }
    if found.is_empty() {
        found.push((Speaker::default(), Vec::new()));
    }
    found
}

/// OBX-17 names the algorithm, and often its version behind the name; OBX-18 its manufacturer.
fn speaker(row: &Segment<'_>) -> Speaker {
    let algorithm = row.value(17, 1).or_else(|| row.value(17, 2)).unwrap_or_default();
    let named = row.value(17, 2).unwrap_or_default();
    let version = named
        .strip_prefix(algorithm.as_str())
        .map(str::trim)
        .unwrap_or_default();
    Speaker {
        manufacturer: row.value(18, 2).unwrap_or_default(),
        version: version.to_owned(),
        algorithm,
    }
    .bounded()
}

/// Taken back when every row that states something is (table 0085); not obtained likewise.
fn word(obr: &Segment<'_>, own: &[&Segment<'_>], group: &Segments<'_, '_>) -> Word {
    let states = |row: &&&Segment<'_>| row.value(11, 1).as_deref() != Some("O");
    let said: Vec<String> = own
        .iter()
        .filter(states)
        .map(|row| row.value(11, 1).unwrap_or_default())
        .collect();
    let all = |codes: &[&str]| !said.is_empty() && said.iter().all(|code| codes.contains(&code.as_str()));
    if all(&["W", "D"]) {
        return Word::Withdrawn;
    }
    // An undetermined finding is a finding; a cancelled order or rows of text alone are none.
    let coded = own
        .iter()
        .filter(states)
        .any(|row| row.value(2, 1).as_deref() != Some("TX") && !row.raw(5).is_empty());
    match obr.value(25, 1).as_deref() == Some("X") || all(&["X"]) && !coded {
        true => Word::NotAnalysable(reason(own, group)),
        false => Word::Result,
    }
}

/// What a note or a row of text gives as the reason.
fn reason(own: &[&Segment<'_>], group: &Segments<'_, '_>) -> String {
    let note = find(group, "NTE")
        .map(|note| note.text(3))
        .filter(|text| !text.is_empty());
    let row = || own.iter().map(|row| row.text(5)).find(|text| !text.is_empty());
    let text = note
        .or_else(row)
        .unwrap_or_else(|| "no reason was given".to_owned());
    text.chars().filter(|c| !c.is_control()).take(REASON).collect()
}

/// Rows with one OBX-4 belong together; those that are withdrawn or not obtained state nothing.
fn statements(own: &[&Segment<'_>]) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    for row in own {
        let Some(said) = statement(row) else { continue };
        let sub = row.value(4, 1).unwrap_or_default();
        let place = format!("OBX-4 {sub}").trim_end().to_owned();
        match found.iter_mut().find(|group| group.place == place) {
            Some(group) => take(group, said),
            None => {
                let mut group = Group {
                    place,
                    ..Group::default()
                };
                take(&mut group, said);
                found.push(group);
            }
        }
    }
    found
}

fn take(group: &mut Group, said: Said) {
    const SITE: Code = Code::new("SCT", "363698007", "Finding Site");
    let concept = usual(&said.concept);
    match said.value {
        Value::Coded(site) if concept.is(&SITE) => group.site = Some(site),
        Value::Coded(side) if concept.is(&tocsin_domain::code::LATERALITY) => group.laterality = Some(side),
        Value::Coded(_) | Value::Number { .. } | Value::Text(_) | Value::Nothing => group.said.push(said),
    }
}

fn statement(row: &Segment<'_>) -> Option<Said> {
    if matches!(row.value(11, 1).as_deref(), Some("O" | "W" | "D")) {
        return None;
    }
    let concept = coded(row, 3)?;
    if meaning(&concept) == Some(Meaning::Ignored) {
        return None;
    }
    Some(Said {
        value: value(row),
        flag: row.value(8, 1).unwrap_or_default().to_ascii_uppercase(),
        probability: number(row, 9).filter(|p| (0.0..=1.0).contains(p)),
        concept,
    })
}

fn value(row: &Segment<'_>) -> Value {
    match row.value(2, 1).as_deref() {
        Some("NM" | "SN") => match numeric(row) {
            Some(value) => Value::Number {
                value,
                unit: coded(row, 6),
            },
            None => Value::Nothing,
        },
        Some("CE" | "CWE" | "CNE" | "CF") => coded(row, 5).map_or(Value::Nothing, Value::Coded),
        // Text, and types that are none of a product's: words, if anything.
        Some(_) | None => match row.text(5) {
            text if text.is_empty() => Value::Nothing,
            text => Value::Text(text),
        },
    }
}

/// NM, or the number of a structured numeric that compares with nothing.
fn numeric(row: &Segment<'_>) -> Option<f64> {
    number(row, 5).or_else(|| {
        let plain = row.value(5, 1).is_none_or(|sign| sign == "=");
        let text = row.value(5, 2).filter(|_| plain)?;
        text.parse().ok().filter(|value: &f64| value.is_finite())
    })
}

fn number(row: &Segment<'_>, field: usize) -> Option<f64> {
    let value: f64 = row.value(field, 1)?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// A coded element; a text without a system stands under none.
fn coded(row: &Segment<'_>, field: usize) -> Option<Code> {
    let code = row.value(field, 1).or_else(|| row.value(field, 2))?;
    Some(Code {
        display: row.value(field, 2).unwrap_or_default().into(),
        system: row.value(field, 3).unwrap_or_default().into(),
        code: code.into(),
    })
}

/// `^SR Instance UID`, the row that names the report which holds the result in full.
fn report_uid(row: &Segment<'_>) -> Option<Uid> {
    let named = row.value(3, 1).is_none() && row.value(3, 2).as_deref() == Some("SR Instance UID");
    let text = named.then(|| row.value(5, 1)).flatten()?;
    Uid::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tocsin_domain::code;
    use tocsin_domain::finding::{DisplayPolicy, Presence};
    use tocsin_domain::order::Hl7Event;
    use tocsin_domain::vendor::product::{Mode, Product};
    use tocsin_domain::vendor::reading;

    use super::super::event::open;
    use super::*;
    use crate::report::read_profile::ReadProfile;
    use crate::report::site_profile::{DEFAULT_251, SiteProfile};

    fn read(sender: &str, rows: &str) -> Hl7Event {
        let text = format!(
            "MSH|^~\\&|{sender}|EGH|TRIAGE|EGH|20260314092809+0000||ORU^R01^ORU_R01|1|P|2.5.1\r\
             PID|1||MRN1^^^EGH^MR\rOBR|1||FIL1^RIS|||||||||||||||ACC1||||20260314092900+0000|||P\r{rows}"
        );
        let profile: Arc<ReadProfile> = Arc::new(SiteProfile::parse(DEFAULT_251).unwrap().read);
        let senders = [AiSender {
            application: "ACME".into(),
            facility: None,
        }];
        let reading = Reading {
            profile: &profile,
            zone: chrono_tz::UTC,
            processing_ids: &["P".to_owned()],
            ai_senders: &senders,
            received_at: tocsin_domain::clock::from_micros(0),
        };
        open(text.as_bytes()).unwrap().event(&reading).unwrap()
    }

    fn told(rows: &str) -> Told {
        match read("ACME", rows) {
            Hl7Event::VendorResults(mut sent) => sent.remove(0).told,
            other => panic!("{other:?}"),
        }
    }

    fn product() -> Product {
        Product {
            name: "acme".into(),
            reads_as: "ich".into(),
            manufacturer: "Acme".into(),
            algorithms: Vec::new(),
            report_from: Vec::new(),
            reads_reports: false,
            messages_from: None,
            mode: Mode::Active,
            display: DisplayPolicy::NotifyOnly,
            threshold: Some(0.5),
            calibrated: true,
            names_only_what_it_found: false,
            codes: Vec::new(),
        }
    }

    const BY: &str = "|||20260314092653+0000|||ICH-Detect^ICH-Detect 2.3.1^99X|SN^ACME AI^2.25.1^ISO|";

    #[test]
    fn rows_become_statements_whose_meaning_is_left_to_the_product() {
        let rows = format!(
            "OBX|1|ST|113014^DICOM Study^DCM|1|2.25.33||||||O{BY}\r\
             OBX|2|CE|1386000^Intracranial hemorrhage^SCT|1|52101004^Present^SCT|||AA|0.937||P{BY}\r\
             OBX|3|NM|118565006^Volume^SCT|1|1640|mm3^^UCUM|||||P{BY}\r\
             OBX|4|HD|^SR Instance UID|1|2.25.15||||||P{BY}\r\
             OBX|5|TX|19005-8^Impression^LN|1|AI result||||||P{BY}"
        );
        let told = told(&rows);
        assert_eq!(
            (told.by.algorithm.as_str(), told.by.version.as_str()),
            ("ICH-Detect", "2.3.1")
        );
        assert_eq!(told.by.manufacturer, "ACME AI");
        assert_eq!(told.study.study_uid, Uid::parse("2.25.33").ok());
        assert_eq!(told.report, Uid::parse("2.25.15").ok());
        let reading = reading::read(&told, &product());
        assert!(reading.not_understood.is_empty(), "{:?}", reading.not_understood);
        let found = &reading.findings[0];
        assert_eq!(
            (found.presence, found.probability),
            (Presence::Present, Some(0.937))
        );
        assert_eq!(found.measurement(&code::VOLUME).map(|m| m.value), Some(1.64));
    }

    #[test]
    fn every_way_of_saying_it_is_read() {
        let bleed = "1386000^ICH^SCT";
        for (name, row, presence) in [
            (
                "flag",
                format!("OBX|1|ST|{bleed}|1||||A|||P"),
                Some(Presence::Present),
            ),
            (
                "normal",
                format!("OBX|1|CE|{bleed}|1||||N|||F"),
                Some(Presence::Absent),
            ),
            (
                "word",
                format!("OBX|1|ST|{bleed}|1|Positive||||||F"),
                Some(Presence::Present),
            ),
            (
                "score",
                format!("OBX|1|NM|{bleed}|1|0.91||||||F"),
                Some(Presence::Present),
            ),
            (
                "percent",
                format!("OBX|1|NM|{bleed}|1|12|%^^UCUM|||||F"),
                Some(Presence::Absent),
            ),
            (
                "structured",
                format!("OBX|1|SN|{bleed}|1|^0.2||||||F"),
                Some(Presence::Absent),
            ),
            (
                "cwe",
                format!("OBX|1|CWE|{bleed}|1|RID28473^absent^RADLEX||||||C"),
                Some(Presence::Absent),
            ),
            (
                "open",
                format!("OBX|1|CE|{bleed}|1|373068000^Undetermined^SCT||||||X"),
                Some(Presence::Undetermined),
            ),
            (
                "unknown",
                "OBX|1|CE|ICH^Blood^99ACME|1|Y^Yes||||||F".to_owned(),
                None,
            ),
        ] {
            let told = told(&row);
            assert_eq!(told.word, Word::Result, "{name}");
            let reading = reading::read(&told, &product());
            assert_eq!(reading.findings.first().map(|f| f.presence), presence, "{name}");
            assert_eq!(reading.not_understood.is_empty(), presence.is_some(), "{name}");
        }
    }

    #[test]
    fn withdrawn_and_not_obtained_are_words_of_their_own() {
        let row = |status: &str| format!("OBX|1|CE|1386000^ICH^SCT|1|52101004^Present^SCT||||||{status}");
        assert_eq!(told(&row("W")).word, Word::Withdrawn);
        assert_eq!(told(&row("D")).word, Word::Withdrawn);
        let none = "OBX|1|TX|19005-8^Impression^LN|1|Not analysed||||||X\rNTE|1|L|motion";
        assert_eq!(told(none).word, Word::NotAnalysable("motion".into()));
    }

    #[test]
    fn who_sends_it_decides_and_not_what_it_says() {
        let row = "OBX|1|CE|1386000^ICH^SCT|1|52101004^Present^SCT|||AA|||F";
        assert!(matches!(read("RIS", row), Hl7Event::Report(_)));
        let text = "OBX|1|TX|19005-8^Impression^LN|1|Acute hemorrhage||||||F";
        assert!(matches!(read("ACME", text), Hl7Event::VendorResults(_)));
    }
}
