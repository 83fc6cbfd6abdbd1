//! A result in FHIR R4: the study, the model as a device, one observation per finding and per lesion, and a report that is
//! never final; as a bundle, or as resources of a server. It holds what the structured report holds, and names a human as
//! responsible for what they verified alone.

use serde_json::{Value, json};
use tocsin_domain::assessment::{Assessment, Judged};
use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Evaluation, Finding, Lesion, Measurement, Presence, ResultStatus};
use tocsin_domain::phi::{Demographics, PatientIdentifier};

use super::fhir_parts::{concept, day, defined, dicom, entity, patient, quantity};
use super::fhir_study::{SeriesOf, StudyOf, imaging_study};
use super::hl7_context::OrderContext;
use super::uids::{self, ObjectKind, ObjectUids, device, resource};
use super::{Context, sr_codes, text};

const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
const ABSENT_REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const SERVICE_SECTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
/// Of an observation that a radiologist has verified.
pub const VERIFIED: &str = "final";
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

/// One result as resources that refer to one another, and to what they are about, by name.
#[derive(Clone, Copy, Debug)]
pub struct ResultOf<'a> {
    pub context: Context<'a>,
    pub order: Option<&'a OrderContext>,
    pub names: Names<'a>,
}

/// How resources are named.
#[derive(Clone, Copy, Debug)]
pub enum Names<'a> {
    /// Within one bundle.
    Bundle,
    /// By a server.
    Server(&'a Addresses),
}

/// Where a server keeps what a result refers to, as `Type/id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    pub patient: String,
    pub study: String,
    pub device: String,
    /// None where no order is known.
    pub order: Option<String>,
}

/// What a result consists of, or refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Patient,
    Device,
    Study,
    /// By its place among the findings.
    Finding(usize),
    /// By its place and the lesion's number.
    Lesion(usize, u32),
    Report,
}

/// A collection; the same result gives the same bundle.
pub fn bundle(of: &BundleOf<'_>) -> Value {
    let result = ResultOf {
        context: of.context,
        order: of.order,
        names: Names::Bundle,
    };
    let mut parts = vec![
        (Part::Patient, patient(of.patient, of.demographics)),
        (Part::Device, result.device()),
        (Part::Study, result.study()),
    ];
    parts.extend(result.observations());
    parts.push((Part::Report, result.report()));
    let entries: Vec<Value> = parts
        .into_iter()
        .map(|(part, resource)| json!({ "fullUrl": result.name(part), "resource": resource }))
        .collect();
    json!({
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": result.produced_at(),
        "entry": entries,
    })
}

