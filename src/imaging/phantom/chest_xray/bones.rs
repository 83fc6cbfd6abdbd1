//! Spine, clavicles, shoulder blades, upper arms: all bones but the ribs, as mm of compact bone.

use super::super::shape::V3;
use super::anatomy::Anatomy;
use super::body::Body;
use super::finding::ChestSide;
use super::plane::{Knot, Plane, V2, round};
use super::pose::Pose;
use super::ribs::{cortex, head, pitch};

/// Where the shoulder blades lie and how the shoulders are held.
#[derive(Clone, Copy, Debug)]
pub struct Shoulders {
    /// How far the shoulder blades reach over the lungs, mm toward the midline.
    pub inward: f32,
    /// How far the clavicles are raised, mm.
    pub raised: f32,
}

struct Pen<'a> {
    bone: &'a mut Plane,
    pose: &'a Pose,
}

impl Pen<'_> {
    /// A tube through points with radii; `depth` mm of bone in its middle for each mm of radius.
    fn tube(&mut self, points: &[(V3, f32)], depth: f32, profile: impl Fn(f32) -> f32) {
        let knots: Vec<Knot> = points
            .iter()
            .map(|(p, radius)| Knot {
                at: self.pose.project(*p),
                radius: radius * self.pose.magnification(p[2]),
                depth: depth * radius,
            })
            .collect();
        self.bone.tube(&knots, 1.0, profile);
    }

    fn plate(&mut self, corners: &[V3], depth: f32, soft: f32) {
        let corners: Vec<V2> = corners.iter().map(|p| self.pose.project(*p)).collect();
        self.bone.polygon(&corners, depth, soft);
    }
}

/// Adds the bones.
pub fn lay(bone: &mut Plane, anatomy: &Anatomy, body: &Body, pose: &Pose, shoulders: Shoulders) {
    let mut pen = Pen { bone, pose };
    for level in 0..20 {
        vertebra(&mut pen, anatomy, level as f32 - 4.0);
    }
    for side in ChestSide::BOTH {
        clavicle(&mut pen, anatomy, side.sign(), shoulders.raised);
        shoulder_blade(&mut pen, anatomy, side.sign(), shoulders.inward);
        upper_arm(&mut pen, anatomy, body, side);
    }
    sternum(&mut pen, anatomy);
}

/// One vertebra; `n` counts downward from the first with a rib.
fn vertebra(pen: &mut Pen, a: &Anatomy, n: f32) {
    const Z: f32 = -45.0;
    let height = pitch(a) * (0.93 + 0.012 * n);
    let y = head(a, 1) + 8.0 + n * height + 0.3 * n * n * 0.1;
    let half = a.scale * (14.5 + 0.55 * n.max(-2.0));
    let bend = |y: f32| a.scoliosis * (y / a.height * 3.0).sin();
    let x = bend(y);
    let (top, bottom) = (y - 0.38 * height, y + 0.38 * height);
    let waist = 0.9 * half;
    pen.plate(
        &[
            [x - half, top, Z],
            [x + half, top, Z],
            [x + waist, y, Z],
            [x + half, bottom, Z],
            [x - half, bottom, Z],
            [x - waist, y, Z],
        ],
        4.2,
        2.2,
    );
    for level in [top, bottom] {
        pen.tube(
            &[([x - half, level, Z], 1.1), ([x + half, level, Z], 1.1)],
            2.2,
            round,
        );
    }
    for sign in [-1.0, 1.0] {
        let px = x + sign * 0.62 * half;
        let eye = [[0.0, -4.5], [2.6, 0.0], [0.0, 4.5], [-2.6, 0.0], [0.0, -4.5]];
        let ring: Vec<(V3, f32)> = eye
            .map(|[dx, dy]| ([px + dx * a.scale, y - 2.0 + dy * a.scale, Z - 20.0], 1.0))
            .to_vec();
        pen.tube(&ring, 2.2, round);
        let wing = x + sign * half;
        pen.tube(
            &[
                ([wing - sign * 4.0, y - 2.0, Z - 25.0], 4.0),
                ([wing + sign * 13.0, y - 5.0, Z - 30.0], 3.0),
            ],
            0.8,
            cortex,
        );
    }
    pen.tube(
        &[
            ([x, y + 2.0, Z - 35.0], 1.8),
            ([x, y + 0.55 * height, Z - 45.0], 2.6),
        ],
        1.5,
        cortex,
    );
}

