//! What is known of a CT pulmonary angiogram because it was made so. Clot is measured on the mask that is written with it (its bit 1),
//! ventricles on the heart as built, density on the images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::volume::{Geometry, Mask, Volume};

use super::clot::Clot;
use super::confounder::Distractor;
use super::marks::CLOT;
use super::model::Thorax;
use super::spec::Level;
use crate::phantom::Side;
use crate::phantom::ct::{Made, Pose};
use crate::phantom::shape::V3;

/// The content of `truth.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CtpaTruth {
    #[serde(flatten)]
    pub made: Made,
    pub finding_present: bool,
    /// The most proximal artery that holds clot.
    pub level: Option<Level>,
    /// The patient's side; both when each side holds clot.
    pub side: Option<Side>,
    /// Volume of the clot that the mask marks, mL.
    pub volume_ml: f64,
    /// Clots that the mask shows.
    pub clots: usize,
    /// Index of the slice with the most clot.
    pub key_slice: Option<usize>,
    /// Largest inner widths of the ventricles across the septum in axial planes, and their ratio.
    pub rv_mm: f64,
    pub lv_mm: f64,
    pub rv_lv_ratio: f64,
    /// How far the septum is pressed into the left ventricle: 0 not at all, 1 most.
    pub septal_bowing: f64,
    /// Inner diameter of the pulmonary trunk as built, mm.
    pub trunk_mm: f64,
    /// Mean density in the middle of the pulmonary trunk, clot left out, HU; nothing when the slices do not reach it.
    pub trunk_hu: Option<f64>,
    /// What else is in the images that can be taken for a clot or hides one.
    pub distractors: Vec<Distractor>,
}

/// Radius of the ball in the trunk whose density is told, mm.
const PROBE_MM: f64 = 6.0;

/// Tells what was built and what came out.
pub(super) fn tell(made: Made, thorax: &Thorax, pose: &Pose, (volume, mask): (&Volume, &Mask)) -> CtpaTruth {
    let g = &volume.geometry;
    let counts = per_slice(g, mask);
    let volume_ml: f64 = counts
        .iter()
        .enumerate()
        .map(|(k, n)| *n as f64 * g.voxel_ml(k))
        .sum();
    let shown: Vec<&Clot> = thorax.clots.iter().filter(|c| shows(c, g, mask, pose)).collect();
    let key = (0..counts.len()).max_by_key(|k| (counts[*k], usize::MAX - k));
    let widths = thorax.heart.widths();
    CtpaTruth {
        made,
        finding_present: volume_ml > 0.0,
        level: shown.iter().map(|c| c.level).min(),
        side: side(&shown),
        volume_ml,
        clots: shown.len(),
        key_slice: key.filter(|k| counts[*k] > 0),
        rv_mm: f64::from(widths.right),
        lv_mm: f64::from(widths.left),
        rv_lv_ratio: f64::from(widths.right / widths.left),
        septal_bowing: f64::from(thorax.heart.bowing()),
        trunk_mm: 2.0 * f64::from(thorax.calibres.trunk),
        trunk_hu: mean_around(volume, mask, pose, thorax.arteries.trunk_middle()),
        distractors: thorax.distractors.clone(),
    }
}

fn per_slice(g: &Geometry, mask: &Mask) -> Vec<usize> {
    let marked = |slice: &[u8]| slice.iter().filter(|v| **v & CLOT != 0).count();
    mask.voxels.chunks_exact(g.rows * g.columns).map(marked).collect()
}

fn side(clots: &[&Clot]) -> Option<Side> {
    let left = clots.iter().any(|c| c.side >= 0.0);
    let right = clots.iter().any(|c| c.side <= 0.0);
    match (left, right) {
        (true, true) => Some(Side::Bilateral),
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        (false, false) => None,
    }
}

/// Slice, row and column of the voxel nearest to a place of the body; the slices of a thorax are not tilted.
fn nearest(g: &Geometry, pose: &Pose, p: V3) -> Option<[usize; 3]> {
    let at = pose.to_patient(p.map(f64::from));
    let first = g.origins.first()?;
    let row = ((at[1] - first[1]) / g.pixel_spacing[0]).round();
    let column = ((at[0] - first[0]) / g.pixel_spacing[1]).round();
    let inside = |v: f64, n: usize| v >= 0.0 && v < n as f64;
    let slice = (0..g.slices).min_by(|a, b| {
        (g.offsets[*a] - at[2])
            .abs()
            .total_cmp(&(g.offsets[*b] - at[2]).abs())
    })?;
    let near = (g.offsets[slice] - at[2]).abs() <= g.extent(slice);
    (near && inside(row, g.rows) && inside(column, g.columns)).then_some([
        slice,
        row as usize,
        column as usize,
    ])
}

/// Whether the mask marks any voxel beside the course of a clot.
fn shows(clot: &Clot, g: &Geometry, mask: &Mask, pose: &Pose) -> bool {
    let marked = |k: usize, r: usize, c: usize| {
        let inside = k < g.slices && r < g.rows && c < g.columns;
        inside && mask.voxels[(k * g.rows + r) * g.columns + c] & CLOT != 0
    };
    clot.body().iter().any(|(p, _)| {
        nearest(g, pose, *p).is_some_and(|[k, r, c]| {
            let around = |v: usize| v.saturating_sub(1)..=v + 1;
            around(k).any(|k| around(r).any(|r| around(c).any(|c| marked(k, r, c))))
        })
    })
}

fn mean_around(volume: &Volume, mask: &Mask, pose: &Pose, p: V3) -> Option<f64> {
    let g = &volume.geometry;
    let [k, r, c] = nearest(g, pose, p)?;
    let reach = |mm: f64| (PROBE_MM / mm).ceil() as usize;
    let range = |v: usize, by: usize, n: usize| v.saturating_sub(by)..(v + by + 1).min(n);
    let (mut sum, mut n) = (0.0, 0.0);
    for slice in range(k, reach(g.extent(k)), g.slices) {
        for row in range(r, reach(g.pixel_spacing[0]), g.rows) {
            for column in range(c, reach(g.pixel_spacing[1]), g.columns) {
                let i = (slice * g.rows + row) * g.columns + column;
                let q = pose.place(g, i);
                let far: f64 = (0..3).map(|a| (q[a] - f64::from(p[a])).powi(2)).sum();
                if far <= PROBE_MM * PROBE_MM && mask.voxels[i] & CLOT == 0 {
                    sum += f64::from(volume.voxels[i]);
                    n += 1.0;
                }
            }
        }
    }
    (n > 0.0).then(|| sum / n)
}
