//! What can be taken for a clot, or hides one: nodes, fluid, dense lung, mucus, unmixed blood, streaks, motion. None marks
//! the mask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::grid::Grid;
use super::spec::Distractors;
use crate::phantom::dice::Dice;
use crate::phantom::shape::{V3, ellipsoid, mix, ramp, smooth};

/// A kind of distractor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distractor {
    PleuralEffusion,
    Consolidation,
    Atelectasis,
    LymphNodes,
    CalcifiedNodes,
    MucusPlug,
    MixingArtefact,
    CavaStreaks,
    Motion,
}

/// Each kind and how often it occurs (design values).
const USUAL: [(Distractor, f32); 9] = [
    (Distractor::PleuralEffusion, 0.22),
    (Distractor::Consolidation, 0.16),
    (Distractor::Atelectasis, 0.4),
    (Distractor::LymphNodes, 0.35),
    (Distractor::CalcifiedNodes, 0.12),
    (Distractor::MucusPlug, 0.12),
    (Distractor::MixingArtefact, 0.2),
    (Distractor::CavaStreaks, 0.6),
    (Distractor::Motion, 0.22),
];

/// Draws which kinds a phantom has.
pub fn draw(distractors: Distractors, dice: &mut Dice) -> Vec<Distractor> {
    let chosen = |(kind, usual): &(Distractor, f32)| dice.chance(distractors.odds(*usual)).then_some(*kind);
    USUAL.iter().filter_map(chosen).collect()
}

/// Air in the lung is below this, HU.
pub const LUNG: i16 = -500;

/// Whether a voxel holds lung, all or in part.
fn airy(frame: &Frame, q: V3, hu: i16) -> bool {
    hu < -160 && frame.pleura(q) < 0.7
}

/// Fluid behind the lung, highest at the wall, with lung that it has pressed together.
pub fn effusion(grid: &mut Grid, frame: &Frame, dice: &mut Dice) {
    let side = dice.sign();
    let level = dice.between(46.0, 84.0);
    let hu = dice.between(4.0, 18.0);
    let rim = dice.between(2.0, 12.0);
    let (low, high) = (frame.place([0.0, 0.0, -180.0]), frame.place([140.0, 120.0, 70.0]));
    let [x0, x1] = if side > 0.0 {
        [0.0, high[0]]
    } else {
        [-high[0], 0.0]
    };
    grid.visit([x0, low[1], low[2]], [x1, high[1], high[2]], |p, mut cell| {
        let q = frame.middle(p);
        if !airy(frame, q, *cell.hu) {
            return;
        }
        let meniscus = 10.0 * smooth(14.0, 0.0, -frame.pleura(q));
        let depth = q[1] - level - 0.3 * (q[2] + 90.0) + meniscus;
        let lung = smooth(-rim, -rim + 2.0, depth) * 0.95;
        cell.lay(78.0, lung);
        cell.lay(hu, ramp(-depth));
    });
}

/// Airless lung in a region, with bronchi still open.
pub fn consolidation(grid: &mut Grid, frame: &Frame, at: V3, dice: &mut Dice) {
    let size = [
        dice.between(16.0, 32.0),
        dice.between(16.0, 32.0),
        dice.between(14.0, 28.0),
    ];
    let hu = dice.between(30.0, 85.0);
    let reach = [0, 1, 2].map(|i| size[i] * 1.5);
    grid.visit(
        [0, 1, 2].map(|i| at[i] - reach[i]),
        [0, 1, 2].map(|i| at[i] + reach[i]),
        |p, mut cell| {
            if airy(frame, frame.middle(p), *cell.hu) {
                let edge =
                    ellipsoid(p, at, size) + 9.0 * frame.form.mm(p, 16.0) + 5.0 * frame.grain.mm(p, 7.0);
                cell.lay(hu, 0.95 * smooth(4.0, -5.0, edge));
            }
        },
    );
}

