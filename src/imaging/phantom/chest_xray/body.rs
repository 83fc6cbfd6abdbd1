//! The outline of the body: trunk, neck, arms and breasts as the path of a ray through them, mm. Knows nothing inside.

use super::super::dice::Dice;
use super::super::shape::smooth;
use super::anatomy::Anatomy;
use super::finding::ChestSide;
use super::plane::V2;

const NECK_MM: f32 = 56.0;

pub struct Body {
    half: f32,
    depth: f32,
    height: f32,
    shoulder_slope: f32,
    arms: [Arm; 2],
    breasts: Option<Breasts>,
}

/// From the shoulder to the elbow.
#[derive(Clone, Copy)]
pub struct Arm {
    pub shoulder: V2,
    pub elbow: V2,
    pub radius: f32,
}

struct Breasts {
    centre: V2,
    radii: V2,
    depth: f32,
}

impl Body {
    /// `abduction`: how far the elbows stand off, 0..1.
    pub fn draw(dice: &mut Dice, anatomy: &Anatomy, abduction: f32) -> Self {
        let a = anatomy;
        let half = a.width + a.wall;
        let radius = 34.0 * a.scale + 0.3 * a.wall;
        let arm = |side: ChestSide, jitter: f32| Arm {
            shoulder: [side.sign() * 172.0 * a.scale, 38.0],
            elbow: [
                side.sign() * (half + radius * 0.9 + 12.0 + 90.0 * abduction + jitter),
                330.0 * a.scale,
            ],
            radius,
        };
        let breasts = a.female.then(|| Breasts {
            centre: [0.60 * a.width, dice.between(0.66, 0.80) * a.height],
            radii: [66.0 + 0.35 * a.breast, 58.0 + 0.35 * a.breast],
            depth: a.breast,
        });
        Self {
            half,
            depth: a.body,
            height: a.height,
            shoulder_slope: dice.between(0.36, 0.5),
            arms: ChestSide::BOTH.map(|side| arm(side, dice.normal(0.0, 12.0))),
            breasts,
        }
    }

    pub fn arm(&self, side: ChestSide) -> Arm {
        self.arms[side.index()]
    }

    /// Path through the body for a point of the middle plane.
    pub fn path(&self, [x, y]: V2) -> f32 {
        let parts = [self.trunk(x.abs(), y), self.neck(x.abs(), y), self.limb([x, y])];
        // A smooth maximum: the skin runs from one part to the next without a step.
        let sum: f32 = parts.iter().map(|p| p * p * p * p).sum();
        sum.sqrt().sqrt() + self.breast_path([x.abs(), y])
    }

    fn trunk(&self, x: f32, y: f32) -> f32 {
        let down = smooth(-70.0, 0.55 * self.height, y);
        // Shoulders and armpits, then the side of the chest, widest at the lower ribs.
        let armpit = 1.0 - smooth(10.0, 0.5 * self.height, y);
        let half = self.half * (0.95 + 0.36 * armpit + 0.05 * smooth(0.4, 1.0, y / self.height));
        let depth = self.depth * (0.56 + 0.44 * down);
        let shoulder = -58.0 + self.shoulder_slope * (x - NECK_MM).max(0.0);
        let edge = ((y - shoulder) / 48.0).clamp(0.0, 1.0);
        let across = (1.0 - (x / half).powi(3)).max(0.0);
        depth * across.powf(0.4) * (edge * (2.0 - edge)).sqrt()
    }

    fn neck(&self, x: f32, y: f32) -> f32 {
        let across = (1.0 - (x / NECK_MM).powi(2)).max(0.0).sqrt();
        125.0 * across * (1.0 - smooth(-70.0, 60.0, y))
    }

    fn limb(&self, [x, y]: V2) -> f32 {
        let arm = self.arms[usize::from(x > 0.0)];
        let d = [arm.elbow[0] - arm.shoulder[0], arm.elbow[1] - arm.shoulder[1]];
        let e = [x - arm.shoulder[0], y - arm.shoulder[1]];
        let share = ((d[0] * e[0] + d[1] * e[1]) / (d[0] * d[0] + d[1] * d[1])).clamp(0.0, 1.2);
        let away = (e[0] - d[0] * share).hypot(e[1] - d[1] * share);
        let radius = arm.radius * (1.15 - 0.15 * share);
        2.0 * radius * (1.0 - (away / radius).powi(2)).max(0.0).sqrt()
    }

    fn breast_path(&self, [x, y]: V2) -> f32 {
        let Some(b) = &self.breasts else { return 0.0 };
        let (u, v) = ((x - b.centre[0]) / b.radii[0], (y - b.centre[1]) / b.radii[1]);
        let droop = smooth(-1.0, 0.25, v);
        b.depth * (1.0 - u * u - v * v).max(0.0).powf(0.6) * droop
    }
}
