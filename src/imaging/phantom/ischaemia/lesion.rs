//! Early ischaemia as a change of tissue: density and the difference of grey from white are lost in the affected regions,
//! and sulci narrow where it is large. Knows no scanner.

use super::super::dice::Dice;
use super::super::head::anatomy::{Anatomy, Class, Tissue};
use super::super::head::brain::middle_cerebral_artery;
use super::super::head::effect::Effect;
use super::super::shape::{Field, V3, mix, ramp};
use super::aspects::Region;
use super::spec::{Degree, Plan};

/// White matter loses this share of what grey matter loses.
const WHITE_SHARE: f32 = 0.6;
/// Half width of a region's soft border, mm.
const BORDER: f32 = 2.5;

pub struct Lesion {
    side: f32,
    regions: Vec<Region>,
    half: V3,
    loss: f32,
    white: f32,
    grey: f32,
    /// Share of the sulcal fluid that swelling presses out.
    swelling: f32,
    artery_hu: Option<f32>,
    warp: Field,
}

impl Lesion {
    pub fn new(dice: &mut Dice, anatomy: &Anatomy, plan: &Plan) -> Self {
        let (white, grey) = anatomy.brain.white_and_grey();
        let large = plan.regions.len() as f32 / 10.0;
        let swelling = match plan.degree {
            Degree::Subtle => 0.0,
            Degree::Moderate => 0.4 * large,
            Degree::Frank => 0.3 + 0.6 * large,
        };
        Self {
            side: plan.side,
            regions: plan.regions.clone(),
            half: anatomy.half,
            loss: plan.loss_hu,
            white,
            grey,
            swelling,
            artery_hu: plan.artery_hu,
            warp: Field::new(dice),
        }
    }

    /// Density at the anatomical place `q` with its `tissue`, and the share that is ischaemic, 0..1.
    pub fn change(&self, q: V3, tissue: &Tissue) -> (f32, f32) {
        let p = [q[0] * self.side, q[1], q[2]];
        let brain = matches!(tissue.class, Class::Brain | Class::Subarachnoid);
        if p[0] < 0.0 || !brain || tissue.depth < 0.5 {
            return (tissue.hu, 0.0);
        }
        let share = self.share(p);
        let lost = self.lose(tissue, share);
        (self.clot(p, lost), share * (1.0 - tissue.cisternal))
    }

    /// Mean loss where the tissue is ischaemic, in HU: on a grid of 3 mm, free of noise.
    pub fn mean_loss(&self, anatomy: &Anatomy, effect: &Effect) -> f64 {
        let axis = |half: f32| (-(half / 3.0) as i32..=(half / 3.0) as i32).map(|n| n as f32 * 3.0);
        let (mut sum, mut count) = (0.0, 0_u32);
        for z in axis(anatomy.half[2]) {
            for y in axis(anatomy.half[1]) {
                for x in axis(anatomy.half[0]).filter(|x| x * self.side > 0.0) {
                    let from = effect.before([x, y, z]);
                    let tissue = anatomy.tissue([x, y, z], from);
                    let (hu, share) = self.change(from, &tissue);
                    if share >= 0.5 {
                        sum += f64::from(tissue.hu - hu);
                        count += 1;
                    }
                }
            }
        }
        sum / f64::from(count.max(1))
    }

    fn lose(&self, tissue: &Tissue, share: f32) -> f32 {
        let greyness = ((tissue.hu - self.white) / (self.grey - self.white)).clamp(0.0, 1.0);
        let solid =
            tissue.hu - self.loss * share * mix(WHITE_SHARE, 1.0, greyness) * (1.0 - tissue.cisternal);
        let swollen = self.grey - self.loss;
        mix(
            solid,
            swollen.max(solid),
            self.swelling * share * tissue.cisternal,
        )
    }

    fn clot(&self, p: V3, hu: f32) -> f32 {
        let Some(clot) = self.artery_hu else { return hu };
        let stem = p[0] > 9.0;
        mix(
            hu,
            clot,
            if stem {
                ramp(middle_cerebral_artery(p, 0.95))
            } else {
                0.0
            },
        )
    }

    /// Share of the places around `p` that lie in an affected region.
    fn share(&self, p: V3) -> f32 {
        let bent = [0, 1, 2].map(|k| {
            let from = [p[0] + 70.0 * k as f32, p[1], p[2]];
            p[k] + 2.5 * self.warp.mm(from, 14.0)
        });
        let hits = (0..6).filter(|n| {
            let mut at = bent;
            at[n / 2] += if n % 2 == 0 { BORDER } else { -BORDER };
            Region::at(at, self.half).is_some_and(|r| self.regions.contains(&r))
        });
        hits.count() as f32 / 6.0
    }
}
