//! What stands before the pixels of a stored object, without reading them: as JSON, or one value of it. And the whole object in
//! explicit little endian, for those who cannot read implicit.

use std::path::Path;

use dicom_core::Tag;
use dicom_core::value::Value as Held;
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, OpenFileOptions};
use dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN;
use serde_json::{Map, Value};
use tocsin_domain::dicomweb::accept::EXPLICIT_LITTLE;
use tocsin_domain::ids::Uid;
use tocsin_domain::part10::FileMeta;

use super::decode::{DecodeError, parsed};
use super::json::{self, Address};

pub struct Header {
    object: InMemDicomObject,
}

impl Header {
    /// Blocking.
    ///
    /// # Errors
    /// A file that is not there, or cannot be parsed up to its pixels.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        let object = parsed(|| {
            OpenFileOptions::new()
                .read_until(tags::PIXEL_DATA)
                .open_file(path)
        })?;
        Ok(Self {
            object: object.into_inner(),
        })
    }

    pub fn to_json(&self, bulk: Address<'_>) -> Map<String, Value> {
        json::data_set(&self.object, bulk)
    }

    /// The bytes of a binary value, by its path.
    pub fn value(&self, path: &str) -> Option<Vec<u8>> {
        let mut at = &self.object;
        let mut parts = path.split('.');
        loop {
            let element = at.get(tag(parts.next()?)?)?;
            match (element.value(), parts.next()) {
                (Held::Primitive(value), None) => return Some(value.to_bytes().into_owned()),
                (Held::Sequence(sequence), Some(number)) => {
                    at = sequence.items().get(number.parse::<usize>().ok()?)?;
                }
                (Held::Primitive(_) | Held::Sequence(_) | Held::PixelSequence(_), _) => return None,
            }
        }
    }
}

/// `00282000`.
pub fn tag(text: &str) -> Option<Tag> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let number = u32::from_str_radix(text, 16).ok().filter(|_| digits)?;
    Some(Tag((number >> 16) as u16, (number & 0xFFFF) as u16))
}

/// The DICOM file with its data set in explicit little endian. Blocking, and the whole object in memory.
///
/// # Errors
/// A file that cannot be parsed.
pub fn in_explicit_little(path: &Path) -> Result<Vec<u8>, DecodeError> {
    let object = parsed(|| OpenFileOptions::new().open_file(path))?;
    let meta = object.meta();
    let uid = |text: &str, name| {
        Uid::parse(text.trim_end_matches(['\0', ' '])).map_err(|_| DecodeError::Missing { name })
    };
    let head = FileMeta {
        sop_class: uid(meta.media_storage_sop_class_uid(), "SOP Class UID")?,
        sop_instance: uid(meta.media_storage_sop_instance_uid(), "SOP Instance UID")?,
        transfer_syntax: uid(EXPLICIT_LITTLE, "transfer syntax")?,
        source_ae: None,
    };
    let mut bytes = head.to_bytes();
    object
        .write_dataset_with_ts(&mut bytes, &EXPLICIT_VR_LITTLE_ENDIAN.erased())
        .map_err(|error| DecodeError::Decode {
            frame: 0,
            reason: error.to_string(),
        })?;
    Ok(bytes)
}
