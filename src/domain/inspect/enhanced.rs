//! Contrast agent in blood, told from bone by where it lies: in a head as small bright spots away from the skull, in a chest as
//! large even areas in front of the spine.

use super::ct::Shown;
use super::slice::{Coarse, MATTER};
use crate::parallel::map;
use crate::volume::Geometry;

/// Blood with contrast agent, HU; a fresh clot stays below, bone cortex lies above.
const BRIGHT: f32 = 130.0;
const HIGHEST: f32 = 650.0;
/// A vessel of the head is smaller, a section of the skull larger, mm².
const SPOT_MM2: f64 = 150.0;
/// Sections of great vessels and heart chambers are larger, mm².
const CHAMBER_MM2: f64 = 150.0;
/// Spots nearer to the skull than this are its own, mm.
const CLEAR_MM: f64 = 6.0;
/// Of the body's depth from the front, and of its width from the right: heart and great vessels, not spine, ribs or sternum.
const DEPTH: std::ops::Range<f64> = 0.18..0.60;
const WIDTH: std::ops::Range<f64> = 0.22..0.78;

/// What is enhanced.
#[derive(Default)]
pub struct Enhanced {
    pub ml: f64,
    values: Vec<f32>,
}

/// Cells of one slice that touch each other.
pub(super) struct Area {
    pub cells: Vec<usize>,
    pub mm2: f64,
}

impl Enhanced {
    pub fn of(shown: Shown, geometry: &Geometry, coarse: &[&Coarse], threads: usize) -> Self {
        let mut found = Self::default();
        let front_is_first = geometry.orientation[4] >= 0.0;
        let cells = map(coarse, threads, |slice| match shown {
            Shown::Head => spots(slice),
            Shown::Chest => chambers(slice, front_is_first),
            Shown::Other => Vec::new(),
        });
        for (k, (slice, cells)) in coarse.iter().zip(cells).enumerate() {
            found.ml += cells.len() as f64 * cell_mm2(slice) * geometry.extent(k) / 1000.0;
            found.values.extend(cells.into_iter().map(|at| slice.hu[at]));
        }
        found.values.sort_by(f32::total_cmp);
        found
    }

    pub fn median(&self) -> Option<f64> {
        self.values.get(self.values.len() / 2).map(|hu| f64::from(*hu))
    }
}

fn cell_mm2(slice: &Coarse) -> f64 {
    slice.cell[0] * slice.cell[1]
}

fn spots(slice: &Coarse) -> Vec<usize> {
    let areas = areas(slice, |_, hu| hu >= BRIGHT);
    let (small, large): (Vec<_>, Vec<_>) = areas.into_iter().partition(|area| area.mm2 < SPOT_MM2);
    let mut skull = vec![false; slice.hu.len()];
    large
        .iter()
        .flat_map(|area| &area.cells)
        .for_each(|at| skull[*at] = true);
    let bone = near(slice, large.iter().flat_map(|area| &area.cells));
    // A headrest is outside.
    let vessels = small
        .into_iter()
        .filter(|area| area.cells.iter().all(|at| !bone[*at]) && encloses(slice, &skull, area.cells[0]));
    vessels.flat_map(|area| area.cells).collect()
}

/// Whether these cells lie on all four sides of that one.
fn encloses(slice: &Coarse, cells: &[bool], at: usize) -> bool {
    let (row, column) = (at / slice.columns, at % slice.columns);
    let any = |mut range: std::ops::Range<usize>, of: &dyn Fn(usize) -> usize| range.any(|n| cells[of(n)]);
    let (across, down) = (
        |c: usize| row * slice.columns + c,
        |r: usize| r * slice.columns + column,
    );
    any(0..column, &across)
        && any(column..slice.columns, &across)
        && any(0..row, &down)
        && any(row..slice.rows, &down)
}

fn chambers(slice: &Coarse, front_is_first: bool) -> Vec<usize> {
    let Some([top, bottom, left, right]) = body(slice) else {
        return Vec::new();
    };
    let within = |at: usize, hu: f32| {
        let (row, column) = (at / slice.columns, at % slice.columns);
        let depth = (row as f64 - top) / (bottom - top).max(1.0);
        let depth = if front_is_first { depth } else { 1.0 - depth };
        let width = (column as f64 - left) / (right - left).max(1.0);
        (BRIGHT..HIGHEST).contains(&hu) && DEPTH.contains(&depth) && WIDTH.contains(&width)
    };
    let large = areas(slice, within)
        .into_iter()
        .filter(|area| area.mm2 >= CHAMBER_MM2);
    large.flat_map(|area| area.cells).collect()
}

/// First and last row and column with much matter.
fn body(slice: &Coarse) -> Option<[f64; 4]> {
    let many = |cells: usize, of: usize| cells * 5 > of;
    let line = |row: usize| &slice.hu[row * slice.columns..(row + 1) * slice.columns];
    let rows: Vec<usize> = (0..slice.rows)
        .filter(|row| {
            many(
                line(*row).iter().filter(|hu| **hu > MATTER).count(),
                slice.columns,
            )
        })
        .collect();
    let columns: Vec<usize> = (0..slice.columns)
        .filter(|column| {
            many(
                (0..slice.rows).filter(|row| line(*row)[*column] > MATTER).count(),
                slice.rows,
            )
        })
        .collect();
    Some([
        *rows.first()? as f64,
        *rows.last()? as f64,
        *columns.first()? as f64,
        *columns.last()? as f64,
    ])
}

pub(super) fn areas(slice: &Coarse, within: impl Fn(usize, f32) -> bool) -> Vec<Area> {
    let mut open: Vec<bool> = slice
        .hu
        .iter()
        .enumerate()
        .map(|(at, hu)| within(at, *hu))
        .collect();
    let mut found = Vec::new();
    for start in 0..open.len() {
        if !std::mem::replace(&mut open[start], false) {
            continue;
        }
        let mut cells = vec![start];
        let mut next = 0;
        while let Some(&at) = cells.get(next) {
            next += 1;
            for to in beside(slice, at) {
                if std::mem::replace(&mut open[to], false) {
                    cells.push(to);
                }
            }
        }
        let mm2 = cells.len() as f64 * cell_mm2(slice);
        found.push(Area { cells, mm2 });
    }
    found
}

fn beside(slice: &Coarse, at: usize) -> impl Iterator<Item = usize> {
    let (row, column) = (at / slice.columns, at % slice.columns);
    let cells = [
        (row > 0).then(|| at - slice.columns),
        (row + 1 < slice.rows).then(|| at + slice.columns),
        (column > 0).then(|| at - 1),
        (column + 1 < slice.columns).then(|| at + 1),
    ];
    cells.into_iter().flatten()
}

/// Cells within `CLEAR_MM` of any of these, in rows and columns.
fn near<'a>(slice: &Coarse, cells: impl Iterator<Item = &'a usize>) -> Vec<bool> {
    let reach = (CLEAR_MM / slice.cell[0]).round() as usize;
    let mut wide = vec![false; slice.hu.len()];
    for at in cells {
        let (row, column) = (at / slice.columns, at % slice.columns);
        let from = row * slice.columns + column.saturating_sub(reach);
        let to = row * slice.columns + (column + reach).min(slice.columns - 1);
        wide[from..=to].fill(true);
    }
    let mut out = vec![false; slice.hu.len()];
    for at in (0..wide.len()).filter(|at| wide[*at]) {
        let (row, column) = (at / slice.columns, at % slice.columns);
        for r in row.saturating_sub(reach)..=(row + reach).min(slice.rows - 1) {
            out[r * slice.columns + column] = true;
        }
    }
    out
}
