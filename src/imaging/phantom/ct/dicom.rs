//! A phantom as DICOM CT Image Storage (PS3.3 A.3), Explicit VR Little Endian, one file per slice, with `truth.json` and
//! `mask.bin` beside them. Writes files, reads none.

use std::io;
use std::path::{Path, PathBuf};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileDicomObject, FileMetaTableBuilder, InMemDicomObject};
use serde::Serialize;

use super::super::header::{put, put_identity};
use super::super::identity::{PhantomIdentity, instance_uid};
use super::{Ct, Kernel};

/// Stored value of 0 HU; what is stored is HU − intercept in 12 bits.
const INTERCEPT: i32 = -1024;
const MAX_STORED: i32 = 4095;
const TRUTH: &str = "truth.json";
const MASK: &str = "mask.bin";

/// Why a phantom was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{path} cannot be written")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("slice {slice} cannot be made a DICOM object")]
    Header {
        slice: usize,
        #[source]
        source: Box<dicom_object::WithMetaError>,
    },
    #[error("{path} cannot be written as DICOM")]
    Dicom {
        path: PathBuf,
        #[source]
        source: Box<dicom_object::WriteError>,
    },
    #[error("the truth cannot be put into JSON")]
    Truth(#[source] serde_json::Error),
}

/// The content of `truth.json`: the truth and where the mask lies. Layout of the mask: one byte per voxel,
/// `[slice][row][column]`, slices from the feet up; 0 where it marks nothing, else 1, or bits where a kind marks several things.
#[derive(Serialize)]
struct Told<'a, T> {
    #[serde(flatten)]
    truth: &'a T,
    mask_file: Option<&'static str>,
}

/// Writes every slice, `mask.bin` and `truth.json` into `dir`, which is made when absent. Returns the paths of the images,
/// from the feet up.
pub fn write_dicom<T: Serialize>(
    ct: &Ct<T>,
    identity: &PhantomIdentity,
    dir: &Path,
) -> Result<Vec<PathBuf>, WriteError> {
    std::fs::create_dir_all(dir).map_err(|source| WriteError::File {
        path: dir.to_owned(),
        source,
    })?;
    let mut paths = Vec::with_capacity(ct.volume.geometry.slices);
    for k in 0..ct.volume.geometry.slices {
        let path = dir.join(format!("CT{:04}.dcm", k + 1));
        let object = dicom_slice(ct, identity, k)?;
        object.write_to_file(&path).map_err(|source| WriteError::Dicom {
            path: path.clone(),
            source: Box::new(source),
        })?;
        paths.push(path);
    }
    let told = Told {
        truth: &ct.truth,
        mask_file: Some(MASK),
    };
    let json = serde_json::to_vec_pretty(&told).map_err(WriteError::Truth)?;
    write(&dir.join(MASK), &ct.mask.voxels)?;
    write(&dir.join(TRUTH), &json)?;
    Ok(paths)
}

/// Writes what the training code reads: `NNNNNN.i16` (HU, little-endian), `NNNNNN.u8` (mask) and, last, `NNNNNN.json`
/// (truth), where `NNNNNN` is the seed; arrays are `[slice][row][column]`, slices from the feet up.
pub fn write_dump<T: Serialize>(ct: &Ct<T>, dir: &Path) -> Result<(), WriteError> {
    std::fs::create_dir_all(dir).map_err(|source| WriteError::File {
        path: dir.to_owned(),
        source,
    })?;
    let file = |extension: &str| dir.join(format!("{:06}.{extension}", ct.seed));
    let bytes: Vec<u8> = ct.volume.voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    write(&file("i16"), &bytes)?;
    write(&file("u8"), &ct.mask.voxels)?;
    let told = Told {
        truth: &ct.truth,
        mask_file: None,
    };
    let json = serde_json::to_vec(&told).map_err(WriteError::Truth)?;
    write(&file("json"), &json)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    std::fs::write(path, bytes).map_err(|source| WriteError::File {
        path: path.to_owned(),
        source,
    })
}

