//! Distractors that people put on and into patients: leads, lines, tubes, pacemakers. Also the marker of the side.

use super::super::dice::Dice;
use super::super::shape::V3;
use super::finding::{ChestSide, Distractor};
use super::plane::{Knot, Plane, V2, round};
use super::scene::{Scene, Stuff, curve};

/// Draws one distractor; those of the body are no concern of this file.
pub fn lay(distractor: Distractor, scene: &mut Scene, dice: &mut Dice) {
    match distractor {
        Distractor::EcgLeads => ecg_leads(scene, dice),
        Distractor::CentralLine => central_line(scene, dice),
        Distractor::EndotrachealTube => endotracheal_tube(scene, dice),
        Distractor::GastricTube => gastric_tube(scene, dice),
        Distractor::Pacemaker => pacemaker(scene, dice),
        Distractor::SkinFold
        | Distractor::ScapularEdge
        | Distractor::Bulla
        | Distractor::ApicalCap
        | Distractor::NippleShadows
        | Distractor::CalcifiedGranuloma
        | Distractor::Rotation
        | Distractor::ClippedAngle
        | Distractor::Overexposure
        | Distractor::Underexposure => {}
    }
}

fn ecg_leads(scene: &mut Scene, dice: &mut Dice) {
    const Z: f32 = 110.0;
    let (w, h) = (scene.anatomy.width, scene.anatomy.height);
    for [x, y] in [
        [-0.75, 0.12],
        [0.78, 0.14],
        [0.72, 0.86],
        [-0.7, 0.88],
        [0.2, 0.55],
    ] {
        if dice.chance(0.2) {
            continue;
        }
        let at = [x * w + dice.normal(0.0, 10.0), y * h + dice.normal(0.0, 10.0), Z];
        scene.disc(Stuff::Tissue, at, 15.0, |_| 1.2);
        scene.disc(Stuff::Metal, at, 4.2, |q| if q > 0.62 { 1.1 } else { 0.55 });
        let exit = if dice.chance(0.5) { -60.0 } else { h + 80.0 };
        let wire = curve(&[
            at,
            [
                at[0] * 0.8,
                at[1] + (exit - at[1]) * 0.35 + dice.normal(0.0, 12.0),
                Z,
            ],
            [
                at[0] * 0.5 + dice.normal(0.0, 18.0),
                at[1] + (exit - at[1]) * 0.7,
                Z,
            ],
            [0.3 * w + dice.normal(0.0, 22.0), exit, Z],
        ]);
        scene.tube(Stuff::Metal, &wire, 0.75, 0.32);
    }
}

fn central_line(scene: &mut Scene, dice: &mut Dice) {
    let (s, h) = (scene.anatomy.scale, scene.anatomy.height);
    let tip = dice.between(0.36, 0.5) * h;
    let entry = if dice.chance(0.6) {
        [[-52.0 * s, -75.0, 40.0], [-34.0 * s, -20.0, 40.0]] // jugular
    } else {
        [[-105.0 * s, 34.0, 60.0], [-60.0 * s, 24.0, 55.0]] // subclavian
    };
    let line = curve(&[
        entry[0],
        entry[1],
        [-24.0 * s, 0.22 * h, 30.0],
        [-25.0 * s, tip, 30.0],
    ]);
    scene.tube(Stuff::Metal, &line, 1.1, 0.22);
}

fn endotracheal_tube(scene: &mut Scene, dice: &mut Dice) {
    let tip = 0.31 * scene.anatomy.height - dice.between(25.0, 60.0);
    for x in [-4.6, 4.6] {
        scene.tube(Stuff::Tissue, &[[x, -130.0, -10.0], [x, tip, -10.0]], 1.1, 9.0);
    }
    scene.tube(
        Stuff::Metal,
        &[[4.6, -130.0, -10.0], [4.2, tip, -10.0]],
        0.5,
        0.35,
    );
}

