//! What a CT scan shall be: its slices, matrix, kernel, noise and tilt, and the grid of images they make.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::Uid;
use tocsin_domain::volume::Geometry;

use super::super::identity::instance_uid;

/// Reconstruction kernel: decides the texture of the noise and the sharpness of edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    Smooth,
    Standard,
    Sharp,
}

/// A scan with nothing left open.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanPlan {
    /// Thickness of slices and their distance along their normal, mm.
    pub slice_mm: f64,
    pub slices: usize,
    pub pixel_mm: f64,
    /// Rows and columns.
    pub matrix: usize,
    pub kernel: Kernel,
    /// Deviation of the noise in the middle of the body, HU.
    pub noise_hu: f32,
    /// Gantry tilt, degrees.
    pub tilt: f64,
    /// Share of a voxel, 0..1, that must be of what the mask marks.
    pub mask_share: f32,
}

/// The grid of images: slices from the feet up, tilted about the left-right axis.
pub fn geometry(plan: &ScanPlan, series: &Uid, bottom_mm: f64) -> Geometry {
    let (sin, cos) = plan.tilt.to_radians().sin_cos();
    let down = [0.0, cos, sin]; // direction of a column; the normal is (0, -sin, cos)
    let half = (plan.matrix as f64 - 1.0) / 2.0 * plan.pixel_mm;
    let along = plan.slice_mm / cos; // the table moves along z
    let origins: Vec<[f64; 3]> = (0..plan.slices)
        .map(|k| {
            [
                -half,
                -half * down[1],
                bottom_mm + k as f64 * along - half * down[2],
            ]
        })
        .collect();
    Geometry {
        slices: plan.slices,
        rows: plan.matrix,
        columns: plan.matrix,
        pixel_spacing: [plan.pixel_mm; 2],
        offsets: origins.iter().map(|o| o[1] * -sin + o[2] * cos).collect(),
        orientation: [1.0, 0.0, 0.0, down[0], down[1], down[2]],
        origins,
        instance_uids: (0..plan.slices).map(|k| instance_uid(series, k)).collect(),
    }
}
