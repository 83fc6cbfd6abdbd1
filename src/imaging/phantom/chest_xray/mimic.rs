//! Distractors of the body itself: what can be taken for a pneumothorax or a nodule, or hides one.

use super::super::dice::Dice;
use super::super::shape::{V3, smooth};
use super::finding::{ChestSide, Distractor};
use super::plane::round;
use super::scene::{Scene, Stuff};

/// Draws one distractor; those that change the exposure, the pose or the bones are no concern of this file.
pub fn lay(distractor: Distractor, scene: &mut Scene, dice: &mut Dice) {
    let side = dice.pick(&ChestSide::BOTH);
    match distractor {
        Distractor::SkinFold => skin_fold(scene, dice, side),
        Distractor::Bulla => bulla(scene, dice, side),
        Distractor::ApicalCap => apical_cap(scene, dice, side),
        Distractor::NippleShadows => nipples(scene, dice, side),
        Distractor::CalcifiedGranuloma => granuloma(scene, dice, side),
        Distractor::ScapularEdge
        | Distractor::EcgLeads
        | Distractor::CentralLine
        | Distractor::EndotrachealTube
        | Distractor::GastricTube
        | Distractor::Pacemaker
        | Distractor::Rotation
        | Distractor::ClippedAngle
        | Distractor::Overexposure
        | Distractor::Underexposure => {}
    }
}

/// Skin that is pressed together: density grows toward an edge and ends there. Nothing beyond it is missing.
fn skin_fold(scene: &mut Scene, dice: &mut Dice, side: ChestSide) {
    let a = scene.anatomy;
    let top = [
        dice.between(0.45, 0.75) * a.width,
        dice.between(0.02, 0.12) * a.height,
    ];
    let lean = dice.between(0.02, 0.28);
    let bow = dice.between(-10.0, 10.0);
    let (depth, fade) = (dice.between(6.0, 14.0), dice.between(9.0, 22.0));
    let length = dice.between(0.55, 1.0) * a.height;
    let (pose, sign) = (scene.lungs.pose, side.sign());
    let middle = pose.project([sign * a.width * 0.6, a.height * 0.5, -60.0]);
    scene.maps.tissue.spot(middle, a.height, |d| {
        let [x, y] = pose.thorax([middle[0] + d[0], middle[1] + d[1]], -60.0);
        let down = y - top[1];
        let share = down / length;
        let edge = top[0] + lean * down + bow * (share * 3.0).sin();
        let inward = edge - x * sign;
        let ends = smooth(0.0, 0.15, share) * (1.0 - smooth(0.75, 1.0, share));
        let rise = smooth(-0.5, 0.5, inward);
        if inward > -1.0 && inward < 5.0 * fade {
            depth * ends * rise * (-inward / fade).exp()
        } else {
            0.0
        }
    });
}

/// A thin wall around air where vessels are pushed aside.
fn bulla(scene: &mut Scene, dice: &mut Dice, side: ChestSide) {
    let a = scene.anatomy;
    let radius = dice.between(14.0, 30.0);
    let y = dice.between(0.10, 0.34) * a.height + 0.4 * radius;
    let chest = &scene.lungs.chest[side.index()];
    let outer = chest.outer(y).unwrap_or(a.width);
    let centre = [side.sign() * (outer - radius - dice.between(1.0, 8.0)), y, 0.0];
    let ring: Vec<V3> = (0..=40)
        .map(|i| {
            let angle = i as f32 / 40.0 * std::f32::consts::TAU;
            let r = radius * (1.0 + 0.05 * (2.0 * angle).cos());
            [centre[0] + r * angle.cos(), centre[1] + r * angle.sin(), 0.0]
        })
        .collect();
    scene.tube(Stuff::Tissue, &ring, 0.5, 4.5);
    let lung = a.lung_density;
    scene.disc(Stuff::Tissue, centre, radius, |q| -1.4 * radius * lung * round(q));
}

/// A crescent of thick pleura over the apex.
fn apical_cap(scene: &mut Scene, dice: &mut Dice, side: ChestSide) {
    let thick = dice.between(3.0, 8.0);
    let sides: &[ChestSide] = if dice.chance(0.5) {
        &ChestSide::BOTH
    } else {
        &[side]
    };
    for side in sides {
        let chest = scene.lungs.chest[side.index()];
        let level = |i: i32| 0.2 + 0.9 * (i * i) as f32 / 10.0;
        let inner = (0..12).rev().map(|i| [chest.inner(level(i)), level(i)]);
        let outer = (0..16).filter_map(|i| chest.outer(level(i)).map(|x| [x, level(i)]));
        let path: Vec<V3> = inner
            .chain(outer)
            .map(|[x, y]| [x * chest.sign, y, 0.0])
            .collect();
        scene.tube(Stuff::Tissue, &path, thick, 9.0 + thick);
    }
}

fn nipples(scene: &mut Scene, dice: &mut Dice, side: ChestSide) {
    let a = scene.anatomy;
    let y = a.height
        * if a.female {
            dice.between(0.78, 0.9)
        } else {
            dice.between(0.66, 0.76)
        };
    let sides: &[ChestSide] = if dice.chance(0.6) {
        &ChestSide::BOTH
    } else {
        &[side]
    };
    for side in sides {
        let x = side.sign() * (0.62 * a.width + dice.normal(0.0, 5.0));
        let radius = dice.between(3.6, 5.5);
        let depth = dice.between(6.0, 11.0);
        scene.disc(
            Stuff::Tissue,
            [x, y + dice.normal(0.0, 4.0), 110.0],
            radius,
            |q| depth * (1.0 - q.powi(6)),
        );
    }
}

fn granuloma(scene: &mut Scene, dice: &mut Dice, side: ChestSide) {
    let chest = scene.lungs.chest[side.index()];
    let y = dice.between(0.15, 0.6) * chest.height;
    let Some([inner, outer]) = scene.lungs.span(side, y) else {
        return;
    };
    let x = inner + (outer - inner) * dice.between(0.5, 0.9);
    let radius = dice.between(1.8, 4.0);
    let density = dice.between(0.9, 1.6);
    scene.disc(Stuff::Bone, [x * chest.sign, y, 0.0], radius, |q| {
        density * radius * round(q)
    });
}
