//! One slice of a CT made coarse, cells of about 2 mm, and what can be counted on it.

use crate::volume::Geometry;

/// Edge of a cell, mm.
const CELL_MM: f64 = 2.0;
/// Above it something lies there, HU; clothes and foam stay below.
pub const MATTER: f32 = -300.0;
const BONE: f32 = 300.0;
/// Lung between its vessels (Hounsfield 1973 and later: about -950 to -600 HU); air of sinuses and bowel is thinner.
const LUNG: std::ops::Range<f32> = -940.0..-600.0;
/// Slices that are looked at for noise; they hold voxels enough.
const SAMPLES: usize = 24;
/// Steps of a Hounsfield unit in differences, and how many cells are added up before their sum could overflow.
const STEPS: f32 = 16.0;
const CHUNK: usize = 1 << 14;
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
        let mut sums = vec![0i32; columns * across];
        for lines in plane.chunks_exact(down * geometry.columns) {
            sums.fill(0);
            for line in lines.chunks_exact(geometry.columns) {
                sums.iter_mut()
                    .zip(line)
                    .for_each(|(sum, v)| *sum += i32::from(*v));
            }
            let of_cell = |cell: &[i32]| cell.iter().map(|sum| i64::from(*sum)).sum::<i64>();
            let mean = |cell: &[i32]| of_cell(cell) as f32 / (down * across) as f32;
            hu.extend(sums.chunks_exact(across).map(mean));
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
        // Bone against air would outweigh all else; where neither has matter, both ends are the same.
        let bounded = |hu: f32| (hu.clamp(-200.0, 200.0) * STEPS) as i32;
        let (mut sum, mut n) = (0i64, 0u32);
        for (a, b) in self.hu.chunks(CHUNK).zip(other.hu.chunks(CHUNK)) {
            let pairs = a.iter().zip(b);
            sum += i64::from(
                pairs
                    .clone()
                    .map(|(a, b)| (bounded(*a) - bounded(*b)).abs())
                    .sum::<i32>(),
            );
            n += pairs
                .map(|(a, b)| u32::from((*a > MATTER) | (*b > MATTER)))
                .sum::<u32>();
        }
        sum as f64 / f64::from(STEPS) / f64::from(n.max(1))
    }
}

/// What is seen of one slice by itself.
pub struct SliceSeen {
    pub coarse: Coarse,
    pub counts: Counts,
    /// Voxels that only metal makes.
    pub metal: u32,
    /// Of some slices.
    pub spread: Option<Spread>,
}

impl SliceSeen {
    /// Of slice `k`.
    pub fn of(geometry: &Geometry, k: usize, plane: &[i16]) -> Self {
        let coarse = Coarse::of(geometry, plane);
        let is_sample = k.is_multiple_of(geometry.slices.div_ceil(SAMPLES).max(1));
        Self {
            counts: coarse.counts(),
            coarse,
            metal: plane.iter().map(|v| u32::from(*v >= METAL)).sum(),
            spread: is_sample.then(|| Spread::of(geometry.columns, plane)),
        }
    }
}

/// How far voxels of soft tissue lie from the mean of their four neighbours, HU, as counts by 1 HU.
pub struct Spread {
    counts: [u64; 512],
}

impl Spread {
    pub fn of(columns: usize, plane: &[i16]) -> Self {
        let soft = |v: i16| (-60..160).contains(&v);
        let mut spread = Self { counts: [0; 512] };
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
                    spread.counts[(off as usize).min(511)] += 1;
                }
            }
        }
        spread
    }

    pub fn joined<'s>(spreads: impl Iterator<Item = &'s Self>) -> Self {
        let mut all = Self { counts: [0; 512] };
        for spread in spreads {
            all.counts
                .iter_mut()
                .zip(spread.counts)
                .for_each(|(sum, n)| *sum += n);
        }
        all
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
