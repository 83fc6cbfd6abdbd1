//! A result as a FHIR R4 bundle: patient, study, the model as a device, one observation per finding and per lesion, and a
//! report that is never final. It holds what the structured report holds, and names no human as responsible.

use serde_json::{Value, json};
use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Evaluation, Finding, Lesion, Measurement, Presence, ResultStatus};
use tocsin_domain::phi::{Demographics, PatientIdentifier};

use super::fhir_parts::{concept, day, defined, dicom, entity, patient, procedure, quantity, typed};
use super::hl7_context::OrderContext;
use super::uids::{ObjectKind, ObjectUids, device, resource};
use super::{Context, sr_codes, text};

const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
const ABSENT_REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const SERVICE_SECTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
const IMAGING_STUDY_REPORT: Code = Code::new("LN", "18748-4", "Diagnostic imaging study");

/// A result, and whom it is about.
#[derive(Clone, Copy, Debug)]
pub struct BundleOf<'a> {
    pub context: Context<'a>,
    /// As messages name the patient: the order's where one is linked, else the images'.
    pub patient: Option<&'a PatientIdentifier>,
    pub demographics: &'a Demographics,
    pub order: Option<&'a OrderContext>,
}

/// A collection; the same result gives the same bundle.
pub fn bundle(of: &BundleOf<'_>) -> Value {
    let record = of.context.record;
    let mut entries = vec![
        of.entry("patient", patient(of.patient, of.demographics)),
        of.entry("device", of.device()),
        of.entry("study", of.study()),
    ];
    for (index, finding) in record.findings.iter().enumerate() {
        entries.push(of.entry(&observed(index), of.finding(index, finding)));
        for lesion in &finding.lesions {
            entries.push(of.entry(&outlined(index, lesion), of.lesion(finding, lesion)));
        }
    }
    entries.push(of.entry("report", of.report()));
    json!({
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": of.produced_at(),
        "entry": entries,
    })
}

fn observed(index: usize) -> String {
    format!("finding/{index}")
}

fn outlined(index: usize, lesion: &Lesion) -> String {
    format!("finding/{index}/lesion/{}", lesion.number)
}

