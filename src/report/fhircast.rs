//! FHIRcast 3.0.0: what a hub says is open in a session, and the event that offers a result to the report that is. What a model
//! said is offered as observations that nobody has confirmed; the radiologist's system chooses. Pure.

use serde_json::{Value, json};
use tocsin_domain::finding::ModelRef;
use uuid::Uuid;

use super::fhir_parts::dicom;
use super::uids;

/// Observations of one event; hubs may refuse more.
pub const MOST: usize = 100;

/// A report that is open in a session, as its hub names everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    pub version: String,
    /// `DiagnosticReport/id`
    pub report: String,
    /// `Patient/id`
    pub patient: String,
    /// `ImagingStudy/id`, where the study itself is named.
    pub study: Option<String>,
}

/// What a session has open, for somebody who waits for one study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// The report on that study.
    Reports(OpenReport),
    /// Something else, or nothing.
    Elsewhere,
    /// The report, under a context that says too little to add to it; what is missing.
    Unusable(&'static str),
}

/// Reads the current context (`GET {hub}/{topic}`). The study is known by its UID, else by its accession number.
pub fn session(current: &Value, study_uid: &str, accession: Option<&str>) -> Session {
    let context = current["context"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let of = |key: &'static str| context.iter().filter(move |entry| entry["key"] == key);
    let uid = format!("urn:oid:{study_uid}");
    let is_study = |entry: &&Value| identified(&entry["resource"], &[uid.as_str(), study_uid]);
    let numbers: Vec<&str> = accession
        .into_iter()
        .filter(|number| !number.is_empty())
        .collect();
    let study = of("study").find(is_study);
    let named = of("study")
        .chain(of("report"))
        .any(|entry| identified(&entry["resource"], &numbers));
    let other = of("study").any(|entry| has_uid(&entry["resource"])) && study.is_none();
    // An accession number can have several studies; a UID of another one is no match.
    if study.is_none() && (!named || other) {
        return Session::Elsewhere;
    }
    let Some(report) = of("report").find_map(|entry| place(entry, "DiagnosticReport")) else {
        return Session::Elsewhere;
    };
    let Some(patient) = of("patient").find_map(|entry| place(entry, "Patient")) else {
        return Session::Unusable("a patient");
    };
    match current["context.versionId"].as_str() {
        Some(version) => Session::Reports(OpenReport {
            version: version.to_owned(),
            report,
            patient,
            study: study
                .or(of("study").next())
                .and_then(|entry| place(entry, "ImagingStudy")),
        }),
        None => Session::Unusable("a context.versionId"),
    }
}

fn identifiers(resource: &Value) -> impl Iterator<Item = &Value> {
    let own = resource["identifier"].as_array().into_iter().flatten();
    let ordered = resource["basedOn"].as_array().into_iter().flatten();
    own.chain(ordered.map(|order| &order["identifier"]))
}

fn identified(resource: &Value, values: &[&str]) -> bool {
    identifiers(resource).any(|one| one["value"].as_str().is_some_and(|value| values.contains(&value)))
}

fn has_uid(resource: &Value) -> bool {
    identifiers(resource).any(|one| one["system"] == "urn:dicom:uid")
}

/// `Type/id` of a context's entry, which holds the resource or refers to it.
fn place(entry: &Value, kind: &str) -> Option<String> {
    if let Some(reference) = entry["reference"]["reference"].as_str() {
        return Some(reference.to_owned());
    }
    let resource = &entry["resource"];
    let id = resource["id"].as_str()?;
    (resource["resourceType"] == kind).then(|| format!("{kind}/{id}"))
}

/// The request that adds observations to the report, or changes those that were added. The same content for the same version
/// has the same id, so that a request that was not answered can be repeated.
pub fn update(open: &OpenReport, topic: &str, delivery: Uuid, at: &str, observations: Vec<Value>) -> Value {
    let id = Uuid::new_v5(&delivery, open.version.as_bytes());
    let entries = observations.into_iter().take(MOST).map(|observation| {
        let address = format!("Observation/{}", observation["id"].as_str().unwrap_or_default());
        json!({ "request": { "method": "PUT", "url": address }, "resource": of_session(observation, open) })
    });
    let bundle =
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries.collect::<Vec<_>>() });
    json!({
        "timestamp": at,
        "id": id,
        "event": {
            "hub.topic": topic,
            "hub.event": "DiagnosticReport-update",
            "context.versionId": open.version,
            "context": [
                { "key": "report", "reference": { "reference": open.report } },
                { "key": "patient", "reference": { "reference": open.patient } },
                { "key": "updates", "resource": bundle },
            ],
        },
    })
}

