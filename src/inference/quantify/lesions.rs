//! Boxes of a detector, and masks on single images: each lesion measured in the plane that shows it. Pure.

use tocsin_domain::code;
use tocsin_domain::finding::{Finding, Lesion, Measurement, Presence};
use tocsin_domain::quantify::LISTED;
use tocsin_domain::quantify::components::{Component, MaskError, components};
use tocsin_domain::quantify::shape::{largest_diameter, sections};
use tocsin_domain::volume::{Geometry, Mask};

use super::{Quoted, finding, measurement, present, probability};
use crate::boxes::Located;
use crate::exam::{Exam, Part};
use crate::manifest::{FindingSpec, InputKind};

const NO_SCALE: &str =
    "an image does not state the distance of its pixels: lengths and areas in it are not known";
const MAGNIFIED: &str = "lengths and areas are those in the image, which may be magnified";

/// Flagged when the best box reaches the operating point; every box that was kept is a lesion.
pub(super) fn detected(
    spec: &FindingSpec,
    threshold: f32,
    exam: &Exam,
    kept: &[Located],
    left_out: usize,
) -> Quoted {
    let best = kept.first().map_or(0.0, |best| best.score);
    let flagged = !kept.is_empty() && best >= threshold;
    let mut limitations = notes(exam, !kept.is_empty());
    if left_out > 0 {
        let total = kept.len() + left_out;
        limitations.push(format!(
            "{total} boxes were found, the {} best are kept",
            kept.len()
        ));
    }
    let listed = kept.iter().take(LISTED).zip(1..);
    let lesions: Vec<Lesion> = listed
        .filter_map(|(one, number)| boxed(spec, exam, one, number))
        .collect();
    if kept.len() > LISTED {
        limitations.push(format!(
            "{} lesions were counted, the {LISTED} best are listed",
            kept.len()
        ));
    }
    let mut measurements = vec![measurement(code::COMPONENT_COUNT, kept.len() as f64, code::COUNT)];
    let longest = kept
        .iter()
        .filter_map(|one| axes(exam, one))
        .map(|[long, _]| long);
    if let Some(longest) = longest.reduce(f64::max) {
        measurements.push(mm(code::LARGEST_DIAMETER, longest));
    }
    let point = format!("best score ≥ {threshold}");
    let finding = Finding {
        probability: probability(spec, best),
        measurements,
        key_instance: lesions.first().and_then(|lesion| lesion.key_instance.clone()),
        lesions,
        ..finding(spec, present(flagged), point)
    };
    (finding, limitations)
}

/// What limits measurements in this exam.
fn notes(exam: &Exam, measured: bool) -> Vec<String> {
    if !measured || exam.kind == InputKind::Volume {
        return Vec::new();
    }
    let unscaled = exam.parts.iter().any(|part| !part.scaled);
    vec![if unscaled { NO_SCALE } else { MAGNIFIED }.to_owned()]
}

fn boxed(spec: &FindingSpec, exam: &Exam, one: &Located, number: u32) -> Option<Lesion> {
    let (part, k) = exam.part_of(one.slice)?;
    let geometry = &part.volume.geometry;
    let middle = |[from, to]: [f64; 2]| (from + to) / 2.0;
    let axes = axes(exam, one).into_iter();
    Some(Lesion {
        number,
        location: super::code(&spec.site),
        laterality: None,
        measurements: axes
            .flat_map(|[long, short]| [mm(code::LONG_AXIS, long), mm(code::SHORT_AXIS, short)])
            .collect(),
        key_instance: geometry.instance_uids.get(k).cloned(),
        centre_mm: match exam.kind {
            InputKind::Volume => Some(geometry.patient(k, middle(one.rows), middle(one.columns))),
            InputKind::Image => None,
        },
    })
}

/// The longer and the shorter side of a box, mm.
fn axes(exam: &Exam, one: &Located) -> Option<[f64; 2]> {
    let (part, _) = exam.part_of(one.slice)?;
    let [between_rows, between_columns] = part.volume.geometry.pixel_spacing;
    let down = (one.rows[1] - one.rows[0]) * between_rows;
    let across = (one.columns[1] - one.columns[0]) * between_columns;
    part.scaled.then_some([down.max(across), down.min(across)])
}

/// Masks on images, flagged by the area of all of them together. Where an image states no scale, a mask on it can be neither
/// above nor below an area.
pub(super) fn outlined(spec: &FindingSpec, exam: &Exam, masks: &[Mask]) -> Result<Quoted, MaskError> {
    let mut found: Vec<(&Part, Component, f64)> = Vec::new();
    for (part, mask) in exam.parts.iter().zip(masks) {
        let geometry = &part.volume.geometry;
        let each = components(geometry, mask)?.into_iter();
        found.extend(each.map(|component| {
            let area = area_mm2(geometry, &component);
            (part, component, area)
        }));
    }
    found.sort_by(|a, b| b.2.total_cmp(&a.2));
    let least = spec.total_mm2.unwrap_or(0.0);
    let point = format!("total area ≥ {least} mm²");
    let limitations = notes(exam, !found.is_empty());
    if found.iter().any(|(part, ..)| !part.scaled) {
        return Ok((finding(spec, Presence::Undetermined, point), limitations));
    }
    let total = found.iter().fold(0.0, |sum, (.., area)| sum + area);
    let longest = found
        .iter()
        .map(|(part, component, _)| largest_diameter(&part.volume.geometry, component))
        .fold(0.0, f64::max);
    let lesions: Vec<Lesion> = found
        .iter()
        .take(LISTED)
        .zip(1..)
        .map(|((part, component, area), number)| outline(spec, part, component, *area, number))
        .collect();
    let finding = Finding {
        measurements: vec![
            measurement(code::AREA, total.round(), code::SQUARE_MILLIMETER),
            mm(code::LARGEST_DIAMETER, longest),
            measurement(code::COMPONENT_COUNT, found.len() as f64, code::COUNT),
        ],
        key_instance: lesions.first().and_then(|lesion| lesion.key_instance.clone()),
        lesions,
        ..finding(spec, present(total > 0.0 && total >= least), point)
    };
    Ok((finding, limitations))
}

fn outline(spec: &FindingSpec, part: &Part, component: &Component, area: f64, number: u32) -> Lesion {
    let geometry = &part.volume.geometry;
    Lesion {
        number,
        location: super::code(&spec.site),
        laterality: None,
        measurements: vec![
            measurement(code::AREA, area.round(), code::SQUARE_MILLIMETER),
            mm(code::LARGEST_DIAMETER, largest_diameter(geometry, component)),
        ],
        key_instance: geometry.instance_uids.first().cloned(),
        centre_mm: None,
    }
}

fn area_mm2(geometry: &Geometry, component: &Component) -> f64 {
    sections(geometry, component)
        .iter()
        .map(|section| section.area_mm2)
        .sum()
}

/// Tenths of a mm.
fn mm(code: code::Code, value: f64) -> Measurement {
    measurement(code, (value * 10.0).round() / 10.0, code::MILLIMETER)
}
