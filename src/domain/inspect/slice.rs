//! One slice of a CT made coarse, cells of about 2 mm, and what can be counted on it.

use crate::volume::Geometry;

/// Edge of a cell, mm.
const CELL_MM: f64 = 2.0;
/// Above it something lies there, HU; clothes and foam stay below.
pub const MATTER: f32 = -300.0;
const BONE: f32 = 300.0;
/// Lung between its vessels (Hounsfield 1973 and later: about -950 to -600 HU); air of sinuses and bowel is thinner.
const LUNG: std::ops::Range<f32> = -940.0..-600.0;
/// Near the largest value that scanners store; implants reach it, bone does not.
const METAL: i16 = 2_500;

/// A slice in cells of about 2 mm, each the mean of its voxels.
pub struct Coarse {
    pub rows: usize,
    pub columns: usize,
    pub hu: Vec<f32>,
    /// Size of a cell, mm.
    pub cell: [f64; 2],
}

/// Counts of cells, and where their middle lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub matter: usize,
    pub bone: usize,
    pub lung: usize,
    /// Middle of what is matter, mm from the first voxel; row, column.
    pub middle: [f64; 2],
    /// Share of the border of what was reconstructed where matter lies, 0 to 1.
    pub at_border: f64,
}

impl Coarse {
    pub fn of(geometry: &Geometry, plane: &[i16]) -> Self {
        let per_cell = |spacing: f64| ((CELL_MM / spacing).round() as usize).max(1);
        let (down, across) = (
            per_cell(geometry.pixel_spacing[0]),
            per_cell(geometry.pixel_spacing[1]),
        );
        let (rows, columns) = (geometry.rows / down, geometry.columns / across);
        let mut hu = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                let lines = (row * down..(row + 1) * down).map(|r| r * geometry.columns + column * across);
                let sum: i64 = lines
                    .flat_map(|at| &plane[at..at + across])
                    .map(|v| i64::from(*v))
                    .sum();
                hu.push(sum as f32 / (down * across) as f32);
            }
        }
        let size = |n: usize, spacing: f64| n as f64 * spacing;
        Self {
            rows,
            columns,
            hu,
            cell: [
                size(down, geometry.pixel_spacing[0]),
                size(across, geometry.pixel_spacing[1]),
            ],
        }
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut sum = [0.0, 0.0];
        for (row, line) in self.hu.chunks_exact(self.columns.max(1)).enumerate() {
            let matter = |v: &f32| *v > MATTER;
            let (Some(first), Some(last)) = (line.iter().position(matter), line.iter().rposition(matter))
            else {
                continue;
            };
            for (column, v) in line.iter().enumerate().take(last + 1).skip(first) {
                counts.lung += usize::from(LUNG.contains(v));
                counts.bone += usize::from(*v > BONE);
                if matter(v) {
                    counts.matter += 1;
                    sum[0] += row as f64;
                    sum[1] += column as f64;
                }
            }
        }
        let n = counts.matter.max(1) as f64;
        counts.middle = [sum[0] / n * self.cell[0], sum[1] / n * self.cell[1]];
        counts.at_border = self.at_border();
        counts
    }

    /// On the ellipse that touches the image's edges: scanners reconstruct a circle, and fill the corners.
    fn at_border(&self) -> f64 {
        const POINTS: usize = 360;
        if self.rows < 8 || self.columns < 8 {
            return 0.0;
        }
        let half = [(self.rows as f64 - 1.0) / 2.0, (self.columns as f64 - 1.0) / 2.0];
        let matter = (0..POINTS).filter(|n| {
            let (sin, cos) = (*n as f64).to_radians().sin_cos();
            let row = half[0] + (half[0] - 2.0) * sin;
            let column = half[1] + (half[1] - 2.0) * cos;
            self.hu[row.round() as usize * self.columns + column.round() as usize] > MATTER
        });
        matter.count() as f64 / POINTS as f64
    }

    /// Mean difference of the cells of two slices where either has matter, HU.
    pub fn differs(&self, other: &Self) -> f64 {
        let pairs = self.hu.iter().zip(&other.hu);
        let (mut sum, mut n) = (0.0, 0_usize);
        for (a, b) in pairs.filter(|(a, b)| **a > MATTER || **b > MATTER) {
            // Bone against air would outweigh all else.
            sum += f64::from((a.clamp(-200.0, 200.0) - b.clamp(-200.0, 200.0)).abs());
            n += 1;
        }
        sum / n.max(1) as f64
    }
}

/// Voxels that only metal makes.
pub fn metal(plane: &[i16]) -> usize {
    plane.iter().filter(|v| **v >= METAL).count()
}

/// How far voxels of soft tissue lie from the mean of their four neighbours, HU, as counts by 1 HU.
pub struct Spread {
    counts: [u64; 512],
}

impl Spread {
    pub fn new() -> Self {
        Self { counts: [0; 512] }
    }

    pub fn add(&mut self, columns: usize, plane: &[i16]) {
        let soft = |v: i16| (-60..160).contains(&v);
        let rows = plane.len() / columns.max(1);
        for row in 1..rows.saturating_sub(1) {
            let line = &plane[row * columns..(row + 1) * columns];
            let (above, below) = (
                &plane[(row - 1) * columns..row * columns],
                &plane[(row + 1) * columns..(row + 2) * columns],
            );
            for c in 1..columns.saturating_sub(1) {
                let around = [line[c - 1], line[c + 1], above[c], below[c]];
                if soft(line[c]) && around.iter().all(|v| soft(*v)) {
                    let mean: i32 = around.iter().map(|v| i32::from(*v)).sum();
                    let off = (4 * i32::from(line[c]) - mean).unsigned_abs() / 4;
                    self.counts[(off as usize).min(511)] += 1;
                }
            }
        }
    }

    /// Standard deviation of one voxel, HU, if neighbours were independent: 1.4826 times the median of what was added, over
    /// the root of 5/4. A smooth kernel ties neighbours together and so gives less than its true noise. `None` without enough
    /// soft tissue.
    pub fn deviation(&self) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        if total < 2_000 {
            return None;
        }
        let mut below = 0;
        let at = self.counts.iter().position(|n| {
            below += n;
            below * 2 >= total
        })?;
        // Within the bin of 1 HU by its share.
        let before = below - self.counts[at];
        let inside = (total as f64 / 2.0 - before as f64) / self.counts[at].max(1) as f64;
        Some(1.4826 * (at as f64 + inside) / 1.25_f64.sqrt())
    }
}
