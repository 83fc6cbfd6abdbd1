//! Modality Performed Procedure Step as SCP (PS3.4 annex F): the data sets of N-CREATE and N-SET, read. What the standard
//! wants empty rather than absent is not insisted on: modalities leave it out, and their list of images is worth more.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::announced::{Availability, Listed, ListedSeries, PerformedStep, StepChange, StepState};

use super::attributes::{AttributeError, has, items, need_items, need_text, need_uid};
use super::small::text;

pub const MPPS: &str = "1.2.840.10008.3.1.2.3.3";

/// What a step begins with and keeps (table F.7.2-1: "not allowed" in an N-SET).
const FIXED: [Tag; 13] = [
    tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_ID,
    tags::MODALITY,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_STATION_NAME,
    tags::PERFORMED_LOCATION,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
];

/// What an N-CREATE begins.
///
/// # Errors
/// An attribute that must be there, or has a value that it may not have.
pub fn begun(data: &InMemDicomObject) -> Result<PerformedStep, AttributeError> {
    let scheduled = need_items(data, tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE)?;
    let studies = scheduled
        .iter()
        .map(|step| need_uid(step, tags::STUDY_INSTANCE_UID));
    let studies = studies.collect::<Result<Vec<_>, _>>()?;
    need_text(data, tags::PERFORMED_PROCEDURE_STEP_ID)?;
    let step = PerformedStep {
        state: state(data)?.ok_or(AttributeError::Missing(tags::PERFORMED_PROCEDURE_STEP_STATUS))?,
        station: need_text(data, tags::PERFORMED_STATION_AE_TITLE)?,
        modality: need_text(data, tags::MODALITY)?,
        begun: (
            need_text(data, tags::PERFORMED_PROCEDURE_STEP_START_DATE)?,
            need_text(data, tags::PERFORMED_PROCEDURE_STEP_START_TIME)?,
        ),
        ended: None,
        reason: None,
        studies,
        series: Vec::new(),
    };
    match step.state {
        StepState::InProgress => Ok(step.with(series(data)?.unwrap_or_default())),
        StepState::Completed | StepState::Discontinued => Err(AttributeError::Invalid {
            tag: tags::PERFORMED_PROCEDURE_STEP_STATUS,
            expected: "IN PROGRESS",
        }),
    }
}

/// What an N-SET says, and whether it says something that it may not.
///
/// # Errors
/// As for an N-CREATE.
pub fn changed(data: &InMemDicomObject) -> Result<(StepChange, Forbidden), AttributeError> {
    // An empty end is that of a step that goes on.
    let ended = match text(data, tags::PERFORMED_PROCEDURE_STEP_END_DATE) {
        Some(date) => Some((date, need_text(data, tags::PERFORMED_PROCEDURE_STEP_END_TIME)?)),
        None => None,
    };
    let reason = items(
        data,
        tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE,
    );
    let change = StepChange {
        state: state(data)?,
        ended,
        reason: reason.first().and_then(|code| text(code, tags::CODE_MEANING)),
        series: series(data)?,
    };
    let forbidden = FIXED.into_iter().find(|tag| has(data, *tag));
    Ok((change, Forbidden(forbidden)))
}

/// The first attribute of an N-SET that may not be changed; it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden(pub Option<Tag>);

fn state(data: &InMemDicomObject) -> Result<Option<StepState>, AttributeError> {
    let tag = tags::PERFORMED_PROCEDURE_STEP_STATUS;
    if !has(data, tag) {
        return Ok(None);
    }
    let expected = "IN PROGRESS, COMPLETED, DISCONTINUED";
    let known = StepState::parse(&need_text(data, tag)?);
    known.map(Some).ok_or(AttributeError::Invalid { tag, expected })
}

/// `None` where nothing is said of series.
fn series(data: &InMemDicomObject) -> Result<Option<Vec<ListedSeries>>, AttributeError> {
    if !has(data, tags::PERFORMED_SERIES_SEQUENCE) {
        return Ok(None);
    }
    let performed = items(data, tags::PERFORMED_SERIES_SEQUENCE);
    performed.iter().map(listed).collect::<Result<_, _>>().map(Some)
}

