//! C-FIND in the modality worklist (PS3.4 annex K): which procedure steps are scheduled. It asks; what becomes of an answer
//! is decided elsewhere (`tocsin_domain::scheduled`).

use std::time::Duration;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::clock::wall_clock;
use tocsin_domain::dimse::query::WORKLIST_FIND;
use tocsin_domain::ids::{SiteId, Uid};
use tocsin_domain::order::{EntityId, Procedure};
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};
use tocsin_domain::scheduled::ScheduledItem;

use super::asking::{Asking, Service};
use super::{Limits, RetrieveError, find, within};
use crate::deliver::dicom::DicomPeer;
use crate::ingest::dicom::attributes::items;
use crate::ingest::dicom::small::{put, text};

const FIND: Service = Service {
    sop_class: WORKLIST_FIND,
    name: "C-FIND in the modality worklist",
};

/// Where orders are asked for.
#[derive(Clone, Debug)]
pub struct Worklist {
    /// In the configuration, in rows and for people.
    pub name: String,
    pub site: SiteId,
    pub peer: DicomPeer,
    pub wanted: Steps,
    pub every: Duration,
    pub limits: Limits,
}

/// Which steps.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    pub station_ae: Option<String>,
    pub modality: Option<String>,
    pub days_before: u16,
    pub days_after: u16,
}

impl Worklist {
    /// The steps around a day, with their times on the wall clock of the zone.
    ///
    /// # Errors
    /// A worklist that is not there, refuses, answers without end or takes too long.
    pub async fn ask(&self, today: NaiveDate, zone: &Tz) -> Result<Vec<ScheduledItem>, RetrieveError> {
        let asked = question(&self.wanted, today);
        let answers = within(self.limits.timeout, async {
            let mut asking = Asking::open(&self.peer, FIND, Vec::new(), Vec::new()).await?;
            let answers = find::answers(&mut asking, FIND, &asked, self.limits.answers).await;
            match &answers {
                Ok(_) => asking.association.release().await,
                Err(_) => asking.association.abort().await,
            }
            answers
        })
        .await?;
        Ok(answers.iter().map(|answer| scheduled(answer, zone)).collect())
    }
}

fn question(wanted: &Steps, today: NaiveDate) -> InMemDicomObject {
    let mut step = InMemDicomObject::new_empty();
    let day = |day: Option<NaiveDate>| day.unwrap_or(today).format("%Y%m%d");
    let first = day(today.checked_sub_days(Days::new(u64::from(wanted.days_before))));
    let last = day(today.checked_add_days(Days::new(u64::from(wanted.days_after))));
    let of = |key: &Option<String>| key.clone().unwrap_or_default();
    put(&mut step, tags::MODALITY, VR::CS, &of(&wanted.modality));
    put(
        &mut step,
        tags::SCHEDULED_STATION_AE_TITLE,
        VR::AE,
        &of(&wanted.station_ae),
    );
    put(
        &mut step,
        tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
        VR::DA,
        &format!("{first}-{last}"),
    );
    put(&mut step, tags::SCHEDULED_PROCEDURE_STEP_START_TIME, VR::TM, "");
    put(&mut step, tags::SCHEDULED_PROCEDURE_STEP_ID, VR::SH, "");
    put(&mut step, tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, VR::LO, "");
    let mut asked = InMemDicomObject::new_empty();
    for (tag, vr) in RETURN_KEYS {
        put(&mut asked, tag, vr, "");
    }
    let mut code = InMemDicomObject::new_empty();
    for (tag, vr) in CODE_KEYS {
        put(&mut code, tag, vr, "");
    }
    let mut namespace = InMemDicomObject::new_empty();
    put(&mut namespace, tags::LOCAL_NAMESPACE_ENTITY_ID, VR::UT, "");
    for (tag, item) in [
        (tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, code),
        (tags::ORDER_PLACER_IDENTIFIER_SEQUENCE, namespace.clone()),
        (tags::ORDER_FILLER_IDENTIFIER_SEQUENCE, namespace),
        (tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, step),
    ] {
        asked.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(vec![item])));
    }
    asked
}

const RETURN_KEYS: [(Tag, VR); 16] = [
    (tags::SPECIFIC_CHARACTER_SET, VR::CS),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::ISSUER_OF_PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::STUDY_INSTANCE_UID, VR::UI),
    (tags::REQUESTED_PROCEDURE_DESCRIPTION, VR::LO),
    (tags::ADMISSION_ID, VR::LO),
    (tags::CURRENT_PATIENT_LOCATION, VR::LO),
    (tags::REQUESTED_PROCEDURE_ID, VR::SH),
    (tags::REASON_FOR_THE_REQUESTED_PROCEDURE, VR::LO),
    (tags::REQUESTED_PROCEDURE_PRIORITY, VR::SH),
    (tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, VR::LO),
    (tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, VR::LO),
];

const CODE_KEYS: [(Tag, VR); 3] = [
    (tags::CODE_VALUE, VR::SH),
    (tags::CODING_SCHEME_DESIGNATOR, VR::SH),
    (tags::CODE_MEANING, VR::LO),
];

