//! A study's reading as a unified procedure step (PS3.3 B.26, attributes as PS3.4 table CC.2.5-3 asks for them). It carries
//! what the worklist shows, in words of DICOM; nothing in it is an order or a report.

use chrono::{DateTime, FixedOffset};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::code::{Code, DISCONTINUED_UNSPECIFIED, INTERPRETATION, ORDER_CANCELED};
use tocsin_domain::ids::Uid;
use tocsin_domain::order::OrderRecord;
use tocsin_domain::reading::{self, Ending, Standing};
use tocsin_domain::worklist::Band;

use super::dataset::{DataSet, coded};

/// Whom the images are of, as they say it.
#[derive(Clone, Copy, Default)]
pub struct Who<'a> {
    pub name: &'a str,
    pub identifier: &'a str,
    pub authority: &'a str,
    pub birth_date: &'a str,
    pub sex: &'a str,
}

/// Instances of a series that are to be read.
pub struct InputSeries {
    pub series: Uid,
    /// SOP class and SOP instance.
    pub instances: Vec<(Uid, Uid)>,
}

/// A reading that was begun.
#[derive(Clone, Copy)]
pub struct Performed<'a> {
    pub by: &'a str,
    pub began_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// Everything that a work item says.
pub struct WorkItem<'a> {
    pub uid: Uid,
    /// The reading of this study before this one.
    pub replaces: Option<Uid>,
    pub standing: Standing,
    pub band: Band,
    /// What stands on the worklist besides the patient.
    pub label: &'a str,
    pub worklist: &'a str,
    /// Why it stands where it stands.
    pub reasons: &'a [String],
    pub study_uid: &'a Uid,
    pub who: Who<'a>,
    pub arrived_at: Timestamp,
    pub due_at: Timestamp,
    pub changed_at: Timestamp,
    /// All images are here.
    pub complete: bool,
    pub accession: &'a str,
    pub order: Option<&'a OrderRecord>,
    /// Where the images can be fetched.
    pub retrieve_from: &'a str,
    /// Empty in lists.
    pub inputs: &'a [InputSeries],
    pub performed: Option<Performed<'a>>,
    pub offset: FixedOffset,
}

/// The work item as a data set.
pub fn data_set(item: &WorkItem) -> InMemDicomObject {
    let local = |at: Timestamp| date_time(at.with_timezone(&item.offset));
    let set = DataSet::new()
        .text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192")
        .text(tags::SOP_CLASS_UID, VR::UI, uids::UNIFIED_PROCEDURE_STEP_PUSH)
        .uid(tags::SOP_INSTANCE_UID, &item.uid)
        .text(
            tags::SCHEDULED_PROCEDURE_STEP_PRIORITY,
            VR::CS,
            reading::priority(item.band),
        )
        .text(
            tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME,
            VR::DT,
            &local(item.changed_at),
        )
        .label(tags::PROCEDURE_STEP_LABEL, VR::LO, item.label)
        .label(tags::WORKLIST_LABEL, VR::LO, item.worklist)
        .text(
            tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME,
            VR::DT,
            &local(item.arrived_at),
        )
        .text(tags::EXPECTED_COMPLETION_DATE_TIME, VR::DT, &local(item.due_at))
        .code(tags::SCHEDULED_WORKITEM_CODE_SEQUENCE, &INTERPRETATION)
        .text(
            tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP,
            VR::LT,
            &comments(item.reasons),
        )
        .text(tags::INPUT_READINESS_STATE, VR::CS, readiness(item.complete))
        .sequence(tags::INPUT_INFORMATION_SEQUENCE, inputs(item))
        .text(tags::PROCEDURE_STEP_STATE, VR::CS, item.standing.step.text());
    set.with(unplanned())
        .with(patient(item.who))
        .with(requested(item))
        .with(progress(item, &local))
        .with(performed(item, &local))
        .object()
}

pub fn readiness(complete: bool) -> &'static str {
    match complete {
        true => "READY",
        false => "INCOMPLETE",
    }
}

/// Nobody in particular is asked to read it, and no station: elements of type 2.
fn unplanned() -> DataSet {
    let none = Vec::new;
    DataSet::new()
        .sequence(tags::SCHEDULED_PROCESSING_PARAMETERS_SEQUENCE, none())
        .sequence(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, none())
        .sequence(tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE, none())
        .sequence(tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE, none())
        .sequence(tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE, none())
        .text(tags::ADMITTING_DIAGNOSES_DESCRIPTION, VR::LO, "")
}

