//! A head CT made coarse: slabs of about 5 mm and cells of about 1 mm, averaged, which keeps anatomy and drops noise.
//! Positions are in mm in the plane of the slices: x to the patient's left, y to the back, z along the normal.

use crate::volume::Volume;

const SLAB_MM: f64 = 5.0;
const CELL_MM: f64 = 1.0;
/// Slices read per slab; thinner ones between them add time and little else.
const SLICES_PER_SLAB: usize = 5;
/// A plane whose axes lean further than this (cosine) is not axial.
const AXIAL: f64 = 0.75;

#[derive(Clone, Debug)]
pub struct HeadMap {
    pub slabs: Vec<Slab>,
    columns: usize,
    rows: usize,
    /// Size of a cell, mm.
    cell: [f64; 2],
    frame: Frame,
}

#[derive(Clone, Debug)]
pub struct Slab {
    pub z: f64,
    /// Mean HU of each cell.
    hu: Vec<f32>,
}

/// From voxel indices to mm.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// mm per column toward the left, and per row toward the back; negative when the axis points the other way.
    pub step: [f64; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("the slices are not axial")]
    NotAxial,
    #[error("the scan has no slices")]
    Empty,
}

impl Frame {
    fn of(volume: &Volume) -> Result<Self, MapError> {
        let g = &volume.geometry;
        let (row, column) = (g.orientation[0], g.orientation[4]);
        if row.abs() < AXIAL || column.abs() < AXIAL {
            return Err(MapError::NotAxial);
        }
        Ok(Self {
            step: [
                g.pixel_spacing[1] * row.signum(),
                g.pixel_spacing[0] * column.signum(),
            ],
        })
    }

    pub fn position(&self, row: f64, column: f64) -> [f64; 2] {
        [column * self.step[0], row * self.step[1]]
    }
}

impl HeadMap {
    pub fn of(volume: &Volume) -> Result<Self, MapError> {
        let g = &volume.geometry;
        if g.is_empty() || volume.voxels.len() != g.len() {
            return Err(MapError::Empty);
        }
        let frame = Frame::of(volume)?;
        let per_cell = |spacing: f64| ((CELL_MM / spacing).round() as usize).max(1);
        let (down, across) = (per_cell(g.pixel_spacing[0]), per_cell(g.pixel_spacing[1]));
        let (rows, columns) = (g.rows / down, g.columns / across);
        if rows < 2 || columns < 2 {
            return Err(MapError::Empty);
        }
        let slabs = slices_of_slabs(&g.offsets)
            .map(|(first, last)| Slab {
                z: (g.offsets[first] + g.offsets[last]) / 2.0,
                hu: mean(volume, (first, last), (rows, down), (columns, across)),
            })
            .collect();
        Ok(Self {
            slabs,
            columns,
            rows,
            cell: [across as f64 * frame.step[0], down as f64 * frame.step[1]],
            frame,
        })
    }

    pub fn frame(&self) -> Frame {
        self.frame
    }

    /// HU at a position of a slab, bilinear; air outside the image.
    pub fn at(&self, slab: &Slab, [x, y]: [f64; 2]) -> f32 {
        // The first cell's centre lies half a cell, less half a voxel, into the image.
        let column = (x + self.frame.step[0] / 2.0) / self.cell[0] - 0.5;
        let row = (y + self.frame.step[1] / 2.0) / self.cell[1] - 0.5;
        if column < 0.0 || row < 0.0 {
            return -1000.0;
        }
        let (c, r) = (column as usize, row as usize);
        if c + 1 >= self.columns || r + 1 >= self.rows {
            return -1000.0;
        }
        let (fc, fr) = (column.fract() as f32, row.fract() as f32);
        let line = |r: usize| {
            let i = r * self.columns + c;
            slab.hu[i] * (1.0 - fc) + slab.hu[i + 1] * fc
        };
        line(r) * (1.0 - fr) + line(r + 1) * fr
    }

    /// Mean position of the cells that are denser than `hu`, and how many there are.
    pub fn centroid_above(&self, slab: &Slab, hu: f32) -> ([f64; 2], usize) {
        let (mut sum, mut count) = ([0.0, 0.0], 0);
        for (r, row) in slab.hu.chunks_exact(self.columns).enumerate() {
            for c in (0..self.columns).filter(|c| row[*c] > hu) {
                sum[0] += c as f64;
                sum[1] += r as f64;
                count += 1;
            }
        }
        let n = (count as f64).max(1.0);
        let centre = |i: usize| (sum[i] / n + 0.5) * self.cell[i] - self.frame.step[i] / 2.0;
        ([centre(0), centre(1)], count)
    }

    /// The slab nearest to a height.
    pub fn nearest(&self, z: f64) -> usize {
        let off = |i: &usize| (self.slabs[*i].z - z).abs();
        (0..self.slabs.len())
            .min_by(|a, b| off(a).total_cmp(&off(b)))
            .unwrap_or(0)
    }
}

/// First and last slice of each slab.
fn slices_of_slabs(offsets: &[f64]) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let start = *offsets.get(first)?;
        let mut last = first;
        while last + 1 < offsets.len() && offsets[last + 1] - start < SLAB_MM - 0.01 {
            last += 1;
        }
        let slab = (first, last);
        first = last + 1;
        Some(slab)
    })
}

fn mean(
    volume: &Volume,
    (first, last): (usize, usize),
    (rows, down): (usize, usize),
    (columns, across): (usize, usize),
) -> Vec<f32> {
    let g = &volume.geometry;
    let step = (last - first + 1).div_ceil(SLICES_PER_SLAB);
    let mut sums = vec![0_i32; rows * columns];
    let mut wide = vec![0_i32; columns * across];
    let mut slices = 0;
    for k in (first..=last).step_by(step) {
        slices += 1;
        let slice = &volume.voxels[k * g.rows * g.columns..(k + 1) * g.rows * g.columns];
        let lines = slice.chunks_exact(down * g.columns);
        for (cells, lines) in sums.chunks_exact_mut(columns).zip(lines) {
            add(&mut wide, lines, g.columns);
            for (sum, cell) in cells.iter_mut().zip(wide.chunks_exact(across)) {
                *sum = cell.iter().fold(*sum, |sum, v| sum.wrapping_add(*v));
            }
        }
    }
    let n = (slices * down * across) as f32;
    sums.into_iter().map(|s| s as f32 / n).collect()
}

/// Sums of the columns of some lines. Checks of overflow, which cannot occur, would keep this from being done for several at once.
fn add(sums: &mut [i32], lines: &[i16], columns: usize) {
    sums.fill(0);
    for line in lines.chunks_exact(columns) {
        for (sum, v) in sums.iter_mut().zip(line) {
            *sum = sum.wrapping_add(i32::from(*v));
        }
    }
}
