//! The twelve pairs of ribs: tilted hoops of flat bone from the spine round to the front.

use super::super::shape::{mix, smooth};
use super::anatomy::Anatomy;
use super::finding::ChestSide;
use super::plane::{Knot, Plane};
use super::pose::Pose;

/// Steps along a rib.
const STEPS: usize = 110;

/// Distance of two vertebrae for a lung of the given height, mm.
pub fn pitch(anatomy: &Anatomy) -> f32 {
    23.0 * anatomy.scale
}

/// Height of the head of a rib; 1 is the first.
pub fn head(anatomy: &Anatomy, rib: usize) -> f32 {
    1.0 + pitch(anatomy) * (rib as f32 - 1.0) * 0.96
}

/// Cortex around marrow: the borders of the bone are its brightest part.
pub fn cortex(q: f32) -> f32 {
    let hollow = (0.62 - q * q).max(0.0).sqrt();
    (1.0 - q * q).max(0.0).sqrt() - 0.66 * hollow
}

/// Adds all ribs to the bone.
pub fn lay(bone: &mut Plane, anatomy: &Anatomy, pose: &Pose) {
    for side in ChestSide::BOTH {
        for rib in 1..=12 {
            bone.tube(&path(anatomy, pose, side, rib), anatomy.rib_density, cortex);
        }
    }
}

fn path(anatomy: &Anatomy, pose: &Pose, side: ChestSide, rib: usize) -> Vec<Knot> {
    let n = rib as f32;
    let end: f32 = match rib {
        1 => 150.0,
        2..=7 => 150.0 - 2.0 * n,
        8..=10 => 178.0 - 6.5 * n,
        11 => 75.0,
        _ => 48.0,
    };
    let start = head(anatomy, rib);
    let drop = anatomy.rib_slope * anatomy.scale * (34.0 + 13.0 * (n - 1.0)).min(118.0);
    let chest = anatomy.hemithorax(side, 0.0);
    let side_level = (start + drop * if rib == 1 { 0.1 } else { 0.5 }).max(6.0);
    let wide = chest.outer(side_level).unwrap_or(chest.width) + 1.5;
    let deep = 0.5 * anatomy.depth * (0.62 + 0.06 * n).min(1.0) + 8.0;
    let points: Vec<[f32; 3]> = (0..=STEPS)
        .map(|i| {
            let angle = mix(8.0, end, i as f32 / STEPS as f32).to_radians();
            let (sin, cos) = angle.sin_cos();
            [
                side.sign() * wide * sin.powf(0.9),
                start + drop * (1.0 - cos) / 2.0 - 7.0 * (2.0 * angle).sin().max(0.0),
                -deep * cos,
            ]
        })
        .collect();
    knots(&points, pose, anatomy.scale, rib)
}

/// A ray that runs along the bone meets more of it.
fn knots(points: &[[f32; 3]], pose: &Pose, scale: f32, rib: usize) -> Vec<Knot> {
    let half = scale * if rib == 1 { 6.6 } else { 5.8 };
    (0..points.len())
        .map(|i| {
            let (a, b) = (points[i.saturating_sub(1)], points[(i + 1).min(points.len() - 1)]);
            let d = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
            let seen = d[0].hypot(d[1]);
            let along = (seen.hypot(d[2]) / seen.max(0.1)).min(2.6);
            let front = i as f32 / points.len() as f32;
            Knot {
                at: pose.project(points[i]),
                radius: half * (1.0 - 0.12 * front) * pose.magnification(points[i][2]),
                depth: scale * mix(5.2, 2.8, front) * along * smooth(0.0, 0.09, front + 0.02),
            }
        })
        .collect()
}
