//! What is known of a phantom because it was made so: written beside the images as `truth.json`. Measured on the mask
//! that is written with it, never on the request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::volume::{Geometry, Mask};

use super::super::ct::Made;
use super::spec::HeadFinding;

/// Where blood lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    Deep,
    Lobar,
    Infratentorial,
    Intraventricular,
    ExtraAxial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Left,
    Right,
    /// Both sides, neither with more than four fifths.
    Bilateral,
}

/// The content of `truth.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Truth {
    #[serde(flatten)]
    pub made: Made,
    pub finding_present: bool,
    pub finding: HeadFinding,
    pub location: Option<Location>,
    /// The patient's side.
    pub side: Option<Side>,
    /// Volume of the mask, mL.
    pub volume_ml: f64,
    /// Largest diameter in the slice with the most blood, its perpendicular, and the extent along the normal, mm.
    pub abc_mm: Option<[f64; 3]>,
    /// Largest sideways displacement of the septum pellucidum, mm.
    pub midline_shift_mm: f64,
    /// Index of the slice with the most blood.
    pub key_slice: Option<usize>,
    /// Mean density drawn for the blood, HU.
    pub blood_hu: Option<f64>,
}

/// What is measured on a mask.
pub struct Measured {
    pub volume_ml: f64,
    pub abc_mm: Option<[f64; 3]>,
    pub key_slice: Option<usize>,
}

pub fn measure(geometry: &Geometry, mask: &Mask) -> Measured {
    let plane = geometry.rows * geometry.columns;
    let counts: Vec<usize> = mask
        .voxels
        .chunks_exact(plane)
        .map(|slice| slice.iter().filter(|v| **v != 0).count())
        .collect();
    let volume_ml = counts
        .iter()
        .enumerate()
        .map(|(k, n)| *n as f64 * geometry.voxel_ml(k))
        .sum();
    let Some((key, most)) = counts
        .iter()
        .copied()
        .enumerate()
        .max_by_key(|(k, n)| (*n, usize::MAX - k))
    else {
        return Measured {
            volume_ml,
            abc_mm: None,
            key_slice: None,
        };
    };
    if most == 0 {
        return Measured {
            volume_ml,
            abc_mm: None,
            key_slice: None,
        };
    }
    let (a, b) = diameters(geometry, &mask.voxels[key * plane..(key + 1) * plane]);
    let c = counts
        .iter()
        .enumerate()
        .map(|(k, n)| abc_weight(*n as f64 / most as f64) * geometry.extent(k))
        .sum();
    Measured {
        volume_ml,
        abc_mm: Some([a, b, c]),
        key_slice: Some(key),
    }
}

/// Weight of a slice in the third dimension of ABC/2 (Kothari 1996): by its area against the largest.
fn abc_weight(share: f64) -> f64 {
    match share {
        s if s > 0.75 => 1.0,
        s if s > 0.25 => 0.5,
        _ => 0.0,
    }
}

/// Largest distance of two voxels of a slice, and the extent at right angles to it, mm; both count whole voxels.
fn diameters(geometry: &Geometry, slice: &[u8]) -> (f64, f64) {
    let [dy, dx] = geometry.pixel_spacing;
    let mut ends = Vec::new();
    for (r, row) in slice.chunks_exact(geometry.columns).enumerate() {
        let first = row.iter().position(|v| *v != 0);
        let last = row.iter().rposition(|v| *v != 0);
        for c in first.into_iter().chain(last) {
            ends.push([c as f64 * dx, r as f64 * dy]);
        }
    }
    let mut best = (0.0, [1.0, 0.0]);
    for (i, p) in ends.iter().enumerate() {
        for q in &ends[i + 1..] {
            let d = [q[0] - p[0], q[1] - p[1]];
            let n = d[0].hypot(d[1]);
            if n > best.0 {
                best = (n, [d[0] / n, d[1] / n]);
            }
        }
    }
    let across = |p: &[f64; 2]| p[1] * best.1[0] - p[0] * best.1[1];
    let (low, high) = ends
        .iter()
        .map(across)
        .fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    (best.0 + dx, high - low + dx)
}

/// The side of most of the blood; `head_x` gives the distance to the left of the head's middle plane for an index.
pub fn side(mask: &Mask, head_x: impl Fn(usize) -> f64) -> Side {
    let (mut left, mut all) = (0_u64, 0_u64);
    for (i, _) in mask.voxels.iter().enumerate().filter(|(_, v)| **v != 0) {
        all += 1;
        left += u64::from(head_x(i) > 0.0);
    }
    match left as f64 / all.max(1) as f64 {
        share if share >= 0.8 => Side::Left,
        share if share <= 0.2 => Side::Right,
        _ => Side::Bilateral,
    }
}
