//! What the headers of all synthetic objects share: how an attribute is put, and who is imaged.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::identity::PhantomIdentity;

/// An attribute; a backslash parts its values, and an empty text is an empty value.
pub fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    let value = match value {
        "" => PrimitiveValue::Empty,
        text => PrimitiveValue::Strs(text.split('\\').map(str::to_owned).collect()),
    };
    object.put(DataElement::new(tag, vr, value));
}

/// Patient, study and series, as `identity` says them.
pub fn put_identity(object: &mut InMemDicomObject, identity: &PhantomIdentity, series_number: &str) {
    let i = identity;
    for (tag, vr, value) in [
        (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        (tags::STUDY_DATE, VR::DA, i.date.as_str()),
        (tags::SERIES_DATE, VR::DA, &i.date),
        (tags::ACQUISITION_DATE, VR::DA, &i.date),
        (tags::CONTENT_DATE, VR::DA, &i.date),
        (tags::STUDY_TIME, VR::TM, &i.time),
        (tags::SERIES_TIME, VR::TM, &i.time),
        (tags::ACQUISITION_TIME, VR::TM, &i.time),
        (tags::CONTENT_TIME, VR::TM, &i.time),
        (tags::ACCESSION_NUMBER, VR::SH, &i.accession),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN, ""),
        (tags::STUDY_DESCRIPTION, VR::LO, &i.study_description),
        (tags::SERIES_DESCRIPTION, VR::LO, &i.series_description),
        (tags::PATIENT_NAME, VR::PN, &i.patient_name),
        (tags::PATIENT_ID, VR::LO, &i.patient_id),
        (tags::PATIENT_BIRTH_DATE, VR::DA, &i.birth_date),
        (tags::PATIENT_SEX, VR::CS, &i.sex),
        (tags::STUDY_INSTANCE_UID, VR::UI, i.study_uid.as_str()),
        (tags::SERIES_INSTANCE_UID, VR::UI, i.series_uid.as_str()),
        (tags::STUDY_ID, VR::SH, &i.study_id),
        (tags::SERIES_NUMBER, VR::IS, series_number),
        (tags::ACQUISITION_NUMBER, VR::IS, "1"),
        (tags::PROTOCOL_NAME, VR::LO, &i.protocol),
        (tags::STATION_NAME, VR::SH, &i.station),
    ] {
        put(object, tag, vr, value);
    }
}
