//! ORM^O01, OMI^O23 and OMG^O19: the orders of a message. Segments are found by name within their order's group, since
//! versions and vendors move them; unknown segments are passed over.

use tocsin_domain::ids::Uid;
use tocsin_domain::order::{EntityId, OrderControl, OrderEvent, PatientEvent, Procedure};
use tocsin_domain::phi::Phi;

use super::Reading;
use super::patients::{Identity, check_identifier, patient};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::tree::{Repetition, Segment};
use crate::report::read_profile::{FieldPath, ProcedureMeaning};
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
    let (before, behind) = segments.split_at(head);
    let who = patient(before, reading, Identity::Required, at)?;
    let groups = groups(behind);
    let uids = study_uids(&groups)?;
    groups
        .iter()
        .zip(uids)
        .map(|(group, uid)| order(&Places { group, before }, uid, &who, reading, at))
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

/// Where a profile's fields are looked for: in the order's own segments, then in those of its patient and visit.
#[derive(Clone, Copy)]
pub struct Places<'p, 's, 'a> {
    pub group: &'p Group<'s, 'a>,
    pub before: &'s [Segment<'a>],
}

fn order(
    places: &Places<'_, '_, '_>,
    study_uid: Option<Uid>,
    who: &PatientEvent,
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<OrderEvent, Hl7Problem> {
    let group = places.group;
    let profile = reading.profile;
    let orc = find(group, "ORC");
    let obr = find(group, "OBR");
    let control = control(orc)?;
    if let (OrderControl::New, None) = (control, obr) {
        let place = Place::segment("OBR", orc.map_or(1, |s| s.sequence));
        let expected = "an OBR segment: a new order says what is to be done";
        return Err(Hl7Problem::new(ErrorCode::SegmentSequence, place, expected));
    }
    let keys = Keys::of(places, study_uid, reading)?;
    if keys.is_empty() {
        let place = Place::field("ORC", orc.map_or(1, |s| s.sequence), 2);
        let expected = "a placer or filler order number, an accession number or a Study Instance UID";
        return Err(Hl7Problem::missing(place, expected));
    }
    let said = |paths: &[FieldPath]| places.lookup(paths).map(|(text, _)| text);
    let (procedure, meaning) = procedure(places, reading);
    let meant = meaning.and_then(|meaning| meaning.modality.clone());
    Ok(OrderEvent {
        control,
        placer: keys.placer,
        filler: keys.filler,
        accession: keys.accession,
        study_uid: keys.study_uid,
        procedure,
        modality: modality(said(&profile.modality), reading).or(meant),
        body_part: meaning.and_then(|meaning| meaning.body_part.clone()),
        contrast: meaning.and_then(|meaning| meaning.contrast),
        requested_procedure_id: said(&profile.requested_procedure),
        scheduled_step_id: said(&profile.scheduled_step),
        priority: said(&profile.priority).map(|text| profile.priorities.of(&text).to_owned()),
        status: orc.and_then(|s| s.value(5, 1)),
        patient: who.clone(),
        ordering_provider: person(orc, 12).or_else(|| person(obr, 16)),
        clinical_information: clinical_information(places, reading),
        scheduled_at: None,
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
        places: &Places<'_, '_, '_>,
        study_uid: Option<Uid>,
        reading: &Reading<'_>,
    ) -> Result<Self, Hl7Problem> {
        Ok(Self {
            placer: entity(places.group, &[("ORC", 2), ("OBR", 2)])?,
            filler: entity(places.group, &[("ORC", 3), ("OBR", 3)])?,
            accession: places.accession(reading)?,
            study_uid,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.placer.is_none() && self.filler.is_none() && self.accession.is_none() && self.study_uid.is_none()
    }
}

/// The first of these fields that holds an entity identifier.
pub fn entity(group: &Group<'_, '_>, places: &[(&str, usize)]) -> Result<Option<EntityId>, Hl7Problem> {
    for &(name, field) in places {
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

impl<'a> Places<'_, '_, 'a> {
    /// The accession number, where the site has it.
    pub fn accession(&self, reading: &Reading<'_>) -> Result<Option<String>, Hl7Problem> {
        let Some((text, place)) = self.lookup(&reading.profile.accession) else {
            return Ok(None);
        };
        check_identifier(&text, || place)?;
        Ok(Some(text))
    }

    /// The first of the site's fields that holds something, and where that was.
    fn lookup(&self, paths: &[FieldPath]) -> Option<(String, Place)> {
        paths.iter().find_map(|path| {
            let segment = self.segment(&path.segment)?;
            let text = segment.value(path.field, path.component)?;
            let place = Place::component(segment.name, segment.sequence, path.field, 1, path.component);
            Some((text, place))
        })
    }

    fn segment(&self, name: &str) -> Option<&Segment<'a>> {
        find(self.group, name).or_else(|| self.before.iter().find(|segment| segment.name == name))
    }
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

/// What is to be done, and what the site's map says of it: by its own code, else by the alternative one beside it.
fn procedure<'r>(
    places: &Places<'_, '_, '_>,
    reading: &Reading<'r>,
) -> (Option<Procedure>, Option<&'r ProcedureMeaning>) {
    let mut services = reading.profile.procedure.iter().filter_map(|path| {
        let service = *places.segment(&path.segment)?.repetitions(path.field).first()?;
        let own = coded(&service, path.component);
        let alternative = coded(&service, path.component + 3);
        let meaning = [&own, &alternative]
            .into_iter()
            .flatten()
            .find_map(|procedure| reading.profile.procedures.get(&procedure.code));
        own.or(alternative).map(|procedure| (Some(procedure), meaning))
    });
    services.next().unwrap_or_default()
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

fn modality(said: Option<String>, reading: &Reading<'_>) -> Option<String> {
    let code = reading.profile.modalities.of(&said?).to_ascii_uppercase();
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

/// OBR-13, the reason for the study in OBR-31, and what the site has in fields of its own.
fn clinical_information(places: &Places<'_, '_, '_>, reading: &Reading<'_>) -> Option<Phi<String>> {
    let mut parts = Vec::new();
    if let Some(obr) = find(places.group, "OBR") {
        parts.push(obr.text(13));
        let reasons = obr.repetitions(31);
        parts.extend(reasons.iter().filter_map(|r| r.value(2).or_else(|| r.value(1))));
    }
    let own = reading.profile.clinical_information.iter();
    parts.extend(own.filter_map(|path| places.segment(&path.segment)?.value(path.field, path.component)));
    parts.retain(|p| !p.trim().is_empty());
    (!parts.is_empty()).then(|| Phi::new(parts.join("; ")))
}
