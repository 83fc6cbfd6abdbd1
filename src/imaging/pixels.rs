//! Where the frames of a stored object lie in its file: found by walking over the headers of its elements, so that a frame can be
//! handed out without reading the others. Decodes nothing; a file that lies about a length gives an error.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use dicom_core::Tag;
use dicom_dictionary_std::{tags, uids};
use tocsin_domain::part10::FileMeta;

/// The file meta group ends within so many bytes.
const MAX_META: u64 = 64 << 10;
const MAX_DEPTH: usize = 64;
const MAX_FRAGMENTS: usize = 1 << 20;
/// Numbers, and tables of offsets.
const MAX_KEPT: u64 = 8 << 20;
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
/// VRs whose length has four bytes, after two that are reserved (PS3.5 7.1.2).
const LONG: [&[u8; 2]; 13] = [
    b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV",
];

#[derive(Debug, thiserror::Error)]
pub enum PixelsError {
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    #[error("not a DICOM file")]
    NotDicom,
    #[error("frames of this transfer syntax cannot be told apart without decoding")]
    Encoding,
    #[error("the object has no Pixel Data")]
    None,
    #[error("the file breaks off, or its elements do not fit into it")]
    Malformed,
}

/// Bytes of a file: from where, and how many.
pub type Range = (u64, u64);

/// The pixels of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub transfer_syntax: String,
    pub frames: u32,
    layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    Native {
        from: u64,
        length: u64,
        frame_bits: u64,
    },
    /// Fragments without their headers; the offsets of those that begin a frame, from the first fragment's header.
    Fragments {
        all: Vec<Range>,
        starts: Vec<u64>,
    },
}

impl Pixels {
    /// Blocking; reads headers only.
    ///
    /// # Errors
    /// A file without pixels, or whose elements do not lead to them.
    pub fn find(path: &Path) -> Result<Self, PixelsError> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut head = Vec::with_capacity(512);
        (&mut file).take(512).read_to_end(&mut head)?;
        let (meta, start) = match FileMeta::read(&head) {
            Ok(found) => found,
            Err(_) => {
                (&mut file).take(MAX_META).read_to_end(&mut head)?;
                FileMeta::read(&head).map_err(|_| PixelsError::NotDicom)?
            }
        };
        let syntax = meta.transfer_syntax.to_string();
        if syntax == BIG_ENDIAN || syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
            return Err(PixelsError::Encoding);
        }
        let at = start as u64;
        file.seek(SeekFrom::Start(at))?;
        let mut walk = Walk {
            file: BufReader::new(file),
            at,
            size,
        };
        walk.until_pixels(&syntax)
    }

    /// Where a frame lies, counted from 0; more than one range where it was cut into fragments.
    pub fn frame(&self, number: u32) -> Option<Vec<Range>> {
        if number >= self.frames {
            return None;
        }
        let number = u64::from(number);
        match &self.layout {
            Layout::Native {
                from,
                length,
                frame_bits,
            } => {
                let (start, bits) = (number.checked_mul(*frame_bits)?, *frame_bits);
                // Frames of single bits follow each other without padding; one that begins within a byte is no range.
                let whole = start % 8 == 0 && (bits % 8 == 0 || self.frames == 1);
                let (start, bytes) = (start / 8, bits.div_ceil(8));
                let fits = whole && start.checked_add(bytes)? <= *length;
                fits.then(|| vec![(from + start, bytes)])
            }
            Layout::Fragments { all, .. } if self.frames == 1 => Some(all.clone()),
            Layout::Fragments { all, starts } if starts.len() == self.frames as usize => {
                let first = all.first()?.0;
                let begins = |range: &Range| range.0 - first;
                let number = usize::try_from(number).ok()?;
                let (from, to) = (*starts.get(number)?, starts.get(number + 1).copied());
                let own = all
                    .iter()
                    .filter(|range| begins(range) >= from && to.is_none_or(|to| begins(range) < to));
                let own: Vec<Range> = own.copied().collect();
                (!own.is_empty()).then_some(own)
            }
            Layout::Fragments { all, .. } if all.len() == self.frames as usize => {
                Some(vec![*all.get(usize::try_from(number).ok()?)?])
            }
            Layout::Fragments { .. } => None,
        }
    }

    /// All of them, where they are not compressed.
    pub fn native(&self) -> Option<Range> {
        match &self.layout {
            Layout::Native { from, length, .. } => Some((*from, *length)),
            Layout::Fragments { .. } => None,
        }
    }
}

struct Element {
    tag: Tag,
    vr: Option<[u8; 2]>,
    length: u32,
}

/// What the header says that frames are cut by.
#[derive(Default)]
struct Said {
    rows: u64,
    columns: u64,
    samples: u64,
    allocated: u64,
    frames: u32,
    offsets: Vec<u64>,
}

struct Walk {
    file: BufReader<File>,
    at: u64,
    size: u64,
}

impl Walk {
    fn until_pixels(&mut self, syntax: &str) -> Result<Pixels, PixelsError> {
        let explicit = syntax != uids::IMPLICIT_VR_LITTLE_ENDIAN;
        let mut said = Said {
            samples: 1,
            frames: 1,
            ..Said::default()
        };
        loop {
            if self.at >= self.size {
                return Err(PixelsError::None);
            }
            let element = self.element(explicit)?;
            match element.tag {
                tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA => {
                    let layout = self.layout(&element, &said)?;
                    return Ok(Pixels {
                        transfer_syntax: syntax.to_owned(),
                        frames: said.frames,
                        layout,
                    });
                }
                tag if is_said(tag) && element.length != UNDEFINED => {
                    let value = self.value(u64::from(element.length))?;
                    said.take(tag, &value);
                }
                _ => self.skip(&element, explicit, 0)?,
            }
        }
    }

