//! Units that others measure in, and ours. A number whose unit measures another thing is not converted.

use crate::code::Code;

/// Spellings of a unit (UCUM and what is written instead), the unit that we keep, and the factor to it.
const UNITS: [(&str, &str, f64); 22] = [
    ("mL", "mL", 1.0),
    ("ml", "mL", 1.0),
    ("cc", "mL", 1.0),
    ("cm3", "mL", 1.0),
    ("cm^3", "mL", 1.0),
    ("mm3", "mL", 0.001),
    ("mm^3", "mL", 0.001),
    ("uL", "mL", 0.001),
    ("L", "mL", 1000.0),
    ("mm", "mm", 1.0),
    ("cm", "mm", 10.0),
    ("m", "mm", 1000.0),
    ("mm2", "mm2", 1.0),
    ("mm^2", "mm2", 1.0),
    ("cm2", "mm2", 100.0),
    ("cm^2", "mm2", 100.0),
    ("1", "{ratio}", 1.0),
    ("{ratio}", "{ratio}", 1.0),
    ("ratio", "{ratio}", 1.0),
    ("1", "{score}", 1.0),
    ("{score}", "{score}", 1.0),
    ("{points}", "{score}", 1.0),
];

/// The number in the wanted unit; `None` where it was measured in one of another kind, or in none.
pub fn convert(value: f64, from: Option<&Code>, to: &Code) -> Option<f64> {
    let written = from.map(|unit| unit.code.trim());
    // Ratios and points have no unit, and many write none.
    let plain = to.code.starts_with('{') && written.is_none_or(str::is_empty);
    if plain {
        return Some(value);
    }
    let known = UNITS
        .iter()
        .find(|(spelled, kept, _)| Some(*spelled) == written && *kept == to.code);
    let (.., factor) = known?;
    // A thousandth is no binary fraction: 1640 mm³ are 1.64 mL and not 1.6400000000000001.
    let converted = match *factor < 1.0 {
        true => value / factor.recip().round(),
        false => value * factor,
    };
    Some(converted).filter(|converted| converted.is_finite())
}

/// A score as a probability: percent, or a number from 0 to 1 without a unit.
pub fn score(value: f64, unit: Option<&Code>) -> Option<f64> {
    let share = match unit.map(|unit| unit.code.trim()) {
        Some("%") => value / 100.0,
        None | Some("" | "1" | "{ratio}" | "{probability}" | "{score}") => value,
        Some(_) => return None,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{MILLILITER, MILLIMETER, PERCENT, POINTS, RATIO};

    fn unit(code: &str) -> Code {
        Code {
            system: "UCUM".into(),
            code: code.to_owned().into(),
            display: "".into(),
        }
    }

    #[test]
    fn volumes_and_lengths_come_in_many_units_and_are_kept_in_one() {
        for (value, from, to, kept) in [
            (1.64, "cm3", MILLILITER, Some(1.64)),
            (1640.0, "mm3", MILLILITER, Some(1.64)),
            (2.0, "ml", MILLILITER, Some(2.0)),
            (0.42, "cm", MILLIMETER, Some(4.2)),
            (4.2, "mL", MILLIMETER, None),
            (4.2, "inch", MILLIMETER, None),
            (1.1, "1", RATIO, Some(1.1)),
            (7.0, "1", POINTS, Some(7.0)),
        ] {
            let got = convert(value, Some(&unit(from)), &to);
            let close = got
                .zip(kept)
                .is_some_and(|(a, b): (f64, f64)| (a - b).abs() < 1e-9);
            assert!(
                close || got.is_none() && kept.is_none(),
                "{value} {from}: {got:?}"
            );
        }
        assert_eq!(convert(4.0, None, &MILLIMETER), None, "of what?");
        assert_eq!(convert(7.0, None, &POINTS), Some(7.0));
    }

    #[test]
    fn a_score_is_a_share_or_a_percentage() {
        assert_eq!(score(93.7, Some(&PERCENT)), Some(0.937));
        assert_eq!(score(0.9, None), Some(0.9));
        assert_eq!(score(93.7, None), None, "of what scale?");
        assert_eq!(score(0.5, Some(&MILLIMETER)), None);
    }
}
