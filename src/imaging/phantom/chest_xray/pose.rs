//! How a patient stands before the detector: distances of the tube, rotation, place in the image. Turns points of the
//! thorax into points of the image and back. Knows no anatomy.
//!
//! Thorax coordinates, mm: x to the patient's left (the right of the image), y downward from the apex of the lungs, z
//! forward from the middle of the chest.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use super::super::dice::Dice;
use super::super::shape::V3;
use super::plane::{Grid, V2};

/// Direction of the beam and manner of the exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Erect, the chest at the detector.
    Pa,
    /// Sitting, the back at the detector.
    Ap,
    /// At the bedside, half lying, a short distance, no grid.
    PortableAp,
}

impl View {
    /// Source to detector, mm (design values).
    pub fn source_mm(self) -> f32 {
        match self {
            Self::Pa => 1800.0,
            Self::Ap => 1500.0,
            Self::PortableAp => 1050.0,
        }
    }

    /// Peak voltage of the tube, kV (design values).
    pub fn kilovolts(self) -> u16 {
        match self {
            Self::Pa => 125,
            Self::Ap => 110,
            Self::PortableAp => 90,
        }
    }
}

pub struct Pose {
    source: f32,
    /// Detector to the middle of the chest.
    middle: f32,
    /// 1 when the front of the chest is at the detector, −1 when it is the back.
    toward: f32,
    yaw: f32,
    roll: (f32, f32),
    /// Where the thorax point (0, `level`, 0) lies in the image.
    centre: V2,
    level: f32,
}

impl Pose {
    /// `rotation` in degrees about the long axis; `shift` in mm of the image; `level` is the height of the beam's middle.
    pub fn draw(
        dice: &mut Dice,
        view: View,
        grid: Grid,
        (rotation, shift): (f32, V2),
        (body, level): (f32, f32),
    ) -> Self {
        let roll = dice
            .normal(0.0, if view == View::Pa { 0.7 } else { 1.8 })
            .to_radians();
        let jitter = [dice.normal(0.0, 4.0), dice.normal(0.0, 5.0)];
        Self {
            source: view.source_mm(),
            middle: body / 2.0 + 30.0,
            toward: if view == View::Pa { 1.0 } else { -1.0 },
            yaw: rotation.to_radians().sin(),
            roll: roll.sin_cos(),
            centre: [
                grid.columns as f32 * grid.mm / 2.0 + shift[0] + jitter[0],
                grid.rows as f32 * grid.mm / 2.0 + shift[1] + jitter[1],
            ],
            level,
        }
    }

    /// Enlargement of what lies at depth `z`.
    pub fn magnification(&self, z: f32) -> f32 {
        self.source / (self.source - (self.middle - self.toward * z))
    }

    pub fn project(&self, p: V3) -> V2 {
        let m = self.magnification(p[2]);
        let (x, y) = (p[0] + self.yaw * p[2], p[1] - self.level);
        let (sin, cos) = self.roll;
        [
            self.centre[0] + m * (x * cos - y * sin),
            self.centre[1] + m * (x * sin + y * cos),
        ]
    }

    /// The point at depth `z` that is projected to `at`.
    pub fn thorax(&self, at: V2, z: f32) -> V2 {
        let m = self.magnification(z);
        let (u, v) = ((at[0] - self.centre[0]) / m, (at[1] - self.centre[1]) / m);
        let (sin, cos) = self.roll;
        [u * cos + v * sin - self.yaw * z, v * cos - u * sin + self.level]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projection_and_its_inverse_agree_and_the_front_is_larger_from_the_front() {
        let grid = Grid {
            rows: 512,
            columns: 512,
            mm: 0.7,
        };
        for view in [View::Pa, View::Ap, View::PortableAp] {
            let pose = Pose::draw(
                &mut Dice::new(1, 0),
                view,
                grid,
                (6.0, [3.0, 0.0]),
                (220.0, 120.0),
            );
            let p = [-40.0, 60.0, 35.0];
            let [x, y] = pose.thorax(pose.project(p), 35.0);
            assert!((x - p[0]).abs() < 0.01 && (y - p[1]).abs() < 0.01);
            let front = pose.magnification(60.0) > pose.magnification(-60.0);
            assert_eq!(front, view != View::Pa);
        }
    }
}