fn patient(who: Who) -> DataSet {
    DataSet::new()
        .text(tags::PATIENT_NAME, VR::PN, who.name)
        .text(tags::PATIENT_ID, VR::LO, who.identifier)
        .optional(tags::ISSUER_OF_PATIENT_ID, VR::LO, Some(who.authority))
        .text(tags::PATIENT_BIRTH_DATE, VR::DA, who.birth_date)
        .text(tags::PATIENT_SEX, VR::CS, who.sex)
}

/// One line for each reason, as long as the element holds them.
fn comments(reasons: &[String]) -> String {
    reasons.join("\r\n").chars().take(10_240).collect()
}

fn inputs(item: &WorkItem) -> Vec<DataSet> {
    let input = |series: &InputSeries| {
        let instances = series.instances.iter().map(|(class, instance)| {
            DataSet::new()
                .uid(tags::REFERENCED_SOP_CLASS_UID, class)
                .uid(tags::REFERENCED_SOP_INSTANCE_UID, instance)
        });
        let from = DataSet::new().label(tags::RETRIEVE_AE_TITLE, VR::AE, item.retrieve_from);
        DataSet::new()
            .text(tags::TYPE_OF_INSTANCES, VR::CS, "DICOM")
            .uid(tags::STUDY_INSTANCE_UID, item.study_uid)
            .uid(tags::SERIES_INSTANCE_UID, &series.series)
            .sequence(tags::REFERENCED_SOP_SEQUENCE, instances.collect())
            .sequence(tags::DICOM_RETRIEVAL_SEQUENCE, vec![from])
    };
    item.inputs.iter().map(input).collect()
}

/// The order, as far as there is one that belongs to the study.
fn requested(item: &WorkItem) -> DataSet {
    let order = item.order;
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let number = |id: Option<&tocsin_domain::order::EntityId>| id.map(|id| id.number.clone());
    let placer = number(order.and_then(|order| order.placer.as_ref()));
    let filler = number(order.and_then(|order| order.filler.as_ref()));
    let asked = order.map(|order| &order.procedure);
    let codes = asked.filter(|procedure| !procedure.code.is_empty());
    let codes = codes.map(|procedure| {
        coded(&Code {
            system: procedure.system.clone().into(),
            code: procedure.code.clone().into(),
            display: procedure.text.clone().into(),
        })
    });
    let request = DataSet::new()
        .uid(tags::STUDY_INSTANCE_UID, item.study_uid)
        .label(tags::ACCESSION_NUMBER, VR::SH, item.accession)
        .sequence(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, Vec::new())
        .label(
            tags::REQUESTED_PROCEDURE_ID,
            VR::SH,
            &text(order.and_then(|order| order.requested_procedure_id.as_ref())),
        )
        .label(
            tags::REQUESTED_PROCEDURE_DESCRIPTION,
            VR::LO,
            &text(asked.map(|procedure| &procedure.text)),
        )
        .sequence(
            tags::REQUESTED_PROCEDURE_CODE_SEQUENCE,
            codes.into_iter().collect(),
        )
        .label(
            tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
            VR::LO,
            &text(placer.as_ref()),
        )
        .label(
            tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
            VR::LO,
            &text(filler.as_ref()),
        );
    let set = DataSet::new()
        .sequence(tags::REFERENCED_REQUEST_SEQUENCE, vec![request])
        .label(
            tags::ADMISSION_ID,
            VR::LO,
            &text(order.and_then(|order| order.visit.as_ref())),
        )
        .sequence(tags::ISSUER_OF_ADMISSION_ID_SEQUENCE, Vec::new());
    match &item.replaces {
        Some(before) => set.sequence(
            tags::REPLACED_PROCEDURE_STEP_SEQUENCE,
            vec![
                DataSet::new()
                    .text(
                        tags::REFERENCED_SOP_CLASS_UID,
                        VR::UI,
                        uids::UNIFIED_PROCEDURE_STEP_PUSH,
                    )
                    .uid(tags::REFERENCED_SOP_INSTANCE_UID, before),
            ],
        ),
        None => set,
    }
}

/// Why it ended, where it ended without having been read.
fn progress(item: &WorkItem, local: &dyn Fn(Timestamp) -> String) -> DataSet {
    let code = match item.standing.ending {
        Some(Ending::OrderCancelled) => ORDER_CANCELED,
        Some(Ending::Stopped | Ending::GivenBack | Ending::Lapsed) => DISCONTINUED_UNSPECIFIED,
        Some(Ending::Reported | Ending::SaidDone) | None => {
            return DataSet::new().sequence(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, Vec::new());
        }
    };
    let words = item.standing.ending.map_or("", Ending::words);
    let at = item.performed.and_then(|performed| performed.ended_at);
    let at = at.map(local);
    let ended = DataSet::new()
        .optional(tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME, VR::DT, at.as_deref())
        .text(tags::REASON_FOR_CANCELLATION, VR::LT, words)
        .code(tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE, &code);
    DataSet::new().sequence(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![ended])
}

