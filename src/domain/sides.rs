//! Which side of the patient lies at each edge of an image, so that left is never taken for right: PS3.3 C.7.6.1.1.1
//! (Patient Orientation), computed from Image Orientation (Patient).

use schemars::JsonSchema;
use serde::Serialize;

/// One letter for each edge of a picture: R, L, A, P, F (feet) or H (head).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sides {
    pub left: char,
    pub right: char,
    pub top: char,
    pub bottom: char,
}

/// The letters toward which an axis of the patient (LPS) grows, and from where.
const AXES: [(char, char); 3] = [('L', 'R'), ('P', 'A'), ('H', 'F')];

impl Sides {
    /// From the direction cosines of a row and of a column; `None` where they are no directions.
    pub fn of(orientation: &[f64; 6]) -> Option<Self> {
        let [a, b, c, d, e, f] = *orientation;
        let (right, left) = toward([a, b, c])?;
        let (bottom, top) = toward([d, e, f])?;
        Some(Self {
            left,
            right,
            top,
            bottom,
        })
    }
}

/// The letter toward which a direction leads most, and its opposite.
fn toward(direction: [f64; 3]) -> Option<(char, char)> {
    let (axis, along) = direction
        .into_iter()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    if !along.is_finite() || along.abs() < 0.5 {
        return None;
    }
    let (to, from) = AXES[axis];
    Some(if along > 0.0 { (to, from) } else { (from, to) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(orientation: [f64; 6]) -> Option<String> {
        Sides::of(&orientation).map(|s| [s.left, s.right, s.top, s.bottom].iter().collect())
    }

    #[test]
    fn every_edge_has_its_letter_however_the_patient_lay() {
        let table = [
            ([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], "RLAP"),
            ([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0], "LRAP"),
            ([1.0, 0.0, 0.0, 0.0, -1.0, 0.0], "RLPA"),
            ([1.0, 0.0, 0.0, 0.0, 0.0, -1.0], "RLHF"),
            ([0.0, 1.0, 0.0, 0.0, 0.0, -1.0], "APHF"),
            ([0.97, 0.1, 0.2, -0.1, 0.94, 0.3], "RLAP"),
        ];
        for (orientation, letters) in table {
            assert_eq!(said(orientation).as_deref(), Some(letters), "{orientation:?}");
        }
        assert_eq!(said([0.0; 6]), None);
        assert_eq!(said([f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0]), None);
    }
}
