//! Where contrast has come to when the scan runs: a density for each compartment of blood, and blood that has not mixed.
//! Densities are design values.

use super::great::Arm;
use crate::phantom::dice::Dice;
use crate::phantom::shape::{Field, V3, dot, mix, smooth, sub};

/// Blood without contrast, HU.
pub const PLAIN: f32 = 42.0;

/// Densities of blood, HU.
pub struct Contrast {
    pub pulmonary: f32,
    /// Left heart and aorta.
    pub systemic: f32,
    pub pulmonary_veins: f32,
    /// Upper vena cava and the vein of the injected arm.
    pub cava: f32,
    pub myocardium: f32,
    pub arm: Arm,
    /// Blood in arteries that has not mixed: where, how wide (mm), how thin (0..1).
    unmixed: Vec<(V3, f32, f32)>,
    swirl: Field,
}

impl Contrast {
    pub fn draw(dice: &mut Dice, trunk_hu: f32) -> Self {
        let late = dice.between(0.0, 1.0);
        let systemic = mix(50.0, 350.0, late).min(trunk_hu * 1.1);
        Self {
            pulmonary: trunk_hu,
            systemic,
            pulmonary_veins: mix(systemic, trunk_hu, 0.45),
            cava: dice.log_between(350.0, 1400.0),
            myocardium: mix(72.0, 122.0, late),
            arm: if dice.chance(0.3) { Arm::Left } else { Arm::Right },
            unmixed: Vec::new(),
            swirl: Field::new(dice),
        }
    }

    /// Thins the contrast around a point of an artery, without a sharp edge.
    pub fn thin(&mut self, at: V3, wide_mm: f32, by: f32) {
        self.unmixed.push((at, wide_mm, by));
    }

    /// Density in the pulmonary arteries.
    pub fn arterial(&self, p: V3, fill: f32) -> f32 {
        let mut share = fill * (1.0 + 0.03 * self.swirl.mm(p, 9.0));
        for (at, wide, by) in &self.unmixed {
            let d = sub(p, *at);
            let near = (-dot(d, d) / (wide * wide)).exp();
            share *= 1.0 - by * near * (1.0 + 0.4 * self.swirl.mm(p, 7.0));
        }
        mix(PLAIN, self.pulmonary, share.clamp(0.0, 1.1))
    }

    /// Density in the right atrium: streams from above and below that meet; `low` is 0 in its upper half, 1 at its floor.
    pub fn right_atrium(&self, p: V3, low: f32) -> f32 {
        let stream = smooth(-0.35, 0.35, self.swirl.mm(p, 16.0) + 0.5 - 1.2 * low);
        mix(mix(PLAIN, self.pulmonary, 0.55), self.pulmonary * 1.1, stream)
    }

    /// Density in the right ventricle, better mixed than in the atrium.
    pub fn right_ventricle(&self, p: V3) -> f32 {
        self.pulmonary * (0.97 + 0.08 * self.swirl.mm(p, 14.0))
    }

    /// Density in the upper vena cava: layers of contrast and plain blood.
    pub fn upper_cava(&self, p: V3) -> f32 {
        self.cava * (0.9 + 0.25 * self.swirl.mm([p[0], p[1], p[2] * 0.4], 8.0))
    }
}
