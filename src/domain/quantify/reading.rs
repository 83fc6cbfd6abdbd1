//! What was measured of one finding, and the few ways in which numbers are rounded before anybody sees them.

use crate::code::{self, Code};
use crate::finding::{Evaluation, Lesion, Line, Measurement};
use crate::volume::Geometry;

/// Measurements, places and lines of a finding; what could not be determined is among the limitations, with the reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub measurements: Vec<Measurement>,
    pub evaluations: Vec<Evaluation>,
    pub lesions: Vec<Lesion>,
    pub lines: Vec<Line>,
    pub limitations: Vec<String>,
}

impl Reading {
    pub fn tell(&mut self, code: Code, value: Code) {
        self.evaluations.push(Evaluation { code, value });
    }

    pub fn number(&self, code: &Code) -> Option<f64> {
        let found = self.measurements.iter().find(|m| m.code.is(code));
        found.map(|m| m.value)
    }

    /// Appends what another reading of the same finding says.
    pub fn join(&mut self, other: Self) {
        self.measurements.extend(other.measurements);
        self.evaluations.extend(other.evaluations);
        self.lesions.extend(other.lesions);
        self.lines.extend(other.lines);
        self.limitations.extend(other.limitations);
    }
}

/// A value to so many decimals.
fn rounded(code: Code, value: f64, decimals: i32, unit: Code) -> Measurement {
    let scale = 10_f64.powi(decimals);
    Measurement {
        code,
        // Adding 0 turns −0, which would be shown as "-0".
        value: (value * scale).round() / scale + 0.0,
        unit,
    }
}

/// Hundredths of a mL: below the volume of a voxel of a thick slice.
pub fn ml(code: Code, value: f64) -> Measurement {
    rounded(code, value, 2, code::MILLILITER)
}

/// Tenths of a mm.
pub fn mm(code: Code, value: f64) -> Measurement {
    rounded(code, value, 1, code::MILLIMETER)
}

pub fn cubic_mm(code: Code, value: f64) -> Measurement {
    rounded(code, value, 0, code::CUBIC_MILLIMETER)
}

pub fn percent(code: Code, value: f64) -> Measurement {
    rounded(code, value, 1, code::PERCENT)
}

pub fn ratio(code: Code, value: f64) -> Measurement {
    rounded(code, value, 2, code::RATIO)
}

pub fn points(code: Code, value: f64) -> Measurement {
    rounded(code, value, 0, code::POINTS)
}

pub fn count(code: Code, value: usize) -> Measurement {
    rounded(code, value as f64, 0, code::COUNT)
}

/// A line of slice `k` between two places, each column and row. Radiographs have no place in the patient.
pub fn line(
    geometry: &Geometry,
    code: Code,
    k: usize,
    [from, to]: [[f64; 2]; 2],
    placed: bool,
) -> Option<Line> {
    let patient = |[column, row]: [f64; 2]| placed.then(|| geometry.patient(k, row, column));
    Some(Line {
        code,
        instance: geometry.instance_uids.get(k)?.clone(),
        from_px: from,
        to_px: to,
        from_mm: patient(from),
        to_mm: patient(to),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_never_minus_nothing() {
        assert_eq!(ml(code::VOLUME, 1.234_6).value, 1.23);
        assert_eq!(mm(code::DIAMETER, 7.25).value, 7.3);
        assert!(mm(code::DIAMETER, -0.01).value.is_sign_positive());
        assert_eq!(ratio(code::RV_LV_RATIO, 1.096).value, 1.1);
    }
}
