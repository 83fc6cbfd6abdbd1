//! One element header: tag, VR and length in each of the three encodings. Needs 8 bytes, or 12 for the long form.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::Encoding;

pub(super) const UNDEFINED: u32 = u32::MAX;
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
/// Group of items and delimiters, which have no VR in any encoding.
const STRUCTURE: u16 = 0xFFFE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub tag: Tag,
    /// As written; in implicit encoding `SQ`, `OW` or `UN`, as the dictionary knows the tag.
    pub vr: [u8; 2],
    pub length: u32,
    /// Bytes that the header itself takes.
    pub size: usize,
}

/// Reads a header off the front of `bytes`; `None` while it is not all there.
pub(super) fn read(bytes: &[u8], encoding: Encoding) -> Option<Header> {
    let head: &[u8; 8] = bytes.first_chunk()?;
    let tag = Tag(
        short(encoding, [head[0], head[1]]),
        short(encoding, [head[2], head[3]]),
    );
    if tag.0 == STRUCTURE || encoding == Encoding::ImplicitLittle {
        let length = long(encoding, [head[4], head[5], head[6], head[7]]);
        return Some(Header {
            tag,
            vr: dictionary_vr(tag),
            length,
            size: 8,
        });
    }
    let vr = [head[4], head[5]];
    if !has_long_length(vr) {
        let length = u32::from(short(encoding, [head[6], head[7]]));
        return Some(Header {
            tag,
            vr,
            length,
            size: 8,
        });
    }
    let tail: &[u8; 12] = bytes.first_chunk()?;
    let length = long(encoding, [tail[8], tail[9], tail[10], tail[11]]);
    Some(Header {
        tag,
        vr,
        length,
        size: 12,
    })
}

fn short(encoding: Encoding, bytes: [u8; 2]) -> u16 {
    match encoding {
        Encoding::ExplicitBig => u16::from_be_bytes(bytes),
        Encoding::ImplicitLittle | Encoding::ExplicitLittle => u16::from_le_bytes(bytes),
    }
}

fn long(encoding: Encoding, bytes: [u8; 4]) -> u32 {
    match encoding {
        Encoding::ExplicitBig => u32::from_be_bytes(bytes),
        Encoding::ImplicitLittle | Encoding::ExplicitLittle => u32::from_le_bytes(bytes),
    }
}

/// Two reserved bytes and a length of four (PS3.5 7.1.2). VRs of the future have that form too; two bytes that are no
/// letters at all come from senders that wrote a short length behind them.
fn has_long_length(vr: [u8; 2]) -> bool {
    const SHORT: [&[u8; 2]; 21] = [
        b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH",
        b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
    ];
    vr.iter().all(u8::is_ascii_uppercase) && !SHORT.contains(&&vr)
}

fn dictionary_vr(tag: Tag) -> [u8; 2] {
    let known = StandardDataDictionary
        .by_tag(tag)
        .map(|entry| entry.vr().relaxed());
    match known {
        Some(VR::SQ) => *b"SQ",
        Some(VR::OB | VR::OW) => *b"OW",
        Some(_) | None => *b"UN",
    }
}
