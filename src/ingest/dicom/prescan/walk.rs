//! The state of the walk between two pieces: where it is, which sequences are open, how much of a value is left to skip.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::header::{self, Header, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED};
use super::{Encoding, HeadElement, Limits, PrescanError, Problem, Scan};
use crate::ingest::dicom::facts;

/// A value longer than this says nothing that a fact needs.
const MAX_HEAD_VALUE: u32 = 4096;
/// The longest header.
const MAX_HEADER: usize = 12;

/// Something open whose end is still to come.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Offset of its end; `None` until a delimiter says so.
    end: Option<u64>,
    /// How what is inside is encoded.
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sequence,
    Item,
    /// Encapsulated pixel data: items that are plain bytes.
    Fragments,
}

pub(super) struct Walk {
    limits: Limits,
    encoding: Encoding,
    offset: u64,
    frames: Vec<Frame>,
    sequences: usize,
    /// Bytes of a header that is not complete yet.
    carry: Vec<u8>,
    /// Bytes of the current value still to come.
    skip: u64,
    /// The current value is kept: it is the last of `head`.
    keeping: bool,
    tag: Option<Tag>,
    head: Vec<HeadElement>,
    elements: u64,
    has_pixels: bool,
}

impl Walk {
    pub(super) fn new(encoding: Encoding, limits: Limits) -> Self {
        Self {
            limits,
            encoding,
            offset: 0,
            frames: Vec::new(),
            sequences: 0,
            carry: Vec::with_capacity(MAX_HEADER),
            skip: 0,
            keeping: false,
            tag: None,
            head: Vec::new(),
            elements: 0,
            has_pixels: false,
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), PrescanError> {
        while !bytes.is_empty() {
            bytes = if self.skip > 0 {
                self.pass_value(bytes)
            } else {
                self.take_header(bytes)?
            };
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Scan, PrescanError> {
        if self.skip > 0 {
            return Err(self.error(Problem::Truncated { missing: self.skip }));
        }
        self.close_finished();
        if !self.frames.is_empty() {
            return Err(self.error(Problem::Unclosed));
        }
        // Some senders pad what they send: a few zero bytes behind the last element, or anything behind the pixels.
        if !self.has_pixels && self.carry.iter().any(|byte| *byte != 0) {
            let missing = u64::try_from(8_usize.saturating_sub(self.carry.len()).max(1)).unwrap_or(1);
            return Err(self.error(Problem::Truncated { missing }));
        }
        if self.elements == 0 {
            return Err(self.error(Problem::Empty));
        }
        Ok(Scan {
            encoding: self.encoding,
            head: self.head,
            elements: self.elements,
            bytes: self.offset,
            has_pixels: self.has_pixels,
        })
    }

    pub(super) fn error(&self, problem: Problem) -> PrescanError {
        PrescanError {
            offset: self.offset,
            tag: self.tag,
            problem,
        }
    }

    /// Skips or keeps as much of the current value as is here.
    fn pass_value<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        let (value, rest) = bytes.split_at(here);
        if self.keeping
            && let Some(kept) = self.head.last_mut().and_then(|element| element.value.as_mut())
        {
            kept.extend_from_slice(value);
        }
        self.advance(here);
        self.skip -= u64::try_from(here).unwrap_or(self.skip);
        self.keeping &= self.skip > 0;
        rest
    }

    /// Completes the next header, if it is all here, and opens or skips what it announces.
    fn take_header<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], PrescanError> {
        self.close_finished();
        let encoding = self.frames.last().map_or(self.encoding, |frame| frame.encoding);
        let carried = self.carry.len();
        let taken = MAX_HEADER.saturating_sub(carried).min(bytes.len());
        self.carry.extend_from_slice(&bytes[..taken]);
        let Some(header) = header::read(&self.carry, encoding) else {
            return Ok(&bytes[taken..]);
        };
        self.carry.clear();
        self.tag = Some(header.tag);
        self.begin(header, encoding)?;
        Ok(&bytes[header.size.saturating_sub(carried)..])
    }

    fn begin(&mut self, header: Header, encoding: Encoding) -> Result<(), PrescanError> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(self.error(Problem::TooManyElements {
                limit: self.limits.elements,
            }));
        }
        self.check_room(&header)?;
        self.advance(header.size);
        match self.frames.last().map(|frame| frame.kind) {
            Some(Kind::Sequence) => self.begin_item(header, encoding),
            Some(Kind::Fragments) => self.begin_fragment(header),
            Some(Kind::Item) | None => self.begin_element(header, encoding),
        }
    }

    /// Neither a header nor its value may reach beyond what the item or sequence around it has left.
    fn check_room(&self, header: &Header) -> Result<(), PrescanError> {
        let Some(end) = self.frames.iter().rev().find_map(|frame| frame.end) else {
            return Ok(());
        };
        let size = u64::try_from(header.size).unwrap_or(u64::MAX);
        let length = if header.length == UNDEFINED {
            0
        } else {
            u64::from(header.length)
        };
        let left = end.saturating_sub(self.offset);
        if size.saturating_add(length) > left {
            return Err(self.error(Problem::Overrun {
                length,
                room: left.saturating_sub(size),
            }));
        }
        Ok(())
    }

    fn begin_item(&mut self, header: Header, encoding: Encoding) -> Result<(), PrescanError> {
        match header.tag {
            ITEM => {
                self.frames.push(Frame {
                    kind: Kind::Item,
                    end: self.end_of(&header),
                    encoding,
                });
                Ok(())
            }
            SEQUENCE_END => {
                self.pop();
                Ok(())
            }
            _ => Err(self.error(Problem::NotAnItem)),
        }
    }

    fn begin_fragment(&mut self, header: Header) -> Result<(), PrescanError> {
        match header.tag {
            ITEM if header.length != UNDEFINED => {
                self.skip = u64::from(header.length);
                Ok(())
            }
            SEQUENCE_END => {
                self.pop();
                Ok(())
            }
            _ => Err(self.error(Problem::NotAnItem)),
        }
    }

    fn begin_element(&mut self, header: Header, encoding: Encoding) -> Result<(), PrescanError> {
        match header.tag {
            ITEM_END => return self.close_item(),
            ITEM | SEQUENCE_END => return Err(self.error(Problem::StrayDelimiter)),
            _ => {}
        }
        self.has_pixels |= self.frames.is_empty() && is_pixels(header.tag);
        match (&header.vr, header.length) {
            (b"SQ", _) => self.open_sequence(&header, encoding),
            // In implicit encoding, and in an unknown element of undefined length, only a sequence can follow
            // (PS3.5 6.2.2 and 7.5).
            (b"UN", UNDEFINED) => self.open_sequence(&header, Encoding::ImplicitLittle),
            (b"OB" | b"OW", UNDEFINED) => {
                self.frames.push(Frame {
                    kind: Kind::Fragments,
                    end: None,
                    encoding,
                });
                Ok(())
            }
            (vr, UNDEFINED) => {
                let vr = String::from_utf8_lossy(vr).into_owned();
                Err(self.error(Problem::UndefinedLength { vr }))
            }
            (_, length) => {
                self.keep(header.tag, length);
                self.skip = u64::from(length);
                Ok(())
            }
        }
    }

    fn open_sequence(&mut self, header: &Header, encoding: Encoding) -> Result<(), PrescanError> {
        if self.sequences >= self.limits.depth {
            return Err(self.error(Problem::TooDeep {
                limit: self.limits.depth,
            }));
        }
        self.sequences += 1;
        self.frames.push(Frame {
            kind: Kind::Sequence,
            end: self.end_of(header),
            encoding,
        });
        Ok(())
    }

    /// Keeps the value of a top-level element that a fact is read from; of a repeated one the first.
    fn keep(&mut self, tag: Tag, length: u32) {
        let known = self.head.iter().any(|element| element.tag == tag);
        if !self.frames.is_empty() || known || !facts::is_wanted(tag) {
            return;
        }
        self.keeping = length > 0 && length <= MAX_HEAD_VALUE;
        let value = (length <= MAX_HEAD_VALUE).then(Vec::new);
        self.head.push(HeadElement { tag, value });
    }

    /// The end of what a header opens; the header itself is behind already.
    fn end_of(&self, header: &Header) -> Option<u64> {
        (header.length != UNDEFINED).then(|| self.offset.saturating_add(u64::from(header.length)))
    }

    /// Closes items and sequences of known length that end here.
    fn close_finished(&mut self) {
        while self
            .frames
            .last()
            .is_some_and(|frame| frame.end == Some(self.offset))
        {
            self.pop();
        }
    }

    /// An item delimiter. One behind the pixels closes nothing and harms nothing: archives take it too.
    fn close_item(&mut self) -> Result<(), PrescanError> {
        match self.frames.last() {
            None if self.has_pixels => Ok(()),
            Some(Frame { kind: Kind::Item, .. }) => {
                self.pop();
                Ok(())
            }
            Some(_) | None => Err(self.error(Problem::StrayDelimiter)),
        }
    }

    fn pop(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.sequences -= usize::from(frame.kind == Kind::Sequence);
        }
    }

    fn advance(&mut self, by: usize) {
        self.offset = self.offset.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
    }
}

fn is_pixels(tag: Tag) -> bool {
    [
        tags::PIXEL_DATA,
        tags::FLOAT_PIXEL_DATA,
        tags::DOUBLE_FLOAT_PIXEL_DATA,
    ]
    .contains(&tag)
}
