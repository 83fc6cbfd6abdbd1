//! The key image: a Secondary Capture with the outline and its warning burned into the pixels. Never the patient's name.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;

use super::canvas::{RgbImage, with_bars};
use super::dataset::DataSet;
use super::modules::{common, date, sop_reference, time};
use super::uids::ObjectKind;
use super::{Context, Object, ReportError, text};

pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

const INK: [u8; 3] = [255, 220, 0];
const MAX_SIDE: usize = 4096;
const SEGMENTATION: Code = Code::new("DCM", "113076", "Segmentation");
const SOURCE_IMAGE: Code = Code::new("DCM", "121322", "Source image for image processing operation");

/// A rendered slice with its outline, and the instance that it shows.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyImage {
    pub instance: Uid,
    pub image: RgbImage,
}

/// The key image as a Part 10 file.
pub fn key_image(context: &Context, key: &KeyImage) -> Result<Object, ReportError> {
    context.check()?;
    check_size(&key.image)?;
    if !context.record.instance_uids.contains(&key.instance) {
        return Err(ReportError::ForeignInstance(key.instance.clone()));
    }
    let model = &context.record.model;
    let above = format!(
        "{} {}: {}",
        model.name,
        model.version,
        text::headline(context.record)
    );
    let below = format!("{}. {}", text::NOT_FOR_DIAGNOSIS, model.disclaimer);
    let drawn = with_bars(&key.image, &above, &below, INK);
    let kind = ObjectKind::KeyImage;
    let description = format!("AI {} key image (not for diagnosis)", model.name);
    let modality = &context.header.source.modality;
    let document = common(context, kind, SECONDARY_CAPTURE, modality, &description)
        .with(capture(context, key))
        .with(pixels(drawn));
    Object::of(context, kind, SECONDARY_CAPTURE, document)
}

fn check_size(image: &RgbImage) -> Result<(), ReportError> {
    let fits = (1..=MAX_SIDE).contains(&image.rows) && (1..=MAX_SIDE).contains(&image.columns);
    if fits && image.data.len() == image.rows * image.columns * 3 {
        return Ok(());
    }
    Err(ReportError::Image {
        rows: image.rows,
        columns: image.columns,
        bytes: image.data.len(),
    })
}

fn capture(context: &Context, key: &KeyImage) -> DataSet {
    let at = context.produced_at();
    let source = &context.header.source;
    let reference = sop_reference(source.sop_class_uid.as_str(), &key.instance)
        .code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, &SOURCE_IMAGE);
    DataSet::new()
        .texts(tags::IMAGE_TYPE, VR::CS, &["DERIVED", "SECONDARY", "OTHER"])
        .text(tags::CONVERSION_TYPE, VR::CS, "WSD")
        .text(tags::DATE_OF_SECONDARY_CAPTURE, VR::DA, &date(at))
        .text(tags::TIME_OF_SECONDARY_CAPTURE, VR::TM, &time(at))
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES")
        .text(tags::RECOGNIZABLE_VISUAL_FEATURES, VR::CS, "NO")
        .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00")
        .text(
            tags::DERIVATION_DESCRIPTION,
            VR::ST,
            "AI overlay, not for diagnostic use",
        )
        .code(tags::DERIVATION_CODE_SEQUENCE, &SEGMENTATION)
        .sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![reference])
        .optional(tags::BODY_PART_EXAMINED, VR::CS, source.body_part.as_deref())
        .with(patient_orientation(source.orientation))
}

fn patient_orientation(cosines: Option<[f64; 6]>) -> DataSet {
    let Some([rx, ry, rz, cx, cy, cz]) = cosines else {
        return DataSet::new().text(tags::PATIENT_ORIENTATION, VR::CS, "");
    };
    let row = direction([rx, ry, rz]);
    let column = direction([cx, cy, cz]);
    DataSet::new().texts(tags::PATIENT_ORIENTATION, VR::CS, &[row, column])
}

/// The anatomical direction that an axis follows most (PS3.3 C.7.6.1.1.1, biped).
fn direction(v: [f64; 3]) -> &'static str {
    let main = (0..3)
        .max_by(|a, b| v[*a].abs().total_cmp(&v[*b].abs()))
        .unwrap_or(0);
    match (main, v[main] >= 0.0) {
        (0, true) => "L",
        (0, false) => "R",
        (1, true) => "P",
        (1, false) => "A",
        (_, true) => "H",
        (_, false) => "F",
    }
}

fn pixels(image: RgbImage) -> DataSet {
    let mut data = image.data;
    if data.len() % 2 == 1 {
        data.push(0);
    }
    DataSet::new()
        .number(tags::SAMPLES_PER_PIXEL, 3)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB")
        .number(tags::PLANAR_CONFIGURATION, 0)
        .number(tags::ROWS, image.rows as u16)
        .number(tags::COLUMNS, image.columns as u16)
        .number(tags::BITS_ALLOCATED, 8)
        .number(tags::BITS_STORED, 8)
        .number(tags::HIGH_BIT, 7)
        .number(tags::PIXEL_REPRESENTATION, 0)
        .bytes(tags::PIXEL_DATA, VR::OB, data)
}
