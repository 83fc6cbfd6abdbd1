//! Where the falx meets the skull in front and behind. It is fixed there, whatever pushes on it in between, and so tells
//! where the middle of a slice lies when the head is rolled, which the outline of the skull alone does not.

use super::head::Head;

/// Depth under the inner table where the falx is still held, mm.
const HELD_MM: (f64, f64) = (4.0, 15.0);
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

/// Offset of the falx from the skull's midplane in a slab, mm to the left; `None` where it does not show.
pub fn offset(head: &Head, slab: usize) -> Option<f64> {
    let (front, back) = head.ends(slab)?;
    let ends = [end(head, slab, front, 1.0), end(head, slab, back, -1.0)];
    let found: Vec<f64> = ends.into_iter().flatten().collect();
    match found.as_slice() {
        [] => None,
        found => Some(found.iter().sum::<f64>() / found.len() as f64),
    }
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
