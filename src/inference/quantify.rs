//! From a model's answers to findings: the operating point of the manifest decides, the domain measures. Pure.

use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Finding, Lesion, Measurement, Presence};
use tocsin_domain::quantify::components::{Component, MaskError, components};
use tocsin_domain::quantify::shape::{abc_over_2_ml, largest_diameter, largest_section, sections};
use tocsin_domain::quantify::{OperatingPoint, hemorrhage};
use tocsin_domain::volume::{Geometry, Mask, Volume};

use super::manifest::{CodeSpec, FindingSpec, Manifest, Measure, Probability};
use super::network::{OutputAnswer, Verdict};

/// Findings of one study, and what limits them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantified {
    pub findings: Vec<Finding>,
    pub limitations: Vec<String>,
}

/// Every finding that the manifest lets the model make.
pub fn quantify(
    manifest: &Manifest,
    volume: &Volume,
    answers: &[OutputAnswer],
) -> Result<Quantified, MaskError> {
    let mut quantified = Quantified::default();
    for spec in &manifest.findings {
        let output = manifest.output(&spec.output);
        let answer = answers.iter().find(|answer| answer.name == spec.output);
        let class = answer.and_then(|answer| answer.classes.iter().find(|class| class.class == spec.class));
        let (Some(output), Some(class)) = (output, class) else {
            continue;
        };
        match &class.verdict {
            Verdict::Mask(mask) if in_the_head(manifest, spec) => {
                let (finding, limitations) = blood(spec, volume, mask);
                quantified.findings.push(finding);
                quantified.limitations.extend(limitations);
            }
            Verdict::Mask(mask) => {
                quantified
                    .findings
                    .push(segmented(manifest, spec, mask, &volume.geometry)?)
            }
            Verdict::Score(score) => quantified.findings.push(scored(spec, output.threshold, *score)),
        }
    }
    Ok(quantified)
}

/// The manifest asks for what only a head has: a midline, and places in the brain.
fn in_the_head(manifest: &Manifest, spec: &FindingSpec) -> bool {
    let asked = manifest
        .quantification
        .as_ref()
        .filter(|asked| asked.output == spec.output);
    let of_the_head = |measure: &Measure| matches!(measure, Measure::MidlineShift | Measure::Location);
    asked.is_some_and(|asked| asked.measure.iter().any(of_the_head))
}

fn blood(spec: &FindingSpec, volume: &Volume, mask: &Mask) -> (Finding, Vec<String>) {
    let point = OperatingPoint {
        min_total_ml: spec.total_ml.unwrap_or(0.0),
        min_component_ml: spec.largest_component_ml.unwrap_or(0.0),
        undetermined_from_ml: None,
    };
    let reading = hemorrhage(volume, mask, &point);
    let finding = Finding {
        code: code(&spec.code),
        site: code(&spec.site),
        ..reading.finding
    };
    (finding, reading.limitations)
}

fn scored(spec: &FindingSpec, threshold: f32, score: f32) -> Finding {
    let flagged = score >= threshold;
    Finding {
        code: code(&spec.code),
        site: code(&spec.site),
        presence: if flagged {
            Presence::Present
        } else {
            Presence::Absent
        },
        flagged,
        probability: match spec.probability {
            Probability::Calibrated => Some(f64::from(score)),
            Probability::None => None,
        },
        operating_point: format!("score ≥ {threshold}"),
        measurements: Vec::new(),
        lesions: Vec::new(),
        key_instance: None,
    }
}

/// Flagged by volume, never by score: both the total and the largest component must reach their limits.
fn segmented(
    manifest: &Manifest,
    spec: &FindingSpec,
    mask: &Mask,
    geometry: &Geometry,
) -> Result<Finding, MaskError> {
    let smallest = manifest
        .quantification
        .as_ref()
        .map_or(0.0, |quantification| quantification.min_component_ml);
    let parts: Vec<Component> = components(geometry, mask)?
        .into_iter()
        .filter(|part| part.volume_ml >= smallest)
        .collect();
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
    Ok(Finding {
        code: code(&spec.code),
        site: code(&spec.site),
        presence: if flagged {
            Presence::Present
        } else {
            Presence::Absent
        },
        flagged,
        probability: None,
        operating_point: format!("total volume ≥ {total_from} mL and largest component ≥ {largest_from} mL"),
        measurements: measure(manifest, geometry, &parts, total, largest),
        key_instance: lesions.first().and_then(|lesion| lesion.key_instance.clone()),
        lesions,
    })
}

fn measure(
    manifest: &Manifest,
    geometry: &Geometry,
    parts: &[Component],
    total: f64,
    largest: f64,
) -> Vec<Measurement> {
    let mut measurements = vec![
        measurement(code::VOLUME, total, code::MILLILITER),
        measurement(code::LARGEST_COMPONENT, largest, code::MILLILITER),
    ];
    let asked = manifest
        .quantification
        .as_ref()
        .map_or(&[][..], |quantification| &quantification.measure);
    for measure in asked {
        match measure {
            Measure::VolumePlanimetric | Measure::MidlineShift | Measure::Location => {}
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
        location: code(&spec.site),
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
    }
}

fn measurement(code: Code, value: f64, unit: Code) -> Measurement {
    Measurement { code, value, unit }
}

fn code(spec: &CodeSpec) -> Code {
    Code {
        system: spec.system.clone().into(),
        code: spec.value.clone().into(),
        display: spec.meaning.clone().into(),
    }
}