/// Images alone: reports of dose and the like are often sent elsewhere.
fn listed(series: &InMemDicomObject) -> Result<ListedSeries, AttributeError> {
    let retrieve_ae = text(series, tags::RETRIEVE_AE_TITLE).unwrap_or_default();
    let images = items(series, tags::REFERENCED_IMAGE_SEQUENCE)
        .iter()
        .map(|image| {
            Ok(Listed {
                sop_uid: need_uid(image, tags::REFERENCED_SOP_INSTANCE_UID)?,
                availability: Availability::Online,
                retrieve_ae: retrieve_ae.clone(),
            })
        });
    Ok(ListedSeries {
        study_uid: None,
        series_uid: need_uid(series, tags::SERIES_INSTANCE_UID)?,
        instances: images.collect::<Result<_, AttributeError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use dicom_core::value::DataSetSequence;
    use dicom_core::{DataElement, VR};

    use super::super::small::put;
    use super::*;

    fn object(values: &[(Tag, VR, &str)]) -> InMemDicomObject {
        let mut object = InMemDicomObject::new_empty();
        values
            .iter()
            .for_each(|(tag, vr, value)| put(&mut object, *tag, *vr, value));
        object
    }

    fn with_items(to: &mut InMemDicomObject, tag: Tag, items: Vec<InMemDicomObject>) {
        to.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
    }

    fn creation(state: &str) -> InMemDicomObject {
        let mut data = object(&[
            (tags::PERFORMED_PROCEDURE_STEP_ID, VR::SH, "P1"),
            (tags::PERFORMED_STATION_AE_TITLE, VR::AE, "CT1"),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, VR::DA, "20261128"),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, VR::TM, "1015"),
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, VR::CS, state),
            (tags::MODALITY, VR::CS, "CT"),
        ]);
        let scheduled = object(&[(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3")]);
        with_items(
            &mut data,
            tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
            vec![scheduled],
        );
        data
    }

    #[test]
    fn a_step_begins_in_progress_and_with_all_that_it_keeps() {
        let step = begun(&creation("IN PROGRESS")).unwrap();
        assert_eq!((step.station.as_str(), step.studies.len()), ("CT1", 1));
        let early = begun(&creation("COMPLETED")).unwrap_err();
        assert_eq!(early.status(), 0x0106);
        for tag in [
            tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
            tags::PERFORMED_STATION_AE_TITLE,
            tags::PERFORMED_PROCEDURE_STEP_START_TIME,
            tags::PERFORMED_PROCEDURE_STEP_STATUS,
            tags::MODALITY,
        ] {
            let mut data = creation("IN PROGRESS");
            data.remove_element(tag);
            assert_eq!(begun(&data), Err(AttributeError::Missing(tag)));
        }
    }

    #[test]
    fn a_change_lists_images_and_not_what_is_no_image() {
        let image = |uid| object(&[(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, uid)]);
        let mut series = object(&[(tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4")]);
        with_items(
            &mut series,
            tags::REFERENCED_IMAGE_SEQUENCE,
            vec![image("1.5"), image("1.6")],
        );
        let other = tags::REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE;
        with_items(&mut series, other, vec![image("1.7")]);
        let mut data = object(&[
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, VR::CS, "COMPLETED"),
            (tags::PATIENT_ID, VR::LO, "P9"),
        ]);
        with_items(&mut data, tags::PERFORMED_SERIES_SEQUENCE, vec![series]);
        let (change, forbidden) = changed(&data).unwrap();
        assert_eq!(change.series.unwrap()[0].instances.len(), 2);
        assert_eq!(change.state, Some(StepState::Completed));
        assert_eq!(forbidden, Forbidden(Some(tags::PATIENT_ID)));
        put(&mut data, tags::PERFORMED_PROCEDURE_STEP_STATUS, VR::CS, "DONE");
        assert_eq!(changed(&data).unwrap_err().status(), 0x0106);
    }
}
