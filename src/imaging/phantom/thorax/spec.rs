//! What a CT pulmonary angiogram shall be. Everything left open is drawn from the seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::phantom::ct::{Kernel, ScanPlan};
use crate::phantom::dice::Dice;

/// Pulmonary embolism that is asked for, by its most proximal vessel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeFinding {
    None,
    Saddle,
    Main,
    Lobar,
    Segmental,
    Subsegmental,
    /// One of the five levels, by the seed.
    Any,
}

/// Level of a pulmonary artery, the most proximal first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Saddle,
    Main,
    Lobar,
    Segmental,
    Subsegmental,
}

/// How much of what can be taken for a clot, or hides one, is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distractors {
    None,
    /// As often as the seed decides.
    Drawn,
    /// Each with good odds.
    Many,
}

impl Distractors {
    /// The odds of something whose usual odds are `usual`.
    pub(super) fn odds(self, usual: f32) -> f32 {
        match self {
            Self::None => 0.0,
            Self::Drawn => usual,
            Self::Many => (3.0 * usual).min(0.75),
        }
    }
}

/// A CT pulmonary angiogram to be made. `None` means: as the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct CtpaSpec {
    pub seed: u64,
    pub finding: PeFinding,
    pub distractors: Distractors,
    /// Density of the pulmonary trunk, HU; 150 to 220 is a poor bolus.
    pub trunk_hu: Option<f64>,
    /// Ratio of the widths of the right and the left ventricle.
    pub rv_lv: Option<f64>,
    /// Distance of slices, mm.
    pub slice_mm: Option<f64>,
    /// Number of slices; without it the lungs are covered.
    pub slices: Option<usize>,
    /// Rows and columns.
    pub matrix: usize,
    /// Threads to render with.
    pub threads: usize,
}

impl CtpaSpec {
    pub fn new(seed: u64, finding: PeFinding) -> Self {
        Self {
            seed,
            finding,
            distractors: Distractors::Drawn,
            trunk_hu: None,
            rv_lv: None,
            slice_mm: None,
            slices: None,
            matrix: 512,
            threads: 2,
        }
    }
}

/// What is drawn before anything is built.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The most proximal level of clot; none without embolism.
    pub level: Option<Level>,
    pub trunk_hu: f32,
    pub rv_lv: f32,
    pub scan: ScanPlan,
    /// Height of the first slice, mm from the carina.
    pub bottom_mm: f64,
}

impl Plan {
    pub fn draw(spec: &CtpaSpec) -> Self {
        let mut dice = Dice::new(spec.seed, 1);
        let drawn = dice.pick(&[
            Level::Saddle,
            Level::Main,
            Level::Lobar,
            Level::Segmental,
            Level::Subsegmental,
        ]);
        let level = match spec.finding {
            PeFinding::None => None,
            PeFinding::Saddle => Some(Level::Saddle),
            PeFinding::Main => Some(Level::Main),
            PeFinding::Lobar => Some(Level::Lobar),
            PeFinding::Segmental => Some(Level::Segmental),
            PeFinding::Subsegmental => Some(Level::Subsegmental),
            PeFinding::Any => Some(drawn),
        };
        let good = dice.between(250.0, 450.0);
        let poor = dice.between(150.0, 220.0);
        let trunk = if dice.chance(0.15) { poor } else { good };
        let usual = if dice.chance(0.15) {
            dice.between(0.95, 1.1)
        } else {
            dice.between(0.7, 0.95)
        };
        let strained = if dice.chance(0.75) {
            dice.between(0.95, 1.6)
        } else {
            dice.between(0.75, 1.0)
        };
        let drawn = if level.is_some_and(|l| l <= Level::Main) {
            strained
        } else {
            usual
        };
        Self {
            level,
            trunk_hu: spec.trunk_hu.map_or(trunk, |hu| (hu as f32).clamp(100.0, 800.0)),
            rv_lv: spec.rv_lv.map_or(drawn, |ratio| (ratio as f32).clamp(0.6, 1.8)),
            scan: scan(spec, &mut dice),
            bottom_mm: f64::from(dice.between(-152.0, -138.0)),
        }
    }

    /// How much the right heart suffers, 0..1.
    pub fn strain(&self) -> f32 {
        ((self.rv_lv - 0.95) / 0.5).clamp(0.0, 1.0)
    }
}

/// Bounds of a scan: no spec leaves them.
const SLICE_MM: (f64, f64) = (0.5, 10.0);
const SLICES: (usize, usize) = (1, 800);
/// From below the diaphragm to above the apices, mm.
const COVERAGE_MM: f64 = 258.0;

fn scan(spec: &CtpaSpec, dice: &mut Dice) -> ScanPlan {
    let drawn = dice.pick(&[1.0, 1.0, 1.25, 1.25, 1.5, 2.0, 2.5]);
    let kernel = dice.pick(&[Kernel::Smooth, Kernel::Standard, Kernel::Standard]);
    let quantum = dice.between(8.0, 15.0);
    let field = f64::from(dice.between(320.0, 380.0));
    let slice_mm = spec.slice_mm.unwrap_or(drawn).clamp(SLICE_MM.0, SLICE_MM.1);
    let slices = spec.slices.unwrap_or((COVERAGE_MM / slice_mm).round() as usize);
    ScanPlan {
        slice_mm,
        slices: slices.clamp(SLICES.0, SLICES.1),
        pixel_mm: field / spec.matrix as f64,
        matrix: spec.matrix,
        kernel,
        noise_hu: quantum * (1.5 / slice_mm).sqrt().clamp(0.6, 1.5) as f32,
        tilt: 0.0,
        mask_share: 0.5,
    }
}
