//! The functional groups of a segmentation (PS3.3 A.51.5): what all frames share, and of each frame its segment, its place and
//! the image it was derived from.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::{Context, DataSet, MarkedSlice, MarkedSlices, SEGMENTATION};
use crate::dataset::exact;
use crate::modules::sop_reference;
use crate::sc::SOURCE_IMAGE;

/// One segment on one slice.
pub(super) struct Frame<'m> {
    pub slice: &'m MarkedSlice,
    /// Place among the segments of the record.
    pub bit: usize,
    /// Of the segment in this object, 1-based.
    pub number: u16,
}

pub(super) fn shared(marks: &MarkedSlices) -> DataSet {
    let Some(placed) = &marks.placed else {
        return DataSet::new();
    };
    let spacing = placed.pixel_spacing.map(exact);
    let cosines = placed.orientation.map(exact);
    let mm = |value: Option<f64>| value.map(exact);
    let measures = DataSet::new()
        .texts(
            tags::PIXEL_SPACING,
            VR::DS,
            &spacing.each_ref().map(String::as_str),
        )
        .optional(
            tags::SLICE_THICKNESS,
            VR::DS,
            mm(placed.slice_thickness.or(placed.slice_spacing)).as_deref(),
        )
        .optional(
            tags::SPACING_BETWEEN_SLICES,
            VR::DS,
            mm(placed.slice_spacing).as_deref(),
        );
    let orientation = DataSet::new().texts(
        tags::IMAGE_ORIENTATION_PATIENT,
        VR::DS,
        &cosines.each_ref().map(String::as_str),
    );
    DataSet::new()
        .sequence(tags::PIXEL_MEASURES_SEQUENCE, vec![measures])
        .sequence(tags::PLANE_ORIENTATION_SEQUENCE, vec![orientation])
}

pub(super) fn per_frame(context: &Context, marks: &MarkedSlices, frames: &[Frame]) -> Vec<DataSet> {
    let one = |frame: &Frame| {
        let segment = DataSet::new().number(tags::REFERENCED_SEGMENT_NUMBER, frame.number);
        let item = DataSet::new()
            .sequence(tags::SEGMENT_IDENTIFICATION_SEQUENCE, vec![segment])
            .sequence(tags::DERIVATION_IMAGE_SEQUENCE, vec![derivation(context, frame)]);
        let number = u32::from(frame.number);
        if marks.placed.is_none() {
            return item.sequence(tags::FRAME_CONTENT_SEQUENCE, vec![content(&[number])]);
        }
        let origin = frame.slice.origin.map(exact);
        let position = DataSet::new().texts(
            tags::IMAGE_POSITION_PATIENT,
            VR::DS,
            &origin.each_ref().map(String::as_str),
        );
        item.sequence(
            tags::FRAME_CONTENT_SEQUENCE,
            vec![content(&[number, place(marks, frame)])],
        )
        .sequence(tags::PLANE_POSITION_SEQUENCE, vec![position])
    };
    frames.iter().map(one).collect()
}

fn content(indices: &[u32]) -> DataSet {
    DataSet::new().longs(tags::DIMENSION_INDEX_VALUES, indices)
}

/// 1-based, among the slices that hold anything.
fn place(marks: &MarkedSlices, frame: &Frame) -> u32 {
    let before = marks
        .slices
        .iter()
        .take_while(|slice| slice.slice < frame.slice.slice);
    before.count() as u32 + 1
}

fn derivation(context: &Context, frame: &Frame) -> DataSet {
    let instance = &context.record.instance_uids[frame.slice.slice];
    let source = sop_reference(context.header.source.sop_class_uid.as_str(), instance)
        .optional(
            tags::REFERENCED_FRAME_NUMBER,
            VR::IS,
            frame
                .slice
                .frame_number
                .map(|number| number.to_string())
                .as_deref(),
        )
        .text(tags::SPATIAL_LOCATIONS_PRESERVED, VR::CS, "YES")
        .code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, &SOURCE_IMAGE);
    DataSet::new()
        .code(tags::DERIVATION_CODE_SEQUENCE, &SEGMENTATION)
        .sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![source])
}
