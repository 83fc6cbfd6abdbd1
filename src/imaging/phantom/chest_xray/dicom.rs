//! A chest phantom as a DICOM object: Digital X-Ray Image Storage - For Presentation (PS3.3 A.26) or Computed Radiography
//! Image Storage (A.2), Explicit VR Little Endian, with `truth.json` and `mask.bin` beside it. Writes files, reads none.

use std::io;
use std::path::{Path, PathBuf};

use dicom_core::{DataElement, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileDicomObject, FileMetaTableBuilder, InMemDicomObject};
use tocsin_domain::ids::Uid;
use uuid::Uuid;

use super::super::identity::PhantomIdentity;
use super::header::attributes;
use super::{ChestXray, ImageClass};

const TRUTH: &str = "truth.json";
const MASK: &str = "mask.bin";

/// Why a chest phantom was not written.
#[derive(Debug, thiserror::Error)]
pub enum ChestXrayWriteError {
    #[error("{path} cannot be written")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the image cannot be made a DICOM object")]
    Header(#[source] Box<dicom_object::WithMetaError>),
    #[error("{path} cannot be written as DICOM")]
    Dicom {
        path: PathBuf,
        #[source]
        source: Box<dicom_object::WriteError>,
    },
    #[error("the truth cannot be put into JSON")]
    Truth(#[source] serde_json::Error),
}

/// An identity that the seeds decide: one patient for all images with the same `patient_seed`; `date` is `YYYYMMDD`.
pub fn chest_xray_identity(patient_seed: u64, seed: u64, date: &str) -> PhantomIdentity {
    let p = patient_seed;
    let year = 1935 + p % 70;
    PhantomIdentity {
        patient_name: format!("PHANTOM^CHEST {}", p % 1_000_000),
        patient_id: format!("PHANTOM-X{:06}", p % 1_000_000),
        birth_date: format!("{year}{:02}{:02}", 1 + p / 7 % 12, 1 + p / 3 % 28),
        sex: if super::Anatomy::draw(&mut super::Dice::new(p, 110)).female {
            "F"
        } else {
            "M"
        }
        .to_owned(),
        accession: format!("PX{:08}", seed % 100_000_000),
        study_id: format!("{}", seed % 100_000),
        study_uid: derived_uid(seed, &format!("{p} study")),
        series_uid: derived_uid(seed, &format!("{p} series")),
        date: date.to_owned(),
        time: format!("{:02}{:02}{:02}", seed % 24, seed / 24 % 60, seed / 11 % 60),
        study_description: "XR CHEST 1 VIEW".to_owned(),
        series_description: "CHEST".to_owned(),
        protocol: "CHEST".to_owned(),
        station: "PHANTOMDR".to_owned(),
    }
}

/// A UID that the seed and a name decide.
fn derived_uid(seed: u64, name: &str) -> Uid {
    let name = format!("tocsin chest-xray phantom {seed} {name}");
    Uid::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

/// Writes the image, `mask.bin` and `truth.json` into `dir`, which is made when absent. Returns the path of the image.
pub fn write_dicom(
    image: &ChestXray,
    identity: &PhantomIdentity,
    dir: &Path,
) -> Result<PathBuf, ChestXrayWriteError> {
    make(dir)?;
    let path = dir.join(match image.header.class {
        ImageClass::Dx => "DX0001.dcm",
        ImageClass::Cr => "CR0001.dcm",
    });
    dicom_image(image, identity)?
        .write_to_file(&path)
        .map_err(|source| ChestXrayWriteError::Dicom {
            path: path.clone(),
            source: Box::new(source),
        })?;
    let mut truth = image.truth.clone();
    truth.mask_file = Some(MASK.to_owned());
    let json = serde_json::to_vec_pretty(&truth).map_err(ChestXrayWriteError::Truth)?;
    write(&dir.join(MASK), &image.mask)?;
    write(&dir.join(TRUTH), &json)?;
    Ok(path)
}

/// Writes what training code reads: `NNNNNN.u16` (the stored values, low ones dark, little-endian), `NNNNNN.u8` (mask) and,
/// last, `NNNNNN.json` (truth), where `NNNNNN` is the seed; arrays are `[row][column]`.
pub fn write_dump(image: &ChestXray, dir: &Path) -> Result<(), ChestXrayWriteError> {
    make(dir)?;
    let file = |extension: &str| dir.join(format!("{:06}.{extension}", image.truth.seed));
    let values: Vec<u8> = image.dark_low().iter().flat_map(|v| v.to_le_bytes()).collect();
    let json = serde_json::to_vec(&image.truth).map_err(ChestXrayWriteError::Truth)?;
    write(&file("u16"), &values)?;
    write(&file("u8"), &image.mask)?;
    write(&file("json"), &json)
}

fn make(dir: &Path) -> Result<(), ChestXrayWriteError> {
    std::fs::create_dir_all(dir).map_err(|source| ChestXrayWriteError::File {
        path: dir.to_owned(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ChestXrayWriteError> {
    std::fs::write(path, bytes).map_err(|source| ChestXrayWriteError::File {
        path: path.to_owned(),
        source,
    })
}

/// The image as a DICOM file in memory.
pub fn dicom_image(
    image: &ChestXray,
    identity: &PhantomIdentity,
) -> Result<FileDicomObject<InMemDicomObject>, ChestXrayWriteError> {
    let class = match image.header.class {
        ImageClass::Dx => uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
        ImageClass::Cr => uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
    };
    let instance = derived_uid(image.truth.seed, identity.series_uid.as_str());
    let mut object = attributes(image, identity);
    object.put(DataElement::new(tags::SOP_CLASS_UID, VR::UI, class));
    object.put(DataElement::new(
        tags::SOP_INSTANCE_UID,
        VR::UI,
        instance.as_str(),
    ));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance.as_str());
    object
        .with_meta(meta)
        .map_err(|source| ChestXrayWriteError::Header(Box::new(source)))
}

#[cfg(test)]
mod tests {
    use dicom_object::open_file;

    use super::super::{ChestXraySpec, ChestXrayTruth, Photometric, PneumothoraxSpec, chest_xray};
    use super::*;

    fn spec(seed: u64, class: ImageClass) -> ChestXraySpec {
        ChestXraySpec {
            matrix: 128,
            class: Some(class),
            pneumothorax: Some(PneumothoraxSpec::new(3.0)),
            ..ChestXraySpec::new(seed)
        }
    }

    #[test]
    fn a_written_image_opens_with_its_pixels_and_what_its_class_requires() {
        for (seed, class) in [(1, ImageClass::Dx), (2, ImageClass::Cr), (3, ImageClass::Dx)] {
            let image = chest_xray(&spec(seed, class));
            let dir = tempfile::tempdir().expect("a folder");
            let identity = chest_xray_identity(seed, seed, "20260101");
            let path = write_dicom(&image, &identity, dir.path()).expect("written");
            let object = open_file(&path).expect("readable");
            let mut required = vec![
                tags::SOP_CLASS_UID,
                tags::SOP_INSTANCE_UID,
                tags::STUDY_INSTANCE_UID,
                tags::SERIES_INSTANCE_UID,
                tags::MODALITY,
                tags::IMAGE_TYPE,
                tags::PATIENT_ORIENTATION,
                tags::VIEW_POSITION,
                tags::PHOTOMETRIC_INTERPRETATION,
                tags::WINDOW_CENTER,
                tags::WINDOW_WIDTH,
            ];
            if class == ImageClass::Dx {
                required.extend([
                    tags::PRESENTATION_INTENT_TYPE,
                    tags::IMAGE_LATERALITY,
                    tags::IMAGER_PIXEL_SPACING,
                    tags::PIXEL_INTENSITY_RELATIONSHIP,
                    tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
                    tags::RESCALE_INTERCEPT,
                    tags::RESCALE_SLOPE,
                    tags::RESCALE_TYPE,
                    tags::PRESENTATION_LUT_SHAPE,
                    tags::LOSSY_IMAGE_COMPRESSION,
                    tags::BURNED_IN_ANNOTATION,
                ]);
            }
            for tag in required {
                let text = object.element(tag).expect("present").to_str().expect("text");
                assert!(!text.trim().is_empty(), "{tag}");
            }
            let pixels: Vec<u16> = object
                .element(tags::PIXEL_DATA)
                .expect("present")
                .to_multi_int()
                .expect("numbers");
            assert_eq!(pixels, image.pixels);
            assert!(pixels.iter().all(|v| *v <= image.header.largest()));
            let json = std::fs::read(dir.path().join(TRUTH)).expect("truth");
            let truth: ChestXrayTruth = serde_json::from_slice(&json).expect("its layout");
            assert_eq!(truth.mask_file.as_deref(), Some(MASK));
            assert_eq!(std::fs::read(dir.path().join(MASK)).expect("mask"), image.mask);
        }
    }

    #[test]
    fn two_images_of_a_patient_share_the_patient_and_no_uid() {
        let (a, b) = (
            chest_xray_identity(5, 1, "20250601"),
            chest_xray_identity(5, 2, "20251201"),
        );
        assert_eq!(
            (&a.patient_id, &a.birth_date, &a.sex),
            (&b.patient_id, &b.birth_date, &b.sex)
        );
        assert!(a.study_uid != b.study_uid && a.series_uid != b.series_uid && a.accession != b.accession);
    }

    #[test]
    fn a_dump_holds_what_a_model_reads_the_mask_and_the_truth() {
        let dir = tempfile::tempdir().expect("a folder");
        let image = chest_xray(&spec(7, ImageClass::Cr));
        write_dump(&image, dir.path()).expect("written");
        let size = |name: &str| std::fs::metadata(dir.path().join(name)).expect("written").len();
        assert_eq!(
            (size("000007.u16"), size("000007.u8")),
            (2 * 128 * 128, 128 * 128)
        );
        assert!(size("000007.json") > 100);
        let values = std::fs::read(dir.path().join("000007.u16")).expect("written");
        let first = u16::from_le_bytes([values[0], values[1]]);
        let turned = image.header.photometric == Photometric::Monochrome1;
        let stored = image.pixels[0];
        assert_eq!(
            first,
            if turned {
                image.header.largest() - stored
            } else {
                stored
            }
        );
    }
}
