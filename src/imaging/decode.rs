//! Pixels of one stored object: from any transfer syntax that is compiled in to Hounsfield units or stored values. Sizes are
//! checked before anything is allocated for them, and a decoder that panics costs one error. Knows nothing of series.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use dicom_core::value::Value;
use dicom_core::{Tag, header::HasLength};
use dicom_dictionary_std::{tags, uids};
use dicom_encoding::adapters::PixelDataObject;
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use dicom_pixeldata::PixelDecoder;
use tocsin_domain::ids::Uid;

use super::groups;

/// Most bytes that the decoded pixels of one object may take.
pub const MAX_DECODED: u64 = 2 << 30;
/// What lies outside the circle of reconstruction counts as air, HU.
const AIR: i16 = -1024;
/// A padding value that reads as tissue is left alone: it may be tissue.
const PADDING_BELOW: f64 = -900.0;
const PADDING_ABOVE: f64 = 3071.0;

/// One frame, rescaled, with the place that its header states.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    pub instance_uid: Uid,
    /// 0-based.
    pub frame: u32,
    pub rows: usize,
    pub columns: usize,
    /// Rescaled values, `[row][column]`; Hounsfield units for CT.
    pub values: Vec<i16>,
    /// Low values are bright (MONOCHROME1).
    pub inverted: bool,
    /// Row spacing, column spacing, mm.
    pub spacing: Option<[f64; 2]>,
    /// Patient coordinates (LPS) of the first pixel, mm.
    pub position: Option<[f64; 3]>,
    /// Direction cosines of a row and of a column.
    pub orientation: Option<[f64; 6]>,
    /// Centre and width that the sender suggests.
    pub window: Option<[f64; 2]>,
}

/// Why an object gives no pixels.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the object cannot be read")]
    Read {
        #[source]
        source: Box<dicom_object::ReadError>,
    },
    #[error("{name} is missing or not a number")]
    Missing { name: &'static str },
    #[error("{name} is {found}, expected {expected}")]
    Unsupported {
        name: &'static str,
        found: String,
        expected: &'static str,
    },
    #[error(
        "{rows} rows × {columns} columns × {frames} frames × {bytes} bytes are more than {MAX_DECODED} bytes"
    )]
    TooLarge {
        rows: u64,
        columns: u64,
        frames: u64,
        bytes: u64,
    },
    #[error("Pixel Data holds {found} bytes, the header says {expected}")]
    Length { found: u64, expected: u64 },
    #[error("frame {frame} does not exist; there are {frames}")]
    NoFrame { frame: u32, frames: u32 },
    #[error("frame {frame} cannot be decoded: {reason}")]
    Decode { frame: u32, reason: String },
}

/// What the header says of the pixels (PS3.3 C.7.6.3), checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    rows: u16,
    columns: u16,
    frames: u32,
    allocated: u16,
    stored: u16,
    high: u16,
    signed: bool,
}

impl Layout {
    fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    fn bytes(&self) -> usize {
        usize::from(self.allocated / 8)
    }
}

/// An object with its pixels still encoded.
pub struct Image {
    object: DefaultDicomObject,
    layout: Layout,
    instance_uid: Uid,
    /// Nothing is thinner than air: what CT headers put below it marks the outside, exactly or after lossy compression.
    floor: i16,
}

