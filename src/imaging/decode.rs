//! Pixels of one stored object: from any transfer syntax that is compiled in to Hounsfield units or stored values. Sizes are
//! checked before anything is allocated for them, and a decoder that panics costs one error. Knows nothing of series.

mod codestream;
mod layout;
mod mapping;
mod tail;

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_core::value::{PrimitiveValue, Value};
use dicom_dictionary_std::{tags, uids};
use dicom_encoding::adapters::PixelDataObject;
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use dicom_pixeldata::PixelDecoder;
use tocsin_domain::ids::Uid;

use self::layout::{Layout, layout, leads_right, photometric};
use self::mapping::Mapping;
use self::tail::Tail;
use super::groups;

/// Most bytes that the decoded pixels of one object may take.
pub const MAX_DECODED: u64 = 2 << 30;

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
    /// Rows lead to the patient's right (Patient Orientation, PS3.3 C.7.6.1.1.1), which is not how images are shown.
    pub mirrored: bool,
    /// Centre and width that the sender suggests.
    pub window: Option<[f64; 2]>,
    /// Why nothing may be measured on the values; a picture still shows them.
    pub doubt: Option<Doubt>,
}

impl Slice {
    /// Everything but its values.
    pub fn outline(&self) -> Self {
        Self {
            values: Vec::new(),
            instance_uid: self.instance_uid.clone(),
            ..*self
        }
    }
}

/// What is wrong with the values of a frame that could be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// CT numbers are Hounsfield units only after slope and intercept (PS3.3 C.8.2.1.1.2).
    #[error("Rescale Slope or Intercept is not stated, so that CT numbers are unknown")]
    NotCalibrated,
    #[error("values beyond 16 bits with sign do not fit")]
    BeyondRange,
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

/// An object with its pixels still encoded.
pub struct Image {
    object: DefaultDicomObject,
    /// Where its pixels lie, if they were left in the file.
    tail: Option<InFile>,
    layout: Layout,
    instance_uid: Uid,
    is_ct: bool,
}

/// Uncompressed pixels that are read when a frame is asked for.
struct InFile {
    path: PathBuf,
    /// Of the first pixel.
    from: u64,
}

