//! The attributes of a chest phantom as a DICOM object of its class, pixels included. Writes no file.

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::super::header::{put, put_identity};
use super::super::identity::PhantomIdentity;
use super::{ChestXray, ImageClass, Photometric, View, Window};

/// All attributes but the two that name the instance.
pub fn attributes(image: &ChestXray, identity: &PhantomIdentity) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    put_identity(&mut object, identity, "1");
    put(&mut object, tags::INSTANCE_NUMBER, VR::IS, "1");
    put_acquisition(&mut object, image);
    put_class(&mut object, image);
    put_window(&mut object, image);
    put_pixels(&mut object, image);
    object
}

fn put_items(object: &mut InMemDicomObject, tag: Tag, items: Vec<InMemDicomObject>) {
    let items = DataSetSequence::new(items, Length::UNDEFINED);
    object.put(DataElement::new(tag, VR::SQ, items));
}

/// What both classes say of the exposure.
fn put_acquisition(object: &mut InMemDicomObject, image: &ChestXray) {
    let view = image.truth.view;
    let position = if view == View::Pa { "PA" } else { "AP" };
    let (kilovolts, source) = (view.kilovolts().to_string(), view.source_mm().to_string());
    for (tag, vr, value) in [
        (tags::MANUFACTURER, VR::LO, "Tocsin"),
        (
            tags::MANUFACTURER_MODEL_NAME,
            VR::LO,
            "Synthetic chest radiograph",
        ),
        (tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION")),
        (tags::BODY_PART_EXAMINED, VR::CS, "CHEST"),
        (tags::VIEW_POSITION, VR::CS, position),
        (tags::PATIENT_ORIENTATION, VR::CS, "L\\F"),
        (tags::KVP, VR::DS, &kilovolts),
        (tags::DISTANCE_SOURCE_TO_DETECTOR, VR::DS, &source),
        (
            tags::GRID,
            VR::CS,
            if view == View::PortableAp {
                "NONE"
            } else {
                "FOCUSED"
            },
        ),
        (
            tags::IMAGE_COMMENTS,
            VR::LT,
            "Synthetic phantom, no person was imaged",
        ),
        (tags::BURNED_IN_ANNOTATION, VR::CS, "NO"),
        (tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00"),
    ] {
        put(object, tag, vr, value);
    }
}

/// What only one class says.
fn put_class(object: &mut InMemDicomObject, image: &ChestXray) {
    match image.header.class {
        ImageClass::Cr => {
            put(object, tags::MODALITY, VR::CS, "CR");
            put(object, tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY");
            put(object, tags::PLATE_TYPE, VR::SH, "STORAGE PHOSPHOR");
        }
        ImageClass::Dx => put_digital(object, image.header.photometric),
    }
}

fn put_digital(object: &mut InMemDicomObject, photometric: Photometric) {
    let (shape, sign) = match photometric {
        Photometric::Monochrome1 => ("INVERSE", 1_i16),
        Photometric::Monochrome2 => ("IDENTITY", -1),
    };
    for (tag, vr, value) in [
        (tags::MODALITY, VR::CS, "DX"),
        (tags::PRESENTATION_INTENT_TYPE, VR::CS, "FOR PRESENTATION"),
        (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY"),
        (tags::IMAGE_LATERALITY, VR::CS, "U"),
        (tags::DETECTOR_TYPE, VR::CS, "SCINTILLATOR"),
        (tags::POSITIONER_TYPE, VR::CS, ""),
        (tags::PIXEL_INTENSITY_RELATIONSHIP, VR::CS, "LOG"),
        (tags::PRESENTATION_LUT_SHAPE, VR::CS, shape),
        (tags::RESCALE_INTERCEPT, VR::DS, "0"),
        (tags::RESCALE_SLOPE, VR::DS, "1"),
        (tags::RESCALE_TYPE, VR::LO, "US"),
    ] {
        put(object, tag, vr, value);
    }
    object.put(DataElement::new(
        tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
        VR::SS,
        PrimitiveValue::from(sign),
    ));
    let region = InMemDicomObject::from_element_iter(
        [
            (tags::CODE_VALUE, VR::SH, "51185008"),
            (tags::CODING_SCHEME_DESIGNATOR, VR::SH, "SCT"),
            (tags::CODE_MEANING, VR::LO, "Chest"),
        ]
        .map(|(tag, vr, value)| DataElement::new(tag, vr, PrimitiveValue::from(value))),
    );
    put_items(object, tags::ANATOMIC_REGION_SEQUENCE, vec![region]);
    put_items(object, tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
}

fn put_window(object: &mut InMemDicomObject, image: &ChestXray) {
    let header = &image.header;
    put(
        object,
        tags::WINDOW_CENTER,
        VR::DS,
        &header.window_center().to_string(),
    );
    put(object, tags::WINDOW_WIDTH, VR::DS, &header.width.to_string());
    let function = match header.window {
        Window::Linear { stated: false } => return,
        Window::Linear { stated: true } => "LINEAR",
        Window::Sigmoid => "SIGMOID",
    };
    put(object, tags::VOILUT_FUNCTION, VR::CS, function);
}

fn put_pixels(object: &mut InMemDicomObject, image: &ChestXray) {
    let header = &image.header;
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, image.rows as u16),
        (tags::COLUMNS, image.columns as u16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, header.bits),
        (tags::HIGH_BIT, header.bits - 1),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }
    let photometric = match header.photometric {
        Photometric::Monochrome1 => "MONOCHROME1",
        Photometric::Monochrome2 => "MONOCHROME2",
    };
    put(object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric);
    let [row, column] = image.truth.pixel_spacing_mm;
    let spacing = format!("{row}\\{column}");
    put(object, tags::IMAGER_PIXEL_SPACING, VR::DS, &spacing);
    if header.pixel_spacing {
        put(object, tags::PIXEL_SPACING, VR::DS, &spacing);
    }
    object.put(DataElement::new(
        tags::PIXEL_DATA,
        VR::OW,
        PrimitiveValue::U16(image.pixels.clone().into()),
    ));
}
