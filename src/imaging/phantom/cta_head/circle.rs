//! The arteries at the base of the brain: carotids, circle of Willis, stems and trunks. Courses are design values that fit
//! the phantom's cisterns and skull base; radii are usual ones of adults. Coordinates are the head's own.

use super::super::dice::Dice;
use super::super::shape::V3;
use super::course::{Node, course, wobbled};
use super::variant::{Variant, VariantAt, has};

/// A vessel's name; those on both sides are told apart by `Vessel::side`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Carotid,
    M1,
    M2Upper,
    M2Lower,
    /// Branches of the two trunks over the convexity.
    Upper,
    Lower,
    Anterior,
    Posterior,
    Aneurysm,
    Calcification,
    Vein,
}

#[derive(Clone, Debug)]
pub struct Vessel {
    pub name: Name,
    /// 1 for the left, −1 for the right, 0 in the middle.
    pub side: f32,
    pub nodes: Vec<Node>,
}

const TERMINUS: V3 = [10.0, -12.0, -17.5];
const ANTERIOR_COMMUNICATING: V3 = [2.2, -18.5, -15.5];
const POSTERIOR_JUNCTION: V3 = [8.0, -2.0, -17.0];
const BASILAR_TIP: V3 = [0.0, -4.0, -18.0];
/// Where M1 divides.
const DIVISION: V3 = [32.0, -13.0, -12.0];

const CAROTID: [V3; 14] = [
    [23.0, 3.0, -84.0],
    [23.0, 2.0, -66.0],
    [23.0, 2.0, -54.0],
    [21.0, 0.0, -47.0],
    [17.0, -3.0, -43.5],
    [12.5, -6.0, -41.0],
    [10.0, -9.0, -37.0],
    [9.5, -14.0, -33.5],
    [9.0, -20.0, -32.0],
    [9.0, -25.5, -30.0],
    [9.2, -26.0, -25.5],
    [9.6, -21.0, -23.0],
    [9.8, -16.0, -21.0],
    TERMINUS,
];

/// The circle of one head with its variants, larger vessels before those that leave them.
pub fn circle(dice: &mut Dice, variants: &[VariantAt]) -> Vec<Vessel> {
    let mut vessels = Vec::new();
    for side in [1.0, -1.0] {
        let scale = dice.normal(1.0, 0.08);
        let mut add = |name, points: &[V3], radii: (f32, f32)| {
            let points: Vec<V3> = points.iter().map(|p| [p[0] * side, p[1], p[2]]).collect();
            let bent = wobbled(dice, &points, 0.7);
            let nodes = course(&bent, (radii.0 * scale, radii.1 * scale));
            vessels.push(Vessel { name, side, nodes });
        };
        add(Name::Carotid, &CAROTID, (2.5, 1.8));
        middle(&mut add);
        anterior(&mut add, has(variants, Variant::HypoplasticA1, side));
        posterior(&mut add, posterior_radii(variants, side));
    }
    vessels.extend(in_the_middle(dice));
    vessels
}

type Radii = (f32, f32);

fn middle(add: &mut impl FnMut(Name, &[V3], Radii)) {
    let stem = [TERMINUS, [17.0, -11.5, -15.5], [25.0, -13.0, -14.5], DIVISION];
    add(Name::M1, &stem, (1.45, 1.25));
    let upper = [
        DIVISION,
        [36.0, -14.5, -8.0],
        [38.5, -13.0, -2.0],
        [37.5, -9.0, 5.0],
        [36.0, -3.0, 12.0],
    ];
    add(Name::M2Upper, &upper, (1.1, 0.95));
    let lower = [
        DIVISION,
        [36.5, -10.0, -10.0],
        [39.0, -3.0, -6.0],
        [38.5, 6.0, -1.0],
        [37.5, 14.0, 4.0],
    ];
    add(Name::M2Lower, &lower, (1.1, 0.95));
}

