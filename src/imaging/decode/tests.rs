//! Objects whose headers or streams lie: each is refused by name, before anything is allocated for what it promises.

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use super::*;

/// A CT slice of 4 × 4 with these elements on top; an element without a value is left out.
fn object(changes: &[(Tag, VR, &str)]) -> InMemDicomObject {
    let number = |tag, value: u16| DataElement::new(tag, VR::US, PrimitiveValue::from(value));
    let text = |tag, vr, value: &str| DataElement::new(tag, vr, PrimitiveValue::from(value));
    let mut object = InMemDicomObject::from_element_iter([
        text(tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE),
        text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3"),
        text(tags::MODALITY, VR::CS, "CT"),
        number(tags::SAMPLES_PER_PIXEL, 1),
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        number(tags::ROWS, 4),
        number(tags::COLUMNS, 4),
        number(tags::BITS_ALLOCATED, 16),
        number(tags::BITS_STORED, 16),
        number(tags::HIGH_BIT, 15),
        number(tags::PIXEL_REPRESENTATION, 0),
        text(tags::RESCALE_SLOPE, VR::DS, "1"),
        text(tags::RESCALE_INTERCEPT, VR::DS, "-1024"),
        DataElement::new(
            tags::PIXEL_DATA,
            VR::OW,
            PrimitiveValue::U16((1000..1016).collect()),
        ),
    ]);
    for (tag, vr, value) in changes {
        match value.parse::<u16>() {
            _ if value.is_empty() => {
                object.remove_element(*tag);
            }
            Ok(value) if *vr == VR::US => {
                object.put(number(*tag, value));
            }
            Ok(_) | Err(_) => {
                object.put(text(*tag, *vr, value));
            }
        }
    }
    object
}

fn opened(object: InMemDicomObject, syntax: &str) -> Result<Image, DecodeError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("one.dcm");
    let meta = FileMetaTableBuilder::new().transfer_syntax(syntax);
    let file = object.with_meta(meta).expect("meta");
    file.write_to_file(&path).expect("file");
    Image::open(&path)
}

fn first(changes: &[(Tag, VR, &str)]) -> Result<Slice, DecodeError> {
    opened(object(changes), uids::EXPLICIT_VR_LITTLE_ENDIAN)?.frame(0)
}

#[test]
fn a_plain_slice_is_in_hounsfield_units() {
    let slice = first(&[]).expect("a slice");
    assert_eq!(slice.values, (-24..-8).collect::<Vec<i16>>());
    assert_eq!(slice.doubt, None);
}

#[test]
fn a_scale_that_is_no_number_is_refused_and_a_missing_one_is_noted() {
    for bad in ["NaN", "inf", "x", "1\\2"] {
        for (tag, name) in [
            (tags::RESCALE_SLOPE, "Rescale Slope"),
            (tags::RESCALE_INTERCEPT, "Rescale Intercept"),
        ] {
            let said = first(&[(tag, VR::DS, bad)]).map_err(|error| error.to_string());
            assert_eq!(said, Err(format!("{name} is missing or not a number")), "{bad}");
        }
    }
    let zero = first(&[(tags::RESCALE_SLOPE, VR::DS, "0.0")]);
    assert!(matches!(
        zero,
        Err(DecodeError::Unsupported {
            name: "Rescale Slope",
            ..
        })
    ));
    let without = [(tags::RESCALE_INTERCEPT, VR::DS, "")];
    assert_eq!(
        first(&without).expect("a slice").doubt,
        Some(Doubt::NotCalibrated)
    );
    let radiograph = [without[0], (tags::MODALITY, VR::CS, "DX")];
    assert_eq!(first(&radiograph).expect("a slice").doubt, None);
}

