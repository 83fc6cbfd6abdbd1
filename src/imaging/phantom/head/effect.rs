//! Mass effect: how a bleed pushes the brain aside, as one smooth displacement of the anatomy. The midline that is drawn
//! and the midline shift that is told come from the same field.

use super::super::shape::{V3, length, smooth, sub};

/// A displacement of the brain: away from `centre`, and across the midline.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    centre: V3,
    half: V3,
    /// Radius of the ball that was inserted, mm.
    ball: f32,
    /// Largest shift to the left (positive) or right, mm.
    across: f32,
}

impl Effect {
    pub fn none(half: V3) -> Self {
        Self {
            centre: [0.0; 3],
            half,
            ball: 0.0,
            across: 0.0,
        }
    }

    pub fn new(half: V3, centre: V3, inserted_ml: f32, across: f32) -> Self {
        let ball = (inserted_ml.max(0.0) * 1000.0 * 3.0 / (4.0 * std::f32::consts::PI)).cbrt();
        Self {
            centre,
            half,
            ball,
            across,
        }
    }

    /// Where the tissue that now lies at `x` was before.
    pub fn before(&self, x: V3) -> V3 {
        if self.ball == 0.0 && self.across == 0.0 {
            return x;
        }
        let f = [x[0] / self.half[0], x[1] / self.half[1], x[2] / self.half[2]];
        let inside = (1.0 - f[0] * f[0] - f[1] * f[1] - f[2] * f[2]).clamp(0.0, 1.0);
        let near =
            ((x[1] - self.centre[1]) / 55.0).powi(2) + ((x[2] - self.centre[2].max(0.0)) / 45.0).powi(2);
        let over = smooth(-25.0, -5.0, x[2]);
        let across = self.across * inside * (-near).exp() * over;
        let out = sub(x, self.centre);
        let r = length(out).max(1e-3);
        let was = (r.powi(3) - self.ball.powi(3)).max(0.0).cbrt().max(0.35 * r);
        let push = (r - was) / r * inside.sqrt();
        [
            x[0] - across - out[0] * push,
            x[1] - out[1] * push,
            x[2] - out[2] * push,
        ]
    }

    /// Largest sideways displacement of the septum pellucidum, mm: the place where the middle of the anatomy came to lie.
    pub fn midline_shift_mm(&self) -> f64 {
        let mut largest = 0.0_f32;
        for y in [-36.0, -28.0, -20.0, -12.0, -4.0, 4.0] {
            for z in [2.0, 8.0, 14.0] {
                let mut x = 0.0_f32;
                for _ in 0..40 {
                    x -= 0.7 * self.before([x, y, z])[0];
                }
                largest = if x.abs() > largest.abs() { x } else { largest };
            }
        }
        f64::from(largest.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: V3 = [68.0, 84.0, 72.0];

    #[test]
    fn a_shift_across_moves_the_midline_by_nearly_as_much_and_the_skull_not_at_all() {
        let effect = Effect::new(HALF, [30.0, -10.0, 10.0], 0.0, -9.0);
        let shift = effect.midline_shift_mm();
        assert!((7.0..=9.0).contains(&shift), "{shift}");
        assert_eq!(effect.before([HALF[0], 0.0, 0.0]), [HALF[0], 0.0, 0.0]);
        assert_eq!(Effect::none(HALF).midline_shift_mm(), 0.0);
    }
}
