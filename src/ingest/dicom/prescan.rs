//! A walk over the bytes of a data set as they arrive, before any parser that allocates sees them (PS3.5 section 7).
//! It keeps a stack of at most 64 sequences, the few short values that facts are read from, and nothing else;
//! it never trusts a length and never looks at pixels.

mod header;
mod inflate;
mod walk;

use dicom_core::Tag;

use inflate::Inflater;
use walk::Walk;

/// How the elements of a data set are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

impl Encoding {
    /// All transfer syntaxes but three are explicit little endian up to their pixels.
    pub fn of(transfer_syntax: &str) -> Self {
        match transfer_syntax {
            "1.2.840.10008.1.2" => Self::ImplicitLittle,
            "1.2.840.10008.1.2.2" => Self::ExplicitBig,
            _ => Self::ExplicitLittle,
        }
    }
}

/// Deflated Explicit VR Little Endian: the whole data set is one raw deflate stream.
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// Bounds of the walk.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sequences within sequences.
    pub depth: usize,
    pub elements: u64,
    /// Bytes that a deflated data set may grow to, whatever its ratio.
    pub inflated_bytes: u64,
    /// A data set that grows beyond `inflated_bytes` may do so by at most this factor.
    pub inflated_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            elements: 8_000_000,
            inflated_bytes: 512 * 1024 * 1024,
            inflated_ratio: 200,
        }
    }
}

/// A short top-level value as sent, kept for the reading of facts.
#[derive(Clone, PartialEq, Eq)]
pub struct HeadElement {
    pub tag: Tag,
    /// `None` where the value was too long to be kept.
    pub value: Option<Vec<u8>>,
}

/// What a data set that can be walked from end to end holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan {
    pub encoding: Encoding,
    pub head: Vec<HeadElement>,
    pub elements: u64,
    /// Length of the data set, inflated.
    pub bytes: u64,
    pub has_pixels: bool,
}

/// Why a data set cannot be walked. Offsets count from the first byte of the (inflated) data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at offset {offset}{}", in_tag(*.tag))]
pub struct PrescanError {
    pub offset: u64,
    /// The element that is being read, as far as it is known.
    pub tag: Option<Tag>,
    pub problem: Problem,
}

/// The ways in which a data set is malformed. Each says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the data set is empty, expected elements")]
    Empty,
    #[error("the data set ends within an element, expected {missing} more bytes")]
    Truncated { missing: u64 },
    #[error("the data set ends within a sequence, expected its delimiter")]
    Unclosed,
    #[error("a length of {length} bytes, expected at most the {room} that its item or sequence has left")]
    Overrun { length: u64, room: u64 },
    #[error("an undefined length in VR {vr}, expected one only in SQ, UN and encapsulated pixel data")]
    UndefinedLength { vr: String },
    #[error("sequences nested deeper than {limit}")]
    TooDeep { limit: usize },
    #[error("more than {limit} elements")]
    TooManyElements { limit: u64 },
    #[error("an element between items, expected an item or the sequence delimiter")]
    NotAnItem,
    #[error("a delimiter that closes nothing")]
    StrayDelimiter,
    #[error("bytes that are no deflate stream")]
    NotDeflated,
    #[error("deflated data that grows beyond {limit} bytes and by more than {ratio} to 1")]
    Bomb { limit: u64, ratio: u64 },
}

fn in_tag(tag: Option<Tag>) -> String {
    tag.map(|tag| format!(" in ({:04x},{:04x})", tag.0, tag.1))
        .unwrap_or_default()
}

/// The walk, fed piece by piece; any split of the bytes gives the same answer.
pub struct Scanner {
    walk: Walk,
    inflater: Option<Inflater>,
}

impl Scanner {
    pub fn new(transfer_syntax: &str, limits: Limits) -> Self {
        Self {
            walk: Walk::new(Encoding::of(transfer_syntax), limits),
            inflater: (transfer_syntax == DEFLATED).then(|| Inflater::new(limits)),
        }
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), PrescanError> {
        match &mut self.inflater {
            None => self.walk.push(bytes),
            Some(inflater) => inflater.push(bytes, &mut self.walk),
        }
    }

    pub fn finish(self) -> Result<Scan, PrescanError> {
        if let Some(inflater) = &self.inflater {
            inflater.finish(&self.walk)?;
        }
        self.walk.finish()
    }
}

/// Walks a whole data set at once.
pub fn prescan(transfer_syntax: &str, data_set: &[u8], limits: Limits) -> Result<Scan, PrescanError> {
    let mut scanner = Scanner::new(transfer_syntax, limits);
    scanner.push(data_set)?;
    scanner.finish()
}

#[cfg(test)]
mod tests;