/// One slice as a DICOM file in memory; `k` counts from the feet.
pub fn dicom_slice<T>(
    ct: &Ct<T>,
    identity: &PhantomIdentity,
    k: usize,
) -> Result<FileDicomObject<InMemDicomObject>, WriteError> {
    let instance = instance_uid(&identity.series_uid, k);
    let mut object = InMemDicomObject::new_empty();
    put_identity(&mut object, identity, "2");
    put_equipment(&mut object, ct, identity);
    put(&mut object, tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE);
    put(&mut object, tags::SOP_INSTANCE_UID, VR::UI, instance.as_str());
    put(&mut object, tags::INSTANCE_NUMBER, VR::IS, &(k + 1).to_string());
    put_plane(&mut object, ct, k);
    put_pixels(&mut object, ct, k);
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid(instance.as_str());
    object.with_meta(meta).map_err(|source| WriteError::Header {
        slice: k,
        source: Box::new(source),
    })
}

fn put_all(object: &mut InMemDicomObject, tag: Tag, vr: VR, values: &[String]) {
    object.put(DataElement::new(
        tag,
        vr,
        PrimitiveValue::Strs(values.to_vec().into()),
    ));
}

fn put_number(object: &mut InMemDicomObject, tag: Tag, value: u16) {
    object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
}

/// A decimal string of at most 16 characters.
fn decimal(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

fn put_equipment<T>(object: &mut InMemDicomObject, ct: &Ct<T>, identity: &PhantomIdentity) {
    let kernel = match ct.plan.kernel {
        Kernel::Smooth => "SMOOTH",
        Kernel::Standard => "STANDARD",
        Kernel::Sharp => "SHARP",
    };
    let frame = instance_uid(&identity.study_uid, usize::MAX);
    for (tag, vr, value) in [
        (tags::MODALITY, VR::CS, "CT"),
        (tags::MANUFACTURER, VR::LO, "Tocsin"),
        (tags::MANUFACTURER_MODEL_NAME, VR::LO, ct.study.model_name),
        (tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION")),
        (tags::BODY_PART_EXAMINED, VR::CS, ct.study.body_part),
        (tags::KVP, VR::DS, ct.study.kvp),
        (tags::CONVOLUTION_KERNEL, VR::SH, kernel),
        (tags::PATIENT_POSITION, VR::CS, "HFS"),
        (tags::FRAME_OF_REFERENCE_UID, VR::UI, frame.as_str()),
        (tags::POSITION_REFERENCE_INDICATOR, VR::LO, ""),
        (
            tags::IMAGE_COMMENTS,
            VR::LT,
            "Synthetic phantom, no person was imaged",
        ),
        (tags::BURNED_IN_ANNOTATION, VR::CS, "NO"),
    ] {
        put(object, tag, vr, value);
    }
    put(object, tags::GANTRY_DETECTOR_TILT, VR::DS, &decimal(ct.plan.tilt));
    put_all(
        object,
        tags::IMAGE_TYPE,
        VR::CS,
        &ct.study
            .image_type
            .iter()
            .map(|v| (*v).to_owned())
            .collect::<Vec<_>>(),
    );
    if let Some(agent) = ct.study.contrast_agent {
        put(object, tags::CONTRAST_BOLUS_AGENT, VR::LO, agent);
    }
}

fn put_plane<T>(object: &mut InMemDicomObject, ct: &Ct<T>, k: usize) {
    let g = &ct.volume.geometry;
    put(object, tags::SLICE_THICKNESS, VR::DS, &decimal(ct.plan.slice_mm));
    put(object, tags::SLICE_LOCATION, VR::DS, &decimal(g.offsets[k]));
    put_all(object, tags::PIXEL_SPACING, VR::DS, &g.pixel_spacing.map(decimal));
    put_all(
        object,
        tags::IMAGE_ORIENTATION_PATIENT,
        VR::DS,
        &g.orientation.map(decimal),
    );
    put_all(
        object,
        tags::IMAGE_POSITION_PATIENT,
        VR::DS,
        &g.origins[k].map(decimal),
    );
}

fn put_pixels<T>(object: &mut InMemDicomObject, ct: &Ct<T>, k: usize) {
    let g = &ct.volume.geometry;
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, g.rows as u16),
        (tags::COLUMNS, g.columns as u16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 12),
        (tags::HIGH_BIT, 11),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        put_number(object, tag, value);
    }
    let [center, width] = ct.study.window.map(|v| v.to_string());
    for (tag, vr, value) in [
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (tags::WINDOW_CENTER, VR::DS, center.as_str()),
        (tags::WINDOW_WIDTH, VR::DS, &width),
        (tags::RESCALE_INTERCEPT, VR::DS, "-1024"),
        (tags::RESCALE_SLOPE, VR::DS, "1"),
        (tags::RESCALE_TYPE, VR::LO, "HU"),
    ] {
        put(object, tag, vr, value);
    }
    let plane = g.rows * g.columns;
    let stored = |hu: &i16| (i32::from(*hu) - INTERCEPT).clamp(0, MAX_STORED) as u16;
    let pixels: Vec<u16> = ct.volume.voxels[k * plane..(k + 1) * plane]
        .iter()
        .map(stored)
        .collect();
    object.put(DataElement::new(
        tags::PIXEL_DATA,
        VR::OW,
        PrimitiveValue::U16(pixels.into()),
    ));
}

