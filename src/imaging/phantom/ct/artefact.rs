//! What goes wrong in a CT: streaks between dense bones, rays from metal, and the table or headrest in the picture. Added to
//! a slice before noise; never changes the mask.

use super::super::dice::Dice;
use super::super::shape::{V3, length};

/// Artefacts of one phantom; coordinates are the body's.
pub struct Artefacts {
    pub streaks: Option<Streaks>,
    pub rays: Option<Rays>,
    pub support: Option<Support>,
}

/// A dark band with waves beside it, across the body between two dense places.
pub struct Streaks {
    /// Middle between the dense places, and how far to each side the streaks reach, mm.
    pub at: V3,
    pub reach: f32,
    pub strength: f32,
    pub phase: f32,
}

/// A star around metal.
pub struct Rays {
    at: V3,
    strength: f32,
    /// Wave numbers and phases of the star.
    waves: [(f32, f32); 5],
}

/// The shell of a headrest or table under the body: the lower half of a tube along z.
pub struct Support {
    pub centre: [f32; 2],
    pub radius: f32,
    pub hu: f32,
}

impl Artefacts {
    /// Adds to one slice whose first voxel and steps are given in the body's coordinates.
    pub fn add(&self, image: &mut [f32], (start, column, row): (V3, V3, V3), columns: usize) {
        for (i, v) in image.iter_mut().enumerate() {
            let (r, c) = ((i / columns) as f32, (i % columns) as f32);
            let p = [0, 1, 2].map(|k| start[k] + column[k] * c + row[k] * r);
            if *v > -300.0 {
                *v += self.streaks.as_ref().map_or(0.0, |s| s.at(p))
                    + self.rays.as_ref().map_or(0.0, |r| r.at(p));
            } else if let Some(rest) = &self.support {
                *v += rest.at(p);
            }
        }
    }
}

impl Streaks {
    fn at(&self, p: V3) -> f32 {
        let level = (-((p[2] - self.at[2]) / 9.0).powi(2)).exp();
        let across = p[0] - self.at[0];
        if level < 0.02 || across.abs() > self.reach {
            return 0.0;
        }
        let off = p[1] - self.at[1] - 0.05 * across;
        let dark = -(-(off / 4.0).powi(2)).exp();
        let waves = 0.6 * (off / 2.3 + self.phase).cos() * (-(off / 16.0).powi(2)).exp();
        self.strength * level * (dark + waves) * (1.0 - (across / self.reach).powi(2))
    }
}

impl Rays {
    /// Of a part at `at` with a radius of `size` mm.
    pub fn draw(dice: &mut Dice, at: V3, size: f32) -> Self {
        Self {
            at,
            strength: 18.0 * size,
            waves: [0; 5].map(|_| (dice.between(2.0, 14.0).round(), dice.between(0.0, 6.3))),
        }
    }

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

impl Support {
    fn at(&self, p: V3) -> f32 {
        let d = [p[0] - self.centre[0], p[1] - self.centre[1], 0.0];
        if d[1] < 0.0 {
            return 0.0;
        }
        let off = (length(d) - self.radius).abs();
        if off < 1.2 { 1000.0 + self.hu } else { 0.0 }
    }
}
