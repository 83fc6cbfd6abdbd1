//! Data sets that are no instances: identifiers of queries, attribute lists of normalized services. Small, so that they are
//! held in memory; walked under limits before they are parsed.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};

use super::prescan::{Limits, PrescanError, prescan};
use crate::deliver::dicom::association::IMPLICIT_LITTLE;

/// Longest that is taken: a list of some twenty thousand instances.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Why bytes are no such data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmallError {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("malformed: {0}")]
    Malformed(PrescanError),
    // What the parser says may quote a value.
    #[error("its elements cannot be read")]
    Unreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("longer than {limit} bytes")]
pub struct TooLong {
    pub limit: usize,
}

/// Bounds of the walk for a data set of at most so many bytes.
fn bounds(bytes: usize) -> Limits {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Limits {
        depth: 16,
        // No element is shorter than its tag and length.
        elements: bytes / 8,
        inflated_bytes: bytes,
        inflated_ratio: 1,
    }
}

/// # Errors
/// Bytes that are no data set in this encoding, one of the two without compression.
pub fn decode(bytes: &[u8], transfer_syntax: &str) -> Result<InMemDicomObject, SmallError> {
    prescan(transfer_syntax, bytes, bounds(bytes.len())).map_err(SmallError::Malformed)?;
    let syntax = match transfer_syntax {
        IMPLICIT_LITTLE => IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        _ => EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    InMemDicomObject::read_dataset_with_ts(bytes, &syntax).map_err(|_| SmallError::Unreadable)
}

/// `None` for values that have no encoding, which ours have.
pub fn encode(object: &InMemDicomObject, transfer_syntax: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    let syntax = match transfer_syntax {
        IMPLICIT_LITTLE => IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        _ => EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    object.write_dataset_with_ts(&mut bytes, &syntax).ok()?;
    Some(bytes)
}

/// Sets a value; an empty text is an empty value.
pub fn put(to: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    let value = match value {
        "" => PrimitiveValue::Empty,
        text => PrimitiveValue::from(text),
    };
    to.put(DataElement::new(tag, vr, value));
}

/// A value without its padding; `None` where it is absent, empty or no text.
pub fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let value = object.element_opt(tag).ok().flatten()?.to_str().ok()?;
    let value = value.trim_matches(['\0', ' ']).replace('\0', "");
    (!value.is_empty()).then_some(value)
}
