//! What a CT pulmonary angiogram shall be. Everything left open is drawn from the seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

impl Plan {
    pub fn draw(spec: &CtpaSpec) -> Self {
        let mut dice = Dice::new(spec.seed, 1);
        let drawn = dice.pick(&[Level::Saddle, Level::Main, Level::Lobar, Level::Segmental, Level::Subsegmental]);
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
        let usual = if dice.chance(0.15) { dice.between(0.95, 1.1) } else { dice.between(0.7, 0.95) };
        let strained = if dice.chance(0.75) { dice.between(0.95, 1.6) } else { dice.between(0.75, 1.0) };
        let drawn = if level.is_some_and(|l| l <= Level::Main) { strained } else { usual };
        Self {
            level,
            trunk_hu: spec.trunk_hu.map_or(trunk, |hu| (hu as f32).clamp(100.0, 800.0)),
            rv_lv: spec.rv_lv.map_or(drawn, |ratio| (ratio as f32).clamp(0.6, 1.8)),
        }
    }

    /// How much the right heart suffers, 0..1.
    pub fn strain(&self) -> f32 {
        ((self.rv_lv - 0.95) / 0.5).clamp(0.0, 1.0)
    }
}
