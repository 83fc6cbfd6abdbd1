//! SIU^S12 and the like: which order an appointment is for, and when it begins.

use tocsin_domain::appointment::{AppointmentEvent, AppointmentState};
use tocsin_domain::clock::Timestamp;

use super::Reading;
use super::orders::{Group, Places, entity, find, uid};
use super::patients::{Identity, patient};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::tree::Segment;

pub fn appointment(
    segments: &[Segment<'_>],
    state: AppointmentState,
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<AppointmentEvent, Hl7Problem> {
    let group: Group<'_, '_> = segments.iter().collect();
    if find(&group, "SCH").is_none() {
        let place = Place::segment("SCH", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an SCH segment",
        ));
    }
    let places = Places {
        group: &group,
        before: segments,
    };
    let study_uid = match find(&group, "IPC") {
        Some(ipc) => uid(ipc, 3)?,
        None => find(&group, "ZDS").map(|zds| uid(zds, 1)).transpose()?.flatten(),
    };
    Ok(AppointmentEvent {
        state,
        // SCH-26 and SCH-27 came with 2.4; before, and at some sites since, the orders come along.
        placer: entity(&group, &[("SCH", 26), ("ORC", 2), ("OBR", 2)])?,
        filler: entity(&group, &[("SCH", 27), ("ORC", 3), ("OBR", 3)])?,
        accession: places.accession(reading)?,
        study_uid,
        starts_at: starts_at(&group, reading)?,
        patient: patient(segments, reading, Identity::Optional, at)?,
        at,
    })
}

/// The appointment's own time, else that of its timing, else that of the first service, general or place resource.
fn starts_at(group: &Group<'_, '_>, reading: &Reading<'_>) -> Result<Option<Timestamp>, Hl7Problem> {
    let places = [
        ("SCH", 11, 4),
        ("TQ1", 7, 1),
        ("AIS", 4, 1),
        ("AIG", 8, 1),
        ("AIL", 6, 1),
    ];
    for (name, field, component) in places {
        let Some(text) = find(group, name).and_then(|s| s.value(field, component)) else {
            continue;
        };
        let time = reading.time(&text).ok_or_else(|| {
            let place = Place::component(name, 1, field, 1, component);
            Hl7Problem::data_type(place, "a time as YYYYMMDDHHMMSS, with or without an offset")
        })?;
        return Ok(Some(time));
    }
    Ok(None)
}
