//! How dense the blood in the pulmonary trunk is, found from the windpipe: the trunk lies below its fork, in front of it and to the
//! left. Tells a chest whose contrast agent has not come, or has passed on to the aorta, from one that is fit for looking at the lung's
//! arteries. Distances are design values from the anatomy of adults, checked on synthetic thoraces.

use super::enhanced::areas;
use super::slice::{Coarse, Counts};
use crate::volume::Geometry;

/// Air in the windpipe with the partial volume of its wall, HU.
const AIR: f32 = -700.0;
/// Sections of the windpipe, mm².
const SECTION_MM2: std::ops::Range<f64> = 80.0..900.0;
/// The windpipe lies so near to the middle of the body, and moves so little from slice to slice, mm.
const MIDDLE_MM: f64 = 40.0;
const STEP_MM: f64 = 12.0;
/// A shorter one is something else, mm.
const SHORTEST_MM: f64 = 15.0;
/// From the fork, mm: towards the feet, to the patient's left, to the front.
const BELOW_MM: std::ops::Range<f64> = 5.0..32.0;
const LEFT_MM: std::ops::Range<f64> = 2.0..40.0;
const FRONT_MM: std::ops::Range<f64> = 8.0..62.0;
/// Within a vessel neighbours differ by noise only, HU.
const EVEN_HU: f32 = 45.0;
/// Blood, with as much contrast agent as ever, HU.
const BLOOD: std::ops::Range<f32> = 0.0..900.0;
/// Blood among all that is even there; above the median, so that a clot in the trunk and muscle beside it do not count.
const RANK: f64 = 0.7;
/// Least even area there, mm² over all slices.
const LEAST_MM2: f64 = 600.0;

/// Where the windpipe forks: slice, and row and column in mm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fork {
    slice: usize,
    at: [f64; 2],
}

/// HU; `None` where no windpipe or nothing even below its fork is seen.
pub fn density(geometry: &Geometry, coarse: &[&Coarse], counts: &[Counts]) -> Option<f64> {
    let fork = fork(geometry, coarse, counts)?;
    let below = |k: &usize| BELOW_MM.contains(&(geometry.offsets[fork.slice] - geometry.offsets[*k]));
    let mut values: Vec<f32> = (0..fork.slice)
        .filter(below)
        .flat_map(|k| even_blood(geometry, coarse[k], fork.at))
        .collect();
    let cell = coarse.first()?.cell;
    if (values.len() as f64) * cell[0] * cell[1] < LEAST_MM2 {
        return None;
    }
    values.sort_by(f32::total_cmp);
    Some(f64::from(values[(values.len() as f64 * RANK) as usize]))
}

/// The last slice, from the head down, in which the windpipe is one.
fn fork(geometry: &Geometry, coarse: &[&Coarse], counts: &[Counts]) -> Option<Fork> {
    let mut first: Option<usize> = None;
    let mut last: Option<Fork> = None;
    for k in (0..coarse.len()).rev() {
        let around = last.map_or(counts[k].middle, |fork| fork.at);
        let reach = if last.is_some() { STEP_MM } else { MIDDLE_MM };
        let near = |at: &[f64; 2]| (at[0] - around[0]).hypot(at[1] - around[1]) < reach || last.is_none();
        let aside = |at: &[f64; 2]| (at[1] - counts[k].middle[1]).abs() < MIDDLE_MM;
        let pipes: Vec<[f64; 2]> = sections(coarse[k]).filter(|at| near(at) && aside(at)).collect();
        match (&pipes[..], first) {
            ([at], _) => {
                first = first.or(Some(k));
                last = Some(Fork { slice: k, at: *at });
            }
            (_, Some(top)) if geometry.offsets[top] - geometry.offsets[k] > SHORTEST_MM => return last,
            _ => (first, last) = (None, None),
        }
    }
    None
}

/// Middles of sections of air, mm.
fn sections(slice: &Coarse) -> impl Iterator<Item = [f64; 2]> {
    let air = areas(slice, |_, hu| hu < AIR);
    let sections = air.into_iter().filter(|area| SECTION_MM2.contains(&area.mm2));
    sections.map(|area| {
        let n = area.cells.len() as f64;
        let sum = |of: &dyn Fn(usize) -> usize| area.cells.iter().map(|at| of(*at)).sum::<usize>() as f64;
        [
            sum(&|at| at / slice.columns) / n * slice.cell[0],
            sum(&|at| at % slice.columns) / n * slice.cell[1],
        ]
    })
}

/// Values of cells in the region of the trunk that differ little from all four neighbours.
fn even_blood(geometry: &Geometry, slice: &Coarse, fork: [f64; 2]) -> Vec<f32> {
    let (to_left, to_front) = (
        geometry.orientation[0].signum(),
        -geometry.orientation[4].signum(),
    );
    let mut found = Vec::new();
    for row in 1..slice.rows.saturating_sub(1) {
        for column in 1..slice.columns.saturating_sub(1) {
            let front = (row as f64 * slice.cell[0] - fork[0]) * to_front;
            let left = (column as f64 * slice.cell[1] - fork[1]) * to_left;
            if !FRONT_MM.contains(&front) || !LEFT_MM.contains(&left) {
                continue;
            }
            let at = row * slice.columns + column;
            let hu = slice.hu[at];
            let around = [at - slice.columns, at + slice.columns, at - 1, at + 1];
            let is_even = around.iter().all(|to| (slice.hu[*to] - hu).abs() < EVEN_HU);
            if BLOOD.contains(&hu) && is_even {
                found.push(hu);
            }
        }
    }
    found
}