#[test]
fn sizes_that_lie_are_refused() {
    for (tag, vr, value, says) in [
        (tags::ROWS, VR::US, "0", "Rows or Columns is 0"),
        (
            tags::COLUMNS,
            VR::US,
            "5",
            "Pixel Data holds 32 bytes, the header says 40",
        ),
        (tags::ROWS, VR::US, "65535", "Pixel Data holds 32 bytes"),
        (tags::BITS_ALLOCATED, VR::US, "1", "Bits Allocated is 1"),
        (tags::BITS_ALLOCATED, VR::US, "64", "Bits Allocated is 64"),
        (tags::BITS_STORED, VR::US, "0", "Bits Stored is 0"),
        (tags::HIGH_BIT, VR::US, "16", "High Bit is 16"),
        (tags::NUMBER_OF_FRAMES, VR::IS, "4000000000", "are more than"),
        (
            tags::NUMBER_OF_FRAMES,
            VR::IS,
            "-1",
            "Number of Frames is missing",
        ),
        (
            tags::NUMBER_OF_FRAMES,
            VR::IS,
            "2",
            "Pixel Data holds 32 bytes, the header says 64",
        ),
    ] {
        let said = first(&[(tag, vr, value)]).map_or_else(|error| error.to_string(), |_| "a slice".into());
        assert!(said.contains(says), "{tag} {value}: {said}, not {says}");
    }
}

/// A frame in one fragment, in a transfer syntax of the JPEG family.
fn compressed(stream: Vec<u8>, syntax: &str) -> Result<Slice, DecodeError> {
    let mut object = object(&[]);
    let fragments = dicom_core::value::PixelFragmentSequence::new_fragments(vec![stream]);
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
    opened(object, syntax)?.frame(0)
}

#[test]
fn a_stream_that_promises_another_size_than_the_header_is_never_decoded() {
    let sof = |marker: u8| {
        [
            &[0xFF, 0xD8, 0xFF, marker, 0, 11, 16][..],
            &[0xFF, 0xF0, 0xFF, 0xF0, 1, 1, 0x11, 0],
        ]
        .concat()
    };
    let siz = [60_000u32, 60_000, 0, 0].map(u32::to_be_bytes).concat();
    let j2k = [&[0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0][..], &siz].concat();
    for (stream, syntax, size) in [
        (sof(0xC0), uids::JPEG_BASELINE8_BIT, "65520 × 65520"),
        (sof(0xC3), uids::JPEG_LOSSLESS_SV1, "65520 × 65520"),
        (sof(0xF7), uids::JPEGLS_LOSSLESS, "65520 × 65520"),
        (j2k, uids::JPEG2000_LOSSLESS, "60000 × 60000"),
    ] {
        let said = compressed(stream, syntax).map_err(|error| error.to_string());
        let says =
            format!("frame 0 cannot be decoded: the stream holds {size} pixels, the header says 4 × 4");
        assert_eq!(said, Err(says), "{syntax}");
    }
}

#[test]
fn a_stream_that_is_cut_or_noise_is_an_error() {
    let head = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 4, 0, 4, 1, 1, 0x11, 0];
    for syntax in [
        uids::JPEG_BASELINE8_BIT,
        uids::JPEG_LOSSLESS_SV1,
        uids::JPEGLS_LOSSLESS,
        uids::JPEG2000,
    ] {
        for stream in [head.to_vec(), head[..6].to_vec(), vec![7; 64], Vec::new()] {
            let length = stream.len();
            assert!(
                matches!(
                    compressed(stream, syntax),
                    Err(DecodeError::Decode { frame: 0, .. } | DecodeError::Read { .. })
                ),
                "{syntax}, {length} bytes"
            );
        }
    }
}

#[test]
fn bytes_and_words_of_eight_bits_are_the_same_pixels() {
    let eight = |value: PrimitiveValue, vr: VR| {
        let mut object = object(&[
            (tags::BITS_ALLOCATED, VR::US, "8"),
            (tags::BITS_STORED, VR::US, "8"),
            (tags::HIGH_BIT, VR::US, "7"),
            (tags::ROWS, VR::US, "3"),
            (tags::COLUMNS, VR::US, "1"),
            (tags::RESCALE_INTERCEPT, VR::DS, "0"),
        ]);
        object.put(DataElement::new(tags::PIXEL_DATA, vr, value));
        let image = opened(object, uids::EXPLICIT_VR_LITTLE_ENDIAN).expect("an image");
        image.frame(0).expect("a frame").values
    };
    assert_eq!(
        eight(PrimitiveValue::U8(vec![1, 2, 253, 0].into()), VR::OB),
        [1, 2, 253]
    );
    assert_eq!(
        eight(PrimitiveValue::U16(vec![0x0201, 0x00FD].into()), VR::OW),
        [1, 2, 253]
    );
}
