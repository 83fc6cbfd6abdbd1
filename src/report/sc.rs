//! Key images: Secondary Captures of the slices that show a finding best, with what the policy lets be drawn on them and the
//! warning burned into the pixels. Never the patient's name.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use tocsin_domain::code::Code;
use tocsin_domain::explanation::MAX_KEY_IMAGES;
use tocsin_domain::ids::Uid;

use super::canvas::{RgbImage, with_bars};
use super::dataset::DataSet;
use super::modules::{common, date, sop_reference, time};
use super::uids::{ObjectKind, ObjectUids};
use super::{Context, Object, ReportError, text};

pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

const INK: [u8; 3] = [255, 220, 0];
const MAX_SIDE: usize = 4096;
const SEGMENTATION: Code = Code::new("DCM", "113076", "Segmentation");
pub(crate) const SOURCE_IMAGE: Code =
    Code::new("DCM", "121322", "Source image for image processing operation");

/// A rendered slice, and what it shows.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyImage {
    pub instance: Uid,
    /// Of its instance, 1-based; none of an instance with a single frame.
    pub frame_number: Option<u32>,
    /// Place among the key images of the result, 0-based.
    pub place: usize,
    pub image: RgbImage,
    pub drawn: Drawn,
}

/// What lies over the pixels of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    Nothing,
    Outline,
    HeatMap,
}

impl Drawn {
    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "Key slice chosen by AI, not for diagnostic use",
            Self::Outline => "AI overlay, not for diagnostic use",
            Self::HeatMap => "AI heat map, not for diagnostic use",
        }
    }
}

/// The key image as a Part 10 file.
///
/// # Errors
/// `NotShown` where the policy lets no pictures be shown, or no marks and there are some.
pub fn key_image(context: &Context, key: &KeyImage) -> Result<Object, ReportError> {
    context.check()?;
    check_policy(context, key.drawn)?;
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
    let below = format!("{}. {}", text::stamp(context.record), model.disclaimer);
    let drawn = with_bars(&key.image, &above, &below, INK);
    let kind = ObjectKind::KeyImage;
    let description = format!("AI {} key image (not for diagnosis)", model.name);
    let modality = &context.header.source.modality;
    let (study, record) = (&context.header.study_uid, context.record);
    let uids = ObjectUids::of_key_image(key.place, study, model, record.id);
    let number = (context.revision.saturating_sub(1) as usize) * MAX_KEY_IMAGES + key.place + 1;
    let document = common(context, kind, SECONDARY_CAPTURE, modality, &description)
        .uid(tags::SOP_INSTANCE_UID, &uids.instance)
        .text(tags::INSTANCE_NUMBER, VR::IS, &number.to_string())
        .with(capture(context, key))
        .with(pixels(drawn));
    let object = Object::of(context, kind, SECONDARY_CAPTURE, document)?;
    Ok(Object { uids, ..object })
}

fn check_policy(context: &Context, drawn: Drawn) -> Result<(), ReportError> {
    let policy = context.record.model.display_policy;
    let allowed = match drawn {
        Drawn::Nothing => policy.shows_pictures(),
        Drawn::Outline | Drawn::HeatMap => policy.shows_marks(),
    };
    if allowed {
        Ok(())
    } else {
        Err(ReportError::NotShown)
    }
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
    let frame = key.frame_number.map(|number| number.to_string());
    let reference = sop_reference(source.sop_class_uid.as_str(), &key.instance)
        .optional(tags::REFERENCED_FRAME_NUMBER, VR::IS, frame.as_deref())
        .code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, &SOURCE_IMAGE);
    let derivation = match key.drawn {
        Drawn::Outline => DataSet::new().code(tags::DERIVATION_CODE_SEQUENCE, &SEGMENTATION),
        Drawn::Nothing | Drawn::HeatMap => DataSet::new(),
    };
    derivation
        .texts(tags::IMAGE_TYPE, VR::CS, &["DERIVED", "SECONDARY", "OTHER"])
        .text(tags::CONVERSION_TYPE, VR::CS, "WSD")
        .text(tags::DATE_OF_SECONDARY_CAPTURE, VR::DA, &date(at))
        .text(tags::TIME_OF_SECONDARY_CAPTURE, VR::TM, &time(at))
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES")
        .text(tags::RECOGNIZABLE_VISUAL_FEATURES, VR::CS, "NO")
        .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00")
        .text(tags::DERIVATION_DESCRIPTION, VR::ST, key.drawn.words())
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