/// Dense lung along the back where the patient lies on it, and a plate of it above the diaphragm.
pub fn atelectasis(grid: &mut Grid, frame: &Frame, dice: &mut Dice) {
    let thick = dice.between(2.0, 9.0);
    let plate = [
        dice.sign(),
        dice.between(-85.0, -55.0),
        dice.between(-0.4, 0.4),
        dice.between(0.8, 2.2),
    ];
    grid.visit(
        frame.place([-140.0, -60.0, -170.0]),
        frame.place([140.0, 120.0, -10.0]),
        |p, mut cell| {
            let q = frame.middle(p);
            if !airy(frame, q, *cell.hu) {
                return;
            }
            let back = smooth(40.0, 75.0, q[1]) * smooth(-20.0, -70.0, q[2]);
            let deep = -frame.pleura(q) + 4.0 * frame.form.mm(q, 25.0);
            cell.lay(25.0, 0.9 * back * smooth(thick + 2.0, thick - 2.0, deep));
            let off = q[2] - plate[1] - plate[2] * q[1] + 2.0 * frame.form.mm(q, 30.0);
            if q[0] * plate[0] > 40.0 && q[1] > -20.0 {
                cell.lay(
                    10.0,
                    0.8 * ramp(off.abs() - plate[3]) * smooth(40.0, 60.0, q[0].abs()),
                );
            }
        },
    );
}

/// A node beside a vessel, with a core of chalk of some density or without.
pub fn node(grid: &mut Grid, at: V3, chalk: Option<f32>, dice: &mut Dice) {
    let size = [
        dice.between(4.0, 8.0),
        dice.between(4.0, 8.0),
        dice.between(4.5, 9.0),
    ];
    let hu = dice.between(48.0, 88.0);
    grid.visit(
        [0, 1, 2].map(|i| at[i] - 11.0),
        [0, 1, 2].map(|i| at[i] + 11.0),
        |p, mut cell| {
            let d = ellipsoid(p, at, size);
            cell.lay(hu, ramp(d));
            if let Some(chalk) = chalk {
                cell.lay(chalk, ramp(d + 2.0));
            }
        },
    );
}

/// Rays from the dense upper vena cava, in the planes that it crosses.
pub fn streaks(grid: &mut Grid, cava: &[(V3, f32)], strength: f32, dice: &mut Dice) {
    let waves: [(f32, f32); 6] = [0; 6].map(|_| (dice.between(2.0, 11.0).round(), dice.between(0.0, 6.3)));
    let course: Vec<V3> = cava.iter().map(|(p, _)| *p).filter(|p| p[2] < 70.0).collect();
    let (Some(top), Some(bottom)) = (course.first(), course.last()) else {
        return;
    };
    let (top, bottom) = (*top, *bottom);
    grid.visit(
        [bottom[0] - 80.0, -90.0, bottom[2]],
        [top[0].max(bottom[0]) + 90.0, 70.0, top[2]],
        |p, cell| {
            let Some(at) = course
                .iter()
                .min_by(|a, b| (a[2] - p[2]).abs().total_cmp(&(b[2] - p[2]).abs()))
            else {
                return;
            };
            let (x, y) = (p[0] - at[0], p[1] - at[1]);
            let (angle, far) = (y.atan2(x), x.hypot(y));
            let star: f32 = waves
                .iter()
                .map(|(k, phase)| (k * angle + phase + 0.05 * p[2]).cos())
                .sum();
            let shade = strength * star * smooth(4.0, 10.0, far) * (-far / 30.0).exp();
            *cell.hu = (f32::from(*cell.hu) + shade) as i16;
        },
    );
}

/// The heart's beat and breath blur what lies beside and under the heart: the mean over a path, for clot and density alike.
pub fn motion(grid: &mut Grid, frame: &Frame, reach_mm: f32, dice: &mut Dice) {
    let turn = dice.between(0.0, 6.3);
    let (dx, dy) = (turn.cos() * reach_mm, turn.sin() * reach_mm);
    let (low, high) = (
        frame.place([-40.0, -85.0, -150.0]),
        frame.place([125.0, 95.0, -40.0]),
    );
    grid.blur(low, high, |p| {
        let q = frame.middle(p);
        let much = smooth(-45.0, -75.0, q[2])
            * smooth(-30.0, 20.0, q[0])
            * smooth(118.0, 80.0, q[0])
            * mix(0.5, 1.0, smooth(-80.0, -40.0, q[1]));
        [dx * much, dy * much]
    });
}
