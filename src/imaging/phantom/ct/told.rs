//! What every CT phantom knows of itself, whatever was to be found: the first part of its truth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::volume::Geometry;

use super::super::study::Study;
use super::plan::ScanPlan;

/// How a phantom was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Made {
    /// Version of this layout.
    pub schema: u32,
    /// Always true: no person was imaged.
    pub synthetic: bool,
    pub kind: String,
    pub seed: u64,
    pub noise_hu: f64,
    pub gantry_tilt_degrees: f64,
    pub geometry: TruthGeometry,
}

/// The grid of volume and mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TruthGeometry {
    pub slices: usize,
    pub rows: usize,
    pub columns: usize,
    /// Row spacing, column spacing, mm.
    pub pixel_spacing_mm: [f64; 2],
    /// Distance of slices along their normal, mm.
    pub slice_spacing_mm: f64,
    /// Direction cosines of a row and of a column, patient coordinates (LPS).
    pub orientation: [f64; 6],
    /// First voxel of the first slice, mm.
    pub origin: [f64; 3],
}

impl Made {
    pub(in super::super) fn new(study: &Study, seed: u64, plan: &ScanPlan, g: &Geometry) -> Self {
        Self {
            schema: 1,
            synthetic: true,
            kind: study.kind.to_owned(),
            seed,
            noise_hu: f64::from(plan.noise_hu),
            gantry_tilt_degrees: plan.tilt,
            geometry: TruthGeometry {
                slices: g.slices,
                rows: g.rows,
                columns: g.columns,
                pixel_spacing_mm: g.pixel_spacing,
                slice_spacing_mm: plan.slice_mm,
                orientation: g.orientation,
                origin: g.origins.first().copied().unwrap_or_default(),
            },
        }
    }
}
