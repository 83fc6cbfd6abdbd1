//! The measures of one thorax, drawn from the seed, and the surfaces that follow from them: skin, pleura, spine, domes of the
//! diaphragm, fissures. Coordinates are the body's own, mm from the carina: x to the left, y to the back, z up. The
//! figures are design values for an adult on the back with the arms raised.

use crate::phantom::dice::Dice;
use crate::phantom::shape::{Field, V3, mix, smooth};

/// Measures of one thorax.
pub struct Frame {
    /// Scale of the anatomy along x, y, z against the middle person.
    pub size: V3,
    /// Half width of the pleural cavities, and their depth before and behind the carina.
    wide: f32,
    front: f32,
    back: f32,
    apex: f32,
    /// Fat under the skin.
    pub fat: f32,
    /// Tops of the right and left dome of the diaphragm.
    domes: [f32; 2],
    pub breasts: f32,
    pub form: Field,
    pub grain: Field,
}

/// Root of a sum of powers between an ellipse and a box.
fn rounded(x: f32, y: f32) -> f32 {
    let (xx, yy) = (x * x, y * y);
    let soft = (xx + yy).sqrt();
    mix(soft, (xx * xx + yy * yy).sqrt().sqrt(), 0.4)
}

impl Frame {
    pub fn draw(dice: &mut Dice) -> Self {
        let size = dice.normal(1.0, 0.04).clamp(0.92, 1.08);
        let mut near = |mean: f32| mean * size * dice.normal(1.0, 0.02);
        let size = [near(1.0), near(1.0), near(1.0)];
        let full = dice.between(-110.0, -92.0);
        Self {
            size,
            wide: dice.between(124.0, 134.0),
            front: dice.between(84.0, 96.0),
            back: dice.between(88.0, 98.0),
            apex: dice.between(100.0, 112.0),
            fat: dice.log_between(5.0, 24.0),
            domes: [full, full - dice.between(2.0, 10.0)],
            breasts: if dice.chance(0.5) {
                dice.between(8.0, 26.0)
            } else {
                0.0
            },
            form: Field::new(dice),
            grain: Field::new(dice),
        }
    }

    /// A point of the middle person in this one.
    pub fn place(&self, p: V3) -> V3 {
        [0, 1, 2].map(|i| p[i] * self.size[i])
    }

    /// The point of the middle person that lies at `p` in this one.
    pub fn middle(&self, p: V3) -> V3 {
        [0, 1, 2].map(|i| p[i] / self.size[i])
    }

    /// Middle of the vertebral bodies at a height.
    pub fn spine(z: f32) -> f32 {
        72.0 - 0.0014 * (z + 30.0) * (z + 30.0)
    }

    fn taper(&self, z: f32) -> f32 {
        let t = ((z + 60.0) / (self.apex + 60.0)).clamp(0.0, 1.0);
        (1.0 - t * t).sqrt().max(0.05)
    }

    /// Half width, depth before and depth behind at a height: of the ribs' inner side, whose back follows the spine.
    pub fn section(&self, z: f32) -> [f32; 3] {
        let taper = self.taper(z);
        let lean = Self::spine(z) - 72.0;
        let front = self.front * mix(0.35, 1.0, taper) - 0.12 * (z + 40.0).max(0.0);
        [
            self.wide * mix(0.2, 1.0, taper),
            front.max(20.0),
            (self.back + lean) * mix(0.55, 1.0, taper),
        ]
    }

    /// Distance to the parietal pleura of the chest wall; negative inside.
    pub fn pleura(&self, q: V3) -> f32 {
        let [wide, front, back] = self.section(q[2]);
        let deep = if q[1] < 0.0 { front } else { back };
        let wall = (rounded(q[0] / wide, q[1] / deep) - 1.0) * mix(deep, wide, (q[0] / wide).abs().min(1.0));
        let spine = [q[0], q[1] - Self::spine(q[2]) - 12.0];
        let column = 27.0 - (spine[0] * spine[0] * 0.8 + spine[1] * spine[1]).sqrt();
        let over = (q[2] - self.apex) * 0.8;
        wall.max(column).max(over)
    }