/// Who read it and when, as far as we know.
fn performed(item: &WorkItem, local: &dyn Fn(Timestamp) -> String) -> DataSet {
    let Some(performed) = item.performed.filter(|performed| !performed.by.is_empty()) else {
        return DataSet::new();
    };
    let ended = performed.ended_at.map(local);
    // No characters that would end a component of the name.
    let name: String = performed
        .by
        .chars()
        .filter(|c| !['^', '=', '\\'].contains(c))
        .take(64)
        .collect();
    let reader = DataSet::new()
        .sequence(tags::HUMAN_PERFORMER_CODE_SEQUENCE, Vec::new())
        .text(tags::HUMAN_PERFORMER_NAME, VR::PN, &name)
        .text(tags::HUMAN_PERFORMER_ORGANIZATION, VR::LO, "");
    let done = DataSet::new()
        .sequence(tags::ACTUAL_HUMAN_PERFORMERS_SEQUENCE, vec![reader])
        .sequence(tags::PERFORMED_STATION_NAME_CODE_SEQUENCE, Vec::new())
        .code(tags::PERFORMED_WORKITEM_CODE_SEQUENCE, &INTERPRETATION)
        .text(
            tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME,
            VR::DT,
            &local(performed.began_at),
        )
        .optional(
            tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME,
            VR::DT,
            ended.as_deref(),
        )
        // What was made of it is a report, and none has come this way.
        .sequence(tags::OUTPUT_INFORMATION_SEQUENCE, Vec::new());
    DataSet::new().sequence(
        tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE,
        vec![done],
    )
}

/// A DT value with its offset from UTC.
pub fn date_time(at: DateTime<FixedOffset>) -> String {
    at.format("%Y%m%d%H%M%S%z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::from_micros;
    use tocsin_domain::reading::Step;

    fn item<'a>(study_uid: &'a Uid, reasons: &'a [String]) -> WorkItem<'a> {
        WorkItem {
            uid: Uid::parse("2.25.7.2").expect("a UID"),
            replaces: Uid::parse("2.25.7").ok(),
            standing: Standing {
                number: 2,
                step: Step::Canceled,
                ending: Some(Ending::Stopped),
            },
            band: Band::Critical,
            label: "CT Head\\now",
            worklist: "Critical",
            reasons,
            study_uid,
            who: Who {
                name: "Doe^Jane",
                ..Who::default()
            },
            arrived_at: from_micros(0),
            due_at: from_micros(600_000_000),
            changed_at: from_micros(0),
            complete: false,
            accession: "A1",
            order: None,
            retrieve_from: "TOCSIN",
            inputs: &[],
            performed: Some(Performed {
                by: "Dr^Ito",
                began_at: from_micros(0),
                ended_at: Some(from_micros(1_000_000)),
            }),
            offset: FixedOffset::east_opt(3600).expect("an offset"),
        }
    }

    #[test]
    fn a_work_item_says_what_the_worklist_shows() {
        let study_uid = Uid::parse("1.2.3").expect("a UID");
        let reasons = ["rule one".to_owned(), "rule two".to_owned()];
        let set = data_set(&item(&study_uid, &reasons));
        let text = |tag| {
            set.element(tag)
                .expect("there")
                .to_str()
                .expect("text")
                .into_owned()
        };
        assert_eq!(text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY), "HIGH");
        assert_eq!(text(tags::PROCEDURE_STEP_STATE), "CANCELED");
        assert_eq!(text(tags::PROCEDURE_STEP_LABEL), "CT Headnow");
        assert_eq!(text(tags::INPUT_READINESS_STATE), "INCOMPLETE");
        assert_eq!(
            text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME),
            "19700101010000+0100"
        );
        assert_eq!(
            text(tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP),
            "rule one\r\nrule two"
        );
        let progress = set
            .element(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE)
            .expect("there");
        let [ended] = progress.items().expect("items") else {
            panic!("one item")
        };
        let reason = ended.element(tags::REASON_FOR_CANCELLATION).expect("there");
        assert_eq!(reason.to_str().expect("text"), "its reader stopped");
    }
}
