//! A mask as it is stored and sent: slice by slice, deflated, so that one slice can be read without the others, with the place
//! of each slice and the bits that occur in it. Empty slices take no room. Pure.
//!
//! Layout, little-endian: `TMS2`; slices, rows, columns, and 1 where the places mean something, as 32-bit numbers; pixel spacing
//! and orientation as eight 64-bit floats; for each slice the length of its block, its bits and its frame as 32-bit numbers and
//! its origin as three floats; then the blocks. `TMSK`, without places and bits, is still read.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use tocsin_domain::volume::{Geometry, Mask};

/// Largest slice, pixels.
const MAX_PLANE: usize = 1 << 28;

/// Why stored bytes are not a mask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskCodecError {
    #[error("not a stored mask")]
    Format,
    #[error("slice {slice} does not exist; there are {slices}")]
    NoSlice { slice: usize, slices: usize },
    #[error("the block of slice {slice} is damaged")]
    Damaged { slice: usize },
}

/// Where the voxels of a mask lie.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskGrid {
    pub rows: usize,
    pub columns: usize,
    /// Whether the images state where they lie in the patient; if not, only rows, columns and frames mean anything.
    pub placed: bool,
    /// Distance between rows and between columns, mm.
    pub pixel_spacing: [f64; 2],
    /// Direction cosines of a row and of a column, patient coordinates (LPS).
    pub orientation: [f64; 6],
    pub slices: Vec<MaskSlice>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskSlice {
    /// Patient coordinates (LPS) of the first voxel, mm.
    pub origin: [f64; 3],
    /// Of its instance, 0-based.
    pub frame: u32,
}

impl MaskGrid {
    /// Of a stack whose instances hold one frame each.
    pub fn of(geometry: &Geometry) -> Self {
        let slice = |origin: &[f64; 3]| MaskSlice {
            origin: *origin,
            frame: 0,
        };
        Self {
            rows: geometry.rows,
            columns: geometry.columns,
            placed: true,
            pixel_spacing: geometry.pixel_spacing,
            orientation: geometry.orientation,
            slices: geometry.origins.iter().map(slice).collect(),
        }
    }
}

/// The mask of a stack in its stored form.
pub fn encode(mask: &Mask, geometry: &Geometry) -> std::io::Result<Vec<u8>> {
    encode_on(&mask.voxels, &MaskGrid::of(geometry))
}

/// Voxels `[slice][row][column]` in their stored form.
pub fn encode_on(voxels: &[u8], grid: &MaskGrid) -> std::io::Result<Vec<u8>> {
    let plane = grid.rows * grid.columns;
    let mut blocks: Vec<(u8, Vec<u8>)> = Vec::with_capacity(grid.slices.len());
    let mut before: &[u8] = &[];
    for slice in voxels.chunks_exact(plane.max(1)) {
        // Thin slices that lie in one slab of the model look the same.
        let block = match blocks.last() {
            Some(last) if before == slice => last.clone(),
            Some(_) | None => deflated(slice)?,
        };
        before = slice;
        blocks.push(block);
    }
    let mut bytes = b"TMS2".to_vec();
    let sizes = [blocks.len(), grid.rows, grid.columns, usize::from(grid.placed)];
    sizes.iter().for_each(|size| put(&mut bytes, *size));
    let places = grid.pixel_spacing.iter().chain(&grid.orientation);
    places.for_each(|value| bytes.extend(value.to_le_bytes()));
    for ((bits, block), slice) in blocks.iter().zip(&grid.slices) {
        put(&mut bytes, block.len());
        put(&mut bytes, usize::from(*bits));
        put(&mut bytes, slice.frame as usize);
        slice.origin.iter().for_each(|mm| bytes.extend(mm.to_le_bytes()));
    }
    blocks
        .iter()
        .for_each(|(_, block)| bytes.extend_from_slice(block));
    Ok(bytes)
}

