//! What distractors are drawn into: the maps of one image, and where things lie in it.

use super::super::shape::V3;
use super::anatomy::Anatomy;
use super::exposure::Maps;
use super::lungs::Lungs;
use super::plane::{Knot, V2, round};

pub struct Scene<'a> {
    pub maps: &'a mut Maps,
    pub lungs: &'a Lungs<'a>,
    pub anatomy: &'a Anatomy,
}

/// A material that is laid on.
#[derive(Clone, Copy, Debug)]
pub enum Stuff {
    Tissue,
    Bone,
    Metal,
}

impl Scene<'_> {
    /// A round tube through points of the thorax; `depth` is the path through its middle, mm.
    pub fn tube(&mut self, stuff: Stuff, points: &[V3], radius: f32, depth: f32) {
        let pose = self.lungs.pose;
        let knot = |p: &V3| Knot {
            at: pose.project(*p),
            radius: radius * pose.magnification(p[2]),
            depth,
        };
        let knots: Vec<Knot> = points.iter().map(knot).collect();
        self.plane(stuff).tube(&knots, 1.0, round);
    }

    /// A flat plate of `depth` mm between corners in the thorax.
    pub fn plate(&mut self, stuff: Stuff, corners: &[V3], depth: f32) {
        let corners: Vec<V2> = corners.iter().map(|p| self.lungs.pose.project(*p)).collect();
        self.plane(stuff).polygon(&corners, depth, 1.0);
    }

    /// A round shadow; `path` gives mm at 0..1 radii from its middle.
    pub fn disc(&mut self, stuff: Stuff, centre: V3, radius: f32, path: impl Fn(f32) -> f32) {
        let at = self.lungs.pose.project(centre);
        let radius = radius * self.lungs.pose.magnification(centre[2]);
        self.plane(stuff).spot(at, radius, |d| {
            let q = d[0].hypot(d[1]) / radius;
            if q < 1.0 { path(q) } else { 0.0 }
        });
    }

    fn plane(&mut self, stuff: Stuff) -> &mut super::plane::Plane {
        match stuff {
            Stuff::Tissue => &mut self.maps.tissue,
            Stuff::Bone => &mut self.maps.bone,
            Stuff::Metal => &mut self.maps.metal,
        }
    }
}

/// Points of a smooth curve through the given ones (Catmull-Rom).
pub fn curve(through: &[V3]) -> Vec<V3> {
    const STEPS: usize = 10;
    let last = through.len().saturating_sub(1);
    let at = |i: isize| through[i.clamp(0, last as isize) as usize];
    let mut points = Vec::with_capacity(last * STEPS + 1);
    for i in 0..last as isize {
        let (a, b, c, d) = (at(i - 1), at(i), at(i + 1), at(i + 2));
        for k in 0..STEPS {
            let t = k as f32 / STEPS as f32;
            points.push([0, 1, 2].map(|n| {
                let (linear, square) = (c[n] - a[n], 2.0 * a[n] - 5.0 * b[n] + 4.0 * c[n] - d[n]);
                let cube = 3.0 * (b[n] - c[n]) + d[n] - a[n];
                b[n] + 0.5 * t * (linear + t * (square + t * cube))
            }));
        }
    }
    points.extend(through.last());
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_passes_through_its_points() {
        let through = [[0.0, 0.0, 0.0], [10.0, 5.0, 0.0], [20.0, -5.0, 3.0]];
        let points = curve(&through);
        assert_eq!(points.len(), 21);
        assert_eq!(
            (points[0], points[10], points[20]),
            (through[0], through[1], through[2])
        );
    }
}
