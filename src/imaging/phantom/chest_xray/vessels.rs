//! Vessels of the lungs: trees of tapering tubes that leave the hila and divide toward the pleura.

use std::collections::VecDeque;

use super::super::dice::Dice;
use super::super::shape::{V3, unit};
use super::anatomy::Anatomy;
use super::finding::ChestSide;
use super::lungs::Lungs;
use super::plane::{Knot, Plane, round};

/// No tree has more branches.
const BRANCHES: usize = 700;
/// Thinner vessels are left to the texture of the lung, mm.
const THINNEST_MM: f32 = 0.42;

/// A vessel: points with radii, thorax mm.
type Branch = Vec<(V3, f32)>;

/// Both lungs' vessels, as they lie in inflated lungs.
pub struct Vessels([Vec<Branch>; 2]);

impl Vessels {
    /// Belongs to the patient: drawn before any lung collapses.
    pub fn draw(dice: &mut Dice, anatomy: &Anatomy) -> Self {
        Self(ChestSide::BOTH.map(|side| tree(dice, anatomy, side)))
    }

    /// Adds the vessels to the soft tissue: in a collapsed lung they are drawn together, beyond its border there are none.
    pub fn lay(&self, soft: &mut Plane, lungs: &Lungs) {
        for side in ChestSide::BOTH {
            for branch in &self.0[side.index()] {
                let knots: Vec<Knot> = branch
                    .iter()
                    .map_while(|(p, radius)| knot(lungs, side, *p, *radius))
                    .collect();
                soft.tube(&knots, 1.0, round);
            }
        }
    }
}

/// A point of a vessel in the image; none outside the lung.
fn knot(lungs: &Lungs, side: ChestSide, p: V3, radius: f32) -> Option<Knot> {
    let chest = &lungs.chest[side.index()];
    let (mut x, mut y) = (p[0] * chest.sign, p[1]);
    if let Some(collapse) = lungs.collapsed(side) {
        let hilum = 0.42 * chest.height;
        y += collapse.top() * 0.8 * (1.0 - y / hilum).max(0.0);
        let kept = collapse.narrowed(chest, y);
        x = chest.inner + (x - chest.inner) * kept;
    }
    let [_, outer] = lungs.span(side, y)?;
    if x > outer - 2.0 {
        return None;
    }
    Some(Knot {
        at: lungs.pose.project([x * chest.sign, y, p[2]]),
        radius: radius * lungs.pose.magnification(p[2]),
        depth: 2.0 * radius,
    })
}

fn tree(dice: &mut Dice, anatomy: &Anatomy, side: ChestSide) -> Vec<Branch> {
    let left = if side == ChestSide::Left { 9.0 } else { 0.0 };
    let hilum = [30.0 * anatomy.scale, 0.42 * anatomy.height - left, -8.0];
    let mut branches = Vec::new();
    let mut growing = VecDeque::new();
    // Angles from straight outward, downward positive; the vessels of the bases are the largest.
    for (degrees, share) in [
        (-78.0_f32, 0.62),
        (-52.0, 0.6),
        (-28.0, 0.55),
        (-4.0, 0.5),
        (18.0, 0.7),
        (40.0, 0.85),
        (58.0, 0.95),
        (76.0, 0.62),
        (-40.0, 0.45),
        (30.0, 0.55),
        (66.0, 0.6),
    ] {
        let angle = (degrees + dice.normal(0.0, 7.0)).to_radians();
        let start = [
            hilum[0] + dice.normal(0.0, 4.0),
            hilum[1] + 14.0 * angle.sin() + dice.normal(0.0, 4.0),
            hilum[2] + dice.normal(0.0, 8.0),
        ];
        let way = unit([angle.cos(), angle.sin(), dice.normal(0.0, 0.45)]);
        growing.push_back((start, way, anatomy.vessels * share));
    }
    while let Some(seed) = growing.pop_front() {
        if branches.len() >= BRANCHES {
            break;
        }
        branches.push(grow(dice, anatomy, side, seed, &mut growing));
    }
    branches
}

/// Follows one vessel until it is thin or leaves the lung; its offshoots are added to `growing`.
fn grow(
    dice: &mut Dice,
    anatomy: &Anatomy,
    side: ChestSide,
    (mut at, mut way, mut radius): (V3, V3, f32),
    growing: &mut VecDeque<(V3, V3, f32)>,
) -> Branch {
    let chest = anatomy.hemithorax(side, 0.0);
    let mut branch = Vec::new();
    while radius > THINNEST_MM {
        branch.push(([at[0] * chest.sign, at[1], at[2]], radius));
        let step = 4.0 + 1.3 * radius;
        way = unit([
            way[0] + dice.normal(0.0, 0.13),
            way[1] + dice.normal(0.0, 0.13),
            way[2] + dice.normal(0.0, 0.13) - 0.002 * at[2],
        ]);
        at = [
            at[0] + way[0] * step,
            at[1] + way[1] * step,
            at[2] + way[2] * step,
        ];
        radius *= 0.955;
        let inside = chest.outer(at[1]).is_some_and(|outer| at[0] < outer - 4.0);
        if !inside || at[0] < 6.0 || at[1] > chest.height - 4.0 || at[2].abs() > 0.45 * chest.depth {
            break;
        }
        if dice.chance(0.42) {
            let turn = dice.sign() * dice.between(0.4, 0.95);
            let (sin, cos) = turn.sin_cos();
            let off = unit([
                way[0] * cos - way[1] * sin,
                way[0] * sin + way[1] * cos,
                way[2] + dice.normal(0.0, 0.5),
            ]);
            let share = dice.between(0.5, 0.8);
            growing.push_back((at, off, radius * share));
            radius *= (1.0 - share.powi(3)).powf(1.0 / 3.0).max(0.75); // Murray: cubes of the radii add up
        }
    }
    branch
}