impl Image {
    /// Reads a Part 10 file and checks its sizes; nothing is decoded yet.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        let read = || OpenFileOptions::new().open_file(path);
        let object = catch_unwind(AssertUnwindSafe(read)).map_err(|_| DecodeError::Decode {
            frame: 0,
            reason: "the parser gave up".into(),
        })?;
        Self::new(object.map_err(|source| DecodeError::Read {
            source: Box::new(source),
        })?)
    }

    fn new(object: DefaultDicomObject) -> Result<Self, DecodeError> {
        let layout = layout(&object)?;
        let uid = object
            .get(tags::SOP_INSTANCE_UID)
            .and_then(|element| element.to_str().ok());
        let instance_uid = uid.and_then(|text| Uid::parse(text.trim()).ok());
        let instance_uid = instance_uid.ok_or(DecodeError::Missing {
            name: "SOP Instance UID",
        })?;
        let modality = object
            .get(tags::MODALITY)
            .and_then(|element| element.to_str().ok());
        let floor = if modality.is_some_and(|text| text.trim() == "CT") {
            AIR
        } else {
            i16::MIN
        };
        Ok(Self {
            object,
            layout,
            instance_uid,
            floor,
        })
    }

    pub fn frames(&self) -> u32 {
        self.layout.frames
    }

    /// Decodes and rescales one frame, counted from 0.
    pub fn frame(&self, frame: u32) -> Result<Slice, DecodeError> {
        let frames = self.layout.frames;
        if frame >= frames {
            return Err(DecodeError::NoFrame { frame, frames });
        }
        let stored = self.stored(frame)?;
        let object = &self.object;
        let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
        let slope = groups::numbers(object, frame, group, tags::RESCALE_SLOPE).map_or(1.0, |[slope]| slope);
        let intercept =
            groups::numbers(object, frame, group, tags::RESCALE_INTERCEPT).map_or(0.0, |[value]| value);
        let values = self.rescale(&stored, slope, intercept);
        let measures = tags::PIXEL_MEASURES_SEQUENCE;
        Ok(Slice {
            instance_uid: self.instance_uid.clone(),
            frame,
            rows: self.layout.rows.into(),
            columns: self.layout.columns.into(),
            values,
            inverted: photometric(object).starts_with("MONOCHROME1"),
            spacing: groups::numbers(object, frame, measures, tags::PIXEL_SPACING)
                .or_else(|| groups::read(object, tags::IMAGER_PIXEL_SPACING)),
            position: groups::numbers(
                object,
                frame,
                tags::PLANE_POSITION_SEQUENCE,
                tags::IMAGE_POSITION_PATIENT,
            ),
            orientation: groups::numbers(
                object,
                frame,
                tags::PLANE_ORIENTATION_SEQUENCE,
                tags::IMAGE_ORIENTATION_PATIENT,
            ),
            window: self.window(frame),
        })
    }

    /// The first of the windows that the sender suggests.
    fn window(&self, frame: u32) -> Option<[f64; 2]> {
        let first = |tag: Tag| self.object.get(tag)?.to_multi_float64().ok()?.first().copied();
        let group = tags::FRAME_VOILUT_SEQUENCE;
        let center = groups::numbers(&self.object, frame, group, tags::WINDOW_CENTER).map(|[value]| value);
        let width = groups::numbers(&self.object, frame, group, tags::WINDOW_WIDTH).map(|[value]| value);
        let center = center.or_else(|| first(tags::WINDOW_CENTER))?;
        let width = width.or_else(|| first(tags::WINDOW_WIDTH))?;
        (width >= 1.0).then_some([center, width])
    }

    /// CharLS runs for seconds over a JPEG-LS stream that was cut: refuse one that does not end as it must.
    fn check_end(&self, frame: u32) -> Result<(), DecodeError> {
        let syntax = self.object.meta().transfer_syntax().trim_end_matches('\0');
        if syntax != uids::JPEGLS_LOSSLESS && syntax != uids::JPEGLS_NEAR_LOSSLESS {
            return Ok(());
        }
        let stream = self.object.frame_pixel_data(frame).unwrap_or_default();
        let last = &stream[stream.len().saturating_sub(4)..];
        if last.windows(2).any(|pair| pair == [0xff, 0xd9]) {
            return Ok(());
        }
        let reason = "the JPEG-LS stream has no end".to_owned();
        Err(DecodeError::Decode { frame, reason })
    }

    /// Stored values of one frame, sign and unused bits resolved.
    fn stored(&self, frame: u32) -> Result<Vec<i32>, DecodeError> {
        self.check_end(frame)?;
        let decode = || {
            let decoded = self.object.decode_pixel_data_frame(frame);
            decoded
                .map(|decoded| decoded.data().to_vec())
                .map_err(|error| chain(&error))
        };
        let failed = |reason: String| DecodeError::Decode { frame, reason };
        // Codecs index into what the stream promised; a panic of theirs is bad input, not a fault of ours.
        let bytes =
            catch_unwind(AssertUnwindSafe(decode)).map_err(|_| failed("the decoder gave up".into()))?;
        let bytes = bytes.map_err(failed)?;
        let layout = &self.layout;
        let expected = layout.pixels() * layout.bytes();
        // A frame of an odd number of bytes is padded to an even one.
        if bytes.len() != expected && bytes.len() != expected + expected % 2 {
            return Err(DecodeError::Length {
                found: bytes.len() as u64,
                expected: expected as u64,
            });
        }
        let resolve = |raw: u32| resolve(raw, layout);
        Ok(match layout.bytes() {
            1 => bytes[..expected]
                .iter()
                .map(|byte| resolve(u32::from(*byte)))
                .collect(),
            _ => bytes[..expected]
                .chunks_exact(2)
                .map(|pair| resolve(u32::from(u16::from_le_bytes([pair[0], pair[1]]))))
                .collect(),
        })
    }

    fn rescale(&self, stored: &[i32], slope: f64, intercept: f64) -> Vec<i16> {
        let rescaled = |value: i32| f64::from(value) * slope + intercept;
        let padding = self.padding().filter(|(low, high)| {
            [*low, *high]
                .iter()
                .all(|value| !(PADDING_BELOW..=PADDING_ABOVE).contains(&rescaled(*value)))
        });
        let value = |value: &i32| match padding {
            Some((low, high)) if (low..=high).contains(value) => AIR,
            Some(_) | None => (rescaled(*value).round() as i16).max(self.floor),
        };
        stored.iter().map(value).collect()
    }

    /// The stored values that mean "outside the image" (PS3.3 C.7.5.1.1.2).
    fn padding(&self) -> Option<(i32, i32)> {
        let read = |tag: Tag| {
            let value = self.object.get(tag)?.to_int::<i32>().ok()?;
            // Written as unsigned by some, whatever the pixels are.
            Some(if self.layout.signed && value > i32::from(i16::MAX) {
                value - 65536
            } else {
                value
            })
        };
        let one = read(tags::PIXEL_PADDING_VALUE)?;
        let other = read(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(one);
        Some((one.min(other), one.max(other)))
    }
}

