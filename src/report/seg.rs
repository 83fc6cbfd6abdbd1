//! The segmentation: a binary Segmentation object (PS3.3 A.51) of what a model marked, one segment a class, on the grid of the
//! images that were read. Only frames that hold something are in it. Adds nothing to the mask and measures nothing.

mod frames;
mod segments;
#[cfg(test)]
mod tests;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use tocsin_domain::code::Code;
use tocsin_domain::explanation::Segment;

use self::frames::{Frame, per_frame, shared};
use super::dataset::DataSet;
use super::modules::{common, sop_reference};
use super::uids::ObjectKind;
use super::{Context, Object, ReportError, uids};

pub const SEGMENTATION_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.66.4";

/// Bytes of packed frames that one object holds at most: a thousand slices of 1024 × 1024 with two classes.
const MAX_BYTES: usize = 256 << 20;
const SEGMENTATION: Code = Code::new("DCM", "113076", "Segmentation");

/// A mask as it lies on the images that were read.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkedSlices {
    pub rows: usize,
    pub columns: usize,
    /// Where the slices lie in the patient; none of projections, whose frames only correspond pixel by pixel.
    pub placed: Option<Placed>,
    /// Slices that hold anything, in the order in which they were read.
    pub slices: Vec<MarkedSlice>,
}

/// What all slices share.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Distance between rows and between columns, mm.
    pub pixel_spacing: [f64; 2],
    /// Direction cosines of a row and of a column.
    pub orientation: [f64; 6],
    /// As the images state it, mm.
    pub slice_thickness: Option<f64>,
    /// Between neighbours along the normal, mm; none where the distances differ.
    pub slice_spacing: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MarkedSlice {
    /// Place among the slices that were read.
    pub slice: usize,
    /// Of its instance, 1-based; none of an instance with a single frame.
    pub frame_number: Option<u32>,
    /// Patient coordinates (LPS) of the first voxel, mm.
    pub origin: [f64; 3],
    /// `[row][column]`; bit n is the segment n of the record.
    pub voxels: Vec<u8>,
}

/// The segmentation as a Part 10 file.
///
/// # Errors
/// `NotShown` where the policy or the operating point keeps it back, `NothingMarked` of an empty mask, `MarksTooLarge`, and
/// `Shape` where the mask is not what it says of itself.
pub fn segmentation(context: &Context, marks: &MarkedSlices) -> Result<Object, ReportError> {
    context.check()?;
    if !context.record.sends_segmentation() {
        return Err(ReportError::NotShown);
    }
    check(context, marks)?;
    let frames = frames_of(context, marks);
    if frames.is_empty() {
        return Err(ReportError::NothingMarked);
    }
    let kind = ObjectKind::Segmentation;
    let model = &context.record.model;
    let description = format!("AI {} segmentation (not for diagnosis)", model.name);
    let body = common(context, kind, SEGMENTATION_STORAGE, "SEG", &description)
        .with(image(marks, &frames))
        .with(segments::module(context, &frames))
        .with(dimensions(context, marks))
        .with(source(context, marks))
        .sequence(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared(marks)])
        .sequence(
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            per_frame(context, marks, &frames),
        );
    Object::of(context, kind, SEGMENTATION_STORAGE, body)
}

fn check(context: &Context, marks: &MarkedSlices) -> Result<(), ReportError> {
    let plane = marks.rows * marks.columns;
    let sides = [marks.rows, marks.columns];
    let known = context.record.instance_uids.len();
    let sound = |slice: &MarkedSlice| slice.voxels.len() == plane && slice.slice < known;
    if sides
        .iter()
        .any(|side| !(1..=usize::from(u16::MAX)).contains(side))
    {
        return Err(ReportError::Shape);
    }
    let segments = context.record.explanation.segments.len();
    let bytes = plane.div_ceil(8).saturating_mul(marks.slices.len() * segments);
    if bytes > MAX_BYTES {
        return Err(ReportError::MarksTooLarge { bytes });
    }
    match marks.slices.iter().all(sound) {
        true => Ok(()),
        false => Err(ReportError::Shape),
    }
}

/// Segment by segment, slice by slice, those with anything in them. Segments that no slice holds take no number.
fn frames_of<'m>(context: &Context, marks: &'m MarkedSlices) -> Vec<Frame<'m>> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut number = 0;
    for (bit, segment) in context.record.explanation.segments.iter().enumerate() {
        if segment.rejected {
            continue;
        }
        let holds = |slice: &&MarkedSlice| slice.voxels.iter().any(|voxel| voxel >> bit & 1 == 1);
        let held: Vec<&MarkedSlice> = marks.slices.iter().filter(holds).collect();
        number += u16::from(!held.is_empty());
        frames.extend(held.into_iter().map(|slice| Frame { slice, bit, number }));
    }
    frames
}

