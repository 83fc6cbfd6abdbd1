//! Real objects in every transfer syntax: lossless ones give the pixels of the uncompressed original, lossy ones come close,
//! broken ones say what is wrong.

use std::path::Path;

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::open_file;
use tocsin::imaging::decode::{DecodeError, Image, Slice};

use super::shared::shared;

fn slice(path: &Path) -> Slice {
    let folder = tempfile::tempdir().expect("folder");
    let copy = folder.path().join("copy.dcm");
    std::fs::write(&copy, without_sender(std::fs::read(path).expect("read"))).expect("write");
    let image = Image::open(&copy).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    image
        .frame(0)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Some of the files state an AE title of 18 characters in their meta group, which is not what is tested here (a received
/// object gets a meta group of ours): take the element out.
fn without_sender(mut bytes: Vec<u8>) -> Vec<u8> {
    const ELEMENT: [u8; 8] = [0x02, 0x00, 0x16, 0x00, b'A', b'E', 18, 0];
    let Some(at) = bytes.windows(8).take(1000).position(|window| window == ELEMENT) else {
        return bytes;
    };
    bytes.drain(at..at + 26);
    // The length of the group lies behind the first element's header, at byte 140.
    let length = u32::from_le_bytes([bytes[140], bytes[141], bytes[142], bytes[143]]) - 26;
    bytes[140..144].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Mean absolute difference, in the units of the slice.
fn difference(a: &Slice, b: &Slice) -> f64 {
    assert_eq!((a.rows, a.columns), (b.rows, b.columns));
    let sum: f64 = a
        .values
        .iter()
        .zip(&b.values)
        .map(|(a, b)| f64::from((i32::from(*a) - i32::from(*b)).abs()))
        .sum();
    sum / a.values.len() as f64
}

fn check(folder: &str, original: &str, others: &[(&str, f64)]) {
    let Some(folder) = shared(folder) else { return };
    let original = slice(&folder.join(original));
    for (name, allowed) in others {
        let found = difference(&original, &slice(&folder.join(name)));
        assert!(
            found <= *allowed,
            "{name} differs by {found} on average, {allowed} allowed"
        );
    }
}

#[test]
fn the_nema_slice_is_the_same_in_every_lossless_syntax() {
    check(
        "data/dicom/nema-wg04-ct1",
        "RLE/CT1_RLE",
        &[
            ("J2KR/CT1_J2KR", 0.0),
            ("JLSL/CT1_JLSL", 0.0),
            ("JPLL/CT1_JPLL", 0.0),
            ("J2KI/CT1_J2KI", 30.0),
            ("JLSN/CT1_JLSN", 30.0),
        ],
    );
}

#[test]
fn the_chest_slice_is_the_same_in_every_lossless_syntax() {
    let file = |syntax: &str| format!("CTImage.dcm_{syntax}.dcm");
    let names: Vec<String> = [
        "BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2",
        "DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99",
        "JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90",
        "JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80",
        "JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70",
        "JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57",
        "LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1",
        "LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2",
        "RLELosslessTransferSyntax_1.2.840.10008.1.2.5",
    ]
    .map(file)
    .to_vec();
    let others: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 0.0)).collect();
    check("data/dicom/cornerstone-ctimage", "CTImage.dcm", &others);
}

/// A copy of an object with one element replaced or removed.
fn changed(
    source: &Path,
    folder: &Path,
    tag: Tag,
    value: Option<(VR, PrimitiveValue)>,
) -> std::path::PathBuf {
    let mut object = open_file(source).expect("source");
    match value {
        Some((vr, value)) => {
            object.put(DataElement::new(tag, vr, value));
        }
        None => {
            object.remove_element(tag);
        }
    }
    let path = folder.join(format!("{:04x}{:04x}.dcm", tag.group(), tag.element()));
    object.write_to_file(&path).expect("write");
    path
}

#[test]
fn headers_that_lie_are_refused_with_the_reason() {
    let Some(source) = shared("data/dicom/cornerstone-ctimage/CTImage.dcm") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let bytes = without_sender(std::fs::read(source).expect("read"));
    let source = folder.path().join("source.dcm");
    std::fs::write(&source, bytes).expect("write");
    for (tag, value, says) in [
        (
            tags::ROWS,
            Some((VR::US, PrimitiveValue::from(60000u16))),
            "Pixel Data holds",
        ),
        (
            tags::COLUMNS,
            Some((VR::US, PrimitiveValue::from(0u16))),
            "Rows or Columns is 0",
        ),
        (
            tags::NUMBER_OF_FRAMES,
            Some((VR::IS, PrimitiveValue::from("2000000000"))),
            "are more than",
        ),
        (
            tags::BITS_ALLOCATED,
            Some((VR::US, PrimitiveValue::from(32u16))),
            "Bits Allocated is 32, expected 8 or 16",
        ),
        (
            tags::BITS_STORED,
            Some((VR::US, PrimitiveValue::from(17u16))),
            "Bits Stored is 17",
        ),
        (
            tags::HIGH_BIT,
            Some((VR::US, PrimitiveValue::from(3u16))),
            "High Bit is 3",
        ),
        (
            tags::SAMPLES_PER_PIXEL,
            Some((VR::US, PrimitiveValue::from(3u16))),
            "Samples per Pixel is 3",
        ),
        (tags::PIXEL_DATA, None, "Pixel Data is missing"),
        (
            tags::PIXEL_DATA,
            Some((VR::OW, PrimitiveValue::from(vec![0u8; 100]))),
            "Pixel Data holds 100 bytes",
        ),
        (
            tags::SOP_INSTANCE_UID,
            Some((VR::UI, PrimitiveValue::from("../x"))),
            "SOP Instance UID is missing",
        ),
    ] {
        let path = changed(&source, folder.path(), tag, value);
        match Image::open(&path) {
            Ok(_) => panic!("{tag} was accepted"),
            Err(error) => assert!(error.to_string().contains(says), "{tag}: {error}, not {says}"),
        }
    }
}

#[test]
fn a_cut_stream_is_an_error_not_a_crash() {
    for name in ["J2KR/CT1_J2KR", "JLSL/CT1_JLSL", "JPLL/CT1_JPLL", "RLE/CT1_RLE"] {
        let Some(source) = shared(&format!("data/dicom/nema-wg04-ct1/{name}")) else {
            return;
        };
        let bytes = std::fs::read(&source).expect("read");
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("cut.dcm");
        let whole = slice(&source);
        for share in [3, 10, 50, 90, 99] {
            std::fs::write(&path, &bytes[..bytes.len() * share / 100]).expect("write");
            match Image::open(&path).and_then(|image| image.frame(0)) {
                Err(error) => assert!(!error.to_string().is_empty()),
                // Some codecs fill what is missing; never more than the frame.
                Ok(cut) => assert_eq!(cut.values.len(), whole.values.len(), "{name} at {share} %"),
            }
        }
    }
}

#[test]
fn an_enhanced_object_gives_its_frames_with_their_places() {
    let Some(path) = shared("data/dicom/pydicom-data/eCT_Supplemental.dcm") else {
        return;
    };
    let image = Image::open(&path).expect("enhanced CT");
    assert_eq!(image.frames(), 2);
    let [first, second] = [0, 1].map(|frame| image.frame(frame).expect("frame"));
    assert!(first.position.is_some() && first.orientation.is_some() && first.spacing.is_some());
    assert_ne!(first.position, second.position);
    assert!(matches!(
        image.frame(2),
        Err(DecodeError::NoFrame { frame: 2, frames: 2 })
    ));
}

#[test]
fn the_head_phantom_is_a_volume_in_hounsfield_units() {
    let Some(folder) = shared("data/dicom/ct-head-philips-phantom/S21570/S2010") else {
        return;
    };
    let files = std::fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").path());
    let slices: Vec<Slice> = files.map(|path| slice(&path)).collect();
    let volume = tocsin::imaging::series::assemble(&slices).expect("volume");
    assert_eq!((volume.geometry.slices, volume.geometry.rows), (28, 512));
    let gaps = volume.geometry.offsets.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(gaps.into_iter().all(|gap| (gap - 5.0).abs() < 0.01));
    let air = volume.voxels.iter().filter(|value| **value < -900).count();
    assert!(air > volume.voxels.len() / 4, "a quarter of the image is air");
}