    fn layout(&mut self, element: &Element, said: &Said) -> Result<Layout, PixelsError> {
        if element.length == UNDEFINED {
            return self.fragments(said);
        }
        let (from, length) = (self.at, u64::from(element.length));
        self.must_hold(length)?;
        let bits = [said.columns, said.samples, said.allocated];
        let frame_bits = bits
            .iter()
            .try_fold(said.rows, |product, n| product.checked_mul(*n));
        Ok(Layout::Native {
            from,
            length,
            frame_bits: frame_bits
                .filter(|bits| *bits > 0)
                .ok_or(PixelsError::Malformed)?,
        })
    }

    fn fragments(&mut self, said: &Said) -> Result<Layout, PixelsError> {
        let mut all = Vec::new();
        let table = self.element(false)?;
        if table.tag != ITEM {
            return Err(PixelsError::Malformed);
        }
        let table = self.value(u64::from(table.length))?;
        let mut starts: Vec<u64> = table.chunks_exact(4).map(number).collect();
        if starts.is_empty() {
            starts.clone_from(&said.offsets);
        }
        loop {
            let item = self.element(false)?;
            match item.tag {
                SEQUENCE_END => return Ok(Layout::Fragments { all, starts }),
                ITEM if item.length != UNDEFINED && all.len() < MAX_FRAGMENTS => {
                    all.push((self.at, u64::from(item.length)));
                    self.pass(u64::from(item.length))?;
                }
                _ => return Err(PixelsError::Malformed),
            }
        }
    }

    fn skip(&mut self, element: &Element, explicit: bool, depth: usize) -> Result<(), PixelsError> {
        if element.length != UNDEFINED {
            return self.pass(u64::from(element.length));
        }
        if depth >= MAX_DEPTH {
            return Err(PixelsError::Malformed);
        }
        // Within an unknown element of undefined length all is implicit (PS3.5 6.2.2).
        let explicit = explicit && element.vr != Some(*b"UN");
        loop {
            let item = self.element(false)?;
            match item.tag {
                SEQUENCE_END => return Ok(()),
                ITEM if item.length == UNDEFINED => self.skip_item(explicit, depth)?,
                ITEM => self.pass(u64::from(item.length))?,
                _ => return Err(PixelsError::Malformed),
            }
        }
    }

    fn skip_item(&mut self, explicit: bool, depth: usize) -> Result<(), PixelsError> {
        loop {
            let element = self.element(explicit)?;
            if element.tag == ITEM_END {
                return Ok(());
            }
            self.skip(&element, explicit, depth + 1)?;
        }
    }

    fn element(&mut self, explicit: bool) -> Result<Element, PixelsError> {
        let head = self.read::<8>()?;
        let tag = Tag(
            u16::from_le_bytes([head[0], head[1]]),
            u16::from_le_bytes([head[2], head[3]]),
        );
        let plain = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if !explicit || tag.0 == ITEM.0 {
            return Ok(Element {
                tag,
                vr: None,
                length: plain,
            });
        }
        let vr = [head[4], head[5]];
        let length = match LONG.contains(&&vr) {
            true => u32::from_le_bytes(self.read::<4>()?),
            false => u32::from(u16::from_le_bytes([head[6], head[7]])),
        };
        Ok(Element {
            tag,
            vr: Some(vr),
            length,
        })
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], PixelsError> {
        self.must_hold(N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn value(&mut self, length: u64) -> Result<Vec<u8>, PixelsError> {
        self.must_hold(length)?;
        if length > MAX_KEPT {
            return Err(PixelsError::Malformed);
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact(&mut bytes)?;
        self.at += length;
        Ok(bytes)
    }

    fn pass(&mut self, length: u64) -> Result<(), PixelsError> {
        self.must_hold(length)?;
        self.file
            .seek_relative(i64::try_from(length).map_err(|_| PixelsError::Malformed)?)?;
        self.at += length;
        Ok(())
    }

    fn must_hold(&self, length: u64) -> Result<(), PixelsError> {
        let end = self.at.checked_add(length).ok_or(PixelsError::Malformed)?;
        match end <= self.size {
            true => Ok(()),
            false => Err(PixelsError::Malformed),
        }
    }
}

fn is_said(tag: Tag) -> bool {
    matches!(
        tag,
        tags::SAMPLES_PER_PIXEL
            | tags::NUMBER_OF_FRAMES
            | tags::ROWS
            | tags::COLUMNS
            | tags::BITS_ALLOCATED
            | tags::EXTENDED_OFFSET_TABLE
    )
}

impl Said {
    fn take(&mut self, tag: Tag, value: &[u8]) {
        match tag {
            tags::SAMPLES_PER_PIXEL => self.samples = number(value),
            tags::ROWS => self.rows = number(value),
            tags::COLUMNS => self.columns = number(value),
            tags::BITS_ALLOCATED => self.allocated = number(value),
            tags::NUMBER_OF_FRAMES => {
                let text = String::from_utf8_lossy(value);
                let text = text.trim_matches(['\0', ' ']);
                self.frames = text.parse().ok().filter(|frames| *frames > 0).unwrap_or(1);
            }
            tags::EXTENDED_OFFSET_TABLE => {
                self.offsets = value.chunks_exact(8).map(number).collect();
            }
            _ => {}
        }
    }
}

/// Little endian, of 2, 4 or 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    let eight = bytes.iter().take(8).rev();
    eight.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
