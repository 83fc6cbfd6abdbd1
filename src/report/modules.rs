//! The modules that every object of ours carries (PS3.3): patient and study copied from the source, a series and an
//! instance of its own, the model as equipment, this software as contributing equipment.

use chrono::{DateTime, FixedOffset};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use tocsin_domain::code::Code;
use tocsin_domain::finding::ModelRef;
use tocsin_domain::ids::Uid;

use super::Context;
use super::dataset::{DataSet, coded};
use super::uids::{ObjectKind, ObjectUids};

const UTF_8: &str = "ISO_IR 192";
const PROCESSING_EQUIPMENT: Code = Code::new("DCM", "109102", "Processing Equipment");

/// Everything but what the kind of object adds.
pub fn common(
    context: &Context,
    kind: ObjectKind,
    sop_class: &str,
    modality: &str,
    description: &str,
) -> DataSet {
    let uids = context.uids(kind);
    let at = context.produced_at();
    patient(context)
        .with(study(context))
        .with(series(context, kind, &uids, modality, description))
        .with(equipment(&context.record.model, context))
        .text(tags::SPECIFIC_CHARACTER_SET, VR::CS, UTF_8)
        .text(tags::SOP_CLASS_UID, VR::UI, sop_class)
        .uid(tags::SOP_INSTANCE_UID, &uids.instance)
        .text(tags::INSTANCE_CREATION_DATE, VR::DA, &date(at))
        .text(tags::INSTANCE_CREATION_TIME, VR::TM, &time(at))
        .text(tags::CONTENT_DATE, VR::DA, &date(at))
        .text(tags::CONTENT_TIME, VR::TM, &time(at))
        .text(
            tags::TIMEZONE_OFFSET_FROM_UTC,
            VR::SH,
            &at.format("%z").to_string(),
        )
        .text(tags::INSTANCE_NUMBER, VR::IS, &context.revision.to_string())
}

fn patient(context: &Context) -> DataSet {
    let header = context.header;
    let known = &header.demographics;
    let birth = known.birth_date.as_ref().map(|d| d.expose().as_str());
    let name = known.name.as_ref().map_or("", |n| n.expose());
    let id = header.patient.as_ref();
    DataSet::new()
        .text(tags::PATIENT_NAME, VR::PN, name)
        .text(tags::PATIENT_ID, VR::LO, id.map_or("", |p| &p.value))
        .optional(
            tags::ISSUER_OF_PATIENT_ID,
            VR::LO,
            id.map(|p| p.authority.as_str()),
        )
        .text(tags::PATIENT_BIRTH_DATE, VR::DA, whole_date(birth))
        .text(
            tags::PATIENT_SEX,
            VR::CS,
            sex(known.sex.as_ref().map(|s| s.expose().as_str())),
        )
}

fn study(context: &Context) -> DataSet {
    let header = context.header;
    let referring = header.referring_physician.as_ref().map_or("", |p| p.expose());
    DataSet::new()
        .uid(tags::STUDY_INSTANCE_UID, &header.study_uid)
        .text(tags::STUDY_ID, VR::SH, header.study_id.as_deref().unwrap_or(""))
        .text(tags::STUDY_DATE, VR::DA, whole_date(header.study_date.as_deref()))
        .text(tags::STUDY_TIME, VR::TM, clock_time(header.study_time.as_deref()))
        .text(
            tags::ACCESSION_NUMBER,
            VR::SH,
            header.accession.as_deref().unwrap_or(""),
        )
        .text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, referring)
        .optional(
            tags::STUDY_DESCRIPTION,
            VR::LO,
            header.study_description.as_deref(),
        )
}

fn series(
    context: &Context,
    kind: ObjectKind,
    uids: &ObjectUids,
    modality: &str,
    description: &str,
) -> DataSet {
    let at = context.produced_at();
    DataSet::new()
        .text(tags::MODALITY, VR::CS, modality)
        .uid(tags::SERIES_INSTANCE_UID, &uids.series)
        .text(tags::SERIES_NUMBER, VR::IS, &kind.series_number().to_string())
        .text(tags::SERIES_DATE, VR::DA, &date(at))
        .text(tags::SERIES_TIME, VR::TM, &time(at))
        .label(tags::SERIES_DESCRIPTION, VR::LO, description)
}

