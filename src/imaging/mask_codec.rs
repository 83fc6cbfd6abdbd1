//! A mask as it is stored and sent: slice by slice, deflated, so that one slice can be read without the others. Empty slices
//! take no room. Pure.
//!
//! Layout: `TMSK`, then slices, rows, columns and the length of each slice's block as little-endian 32-bit numbers, then the
//! blocks.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use tocsin_domain::volume::{Geometry, Mask, is_clear};

const MAGIC: &[u8; 4] = b"TMSK";
const HEADER: usize = 16;

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

/// The mask in its stored form.
pub fn encode(mask: &Mask, geometry: &Geometry) -> std::io::Result<Vec<u8>> {
    let plane = geometry.rows * geometry.columns;
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(geometry.slices);
    let mut before: &[u8] = &[];
    for slice in mask.voxels.chunks_exact(plane.max(1)) {
        // Thin slices that lie in one slab of the model look the same.
        let block = match blocks.last() {
            Some(last) if before == slice => last.clone(),
            Some(_) | None => deflated(slice)?,
        };
        before = slice;
        blocks.push(block);
    }
    let mut bytes = MAGIC.to_vec();
    let sizes = [blocks.len(), geometry.rows, geometry.columns]
        .into_iter()
        .chain(blocks.iter().map(Vec::len));
    sizes.for_each(|size| bytes.extend((size as u32).to_le_bytes()));
    blocks.iter().for_each(|block| bytes.extend_from_slice(block));
    Ok(bytes)
}

fn deflated(slice: &[u8]) -> std::io::Result<Vec<u8>> {
    if is_clear(slice) {
        return Ok(Vec::new());
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(slice)?;
    encoder.finish()
}

/// Slices, rows and columns of a stored mask.
pub fn shape(bytes: &[u8]) -> Result<[usize; 3], MaskCodecError> {
    if bytes.get(..4) != Some(MAGIC.as_slice()) {
        return Err(MaskCodecError::Format);
    }
    let number = |n: usize| word(bytes, 4 + 4 * n);
    Ok([number(0)?, number(1)?, number(2)?])
}

/// Which slices hold anything.
pub fn marked(bytes: &[u8]) -> Result<Vec<usize>, MaskCodecError> {
    let [slices, ..] = shape(bytes)?;
    let mut marked = Vec::new();
    for slice in 0..slices {
        if word(bytes, HEADER + 4 * slice)? > 0 {
            marked.push(slice);
        }
    }
    Ok(marked)
}

/// One slice, `[row][column]`.
pub fn slice(bytes: &[u8], slice: usize) -> Result<Vec<u8>, MaskCodecError> {
    let [slices, rows, columns] = shape(bytes)?;
    if slice >= slices {
        return Err(MaskCodecError::NoSlice { slice, slices });
    }
    let mut start = HEADER + 4 * slices;
    for before in 0..slice {
        start = start.saturating_add(word(bytes, HEADER + 4 * before)?);
    }
    let length = word(bytes, HEADER + 4 * slice)?;
    let plane = rows
        .checked_mul(columns)
        .filter(|plane| *plane <= 1 << 28)
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

fn word(bytes: &[u8], at: usize) -> Result<usize, MaskCodecError> {
    let word = bytes
        .get(at..at + 4)
        .and_then(|word| <[u8; 4]>::try_from(word).ok());
    word.map(|word| u32::from_le_bytes(word) as usize)
        .ok_or(MaskCodecError::Format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slice_reads_back_alone() {
        let geometry = Geometry {
            slices: 3,
            rows: 2,
            columns: 3,
            pixel_spacing: [1.0, 1.0],
            offsets: vec![0.0, 1.0, 2.0],
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            origins: vec![[0.0; 3]; 3],
            instance_uids: Vec::new(),
        };
        let voxels = vec![1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0];
        let bytes = encode(
            &Mask {
                voxels: voxels.clone(),
            },
            &geometry,
        )
        .expect("encoded");
        assert_eq!(shape(&bytes), Ok([3, 2, 3]));
        for k in 0..3 {
            assert_eq!(slice(&bytes, k).as_deref(), Ok(&voxels[6 * k..6 * (k + 1)]));
        }
        assert_eq!(
            slice(&bytes, 3),
            Err(MaskCodecError::NoSlice { slice: 3, slices: 3 })
        );
        assert_eq!(
            slice(&bytes[..bytes.len() - 1], 2),
            Err(MaskCodecError::Damaged { slice: 2 })
        );
        assert_eq!(slice(b"PNG", 0), Err(MaskCodecError::Format));
        assert_eq!(slice(b"TMSK\xff\xff\xff\xff", 0), Err(MaskCodecError::Format));
    }
}