fn image(marks: &MarkedSlices, frames: &[Frame]) -> DataSet {
    let image = match marks.placed {
        Some(_) => DataSet::new(),
        // Required where no position says it, and not known (type 2C).
        None => DataSet::new().text(tags::PATIENT_ORIENTATION, VR::CS, ""),
    };
    image
        .texts(tags::IMAGE_TYPE, VR::CS, &["DERIVED", "PRIMARY"])
        .number(tags::SAMPLES_PER_PIXEL, 1)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &frames.len().to_string())
        .number(tags::ROWS, marks.rows as u16)
        .number(tags::COLUMNS, marks.columns as u16)
        .number(tags::BITS_ALLOCATED, 1)
        .number(tags::BITS_STORED, 1)
        .number(tags::HIGH_BIT, 0)
        .number(tags::PIXEL_REPRESENTATION, 0)
        .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00")
        .text(tags::SEGMENTATION_TYPE, VR::CS, "BINARY")
        .text(tags::SEGMENTS_OVERLAP, VR::CS, "UNDEFINED")
        .bytes(tags::PIXEL_DATA, VR::OB, packed(marks, frames))
}

/// One bit a pixel, frame after frame without a gap, the first pixel in the lowest bit (PS3.5 8.1.1).
fn packed(marks: &MarkedSlices, frames: &[Frame]) -> Vec<u8> {
    let plane = marks.rows * marks.columns;
    let bytes = (frames.len() * plane).div_ceil(8);
    let mut packed = vec![0u8; bytes.next_multiple_of(2)];
    for (place, frame) in frames.iter().enumerate() {
        for (pixel, voxel) in frame.slice.voxels.iter().enumerate() {
            let at = place * plane + pixel;
            packed[at / 8] |= (voxel >> frame.bit & 1) << (at % 8);
        }
    }
    packed
}

/// Frames are found by their segment, and by their place where they have one.
fn dimensions(context: &Context, marks: &MarkedSlices) -> DataSet {
    let organisation = uids::dimensions(context.record.id);
    let index = |pointer, group, label: &str| {
        DataSet::new()
            .uid(tags::DIMENSION_ORGANIZATION_UID, &organisation)
            .pointer(tags::DIMENSION_INDEX_POINTER, pointer)
            .pointer(tags::FUNCTIONAL_GROUP_POINTER, group)
            .text(tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label)
    };
    let mut indices = vec![index(
        tags::REFERENCED_SEGMENT_NUMBER,
        tags::SEGMENT_IDENTIFICATION_SEQUENCE,
        "Segment Number",
    )];
    if marks.placed.is_some() {
        indices.push(index(
            tags::IMAGE_POSITION_PATIENT,
            tags::PLANE_POSITION_SEQUENCE,
            "Image Position Patient",
        ));
    }
    let organisations = vec![DataSet::new().uid(tags::DIMENSION_ORGANIZATION_UID, &organisation)];
    DataSet::new()
        .sequence(tags::DIMENSION_ORGANIZATION_SEQUENCE, organisations)
        .sequence(tags::DIMENSION_INDEX_SEQUENCE, indices)
}

/// The frame of reference, and every instance that a frame refers to.
fn source(context: &Context, marks: &MarkedSlices) -> DataSet {
    let (record, source) = (context.record, &context.header.source);
    let mut instances: Vec<DataSet> = Vec::new();
    let mut last = None;
    for uid in marks
        .slices
        .iter()
        .map(|slice| &record.instance_uids[slice.slice])
    {
        // The frames of one instance lie one after another.
        if last != Some(uid) {
            instances.push(sop_reference(source.sop_class_uid.as_str(), uid));
        }
        last = Some(uid);
    }
    let series = DataSet::new()
        .uid(tags::SERIES_INSTANCE_UID, &record.series_uid)
        .sequence(tags::REFERENCED_INSTANCE_SEQUENCE, instances);
    let frame = source
        .frame_of_reference_uid
        .as_ref()
        .filter(|_| marks.placed.is_some());
    let frame = frame.map(|uid| {
        DataSet::new().uid(tags::FRAME_OF_REFERENCE_UID, uid).text(
            tags::POSITION_REFERENCE_INDICATOR,
            VR::LO,
            "",
        )
    });
    DataSet::new()
        .sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series])
        .with(frame.unwrap_or_else(DataSet::new))
}
