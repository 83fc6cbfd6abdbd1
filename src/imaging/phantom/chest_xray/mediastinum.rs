//! Heart, great vessels and trachea: the silhouette between the lungs as the path of a ray through it, mm.

use super::super::dice::Dice;
use super::super::shape::smooth;
use super::anatomy::Anatomy;
use super::plane::{Knot, Plane, V2, round};
use super::pose::Pose;

/// Depth at which the heart and the vessels above it lie, mm in front of the middle.
const HEART_Z: f32 = 30.0;
const TRACHEA_Z: f32 = -15.0;
const SPINE_Z: f32 = -45.0;
/// Where the mediastinum is thicker than this the border of a lung is not seen.
const SILHOUETTE_MM: f32 = 25.0;

/// An ellipse in the frontal plane with a depth.
#[derive(Clone, Copy, Debug)]
struct Ovoid {
    centre: V2,
    radii: V2,
    turn: (f32, f32),
    depth: f32,
}

impl Ovoid {
    fn new(centre: V2, radii: V2, degrees: f32, depth: f32) -> Self {
        Self {
            centre,
            radii,
            turn: degrees.to_radians().sin_cos(),
            depth,
        }
    }

    fn path(&self, [x, y]: V2) -> f32 {
        let (x, y) = (x - self.centre[0], y - self.centre[1]);
        let (sin, cos) = self.turn;
        let u = (x * cos + y * sin) / self.radii[0];
        let v = (y * cos - x * sin) / self.radii[1];
        self.depth * round((u * u + v * v).sqrt())
    }
}

pub struct Mediastinum {
    ovoids: Vec<Ovoid>,
    /// Half width of the upper part, and the height where the heart takes over.
    upper: f32,
    waist: f32,
    scale: f32,
    /// Displacement toward the patient's left.
    shift: f32,
}

impl Mediastinum {
    pub fn draw(dice: &mut Dice, anatomy: &Anatomy, shift: f32) -> Self {
        let (s, h, size) = (anatomy.scale, anatomy.height, anatomy.heart);
        let floor = h * anatomy.domes[1];
        let turn = dice.normal(34.0, 4.0);
        let low = floor - 33.0 * s;
        let [knob, knob_x] = anatomy.knob;
        let ovoids = vec![
            Ovoid::new(
                [24.0 * s, low],
                [63.0 * s * size, 47.0 * s * size],
                turn,
                105.0 * s,
            ),
            Ovoid::new([-12.0 * s, low - 3.0], [33.0 * s * size, 56.0 * s], 8.0, 95.0 * s),
            Ovoid::new(
                [12.0 * s, low - 46.0 * s],
                [34.0 * s * size, 52.0 * s],
                -12.0,
                80.0 * s,
            ),
            Ovoid::new([21.0 * s, 0.37 * h], [19.0 * s, 20.0 * s], 0.0, 42.0),
            Ovoid::new([knob_x, 0.235 * h], [knob, knob * 1.05], 0.0, 2.2 * knob),
            Ovoid::new([-8.0, 0.33 * h], [24.0 * s, 55.0 * s], 0.0, 55.0),
        ];
        Self {
            ovoids,
            upper: dice.between(23.0, 29.0) * s,
            waist: 0.5 * h,
            scale: s,
            shift,
        }
    }

    /// Sideways displacement at a height.
    fn displaced(&self, y: f32) -> f32 {
        self.shift * (0.35 + 0.65 * smooth(-40.0, 70.0, y))
    }

    /// Path through heart, vessels and what lies between them, for a point of the heart's plane.
    fn path(&self, [x, y]: V2) -> f32 {
        let x = x - self.displaced(y);
        let heart = self.ovoids.iter().map(|o| o.path([x, y])).fold(0.0, f32::max);
        heart.max(self.upper_path(x, y)).max(self.aorta(x, y))
    }

    fn upper_path(&self, x: f32, y: f32) -> f32 {
        let flare = 1.0 + 0.35 * (1.0 - smooth(-60.0, 40.0, y));
        let fade = 1.0 - smooth(self.waist, self.waist + 60.0, y) * 0.6;
        70.0 * self.scale * fade * round((x + 2.0) / (self.upper * flare))
    }

    /// The descending aorta, from the arch to behind the diaphragm.
    fn aorta(&self, x: f32, y: f32) -> f32 {
        let middle = self.scale * (19.0 - 12.0 * smooth(self.waist, 2.2 * self.waist, y));
        let starts = smooth(0.45, 0.6, y / self.waist);
        26.0 * self.scale * starts * round((x - middle) / (12.0 * self.scale))
    }

    /// The same for a point of the image, and past the spine, where no lung reaches.
    pub fn seen(&self, pose: &Pose, at: V2) -> f32 {
        let [behind, _] = pose.thorax(at, SPINE_Z);
        let spine = 140.0 * self.scale * (1.0 - smooth(0.0, 46.0, behind.abs() / self.scale));
        self.path(pose.thorax(at, HEART_Z)).max(spine)
    }

    /// Whether mediastinum or spine hide the border of a lung at a point of the image.
    pub fn covers(&self, pose: &Pose, at: V2) -> bool {
        let [behind, _] = pose.thorax(at, SPINE_Z);
        behind.abs() < 12.0 * self.scale || self.path(pose.thorax(at, HEART_Z)) > SILHOUETTE_MM
    }

    /// Takes the air of trachea and main bronchi off.
    pub fn lay(&self, soft: &mut Plane, pose: &Pose, height: f32) {
        let tube = |points: &[[f32; 3]], depth_share: f32| -> Vec<Knot> {
            let knot = |[x, y, r]: [f32; 3]| Knot {
                at: pose.project([x + self.displaced(y), y, TRACHEA_Z]),
                radius: r * pose.magnification(TRACHEA_Z),
                depth: 2.0 * r * depth_share,
            };
            points.iter().map(|p| knot(*p)).collect()
        };
        let carina = 0.31 * height;
        let s = self.scale;
        let trachea = [
            [0.0, -110.0, 8.5 * s],
            [2.0, 0.0, 8.5 * s],
            [1.0, carina, 8.0 * s],
        ];
        let right = [
            [0.0, carina - 3.0, 6.5 * s],
            [-32.0 * s, carina + 26.0 * s, 5.5 * s],
        ];
        let left = [
            [2.0, carina - 3.0, 6.0 * s],
            [40.0 * s, carina + 30.0 * s, 4.5 * s],
        ];
        soft.tube(&tube(&trachea, 1.0), -1.0, round);
        soft.tube(&tube(&right, 0.8), -1.0, round);
        soft.tube(&tube(&left, 0.7), -1.0, round);
    }
}
