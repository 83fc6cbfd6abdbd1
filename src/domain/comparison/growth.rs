//! How fast something grows: the time in which its volume doubles, under exponential growth (Schwartz 1961):
//! t · ln 2 / ln(V₂/V₁), and for a sphere t · ln 2 / (3 · ln(d₂/d₁)).

use crate::code::{self, Code};
use crate::finding::Measurement;

/// Longer than this nobody is followed; it is then no growth to speak of, days.
const LONGEST: f64 = 36_500.0;

/// What a measure of size measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Volume,
    Diameter,
    Area,
}

/// Codes of diameters beside those of the table: the mean diameter of a nodule, and the diameter as such (SCT).
const DIAMETERS: [(&str, &str); 2] = [("99TOCSIN", "MEANDIAMETER"), ("SCT", "81827009")];
/// The volume of a sphere of the mean diameter: it says the same as the diameter.
const SPHERE: (&str, &str) = ("99TOCSIN", "SPHERE");

/// Whether a volume was reckoned from a diameter.
pub fn is_sphere(measured: &Code) -> bool {
    (measured.system.as_ref(), measured.code.as_ref()) == SPHERE
}

/// Whether a measurement is one of size. Estimates by ABC/2 or of a sphere and counts are not: what they were reckoned from
/// stands beside them.
pub fn extent(measured: &Code) -> Option<Extent> {
    let among = |codes: &[(&str, &str)]| {
        codes
            .iter()
            .any(|(system, code)| measured.system == *system && measured.code == *code)
    };
    let is = |codes: &[Code]| codes.iter().any(|code| measured.is(code));
    if is(&[code::VOLUME, code::LARGEST_COMPONENT]) {
        return Some(Extent::Volume);
    }
    if is(&[code::LARGEST_DIAMETER, code::LONG_AXIS]) || among(&DIAMETERS) {
        return Some(Extent::Diameter);
    }
    is(&[code::AREA]).then_some(Extent::Area)
}

/// `None` for what does not grow, and where growth cannot be reckoned.
pub fn doubling_days(now: &Measurement, before: &Measurement, days: f64) -> Option<f64> {
    let dimensions = match extent(&now.code)? {
        Extent::Volume => 1.0,
        Extent::Diameter => 3.0,
        Extent::Area => 1.5,
    };
    let ratio = now.value / before.value;
    if !(days > 0.0 && before.value > 0.0 && ratio > 1.0 && ratio.is_finite()) {
        return None;
    }
    let doubling = days * std::f64::consts::LN_2 / (dimensions * ratio.ln());
    (doubling.is_finite() && doubling <= LONGEST).then_some(doubling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, value: f64) -> Measurement {
        Measurement {
            code,
            value,
            unit: code::MILLILITER,
        }
    }

    #[test]
    fn a_volume_that_more_than_doubles_in_ninety_days_doubles_in_seventy_two() {
        let days = doubling_days(&of(code::VOLUME, 268.1), &of(code::VOLUME, 113.1), 90.0).unwrap();
        assert!((days - 72.28).abs() < 0.01, "{days}");
    }

    #[test]
    fn a_diameter_tells_the_same_as_the_volume_of_its_sphere() {
        let sphere = |d: f64| std::f64::consts::PI / 6.0 * d.powi(3);
        let by_volume = doubling_days(
            &of(code::VOLUME, sphere(23.0)),
            &of(code::VOLUME, sphere(18.0)),
            183.0,
        );
        let by_diameter = doubling_days(
            &of(code::LARGEST_DIAMETER, 23.0),
            &of(code::LARGEST_DIAMETER, 18.0),
            183.0,
        );
        assert!((by_volume.unwrap() - by_diameter.unwrap()).abs() < 1e-9);
        assert!((by_diameter.unwrap() - 172.5).abs() < 0.1, "{by_diameter:?}");
    }

    #[test]
    fn what_does_not_grow_doubles_never() {
        let volume = |v| of(code::VOLUME, v);
        for (now, before, days) in [
            (1.0, 1.0, 90.0),
            (1.0, 2.0, 90.0),
            (1.0, 0.0, 90.0),
            (2.0, 1.0, 0.0),
        ] {
            assert_eq!(doubling_days(&volume(now), &volume(before), days), None);
        }
        assert_eq!(
            doubling_days(&of(code::MIDLINE_SHIFT, 4.0), &of(code::MIDLINE_SHIFT, 2.0), 9.0),
            None
        );
    }
}