/// An observation that refers to what the session has, and not to our server, which its members may not know.
fn of_session(mut observation: Value, open: &OpenReport) -> Value {
    observation["subject"] = json!({ "reference": open.patient });
    if let Some(fields) = observation.as_object_mut() {
        fields.remove("derivedFrom");
        // The order by its number alone.
        if let Some(orders) = fields.get_mut("basedOn").and_then(Value::as_array_mut) {
            for order in orders.iter_mut().filter_map(Value::as_object_mut) {
                order.remove("reference");
            }
            orders.retain(|order| order["identifier"].is_object());
        }
        if fields
            .get("basedOn")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            fields.remove("basedOn");
        }
    }
    if let Some(study) = &open.study {
        observation["derivedFrom"] = json!([{ "reference": study }]);
    }
    observation
}

/// An observation of a model, which members of a session know by what it is and not by its place on our server.
pub fn by(mut observation: Value, model: &ModelRef, serial: &str) -> Value {
    observation["device"] = json!({
        "identifier": dicom(&uids::device(serial, model)),
        "display": format!("{} {}", model.name, model.version),
    });
    observation
}

/// What was said before and is not said any more.
pub fn taken_back(mut observation: Value) -> Value {
    observation["status"] = "entered-in-error".into();
    observation
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current() -> Value {
        json!({
            "context.type": "DiagnosticReport",
            "context.versionId": "v1",
            "context": [
                { "key": "report", "resource": { "resourceType": "DiagnosticReport", "id": "r1",
                    "basedOn": [{ "identifier": { "value": "A1" } }] } },
                { "key": "patient", "resource": { "resourceType": "Patient", "id": "p1" } },
                { "key": "study", "resource": { "resourceType": "ImagingStudy", "id": "s1",
                    "identifier": [{ "system": "urn:dicom:uid", "value": "urn:oid:1.2.3" }] } },
            ],
        })
    }

    fn open() -> OpenReport {
        OpenReport {
            version: "v1".to_owned(),
            report: "DiagnosticReport/r1".to_owned(),
            patient: "Patient/p1".to_owned(),
            study: Some("ImagingStudy/s1".to_owned()),
        }
    }

    #[test]
    fn a_session_is_on_a_study_by_its_uid_else_by_its_accession_number() {
        assert_eq!(session(&current(), "1.2.3", None), Session::Reports(open()));
        assert_eq!(session(&current(), "1.2.4", None), Session::Elsewhere);
        // Another study of the same accession number is another study.
        assert_eq!(session(&current(), "1.2.4", Some("A1")), Session::Elsewhere);
        let mut bare = current();
        bare["context"].as_array_mut().unwrap().pop();
        let by_number = session(&bare, "1.2.4", Some("A1"));
        assert_eq!(
            by_number,
            Session::Reports(OpenReport {
                study: None,
                ..open()
            })
        );
        assert_eq!(session(&bare, "1.2.4", Some("")), Session::Elsewhere);
        bare["context"].as_array_mut().unwrap().pop();
        assert_eq!(
            session(&bare, "1.2.4", Some("A1")),
            Session::Unusable("a patient")
        );
        assert_eq!(
            session(&json!({ "context.type": "", "context": [] }), "1.2.3", Some("A1")),
            Session::Elsewhere
        );
    }

    #[test]
    fn an_update_refers_to_what_the_session_has() {
        let observation = json!({
            "resourceType": "Observation", "id": "o1", "subject": { "reference": "Patient/ours" },
            "derivedFrom": [{ "reference": "ImagingStudy/ours" }],
            "basedOn": [{ "reference": "ServiceRequest/ours", "identifier": { "value": "P1" } }, { "reference": "x" }],
        });
        let delivery = Uuid::from_u128(7);
        let event = update(
            &open(),
            "t",
            delivery,
            "2026-01-01T00:00:00Z",
            vec![observation.clone()],
        );
        let entry = &event["event"]["context"][2]["resource"]["entry"][0];
        assert_eq!(
            entry["request"],
            json!({ "method": "PUT", "url": "Observation/o1" })
        );
        assert_eq!(entry["resource"]["subject"]["reference"], "Patient/p1");
        assert_eq!(
            entry["resource"]["derivedFrom"],
            json!([{ "reference": "ImagingStudy/s1" }])
        );
        assert_eq!(
            entry["resource"]["basedOn"],
            json!([{ "identifier": { "value": "P1" } }])
        );
        let again = update(&open(), "t", delivery, "2026-01-01T00:01:00Z", vec![]);
        assert_eq!(event["id"], again["id"], "a repeat has the same id");
        let newer = OpenReport {
            version: "v2".to_owned(),
            ..open()
        };
        assert_ne!(event["id"], update(&newer, "t", delivery, "", vec![])["id"]);
        assert_eq!(taken_back(observation)["status"], "entered-in-error");
    }
}