impl Image {
    /// Reads a Part 10 file and checks its sizes; nothing is decoded yet.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        if let Some(image) = Self::open_tail(path)? {
            return Ok(image);
        }
        let object = parsed(|| OpenFileOptions::new().open_file(path))?;
        Self::new(object, None)
    }

    /// `None` where the file must be parsed whole: its pixels are compressed, do not end it, or what stands before them is
    /// no data set by itself.
    fn open_tail(path: &Path) -> Result<Option<Self>, DecodeError> {
        let Ok(Some(Tail { head, from, length })) = tail::find(path) else {
            return Ok(None);
        };
        let Ok(object) = parsed(|| OpenFileOptions::new().from_reader(head.as_slice())) else {
            return Ok(None);
        };
        let syntax = object.meta().transfer_syntax().trim_end_matches('\0');
        let is_little_endian =
            syntax == uids::EXPLICIT_VR_LITTLE_ENDIAN || syntax == uids::IMPLICIT_VR_LITTLE_ENDIAN;
        if !is_little_endian || object.get(tags::PIXEL_DATA).is_some() {
            return Ok(None);
        }
        let path = path.to_owned();
        Self::new(object, Some((InFile { path, from }, length))).map(Some)
    }

    fn new(object: DefaultDicomObject, tail: Option<(InFile, u64)>) -> Result<Self, DecodeError> {
        let (tail, length) = tail.unzip();
        let layout = layout(&object, length)?;
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
        let is_ct = modality.is_some_and(|text| text.trim() == "CT");
        Ok(Self {
            object,
            tail,
            layout,
            instance_uid,
            is_ct,
        })
    }

    pub fn instance_uid(&self) -> &Uid {
        &self.instance_uid
    }

    pub fn frames(&self) -> u32 {
        self.layout.frames
    }

    /// Decodes and rescales one frame, counted from 0.
    pub fn frame(&self, frame: u32) -> Result<Slice, DecodeError> {
        let mut slice = self.outline(frame)?;
        let mut values = vec![0; self.layout.pixels()];
        let doubt = self.decode_into(frame, &mut values)?;
        slice.values = values;
        slice.doubt = slice.doubt.or(doubt);
        Ok(slice)
    }

    /// What the header says of a frame; without values.
    pub fn outline(&self, frame: u32) -> Result<Slice, DecodeError> {
        let frames = self.layout.frames;
        if frame >= frames {
            return Err(DecodeError::NoFrame { frame, frames });
        }
        let (_, calibrated) = self.mapping(frame)?;
        let object = &self.object;
        let measures = tags::PIXEL_MEASURES_SEQUENCE;
        Ok(Slice {
            instance_uid: self.instance_uid.clone(),
            frame,
            rows: self.layout.rows.into(),
            columns: self.layout.columns.into(),
            values: Vec::new(),
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
            mirrored: leads_right(object),
            window: self.window(frame),
            doubt: (self.is_ct && !calibrated).then_some(Doubt::NotCalibrated),
        })
    }

    /// Decodes and rescales one frame into its place, `[row][column]`; says what is wrong with its values.
    pub fn decode_into(&self, frame: u32, out: &mut [i16]) -> Result<Option<Doubt>, DecodeError> {
        let (mapping, _) = self.mapping(frame)?;
        match &self.tail {
            Some(tail) => self.read(tail, frame, out)?,
            None => {
                let words = self.words(frame)?;
                let words = words.iter().map(|word| word.cast_signed());
                out.iter_mut().zip(words).for_each(|(out, word)| *out = word);
            }
        }
        Ok(mapping.apply(out))
    }

    /// The words of one frame that were left in the file, a byte in each where 8 bits are allocated.
    fn read(&self, tail: &InFile, frame: u32, out: &mut [i16]) -> Result<(), DecodeError> {
        let length = self.layout.pixels() * self.layout.bytes();
        let mut read = || {
            let mut file = File::open(&tail.path)?;
            file.seek(SeekFrom::Start(tail.from + u64::from(frame) * length as u64))?;
            if self.layout.bytes() == 2 {
                file.read_exact(bytemuck::cast_slice_mut(out))?;
                out.iter_mut().for_each(|word| *word = i16::from_le(*word));
                return Ok(());
            }
            let mut bytes = vec![0u8; length];
            file.read_exact(&mut bytes)?;
            out.iter_mut()
                .zip(bytes)
                .for_each(|(out, byte)| *out = byte.into());
            Ok(())
        };
        read().map_err(|error: std::io::Error| DecodeError::Decode {
            frame,
            reason: chain(&error),
        })
    }

    /// How stored values become values, and whether the header says so. What it says and is no number is refused: another
    /// scale would give other measurements.
    fn mapping(&self, frame: u32) -> Result<(Mapping, bool), DecodeError> {
        let slope = self.factor(frame, tags::RESCALE_SLOPE, "Rescale Slope")?;
        let intercept = self.factor(frame, tags::RESCALE_INTERCEPT, "Rescale Intercept")?;
        if slope == Some(0.0) {
            return Err(DecodeError::Unsupported {
                name: "Rescale Slope",
                found: "0".into(),
                expected: "another number",
            });
        }
        let factors = [slope.unwrap_or(1.0), intercept.unwrap_or(0.0)];
        let mapping = Mapping::new(self.layout, factors, self.padding(), self.is_ct);
        Ok((mapping, slope.is_some() && intercept.is_some()))
    }

    fn factor(&self, frame: u32, tag: Tag, name: &'static str) -> Result<Option<f64>, DecodeError> {
        let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
        if !groups::states(&self.object, frame, group, tag) {
            return Ok(None);
        }
        let number = groups::numbers(&self.object, frame, group, tag).map(|[number]| number);
        number.map(Some).ok_or(DecodeError::Missing { name })
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

    /// The words of one frame, a byte in each where 8 bits are allocated.
    fn words(&self, frame: u32) -> Result<Cow<'_, [u16]>, DecodeError> {
        match self.native(frame) {
            Some(words) => Ok(words),
            None => self.decoded(frame).map(Cow::Owned),
        }
    }

    /// Of an object that is not compressed, as they lie in it; its length was checked when it was opened.
    fn native(&self, frame: u32) -> Option<Cow<'_, [u16]>> {
        let pixels = self.layout.pixels();
        let from = pixels.checked_mul(usize::try_from(frame).ok()?)?;
        let Value::Primitive(value) = self.object.get(tags::PIXEL_DATA)?.value() else {
            return None;
        };
        match (value, self.layout.bytes()) {
            (PrimitiveValue::U16(words), 2) => words.get(from..from + pixels).map(Cow::Borrowed),
            // Two pixels in a word, the first in its lower half (PS3.5 8.1.1).
            (PrimitiveValue::U16(words), _) => {
                let half = |at: usize| Some((words.get(at / 2)? >> (8 * (at % 2))) & 0xFF);
                (from..from + pixels)
                    .map(half)
                    .collect::<Option<_>>()
                    .map(Cow::Owned)
            }
            (PrimitiveValue::U8(bytes), each) => {
                let part = bytes.get(from * each..(from + pixels) * each)?;
                Some(Cow::Owned(words_of(part, each)))
            }
            _ => None,
        }
    }

    /// Of a compressed object.
    fn decoded(&self, frame: u32) -> Result<Vec<u16>, DecodeError> {
        self.check_stream(frame)?;
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
        let expected = self.layout.pixels() * self.layout.bytes();
        // A frame of an odd number of bytes is padded to an even one.
        if bytes.len() != expected && bytes.len() != expected + expected % 2 {
            return Err(DecodeError::Length {
                found: bytes.len() as u64,
                expected: expected as u64,
            });
        }
        Ok(words_of(&bytes[..expected], self.layout.bytes()))
    }

    /// A stream must state the size of the header, because decoders allocate by it; and one of JPEG-LS must end as it must,
    /// because CharLS runs for seconds over one that was cut.
    fn check_stream(&self, frame: u32) -> Result<(), DecodeError> {
        let syntax = self.object.meta().transfer_syntax().trim_end_matches('\0');
        if !has_codestream(syntax) {
            return Ok(());
        }
        let failed = |reason: String| Err(DecodeError::Decode { frame, reason });
        let stream = self.object.frame_pixel_data(frame).unwrap_or_default();
        let (rows, columns) = (u32::from(self.layout.rows), u32::from(self.layout.columns));
        match codestream::size(&stream) {
            Some(size) if size == [rows, columns] => {}
            Some([found_rows, found_columns]) => {
                return failed(format!(
                    "the stream holds {found_rows} × {found_columns} pixels, the header says {rows} × {columns}"
                ));
            }
            None => return failed("the stream does not state its size".into()),
        }
        let last = &stream[stream.len().saturating_sub(4)..];
        if is_jpeg_ls(syntax) && !last.windows(2).any(|pair| pair == [0xff, 0xd9]) {
            return failed("the JPEG-LS stream has no end".into());
        }
        Ok(())
    }

    /// The stored values that mean "outside the image" (PS3.3 C.7.5.1.1.2).
    fn padding(&self) -> Option<[i32; 2]> {
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
        Some([one.min(other), one.max(other)])
    }
}

/// What the parser gives; a panic of its own is one more error.
pub(super) fn parsed(
    parse: impl FnOnce() -> Result<DefaultDicomObject, dicom_object::ReadError>,
) -> Result<DefaultDicomObject, DecodeError> {
    let object = catch_unwind(AssertUnwindSafe(parse)).map_err(|_| DecodeError::Decode {
        frame: 0,
        reason: "the parser gave up".into(),
    })?;
    object.map_err(|source| DecodeError::Read {
        source: Box::new(source),
    })
}

fn is_jpeg_ls(syntax: &str) -> bool {
    syntax == uids::JPEGLS_LOSSLESS || syntax == uids::JPEGLS_NEAR_LOSSLESS
}

/// The JPEG family, which all lie in one arc (PS3.5 annex A).
fn has_codestream(syntax: &str) -> bool {
    syntax.starts_with("1.2.840.10008.1.2.4.")
}

fn words_of(bytes: &[u8], each: usize) -> Vec<u16> {
    match each {
        1 => bytes.iter().map(|byte| u16::from(*byte)).collect(),
        _ => bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect(),
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

#[cfg(test)]
mod tests;
