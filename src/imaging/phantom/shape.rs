//! Small geometry for the phantoms: vectors, signed distances, soft edges and a value-noise field. Knows no anatomy.
//! Lengths are mm; a signed distance is negative inside.

use super::dice::Dice;

pub type V3 = [f32; 3];

pub fn sub(a: V3, b: V3) -> V3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub fn dot(a: V3, b: V3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn length(a: V3) -> f32 {
    dot(a, a).sqrt()
}

pub fn unit(a: V3) -> V3 {
    let n = length(a).max(1e-6);
    [a[0] / n, a[1] / n, a[2] / n]
}

/// Share of a voxel inside a surface at signed distance `d`: an edge one millimetre wide stands for the partial volume.
pub fn ramp(d: f32) -> f32 {
    (0.5 - d).clamp(0.0, 1.0)
}

/// From 0 below `low` to 1 above `high`, smoothly.
pub fn smooth(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

pub fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// Signed distance to an ellipsoid, to first order near its surface.
pub fn ellipsoid(p: V3, centre: V3, radii: V3) -> f32 {
    let d = sub(p, centre);
    let s = [d[0] / radii[0], d[1] / radii[1], d[2] / radii[2]];
    let f = length(s);
    let slope = length([s[0] / radii[0], s[1] / radii[1], s[2] / radii[2]]);
    if slope < 1e-6 {
        return -radii[0].min(radii[1]).min(radii[2]);
    }
    f * (f - 1.0) / slope
}

/// Signed distance to a rod from `a` to `b` whose radius goes from `ra` to `rb`.
pub fn rod(p: V3, (a, ra): (V3, f32), (b, rb): (V3, f32)) -> f32 {
    let (pa, ba) = (sub(p, a), sub(b, a));
    let h = (dot(pa, ba) / dot(ba, ba).max(1e-6)).clamp(0.0, 1.0);
    length([pa[0] - ba[0] * h, pa[1] - ba[1] * h, pa[2] - ba[2] * h]) - mix(ra, rb, h)
}

const SIDE: usize = 16;

/// Smooth random field in −1..1, periodic after 16 units.
pub struct Field(Vec<f32>);

impl Field {
    pub fn new(dice: &mut Dice) -> Self {
        Self((0..SIDE * SIDE * SIDE).map(|_| dice.between(-1.0, 1.0)).collect())
    }

    /// Value at a point given in units of the lattice.
    pub fn at(&self, p: V3) -> f32 {
        let cell = [p[0].floor(), p[1].floor(), p[2].floor()];
        let fade = |i: usize| {
            let t = p[i] - cell[i];
            t * t * (3.0 - 2.0 * t)
        };
        let wrap = |v: f32, step: usize| ((v as i32) as usize).wrapping_add(step) & (SIDE - 1);
        let (x0, x1) = (wrap(cell[0], 0), wrap(cell[0], 1));
        let (y0, y1) = (wrap(cell[1], 0) * SIDE, wrap(cell[1], 1) * SIDE);
        let (z0, z1) = (wrap(cell[2], 0) * SIDE * SIDE, wrap(cell[2], 1) * SIDE * SIDE);
        let (fx, fy, fz) = (fade(0), fade(1), fade(2));
        let line = |offset: usize| mix(self.0[offset + x0], self.0[offset + x1], fx);
        let low = mix(line(z0 + y0), line(z0 + y1), fy);
        let high = mix(line(z1 + y0), line(z1 + y1), fy);
        mix(low, high, fz)
    }

    /// Value at a point in mm for structures about `period` mm apart.
    pub fn mm(&self, p: V3, period: f32) -> f32 {
        let s = 1.0 / period;
        self.at([p[0] * s, p[1] * s, p[2] * s])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_negative_inside_and_grow_outward() {
        let sphere = |x: f32| ellipsoid([x, 0.0, 0.0], [0.0; 3], [10.0; 3]);
        assert!((sphere(13.0) - 3.0).abs() < 1e-3 && (sphere(8.0) + 2.0).abs() < 1e-3);
        let rod_at = |x: f32| rod([x, 3.0, 0.0], ([0.0; 3], 1.0), ([10.0, 0.0, 0.0], 2.0));
        assert!((rod_at(0.0) - 2.0).abs() < 1e-5 && (rod_at(10.0) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_field_is_continuous_and_bounded() {
        let field = Field::new(&mut Dice::new(3, 0));
        for i in -400..400 {
            let (a, b) = (i as f32 * 0.1, i as f32 * 0.1 + 0.001);
            let step = (field.at([a, 0.3, -7.7]) - field.at([b, 0.3, -7.7])).abs();
            assert!(step < 0.01 && field.at([a, a, -a]).abs() <= 1.0);
        }
    }
}