/// Which bits a slice has, and its bytes, none where it has no bit.
fn deflated(slice: &[u8]) -> std::io::Result<(u8, Vec<u8>)> {
    let bits = slice.iter().fold(0, |any, voxel| any | voxel);
    if bits == 0 {
        return Ok((bits, Vec::new()));
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(slice)?;
    Ok((bits, encoder.finish()?))
}

fn put(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend((number as u32).to_le_bytes());
}

/// Slices, rows and columns of a stored mask.
pub fn shape(bytes: &[u8]) -> Result<[usize; 3], MaskCodecError> {
    Table::of(bytes).map(|table| table.shape)
}

/// Which slices hold any of these bits.
pub fn marked(bytes: &[u8], bits: u8) -> Result<Vec<usize>, MaskCodecError> {
    let table = Table::of(bytes)?;
    let mut marked = Vec::new();
    for slice in 0..table.shape[0] {
        if table.bits(slice)? & bits != 0 {
            marked.push(slice);
        }
    }
    Ok(marked)
}

/// Where the voxels lie; `None` in a mask that was stored without it.
pub fn grid(bytes: &[u8]) -> Result<Option<MaskGrid>, MaskCodecError> {
    let table = Table::of(bytes)?;
    if !table.placed {
        return Ok(None);
    }
    let [slices, rows, columns] = table.shape;
    let numbers = |at: usize, n: usize| -> Result<Vec<f64>, MaskCodecError> {
        (0..n).map(|i| float(bytes, at + 8 * i)).collect()
    };
    let head = numbers(20, 8)?;
    let mut planes = Vec::new();
    for slice in 0..slices {
        let at = table.entry(slice);
        planes.push(MaskSlice {
            origin: three(&numbers(at + 12, 3)?),
            frame: word(bytes, at + 8)? as u32,
        });
    }
    Ok(Some(MaskGrid {
        rows,
        columns,
        placed: word(bytes, 16)? == 1,
        pixel_spacing: [head[0], head[1]],
        orientation: std::array::from_fn(|i| head[2 + i]),
        slices: planes,
    }))
}

fn three(values: &[f64]) -> [f64; 3] {
    std::array::from_fn(|axis| values[axis])
}

/// One slice, `[row][column]`.
pub fn slice(bytes: &[u8], slice: usize) -> Result<Vec<u8>, MaskCodecError> {
    let table = Table::of(bytes)?;
    let [slices, rows, columns] = table.shape;
    if slice >= slices {
        return Err(MaskCodecError::NoSlice { slice, slices });
    }
    let mut start = table.entry(slices);
    for before in 0..slice {
        start = start.saturating_add(table.length(before)?);
    }
    let length = table.length(slice)?;
    let plane = rows
        .checked_mul(columns)
        .filter(|plane| *plane <= MAX_PLANE)
        .ok_or(MaskCodecError::Format)?;
    if length == 0 {
        return Ok(vec![0; plane]);
    }
    let damaged = MaskCodecError::Damaged { slice };
    let block = bytes
        .get(start..start.saturating_add(length))
        .ok_or(damaged.clone())?;
    let mut voxels = Vec::with_capacity(plane);
    // One more than expected, so that a longer block is seen.
    let read = ZlibDecoder::new(block)
        .take(plane as u64 + 1)
        .read_to_end(&mut voxels);
    if read.is_err() || voxels.len() != plane {
        return Err(damaged);
    }
    Ok(voxels)
}

/// The table of slices in stored bytes.
struct Table<'b> {
    bytes: &'b [u8],
    /// Slices, rows, columns.
    shape: [usize; 3],
    placed: bool,
}

impl<'b> Table<'b> {
    fn of(bytes: &'b [u8]) -> Result<Self, MaskCodecError> {
        let placed = match bytes.get(..4) {
            Some(b"TMS2") => true,
            Some(b"TMSK") => false,
            Some(_) | None => return Err(MaskCodecError::Format),
        };
        let number = |n: usize| word(bytes, 4 + 4 * n);
        let shape = [number(0)?, number(1)?, number(2)?];
        Ok(Self { bytes, shape, placed })
    }