fn anterior(add: &mut impl FnMut(Name, &[V3], Radii), hypoplastic: bool) {
    let first = if hypoplastic { (0.45, 0.4) } else { (1.15, 1.05) };
    let stem = [TERMINUS, [6.5, -15.0, -16.5], ANTERIOR_COMMUNICATING];
    add(Name::Anterior, &stem, first);
    let around: Vec<V3> = (0..11)
        .map(|n| {
            let angle = (-24.0 + 15.0 * n as f32).to_radians();
            [2.0, 2.0 - 47.0 * angle.cos(), 33.0 * angle.sin()]
        })
        .collect();
    let pericallosal = [&[ANTERIOR_COMMUNICATING, [2.0, -28.0, -14.5]], &around[..]].concat();
    add(Name::Anterior, &pericallosal, (1.0, 0.45));
    let marginal: Vec<V3> = (1..9)
        .map(|n| {
            let angle = (-9.0 + 15.0 * n as f32).to_radians();
            let out = 1.0 + 0.32 * (n as f32 / 5.0).min(1.0);
            [3.0, 2.0 - 47.0 * out * angle.cos(), 33.0 * out * angle.sin()]
        })
        .collect();
    let marginal = [&[around[1]], &marginal[..]].concat();
    add(Name::Anterior, &marginal, (0.75, 0.4));
}

/// Radii of the posterior communicating artery and of P1.
fn posterior_radii(variants: &[VariantAt], side: f32) -> (f32, f32) {
    if has(variants, Variant::FetalPosteriorCommunicating, side) {
        (1.05, 0.4)
    } else if has(variants, Variant::HypoplasticPosteriorCommunicating, side) {
        (0.25, 1.1)
    } else {
        (0.6, 1.1)
    }
}

fn posterior(add: &mut impl FnMut(Name, &[V3], Radii), (communicating, p1): (f32, f32)) {
    let link = [[9.8, -16.0, -21.0], [9.0, -9.0, -19.0], POSTERIOR_JUNCTION];
    add(Name::Posterior, &link, (communicating, communicating));
    let first = [BASILAR_TIP, [4.0, -4.5, -17.5], POSTERIOR_JUNCTION];
    add(Name::Posterior, &first, (p1, p1));
    let p2 = [
        POSTERIOR_JUNCTION,
        [15.0, 4.0, -16.0],
        [19.5, 14.0, -14.5],
        [18.0, 25.0, -11.0],
        [15.0, 34.0, -7.0],
        [12.0, 45.0, -2.0],
        [9.0, 58.0, 3.0],
        [7.0, 68.0, 6.0],
    ];
    add(Name::Posterior, &p2, (1.0, 0.45));
    let parietal = [p2[4], [10.0, 42.0, 4.0], [7.0, 52.0, 16.0], [6.0, 58.0, 28.0]];
    add(Name::Posterior, &parietal, (0.65, 0.4));
    let cerebellar = [
        [0.0, -2.5, -21.0],
        [8.0, 0.5, -20.5],
        [16.0, 10.0, -20.0],
        [17.0, 22.0, -16.0],
        [10.0, 34.0, -14.0],
    ];
    add(Name::Posterior, &cerebellar, (0.65, 0.4));
    let vertebral = [
        [17.0, 16.0, -84.0],
        [18.0, 18.0, -77.0],
        [14.0, 21.0, -71.0],
        [9.0, 15.0, -63.0],
        [4.5, 10.0, -54.0],
        [0.0, 6.5, -46.0],
    ];
    add(Name::Posterior, &vertebral, (1.5, 1.3));
}

/// The basilar and anterior communicating arteries.
fn in_the_middle(dice: &mut Dice) -> [Vessel; 2] {
    let basilar = [
        [0.0, 6.5, -46.0],
        [0.0, 4.0, -39.0],
        [0.0, 1.0, -31.0],
        [0.0, -2.0, -24.0],
        BASILAR_TIP,
    ];
    let [x, y, z] = ANTERIOR_COMMUNICATING;
    let across = [ANTERIOR_COMMUNICATING, [-x, y, z]];
    let lie = |nodes| (0.0, nodes);
    let wide = dice.between(1.35, 1.7);
    [
        (
            Name::Posterior,
            lie(course(&wobbled(dice, &basilar, 0.8), (wide, wide))),
        ),
        (Name::Anterior, lie(course(&across, (0.8, 0.8)))),
    ]
    .map(|(name, (side, nodes))| Vessel { name, side, nodes })
}