impl BundleOf<'_> {
    fn url(&self, name: &str) -> String {
        format!("urn:uuid:{}", resource(self.context.record.id, &[name]))
    }

    fn reference(&self, name: &str) -> Value {
        json!({ "reference": self.url(name) })
    }

    fn entry(&self, name: &str, resource: Value) -> Value {
        json!({ "fullUrl": self.url(name), "resource": resource })
    }

    /// An instant needs its zone.
    fn produced_at(&self) -> String {
        self.context.produced_at().to_rfc3339()
    }

    /// The model, as installed here.
    fn device(&self) -> Value {
        let model = &self.context.record.model;
        let installation = self.context.installation;
        json!({
            "resourceType": "Device",
            "identifier": [dicom(&device(&installation.serial, model))],
            "status": "active",
            "manufacturer": model.manufacturer,
            "serialNumber": installation.serial,
            "deviceName": [{ "name": model.name, "type": "model-name" }],
            "type": concept(&sr_codes::ARTIFICIAL_INTELLIGENCE),
            "version": [
                { "type": { "text": "Algorithm Version" }, "value": model.version },
                { "type": { "text": "SHA-256 of the model file" }, "value": model.sha256 },
            ],
            "note": [{ "text": model.disclaimer }],
        })
    }

    /// The series that was read, and its instances.
    fn study(&self) -> Value {
        let (record, header) = (self.context.record, self.context.header);
        let modality = concept(&sr_codes::modality(&header.source.modality))["coding"][0].clone();
        let class = json!({ "system": "urn:ietf:rfc:3986", "code": format!("urn:oid:{}", header.source.sop_class_uid) });
        let instances: Vec<Value> = record
            .instance_uids
            .iter()
            .map(|uid| json!({ "uid": uid.as_str(), "sopClass": class }))
            .collect();
        let mut study = json!({
            "resourceType": "ImagingStudy",
            "identifier": [dicom(&header.study_uid)],
            "status": "available",
            "modality": [modality],
            "subject": self.reference("patient"),
            "series": [{ "uid": record.series_uid.as_str(), "modality": modality, "instance": instances }],
        });
        if let Some(date) = header.study_date.as_deref().and_then(day) {
            study["started"] = date.into();
        }
        if let Some(description) = header
            .study_description
            .as_deref()
            .filter(|text| !text.trim().is_empty())
        {
            study["description"] = description.trim().into();
        }
        if let Some(accession) = self.accession() {
            study["identifier"] = json!([
                dicom(&header.study_uid),
                typed("ACSN", "Accession ID", accession, "")
            ]);
        }
        if let Some(code) = self.order.and_then(|order| procedure(&order.procedure)) {
            study["procedureCode"] = json!([code]);
        }
        study
    }

    fn accession(&self) -> Option<&str> {
        let ordered = self.order.and_then(|order| order.accession.as_deref());
        let said = ordered.or(self.context.header.accession.as_deref());
        said.filter(|number| !number.is_empty())
    }

    /// What every observation of this result says.
    fn observation(&self, finding: &Finding) -> Value {
        let record = self.context.record;
        json!({
            "resourceType": "Observation",
            "status": status(record.status, finding.presence),
            "category": [defined(OBSERVATION_CATEGORY, "imaging", "Imaging")],
            "code": concept(&finding.code),
            "subject": self.reference("patient"),
            "issued": self.produced_at(),
            "device": self.reference("device"),
            "derivedFrom": [self.reference("study")],
        })
    }

    fn finding(&self, index: usize, finding: &Finding) -> Value {
        let record = self.context.record;
        let mut observation = self.observation(finding);
        observation["bodySite"] = concept(&finding.site);
        observation["interpretation"] = json!([interpretation(finding.presence)]);
        match finding.presence {
            Presence::Present | Presence::Absent => {
                observation["valueCodeableConcept"] = concept(&finding.presence.code());
            }
            Presence::Undetermined => {
                observation["dataAbsentReason"] = defined(ABSENT_REASON, "not-performed", "Not Performed");
            }
        }
        let certainty = finding.probability.map(|probability| Measurement {
            code: code::CERTAINTY,
            value: probability * 100.0,
            unit: code::PERCENT,
        });
        let components: Vec<Value> = certainty
            .iter()
            .chain(&finding.measurements)
            .map(component)
            .chain(finding.evaluations.iter().map(evaluated))
            .collect();
        if !components.is_empty() {
            observation["component"] = components.into();
        }
        let members: Vec<Value> = finding
            .lesions
            .iter()
            .map(|lesion| self.reference(&outlined(index, lesion)))
            .collect();
        if !members.is_empty() {
            observation["hasMember"] = members.into();
        }
        let operating_point = format!("Operating point: {}", finding.operating_point);
        let notes = text::remarks(record).into_iter().chain([operating_point]);
        observation["note"] = notes.map(|text| json!({ "text": text })).collect();
        observation
    }

    fn lesion(&self, finding: &Finding, lesion: &Lesion) -> Value {
        let mut observation = self.observation(finding);
        observation["valueCodeableConcept"] = concept(&code::PRESENT);
        observation["bodySite"] = concept(&lesion.location);
        let side = lesion.laterality.as_ref().map(
            |side| json!({ "code": concept(&sr_codes::LATERALITY), "valueCodeableConcept": concept(side) }),
        );
        let components: Vec<Value> = side
            .into_iter()
            .chain(lesion.measurements.iter().map(component))
            .collect();
        if !components.is_empty() {
            observation["component"] = components.into();
        }
        observation
    }

    /// It names no interpreter: nobody has read this.
    fn report(&self) -> Value {
        let record = self.context.record;
        let sr = ObjectUids::of(
            ObjectKind::StructuredReport,
            &self.context.header.study_uid,
            &record.model,
            record.id,
        );
        let results: Vec<Value> = (0..record.findings.len())
            .map(|index| self.reference(&observed(index)))
            .collect();
        let mut report = json!({
            "resourceType": "DiagnosticReport",
            "identifier": [dicom(&sr.instance)],
            "status": report_status(record.status),
            "category": [defined(SERVICE_SECTION, "RAD", "Radiology")],
            "code": concept(&IMAGING_STUDY_REPORT),
            "subject": self.reference("patient"),
            "issued": self.produced_at(),
            "imagingStudy": [self.reference("study")],
            "conclusion": text::narrative(record),
        });
        if !results.is_empty() {
            report["result"] = results.into();
        }
        let ordered = self.order.and_then(|order| {
            let placer = order
                .placer
                .as_ref()
                .and_then(|id| entity("PLAC", "Placer Identifier", id));
            placer.or_else(|| {
                order
                    .filler
                    .as_ref()
                    .and_then(|id| entity("FILL", "Filler Identifier", id))
            })
        });
        if let Some(order) = ordered {
            report["basedOn"] = json!([{ "type": "ServiceRequest", "identifier": order }]);
        }
        report
    }
}

fn component(measurement: &Measurement) -> Value {
    json!({
        "code": concept(&measurement.code),
        "valueQuantity": quantity(measurement.value, &measurement.unit),
    })
}

fn evaluated(told: &Evaluation) -> Value {
    json!({ "code": concept(&told.code), "valueCodeableConcept": concept(&told.value) })
}

fn interpretation(presence: Presence) -> Value {
    match presence {
        Presence::Present => defined(INTERPRETATION, "POS", "Positive"),
        Presence::Absent => defined(INTERPRETATION, "NEG", "Negative"),
        Presence::Undetermined => defined(INTERPRETATION, "IND", "Indeterminate"),
    }
}

/// As OBX-11 says it: what was not determined was not obtained.
fn status(result: ResultStatus, presence: Presence) -> &'static str {
    match (result, presence) {
        (ResultStatus::Withdrawn, _) => "entered-in-error",
        (_, Presence::Undetermined) => "cancelled",
        (ResultStatus::Corrected, Presence::Present | Presence::Absent) => "corrected",
        (ResultStatus::Preliminary, Presence::Present | Presence::Absent) => "preliminary",
    }
}

fn report_status(result: ResultStatus) -> &'static str {
    match result {
        ResultStatus::Preliminary => "preliminary",
        ResultStatus::Corrected => "corrected",
        ResultStatus::Withdrawn => "entered-in-error",
    }
}

/// The bundle as people read it.
pub fn pretty(bundle: &Value) -> String {
    format!("{bundle:#}\n")
}

#[cfg(test)]
mod tests;
