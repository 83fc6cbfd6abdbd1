//! Facts of an instance from the short values that the pre-scan kept. Four UIDs are required; any other bad value is
//! reported and left out. Never looks at pixels, nor into sequences: what an enhanced multi-frame object keeps in its
//! functional groups is not read here.

mod values;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use tocsin_domain::ids::{Uid, UidError};
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};
use tocsin_domain::study::InstanceFacts;

use super::prescan::Scan;
use values::Values;

/// A value that is not what its attribute allows. Carries no value: it may name a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagProblem {
    pub tag: Tag,
    pub expected: &'static str,
}

/// A required UID that is not there or not a UID; the object cannot be filed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{keyword} ({:04x},{:04x}): {problem}", .tag.0, .tag.1)]
pub struct MissingTag {
    pub tag: Tag,
    pub keyword: &'static str,
    pub problem: MissingProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingProblem {
    #[error("not there, expected a UID")]
    Absent,
    #[error("{0}")]
    NotAUid(UidError),
}

const WANTED: [Tag; 45] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STATION_NAME,
    tags::STUDY_DESCRIPTION,
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::CONTRAST_BOLUS_AGENT,
    tags::BODY_PART_EXAMINED,
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::PROTOCOL_NAME,
    tags::GANTRY_DETECTOR_TILT,
    tags::CONVOLUTION_KERNEL,
    tags::PATIENT_POSITION,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::STUDY_ID,
    tags::SERIES_NUMBER,
    tags::ACQUISITION_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::SAMPLES_PER_PIXEL,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
];

/// Whether the pre-scan keeps this element's value.
pub(super) fn is_wanted(tag: Tag) -> bool {
    WANTED.contains(&tag)
}

/// Reads what a scanned data set says of its instance, and lists every value that was not usable.
pub fn read(scan: &Scan) -> Result<(InstanceFacts, Vec<TagProblem>), MissingTag> {
    let mut values = Values::of(scan);
    let facts = InstanceFacts {
        sop_class_uid: required(&values, tags::SOP_CLASS_UID, "SOPClassUID")?,
        sop_instance_uid: required(&values, tags::SOP_INSTANCE_UID, "SOPInstanceUID")?,
        series_uid: required(&values, tags::SERIES_INSTANCE_UID, "SeriesInstanceUID")?,
        study_uid: required(&values, tags::STUDY_INSTANCE_UID, "StudyInstanceUID")?,
        patient: patient(&mut values),
        demographics: demographics(&mut values),
        accession: values.text(tags::ACCESSION_NUMBER),
        study_id: values.text(tags::STUDY_ID),
        study_date: values.text(tags::STUDY_DATE),
        study_time: values.text(tags::STUDY_TIME),
        study_description: values.text(tags::STUDY_DESCRIPTION),
        referring_physician: values.text(tags::REFERRING_PHYSICIAN_NAME).map(Phi::new),
        modality: values.text(tags::MODALITY).unwrap_or_default(),
        body_part: values.text(tags::BODY_PART_EXAMINED),
        series_number: values.integer(tags::SERIES_NUMBER),
        series_description: values.text(tags::SERIES_DESCRIPTION),
        protocol_name: values.text(tags::PROTOCOL_NAME),
        manufacturer: values.text(tags::MANUFACTURER),
        device_model: values.text(tags::MANUFACTURER_MODEL_NAME),
        station_name: values.text(tags::STATION_NAME),
        image_type: values.list(tags::IMAGE_TYPE),
        instance_number: values.integer(tags::INSTANCE_NUMBER),
        acquisition_number: values.integer(tags::ACQUISITION_NUMBER),
        rows: values.unsigned(tags::ROWS).unwrap_or(0),
        columns: values.unsigned(tags::COLUMNS).unwrap_or(0),
        frames: frames(&mut values),
        pixel_spacing: values
            .numbers(tags::PIXEL_SPACING, "two numbers")
            .filter(|s: &[f64; 2]| s.iter().all(|v| *v > 0.0)),
        slice_thickness: values.number(tags::SLICE_THICKNESS),
        position: values.numbers(tags::IMAGE_POSITION_PATIENT, "three numbers"),
        orientation: values.numbers(tags::IMAGE_ORIENTATION_PATIENT, "six numbers"),
        gantry_tilt: values.number(tags::GANTRY_DETECTOR_TILT),
        kvp: values.number(tags::KVP),
        kernel: values.text(tags::CONVOLUTION_KERNEL),
        contrast_agent: values.text(tags::CONTRAST_BOLUS_AGENT),
        patient_age: values.text(tags::PATIENT_AGE),
        patient_position: values.text(tags::PATIENT_POSITION),
        frame_of_reference_uid: values.uid(tags::FRAME_OF_REFERENCE_UID),
        photometric: values.text(tags::PHOTOMETRIC_INTERPRETATION),
        has_pixels: scan.has_pixels,
    };
    Ok((facts, values.problems))
}

