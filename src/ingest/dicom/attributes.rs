//! Attributes of a data set that a service cannot do without: they are read, or the refusal names them.

use dicom_core::Tag;
use dicom_core::dictionary::DataDictionary;
use dicom_dictionary_std::StandardDataDictionary;
use dicom_object::InMemDicomObject;
use tocsin_domain::dimse;
use tocsin_domain::ids::Uid;

use super::small::text;

/// Why a data set is not taken. Carries no value: it may name a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    #[error("{} is missing", name(*.0))]
    Missing(Tag),
    #[error("{} is empty", name(*.0))]
    Empty(Tag),
    #[error("{}: expected {expected}", name(*.tag))]
    Invalid { tag: Tag, expected: &'static str },
}

impl AttributeError {
    /// PS3.7 annex C.
    pub fn status(self) -> u16 {
        match self {
            Self::Missing(_) => dimse::STATUS_MISSING_ATTRIBUTE,
            Self::Empty(_) => dimse::STATUS_MISSING_ATTRIBUTE_VALUE,
            Self::Invalid { .. } => dimse::STATUS_INVALID_ATTRIBUTE_VALUE,
        }
    }
}

/// `(0040,0241) PerformedStationAETitle`, which leaves room in the 64 characters of an error comment.
fn name(tag: Tag) -> String {
    let keyword = StandardDataDictionary.by_tag(tag).map_or("", |entry| entry.alias);
    format!("({:04x},{:04x}) {keyword}", tag.0, tag.1)
}

pub fn has(object: &InMemDicomObject, tag: Tag) -> bool {
    object.element_opt(tag).ok().flatten().is_some()
}

/// The items of a sequence; none where it is absent, empty or no sequence.
pub fn items(object: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    let element = object.element_opt(tag).ok().flatten();
    element.and_then(|element| element.items()).unwrap_or_default()
}

/// A value that must be there.
pub fn need_text(object: &InMemDicomObject, tag: Tag) -> Result<String, AttributeError> {
    match text(object, tag) {
        Some(value) => Ok(value),
        None if has(object, tag) => Err(AttributeError::Empty(tag)),
        None => Err(AttributeError::Missing(tag)),
    }
}

pub fn need_uid(object: &InMemDicomObject, tag: Tag) -> Result<Uid, AttributeError> {
    let expected = "a UID";
    Uid::parse(&need_text(object, tag)?).map_err(|_| AttributeError::Invalid { tag, expected })
}

/// A sequence that must have an item.
pub fn need_items(object: &InMemDicomObject, tag: Tag) -> Result<&[InMemDicomObject], AttributeError> {
    match items(object, tag) {
        [] if has(object, tag) => Err(AttributeError::Empty(tag)),
        [] => Err(AttributeError::Missing(tag)),
        items => Ok(items),
    }
}

#[cfg(test)]
mod tests {
    use dicom_core::VR;
    use dicom_dictionary_std::tags;

    use super::super::small::put;
    use super::*;

    #[test]
    fn a_refusal_names_the_attribute_within_an_error_comment() {
        let mut object = InMemDicomObject::new_empty();
        let tag = tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE;
        let missing = need_items(&object, tag).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "(0008,1111) ReferencedPerformedProcedureStepSequence is missing"
        );
        assert!(missing.to_string().len() <= 64);
        assert_eq!(missing.status(), 0x0120);
        put(&mut object, tags::STUDY_INSTANCE_UID, VR::UI, "");
        let empty = need_uid(&object, tags::STUDY_INSTANCE_UID).unwrap_err();
        assert_eq!(empty.status(), 0x0121);
        put(&mut object, tags::STUDY_INSTANCE_UID, VR::UI, "../etc");
        let wrong = need_uid(&object, tags::STUDY_INSTANCE_UID).unwrap_err();
        assert_eq!(
            (wrong.status(), wrong.to_string().as_str()),
            (0x0106, "(0020,000d) StudyInstanceUID: expected a UID")
        );
    }
}