    /// Where the line of a slice begins.
    fn entry(&self, slice: usize) -> usize {
        match self.placed {
            true => 84 + 36 * slice,
            false => 16 + 4 * slice,
        }
    }

    fn length(&self, slice: usize) -> Result<usize, MaskCodecError> {
        word(self.bytes, self.entry(slice))
    }

    fn bits(&self, slice: usize) -> Result<u8, MaskCodecError> {
        match (self.length(slice)?, self.placed) {
            (0, _) => Ok(0),
            (_, false) => Ok(u8::MAX),
            (_, true) => Ok(word(self.bytes, self.entry(slice) + 4)? as u8),
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Result<usize, MaskCodecError> {
    let word = bytes
        .get(at..at + 4)
        .and_then(|word| <[u8; 4]>::try_from(word).ok());
    word.map(|word| u32::from_le_bytes(word) as usize)
        .ok_or(MaskCodecError::Format)
}

fn float(bytes: &[u8], at: usize) -> Result<f64, MaskCodecError> {
    let float = bytes
        .get(at..at + 8)
        .and_then(|float| <[u8; 8]>::try_from(float).ok());
    float.map(f64::from_le_bytes).ok_or(MaskCodecError::Format)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOXELS: [u8; 18] = [1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 0];

    fn grid_of_three() -> MaskGrid {
        MaskGrid {
            rows: 2,
            columns: 3,
            placed: true,
            pixel_spacing: [0.5, 0.25],
            orientation: [0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
            slices: (0..3)
                .map(|k| MaskSlice {
                    origin: [-1.5, 2.0, f64::from(k)],
                    frame: k as u32,
                })
                .collect(),
        }
    }

    #[test]
    fn each_slice_reads_back_alone_with_its_place_and_its_bits() {
        let bytes = encode_on(&VOXELS, &grid_of_three()).expect("encoded");
        assert_eq!(shape(&bytes), Ok([3, 2, 3]));
        for k in 0..3 {
            assert_eq!(slice(&bytes, k).as_deref(), Ok(&VOXELS[6 * k..6 * (k + 1)]));
        }
        assert_eq!(grid(&bytes), Ok(Some(grid_of_three())));
        for (bits, found) in [(1, vec![0]), (2, vec![0, 2]), (4, vec![])] {
            assert_eq!(marked(&bytes, bits), Ok(found), "bits {bits}");
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let bytes = encode_on(&VOXELS, &grid_of_three()).expect("encoded");
        assert_eq!(
            slice(&bytes, 3),
            Err(MaskCodecError::NoSlice { slice: 3, slices: 3 })
        );
        assert_eq!(
            slice(&bytes[..bytes.len() - 1], 2),
            Err(MaskCodecError::Damaged { slice: 2 })
        );
        for short in [&b"PNG"[..], b"TMSK\xff\xff\xff\xff", b"TMS2\xff\xff\xff\xff"] {
            assert_eq!(slice(short, 0), Err(MaskCodecError::Format));
        }
        assert_eq!(grid(&bytes[..100]), Err(MaskCodecError::Format));
    }

    #[test]
    fn a_mask_without_places_is_still_read() {
        let mut old = b"TMSK".to_vec();
        let block = {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&VOXELS[..6]).expect("written");
            encoder.finish().expect("finished")
        };
        [2, 2, 3, block.len(), 0]
            .iter()
            .for_each(|size| put(&mut old, *size));
        old.extend(block);
        assert_eq!(slice(&old, 0).as_deref(), Ok(&VOXELS[..6]));
        assert_eq!(slice(&old, 1).as_deref(), Ok(&[0; 6][..]));
        assert_eq!(marked(&old, 1), Ok(vec![0]));
        assert_eq!(grid(&old), Ok(None));
    }
}