fn equipment(model: &ModelRef, context: &Context) -> DataSet {
    let at = context.produced_at().format("%Y%m%d%H%M%S%z").to_string();
    let orchestrator = DataSet::new()
        .code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, &PROCESSING_EQUIPMENT)
        .text(tags::MANUFACTURER, VR::LO, "Tocsin")
        .text(tags::MANUFACTURER_MODEL_NAME, VR::LO, "Tocsin")
        .label(tags::DEVICE_SERIAL_NUMBER, VR::LO, &context.installation.serial)
        .text(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"))
        .text(tags::CONTRIBUTION_DATE_TIME, VR::DT, &at);
    DataSet::new()
        .label(tags::MANUFACTURER, VR::LO, &model.manufacturer)
        .label(tags::MANUFACTURER_MODEL_NAME, VR::LO, &model.name)
        .label(tags::DEVICE_SERIAL_NUMBER, VR::LO, &context.installation.serial)
        .label(tags::SOFTWARE_VERSIONS, VR::LO, &model.version)
        .optional(
            tags::INSTITUTION_NAME,
            VR::LO,
            context.header.institution.as_deref(),
        )
        .sequence(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, vec![orchestrator])
}

/// Study, series and instances as a reference hierarchy.
pub fn references(study: &Uid, series: &Uid, instances: Vec<DataSet>) -> DataSet {
    let series = DataSet::new()
        .uid(tags::SERIES_INSTANCE_UID, series)
        .sequence(tags::REFERENCED_SOP_SEQUENCE, instances);
    DataSet::new()
        .uid(tags::STUDY_INSTANCE_UID, study)
        .sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series])
}

/// A reference to one instance.
pub fn sop_reference(sop_class: &str, instance: &Uid) -> DataSet {
    DataSet::new()
        .text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, sop_class)
        .uid(tags::REFERENCED_SOP_INSTANCE_UID, instance)
}

/// The order behind the study; `None` when neither an order nor an accession number is known.
pub fn request(context: &Context) -> Option<DataSet> {
    let header = context.header;
    if header.request.is_none() && header.accession.is_none() {
        return None;
    }
    let order = header.request.as_ref();
    let number = |id: Option<&tocsin_domain::order::EntityId>| id.map_or(String::new(), |e| e.number.clone());
    let text = order.map_or("", |r| r.procedure.text.as_str());
    let codes = procedure_code(context).map_or(Vec::new(), |code| vec![coded(&code)]);
    Some(
        DataSet::new()
            .uid(tags::STUDY_INSTANCE_UID, &header.study_uid)
            .sequence(tags::REFERENCED_STUDY_SEQUENCE, Vec::new())
            .text(
                tags::ACCESSION_NUMBER,
                VR::SH,
                header.accession.as_deref().unwrap_or(""),
            )
            .text(
                tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
                VR::LO,
                &number(order.and_then(|r| r.placer.as_ref())),
            )
            .text(
                tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
                VR::LO,
                &number(order.and_then(|r| r.filler.as_ref())),
            )
            .text(tags::REQUESTED_PROCEDURE_ID, VR::SH, "")
            .label(tags::REQUESTED_PROCEDURE_DESCRIPTION, VR::LO, text)
            .sequence(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, codes),
    )
}

/// The ordered procedure as a DICOM code; `None` when the order did not code it.
pub fn procedure_code(context: &Context) -> Option<Code> {
    let procedure = &context.header.request.as_ref()?.procedure;
    let code = procedure.code.trim();
    if code.is_empty() {
        return None;
    }
    Some(Code {
        system: designator(procedure.system.trim()).into(),
        code: code.to_owned().into(),
        display: procedure.text.trim().to_owned().into(),
    })
}

/// HL7 table 0396 and PS3.16 chapter 8 share these names; every other system is private here and begins with 99.
fn designator(hl7: &str) -> String {
    match hl7 {
        "LN" | "SCT" | "DCM" | "RADLEX" | "UMLS" => hl7.to_owned(),
        "" | "L" => "99LOCAL".to_owned(),
        private if private.starts_with("99") => private.to_owned(),
        other => format!("99{other}"),
    }
}

pub fn date(at: DateTime<FixedOffset>) -> String {
    at.format("%Y%m%d").to_string()
}

pub fn time(at: DateTime<FixedOffset>) -> String {
    at.format("%H%M%S").to_string()
}

/// Senders shorten dates; DA knows whole ones only.
fn whole_date(text: Option<&str>) -> &str {
    text.filter(|t| t.len() == 8 && t.bytes().all(|b| b.is_ascii_digit()))
        .unwrap_or("")
}

fn clock_time(text: Option<&str>) -> &str {
    text.filter(|t| t.len() <= 14 && t.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        .unwrap_or("")
}

/// DICOM knows M, F and O; HL7's other values are unknown to it.
fn sex(text: Option<&str>) -> &str {
    text.filter(|s| matches!(*s, "M" | "F" | "O")).unwrap_or("")
}
