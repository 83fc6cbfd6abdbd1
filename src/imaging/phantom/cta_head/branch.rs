//! Vessels beyond the trunks: branches over the convexity, which thin out, and a few deep veins. Where they run on the
//! surface they follow the inner table of the head that is given.

use super::super::dice::Dice;
use super::super::head::anatomy::Anatomy;
use super::super::shape::{V3, mix, unit};
use super::circle::{Name, Vessel};
use super::course::{course, wobbled};

/// Where a branch leaves the sylvian fissure, and where it goes on the convexity.
struct Way {
    /// Place along the fissure, mm to the back.
    out: f32,
    /// End on the convexity.
    to: V3,
}

/// Frontal and parietal branches.
const UPPER: [Way; 5] = [
    way(-30.0, [40.0, -56.0, 12.0]),
    way(-20.0, [44.0, -44.0, 34.0]),
    way(-10.0, [46.0, -22.0, 50.0]),
    way(0.0, [46.0, 4.0, 54.0]),
    way(10.0, [44.0, 28.0, 48.0]),
];
/// Temporal, angular and posterior parietal branches.
const LOWER: [Way; 5] = [
    way(-24.0, [54.0, -30.0, -22.0]),
    way(-8.0, [60.0, -8.0, -20.0]),
    way(8.0, [60.0, 20.0, -14.0]),
    way(16.0, [54.0, 48.0, 2.0]),
    way(20.0, [46.0, 50.0, 30.0]),
];

const fn way(out: f32, to: V3) -> Way {
    Way { out, to }
}

/// Height of the sylvian fissure at a place of the phantom.
fn fissure(x: f32, y: f32) -> f32 {
    -6.0 + 0.5 * (y + 20.0) - 0.35 * (x - 46.0)
}

/// Branches of the trunks of both sides.
pub fn branches(dice: &mut Dice, anatomy: &Anatomy, trunks: &[Vessel]) -> Vec<Vessel> {
    let mut found = Vec::new();
    for trunk in trunks {
        let (name, ways) = match trunk.name {
            Name::M2Upper => (Name::Upper, &UPPER),
            Name::M2Lower => (Name::Lower, &LOWER),
            Name::Carotid
            | Name::M1
            | Name::Upper
            | Name::Lower
            | Name::Anterior
            | Name::Posterior
            | Name::Aneurysm
            | Name::Calcification
            | Name::Vein => continue,
        };
        for (n, way) in ways.iter().enumerate() {
            let share = 0.45 + 0.55 * (n as f32 + dice.between(0.0, 0.9)) / ways.len() as f32;
            let from = trunk.nodes[((trunk.nodes.len() - 1) as f32 * share) as usize].at;
            let points = over_convexity(dice, anatomy, (from, trunk.side), way);
            let stem = course(&points, (0.85, 0.4));
            found.push(twig(dice, anatomy, (name, trunk.side), &points));
            found.push(Vessel {
                name,
                side: trunk.side,
                nodes: stem,
            });
        }
    }
    found
}

fn over_convexity(dice: &mut Dice, anatomy: &Anatomy, (from, side): (V3, f32), way: &Way) -> Vec<V3> {
    let within = |x: f32| [side * x, way.out, fissure(x, way.out)];
    let outlet = unit(within(56.0));
    let end = unit([side * way.to[0], way.to[1], way.to[2]]);
    let fold = if way.to[2] > 5.0 { 15.0 } else { -9.0 }; // where the insula turns into its cover
    let over = [side * 37.0, mix(from[1], way.out, 0.4), mix(from[2], fold, 0.8)];
    let back = [
        side * 42.0,
        mix(from[1], way.out, 0.7),
        mix(fold, within(46.0)[2], 0.5),
    ];
    let mut points = vec![from, over, back, within(50.0)];
    for n in 0..6 {
        let share = n as f32 / 5.0;
        let bend = dice.normal(0.0, 0.03);
        let towards = [0, 1, 2].map(|k| mix(outlet[k], end[k], share) + bend);
        points.push(anatomy.under_table(unit(towards), dice.between(2.5, 6.0)));
    }
    wobbled(dice, &points, 1.2)
}

/// A smaller branch that leaves another half way.
fn twig(dice: &mut Dice, anatomy: &Anatomy, (name, side): (Name, f32), stem: &[V3]) -> Vessel {
    let from = stem[stem.len() / 2];
    let turn = [
        dice.normal(0.0, 8.0),
        dice.sign() * dice.between(8.0, 20.0),
        dice.normal(4.0, 9.0),
    ];
    let points: Vec<V3> = (0..4)
        .map(|n| {
            let share = n as f32 / 3.0;
            let to = [0, 1, 2].map(|k| from[k] + share * turn[k]);
            if n == 0 {
                from
            } else {
                anatomy.under_table(unit(to), dice.between(2.5, 6.0))
            }
        })
        .collect();
    Vessel {
        name,
        side,
        nodes: course(&points, (0.6, 0.35)),
    }
}

/// Internal cerebral veins, vein of Galen and straight sinus.
pub fn deep_veins(dice: &mut Dice) -> Vec<Vessel> {
    let pair = |x: f32| vec![[x, -10.0, 9.0], [x, 6.0, 10.0], [x, 22.0, 8.0], [0.0, 31.0, 4.0]];
    let straight = vec![
        [0.0, 31.0, 4.0],
        [0.0, 38.0, 2.0],
        [0.0, 56.0, -9.0],
        [0.0, 78.0, -19.0],
    ];
    [
        (pair(1.6), (0.7, 1.0)),
        (pair(-1.6), (0.7, 1.0)),
        (straight, (1.4, 2.0)),
    ]
    .map(|(points, radii)| Vessel {
        name: Name::Vein,
        side: 0.0,
        nodes: course(&wobbled(dice, &points, 0.5), radii),
    })
    .into()
}
