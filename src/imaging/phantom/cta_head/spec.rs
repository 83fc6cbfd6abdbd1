//! What a CT angiogram of the head shall be. Everything left open is drawn from the seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ct::{Kernel, ScanPlan};
use super::super::dice::Dice;
use super::super::head::Side;
use super::filling::Occlusion;
use super::truth::Segment;

/// Which artery of the anterior circulation is occluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CtaFinding {
    None,
    IcaTerminus,
    M1Proximal,
    M1Distal,
    /// One of the two trunks, by the seed.
    M2,
    /// One of the four, by the seed.
    Any,
}

/// A CT angiogram to be made. `None` means: as the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct CtaHeadSpec {
    pub seed: u64,
    pub finding: CtaFinding,
    /// The patient's side; `Bilateral` counts as left to the seed.
    pub side: Option<Side>,
    /// Mean density of the arteries' contrast, HU.
    pub contrast_hu: Option<f64>,
    /// How well the vessels behind an occlusion fill by collaterals, 0 to 1.
    pub collaterals: Option<f64>,
    /// Thickness and distance of slices, mm.
    pub slice_mm: Option<f64>,
    pub slices: Option<usize>,
    /// Rows and columns.
    pub matrix: usize,
    pub noise_hu: Option<f64>,
    /// Threads to render with.
    pub threads: usize,
}

impl CtaHeadSpec {
    pub fn new(seed: u64, finding: CtaFinding) -> Self {
        Self {
            seed,
            finding,
            side: None,
            contrast_hu: None,
            collaterals: None,
            slice_mm: None,
            slices: None,
            matrix: 512,
            noise_hu: None,
            threads: 2,
        }
    }
}

/// A specification with every open value drawn.
pub(super) struct Plan {
    pub occlusion: Option<Occlusion>,
    pub contrast_hu: f32,
    pub venous_hu: f32,
    /// Whether the bolus is late or thin.
    pub poor_bolus: bool,
    pub scan: ScanPlan,
}

/// Bounds of a scan: no spec leaves them.
const SLICE_MM: (f64, f64) = (0.4, 5.0);
const SLICES: (usize, usize) = (1, 600);

impl Plan {
    /// Contrast of 250 to 450 HU, 150 to 200 HU in one of seven (design values).
    pub fn draw(spec: &CtaHeadSpec) -> Self {
        let mut dice = Dice::new(spec.seed, 30);
        let poor = dice.chance(0.14) && spec.contrast_hu.is_none();
        let good = dice.between(250.0, 450.0);
        let thin = dice.between(150.0, 200.0);
        let contrast = spec
            .contrast_hu
            .map_or(if poor { thin } else { good }, |hu| hu as f32);
        let venous_hu = 50.0 + (contrast - 50.0) * dice.between(0.1, 0.7);
        Self {
            occlusion: draw_occlusion(&mut Dice::new(spec.seed, 31), spec),
            contrast_hu: contrast,
            venous_hu,
            poor_bolus: poor,
            scan: draw_scan(&mut Dice::new(spec.seed, 32), spec),
        }
    }
}

fn draw_occlusion(dice: &mut Dice, spec: &CtaHeadSpec) -> Option<Occlusion> {
    use CtaFinding as F;
    let any = dice.pick(&[
        F::IcaTerminus,
        F::M1Proximal,
        F::M1Proximal,
        F::M1Distal,
        F::M1Distal,
        F::M2,
    ]);
    let trunk = dice.pick(&[Segment::M2Upper, Segment::M2Lower]);
    let side = dice.sign();
    let segment = match if spec.finding == F::Any { any } else { spec.finding } {
        F::IcaTerminus => Segment::IcaTerminus,
        F::M1Proximal => Segment::M1Proximal,
        F::M1Distal => Segment::M1Distal,
        F::M2 => trunk,
        F::None | F::Any => return None,
    };
    let (first, last) = segment.range();
    let collaterals = dice.between(0.0, 0.6);
    Some(Occlusion {
        segment,
        side: match spec.side {
            Some(Side::Left) => 1.0,
            Some(Side::Right) => -1.0,
            Some(Side::Bilateral) | None => side,
        },
        from: dice.between(first, last),
        clot_mm: dice.log_between(4.0, 22.0),
        clot_hu: dice.between(40.0, 80.0),
        collaterals: spec.collaterals.map_or(collaterals, |c| c.clamp(0.0, 1.0) as f32),
    })
}

fn draw_scan(dice: &mut Dice, spec: &CtaHeadSpec) -> ScanPlan {
    let slice = dice.pick(&[0.625, 0.625, 0.75, 0.8, 1.0]);
    let kernel = dice.pick(&[Kernel::Smooth, Kernel::Smooth, Kernel::Standard]);
    let noise = dice.between(5.0, 13.0);
    let field = f64::from(dice.between(190.0, 225.0));
    let coverage = f64::from(dice.between(125.0, 150.0));
    let slice_mm = spec.slice_mm.unwrap_or(slice).clamp(SLICE_MM.0, SLICE_MM.1);
    let slices = spec.slices.unwrap_or((coverage / slice_mm).round() as usize);
    ScanPlan {
        slice_mm,
        slices: slices.clamp(SLICES.0, SLICES.1),
        pixel_mm: field / spec.matrix as f64,
        matrix: spec.matrix,
        kernel,
        noise_hu: spec.noise_hu.map_or(noise, |n| n as f32),
        tilt: 0.0,
        mask_share: 0.4,
    }
}
