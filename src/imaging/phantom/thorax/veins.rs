//! The pulmonary veins: four trunks from the left atrium, grown into the lobes between the arteries.

use super::frame::{Frame, Lobe, lobe};
use super::great::smooth;
use super::grid::Line;
use super::tree::{Branch, Stem, grow};
use crate::phantom::dice::Dice;
use crate::phantom::shape::{V3, sub, unit};

type Course = [([f32; 3], f32); 3];

/// Upper and lower vein of each side, from the atrium outward.
const TRUNKS: [(f32, bool, Course); 4] = [
    (
        -1.0,
        true,
        [
            ([-16.0, 16.0, -42.0], 7.5),
            ([-38.0, -2.0, -36.0], 6.8),
            ([-56.0, -8.0, -26.0], 5.6),
        ],
    ),
    (
        -1.0,
        false,
        [
            ([-18.0, 26.0, -58.0], 7.5),
            ([-36.0, 38.0, -68.0], 6.4),
            ([-52.0, 48.0, -80.0], 5.0),
        ],
    ),
    (
        1.0,
        true,
        [
            ([30.0, 18.0, -42.0], 7.2),
            ([45.0, 1.0, -30.0], 6.4),
            ([58.0, -6.0, -14.0], 5.4),
        ],
    ),
    (
        1.0,
        false,
        [
            ([28.0, 28.0, -56.0], 7.2),
            ([42.0, 43.0, -67.0], 6.2),
            ([54.0, 54.0, -80.0], 5.0),
        ],
    ),
];

/// Trunks, and branches within the lungs, as tubes.
pub fn grow_all(frame: &Frame, points: &[V3], dice: &mut Dice) -> (Vec<Line>, Vec<Line>) {
    let (mut trunks, mut branches) = (Vec::new(), Vec::new());
    for (side, upper, course) in TRUNKS {
        let trunk = smooth(&course.map(|(p, r)| (frame.place(p), r)));
        let mut served: Vec<V3> = points
            .iter()
            .copied()
            .filter(|p| p[0] * side > 0.0 && (lobe(&frame.form, frame.middle(*p)) != Lobe::Lower) == upper)
            .collect();
        let (end, before) = (trunk[trunk.len() - 1], trunk[trunk.len() - 2]);
        let stem = Stem {
            at: end.0,
            towards: unit(sub(end.0, before.0)),
            radius: end.1 * 0.95,
            parent: None,
        };
        let mut grown: Vec<Branch> = Vec::new();
        grow(&stem, &mut served, dice, &mut grown);
        trunks.push(trunk);
        branches.extend(grown.into_iter().map(|b| b.line));
    }
    (trunks, branches)
}