fn gastric_tube(scene: &mut Scene, dice: &mut Dice) {
    let h = scene.anatomy.height;
    let below = h * scene.anatomy.domes[1];
    let line = curve(&[
        [3.0, -130.0, -20.0],
        [6.0, 0.3 * h, -20.0],
        [14.0, 0.75 * h, -15.0],
        [30.0, below + 20.0, 0.0],
        [62.0, below + dice.between(30.0, 55.0), 20.0],
    ]);
    scene.tube(Stuff::Metal, &line, 1.7, 0.2);
    scene.tube(Stuff::Metal, &line, 0.4, 0.3);
}

fn pacemaker(scene: &mut Scene, dice: &mut Dice) {
    const Z: f32 = 95.0;
    let side = if dice.chance(0.85) {
        ChestSide::Left
    } else {
        ChestSide::Right
    };
    let (s, h, w) = (scene.anatomy.scale, scene.anatomy.height, scene.anatomy.width);
    let centre = [side.sign() * 0.72 * w, 0.22 * h];
    let lean = dice.normal(0.0, 0.25).sin_cos();
    let can: Vec<V3> = (0..28)
        .map(|i| {
            let (sin, cos) = (i as f32 / 28.0 * std::f32::consts::TAU).sin_cos();
            let square = |v: f32| v.signum() * v.abs().powf(0.6);
            let (x, y) = (23.0 * square(cos), 20.0 * square(sin));
            [
                centre[0] + x * lean.1 - y * lean.0,
                centre[1] + x * lean.0 + y * lean.1,
                Z,
            ]
        })
        .collect();
    scene.plate(Stuff::Metal, &can, 2.6);
    let floor = h * scene.anatomy.domes[1];
    for tip in [[-34.0 * s, floor - 68.0, 45.0], [38.0 * s, floor - 16.0, 50.0]] {
        let lead = curve(&[
            [centre[0] - side.sign() * 12.0, centre[1] - 17.0, Z],
            [side.sign() * 84.0 * s, 26.0, 70.0],
            [side.sign() * 40.0 * s, 30.0, 45.0],
            [-22.0 * s, 0.27 * h, 30.0],
            [-30.0 * s, 0.52 * h, 35.0],
            [(tip[0] - 22.0 * s) / 2.0, floor - 26.0, 40.0],
            tip,
        ]);
        scene.tube(Stuff::Metal, &lead, 0.9, 0.5);
        scene.disc(Stuff::Metal, tip, 1.6, |q| 1.6 * round(q));
    }
}

/// A lead letter beside the shoulder: R on the patient's right, or L on the left. It does not depend on the patient.
pub fn side_marker(metal: &mut Plane, dice: &mut Dice) {
    let side = dice.pick(&ChestSide::BOTH);
    let width = metal.grid.columns as f32 * metal.grid.mm;
    let margin = dice.between(0.05, 0.1) * width;
    let across = match side {
        ChestSide::Right => margin,
        ChestSide::Left => width - margin,
    };
    let down = dice.between(0.05, 0.28) * width;
    let size = dice.between(9.0, 13.0);
    let strokes: &[&[V2]] = match side {
        ChestSide::Left => &[&[[-0.35, -0.5], [-0.35, 0.5], [0.35, 0.5]]],
        ChestSide::Right => &[
            &[
                [-0.35, 0.5],
                [-0.35, -0.5],
                [0.15, -0.5],
                [0.33, -0.27],
                [0.15, 0.0],
                [-0.35, 0.0],
            ],
            &[[0.05, 0.0], [0.38, 0.5]],
        ],
    };
    for stroke in strokes {
        let knots: Vec<Knot> = stroke
            .iter()
            .map(|[x, y]| Knot {
                at: [across + x * size, down + y * size],
                radius: 0.95,
                depth: 5.0,
            })
            .collect();
        metal.tube(&knots, 1.0, |q| if q < 0.8 { 1.0 } else { 0.5 });
    }
}
