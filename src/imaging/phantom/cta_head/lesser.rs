//! Disease of the vessels' walls: calcium in the siphon, a narrow stretch of M1, small aneurysms. Changes or adds vessels.

use super::super::dice::Dice;
use super::super::shape::{V3, unit};
use super::circle::{Name, Vessel};
use super::course::Node;
use super::variant::{Variant, VariantAt, has};

/// A ball as a vessel of no length.
fn ball(name: Name, side: f32, at: V3, radius: f32) -> Vessel {
    let node = Node {
        at,
        radius,
        along: 0.0,
    };
    Vessel {
        name,
        side,
        nodes: vec![node, node],
    }
}

fn of(vessels: &[Vessel], name: Name, side: f32) -> Option<&Vessel> {
    vessels.iter().find(|v| v.name == name && v.side == side)
}

/// Narrows M1 to 35 to 55 % of its radius over about 5 mm where there is a stenosis (design values).
pub fn narrow(dice: &mut Dice, vessels: &mut [Vessel], variants: &[VariantAt]) {
    let (open, at) = (dice.between(0.35, 0.55), dice.between(0.3, 0.7));
    for vessel in vessels.iter_mut().filter(|v| v.name == Name::M1) {
        let end = vessel.nodes.last().map_or(0.0, |n| n.along);
        if has(variants, Variant::Stenosis, vessel.side) {
            for node in &mut vessel.nodes {
                let off = (node.along - at * end) / 2.5;
                node.radius *= 1.0 - (1.0 - open) * (-off * off).exp();
            }
        }
    }
}

/// Flecks of calcium in the wall of the siphon.
pub fn calcifications(dice: &mut Dice, vessels: &[Vessel], variants: &[VariantAt]) -> Vec<Vessel> {
    let mut found = Vec::new();
    for side in [1.0, -1.0] {
        let flecks = dice.pick(&[2, 3, 5, 8]);
        let Some(carotid) = of(vessels, Name::Carotid, side) else {
            continue;
        };
        for _ in 0..flecks {
            let share = dice.between(0.7, 0.93);
            let towards = unit([0; 3].map(|_| dice.normal(0.0, 1.0)));
            let radius = dice.between(0.4, 1.0);
            let node = carotid.nodes[(share * (carotid.nodes.len() - 1) as f32) as usize];
            let at = [0, 1, 2].map(|k| node.at[k] + towards[k] * node.radius);
            if has(variants, Variant::CalcifiedSiphon, side) {
                found.push(ball(Name::Calcification, side, at, radius));
            }
        }
    }
    found
}

/// A small aneurysm of 3 to 7 mm at the anterior communicating artery, the carotid or the division of M1.
pub fn aneurysms(dice: &mut Dice, vessels: &[Vessel], variants: &[VariantAt]) -> Vec<Vessel> {
    let (place, radius) = (dice.pick(&[0, 1, 2]), dice.between(1.5, 3.5));
    let side = [1.0, -1.0]
        .into_iter()
        .find(|s| has(variants, Variant::Aneurysm, *s));
    let seat = side.and_then(|side| {
        let (name, share, off) = match place {
            0 => (Name::Anterior, 1.0, [0.0, -1.0, 0.3]),
            1 => (Name::Carotid, 0.94, [0.0, 0.8, -0.5]),
            _ => (Name::M1, 1.0, [side, 0.0, -0.3]),
        };
        let nodes = &of(vessels, name, side)?.nodes;
        let node = nodes[(share * (nodes.len() - 1) as f32) as usize];
        let away = unit(off);
        let at = [0, 1, 2].map(|k| node.at[k] + away[k] * (radius + 0.5));
        Some(ball(Name::Aneurysm, side, at, radius))
    });
    seat.into_iter().collect()
}
