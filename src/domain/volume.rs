//! A stack of slices in memory, with its geometry; and a mask over the same grid.

use crate::ids::Uid;

/// Voxels of one series, slices ordered along the normal from the patient's feet to the head.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    pub geometry: Geometry,
    /// Hounsfield units, `[slice][row][column]` flattened; length = slices × rows × columns.
    pub voxels: Vec<i16>,
}

/// Where the voxels lie in the patient.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    pub slices: usize,
    pub rows: usize,
    pub columns: usize,
    /// Distance between rows and between columns, mm.
    pub pixel_spacing: [f64; 2],
    /// Position of each slice along the normal, mm, strictly increasing.
    pub offsets: Vec<f64>,
    /// Direction cosines of a row and of a column, patient coordinates (LPS).
    pub orientation: [f64; 6],
    /// Position of the first voxel of each slice, patient coordinates (LPS), mm.
    pub origins: Vec<[f64; 3]>,
    /// SOP Instance UID of each slice.
    pub instance_uids: Vec<Uid>,
}

impl Geometry {
    pub fn len(&self) -> usize {
        self.slices * self.rows * self.columns
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The thickness that slice `k` stands for: half the way to each neighbour; mm. True spacing, not Slice Thickness.
    pub fn extent(&self, k: usize) -> f64 {
        let n = self.offsets.len();
        if n < 2 {
            return 1.0;
        }
        let gap = |a: usize, b: usize| self.offsets[b] - self.offsets[a];
        match k {
            0 => gap(0, 1),
            k if k == n - 1 => gap(n - 2, n - 1),
            k => (gap(k - 1, k) + gap(k, k + 1)) / 2.0,
        }
    }

    /// Patient coordinates (LPS) of a place in slice `k`, given as index coordinates of row and column; mm (PS3.3 C.7.6.2.1.1).
    pub fn patient(&self, k: usize, row: f64, column: f64) -> [f64; 3] {
        let [between_rows, between_columns] = self.pixel_spacing;
        let (along_row, along_column) = self.orientation.split_at(3);
        std::array::from_fn(|axis| {
            self.origins[k][axis]
                + along_row[axis] * column * between_columns
                + along_column[axis] * row * between_rows
        })
    }

    /// Volume of a voxel of slice `k`, mL.
    pub fn voxel_ml(&self, k: usize) -> f64 {
        self.pixel_spacing[0] * self.pixel_spacing[1] * self.extent(k) / 1000.0
    }
}

/// One class over the grid of a volume: non-zero where it is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    pub voxels: Vec<u8>,
}

/// Whether no voxel of a part of a mask is marked. Without a branch, so that empty parts, which most are, pass at the speed
/// of memory.
pub fn is_clear(part: &[u8]) -> bool {
    part.iter().fold(0, |any, voxel| any | voxel) == 0
}

/// How many voxels of a part of a mask are marked.
pub fn marked(part: &[u8]) -> usize {
    match is_clear(part) {
        true => 0,
        false => part.iter().filter(|voxel| **voxel != 0).count(),
    }
}
