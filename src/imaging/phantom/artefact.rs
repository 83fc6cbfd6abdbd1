//! What goes wrong in a head CT: streaks between the petrous bones, rays from metal, and the headrest in the picture.
//! Added to a slice before noise; never changes the mask.

use super::dice::Dice;
use super::shape::{V3, length};

/// Artefacts of one phantom.
pub struct Artefacts {
    /// Strength of the petrous streaks, HU.
    petrous: f32,
    phase: f32,
    metal: Option<Rays>,
    headrest: Option<Headrest>,
}

struct Rays {
    at: V3,
    strength: f32,
    /// Wave numbers and phases of the star.
    waves: [(f32, f32); 5],
}

struct Headrest {
    centre: [f32; 2],
    radius: f32,
    hu: f32,
}

impl Artefacts {
    pub fn draw(dice: &mut Dice, metal: Option<(V3, f32)>) -> Self {
        Self {
            petrous: dice.between(0.0, 16.0),
            phase: dice.between(0.0, 6.3),
            metal: metal.map(|(at, size)| Rays {
                at,
                strength: 18.0 * size,
                waves: [0; 5].map(|_| (dice.between(2.0, 14.0).round(), dice.between(0.0, 6.3))),
            }),
            headrest: dice.chance(0.7).then(|| Headrest {
                centre: [dice.between(-8.0, 8.0), dice.between(-15.0, 5.0)],
                radius: dice.between(112.0, 122.0),
                hu: dice.between(-500.0, 200.0),
            }),
        }
    }

    /// Adds to one slice whose first voxel and steps are given in the head's coordinates.
    pub fn add(&self, image: &mut [f32], (start, column, row): (V3, V3, V3), columns: usize) {
        for (i, v) in image.iter_mut().enumerate() {
            let (r, c) = ((i / columns) as f32, (i % columns) as f32);
            let p = [0, 1, 2].map(|k| start[k] + column[k] * c + row[k] * r);
            if *v > -300.0 {
                *v += self.streak(p) + self.metal.as_ref().map_or(0.0, |m| m.at(p));
            } else if let Some(rest) = &self.headrest {
                *v += rest.at(p);
            }
        }
    }

    fn streak(&self, p: V3) -> f32 {
        let level = (-((p[2] + 34.0) / 9.0).powi(2)).exp();
        if level < 0.02 || p[0].abs() > 62.0 {
            return 0.0;
        }
        let off = p[1] - 12.0 - 0.05 * p[0];
        let dark = -(-(off / 4.0).powi(2)).exp();
        let waves = 0.6 * (off / 2.3 + self.phase).cos() * (-(off / 16.0).powi(2)).exp();
        self.petrous * level * (dark + waves) * (1.0 - (p[0] / 62.0).powi(2))
    }
}

impl Rays {
    fn at(&self, p: V3) -> f32 {
        let d = [p[0] - self.at[0], p[1] - self.at[1], 0.0];
        let level = (-((p[2] - self.at[2]) / 3.5).powi(2)).exp();
        if level < 0.02 {
            return 0.0;
        }
        let angle = d[1].atan2(d[0]);
        let star: f32 = self
            .waves
            .iter()
            .map(|(k, phase)| (k * angle + phase).cos())
            .sum();
        self.strength * level * star * (-length(d) / 35.0).exp()
    }
}

impl Headrest {
    fn at(&self, p: V3) -> f32 {
        let d = [p[0] - self.centre[0], p[1] - self.centre[1], 0.0];
        if d[1] < 0.0 {
            return 0.0;
        }
        let off = (length(d) - self.radius).abs();
        if off < 1.2 { 1000.0 + self.hu } else { 0.0 }
    }
}
