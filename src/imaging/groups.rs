//! Values of one frame: in an enhanced object they lie in functional groups, per frame or shared (PS3.3 C.7.6.16), in a plain
//! one at the top. Reads only; what is absent or of another type is `None`.

use dicom_core::Tag;
use dicom_core::header::HasLength;
use dicom_core::value::Value;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, InMemDicomObject};

/// The numbers of `tag` for frame `frame`, of which `N` are expected.
pub fn numbers<const N: usize>(
    object: &DefaultDicomObject,
    frame: u32,
    group: Tag,
    tag: Tag,
) -> Option<[f64; N]> {
    let in_group = |set: &InMemDicomObject| {
        let item = items(set, group)?.first()?;
        read(item, tag)
    };
    per_frame(object, frame)
        .and_then(in_group)
        .or_else(|| shared(object).and_then(in_group))
        .or_else(|| read(object, tag))
}

/// Whether `tag` has any value for frame `frame`, of whatever kind.
pub fn states(object: &DefaultDicomObject, frame: u32, group: Tag, tag: Tag) -> bool {
    let has = |set: &InMemDicomObject| set.get(tag).is_some_and(|element| !element.is_empty());
    let in_group =
        |set: &InMemDicomObject| items(set, group).and_then(|items| items.first()).is_some_and(has);
    per_frame(object, frame).is_some_and(in_group) || shared(object).is_some_and(in_group) || has(object)
}

/// The numbers of a top-level attribute.
pub fn read<const N: usize>(set: &InMemDicomObject, tag: Tag) -> Option<[f64; N]> {
    let values = set.get(tag)?.to_multi_float64().ok()?;
    let values: [f64; N] = values.try_into().ok()?;
    values.iter().all(|value| value.is_finite()).then_some(values)
}

fn per_frame(object: &DefaultDicomObject, frame: u32) -> Option<&InMemDicomObject> {
    items(object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)?.get(usize::try_from(frame).ok()?)
}

fn shared(object: &DefaultDicomObject) -> Option<&InMemDicomObject> {
    items(object, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)?.first()
}

fn items(set: &InMemDicomObject, tag: Tag) -> Option<&[InMemDicomObject]> {
    match set.get(tag)?.value() {
        Value::Sequence(sequence) => Some(sequence.items()),
        Value::Primitive(_) | Value::PixelSequence(_) => None,
    }
}
