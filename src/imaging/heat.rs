//! Where a model looked, as a small map over one slice: how it is stored, and how it is laid over a picture. Pure, except that
//! PNG is compressed.
//!
//! Stored, little-endian: `THM1` and the number of maps; for each its slice, rows and columns as 32-bit numbers, and its values.

use super::preview::{PreviewError, RgbImage};

/// Longest side of a map: it is blurred by how it was made, and finer than a patch it says nothing.
pub const MAX_SIDE: usize = 128;
/// Maps that are stored together at most.
pub const MAX_MAPS: usize = 16;
/// From the least to the most, of 255; what lies beneath stays to be seen.
const OPACITY: f64 = 150.0;
const LEAST: [f64; 3] = [255.0, 230.0, 80.0];
const MOST: [f64; 3] = [255.0, 40.0, 40.0];

/// A map that covers the whole of a slice, whatever its own rows and columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatMap {
    /// Place among the slices that were read.
    pub slice: usize,
    pub rows: usize,
    pub columns: usize,
    /// `[row][column]`; 255 is where the model looked most on this slice.
    pub values: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these are no stored maps")]
pub struct HeatError;

/// Maps in their stored form.
pub fn encode(maps: &[HeatMap]) -> Vec<u8> {
    let mut bytes = b"THM1".to_vec();
    let put = |bytes: &mut Vec<u8>, number: usize| bytes.extend((number as u32).to_le_bytes());
    put(&mut bytes, maps.len());
    for map in maps {
        [map.slice, map.rows, map.columns]
            .iter()
            .for_each(|number| put(&mut bytes, *number));
        bytes.extend_from_slice(&map.values);
    }
    bytes
}

/// The maps in stored bytes.
///
/// # Errors
/// Anything that is not exactly what `encode` writes.
pub fn decode(bytes: &[u8]) -> Result<Vec<HeatMap>, HeatError> {
    let mut rest = bytes.strip_prefix(b"THM1").ok_or(HeatError)?;
    let number = |rest: &mut &[u8]| {
        let (head, tail) = rest.split_first_chunk::<4>().ok_or(HeatError)?;
        *rest = tail;
        Ok(u32::from_le_bytes(*head) as usize)
    };
    let count = number(&mut rest)?;
    if count > MAX_MAPS {
        return Err(HeatError);
    }
    let mut maps = Vec::with_capacity(count);
    for _ in 0..count {
        let (slice, rows, columns) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
        let sides = [rows, columns].iter().all(|side| (1..=MAX_SIDE).contains(side));
        if !sides || rest.len() < rows * columns {
            return Err(HeatError);
        }
        let (values, tail) = rest.split_at(rows * columns);
        rest = tail;
        maps.push(HeatMap {
            slice,
            rows,
            columns,
            values: values.to_vec(),
        });
    }
    if rest.is_empty() { Ok(maps) } else { Err(HeatError) }
}

/// PNG with transparency, of the map's own size: whoever shows it stretches it over the slice.
pub fn layer(map: &HeatMap) -> Result<Vec<u8>, PreviewError> {
    let pixels: Vec<u8> = map
        .values
        .iter()
        .flat_map(|value| rgba(f64::from(*value)))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, map.columns as u32, map.rows as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// Blends the map into a picture of its slice.
pub fn lay_over(image: &mut RgbImage, map: &HeatMap) {
    let (rows, columns) = (image.rows, image.columns);
    for row in 0..rows {
        for column in 0..columns {
            let value = map.at(
                (row as f64 + 0.5) / rows as f64,
                (column as f64 + 0.5) / columns as f64,
            );
            let [red, green, blue, opacity] = rgba(value);
            let share = f64::from(opacity) / 255.0;
            let at = (row * columns + column) * 3;
            for (channel, ink) in [red, green, blue].into_iter().enumerate() {
                let beneath = f64::from(image.data[at + channel]);
                image.data[at + channel] = (beneath + (f64::from(ink) - beneath) * share).round() as u8;
            }
        }
    }
}

impl HeatMap {
    /// Bilinear, at shares of the height and the width.
    fn at(&self, down: f64, across: f64) -> f64 {
        let place = |share: f64, side: usize| {
            let at = (share * side as f64 - 0.5).clamp(0.0, side as f64 - 1.0);
            (
                at.floor() as usize,
                (at.floor() as usize + 1).min(side - 1),
                at.fract(),
            )
        };
        let ((top, bottom, down), (left, right, across)) =
            (place(down, self.rows), place(across, self.columns));
        let value = |row: usize, column: usize| f64::from(self.values[row * self.columns + column]);
        let along = |row: usize| value(row, left) * (1.0 - across) + value(row, right) * across;
        along(top) * (1.0 - down) + along(bottom) * down
    }
}

/// Yellow and almost clear where there is little, red where there is most.
fn rgba(value: f64) -> [u8; 4] {
    let share = value / 255.0;
    let ink = |channel: usize| (LEAST[channel] + (MOST[channel] - LEAST[channel]) * share).round() as u8;
    [ink(0), ink(1), ink(2), (OPACITY * share).round() as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner() -> HeatMap {
        HeatMap {
            slice: 7,
            rows: 2,
            columns: 3,
            values: vec![255, 0, 0, 0, 0, 0],
        }
    }

    #[test]
    fn maps_read_back_and_anything_else_does_not() {
        let stored = encode(&[corner(), HeatMap { slice: 2, ..corner() }]);
        let read = decode(&stored).expect("maps");
        assert_eq!((read.len(), &read[0], read[1].slice), (2, &corner(), 2));
        assert_eq!(decode(&stored[..stored.len() - 1]), Err(HeatError));
        assert_eq!(decode(&[stored.as_slice(), &[0]].concat()), Err(HeatError));
        assert_eq!(decode(b"THM1\xff\xff\xff\xff"), Err(HeatError));
    }

    #[test]
    fn a_picture_is_coloured_where_the_map_is_and_nowhere_else() {
        let mut image = RgbImage {
            rows: 8,
            columns: 12,
            data: vec![100; 8 * 12 * 3],
        };
        lay_over(&mut image, &corner());
        let pixel = |row: usize, column: usize| &image.data[(row * 12 + column) * 3..][..3];
        assert!(pixel(0, 0)[0] > 150 && pixel(0, 0)[2] < 100, "{:?}", pixel(0, 0));
        assert_eq!(pixel(7, 11), [100; 3]);
    }

    #[test]
    fn a_layer_is_clear_where_nothing_is() {
        let bytes = layer(&corner()).expect("a layer");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; 24];
        reader.next_frame(&mut pixels).expect("a frame");
        let opacities: Vec<u8> = pixels.iter().skip(3).step_by(4).copied().collect();
        assert_eq!(opacities, [150, 0, 0, 0, 0, 0]);
    }
}
