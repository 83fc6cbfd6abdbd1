//! What a chest radiograph shall be. Everything left open is drawn from the seed.

use super::super::dice::Dice;
use super::finding::{ChestSide, Distractor, NoduleSpec, PneumothoraxSpec};
use super::pose::View;
use super::storage::{ImageClass, Photometric};

/// A chest radiograph to be made. `None` means: as the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct ChestXraySpec {
    pub seed: u64,
    /// Decides the anatomy and the place of a nodule; without it `seed` does.
    pub patient_seed: Option<u64>,
    pub pneumothorax: Option<PneumothoraxSpec>,
    pub nodule: Option<NoduleSpec>,
    pub distractors: Option<Vec<Distractor>>,
    pub view: Option<View>,
    pub class: Option<ImageClass>,
    pub photometric: Option<Photometric>,
    /// Rows and columns, held within 128..=2048.
    pub matrix: usize,
    /// Threads to compute with.
    pub threads: usize,
}

impl ChestXraySpec {
    /// A chest without findings.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            patient_seed: None,
            pneumothorax: None,
            nodule: None,
            distractors: None,
            view: None,
            class: None,
            photometric: None,
            matrix: 1024,
            threads: 2,
        }
    }

    /// A case of a mixed worklist: about two fifths without findings, a sixth borderline, the rest with a pneumothorax, a
    /// nodule or both (design values).
    pub fn mixed(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 100);
        let (kind, borderline) = (dice.between(0.0, 1.0), dice.chance(0.3));
        let apex = if borderline {
            dice.between(0.3, 0.9)
        } else {
            dice.log_between(0.9, 8.0)
        };
        let diameter = if borderline {
            dice.between(4.0, 7.0)
        } else {
            dice.log_between(7.0, 45.0)
        };
        let tension = apex > 3.0 && dice.chance(0.3);
        let pneumothorax = (0.42..0.72).contains(&kind) || kind > 0.95;
        Self {
            pneumothorax: pneumothorax.then(|| PneumothoraxSpec {
                tension,
                ..PneumothoraxSpec::new(f64::from(apex))
            }),
            nodule: (kind >= 0.72).then(|| NoduleSpec::new(f64::from(diameter))),
            ..Self::new(seed)
        }
    }

    pub fn patient(&self) -> u64 {
        self.patient_seed.unwrap_or(self.seed)
    }
}

/// The circumstances of one image, with every open value drawn.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub matrix: usize,
    pub view: View,
    pub distractors: Vec<Distractor>,
    /// Against a full breath.
    pub inspiration: f32,
    /// About the long axis, degrees.
    pub rotation: f32,
    /// Of the patient in the image, mm.
    pub shift: [f32; 2],
    /// Share of the image's width that the chest takes.
    pub fills: f32,
    /// Against a usual exposure.
    pub dose: f32,
    /// Change of brightness.
    pub bias: f32,
}

impl Plan {
    pub fn draw(spec: &ChestXraySpec) -> Self {
        let mut dice = Dice::new(spec.seed, 101);
        let drawn = dice.pick(&[
            View::Pa,
            View::Pa,
            View::Pa,
            View::Ap,
            View::PortableAp,
            View::PortableAp,
        ]);
        let view = spec.view.unwrap_or(drawn);
        let some = draw_distractors(&mut dice, view);
        let distractors = spec.distractors.clone().unwrap_or(some);
        let has = |d| distractors.contains(&d);
        let breath = match view {
            View::Pa => dice.normal(1.0, 0.03),
            View::Ap => dice.normal(0.95, 0.04),
            View::PortableAp => dice.normal(0.88, 0.05),
        };
        let turned = dice.sign() * dice.between(7.0, 14.0);
        let steady = dice.normal(0.0, if view == View::Pa { 1.0 } else { 2.5 });
        let clipped = match dice.pick(&[Some(ChestSide::Left), Some(ChestSide::Right), None]) {
            Some(side) => [side.sign() * dice.between(26.0, 40.0), 0.0],
            None => [0.0, dice.between(34.0, 55.0)],
        };
        let over = dice.between(0.10, 0.18);
        Self {
            matrix: spec.matrix.clamp(128, 2048),
            view,
            inspiration: breath.clamp(0.75, 1.06),
            rotation: if has(Distractor::Rotation) { turned } else { steady },
            shift: if has(Distractor::ClippedAngle) {
                clipped
            } else {
                [0.0; 2]
            },
            fills: dice.between(0.70, 0.82),
            dose: dice.between(0.6, 1.4)
                * match (has(Distractor::Underexposure), has(Distractor::Overexposure)) {
                    (true, _) => 0.12,
                    (false, true) => 3.5,
                    (false, false) => 1.0,
                },
            bias: match (has(Distractor::Underexposure), has(Distractor::Overexposure)) {
                (true, _) => over,
                (false, true) => -over,
                (false, false) => 0.0,
            },
            distractors,
        }
    }
}

/// Bedside images carry lines and leads; all carry something now and then.
fn draw_distractors(dice: &mut Dice, view: View) -> Vec<Distractor> {
    let bedside = view == View::PortableAp;
    Distractor::ALL
        .into_iter()
        .filter(|d| {
            let share = match d {
                Distractor::EcgLeads => [0.04, 0.7],
                Distractor::CentralLine => [0.03, 0.35],
                Distractor::EndotrachealTube => [0.0, 0.25],
                Distractor::GastricTube => [0.01, 0.3],
                Distractor::SkinFold => [0.03, 0.22],
                Distractor::ScapularEdge => [0.05, 0.4],
                Distractor::Rotation => [0.06, 0.25],
                Distractor::ClippedAngle => [0.05, 0.12],
                Distractor::Pacemaker | Distractor::Bulla | Distractor::CalcifiedGranuloma => [0.06, 0.06],
                Distractor::ApicalCap | Distractor::NippleShadows => [0.1, 0.08],
                Distractor::Overexposure | Distractor::Underexposure => [0.05, 0.08],
            };
            dice.chance(share[usize::from(bedside)])
        })
        .collect()
}