fn required(values: &Values<'_>, tag: Tag, keyword: &'static str) -> Result<Uid, MissingTag> {
    let missing = |problem| MissingTag {
        tag,
        keyword,
        problem,
    };
    let text = values.plain(tag).ok_or_else(|| missing(MissingProblem::Absent))?;
    Uid::parse(&text).map_err(|error| missing(MissingProblem::NotAUid(error)))
}

fn patient(values: &mut Values<'_>) -> Option<PatientIdentifier> {
    let value = values.text(tags::PATIENT_ID)?;
    let authority = values.text(tags::ISSUER_OF_PATIENT_ID).unwrap_or_default();
    Some(PatientIdentifier { value, authority })
}

fn demographics(values: &mut Values<'_>) -> Demographics {
    Demographics {
        name: values.text(tags::PATIENT_NAME).map(Phi::new),
        birth_date: values.text(tags::PATIENT_BIRTH_DATE).map(Phi::new),
        sex: values.text(tags::PATIENT_SEX).map(Phi::new),
    }
}

/// An object with pixels and without a number of frames has one.
fn frames(values: &mut Values<'_>) -> u32 {
    let stated = values.integer(tags::NUMBER_OF_FRAMES);
    stated
        .and_then(|frames| u32::try_from(frames).ok())
        .filter(|frames| *frames > 0)
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::dicom::prescan::{Limits, prescan};

    fn element(tag: Tag, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap().to_le_bytes();
        [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr, &length, value].concat()
    }

    fn read_elements(elements: &[Vec<u8>]) -> Result<(InstanceFacts, Vec<TagProblem>), MissingTag> {
        read(
            &prescan("1.2.840.10008.1.2.1", &elements.concat(), Limits::default())
                .ok()
                .unwrap(),
        )
    }

    fn uids() -> Vec<Vec<u8>> {
        vec![
            element(tags::SOP_CLASS_UID, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
            element(tags::SOP_INSTANCE_UID, b"UI", b"1.2.3\0"),
            element(tags::STUDY_INSTANCE_UID, b"UI", b"1.2.4 "),
            element(tags::SERIES_INSTANCE_UID, b"UI", b"1.2.5\0"),
        ]
    }

    #[test]
    fn facts_are_read_and_bad_values_reported_without_being_shown() {
        let mut elements = uids();
        elements.push(element(tags::PATIENT_NAME, b"PN", b"M\xFCller^Eva"));
        elements.push(element(tags::PIXEL_SPACING, b"DS", b"0.5\\0.25 "));
        elements.push(element(tags::IMAGE_POSITION_PATIENT, b"DS", b"1\\x\\3"));
        elements.push(element(tags::ROWS, b"US", &[0, 2]));
        elements.push(element(tags::SERIES_NUMBER, b"IS", b" 3"));
        let (facts, problems) = read_elements(&elements).unwrap();
        assert_eq!(
            facts.demographics.name.as_ref().map(|n| n.expose().as_str()),
            Some("Müller^Eva")
        );
        assert_eq!(
            (facts.pixel_spacing, facts.rows, facts.series_number),
            (Some([0.5, 0.25]), 512, Some(3))
        );
        let reported: Vec<_> = problems.iter().map(|problem| problem.tag).collect();
        assert_eq!(reported, [tags::PATIENT_NAME, tags::IMAGE_POSITION_PATIENT]);
        assert!(!format!("{problems:?} {facts:?}").contains("ller"));
    }

    #[test]
    fn a_nul_in_a_text_is_left_out_and_told() {
        let mut elements = uids();
        elements.push(element(tags::PATIENT_ID, b"LO", b"P\x001\0"));
        let (facts, problems) = read_elements(&elements).unwrap();
        assert_eq!(facts.patient.map(|patient| patient.value), Some("P1".to_owned()));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].tag, tags::PATIENT_ID);
    }

    #[test]
    fn without_its_uids_an_object_is_refused_by_name() {
        let mut elements = uids();
        elements.remove(2);
        let absent = read_elements(&elements).unwrap_err();
        assert_eq!(
            absent.to_string(),
            "StudyInstanceUID (0020,000d): not there, expected a UID"
        );
        elements.insert(2, element(tags::STUDY_INSTANCE_UID, b"UI", b"../../etc/passwd"));
        let path = read_elements(&elements).unwrap_err();
        assert_eq!(path.problem, MissingProblem::NotAUid(UidError::Character));
    }
}
