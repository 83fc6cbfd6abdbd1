//! The head of a DICOM file (PS3.10 section 7): preamble, prefix and file meta group.
//! Writes it with a zeroed preamble and finds where the data set begins; never looks into the data set.

use crate::ids::Uid;

/// This product as a DICOM implementation, in file meta groups and in association negotiation (PS3.7 D.3.3.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.274109586403381927465018273645546372819";
/// At most 16 characters.
pub const IMPLEMENTATION_VERSION_NAME: &str = "TOCSIN_0_1";

const PREAMBLE_BYTES: usize = 128;
const PREFIX: &[u8; 4] = b"DICM";
/// A file meta group longer than this is not one.
const MAX_META_BYTES: usize = 64 * 1024;

/// What a file meta group says of the data set behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMeta {
    pub sop_class: Uid,
    pub sop_instance: Uid,
    pub transfer_syntax: Uid,
    /// AE title the object came from, (0002,0016).
    pub source_ae: Option<String>,
}

/// Why bytes are not the head of a DICOM file. Offsets count from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    #[error("no DICM prefix at offset 128")]
    NoPrefix,
    #[error("the file meta group breaks off at offset {offset}")]
    Truncated { offset: usize },
    #[error("the file meta group is longer than {MAX_META_BYTES} bytes")]
    TooLong,
    #[error("(0002,{element:04x}) is missing or not a UID in the file meta group")]
    Uid { element: u16 },
}

impl FileMeta {
    /// Preamble of zeros, prefix and group 2 in explicit VR little endian, ready for the data set to follow.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut group = Vec::with_capacity(384);
        put(&mut group, 0x0001, b"OB", &[0, 1]);
        put(&mut group, 0x0002, b"UI", self.sop_class.as_str().as_bytes());
        put(&mut group, 0x0003, b"UI", self.sop_instance.as_str().as_bytes());
        put(
            &mut group,
            0x0010,
            b"UI",
            self.transfer_syntax.as_str().as_bytes(),
        );
        put(&mut group, 0x0012, b"UI", IMPLEMENTATION_CLASS_UID.as_bytes());
        put(&mut group, 0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.as_bytes());
        if let Some(ae) = &self.source_ae {
            put(&mut group, 0x0016, b"AE", ae.as_bytes());
        }
        let mut file = vec![0; PREAMBLE_BYTES];
        file.extend_from_slice(PREFIX);
        let length = u32::try_from(group.len()).unwrap_or(u32::MAX);
        put(&mut file, 0x0000, b"UL", &length.to_le_bytes());
        file.extend_from_slice(&group);
        file
    }

    /// Reads the head of a file and tells at which offset the data set begins. `head` may end anywhere behind it.
    pub fn read(head: &[u8]) -> Result<(Self, usize), MetaError> {
        if head.get(PREAMBLE_BYTES..PREAMBLE_BYTES + 4) != Some(PREFIX) {
            return Err(MetaError::NoPrefix);
        }
        let (mut class, mut instance, mut syntax, mut source) = (None, None, None, None);
        let mut offset = PREAMBLE_BYTES + PREFIX.len();
        let mut end = None;
        while end.map_or(head.get(offset..offset + 2) == Some(&[2, 0]), |end| offset < end) {
            let element = Element::at(head, offset)?;
            match element.number {
                // The data set may begin with anything, so where the group says how long it is, that decides.
                0x0000 => end = element.length_after(),
                0x0002 => class = element.uid(),
                0x0003 => instance = element.uid(),
                0x0010 => syntax = element.uid(),
                0x0016 => source = element.text(),
                _ => {}
            }
            offset = element.end;
            if offset > MAX_META_BYTES {
                return Err(MetaError::TooLong);
            }
        }
        let meta = Self {
            sop_class: class.ok_or(MetaError::Uid { element: 0x0002 })?,
            sop_instance: instance.ok_or(MetaError::Uid { element: 0x0003 })?,
            transfer_syntax: syntax.ok_or(MetaError::Uid { element: 0x0010 })?,
            source_ae: source,
        };
        Ok((meta, offset))
    }
}

/// One element of group 2, explicit VR little endian.
struct Element<'a> {
    number: u16,
    value: &'a [u8],
    end: usize,
}

impl<'a> Element<'a> {
    fn at(head: &'a [u8], offset: usize) -> Result<Self, MetaError> {
        let truncated = MetaError::Truncated { offset };
        let header = head.get(offset..offset + 8).ok_or(truncated.clone())?;
        let long = matches!(
            &header[4..6],
            b"OB" | b"OW" | b"UN" | b"SQ" | b"UT" | b"UC" | b"UR"
        );
        let (start, length) = if long {
            let bytes = head.get(offset + 8..offset + 12).ok_or(truncated.clone())?;
            (offset + 12, le32(bytes))
        } else {
            (
                offset + 8,
                usize::from(u16::from_le_bytes([header[6], header[7]])),
            )
        };
        let end = start.checked_add(length).ok_or(truncated.clone())?;
        let value = head.get(start..end).ok_or(truncated)?;
        let number = u16::from_le_bytes([header[2], header[3]]);
        Ok(Self { number, value, end })
    }

    /// Of a group length: where the group ends.
    fn length_after(&self) -> Option<usize> {
        let length = <[u8; 4]>::try_from(self.value).ok().map(u32::from_le_bytes)?;
        self.end.checked_add(usize::try_from(length).ok()?)
    }

    fn text(&self) -> Option<String> {
        let text = std::str::from_utf8(self.value).ok()?.trim_matches(['\0', ' ']);
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn uid(&self) -> Option<Uid> {
        Uid::parse(std::str::from_utf8(self.value).ok()?).ok()
    }
}

fn le32(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

fn put(to: &mut Vec<u8>, element: u16, vr: &[u8; 2], value: &[u8]) {
    let padded = value.len() + value.len() % 2;
    to.extend_from_slice(&[2, 0]);
    to.extend_from_slice(&element.to_le_bytes());
    to.extend_from_slice(vr);
    if vr == b"OB" {
        to.extend_from_slice(&[0, 0]);
        to.extend_from_slice(&u32::try_from(padded).unwrap_or(u32::MAX).to_le_bytes());
    } else {
        to.extend_from_slice(&u16::try_from(padded).unwrap_or(u16::MAX).to_le_bytes());
    }
    to.extend_from_slice(value);
    if padded > value.len() {
        to.push(if vr == b"UI" { 0 } else { b' ' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> FileMeta {
        FileMeta {
            sop_class: Uid::parse("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            sop_instance: Uid::parse("1.2.3.4").unwrap(),
            transfer_syntax: Uid::parse("1.2.840.10008.1.2.1").unwrap(),
            source_ae: Some("CT1".into()),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_the_preamble_is_zero() {
        let mut file = meta().to_bytes();
        let head = file.len();
        assert!(file[..128].iter().all(|b| *b == 0));
        file.extend_from_slice(&[2, 0, 2, 0]);
        assert_eq!(FileMeta::read(&file), Ok((meta(), head)));
    }

    #[test]
    fn a_head_cut_anywhere_is_never_taken_for_the_whole_one() {
        let file = meta().to_bytes();
        for cut in 0..file.len() {
            assert_ne!(
                FileMeta::read(&file[..cut]),
                Ok((meta(), file.len())),
                "cut at {cut}"
            );
        }
    }
}