/// Keeps the stored bits and their sign (PS3.5 8.1.1).
fn resolve(raw: u32, layout: &Layout) -> i32 {
    let shifted = raw >> (layout.high + 1 - layout.stored);
    let kept = shifted & (u32::MAX >> (32 - u32::from(layout.stored)));
    let sign = 1u32 << (layout.stored - 1);
    if layout.signed && kept & sign != 0 {
        kept as i32 - (1i32 << layout.stored)
    } else {
        kept as i32
    }
}

fn photometric(object: &DefaultDicomObject) -> String {
    let text = object
        .get(tags::PHOTOMETRIC_INTERPRETATION)
        .and_then(|element| element.to_str().ok());
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn layout(object: &DefaultDicomObject) -> Result<Layout, DecodeError> {
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
    check_length(object, &layout)?;
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
fn check_length(object: &DefaultDicomObject, layout: &Layout) -> Result<(), DecodeError> {
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
    let element = object
        .get(tags::PIXEL_DATA)
        .ok_or(DecodeError::Missing { name: "Pixel Data" })?;
    match element.value() {
        Value::Primitive(native) => {
            let found = native.calculate_byte_len() as u64;
            if found == expected || found == expected + expected % 2 {
                return Ok(());
            }
            Err(DecodeError::Length { found, expected })
        }
        Value::PixelSequence(_) => Ok(()),
        Value::Sequence(_) => Err(DecodeError::Missing { name: "Pixel Data" }),
    }
}

/// An error with its causes in one line, bounded.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text.chars().take(300).collect()
}