impl ResultOf<'_> {
    /// Every finding with its lesions, in the order of the record.
    pub fn observations(&self) -> Vec<(Part, Value)> {
        let mut all = Vec::new();
        for (index, finding) in self.context.record.findings.iter().enumerate() {
            all.push((Part::Finding(index), self.finding(index, finding)));
            for lesion in &finding.lesions {
                let part = Part::Lesion(index, lesion.number);
                all.push((part, self.lesion(finding, lesion)));
            }
        }
        all
    }

    /// What a reference to this part holds.
    pub fn name(&self, part: Part) -> String {
        match self.names {
            Names::Bundle => format!(
                "urn:uuid:{}",
                resource(self.context.record.id, &[&in_bundle(part)])
            ),
            Names::Server(addresses) => self.address(addresses, part),
        }
    }

    fn address(&self, known: &Addresses, part: Part) -> String {
        let id = self.context.record.id;
        match part {
            Part::Patient => known.patient.clone(),
            Part::Device => known.device.clone(),
            Part::Study => known.study.clone(),
            Part::Finding(place) => format!("Observation/{id}.{place}"),
            Part::Lesion(place, number) => format!("Observation/{id}.{place}.{number}"),
            Part::Report => format!("DiagnosticReport/{id}"),
        }
    }

    fn reference(&self, part: Part) -> Value {
        json!({ "reference": self.name(part) })
    }

    /// An instant needs its zone.
    fn produced_at(&self) -> String {
        self.context.produced_at().to_rfc3339()
    }

    /// The model, as installed here.
    pub fn device(&self) -> Value {
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
        let series = SeriesOf {
            uid: record.series_uid.as_str(),
            modality: &header.source.modality,
            sop_class: Some(&header.source.sop_class_uid),
            instances: &record.instance_uids,
            count: record.instance_uids.len(),
            description: None,
        };
        imaging_study(&StudyOf {
            uid: &header.study_uid,
            accession: self.accession(),
            date: header.study_date.as_deref(),
            description: header.study_description.as_deref(),
            procedure: self.order.map(|order| &order.procedure),
            subject: self.reference(Part::Patient),
            order: None,
            series: &[series],
        })
    }

    fn accession(&self) -> Option<&str> {
        let ordered = self.order.and_then(|order| order.accession.as_deref());
        said(ordered).or(said(self.context.header.accession.as_deref()))
    }

    /// The order, by its place on the server and by the number that its placer or filler gave it.
    fn based_on(&self) -> Option<Value> {
        let number = self.order.and_then(|order| {
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
        let place = match self.names {
            Names::Bundle => None,
            Names::Server(addresses) => addresses.order.as_deref(),
        };
        let mut order = json!({ "type": "ServiceRequest" });
        if let Some(place) = place {
            order["reference"] = place.into();
        }
        if let Some(number) = &number {
            order["identifier"] = number.clone();
        }
        (place.is_some() || number.is_some()).then(|| json!([order]))
    }

    /// Of the day on which the images were made, as exactly as they say it.
    fn effective(&self) -> Option<String> {
        self.context.header.study_date.as_deref().and_then(day)
    }

    /// What every observation of this result says.
    fn observation(&self, finding: &Finding, tracking: &[&str]) -> Value {
        let record = self.context.record;
        let tracking = uids::tracking(&self.context.header.study_uid, &record.model, tracking);
        let mut observation = json!({
            "identifier": [dicom(&tracking)],
            "resourceType": "Observation",
            "status": self.status(finding),
            "category": [defined(OBSERVATION_CATEGORY, "imaging", "Imaging")],
            "code": concept(&finding.code),
            "subject": self.reference(Part::Patient),
            "issued": self.produced_at(),
            "device": self.reference(Part::Device),
            "derivedFrom": [self.reference(Part::Study)],
        });
        if let Some(verified) = self.verified(finding) {
            observation["performer"] = json!([{ "type": "Practitioner", "display": verified.by }]);
        }
        self.placed(&mut observation);
        observation
    }

    /// A radiologist's verification of a finding that stands.
    fn verified(&self, finding: &Finding) -> Option<&Assessment> {
        let record = self.context.record;
        let assessed = record.assessment_of(finding)?;
        let stands = record.status != ResultStatus::Withdrawn && assessed.judged == Judged::Verified;
        stands.then_some(assessed)
    }

    fn status(&self, finding: &Finding) -> &'static str {
        match self.verified(finding) {
            Some(_) => VERIFIED,
            None => status(self.context.record.status, finding.presence),
        }
    }

    /// What observations and the report say alike: for which order, and of when.
    fn placed(&self, resource: &mut Value) {
        if let Some(order) = self.based_on() {
            resource["basedOn"] = order;
        }
        if let Some(day) = self.effective() {
            resource["effectiveDateTime"] = day.into();
        }
    }

    fn finding(&self, index: usize, finding: &Finding) -> Value {
        let record = self.context.record;
        let mut observation = self.observation(finding, &[&finding.code.code]);
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
            .map(|lesion| self.reference(Part::Lesion(index, lesion.number)))
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
        let (result, number) = (self.context.record.id.to_string(), lesion.number.to_string());
        let mut observation = self.observation(finding, &[&finding.code.code, &result, &number]);
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

    /// It is not the radiologist's report, and never final; whoever verified all of it is named.
    pub fn report(&self) -> Value {
        let record = self.context.record;
        let sr = ObjectUids::of(
            ObjectKind::StructuredReport,
            &self.context.header.study_uid,
            &record.model,
            record.id,
        );
        let results: Vec<Value> = (0..record.findings.len())
            .map(|index| self.reference(Part::Finding(index)))
            .collect();
        let mut report = json!({
            "resourceType": "DiagnosticReport",
            "identifier": [dicom(&sr.instance)],
            "status": report_status(record.status),
            "category": [defined(SERVICE_SECTION, "RAD", "Radiology")],
            "code": concept(&IMAGING_STUDY_REPORT),
            "subject": self.reference(Part::Patient),
            "issued": self.produced_at(),
            "imagingStudy": [self.reference(Part::Study)],
            "conclusion": text::narrative(record),
        });
        if !results.is_empty() {
            report["result"] = results.into();
        }
        if let Some(verified) = record.verified_by() {
            report["resultsInterpreter"] = json!([{ "type": "Practitioner", "display": verified.by }]);
        }
        self.placed(&mut report);
        report
    }
}

/// The word for a part that its name in a bundle is made from.
fn in_bundle(part: Part) -> String {
    match part {
        Part::Patient => "patient".to_owned(),
        Part::Device => "device".to_owned(),
        Part::Study => "study".to_owned(),
        Part::Finding(place) => format!("finding/{place}"),
        Part::Lesion(place, number) => format!("finding/{place}/lesion/{number}"),
        Part::Report => "report".to_owned(),
    }
}

fn said(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
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
pub fn status(result: ResultStatus, presence: Presence) -> &'static str {
    match (result, presence) {
        (ResultStatus::Withdrawn, _) => "entered-in-error",
        (_, Presence::Undetermined) => "cancelled",
        (ResultStatus::Corrected, Presence::Present | Presence::Absent) => "corrected",
        (ResultStatus::Preliminary, Presence::Present | Presence::Absent) => "preliminary",
    }
}

/// Of the report, whatever a radiologist verified: theirs is still to come.
pub fn report_status(result: ResultStatus) -> &'static str {
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
