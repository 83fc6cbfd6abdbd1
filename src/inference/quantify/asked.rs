//! What the manifest asks to be measured on one output, and how a reading becomes part of a finding. Pure.

use tocsin_domain::finding::Finding;
use tocsin_domain::quantify::reading::Reading;
use tocsin_domain::volume::Mask;

use crate::answers::{OutputAnswer, Verdict};
use crate::manifest::{Manifest, Measure};

/// The words of `[quantification]` for one output; none where it speaks of another.
pub(super) struct Asked<'m> {
    pub measures: &'m [Measure],
    /// Smaller components are dropped, mL.
    pub smallest_ml: f64,
}

impl<'m> Asked<'m> {
    pub fn of(manifest: &'m Manifest, output: &str) -> Self {
        let asked = manifest.quantification.as_ref();
        match asked.filter(|asked| asked.output == output) {
            Some(asked) => Self {
                measures: &asked.measure,
                smallest_ml: asked.min_component_ml,
            },
            None => Self {
                measures: &[],
                smallest_ml: 0.0,
            },
        }
    }

    pub fn has(&self, measure: Measure) -> bool {
        self.measures.contains(&measure)
    }

    fn any(&self, measures: &[Measure]) -> bool {
        measures.iter().any(|measure| self.has(*measure))
    }

    /// A midline, and places in the brain.
    pub fn of_a_head(&self) -> bool {
        self.any(&[Measure::MidlineShift, Measure::Location])
    }

    pub fn of_emboli(&self) -> bool {
        self.any(&[
            Measure::ClotVolume,
            Measure::MostProximalVessel,
            Measure::RvLvRatio,
        ])
    }

    pub fn of_a_pneumothorax(&self) -> bool {
        self.any(&[
            Measure::PleuralDistance,
            Measure::Collins,
            Measure::Light,
            Measure::TensionSigns,
        ])
    }

    pub fn of_a_nodule(&self) -> bool {
        self.any(&[Measure::NoduleDiameters, Measure::NoduleVolume, Measure::LungZone])
    }

    pub fn of_a_radiograph(&self) -> bool {
        self.of_a_pneumothorax() || self.of_a_nodule()
    }

    /// Masks of a class of the same output, one for each part of the exam.
    pub fn masks<'a>(&self, answer: &'a OutputAnswer, class: &str) -> Option<&'a [Mask]> {
        let found = answer.classes.iter().find(|answer| answer.class == class)?;
        match &found.verdict {
            Verdict::Masks(masks) => Some(masks),
            Verdict::Score(_) | Verdict::Lesions { .. } => None,
        }
    }

    /// The mask of a class on an exam of one part.
    pub fn mask<'a>(&self, answer: &'a OutputAnswer, class: &str) -> Option<&'a Mask> {
        self.masks(answer, class)?.first()
    }
}

/// Adds a reading; what the finding says already stays, lesions with places replace those without. Returns the limitations.
pub(super) fn absorb(finding: &mut Finding, reading: Reading) -> Vec<String> {
    for measurement in reading.measurements {
        if finding.measurement(&measurement.code).is_none() {
            finding.measurements.push(measurement);
        }
    }
    finding.evaluations.extend(reading.evaluations);
    finding.lines.extend(reading.lines);
    if !reading.lesions.is_empty() {
        finding.lesions = reading.lesions;
    }
    reading.limitations
}
