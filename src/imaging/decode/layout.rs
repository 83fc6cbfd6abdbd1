//! What the header says of the pixels (PS3.3 C.7.6.3), held against itself and against the length of Pixel Data before anything is
//! allocated for them.

use dicom_core::value::Value;
use dicom_core::{Tag, header::HasLength};
use dicom_dictionary_std::tags;
use dicom_object::DefaultDicomObject;

use super::{DecodeError, MAX_DECODED};

/// A checked description of the stored pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub rows: u16,
    pub columns: u16,
    pub frames: u32,
    /// 8 or 16.
    pub allocated: u16,
    /// 1 to `allocated`.
    pub stored: u16,
    /// At least `stored` - 1, below `allocated`.
    pub high: u16,
    pub signed: bool,
}

impl Layout {
    /// Of one frame.
    pub fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Of one pixel.
    pub fn bytes(&self) -> usize {
        usize::from(self.allocated / 8)
    }

    /// The stored value in a word: the bits that are used, and their sign (PS3.5 8.1.1).
    pub fn resolve(&self, word: u16) -> i32 {
        let kept = (u32::from(word) >> (self.high + 1 - self.stored)) << (32 - u32::from(self.stored));
        if self.signed {
            (kept as i32) >> (32 - self.stored)
        } else {
            (kept >> (32 - self.stored)) as i32
        }
    }

    /// Least and greatest value that can be stored.
    pub fn extremes(&self) -> [i32; 2] {
        let range = 1i32 << self.stored;
        if self.signed {
            [-range / 2, range / 2 - 1]
        } else {
            [0, range - 1]
        }
    }
}

/// Whether rows lead to the patient's right: the first letter of the direction of a row (Patient Orientation).
pub(super) fn leads_right(object: &DefaultDicomObject) -> bool {
    let said = object
        .get(tags::PATIENT_ORIENTATION)
        .and_then(|element| element.to_multi_str().ok());
    said.is_some_and(|said| said.first().is_some_and(|row| row.trim_start().starts_with('R')))
}

pub fn photometric(object: &DefaultDicomObject) -> String {
    let text = object
        .get(tags::PHOTOMETRIC_INTERPRETATION)
        .and_then(|element| element.to_str().ok());
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Reads the description, and holds it against the length of Pixel Data: `native` where these lie uncompressed outside `object`.
pub fn layout(object: &DefaultDicomObject, native: Option<u64>) -> Result<Layout, DecodeError> {
    let number = |tag: Tag, name: &'static str| {
        let value = object.get(tag).and_then(|element| element.to_int::<u16>().ok());
        value.ok_or(DecodeError::Missing { name })
    };
    let samples = number(tags::SAMPLES_PER_PIXEL, "Samples per Pixel")?;
    let kind = photometric(object);
    if samples != 1 || !kind.starts_with("MONOCHROME") {
        let found = format!("{samples} of `{}`", kind.chars().take(20).collect::<String>());
        return Err(DecodeError::Unsupported {
            name: "Samples per Pixel",
            found,
            expected: "1 of MONOCHROME1 or 2",
        });
    }
    let frames = match object
        .get(tags::NUMBER_OF_FRAMES)
        .filter(|element| !element.is_empty())
    {
        None => 1,
        Some(element) => {
            let value = element.to_int::<u32>().ok().filter(|frames| *frames > 0);
            value.ok_or(DecodeError::Missing {
                name: "Number of Frames",
            })?
        }
    };
    let allocated = number(tags::BITS_ALLOCATED, "Bits Allocated")?;
    let stored = number(tags::BITS_STORED, "Bits Stored")?;
    let layout = Layout {
        rows: number(tags::ROWS, "Rows")?,
        columns: number(tags::COLUMNS, "Columns")?,
        frames,
        allocated,
        stored,
        high: number(tags::HIGH_BIT, "High Bit").unwrap_or(stored.saturating_sub(1)),
        signed: number(tags::PIXEL_REPRESENTATION, "Pixel Representation")? == 1,
    };
    check(&layout)?;
    check_length(object, native, &layout)?;
    Ok(layout)
}

fn check(layout: &Layout) -> Result<(), DecodeError> {
    let unsupported = |name, found: u16, expected| DecodeError::Unsupported {
        name,
        found: found.to_string(),
        expected,
    };
    if layout.rows == 0 || layout.columns == 0 {
        return Err(unsupported("Rows or Columns", 0, "at least 1"));
    }
    if layout.allocated != 8 && layout.allocated != 16 {
        return Err(unsupported("Bits Allocated", layout.allocated, "8 or 16"));
    }
    if layout.stored == 0 || layout.stored > layout.allocated {
        return Err(unsupported("Bits Stored", layout.stored, "1 to Bits Allocated"));
    }
    if layout.high >= layout.allocated || layout.high + 1 < layout.stored {
        return Err(unsupported(
            "High Bit",
            layout.high,
            "Bits Stored − 1 to Bits Allocated − 1",
        ));
    }
    Ok(())
}

/// Decoded size in checked arithmetic, and the native length against it.
fn check_length(
    object: &DefaultDicomObject,
    native: Option<u64>,
    layout: &Layout,
) -> Result<(), DecodeError> {
    let (rows, columns, frames) = (
        u64::from(layout.rows),
        u64::from(layout.columns),
        u64::from(layout.frames),
    );
    let bytes = u64::from(layout.allocated / 8);
    let product = [columns, frames, bytes]
        .iter()
        .try_fold(rows, |product, factor| product.checked_mul(*factor));
    let expected = product.filter(|total| *total <= MAX_DECODED);
    let expected = expected.ok_or(DecodeError::TooLarge {
        rows,
        columns,
        frames,
        bytes,
    })?;
    let Some(found) = native.map_or_else(|| native_length(object), |length| Ok(Some(length)))? else {
        return Ok(());
    };
    if found == expected || found == expected + expected % 2 {
        return Ok(());
    }
    Err(DecodeError::Length { found, expected })
}

/// Length of Pixel Data in the object; `None` where they are compressed.
fn native_length(object: &DefaultDicomObject) -> Result<Option<u64>, DecodeError> {
    let missing = DecodeError::Missing { name: "Pixel Data" };
    match object.get(tags::PIXEL_DATA).map(|element| element.value()) {
        Some(Value::Primitive(native)) => Ok(Some(native.calculate_byte_len() as u64)),
        Some(Value::PixelSequence(_)) => Ok(None),
        Some(Value::Sequence(_)) | None => Err(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_bits_are_dropped_and_the_sign_is_kept() {
        let layout = |stored, high, signed| Layout {
            rows: 1,
            columns: 1,
            frames: 1,
            allocated: 16,
            stored,
            high,
            signed,
        };
        for (layout, word, value) in [
            (layout(12, 11, false), 0xF123, 0x123),
            (layout(12, 11, true), 0x0FFF, -1),
            (layout(12, 11, true), 0xF7FF, 2047),
            (layout(12, 15, false), 0x123F, 0x123),
            (layout(16, 15, true), 0x8000, -32768),
            (layout(16, 15, false), 0x8000, 32768),
            (layout(1, 0, false), 0xFFFF, 1),
        ] {
            assert_eq!(layout.resolve(word), value, "{layout:?} of {word:x}");
            let [least, greatest] = layout.extremes();
            assert!((least..=greatest).contains(&value), "{layout:?}");
        }
    }
}
