//! The great vessels, the windpipe and the gullet as tubes with their courses in the middle person. Pulmonary arteries and
//! veins within the lungs grow from the ends of those here.

use super::frame::Frame;
use super::grid::Line;
use crate::phantom::dice::Dice;
use crate::phantom::shape::V3;

/// Radii that differ from person to person, mm.
pub struct Calibres {
    pub trunk: f32,
    pub right_main: f32,
    pub left_main: f32,
    pub ascending: f32,
    pub descending: f32,
    pub cava: f32,
}

impl Calibres {
    /// `strain` 0..1 widens the pulmonary trunk (29 mm is the usual bound of a normal diameter).
    pub fn draw(dice: &mut Dice, strain: f32) -> Self {
        let trunk = dice.between(11.5, 14.2) + strain * dice.between(1.5, 4.0);
        Self {
            trunk,
            right_main: trunk * dice.between(0.70, 0.80),
            left_main: trunk * dice.between(0.70, 0.80),
            ascending: dice.between(14.0, 18.0),
            descending: dice.between(10.5, 13.5),
            cava: dice.between(7.5, 10.0),
        }
    }
}

/// The arm that contrast was injected into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    Left,
    Right,
}

fn course(frame: &Frame, points: &[([f32; 3], f32)]) -> Line {
    smooth(
        &points
            .iter()
            .map(|(p, r)| (frame.place(*p), *r))
            .collect::<Line>(),
    )
}

/// A Catmull-Rom curve through the points of a line, five steps between each two.
pub fn smooth(line: &[(V3, f32)]) -> Line {
    let last = line.len() - 1;
    let mut out = vec![line[0]];
    for i in 0..last {
        let (a, b, c, d) = (
            line[i.saturating_sub(1)],
            line[i],
            line[i + 1],
            line[(i + 2).min(last)],
        );
        for step in 1..=5 {
            let t = step as f32 / 5.0;
            let blend = |a: f32, b: f32, c: f32, d: f32| {
                b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
            };
            let p = [0, 1, 2].map(|k| blend(a.0[k], b.0[k], c.0[k], d.0[k]));
            out.push((p, b.1 + (c.1 - b.1) * t));
        }
    }
    out
}

/// Root, arch and descending aorta.
pub fn aorta(frame: &Frame, c: &Calibres) -> Line {
    let (a, d) = (c.ascending, c.descending);
    let mid = (a + d) / 2.0;
    course(
        frame,
        &[
            ([12.0, -12.0, -56.0], a * 0.85),
            ([0.0, -26.0, -42.0], a * 1.08),
            ([-13.0, -34.0, -18.0], a),
            ([-15.0, -32.0, 10.0], a),
            ([-8.0, -18.0, 33.0], mid),
            ([6.0, 2.0, 40.0], mid),
            ([20.0, 24.0, 34.0], d),
            ([27.0, 40.0, 14.0], d),
            ([27.0, 47.0, -15.0], d),
            ([24.0, 46.0, -60.0], d * 0.97),
            ([15.0, 36.0, -115.0], d * 0.94),
            ([7.0, 19.0, -185.0], d * 0.9),
        ],
    )
}

/// Arteries to head and arms.
pub fn arch_branches(frame: &Frame) -> [Line; 3] {
    [
        course(
            frame,
            &[
                ([-9.0, -18.0, 36.0], 7.0),
                ([-17.0, -10.0, 66.0], 6.5),
                ([-26.0, -2.0, 96.0], 5.5),
                ([-34.0, 0.0, 130.0], 4.0),
            ],
        ),
        course(
            frame,
            &[
                ([4.0, -4.0, 42.0], 4.2),
                ([12.0, -6.0, 80.0], 4.0),
                ([20.0, 0.0, 130.0], 3.6),
            ],
        ),
        course(
            frame,
            &[
                ([15.0, 14.0, 42.0], 5.2),
                ([24.0, 12.0, 80.0], 5.0),
                ([44.0, 0.0, 104.0], 4.6),
                ([90.0, -14.0, 118.0], 4.2),
            ],
        ),
    ]
}

/// The upper vena cava with the vein of the arm that was injected.
pub fn upper_cava(frame: &Frame, c: &Calibres, arm: Arm) -> Line {
    let r = c.cava;
    let low = [
        ([-34.0, -24.0, 18.0], r),
        ([-35.0, -22.0, -16.0], r),
        ([-37.0, -19.0, -42.0], r * 1.1),
    ];
    let high = if arm == Arm::Left {
        [
            ([118.0, -24.0, 116.0], 4.5),
            ([62.0, -34.0, 92.0], 5.5),
            ([28.0, -46.0, 62.0], 6.5),
            ([-10.0, -44.0, 46.0], 6.8),
            ([-30.0, -28.0, 34.0], r * 0.95),
        ]
    } else {
        [
            ([-118.0, -24.0, 116.0], 4.5),
            ([-70.0, -30.0, 100.0], 5.5),
            ([-40.0, -28.0, 78.0], 6.8),
            ([-33.0, -26.0, 56.0], r * 0.9),
            ([-32.0, -26.0, 36.0], r),
        ]
    };
    course(frame, &[&high[..], &low[..]].concat())
}

