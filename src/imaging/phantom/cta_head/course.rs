//! The course of a vessel: a centre line with radii, as a smooth curve through a few points. Knows no anatomy. Lengths: mm.

use super::super::dice::Dice;
use super::super::shape::{V3, length, mix, sub};

/// Distance of nodes along a course, mm.
const STEP: f32 = 0.6;

/// A place on a centre line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    pub at: V3,
    pub radius: f32,
    /// Distance from the beginning along the course.
    pub along: f32,
}

/// A Catmull-Rom curve through `points`, whose radius goes evenly from the first of `radii` to the second.
pub fn course(points: &[V3], radii: (f32, f32)) -> Vec<Node> {
    let at = |i: isize| points[i.clamp(0, points.len() as isize - 1) as usize];
    let mut nodes = Vec::new();
    let mut along = 0.0;
    for i in 0..points.len() as isize - 1 {
        let through = [at(i - 1), at(i), at(i + 1), at(i + 2)];
        let steps = (length(sub(through[2], through[1])) / STEP).ceil().max(1.0) as usize;
        for n in 0..steps {
            push(&mut nodes, &mut along, between(through, n as f32 / steps as f32));
        }
    }
    push(&mut nodes, &mut along, at(isize::MAX));
    for node in &mut nodes {
        node.radius = mix(radii.0, radii.1, node.along / along.max(1e-3));
    }
    nodes
}

fn push(nodes: &mut Vec<Node>, along: &mut f32, at: V3) {
    *along += nodes.last().map_or(0.0, |n| length(sub(at, n.at)));
    nodes.push(Node {
        at,
        radius: 0.0,
        along: *along,
    });
}

fn between([a, b, c, d]: [V3; 4], t: f32) -> V3 {
    [0, 1, 2].map(|k| {
        let (p, q) = (c[k] - a[k], d[k] - b[k]);
        let cubic = 2.0 * (b[k] - c[k]) + 0.5 * (p + q);
        let square = 3.0 * (c[k] - b[k]) - p - 0.5 * q;
        ((cubic * t + square) * t + 0.5 * p) * t + b[k]
    })
}

/// Moves what lies between the ends by a normal deviate of `mm`, so that no two courses are alike.
pub fn wobbled(dice: &mut Dice, points: &[V3], mm: f32) -> Vec<V3> {
    let last = points.len() - 1;
    let moved = |(i, p): (usize, &V3)| {
        let by = [0; 3].map(|_| dice.normal(0.0, mm));
        if i == 0 || i == last {
            *p
        } else {
            [p[0] + by[0], p[1] + by[1], p[2] + by[2]]
        }
    };
    points.iter().enumerate().map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_goes_through_its_points_in_small_steps_and_thins_out() {
        let points = [
            [0.0, 0.0, 0.0],
            [10.0, 2.0, 0.0],
            [18.0, 9.0, 4.0],
            [20.0, 20.0, 4.0],
        ];
        let nodes = course(&points, (2.0, 1.0));
        for p in points {
            assert!(nodes.iter().any(|n| length(sub(n.at, p)) < 1e-3), "{p:?}");
        }
        assert!(nodes.windows(2).all(|w| length(sub(w[1].at, w[0].at)) < 1.0));
        assert!((nodes[0].radius - 2.0).abs() < 1e-6);
        assert!(
            nodes
                .last()
                .is_some_and(|n| (n.radius - 1.0).abs() < 1e-4 && n.along > 30.0)
        );
    }
}
