//! Ribs, cartilage, sternum, clavicles and shoulder blades, as tubes laid over the chest wall. Raised arms: the blades are
//! turned outward.

use super::frame::Frame;
use super::grid::{Grid, Line};
use crate::phantom::shape::{V3, ellipsoid, mix, ramp};

const CORTEX: f32 = 720.0;
const MARROW: f32 = 260.0;
const CARTILAGE: f32 = 105.0;

/// Lays all bones but the spine.
pub fn paint(grid: &mut Grid, frame: &Frame) {
    for rib in 1..=11 {
        for side in [-1.0, 1.0] {
            let (bone, cartilage) = rib_course(frame, rib as f32, side);
            grid.tube(&cartilage, 0.0, CARTILAGE);
            hollow(grid, &bone, 1.4);
        }
    }
    for side in [-1.0, 1.0] {
        for line in shoulder(side) {
            hollow(grid, &placed(frame, &line), 1.6);
        }
    }
    sternum(grid, frame);
}

/// Cortex around marrow.
fn hollow(grid: &mut Grid, line: &[(V3, f32)], cortex: f32) {
    grid.along(line, 1.0, |_, d, mut cell| cell.lay(CORTEX, ramp(d)));
    grid.along(line, 1.0, |_, d, mut cell| cell.lay(MARROW, ramp(d + cortex)));
}

fn placed(frame: &Frame, line: &[(V3, f32)]) -> Line {
    line.iter().map(|(p, r)| (frame.place(*p), *r)).collect()
}

/// A rib from the spine around the side, falling forward, and the cartilage to the sternum.
fn rib_course(frame: &Frame, rib: f32, side: f32) -> (Line, Line) {
    let head = 118.0 - 22.5 * rib;
    let fall = 34.0 + 5.0 * rib;
    let at = |turn: f32| {
        let z = head + 6.0 - fall * (0.5 - 0.5 * (turn * 0.95).cos()) * 1.25;
        let [wide, front, back] = frame.section(z);
        let deep = if turn < std::f32::consts::FRAC_PI_2 {
            back
        } else {
            front
        };
        let out = [(wide + 6.0) * turn.sin(), (deep + 6.0) * -turn.cos()];
        let round = squircle(turn);
        [
            side * out[0] * round,
            -out[1].signum() * (out[1] * round).abs(),
            z,
        ]
    };
    let reach: f32 = if rib > 9.5 { 1.9 } else { 2.45 };
    let mut bone = vec![([side * 24.0, Frame::spine(head) + 10.0, head], 4.0)];
    bone.extend((0..=22).map(|i| (at(mix(0.42, reach, i as f32 / 22.0)), 4.6)));
    let mut cartilage = vec![(at(reach), 5.0)];
    if rib < 9.5 {
        let joint = (34.0 - 17.0 * (rib - 2.0)).max(-78.0);
        let [_, front, _] = frame.section(joint);
        cartilage.push((at(mix(reach, std::f32::consts::PI, 0.5)), 5.0));
        cartilage.push(([side * 14.0, -front - 5.0, joint], 4.5));
    }
    (placed(frame, &bone), placed(frame, &cartilage))
}

/// How far beyond an ellipse the chest wall lies in a direction.
fn squircle(turn: f32) -> f32 {
    let (s, c) = (turn.sin().powi(2), turn.cos().powi(2));
    1.0 / mix(1.0, (s * s + c * c).sqrt().sqrt(), 0.4)
}

fn shoulder(side: f32) -> Vec<Line> {
    let at = |x: f32, y: f32, z: f32| [side * x, y, z];
    let mut lines = vec![
        vec![
            (at(18.0, -62.0, 72.0), 8.0),
            (at(55.0, -52.0, 92.0), 5.5),
            (at(105.0, -18.0, 112.0), 5.5),
            (at(142.0, 14.0, 120.0), 6.0),
        ],
        vec![(at(142.0, 34.0, 116.0), 19.0), (at(150.0, 26.0, 140.0), 17.0)],
        vec![
            (at(84.0, 98.0, 66.0), 3.0),
            (at(116.0, 86.0, 92.0), 5.0),
            (at(138.0, 48.0, 116.0), 6.0),
        ],
    ];
    for i in 0..=9 {
        let t = i as f32 / 9.0;
        let medial = at(mix(104.0, 76.0, t), mix(84.0, 96.0, t), mix(-18.0, 84.0, t));
        let lateral = at(mix(107.0, 132.0, t), mix(81.0, 58.0, t), mix(-18.0, 92.0, t));
        lines.push(vec![(medial, 2.6), (lateral, 3.2)]);
    }
    lines
}

/// The plate before the heart and great vessels.
fn sternum(grid: &mut Grid, frame: &Frame) {
    let [_, high, _] = frame.section(56.0);
    let [_, low, _] = frame.section(-78.0);
    let (top, bottom) = ([0.0, -high - 4.0, 56.0], [0.0, -low - 5.0, -78.0]);
    let (a, b) = (frame.place(top), frame.place(bottom));
    grid.visit(
        [-32.0, b[1].min(a[1]) - 10.0, b[2] - 6.0],
        [32.0, b[1].max(a[1]) + 10.0, a[2] + 6.0],
        |p, mut cell| {
            let t = ((p[2] - b[2]) / (a[2] - b[2])).clamp(0.0, 1.0);
            let wide = if t > 0.66 {
                mix(18.0, 27.0, (t - 0.66) / 0.34)
            } else {
                17.0
            };
            let d = ellipsoid(
                [p[0], p[1], 0.0],
                [0.0, mix(b[1], a[1], t), 0.0],
                [wide, 6.5, 40.0],
            )
            .max((p[2] - a[2]).max(b[2] - p[2]));
            cell.lay(560.0, ramp(d));
            cell.lay(170.0, ramp(d + 1.8));
        },
    );
}
