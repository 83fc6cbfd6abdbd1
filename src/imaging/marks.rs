//! What a model marked on a slice, as a transparent picture to lay over it: an outline that leaves the pixels to be seen, with
//! the lengths that were measured, or the area itself. Pure, except that PNG is compressed.

use serde::Deserialize;

use super::calliper::{self, Ends, MEASURED};
use super::preview::{OUTLINE, PreviewError, agree, on_outline};

/// Of 255; lets what lies beneath be seen.
const AREA_OPACITY: u8 = 96;

/// How marks are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marks {
    #[default]
    Outline,
    Area,
}

/// PNG with transparency of the voxels that hold any of these bits, `mask` being `[row][column]`; with the outline the lines.
///
/// # Errors
/// `Shape` when the lengths do not agree.
pub fn layer(
    mask: &[u8],
    bits: u8,
    rows: usize,
    columns: usize,
    marks: Marks,
    lines: &[Ends],
) -> Result<Vec<u8>, PreviewError> {
    agree(rows * columns, mask.len(), rows, columns)?;
    let mut pixels = vec![0u8; mask.len() * 4];
    for (index, pixel) in pixels.chunks_exact_mut(4).enumerate() {
        let opacity = match marks {
            Marks::Outline if on_outline(mask, bits, index, rows, columns) => 255,
            Marks::Area if mask[index] & bits != 0 => AREA_OPACITY,
            Marks::Outline | Marks::Area => continue,
        };
        pixel[..3].copy_from_slice(&OUTLINE);
        pixel[3] = opacity;
    }
    if marks == Marks::Outline {
        for at in calliper::pixels(lines, rows, columns) {
            pixels[at * 4..at * 4 + 3].copy_from_slice(&MEASURED);
            pixels[at * 4 + 3] = 255;
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opacities(bits: u8, marks: Marks, lines: &[Ends]) -> Vec<u8> {
        let mut mask = vec![0u8; 25];
        for row in 1..4 {
            mask[row * 5 + 1..row * 5 + 4].fill(0b110);
        }
        let bytes = layer(&mask, bits, 5, 5, marks, lines).expect("a layer");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; 100];
        reader.next_frame(&mut pixels).expect("a frame");
        pixels.chunks_exact(4).map(|pixel| pixel[3]).collect()
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_marked() {
        let drawn = |marks| -> Vec<usize> {
            let all = opacities(0b11, marks, &[]);
            (0..25).filter(|at| all[*at] > 0).collect()
        };
        assert_eq!(drawn(Marks::Outline), [6, 7, 8, 11, 13, 16, 17, 18]);
        assert_eq!(drawn(Marks::Area), [6, 7, 8, 11, 12, 13, 16, 17, 18]);
        assert!(opacities(1, Marks::Area, &[]).iter().all(|opacity| *opacity == 0));
        assert!(layer(&[0; 24], 1, 5, 5, Marks::Area, &[]).is_err());
    }

    #[test]
    fn lengths_come_with_the_outline() {
        let line = [[[0.0, 0.0], [4.0, 0.0]]];
        let drawn = |marks| {
            opacities(1, marks, &line)
                .iter()
                .filter(|opacity| **opacity > 0)
                .count()
        };
        assert_eq!((drawn(Marks::Outline), drawn(Marks::Area)), (5, 0));
    }
}
