//! Slices as pictures for people: windowed to 8 bits, and the outline of a mask drawn over one. Not for diagnosis; saying so is
//! left to what shows them. Pure, except that PNG is compressed.

use super::decode::Slice;

pub(super) const OUTLINE: [u8; 3] = [255, 64, 64];
/// Pictures with more columns than this are shown smaller than they are, and their outlines with them.
pub(super) const THIN_UP_TO: usize = 768;

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

/// Values `[row][column]` in grey.
///
/// # Errors
/// `Shape` when the lengths do not agree.
pub fn grey(values: &[i16], rows: usize, columns: usize, window: Window) -> Result<RgbImage, PreviewError> {
    agree(values.len(), values.len(), rows, columns)?;
    let data = values
        .iter()
        .flat_map(|value| [window.brightness(*value); 3])
        .collect();
    Ok(RgbImage { rows, columns, data })
}

/// Draws the outline of the voxels of a mask that hold any of these bits, so that what it surrounds is seen.
///
/// # Errors
/// `Shape` when the lengths do not agree.
pub fn outline(image: &mut RgbImage, mask: &[u8], bits: u8) -> Result<(), PreviewError> {
    let (rows, columns) = (image.rows, image.columns);
    agree(image.data.len() / 3, mask.len(), rows, columns)?;
    for (index, pixel) in image.data.chunks_exact_mut(3).enumerate() {
        if on_outline(mask, bits, index, rows, columns) {
            pixel.copy_from_slice(&OUTLINE);
        }
    }
    Ok(())
}

pub(super) fn agree(values: usize, mask: usize, rows: usize, columns: usize) -> Result<(), PreviewError> {
    if values == rows * columns && mask == values {
        return Ok(());
    }
    Err(PreviewError::Shape {
        values,
        mask,
        rows,
        columns,
    })
}

/// Inside the mask with something outside above, below, left or right: beside it, or in a large picture a little further.
pub(super) fn on_outline(mask: &[u8], bits: u8, index: usize, rows: usize, columns: usize) -> bool {
    if mask[index] & bits == 0 {
        return false;
    }
    let reach = columns.div_ceil(THIN_UP_TO);
    let (row, column) = (index / columns, index % columns);
    let border = row < reach || column < reach || row + reach >= rows || column + reach >= columns;
    let (up, side) = (reach * columns, reach);
    border
        || [index - up, index + up, index - side, index + side]
            .iter()
            .any(|near| mask[*near] & bits == 0)
}

/// A decoded slice as a picture; without a window that of its header, or all its values.
pub fn render(slice: &Slice, window: Option<Window>) -> Result<RgbImage, PreviewError> {
    let window = window.unwrap_or_else(|| own_window(slice));
    let mut image = grey(&slice.values, slice.rows, slice.columns, window)?;
    if slice.inverted {
        image.data.iter_mut().for_each(|value| *value = 255 - *value);
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
        let mut image = grey(&[40; 25], 5, 5, Window::BRAIN).expect("image");
        outline(&mut image, &mask, 1).expect("drawn");
        let red = |index: usize| image.data[index * 3..index * 3 + 3] == OUTLINE;
        let outlined: Vec<usize> = (0..25).filter(|index| red(*index)).collect();
        assert_eq!(outlined, [6, 7, 8, 11, 13, 16, 17, 18]);
        assert!(outline(&mut image, &mask[1..], 1).is_err());
        let before = image.clone();
        outline(&mut image, &mask, 2).expect("drawn");
        assert!(image == before, "bits that nobody asked for are not drawn");
    }

    #[test]
    fn the_png_reads_back() {
        let image = grey(&[0, 40, 80, 20], 2, 2, Window::BRAIN).expect("image");
        let bytes = png(&image).expect("png");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("info");
        let mut read = [0; 4];
        reader.next_frame(&mut read).expect("frame");
        assert_eq!(read, [0, 128, 255, 64]);
    }
}
