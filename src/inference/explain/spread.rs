//! From cells over the model's grid to a map over the whole slice. Pure.

use tocsin_imaging::heat::{HeatMap, MAX_SIDE};

use crate::grid::{Axis, Grid};

/// Values over the model's grid, each standing for an equal part of it; what is below 0 counts as 0.
pub(super) struct Cells {
    pub rows: usize,
    pub columns: usize,
    /// `[row][column]`.
    pub values: Vec<f32>,
}

/// The map of one slice, scaled so that its most is 255; `None` where nothing is above 0. Outside the model's grid it is 0.
pub(super) fn spread(cells: &Cells, grid: &Grid, slice: usize) -> Option<HeatMap> {
    let [height, width] = [grid.rows.source, grid.columns.source];
    let longest = height.max(width).max(1);
    let side = |of: usize| (of * MAX_SIDE.min(longest)).div_ceil(longest).clamp(1, MAX_SIDE);
    let (rows, columns) = (side(height), side(width));
    let (down, across) = (
        taps(grid.rows, rows, cells.rows),
        taps(grid.columns, columns, cells.columns),
    );
    let mut values = Vec::with_capacity(rows * columns);
    for row in &down {
        for column in &across {
            values.push(match (row, column) {
                (Some(row), Some(column)) => cells.at(*row, *column),
                (None, _) | (_, None) => 0.0,
            });
        }
    }
    let most = values.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let scaled = values
        .iter()
        .map(|value| (value / most * 255.0).round() as u8)
        .collect();
    Some(HeatMap {
        slice,
        rows,
        columns,
        values: scaled,
    })
}

/// A place between two cells: both, and the share of the second.
type Tap = (usize, usize, f64);

/// Of each line of the map, the cells that it lies between; `None` outside the grid.
fn taps(axis: Axis, lines: usize, cells: usize) -> Vec<Option<Tap>> {
    let (size, cells) = (axis.size as f64, cells as f64);
    let tap = |line: usize| {
        let source = (line as f64 + 0.5) * axis.source as f64 / lines as f64 - 0.5;
        let on_grid = (source - axis.centre) / axis.step + (size - 1.0) / 2.0;
        if !(-0.5..=size - 0.5).contains(&on_grid) {
            return None;
        }
        let at = ((on_grid + 0.5) * cells / size - 0.5).clamp(0.0, cells - 1.0);
        let first = at.floor();
        Some((
            first as usize,
            (first + 1.0).min(cells - 1.0) as usize,
            at - first,
        ))
    };
    (0..lines).map(tap).collect()
}

impl Cells {
    fn at(&self, (top, bottom, down): Tap, (left, right, across): Tap) -> f64 {
        let value = |row: usize, column: usize| f64::from(self.values[row * self.columns + column]).max(0.0);
        let along = |row: usize| value(row, left) * (1.0 - across) + value(row, right) * across;
        along(top) * (1.0 - down) + along(bottom) * down
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::PlaneResampling;

    fn grid(source: [usize; 2], size: [usize; 2], step: f64) -> Grid {
        let axis = |n: usize| Axis {
            source: source[n],
            size: size[n],
            centre: (source[n] as f64 - 1.0) / 2.0,
            step,
        };
        Grid {
            slabs: vec![vec![(0, 1.0)]],
            back: vec![vec![(0, 1.0)]],
            rows: axis(0),
            columns: axis(1),
            fill: 0.0,
            plane: PlaneResampling::Bilinear,
        }
    }

    #[test]
    fn a_cell_lies_where_its_part_of_the_grid_lies() {
        // A grid of half the slice about its middle; the last cell of the first row.
        let mut cells = Cells {
            rows: 2,
            columns: 2,
            values: vec![0.0; 4],
        };
        cells.values[1] = 3.0;
        let map = spread(&cells, &grid([400, 200], [100, 50], 2.0), 9).expect("a map");
        assert_eq!((map.slice, map.rows, map.columns), (9, 128, 64));
        let brightest = (0..map.values.len())
            .max_by_key(|n| map.values[*n])
            .expect("values");
        let (row, column) = (brightest / 64, brightest % 64);
        assert!(
            (32..64).contains(&row) && (32..48).contains(&column),
            "{row} {column}"
        );
        assert_eq!(map.values[brightest], 255);
        assert_eq!(map.values[0], 0, "outside the grid nobody looked");
    }

    #[test]
    fn where_nothing_mattered_there_is_no_map() {
        let cells = Cells {
            rows: 2,
            columns: 2,
            values: vec![-1.0, 0.0, 0.0, -2.0],
        };
        assert_eq!(spread(&cells, &grid([64, 64], [64, 64], 1.0), 0), None);
    }
}
