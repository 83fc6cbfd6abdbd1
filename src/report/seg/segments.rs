//! What each segment is, and who made it (PS3.3 C.8.20.2 and C.8.20.4).

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::frames::Frame;
use super::{Context, DataSet, Segment};
use crate::dataset::coded;
use crate::{sr_codes as dcm, text, uids};

/// The segments that have frames, and the words about them.
pub(super) fn module(context: &Context, frames: &[Frame]) -> DataSet {
    let mut described: Vec<DataSet> = Vec::new();
    for frame in frames {
        if usize::from(frame.number) > described.len() {
            let segment = &context.record.explanation.segments[frame.bit];
            described.push(segment_item(context, segment, frame.number));
        }
    }
    let model = &context.record.model;
    let words = format!(
        "AI {} {}, not for diagnostic use, {}",
        model.name,
        model.version,
        text::standing(context.record)
    );
    DataSet::new()
        .text(tags::CONTENT_LABEL, VR::CS, "AI_SEGMENTATION")
        .label(tags::CONTENT_DESCRIPTION, VR::LO, &words)
        .text(tags::CONTENT_CREATOR_NAME, VR::PN, "")
        .text(tags::CONTENT_QUALIFICATION, VR::CS, "RESEARCH")
        .sequence(tags::SEGMENT_SEQUENCE, described)
}

fn segment_item(context: &Context, segment: &Segment, number: u16) -> DataSet {
    let record = context.record;
    let finding = segment.finding.and_then(|place| record.findings.get(place));
    let item = DataSet::new()
        .number(tags::SEGMENT_NUMBER, number)
        .label(tags::SEGMENT_LABEL, VR::LO, &segment.property.display)
        .label(tags::SEGMENT_DESCRIPTION, VR::ST, &segment.class)
        .text(tags::SEGMENT_ALGORITHM_TYPE, VR::CS, "AUTOMATIC")
        .label(tags::SEGMENT_ALGORITHM_NAME, VR::LO, &record.model.name)
        .sequence(
            tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
            vec![algorithm(context)],
        )
        .code(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, &segment.category)
        .code(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, &segment.property);
    let Some(finding) = finding else { return item };
    // The same as of the finding in the report, so that one is found from the other.
    let tracking = uids::tracking(&context.header.study_uid, &record.model, &[&finding.code.code]);
    item.sequence(tags::ANATOMIC_REGION_SEQUENCE, vec![coded(&finding.site)])
        .label(
            tags::TRACKING_ID,
            VR::UT,
            &format!("{}, whole study", finding.code.display),
        )
        .uid(tags::TRACKING_UID, &tracking)
}

fn algorithm(context: &Context) -> DataSet {
    let model = &context.record.model;
    DataSet::new()
        .code(
            tags::ALGORITHM_FAMILY_CODE_SEQUENCE,
            &dcm::ARTIFICIAL_INTELLIGENCE,
        )
        .label(tags::ALGORITHM_NAME, VR::LO, &model.name)
        .label(tags::ALGORITHM_VERSION, VR::LO, &model.version)
        .text(
            tags::ALGORITHM_PARAMETERS,
            VR::LT,
            &format!("model_sha256={}", model.sha256),
        )
        .label(tags::ALGORITHM_SOURCE, VR::LO, &model.manufacturer)
}
