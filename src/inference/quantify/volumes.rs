//! Masks over a stack of slices: flagged by volume, never by score. Pure.

use tocsin_domain::code;
use tocsin_domain::finding::{Finding, Lesion, Measurement};
use tocsin_domain::quantify::components::{Component, MaskError, components};
use tocsin_domain::quantify::shape::{abc_over_2_ml, largest_diameter, largest_section, sections};
use tocsin_domain::quantify::{OperatingPoint, hemorrhage};
use tocsin_domain::volume::{Geometry, Mask, Volume};

use super::asked::Asked;
use super::{Quoted, finding, measurement, present};
use crate::manifest::{FindingSpec, Measure};

pub(super) fn blood(spec: &FindingSpec, volume: &Volume, mask: &Mask) -> Quoted {
    let point = OperatingPoint {
        min_total_ml: spec.total_ml.unwrap_or(0.0),
        min_component_ml: spec.largest_component_ml.unwrap_or(0.0),
        undetermined_from_ml: None,
    };
    let reading = hemorrhage(volume, mask, &point);
    let finding = Finding {
        code: super::code(&spec.code),
        site: super::code(&spec.site),
        ..reading.finding
    };
    (finding, reading.limitations)
}

/// Components that are large enough, the largest first.
pub(super) fn parts(asked: &Asked, geometry: &Geometry, mask: &Mask) -> Result<Vec<Component>, MaskError> {
    let all = components(geometry, mask)?.into_iter();
    Ok(all.filter(|part| part.volume_ml >= asked.smallest_ml).collect())
}

/// Both the total and the largest component must reach their limits.
pub(super) fn segmented(
    asked: &Asked,
    spec: &FindingSpec,
    geometry: &Geometry,
    parts: &[Component],
) -> Finding {
    // Folding from 0: the empty sum of floats is −0, which would be sent and shown as "-0".
    let total = parts.iter().fold(0.0, |sum: f64, part| sum + part.volume_ml);
    let largest = parts.first().map_or(0.0, |part| part.volume_ml);
    let (total_from, largest_from) = (
        spec.total_ml.unwrap_or(0.0),
        spec.largest_component_ml.unwrap_or(0.0),
    );
    let flagged = !parts.is_empty() && total >= total_from && largest >= largest_from;
    let lesions: Vec<Lesion> = parts
        .iter()
        .enumerate()
        .map(|(n, part)| lesion(spec, geometry, n, part))
        .collect();
    let point = format!("total volume ≥ {total_from} mL and largest component ≥ {largest_from} mL");
    Finding {
        measurements: measure(asked, geometry, parts, total, largest),
        key_instance: lesions.first().and_then(|lesion| lesion.key_instance.clone()),
        lesions,
        ..finding(spec, present(flagged), point)
    }
}

fn measure(
    asked: &Asked,
    geometry: &Geometry,
    parts: &[Component],
    total: f64,
    largest: f64,
) -> Vec<Measurement> {
    let mut measurements = vec![
        measurement(code::VOLUME, total, code::MILLILITER),
        measurement(code::LARGEST_COMPONENT, largest, code::MILLILITER),
    ];
    for measure in asked.measures {
        match measure {
            // The volume is told in any case; what only one organ has is measured elsewhere.
            Measure::VolumePlanimetric
            | Measure::MidlineShift
            | Measure::Location
            | Measure::ClotVolume
            | Measure::MostProximalVessel
            | Measure::RvLvRatio
            | Measure::OcclusionSegment
            | Measure::Aspects
            | Measure::PleuralDistance
            | Measure::Collins
            | Measure::Light
            | Measure::TensionSigns
            | Measure::NoduleDiameters
            | Measure::NoduleVolume
            | Measure::LungZone => {}
            Measure::VolumeAbc2 => {
                let sum = parts
                    .iter()
                    .fold(0.0, |sum, part| sum + abc_over_2_ml(geometry, part));
                measurements.push(measurement(code::VOLUME_ABC2, sum, code::MILLILITER));
            }
            Measure::LargestDiameter => {
                let longest = parts
                    .iter()
                    .map(|part| largest_diameter(geometry, part))
                    .fold(0.0, f64::max);
                measurements.push(measurement(code::LARGEST_DIAMETER, longest, code::MILLIMETER));
            }
            Measure::Components => {
                measurements.push(measurement(
                    code::COMPONENT_COUNT,
                    parts.len() as f64,
                    code::COUNT,
                ));
            }
        }
    }
    measurements
}

fn lesion(spec: &FindingSpec, geometry: &Geometry, index: usize, part: &Component) -> Lesion {
    let key = largest_section(&sections(geometry, part))
        .and_then(|section| geometry.instance_uids.get(section.slice));
    Lesion {
        number: index as u32 + 1,
        location: super::code(&spec.site),
        laterality: None,
        measurements: vec![
            measurement(code::VOLUME, part.volume_ml, code::MILLILITER),
            measurement(
                code::LARGEST_DIAMETER,
                largest_diameter(geometry, part),
                code::MILLIMETER,
            ),
        ],
        key_instance: key.cloned(),
        centre_mm: None,
    }
}