#[cfg(test)]
mod tests {
    use dicom_object::open_file;

    use super::super::super::{HeadCtSpec, HeadFinding, head_ct};
    use super::*;

    #[test]
    fn a_written_slice_reads_back_with_its_place_and_its_hounsfield_units() {
        let spec = HeadCtSpec {
            slices: Some(3),
            matrix: 64,
            ..HeadCtSpec::new(11, HeadFinding::Intraparenchymal)
        };
        let ct = head_ct(&spec);
        let dir = tempfile::tempdir().expect("a folder");
        let identity = PhantomIdentity::for_seed(11);
        let paths = write_dicom(&ct, &identity, dir.path()).expect("written");
        assert_eq!(paths.len(), 3);
        let object = open_file(&paths[2]).expect("readable");
        let text = |tag| {
            object
                .element(tag)
                .expect("present")
                .to_str()
                .expect("text")
                .trim()
                .to_owned()
        };
        assert_eq!(
            text(tags::SOP_INSTANCE_UID),
            ct.volume.geometry.instance_uids[2].to_string()
        );
        assert_eq!(text(tags::PATIENT_ID), identity.patient_id);
        let position = object
            .element(tags::IMAGE_POSITION_PATIENT)
            .expect("present")
            .to_multi_float64()
            .expect("numbers");
        for (read, made) in position.iter().zip(ct.volume.geometry.origins[2]) {
            assert!((read - made).abs() < 1e-5, "{read} {made}");
        }
        let pixels: Vec<u16> = object
            .element(tags::PIXEL_DATA)
            .expect("present")
            .to_multi_int()
            .expect("numbers");
        let hu: Vec<i16> = pixels
            .iter()
            .map(|v| (i32::from(*v) + INTERCEPT) as i16)
            .collect();
        assert_eq!(hu, ct.volume.voxels[2 * 64 * 64..]);
        let truth: crate::phantom::Truth =
            serde_json::from_slice(&std::fs::read(dir.path().join(TRUTH)).expect("truth"))
                .expect("its layout");
        assert_eq!(truth.made.geometry.slices, 3);
        assert_eq!(
            std::fs::read(dir.path().join(MASK)).expect("mask"),
            ct.mask.voxels
        );
    }

    #[test]
    fn decimals_fit_a_decimal_string() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0000001, "0"),
            (-123.456_789_4, "-123.456789"),
            (5.0, "5"),
        ] {
            assert_eq!(decimal(value), text);
        }
    }
}