/// What an answer says. What is absent or no value of its kind is not said.
fn scheduled(answer: &InMemDicomObject, zone: &Tz) -> ScheduledItem {
    let phi = |tag| text(answer, tag).map(Phi::new);
    let step = items(answer, tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).first();
    let of_step = |tag| step.and_then(|step| text(step, tag));
    let date = of_step(tags::SCHEDULED_PROCEDURE_STEP_START_DATE);
    let time = of_step(tags::SCHEDULED_PROCEDURE_STEP_START_TIME);
    ScheduledItem {
        patient: text(answer, tags::PATIENT_ID).map(|value| PatientIdentifier {
            value,
            authority: text(answer, tags::ISSUER_OF_PATIENT_ID).unwrap_or_default(),
        }),
        demographics: Demographics {
            name: phi(tags::PATIENT_NAME),
            birth_date: phi(tags::PATIENT_BIRTH_DATE),
            sex: phi(tags::PATIENT_SEX),
        },
        accession: text(answer, tags::ACCESSION_NUMBER),
        study_uid: text(answer, tags::STUDY_INSTANCE_UID).and_then(|uid| Uid::parse(&uid).ok()),
        placer: entity(
            answer,
            tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
            tags::ORDER_PLACER_IDENTIFIER_SEQUENCE,
        ),
        filler: entity(
            answer,
            tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
            tags::ORDER_FILLER_IDENTIFIER_SEQUENCE,
        ),
        requested_procedure_id: text(answer, tags::REQUESTED_PROCEDURE_ID),
        step_id: of_step(tags::SCHEDULED_PROCEDURE_STEP_ID),
        procedure: procedure(answer).or_else(|| {
            of_step(tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION).map(|text| Procedure {
                text,
                ..Procedure::default()
            })
        }),
        modality: of_step(tags::MODALITY),
        priority: text(answer, tags::REQUESTED_PROCEDURE_PRIORITY),
        begins_at: date.and_then(|date| wall_clock(&date, time.as_deref(), zone)),
        location: text(answer, tags::CURRENT_PATIENT_LOCATION),
        visit: text(answer, tags::ADMISSION_ID),
        clinical_information: phi(tags::REASON_FOR_THE_REQUESTED_PROCEDURE),
    }
}

fn entity(answer: &InMemDicomObject, number: Tag, assigner: Tag) -> Option<EntityId> {
    let namespace = items(answer, assigner).first();
    let namespace = namespace.and_then(|item| text(item, tags::LOCAL_NAMESPACE_ENTITY_ID));
    text(answer, number).map(|number| EntityId {
        number,
        namespace: namespace.unwrap_or_default(),
    })
}

fn procedure(answer: &InMemDicomObject) -> Option<Procedure> {
    let code = items(answer, tags::REQUESTED_PROCEDURE_CODE_SEQUENCE).first();
    let of = |tag| code.and_then(|code| text(code, tag));
    let described = text(answer, tags::REQUESTED_PROCEDURE_DESCRIPTION);
    let found = Procedure {
        code: of(tags::CODE_VALUE).unwrap_or_default(),
        text: described.or_else(|| of(tags::CODE_MEANING)).unwrap_or_default(),
        system: of(tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default(),
    };
    (!found.code.is_empty() || !found.text.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::Timestamp;

    #[test]
    fn a_question_asks_for_the_days_around_one_and_for_one_station() {
        let wanted = Steps {
            station_ae: Some("CT1".into()),
            days_before: 1,
            days_after: 2,
            ..Steps::default()
        };
        let asked = question(&wanted, NaiveDate::from_ymd_opt(2026, 3, 1).unwrap());
        let step = &items(&asked, tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)[0];
        let of = |tag| text(step, tag);
        assert_eq!(
            of(tags::SCHEDULED_PROCEDURE_STEP_START_DATE).as_deref(),
            Some("20260228-20260303")
        );
        assert_eq!(of(tags::SCHEDULED_STATION_AE_TITLE).as_deref(), Some("CT1"));
        assert_eq!(of(tags::MODALITY), None);
        assert!(
            asked
                .element_opt(tags::REQUESTED_PROCEDURE_PRIORITY)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn an_answer_is_read_on_the_wall_clock_of_the_site_and_an_empty_one_says_nothing() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let mut answer = question(&Steps::default(), NaiveDate::from_ymd_opt(2026, 7, 1).unwrap());
        let mut step = InMemDicomObject::new_empty();
        put(
            &mut step,
            tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
            VR::DA,
            "20260701",
        );
        put(
            &mut step,
            tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
            VR::TM,
            "1430",
        );
        answer.put(DataElement::new(
            tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE,
            VR::SQ,
            DataSetSequence::from(vec![step]),
        ));
        put(
            &mut answer,
            tags::REQUESTED_PROCEDURE_DESCRIPTION,
            VR::LO,
            "Head CT",
        );
        put(&mut answer, tags::STUDY_INSTANCE_UID, VR::UI, "not a UID");
        let item = scheduled(&answer, &zone);
        let at: Timestamp = "2026-07-01T12:30:00Z".parse().unwrap();
        assert_eq!(item.begins_at, Some(at));
        assert_eq!(item.procedure.map(|p| p.text).as_deref(), Some("Head CT"));
        assert_eq!((item.study_uid, item.patient), (None, None));
        let blank = scheduled(&InMemDicomObject::new_empty(), &zone);
        assert_eq!(blank, ScheduledItem::default());
    }
}
