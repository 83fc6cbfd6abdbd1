//! The lumen of the pulmonary arteries as a coarse grid with the distance to its wall, and how wide it is around a place.
//! The widest part is the trunk; other parts are told by their width against it.

use crate::volume::{Geometry, Mask};

/// Size of a cell, mm, unless the lumen is too large for it.
const CELL_MM: f64 = 1.0;
/// More cells than this are made coarser.
const MOST_CELLS: f64 = 1.6e7;
/// A trunk is at least this wide, mm (half).
const LEAST_TRUNK_MM: f64 = 6.0;

pub struct Lumen {
    size: [usize; 3],
    low: [f64; 3],
    cell: f64,
    /// Distance to the wall by cell, mm; 0 outside.
    wall: Vec<f32>,
    /// Half width of the trunk, and its middle in the coordinates of the grid, mm.
    pub trunk: f64,
    pub trunk_at: [f64; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLumen {
    #[error("most proximal vessel not determined: no pulmonary arteries are seen")]
    Empty,
    #[error("most proximal vessel not determined: the pulmonary trunk is not seen")]
    NoTrunk,
}

/// Place of a voxel in the grid of the series: across, down, along the normal; mm.
pub fn place(geometry: &Geometry, slice: usize, row: usize, column: usize) -> [f64; 3] {
    let [down, across] = geometry.pixel_spacing;
    [column as f64 * across, row as f64 * down, geometry.offsets[slice]]
}

impl Lumen {
    pub fn of(geometry: &Geometry, mask: &Mask) -> Result<Self, NoLumen> {
        let (low, high) = bounds(geometry, mask).ok_or(NoLumen::Empty)?;
        let extent = |cell: f64| [0, 1, 2].map(|a| ((high[a] - low[a]) / cell).ceil() as usize + 3);
        let mut cell = CELL_MM;
        while extent(cell).iter().map(|n| *n as f64).product::<f64>() > MOST_CELLS {
            cell *= 1.5;
        }
        let mut lumen = Self {
            size: extent(cell),
            low: low.map(|v| v - cell),
            cell,
            wall: Vec::new(),
            trunk: 0.0,
            trunk_at: [0.0; 3],
        };
        lumen.wall = distances(&lumen.sampled(geometry, mask), lumen.size, cell);
        let widest = (0..lumen.wall.len()).max_by(|a, b| lumen.wall[*a].total_cmp(&lumen.wall[*b]));
        let widest = widest.ok_or(NoLumen::Empty)?;
        lumen.trunk = f64::from(lumen.wall[widest]);
        lumen.trunk_at = lumen.middle(lumen.voxel(widest));
        match lumen.trunk >= LEAST_TRUNK_MM {
            true => Ok(lumen),
            false => Err(NoLumen::NoTrunk),
        }
    }

    /// Half width of the widest ball within the lumen that holds a place; nothing outside the lumen.
    pub fn calibre(&self, p: [f64; 3]) -> Option<f64> {
        let at = [0, 1, 2].map(|a| ((p[a] - self.low[a]) / self.cell).round());
        if (0..3).any(|a| at[a] < 0.0 || at[a] >= self.size[a] as f64) {
            return None;
        }
        let at = at.map(|v| v as usize);
        if self.wall[self.index(at)] == 0.0 {
            return None;
        }
        let reach = (self.trunk / self.cell).ceil() as usize;
        let range = |a: usize| at[a].saturating_sub(reach)..(at[a] + reach + 1).min(self.size[a]);
        let mut widest = f64::from(self.wall[self.index(at)]);
        for z in range(2) {
            for y in range(1) {
                for x in range(0) {
                    let wall = f64::from(self.wall[self.index([x, y, z])]);
                    let off = [x.abs_diff(at[0]), y.abs_diff(at[1]), z.abs_diff(at[2])];
                    let far = off.iter().map(|v| (v * v) as f64).sum::<f64>() * self.cell * self.cell;
                    if wall > widest && far <= wall * wall {
                        widest = wall;
                    }
                }
            }
        }
        Some(widest)
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (z * self.size[1] + y) * self.size[0] + x
    }

    fn voxel(&self, i: usize) -> [usize; 3] {
        let plane = self.size[0] * self.size[1];
        [i % self.size[0], i % plane / self.size[0], i / plane]
    }

    fn middle(&self, voxel: [usize; 3]) -> [f64; 3] {
        [0, 1, 2].map(|a| self.low[a] + voxel[a] as f64 * self.cell)
    }

    /// The mask at the middle of each cell.
    fn sampled(&self, geometry: &Geometry, mask: &Mask) -> Vec<bool> {
        let [down, across] = geometry.pixel_spacing;
        let of = |a: usize, n: usize, step: f64, most: usize| {
            let at = ((self.low[a] + n as f64 * self.cell) / step).round();
            (at >= 0.0 && at < most as f64).then_some(at as usize)
        };
        let columns: Vec<_> = (0..self.size[0])
            .map(|x| of(0, x, across, geometry.columns))
            .collect();
        let rows: Vec<_> = (0..self.size[1]).map(|y| of(1, y, down, geometry.rows)).collect();
        let mut out = Vec::with_capacity(self.size.iter().product());
        for z in 0..self.size[2] {
            let slice = nearest(geometry, self.low[2] + z as f64 * self.cell);
            for row in &rows {
                let line = slice
                    .zip(*row)
                    .map(|(k, r)| (k * geometry.rows + r) * geometry.columns);
                let set =
                    |c: &Option<usize>| line.zip(*c).is_some_and(|(line, c)| mask.voxels[line + c] != 0);
                out.extend(columns.iter().map(set));
            }
        }
        out
    }
}

/// The slice nearest to a height, if one lies within its own extent of it.
fn nearest(geometry: &Geometry, z: f64) -> Option<usize> {
    let after = geometry.offsets.partition_point(|offset| *offset < z);
    let near = [after.checked_sub(1), (after < geometry.slices).then_some(after)];
    let off = |k: &usize| (geometry.offsets[*k] - z).abs();
    let k = near
        .into_iter()
        .flatten()
        .min_by(|a, b| off(a).total_cmp(&off(b)))?;
    (off(&k) <= geometry.extent(k)).then_some(k)
}

fn bounds(geometry: &Geometry, mask: &Mask) -> Option<([f64; 3], [f64; 3])> {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for (line, row) in mask.voxels.chunks_exact(geometry.columns.max(1)).enumerate() {
        let ends = [
            row.iter().position(|v| *v != 0),
            row.iter().rposition(|v| *v != 0),
        ];
        for column in ends.into_iter().flatten() {
            let p = place(geometry, line / geometry.rows, line % geometry.rows, column);
            for a in 0..3 {
                low[a] = low[a].min(p[a]);
                high[a] = high[a].max(p[a]);
            }
        }
    }
    (low[0] <= high[0]).then_some((low, high))
}

/// Distance of each cell inside to the nearest outside it, mm: exact, one axis after the other (Felzenszwalb and Huttenlocher,
/// Theory of Computing 8, 2012). Half a cell is taken off: the wall runs between two cells.
fn distances(inside: &[bool], size: [usize; 3], cell: f64) -> Vec<f32> {
    let far = (size.iter().map(|n| n * n).sum::<usize>() + 1) as f32;
    let mut squares: Vec<f32> = inside.iter().map(|i| if *i { far } else { 0.0 }).collect();
    let steps = [1, size[0], size[0] * size[1]];
    for axis in 0..3 {
        let mut line = vec![0.0; size[axis]];
        for start in 0..squares.len() {
            if !(start / steps[axis]).is_multiple_of(size[axis]) {
                continue;
            }
            let at = |n: usize| start + n * steps[axis];
            (0..size[axis]).for_each(|n| line[n] = squares[at(n)]);
            if line.iter().all(|v| *v == 0.0) {
                continue;
            }
            let lower = envelope(&line);
            (0..size[axis]).for_each(|n| squares[at(n)] = lower[n]);
        }
    }
    let mm = |square: f32| {
        if square > 0.0 {
            (square.sqrt() - 0.5) * cell as f32
        } else {
            0.0
        }
    };
    squares.into_iter().map(mm).collect()
}

/// The lower envelope of parabolas of which one stands on each value.
fn envelope(values: &[f32]) -> Vec<f32> {
    let mut peaks: Vec<usize> = Vec::with_capacity(values.len());
    let mut borders: Vec<f32> = Vec::with_capacity(values.len());
    for q in 0..values.len() {
        let meets = |p: usize| {
            let (a, b) = (q as f32, p as f32);
            ((values[q] + a * a) - (values[p] + b * b)) / (2.0 * (a - b))
        };
        let mut border = f32::NEG_INFINITY;
        while let Some(p) = peaks.last() {
            border = meets(*p);
            if borders.last().is_some_and(|before| border <= *before) {
                peaks.pop();
                borders.pop();
                border = f32::NEG_INFINITY;
            } else {
                break;
            }
        }
        peaks.push(q);
        borders.push(border);
    }
    let mut out = Vec::with_capacity(values.len());
    let mut k = 0;
    for n in 0..values.len() {
        while k + 1 < peaks.len() && borders[k + 1] < n as f32 {
            k += 1;
        }
        let off = n as f32 - peaks[k] as f32;
        out.push(off * off + values[peaks[k]]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::{geometry, mask_where};
    use super::*;

    #[test]
    fn a_tube_is_as_wide_as_it_was_made_at_any_spacing() {
        for (pixel, spacing) in [(0.7, 1.0), (0.5, 2.5)] {
            let g = geometry(
                (80.0 / spacing) as usize,
                (60.0 / pixel) as usize,
                (60.0 / pixel) as usize,
                pixel,
                spacing,
            );
            // A trunk of 24 mm that narrows to 10 mm above 40 mm.
            let tube = mask_where(&g, |k, r, c| {
                let z = k as f64 * spacing;
                let radius = if z < 40.0 { 12.0 } else { 5.0 };
                let (x, y) = (c as f64 * pixel - 30.0, r as f64 * pixel - 30.0);
                (3.0..76.0).contains(&z) && x.hypot(y) <= radius
            });
            let lumen = Lumen::of(&g, &tube).expect("a lumen");
            // A cell is 1 mm.
            assert!((lumen.trunk - 12.0).abs() < 1.5, "{}", lumen.trunk);
            let narrow = lumen.calibre([32.0, 30.0, 65.0]).expect("inside");
            assert!((narrow - 5.0).abs() < 0.9, "{narrow}");
            assert!(lumen.calibre([50.0, 30.0, 60.0]).is_none());
        }
    }

    #[test]
    fn nothing_and_a_thread_are_no_arteries() {
        let g = geometry(10, 40, 40, 1.0, 1.0);
        let lumen = |mask: &Mask| Lumen::of(&g, mask).map(|l| l.trunk);
        assert_eq!(lumen(&mask_where(&g, |_, _, _| false)), Err(NoLumen::Empty));
        assert_eq!(
            lumen(&mask_where(&g, |_, r, c| r == 20 && c > 4 && c < 30)),
            Err(NoLumen::NoTrunk)
        );
    }

    #[test]
    fn the_envelope_is_the_least_of_all_parabolas() {
        let values = [9.0, 100.0, 100.0, 0.0, 100.0, 4.0, 100.0];
        let slow = (0..values.len()).map(|n| {
            let each = values
                .iter()
                .enumerate()
                .map(|(p, v)| v + (n as f32 - p as f32).powi(2));
            each.fold(f32::INFINITY, f32::min)
        });
        assert_eq!(envelope(&values), slow.collect::<Vec<f32>>());
    }
}
