//! Where the falx meets the skull in front and behind. It is fixed there, whatever pushes on it in between, and so tells
//! where the middle of a slice lies when the head is rolled, which the outline of the skull alone does not.

use super::head::Head;

/// Depth under the inner table where the falx is still held, mm.
const HELD_MM: (f64, f64) = (3.0, 10.0);
/// Slabs about a level that tell of it, and how many must show an end, mm.
const NEAR_MM: f64 = 13.0;
const FEWEST_SLABS: usize = 2;
/// How far from the skull's own midplane the falx is looked for, and in which steps, mm.
const SEARCH_MM: f64 = 7.0;
const STEP_MM: f64 = 0.5;
/// The falx stands out from what lies beside it by this much, HU.
const PROMINENCE_HU: f32 = 6.0;
/// Distance to what lies beside it, mm.
const BESIDE_MM: f64 = 4.5;
/// Rows that must show it at one end, and how closely they agree, mm.
const FEWEST_ROWS: usize = 4;
const SPREAD_MM: f64 = 2.0;

/// The line between both ends of the falx at one level: how far it lies to the left of the skull's midplane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalxLine {
    /// Along and offset, mm.
    front: [f64; 2],
    back: [f64; 2],
}

impl FalxLine {
    /// By the medians of what the slabs about a level show; `None` unless both ends show in several.
    pub fn find(head: &Head, level: f64) -> Option<Self> {
        let (mut front, mut back) = (Vec::new(), Vec::new());
        let near = (0..head.map.slabs.len()).filter(|k| (head.map.slabs[*k].z - level).abs() <= NEAR_MM);
        for slab in near {
            let Some(ends) = head.ends(slab) else { continue };
            front.extend(end(head, slab, ends.0, 1.0).map(|u| [ends.0, u]));
            back.extend(end(head, slab, ends.1, -1.0).map(|u| [ends.1, u]));
        }
        if front.len() < FEWEST_SLABS || back.len() < FEWEST_SLABS {
            return None;
        }
        let middle = |points: &[[f64; 2]], i: usize| median(points.iter().map(|p| p[i]).collect());
        Some(Self {
            front: [middle(&front, 0), middle(&front, 1)],
            back: [middle(&back, 0), middle(&back, 1)],
        })
    }

    pub fn offset(&self, along: f64) -> f64 {
        let share = (along - self.front[0]) / (self.back[0] - self.front[0]);
        self.front[1] + share * (self.back[1] - self.front[1])
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn end(head: &Head, slab: usize, table: f64, inward: f64) -> Option<f64> {
    let rows = (HELD_MM.1 - HELD_MM.0) as usize;
    let mut peaks: Vec<f64> = (0..=rows)
        .filter_map(|n| ridge(head, slab, table + inward * (HELD_MM.0 + n as f64)))
        .collect();
    peaks.sort_by(f64::total_cmp);
    if peaks.len() < FEWEST_ROWS {
        return None;
    }
    let quarter = |n: usize| peaks[peaks.len() * n / 4];
    (quarter(3) - quarter(1) <= SPREAD_MM).then(|| quarter(2))
}

/// The brightest place of a row that stands out on both sides.
fn ridge(head: &Head, slab: usize, along: f64) -> Option<f64> {
    let steps = (2.0 * SEARCH_MM / STEP_MM) as usize;
    let at = |n: usize| -SEARCH_MM + n as f64 * STEP_MM;
    let hu = |u: f64| {
        let near = [-1.0, 0.0, 1.0];
        near.iter().map(|d| head.hu(slab, u, along + d)).sum::<f32>() / 3.0
    };
    let best = (0..=steps).map(at).max_by(|a, b| hu(*a).total_cmp(&hu(*b)))?;
    let peak = hu(best);
    let beside = [-1.0, 1.0].map(|side| hu(best + side * BESIDE_MM));
    beside.iter().all(|b| peak - b >= PROMINENCE_HU).then_some(best)
}
