//! ORM^O01, OMI^O23 and OMG^O19: the orders of a message. Segments are found by name within their order's group, since
//! versions and vendors move them; unknown segments are passed over.

use tocsin_domain::ids::Uid;
use tocsin_domain::order::{EntityId, OrderControl, OrderEvent, PatientEvent, Procedure};
use tocsin_domain::phi::Phi;

use super::Reading;
use super::patients::{Identity, check_identifier, patient};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::tree::{Repetition, Segment};
use crate::report::site_profile::FieldPath;
use tocsin_domain::clock::Timestamp;

/// Modalities that a section code (OBR-24) can name.
const MODALITIES: [&str; 12] = [
    "CT", "MR", "CR", "DX", "US", "XA", "RF", "MG", "NM", "PT", "IO", "OT",
];

/// Codes of table 0119 that change neither the order nor its priority.
const OTHER_CONTROLS: [&str; 37] = [
    "AF", "CH", "CN", "CP", "DE", "DF", "FU", "HD", "HR", "LI", "MC", "NR", "OE", "OF", "OH", "OK", "OP",
    "OR", "PA", "PR", "PY", "RE", "RF", "RL", "RQ", "RR", "SR", "SS", "UA", "UC", "UD", "UF", "UH", "UM",
    "UN", "UR", "UX",
];

/// An order's segments, from its ORC (or OBR) on.
pub type Group<'s, 'a> = Vec<&'s Segment<'a>>;

pub fn orders(
    segments: &[Segment<'_>],
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<Vec<OrderEvent>, Hl7Problem> {
    let head = segments.iter().position(|s| s.name == "ORC" || s.name == "OBR");
    let Some(head) = head else {
        let place = Place::segment("ORC", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an ORC segment",
        ));
    };
    if segments[head].name == "OBR" {
        let place = Place::segment("OBR", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an ORC segment before it",
        ));
    }
    let who = patient(&segments[..head], reading, Identity::Required, at)?;
    let groups = groups(&segments[head..]);
    let uids = study_uids(&groups)?;
    groups
        .iter()
        .zip(uids)
        .map(|(group, uid)| order(group, uid, &who, reading, at))
        .collect()
}

/// A new group begins at every ORC, and at an OBR that follows another OBR, which then shares the ORC.
pub fn groups<'s, 'a>(segments: &'s [Segment<'a>]) -> Vec<Group<'s, 'a>> {
    let mut groups: Vec<Group<'s, 'a>> = Vec::new();
    for segment in segments {
        let second_obr = segment.name == "OBR" && groups.last().is_some_and(|g| has(g, "OBR"));
        match groups.last_mut() {
            Some(group) if segment.name != "ORC" && !second_obr => group.push(segment),
            Some(group) if second_obr => {
                let shared: Group<'s, 'a> = group.iter().copied().filter(|s| s.name == "ORC").collect();
                groups.push(shared.into_iter().chain([segment]).collect());
            }
            Some(_) | None => groups.push(vec![segment]),
        }
    }
    groups
}

