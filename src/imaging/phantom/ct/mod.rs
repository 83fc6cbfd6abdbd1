//! CT of a synthetic body: the scanner, its noise and artefacts, and what it writes. Knows no anatomy: a body says what lies
//! at a point.

mod artefact;
mod dicom;
mod interpolate;
mod noise;
mod plan;
mod pose;
mod scan;
mod told;

use tocsin_domain::volume::{Mask, Volume};

use super::study::Study;

pub(super) use artefact::{Artefacts, Rays, Streaks, Support};
pub use dicom::{WriteError, dicom_slice, write_dicom, write_dump};
pub(super) use interpolate::interpolated;
pub(super) use noise::Texture;
pub(super) use plan::geometry;
pub use plan::{Kernel, ScanPlan};
pub(super) use pose::{Pose, Sway};
pub(super) use scan::{Body, Scanner};
pub use told::{Made, TruthGeometry};

/// A phantom: images, a mask on the same grid, and what is true of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ct<T> {
    pub study: Study,
    pub seed: u64,
    pub plan: ScanPlan,
    pub volume: Volume,
    /// 1 where a voxel is of what is to be found; a CT pulmonary angiogram has further bits.
    pub mask: Mask,
    pub truth: T,
}
