//! PID, PV1 and MRG: whom a message is about, and which identifiers become one.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::order::{PatientEvent, PatientField, PatientMerge};
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};

use super::Reading;
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::tree::{Repetition, Segment};
use crate::report::read_profile::FieldPath;

/// Identifiers longer than this are no identifiers.
pub const MAX_IDENTIFIER: usize = 199;
/// Types of identifiers (table 0203) that name a patient at a hospital, best first.
const PATIENT_ID_TYPES: [&str; 2] = ["MR", "PI"];

/// Whether a message may come without the identifier of its patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    Required,
    Optional,
}

/// The patient of an ADT message: PID-3 is required.
pub fn patient_event(
    segments: &[Segment<'_>],
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<PatientEvent, Hl7Problem> {
    patient(segments, reading, Identity::Required, at)
}

/// What the first PID and PV1 of these segments say.
pub fn patient(
    segments: &[Segment<'_>],
    reading: &Reading<'_>,
    identity: Identity,
    at: Timestamp,
) -> Result<PatientEvent, Hl7Problem> {
    let find = |name: &str| segments.iter().find(|s| s.name == name);
    let pid = find("PID");
    let pv1 = find("PV1");
    let identifier = match pid {
        Some(pid) => choose_identifier(pid, 3, reading)?,
        None => None,
    };
    match (pid, &identifier, identity) {
        (_, Some(_), _) | (_, None, Identity::Optional) => {}
        (Some(pid), None, Identity::Required) => return Err(missing_identifier(pid, 3)),
        (None, None, Identity::Required) => {
            let place = Place::segment("PID", 1);
            return Err(Hl7Problem::new(
                ErrorCode::SegmentSequence,
                place,
                "a PID segment",
            ));
        }
    }
    let profile = reading.profile;
    let said = |paths: &[FieldPath]| {
        let mut found = paths
            .iter()
            .filter_map(|path| find(&path.segment)?.value(path.field, path.component));
        found.next()
    };
    Ok(PatientEvent {
        identifier,
        demographics: pid.map(demographics).unwrap_or_default(),
        patient_class: said(&profile.patient_class).map(|text| profile.patient_classes.of(&text).to_owned()),
        location: pv1.and_then(location),
        visit: said(&profile.visit),
        deleted: deleted(segments, reading),
        at,
    })
}

/// What the message says to delete.
fn deleted(segments: &[Segment<'_>], reading: &Reading<'_>) -> Vec<PatientField> {
    let says = |name: &str, field: usize| {
        let segment = segments.iter().find(|s| s.name == name);
        segment.is_some_and(|s| s.deletes(field))
    };
    let first = |paths: &[FieldPath]| paths.first().is_some_and(|path| says(&path.segment, path.field));
    let all = [
        (PatientField::Name, says("PID", 5)),
        (PatientField::BirthDate, says("PID", 7)),
        (PatientField::Sex, says("PID", 8)),
        (PatientField::PatientClass, first(&reading.profile.patient_class)),
        (PatientField::Location, says("PV1", 3)),
        (PatientField::Visit, first(&reading.profile.visit)),
    ];
    all.into_iter()
        .filter_map(|(field, deletes)| deletes.then_some(field))
        .collect()
}

/// A person rather than a visit: what PV1 says there is a placeholder.
pub fn person_event(
    segments: &[Segment<'_>],
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<PatientEvent, Hl7Problem> {
    let mut event = patient_event(segments, reading, at)?;
    event.deleted.retain(|field| match field {
        PatientField::Name | PatientField::BirthDate | PatientField::Sex => true,
        PatientField::PatientClass | PatientField::Location | PatientField::Visit => false,
    });
    Ok(PatientEvent {
        patient_class: None,
        location: None,
        visit: None,
        ..event
    })
}

/// Every PID with the MRG behind it. MRG-1 goes, PID-3 stays.
pub fn merges(segments: &[Segment<'_>], reading: &Reading<'_>) -> Result<Vec<PatientMerge>, Hl7Problem> {
    let mut merges = Vec::new();
    let mut survivor: Option<&Segment<'_>> = None;
    for segment in segments {
        match segment.name {
            "PID" => survivor = Some(segment),
            "MRG" => merges.push(merge(survivor, segment, reading)?),
            _ => {}
        }
    }
    if merges.is_empty() {
        let place = Place::segment("MRG", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an MRG segment",
        ));
    }
    Ok(merges)
}

fn merge(
    pid: Option<&Segment<'_>>,
    mrg: &Segment<'_>,
    reading: &Reading<'_>,
) -> Result<PatientMerge, Hl7Problem> {
    let Some(pid) = pid else {
        let place = Place::segment("MRG", mrg.sequence);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "a PID segment before it",
        ));
    };
    let survivor = choose_identifier(pid, 3, reading)?.ok_or_else(|| missing_identifier(pid, 3))?;
    let mut retired = Vec::new();
    for repetition in mrg.repetitions(1) {
        retired.extend(identifier(mrg, 1, &repetition)?);
    }
    if retired.is_empty() {
        return Err(missing_identifier(mrg, 1));
    }
    if retired.contains(&survivor) {
        let place = Place::field("MRG", mrg.sequence, 1);
        let expected = "an identifier other than the one in PID-3, which stays";
        return Err(Hl7Problem::new(ErrorCode::UnknownKey, place, expected));
    }
    Ok(PatientMerge {
        survivor,
        survivor_demographics: demographics(pid),
        retired,
    })
}

fn missing_identifier(segment: &Segment<'_>, field: usize) -> Hl7Problem {
    let place = Place::component(segment.name, segment.sequence, field, 1, 1);
    Hl7Problem::missing(place, "a patient identifier")
}

/// The identifier of the configured authority; without one the medical record number, else the first.
fn choose_identifier(
    segment: &Segment<'_>,
    field: usize,
    reading: &Reading<'_>,
) -> Result<Option<PatientIdentifier>, Hl7Problem> {
    let repetitions = segment.repetitions(field);
    let mut found = Vec::new();
    for repetition in &repetitions {
        if let Some(identifier) = identifier(segment, field, repetition)? {
            found.push((identifier, repetition.value(5).unwrap_or_default()));
        }
    }
    let wanted = &reading.profile.patient_authority;
    let of_authority = found
        .iter()
        .find(|(id, _)| !wanted.is_empty() && id.authority == *wanted);
    let of_type = || {
        PATIENT_ID_TYPES
            .iter()
            .find_map(|kind| found.iter().find(|(_, k)| k == kind))
    };
    Ok(of_authority
        .or_else(of_type)
        .or_else(|| found.first())
        .map(|(id, _)| id.clone()))
}

/// CX: the number, and who assigned it (CX.4, by name, else by its universal id).
fn identifier(
    segment: &Segment<'_>,
    field: usize,
    repetition: &Repetition<'_>,
) -> Result<Option<PatientIdentifier>, Hl7Problem> {
    let Some(value) = repetition.value(1) else {
        return Ok(None);
    };
    let authority = repetition.sub(4, 1).or_else(|| repetition.sub(4, 2));
    let authority = authority.unwrap_or_default();
    for text in [&value, &authority] {
        check_identifier(text, || {
            Place::component(segment.name, segment.sequence, field, repetition.number, 1)
        })?;
    }
    Ok(Some(PatientIdentifier { value, authority }))
}

/// An identifier is short and holds no control characters.
pub fn check_identifier(text: &str, place: impl FnOnce() -> Place) -> Result<(), Hl7Problem> {
    if text.len() > MAX_IDENTIFIER || text.chars().any(char::is_control) {
        let expected =
            format!("an identifier of at most {MAX_IDENTIFIER} characters without control characters");
        return Err(Hl7Problem::data_type(place(), expected));
    }
    Ok(())
}

fn demographics(pid: &Segment<'_>) -> Demographics {
    let date = |text: String| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).take(8).collect();
        (digits.len() >= 4).then_some(digits)
    };
    let sex = |text: String| match text.to_ascii_uppercase().as_str() {
        known @ ("M" | "F" | "O" | "U") => Some(known.to_owned()),
        "A" | "N" => Some("O".to_owned()),
        _ => None,
    };
    Demographics {
        name: name(pid).map(Phi::new),
        birth_date: pid.value(7, 1).and_then(date).map(Phi::new),
        sex: pid.value(8, 1).and_then(sex).map(Phi::new),
    }
}

/// XPN is family, given, middle, suffix, prefix; kept in DICOM order, prefix before suffix. The legal name, else the first.
fn name(pid: &Segment<'_>) -> Option<String> {
    let names = pid.repetitions(5);
    let legal = names.iter().find(|n| n.value(7).as_deref() == Some("L"));
    let name = legal.or_else(|| names.first())?;
    let part = |number| name.value(number).unwrap_or_default().replace('^', " ");
    let ordered = [part(1), part(2), part(3), part(5), part(4)].join("^");
    let trimmed = ordered.trim_end_matches('^');
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

fn location(pv1: &Segment<'_>) -> Option<String> {
    let parts: Vec<String> = (1..=4)
        .map(|n| pv1.value(3, n).unwrap_or_default().replace('^', " "))
        .collect();
    let joined = parts.join("^");
    let trimmed = joined.trim_end_matches('^');
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