fn has(group: &[&Segment<'_>], name: &str) -> bool {
    group.iter().any(|s| s.name == name)
}

pub fn find<'s, 'a>(group: &[&'s Segment<'a>], name: &str) -> Option<&'s Segment<'a>> {
    group.iter().copied().find(|s| s.name == name)
}

/// IPC-3 and ZDS-1. A ZDS names the study of all orders since the ZDS before it.
fn study_uids(groups: &[Group<'_, '_>]) -> Result<Vec<Option<Uid>>, Hl7Problem> {
    let mut uids = Vec::with_capacity(groups.len());
    let mut open_from = 0;
    for group in groups {
        let own = find(group, "IPC").map(|s| uid(s, 3)).transpose()?.flatten();
        uids.push(own);
        if let Some(zds) = find(group, "ZDS") {
            let shared = uid(zds, 1)?;
            for slot in &mut uids[open_from..] {
                *slot = slot.take().or_else(|| shared.clone());
            }
            open_from = uids.len();
        }
    }
    Ok(uids)
}

/// A DICOM UID in a field's first component.
pub fn uid(segment: &Segment<'_>, field: usize) -> Result<Option<Uid>, Hl7Problem> {
    let Some(text) = segment.value(field, 1) else {
        return Ok(None);
    };
    Uid::parse(&text).map(Some).map_err(|_| {
        let place = Place::component(segment.name, segment.sequence, field, 1, 1);
        Hl7Problem::data_type(place, "a DICOM UID: at most 64 digits and dots")
    })
}

fn order(
    group: &Group<'_, '_>,
    study_uid: Option<Uid>,
    who: &PatientEvent,
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<OrderEvent, Hl7Problem> {
    let orc = find(group, "ORC");
    let obr = find(group, "OBR");
    let ipc = find(group, "IPC");
    let control = control(orc)?;
    if let (OrderControl::New, None) = (control, obr) {
        let place = Place::segment("OBR", orc.map_or(1, |s| s.sequence));
        let expected = "an OBR segment: a new order says what is to be done";
        return Err(Hl7Problem::new(ErrorCode::SegmentSequence, place, expected));
    }
    let keys = Keys::of(group, study_uid, reading)?;
    if keys.is_empty() {
        let place = Place::field("ORC", orc.map_or(1, |s| s.sequence), 2);
        let expected = "a placer or filler order number, an accession number or a Study Instance UID";
        return Err(Hl7Problem::missing(place, expected));
    }
    Ok(OrderEvent {
        control,
        placer: keys.placer,
        filler: keys.filler,
        accession: keys.accession,
        study_uid: keys.study_uid,
        procedure: obr.and_then(procedure),
        modality: modality(ipc, obr),
        requested_procedure_id: first([(ipc, 2), (obr, 19)]),
        scheduled_step_id: first([(ipc, 4), (obr, 20)]),
        priority: lookup(group, &reading.profile.priority).map(|(text, _)| text),
        status: orc.and_then(|s| s.value(5, 1)),
        patient: who.clone(),
        ordering_provider: person(orc, 12).or_else(|| person(obr, 16)),
        clinical_information: obr.and_then(clinical_information),
        at,
    })
}

/// What names an order or a report.
pub struct Keys {
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
}

impl Keys {
    pub fn of(
        group: &Group<'_, '_>,
        study_uid: Option<Uid>,
        reading: &Reading<'_>,
    ) -> Result<Self, Hl7Problem> {
        let accession = lookup(group, &reading.profile.accession);
        if let Some((text, place)) = &accession {
            check_identifier(text, || place.clone())?;
        }
        Ok(Self {
            placer: entity(group, 2)?,
            filler: entity(group, 3)?,
            accession: accession.map(|(text, _)| text),
            study_uid,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.placer.is_none() && self.filler.is_none() && self.accession.is_none() && self.study_uid.is_none()
    }
}

fn entity(group: &Group<'_, '_>, field: usize) -> Result<Option<EntityId>, Hl7Problem> {
    for name in ["ORC", "OBR"] {
        let Some(segment) = find(group, name) else {
            continue;
        };
        let Some(number) = segment.value(field, 1) else {
            continue;
        };
        let namespace = segment.value(field, 2).or_else(|| segment.value(field, 3));
        let namespace = namespace.unwrap_or_default();
        for text in [&number, &namespace] {
            check_identifier(text, || Place::component(name, segment.sequence, field, 1, 1))?;
        }
        return Ok(Some(EntityId { number, namespace }));
    }
    Ok(None)
}

/// The first of the site's fields that holds something, and where that was.
fn lookup(group: &Group<'_, '_>, paths: &[FieldPath]) -> Option<(String, Place)> {
    paths.iter().find_map(|path| {
        let segment = find(group, &path.segment)?;
        let text = segment.value(path.field, path.component)?;
        let place = Place::component(segment.name, segment.sequence, path.field, 1, path.component);
        Some((text, place))
    })
}

fn first<const N: usize>(places: [(Option<&Segment<'_>>, usize); N]) -> Option<String> {
    places
        .into_iter()
        .find_map(|(segment, field)| segment?.value(field, 1))
}

/// Table 0119. An acknowledgement of a request says the same as the request, seen from the other side.
fn control(orc: Option<&Segment<'_>>) -> Result<OrderControl, Hl7Problem> {
    let expected = "an order control code of table 0119";
    let place = || Place::field("ORC", orc.map_or(1, |s| s.sequence), 1);
    let code = orc
        .and_then(|s| s.value(1, 1))
        .ok_or_else(|| Hl7Problem::missing(place(), expected))?;
    Ok(match code.as_str() {
        "NW" | "SN" | "RO" => OrderControl::New,
        "XO" | "XX" | "XR" | "RP" | "RU" | "NA" => OrderControl::Change,
        "CA" | "OC" | "CR" => OrderControl::Cancel,
        "DC" | "OD" | "DR" => OrderControl::Discontinue,
        "SC" => OrderControl::Status,
        code if OTHER_CONTROLS.contains(&code) => OrderControl::Other,
        _ => return Err(Hl7Problem::new(ErrorCode::TableValueNotFound, place(), expected)),
    })
}

fn procedure(obr: &Segment<'_>) -> Option<Procedure> {
    let service = *obr.repetitions(4).first()?;
    coded(&service, 1).or_else(|| coded(&service, 4))
}

fn coded(value: &Repetition<'_>, from: usize) -> Option<Procedure> {
    let part = |offset: usize| value.value(from + offset).unwrap_or_default();
    let procedure = Procedure {
        code: part(0),
        text: part(1),
        system: part(2),
    };
    (!procedure.code.is_empty() || !procedure.text.is_empty()).then_some(procedure)
}

fn modality(ipc: Option<&Segment<'_>>, obr: Option<&Segment<'_>>) -> Option<String> {
    let scheduled = ipc.and_then(|s| s.value(5, 1));
    let section = || obr.and_then(|s| s.value(24, 1));
    let code = scheduled.or_else(section)?.to_ascii_uppercase();
    let code = match code.as_str() {
        "NMR" | "MRI" => "MR".to_owned(),
        _ => code,
    };
    MODALITIES.contains(&code.as_str()).then_some(code)
}

/// XCN: a person by name, else by number.
pub fn person(segment: Option<&Segment<'_>>, field: usize) -> Option<String> {
    let who = *segment?.repetitions(field).first()?;
    let given = who.value(3).unwrap_or_default();
    match who.value(2) {
        Some(family) => Some(format!("{given} {family}").trim().to_owned()),
        None => who.value(1),
    }
}

/// OBR-13, and the reason for the study in OBR-31.
fn clinical_information(obr: &Segment<'_>) -> Option<Phi<String>> {
    let mut parts = vec![obr.text(13)];
    let reasons = obr.repetitions(31);
    parts.extend(reasons.iter().filter_map(|r| r.value(2).or_else(|| r.value(1))));
    parts.retain(|p| !p.trim().is_empty());
    (!parts.is_empty()).then(|| Phi::new(parts.join("; ")))
}
