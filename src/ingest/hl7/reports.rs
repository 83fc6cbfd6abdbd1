//! ORU^R01: the reports of a message, with their text and their standing. It judges nothing of what they say.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::Uid;
use tocsin_domain::order::{ReportEvent, ReportStatus};
use tocsin_domain::phi::Phi;

use super::Reading;
use super::orders::{Group, Keys, Places, find, groups, person, uid};
use super::patients::{Identity, patient};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::tree::Segment;

/// LOINC: an addendum.
const ADDENDUM: &str = "55107-7";
/// DCM: the row that names the study.
const DICOM_STUDY: &str = "113014";

pub fn reports(
    segments: &[Segment<'_>],
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<Vec<ReportEvent>, Hl7Problem> {
    let mut events = Vec::new();
    for part in patient_parts(segments) {
        let head = part.iter().position(|s| s.name == "ORC" || s.name == "OBR");
        let (before, behind) = part.split_at(head.unwrap_or(part.len()));
        let who = patient(before, reading, Identity::Optional, at)?;
        for group in groups(behind) {
            if let Some(obr) = find(&group, "OBR") {
                let places = Places {
                    group: &group,
                    before,
                };
                events.push(report(&places, obr, &who, reading, at)?);
            }
        }
    }
    if events.is_empty() {
        let place = Place::segment("OBR", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an OBR segment",
        ));
    }
    Ok(events)
}

/// A message may hold the results of several patients, each from its PID on.
pub(super) fn patient_parts<'s, 'a>(segments: &'s [Segment<'a>]) -> Vec<&'s [Segment<'a>]> {
    let starts: Vec<usize> = segments
        .iter()
        .enumerate()
        .filter(|(_, s)| s.name == "PID")
        .map(|(i, _)| i)
        .collect();
    if starts.len() < 2 {
        return vec![segments];
    }
    let ends = starts.iter().skip(1).copied().chain([segments.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &segments[*start..end])
        .collect()
}

fn report(
    places: &Places<'_, '_, '_>,
    obr: &Segment<'_>,
    who: &tocsin_domain::order::PatientEvent,
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<ReportEvent, Hl7Problem> {
    let group = places.group;
    let keys = Keys::of(places, study_uid(group)?, reading)?;
    if keys.is_empty() {
        let place = Place::field("OBR", obr.sequence, 3);
        let expected = "a filler or placer order number, an accession number or a Study Instance UID";
        return Err(Hl7Problem::missing(place, expected));
    }
    let changed = obr.value(22, 1).and_then(|t| reading.time(&t));
    Ok(ReportEvent {
        placer: keys.placer,
        filler: keys.filler,
        accession: keys.accession,
        study_uid: keys.study_uid,
        status: status(obr.value(25, 1).as_deref(), group),
        text: Phi::new(text(group)),
        radiologist: radiologist(group, obr),
        patient: who.clone(),
        at: changed.unwrap_or(at),
    })
}

pub(super) fn study_uid(group: &Group<'_, '_>) -> Result<Option<Uid>, Hl7Problem> {
    if let Some(zds) = find(group, "ZDS") {
        return uid(zds, 1);
    }
    let row = rows(group).find(|obx| obx.value(3, 1).as_deref() == Some(DICOM_STUDY));
    row.map(|obx| uid(obx, 5)).transpose().map(Option::flatten)
}

pub(super) fn rows<'g, 'a>(group: &'g Group<'g, 'a>) -> impl Iterator<Item = &'g Segment<'a>> {
    group.iter().copied().filter(|s| s.name == "OBX")
}

/// Whether a row holds words of the report: text, and not the details of the order.
fn is_text(obx: &Segment<'_>) -> bool {
    let kind = obx.value(2, 1);
    let worded = matches!(kind.as_deref(), Some("TX" | "FT" | "ST"));
    worded && obx.value(11, 1).as_deref() != Some("O")
}

fn is_retracted(obx: &Segment<'_>) -> bool {
    matches!(obx.value(11, 1).as_deref(), Some("W" | "D" | "X"))
}

/// Tables 0123 and 0085 in one ranking. Where OBR-25 is empty, the rows speak.
fn status(obr25: Option<&str>, group: &Group<'_, '_>) -> ReportStatus {
    let texts: Vec<&Segment<'_>> = rows(group).filter(|obx| is_text(obx)).collect();
    if !texts.is_empty() && texts.iter().all(|obx| is_retracted(obx)) {
        return ReportStatus::Retracted;
    }
    let of_rows = texts
        .iter()
        .filter_map(|obx| rank(&obx.value(11, 1)?))
        .filter(|s| *s != ReportStatus::Retracted)
        .max();
    let said = obr25.and_then(rank).or(of_rows).unwrap_or(ReportStatus::NoText);
    let amends = texts.iter().any(|obx| amends(obx));
    match said {
        ReportStatus::Final if amends => ReportStatus::Amended,
        ReportStatus::Final
        | ReportStatus::NoText
        | ReportStatus::Preliminary
        | ReportStatus::Amended
        | ReportStatus::Retracted => said,
    }
}

fn amends(obx: &Segment<'_>) -> bool {
    let by_status = matches!(obx.value(11, 1).as_deref(), Some("A" | "B" | "V" | "C"));
    by_status || obx.value(3, 1).as_deref() == Some(ADDENDUM)
}

fn rank(code: &str) -> Option<ReportStatus> {
    match code {
        "O" | "I" | "S" | "N" | "Y" | "Z" => Some(ReportStatus::NoText),
        "A" | "P" | "R" => Some(ReportStatus::Preliminary),
        "F" | "U" => Some(ReportStatus::Final),
        "C" | "B" | "V" => Some(ReportStatus::Amended),
        "W" | "D" | "X" => Some(ReportStatus::Retracted),
        _ => None,
    }
}

/// The rows' words in order; an empty line where the kind of text changes (findings, impression, addendum).
fn text(group: &Group<'_, '_>) -> String {
    let mut out = String::new();
    let mut kind_before = None;
    for obx in rows(group).filter(|obx| is_text(obx) && !is_retracted(obx)) {
        let kind = obx.value(3, 1);
        if !out.is_empty() {
            out.push_str(if kind_before == Some(kind.clone()) {
                "\n"
            } else {
                "\n\n"
            });
        }
        out.push_str(&obx.text(5));
        kind_before = Some(kind);
    }
    out
}

/// OBR-32 (its first component is a name in subcomponents), else who is responsible for a row.
fn radiologist(group: &Group<'_, '_>, obr: &Segment<'_>) -> Option<String> {
    let named = obr.repetitions(32).first().and_then(|who| {
        let given = who.sub(1, 3).unwrap_or_default();
        match who.sub(1, 2) {
            Some(family) => Some(format!("{given} {family}").trim().to_owned()),
            None => who.value(1),
        }
    });
    named.or_else(|| rows(group).find_map(|obx| person(Some(obx), 16)))
}