/// The vein of the arm that was not injected.
pub fn other_vein(frame: &Frame, arm: Arm) -> Line {
    if arm == Arm::Left {
        course(
            frame,
            &[
                ([-70.0, -30.0, 100.0], 5.0),
                ([-40.0, -28.0, 78.0], 6.5),
                ([-33.0, -26.0, 48.0], 6.8),
            ],
        )
    } else {
        course(
            frame,
            &[
                ([62.0, -34.0, 92.0], 5.0),
                ([28.0, -46.0, 62.0], 6.0),
                ([-10.0, -44.0, 46.0], 6.4),
                ([-28.0, -28.0, 36.0], 6.6),
            ],
        )
    }
}

pub fn lower_cava(frame: &Frame) -> Line {
    course(
        frame,
        &[
            ([-28.0, 14.0, -185.0], 12.0),
            ([-30.0, 8.0, -130.0], 12.0),
            ([-35.0, -4.0, -88.0], 12.5),
        ],
    )
}

pub fn azygos(frame: &Frame) -> Line {
    course(
        frame,
        &[
            ([-5.0, 30.0, -140.0], 3.0),
            ([-7.0, 50.0, -60.0], 3.6),
            ([-9.0, 48.0, 0.0], 4.0),
            ([-20.0, 34.0, 17.0], 4.4),
            ([-30.0, 10.0, 20.0], 4.6),
            ([-34.0, -18.0, 14.0], 4.6),
        ],
    )
}

pub fn gullet(frame: &Frame) -> Line {
    course(
        frame,
        &[
            ([4.0, 22.0, 118.0], 6.5),
            ([5.0, 29.0, 60.0], 6.5),
            ([5.0, 33.0, 5.0], 6.5),
            ([3.0, 44.0, -50.0], 7.0),
            ([10.0, 34.0, -100.0], 7.5),
            ([34.0, 12.0, -138.0], 9.0),
        ],
    )
}

pub fn windpipe(frame: &Frame) -> Line {
    course(
        frame,
        &[
            ([0.0, 6.0, 130.0], 9.0),
            ([-1.0, 11.0, 60.0], 9.0),
            ([0.0, 16.0, 2.0], 9.4),
        ],
    )
}

/// Bronchi down to the lobes.
pub fn bronchi(frame: &Frame) -> Vec<Line> {
    let c = |points: &[([f32; 3], f32)]| course(frame, points);
    vec![
        c(&[
            ([-2.0, 16.0, 3.0], 8.5),
            ([-16.0, 17.0, -10.0], 7.2),
            ([-28.0, 18.0, -20.0], 6.6),
            ([-35.0, 19.0, -34.0], 5.8),
            ([-37.0, 20.0, -46.0], 5.6),
            ([-44.0, 27.0, -64.0], 4.8),
            ([-47.0, 31.0, -78.0], 4.4),
        ]),
        c(&[
            ([-24.0, 17.5, -16.0], 5.4),
            ([-40.0, 15.0, -11.0], 5.0),
            ([-52.0, 12.0, -6.0], 4.6),
        ]),
        c(&[
            ([-37.0, 18.0, -46.0], 4.0),
            ([-50.0, 9.0, -53.0], 3.6),
            ([-64.0, -6.0, -62.0], 3.2),
        ]),
        c(&[
            ([2.0, 16.0, 3.0], 8.2),
            ([16.0, 18.0, -9.0], 6.8),
            ([30.0, 21.0, -22.0], 6.3),
            ([39.0, 25.0, -31.0], 6.0),
            ([50.0, 33.0, -52.0], 4.8),
            ([56.0, 36.0, -74.0], 4.4),
        ]),
        c(&[
            ([37.0, 24.0, -29.0], 5.4),
            ([47.0, 15.0, -28.0], 4.8),
            ([56.0, 6.0, -26.0], 4.2),
        ]),
    ]
}

/// Where fat fills the room between the organs of the mediastinum.
pub fn cushions(frame: &Frame) -> Vec<Line> {
    let c = |points: &[([f32; 3], f32)]| course(frame, points);
    vec![
        c(&[
            ([-4.0, -6.0, 78.0], 22.0),
            ([-8.0, -12.0, 36.0], 24.0),
            ([-10.0, -8.0, 0.0], 24.0),
            ([-12.0, 0.0, -24.0], 20.0),
        ]),
        c(&[
            ([10.0, 12.0, 26.0], 13.0),
            ([17.0, 6.0, 8.0], 16.0),
            ([18.0, 6.0, -24.0], 16.0),
        ]),
        c(&[
            ([2.0, 26.0, -18.0], 19.0),
            ([4.0, 40.0, -60.0], 17.0),
            ([8.0, 34.0, -112.0], 17.0),
        ]),
        c(&[
            ([-8.0, -44.0, 44.0], 9.0),
            ([-4.0, -54.0, 4.0], 9.0),
            ([8.0, -66.0, -34.0], 10.0),
        ]),
        c(&[
            ([6.0, -40.0, 40.0], 8.0),
            ([8.0, -50.0, 4.0], 9.0),
            ([20.0, -58.0, -34.0], 9.0),
        ]),
        c(&[
            ([40.0, -46.0, -112.0], 22.0),
            ([4.0, -40.0, -112.0], 24.0),
            ([-24.0, -6.0, -112.0], 20.0),
        ]),
    ]
}