    /// Distance to the skin; negative inside.
    pub fn skin(&self, q: V3) -> f32 {
        let shoulder = smooth(30.0, 110.0, q[2]);
        let wide = 147.0 + 12.0 * shoulder + 0.9 * self.fat;
        let slope = smooth(40.0, 120.0, q[2]);
        let front = self.front + 16.0 - 32.0 * slope + self.fat;
        let back = self.back + 26.0 - 10.0 * slope + 0.7 * self.fat;
        let deep = if q[1] < 0.0 { front } else { back };
        let trunk = (rounded(q[0] / wide, q[1] / deep) - 1.0) * mix(deep, wide, (q[0] / wide).abs().min(1.0));
        trunk - self.breast(q)
    }

    /// How far a breast lifts the skin at a point.
    pub fn breast(&self, q: V3) -> f32 {
        if self.breasts == 0.0 || q[1] > -20.0 {
            return 0.0;
        }
        let d = [(q[0].abs() - 78.0) / 48.0, (q[2] + 60.0) / 48.0];
        self.breasts * (-(d[0] * d[0] + d[1] * d[1])).exp()
    }

    /// Height of the diaphragm under a point.
    pub fn diaphragm(&self, q: V3) -> f32 {
        let dome = |x: f32, top: f32| {
            let d = [(q[0] - x) / 62.0, (q[1] + 2.0) / 72.0];
            top - 30.0 * (d[0] * d[0] + d[1] * d[1])
        };
        let [right, left] = [dome(-64.0, self.domes[0]), dome(64.0, self.domes[1])];
        let middle = self.domes[1] - 3.0 - 8.0 * ((q[1] + 10.0) / 70.0).powi(2);
        let floor = middle - 1.2 * (q[0].abs() - 38.0).max(0.0);
        right.max(left).max(floor)
    }

    /// Half width of the mediastinum's fat where no organ widens it.
    pub fn mediastinum(q: V3) -> f32 {
        let retrosternal = 16.0 * smooth(-62.0, -86.0, q[1]);
        let inlet = 17.0 * smooth(25.0, 85.0, q[2]) * smooth(-80.0, -30.0, q[1]);
        let middle = 8.0 * smooth(-50.0, -10.0, q[1]);
        3.5 + retrosternal + inlet + middle
    }
}

/// A lobe of a lung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lobe {
    Upper,
    Middle,
    Lower,
}

/// Distances above the oblique and the horizontal fissure, mm.
fn above(form: &Field, q: V3) -> [f32; 2] {
    let bow = 7.0 * form.mm(q, 70.0);
    let steep = if q[0] > 0.0 { 1.1 } else { 1.0 };
    let arch = 0.16 * (q[0].abs() - 70.0);
    let oblique = (q[2] + 48.0 - steep * q[1] + bow + arch) * 0.7;
    [oblique, q[2] + 40.0 + bow - arch]
}

/// The lobe at a point of the middle person; the left lung has no middle lobe.
pub fn lobe(form: &Field, q: V3) -> Lobe {
    let [oblique, horizontal] = above(form, q);
    match (oblique > 0.0, horizontal > 0.0, q[0] < 0.0) {
        (false, _, _) => Lobe::Lower,
        (true, false, true) => Lobe::Middle,
        (true, _, _) => Lobe::Upper,
    }
}

/// Distance to the nearest fissure, mm.
pub fn fissure(form: &Field, q: V3) -> f32 {
    let [oblique, horizontal] = above(form, q);
    if q[0] < 0.0 && oblique > 0.0 {
        oblique.min(horizontal.abs())
    } else {
        oblique.abs()
    }
}
