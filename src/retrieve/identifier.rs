//! The data sets of questions and answers (PS3.4 C.6.2): what is asked for, and what an answer says. Bytes to values; knows
//! no socket. An answer is walked under limits before it is parsed.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::ids::Uid;
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};
use tocsin_domain::priors::{Described, DescribedSeries};

use super::RetrieveError;
use crate::ingest::dicom::small::{self, put, text};

/// Longest answer that is looked at; a real one has some hundred bytes.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// All studies of a patient. No other key: peers pass over what they do not know, and answers are judged here anyway.
pub fn studies_of(patient: &PatientIdentifier) -> InMemDicomObject {
    let mut asked = question("STUDY");
    put(&mut asked, tags::PATIENT_ID, VR::LO, patient.value.trim());
    for (tag, vr) in [
        (tags::STUDY_DATE, VR::DA),
        (tags::STUDY_TIME, VR::TM),
        (tags::MODALITIES_IN_STUDY, VR::CS),
        (tags::PATIENT_NAME, VR::PN),
        (tags::ISSUER_OF_PATIENT_ID, VR::LO),
        (tags::PATIENT_BIRTH_DATE, VR::DA),
        (tags::PATIENT_SEX, VR::CS),
        (tags::STUDY_INSTANCE_UID, VR::UI),
    ] {
        put(&mut asked, tag, vr, "");
    }
    asked
}

/// All series of a study.
pub fn series_of(study: &Uid) -> InMemDicomObject {
    let mut asked = question("SERIES");
    put(&mut asked, tags::STUDY_INSTANCE_UID, VR::UI, study.as_str());
    for (tag, vr) in [
        (tags::MODALITY, VR::CS),
        (tags::BODY_PART_EXAMINED, VR::CS),
        (tags::SERIES_INSTANCE_UID, VR::UI),
        (tags::NUMBER_OF_SERIES_RELATED_INSTANCES, VR::IS),
    ] {
        put(&mut asked, tag, vr, "");
    }
    asked
}

/// One series, to be sent.
pub fn one_series(study: &Uid, series: &Uid) -> InMemDicomObject {
    let mut asked = question("SERIES");
    put(&mut asked, tags::STUDY_INSTANCE_UID, VR::UI, study.as_str());
    put(&mut asked, tags::SERIES_INSTANCE_UID, VR::UI, series.as_str());
    asked
}

fn question(level: &str) -> InMemDicomObject {
    let mut asked = InMemDicomObject::new_empty();
    put(&mut asked, tags::QUERY_RETRIEVE_LEVEL, VR::CS, level);
    asked
}

/// In the encoding that was agreed on.
pub fn encode(asked: &InMemDicomObject, transfer_syntax: &str) -> Result<Vec<u8>, RetrieveError> {
    small::encode(asked, transfer_syntax)
        .ok_or_else(|| RetrieveError::Malformed("the question cannot be written".to_owned()))
}

/// # Errors
/// Bytes that are no data set, or one that goes beyond the limits of an answer.
pub fn decode(bytes: &[u8], transfer_syntax: &str) -> Result<InMemDicomObject, RetrieveError> {
    small::decode(bytes, transfer_syntax).map_err(|error| RetrieveError::Malformed(error.to_string()))
}

/// A study of an answer; `None` where it names none.
pub fn described(answer: &InMemDicomObject) -> Option<Described> {
    let phi = |tag| text(answer, tag).map(Phi::new);
    Some(Described {
        study_uid: Uid::parse(&text(answer, tags::STUDY_INSTANCE_UID)?).ok()?,
        patient: text(answer, tags::PATIENT_ID).map(|value| PatientIdentifier {
            value,
            authority: text(answer, tags::ISSUER_OF_PATIENT_ID).unwrap_or_default(),
        }),
        demographics: Demographics {
            name: phi(tags::PATIENT_NAME),
            birth_date: phi(tags::PATIENT_BIRTH_DATE),
            sex: phi(tags::PATIENT_SEX),
        },
        date: text(answer, tags::STUDY_DATE),
        time: text(answer, tags::STUDY_TIME),
        modalities: list(answer, tags::MODALITIES_IN_STUDY),
        series: Vec::new(),
    })
}

/// A series of an answer; `None` where it names none.
pub fn described_series(answer: &InMemDicomObject) -> Option<DescribedSeries> {
    Some(DescribedSeries {
        series_uid: Uid::parse(&text(answer, tags::SERIES_INSTANCE_UID)?).ok()?,
        modality: text(answer, tags::MODALITY).unwrap_or_default(),
        body_part: text(answer, tags::BODY_PART_EXAMINED).unwrap_or_default(),
        instances: text(answer, tags::NUMBER_OF_SERIES_RELATED_INSTANCES).and_then(|n| n.parse().ok()),
    })
}

fn list(answer: &InMemDicomObject, tag: Tag) -> Vec<String> {
    let values = text(answer, tag).unwrap_or_default();
    let words = values.split('\\').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::dicom::association::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

    #[test]
    fn a_question_is_read_back_as_it_was_asked_in_both_encodings() {
        let patient = PatientIdentifier {
            value: "P1".into(),
            authority: "GH".into(),
        };
        for syntax in [EXPLICIT_LITTLE, IMPLICIT_LITTLE] {
            let bytes = encode(&studies_of(&patient), syntax).unwrap();
            let read = decode(&bytes, syntax).unwrap();
            assert_eq!(text(&read, tags::PATIENT_ID).as_deref(), Some("P1"));
            assert_eq!(text(&read, tags::QUERY_RETRIEVE_LEVEL).as_deref(), Some("STUDY"));
            assert!(read.element_opt(tags::MODALITIES_IN_STUDY).unwrap().is_some());
        }
    }

    #[test]
    fn an_answer_that_lies_about_its_length_or_names_no_study_is_none() {
        let mut lying = encode(
            &one_series(&Uid::parse("1.2").unwrap(), &Uid::parse("1.3").unwrap()),
            EXPLICIT_LITTLE,
        )
        .unwrap();
        lying[6] = 0xFF;
        assert!(matches!(
            decode(&lying, EXPLICIT_LITTLE),
            Err(RetrieveError::Malformed(_))
        ));
        assert!(described(&question("STUDY")).is_none());
        let mut odd = question("STUDY");
        put(&mut odd, tags::STUDY_INSTANCE_UID, VR::UI, "../../etc");
        assert!(described(&odd).is_none());
    }

    #[test]
    fn several_modalities_are_several() {
        let mut answer = question("STUDY");
        put(&mut answer, tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3");
        put(&mut answer, tags::MODALITIES_IN_STUDY, VR::CS, "DX\\SR");
        assert_eq!(described(&answer).unwrap().modalities, ["DX", "SR"]);
    }
}
