//! Calcifications of healthy people: pineal gland, choroid plexus, pallidum; and how much of the falx.

use super::super::dice::Dice;
use super::super::shape::{V3, ellipsoid, mix, ramp};

/// Sizes in mm of calcifications; 0 where there is none.
pub struct Calcified {
    pineal: f32,
    choroid: f32,
    pallidum: f32,
    pub falx: f32,
    pub hu: f32,
}

impl Calcified {
    pub fn draw(dice: &mut Dice, age: f32) -> Self {
        let mut size = |probability: f32, low: f32, high: f32| {
            if dice.chance(probability) {
                dice.between(low, high)
            } else {
                0.0
            }
        };
        Self {
            pineal: size(0.6, 1.2, 4.0),
            choroid: size(0.5, 1.2, 4.5),
            pallidum: size(0.15 + 0.2 * age, 1.0, 4.0),
            falx: size(0.2, 1.0, 2.0),
            hu: dice.between(85.0, 420.0),
        }
    }

    /// Density at `q` (mirrored to the left: `p`) where `hu` was.
    pub fn paint(&self, q: V3, p: V3, hu: f32) -> f32 {
        let spot = |at: V3, size: f32| {
            if size > 0.0 {
                ramp(ellipsoid(q, at, [size; 3]))
            } else {
                0.0
            }
        };
        let mut share = spot([0.0, 24.0, 1.0], self.pineal);
        let mirrored = |at: V3, size: V3| {
            if size[0] > 0.0 {
                ramp(ellipsoid(p, at, size))
            } else {
                0.0
            }
        };
        share = share.max(mirrored(
            [25.0, 33.0, 10.0],
            [self.choroid, 1.6 * self.choroid, self.choroid],
        ));
        share = share.max(mirrored(
            [20.0, -2.0, 1.0],
            [self.pallidum, 2.0 * self.pallidum, self.pallidum],
        ));
        mix(hu, self.hu, share)
    }
}
