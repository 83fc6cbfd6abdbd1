//! Slices as pictures for people: windowed to 8 bits, with the outline of a mask if there is one. Not for diagnosis; saying so
//! is left to what shows them. Pure, except that PNG is compressed.

use super::decode::Slice;

pub(super) const OUTLINE: [u8; 3] = [255, 64, 64];

/// `[row][column][red, green, blue]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    pub rows: usize,
    pub columns: usize,
    pub data: Vec<u8>,
}

/// Centre and width, in the units of the slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub center: f64,
    pub width: f64,
}

impl Window {
    /// Blood against brain.
    pub const BRAIN: Self = Self {
        center: 40.0,
        width: 80.0,
    };

    /// 8-bit brightness (PS3.3 C.11.2.1.2, linear exact).
    fn brightness(self, value: i16) -> u8 {
        let share = (f64::from(value) - (self.center - self.width / 2.0)) / self.width.max(1.0);
        (share.clamp(0.0, 1.0) * 255.0).round() as u8
    }
}

/// Why no picture was made.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error("{values} values and {mask} mask voxels are not {rows} × {columns}")]
    Shape {
        values: usize,
        mask: usize,
        rows: usize,
        columns: usize,
    },
    #[error("the picture could not be compressed")]
    Png(#[from] png::EncodingError),
}

/// A slice of Hounsfield units `[row][column]` with the outline of its mask, for a key image.
///
/// # Errors
/// `Shape` when the lengths do not agree.
pub fn key_image(
    values: &[i16],
    mask: Option<&[u8]>,
    rows: usize,
    columns: usize,
    window: Window,
) -> Result<RgbImage, PreviewError> {
    let pixels = rows * columns;
    let mask_length = mask.map_or(pixels, <[u8]>::len);
    if values.len() != pixels || mask_length != pixels {
        return Err(PreviewError::Shape {
            values: values.len(),
            mask: mask_length,
            rows,
            columns,
        });
    }
    let mut data = Vec::with_capacity(pixels * 3);
    for (index, value) in values.iter().enumerate() {
        let outlined = mask.is_some_and(|mask| on_outline(mask, index, rows, columns));
        let grey = window.brightness(*value);
        data.extend(if outlined { OUTLINE } else { [grey; 3] });
    }
    Ok(RgbImage { rows, columns, data })
}

/// Inside the mask with a neighbour (above, below, left or right) outside.
pub(super) fn on_outline(mask: &[u8], index: usize, rows: usize, columns: usize) -> bool {
    if mask[index] == 0 {
        return false;
    }
    let (row, column) = (index / columns, index % columns);
    let border = row == 0 || column == 0 || row + 1 == rows || column + 1 == columns;
    border
        || [index - columns, index + columns, index - 1, index + 1]
            .iter()
            .any(|near| mask[*near] == 0)
}

/// A decoded slice as a picture; without a window that of its header, or all its values.
pub fn render(slice: &Slice, window: Option<Window>, mask: Option<&[u8]>) -> Result<RgbImage, PreviewError> {
    let window = window.unwrap_or_else(|| own_window(slice));
    let mut image = key_image(&slice.values, None, slice.rows, slice.columns, window)?;
    if slice.inverted {
        image.data.iter_mut().for_each(|value| *value = 255 - *value);
    }
    let Some(mask) = mask else { return Ok(image) };
    if mask.len() != slice.values.len() {
        let (values, rows, columns) = (slice.values.len(), slice.rows, slice.columns);
        return Err(PreviewError::Shape {
            values,
            mask: mask.len(),
            rows,
            columns,
        });
    }
    for (index, pixel) in image.data.chunks_exact_mut(3).enumerate() {
        if on_outline(mask, index, slice.rows, slice.columns) {
            pixel.copy_from_slice(&OUTLINE);
        }
    }
    Ok(image)
}

fn own_window(slice: &Slice) -> Window {
    if let Some([center, width]) = slice.window {
        return Window { center, width };
    }
    let low = f64::from(slice.values.iter().copied().min().unwrap_or(0));
    let high = f64::from(slice.values.iter().copied().max().unwrap_or(0));
    Window {
        center: (low + high) / 2.0,
        width: (high - low).max(1.0),
    }
}

/// PNG; grey when no pixel has a colour.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, PreviewError> {
    let grey = image.data.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.columns as u32, image.rows as u32);
    encoder.set_color(if grey {
        png::ColorType::Grayscale
    } else {
        png::ColorType::Rgb
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    if grey {
        writer.write_image_data(&image.data.iter().step_by(3).copied().collect::<Vec<_>>())?;
    } else {
        writer.write_image_data(&image.data)?;
    }
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_maps_its_edges_to_black_and_white() {
        for (value, bright) in [(-1000, 0), (0, 0), (40, 128), (80, 255), (3000, 255)] {
            assert_eq!(Window::BRAIN.brightness(value), bright, "{value} HU");
        }
    }

    #[test]
    fn a_mask_is_outlined_not_covered() {
        let mut mask = vec![0u8; 25];
        for row in 1..4 {
            mask[row * 5 + 1..row * 5 + 4].fill(1);
        }
        let image = key_image(&[40; 25], Some(&mask), 5, 5, Window::BRAIN).expect("image");
        let red = |index: usize| image.data[index * 3..index * 3 + 3] == OUTLINE;
        let outlined: Vec<usize> = (0..25).filter(|index| red(*index)).collect();
        assert_eq!(outlined, [6, 7, 8, 11, 13, 16, 17, 18]);
        assert!(key_image(&[40; 25], Some(&mask[1..]), 5, 5, Window::BRAIN).is_err());
    }

    #[test]
    fn the_png_reads_back() {
        let image = key_image(&[0, 40, 80, 20], None, 2, 2, Window::BRAIN).expect("image");
        let bytes = png(&image).expect("png");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("info");
        let mut read = [0; 4];
        reader.next_frame(&mut read).expect("frame");
        assert_eq!(read, [0, 128, 255, 64]);
    }
}
