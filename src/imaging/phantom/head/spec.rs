//! What a phantom shall be. Everything left open is drawn from the seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ct::{Kernel, ScanPlan};
use super::super::dice::Dice;

/// Type of intracranial bleed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeadFinding {
    None,
    Intraparenchymal,
    Subdural,
    Epidural,
    Subarachnoid,
    Intraventricular,
    /// One of the five types, by the seed.
    Any,
}

/// A head CT to be made. `None` means: as the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadCtSpec {
    pub seed: u64,
    pub finding: HeadFinding,
    /// Volume of blood, mL; a compartment that cannot hold it is filled as far as it goes.
    pub volume_ml: Option<f64>,
    /// Distance of slices along their normal, mm.
    pub slice_mm: Option<f64>,
    /// Number of slices; without it the head is covered from the skull base to the vertex.
    pub slices: Option<usize>,
    /// Rows and columns.
    pub matrix: usize,
    pub kernel: Option<Kernel>,
    /// Deviation of the noise in the brain, HU.
    pub noise_hu: Option<f64>,
    /// Gantry tilt, degrees.
    pub tilt_degrees: Option<f64>,
    /// Threads to render with.
    pub threads: usize,
}

impl HeadCtSpec {
    pub fn new(seed: u64, finding: HeadFinding) -> Self {
        Self {
            seed,
            finding,
            volume_ml: None,
            slice_mm: None,
            slices: None,
            matrix: 512,
            kernel: None,
            noise_hu: None,
            tilt_degrees: None,
            threads: 2,
        }
    }
}

/// A specification with every open value drawn.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub finding: HeadFinding,
    pub volume_ml: f32,
    pub scan: ScanPlan,
}

/// Bounds of a scan: no spec leaves them.
const SLICE_MM: (f64, f64) = (0.4, 10.0);
const SLICES: (usize, usize) = (1, 800);

impl Plan {
    pub fn draw(spec: &HeadCtSpec) -> Self {
        let mut dice = Dice::new(spec.seed, 1);
        let drawn = dice.pick(&[
            HeadFinding::Intraparenchymal,
            HeadFinding::Subdural,
            HeadFinding::Epidural,
            HeadFinding::Subarachnoid,
            HeadFinding::Intraventricular,
        ]);
        let volume = dice.log_between(3.0, 90.0);
        let slice = dice.pick(&[0.625, 1.0, 1.25, 2.0, 2.5, 3.0, 4.0, 5.0, 5.0, 5.0]);
        let kernel = dice.pick(&[Kernel::Smooth, Kernel::Standard, Kernel::Standard, Kernel::Sharp]);
        let noise = dice.between(2.0, 5.0);
        let tilt = if dice.chance(0.35) {
            f64::from(dice.normal(0.0, 9.0).clamp(-20.0, 20.0))
        } else {
            0.0
        };
        let field = f64::from(dice.between(215.0, 255.0));
        let coverage = f64::from(dice.between(135.0, 165.0));
        let slice_mm = spec.slice_mm.unwrap_or(slice).clamp(SLICE_MM.0, SLICE_MM.1);
        let thin = (5.0 / slice_mm.max(0.5)).powf(0.35) as f32;
        let sharp = match kernel {
            Kernel::Smooth => 0.8,
            Kernel::Standard => 1.0,
            Kernel::Sharp => 1.7,
        };
        Self {
            finding: if spec.finding == HeadFinding::Any {
                drawn
            } else {
                spec.finding
            },
            volume_ml: spec.volume_ml.unwrap_or(f64::from(volume)).clamp(0.0, 300.0) as f32,
            scan: ScanPlan {
                slice_mm,
                slices: spec
                    .slices
                    .unwrap_or((coverage / slice_mm).round() as usize)
                    .clamp(SLICES.0, SLICES.1),
                pixel_mm: field / spec.matrix as f64,
                matrix: spec.matrix,
                kernel: spec.kernel.unwrap_or(kernel),
                noise_hu: spec.noise_hu.map_or(noise * thin * sharp, |n| n as f32),
                tilt: spec.tilt_degrees.unwrap_or(tilt).clamp(-30.0, 30.0),
                mask_share: 0.5,
            },
        }
    }
}

/// The scan alone that a specification asks for.
pub fn scan_plan(spec: &HeadCtSpec) -> ScanPlan {
    Plan::draw(spec).scan
}