fn clavicle(pen: &mut Pen, a: &Anatomy, sign: f32, raised: f32) {
    let s = a.scale;
    let point = |x: f32, y: f32, z: f32, r: f32| ([sign * x * s, y - raised, z], r * s);
    pen.tube(
        &[
            point(17.0, 44.0, 62.0, 7.0),
            point(26.0, 39.0, 62.0, 7.4),
            point(48.0, 31.0, 60.0, 5.8),
            point(72.0, 25.0, 52.0, 5.4),
            point(98.0, 17.0, 34.0, 5.2),
            point(122.0, 8.0, 14.0, 5.6),
            point(146.0, 3.0, 2.0, 6.6),
            point(160.0, 2.0, 2.0, 6.4),
        ],
        1.4,
        cortex,
    );
}

fn shoulder_blade(pen: &mut Pen, a: &Anatomy, sign: f32, inward: f32) {
    let s = a.scale;
    let p = |x: f32, y: f32| [sign * (x * s - inward), y * s, -70.0];
    let (upper, lower, neck, spine) = (p(112.0, 6.0), p(140.0, 168.0), p(158.0, 44.0), p(118.0, 44.0));
    pen.plate(
        &[upper, p(140.0, 4.0), neck, lower, p(118.0, 90.0), spine],
        1.3,
        5.0,
    );
    let line = |pen: &mut Pen, points: &[V3], radius: f32, depth: f32| {
        let path: Vec<(V3, f32)> = points.iter().map(|p| (*p, radius * s)).collect();
        pen.tube(&path, depth, cortex);
    };
    line(
        pen,
        &[upper, spine, p(119.0, 90.0), p(128.0, 140.0), lower],
        1.4,
        1.5,
    );
    line(pen, &[lower, p(146.0, 130.0), p(150.0, 90.0), neck], 3.2, 0.9);
    let acromion = p(172.0, 2.0);
    line(pen, &[spine, p(140.0, 22.0), acromion], 3.6, 1.3);
    line(pen, &[p(148.0, 30.0), p(150.0, 22.0), p(158.0, 24.0)], 5.5, 1.5);
    line(pen, &[p(160.0, 26.0), p(158.0, 40.0), p(163.0, 56.0)], 3.2, 2.0);
}

fn upper_arm(pen: &mut Pen, a: &Anatomy, body: &Body, side: ChestSide) {
    let arm = body.arm(side);
    let s = a.scale;
    let head = [arm.shoulder[0] + side.sign() * 6.0, arm.shoulder[1] - 6.0, -20.0];
    let elbow = [arm.elbow[0], arm.elbow[1], -20.0];
    let at = |t: f32| {
        [
            head[0] + (elbow[0] - head[0]) * t,
            head[1] + (elbow[1] - head[1]) * t,
            -20.0,
        ]
    };
    let shaft = [
        (at(0.02), 17.0 * s),
        (at(0.14), 13.0 * s),
        (at(0.3), 10.5 * s),
        (at(1.0), 10.5 * s),
    ];
    pen.tube(&shaft, 0.75, cortex);
    pen.tube(&[(head, 23.0 * s), (at(0.03), 22.0 * s)], 0.36, round);
}

fn sternum(pen: &mut Pen, a: &Anatomy) {
    let s = a.scale;
    let p = |x: f32, y: f32| [x * s, y * s, 75.0];
    pen.plate(
        &[
            p(-26.0, 38.0),
            p(26.0, 38.0),
            p(17.0, 72.0),
            p(15.0, 170.0),
            p(-15.0, 170.0),
            p(-17.0, 72.0),
        ],
        0.7,
        6.0,
    );
}
