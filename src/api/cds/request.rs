//! What an EHR asks: whose chart is open, and which orders are being written. Reads FHIR R4 as far as it needs it, and says
//! what is missing.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tocsin_domain::advice::Draft;
use tocsin_domain::phi::PatientIdentifier;
use uuid::Uuid;

use super::services::Service;

/// Identifiers of a patient, and orders of a request, that are looked at.
const IDENTIFIERS: usize = 20;
const DRAFTS: usize = 50;
/// Characters of what names the person who asks.
const USER: usize = 128;

/// What CDS Hooks 2.0 has an EHR send.
#[derive(Deserialize, JsonSchema)]
pub struct HookRequest {
    /// That of the service: `patient-view`, `order-select` or `order-sign`.
    pub hook: String,
    #[serde(rename = "hookInstance")]
    pub hook_instance: Uuid,
    pub context: Map<String, Value>,
    /// With the Patient resource under `patient`; nothing is read from the EHR.
    #[serde(default)]
    pub prefetch: Option<Map<String, Value>>,
}

/// A request that can be answered.
pub struct Asked {
    pub instance: Uuid,
    /// Who looks, as the EHR names them: `Practitioner/7`.
    pub user: String,
    pub identifiers: Vec<PatientIdentifier>,
    pub drafts: Vec<Draft>,
}

/// Why a request cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// It is not what the hook asks for.
    Bad(String),
    /// It does not say who the patient is; we do not ask the EHR back.
    NoPatient(&'static str),
}

/// Reads a request for this service; `systems` says whose numbers a FHIR system's are.
///
/// # Errors
/// What is missing.
pub fn read(
    service: Service,
    request: &HookRequest,
    systems: &BTreeMap<String, String>,
) -> Result<Asked, Unclear> {
    let bad = |what: &str| Unclear::Bad(what.to_owned());
    if request.hook != service.hook() {
        return Err(Unclear::Bad(format!("hook: expected {}", service.hook())));
    }
    let context = |key: &str| request.context.get(key).and_then(Value::as_str);
    let patient_id = context("patientId").ok_or_else(|| bad("context.patientId: missing"))?;
    let drafts = match service {
        Service::CriticalResults => Vec::new(),
        Service::OrderSelect => {
            let selections = request.context.get("selections").and_then(Value::as_array);
            let chosen = selections.ok_or_else(|| bad("context.selections: missing"))?;
            drafts(&request.context, Some(chosen))?
        }
        Service::OrderSign => drafts(&request.context, None)?,
    };
    let patient = request.prefetch.as_ref().and_then(|all| all.get("patient"));
    let patient = patient.filter(|patient| patient["resourceType"] == "Patient");
    let patient = patient.ok_or(Unclear::NoPatient(
        "prefetch.patient: expected the Patient resource; this service does not read from the FHIR server",
    ))?;
    if patient["id"].as_str() != Some(patient_id) {
        return Err(bad(
            "prefetch.patient: it is not the patient of context.patientId",
        ));
    }
    let identifiers = identifiers(patient, systems);
    if identifiers.is_empty() {
        return Err(Unclear::NoPatient(
            "prefetch.patient: none of its identifiers has a system that cds_hooks.patient_systems lists",
        ));
    }
    Ok(Asked {
        instance: request.hook_instance,
        user: context("userId").unwrap_or_default().chars().take(USER).collect(),
        identifiers,
        drafts,
    })
}

fn identifiers(patient: &Value, systems: &BTreeMap<String, String>) -> Vec<PatientIdentifier> {
    let all = patient["identifier"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let known = |identifier: &Value| {
        let authority = systems.get(identifier["system"].as_str()?)?.clone();
        let value = identifier["value"].as_str().filter(|value| !value.is_empty())?;
        // What was another's, or is not in use any more, names nobody.
        (identifier["use"] != "old").then(|| PatientIdentifier {
            value: value.to_owned(),
            authority,
        })
    };
    all.iter().take(IDENTIFIERS).filter_map(known).collect()
}

/// The service requests among the draft orders; `chosen` takes those alone.
fn drafts(context: &Map<String, Value>, chosen: Option<&Vec<Value>>) -> Result<Vec<Draft>, Unclear> {
    let bundle = context
        .get("draftOrders")
        .and_then(|orders| orders["entry"].as_array());
    let Some(entries) = bundle else {
        let empty = context
            .get("draftOrders")
            .is_some_and(|orders| orders["resourceType"] == "Bundle");
        return match empty {
            true => Ok(Vec::new()),
            false => Err(Unclear::Bad("context.draftOrders: expected a Bundle".to_owned())),
        };
    };
    let wanted = |resource: &&Value| {
        let name = format!("ServiceRequest/{}", resource["id"].as_str().unwrap_or_default());
        resource["resourceType"] == "ServiceRequest"
            && chosen.is_none_or(|chosen| chosen.iter().any(|one| one.as_str() == Some(&name)))
    };
    let resources = entries.iter().map(|entry| &entry["resource"]);
    Ok(resources.filter(wanted).take(DRAFTS).map(draft).collect())
}

fn draft(resource: &Value) -> Draft {
    let texts = |list: &Value, key: &str| -> Vec<String> {
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let texts = items.iter().filter_map(|item| item[key].as_str());
        texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
    };
    let code = &resource["code"];
    let mut words = texts(&code["coding"], "display");
    words.extend(code["text"].as_str().map(str::to_owned));
    let sites = resource["bodySite"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for site in sites {
        words.extend(texts(&site["coding"], "display"));
        words.extend(site["text"].as_str().map(str::to_owned));
    }
    Draft {
        codes: texts(&code["coding"], "code"),
        numbers: texts(&resource["identifier"], "value"),
        text: words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(value: Value) -> HookRequest {
        serde_json::from_value(value).expect("a request")
    }

    fn asked(service: Service, context: Value, prefetch: Value) -> Result<Asked, Unclear> {
        let systems = BTreeMap::from([("urn:oid:1.2".to_owned(), "EGH".to_owned())]);
        let request = request(json!({
            "hook": service.hook(),
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": context,
            "prefetch": prefetch,
        }));
        read(service, &request, &systems)
    }

    fn patient() -> Value {
        json!({ "patient": { "resourceType": "Patient", "id": "7", "identifier": [
            { "system": "urn:other", "value": "X" },
            { "system": "urn:oid:1.2", "value": "MRN1" },
            { "system": "urn:oid:1.2", "value": "MRN0", "use": "old" },
        ] } })
    }

    #[test]
    fn the_patient_is_whom_a_known_system_names() {
        let asked = asked(Service::CriticalResults, json!({ "patientId": "7" }), patient()).ok();
        let identifiers = asked.map(|asked| asked.identifiers).unwrap_or_default();
        assert_eq!(identifiers.len(), 1);
        assert_eq!(
            (identifiers[0].value.as_str(), identifiers[0].authority.as_str()),
            ("MRN1", "EGH")
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let refused = |service, context, prefetch| asked(service, context, prefetch).err();
        let view = Service::CriticalResults;
        assert!(matches!(
            refused(view, json!({}), patient()),
            Some(Unclear::Bad(_))
        ));
        for prefetch in [
            json!({}),
            json!({ "patient": null }),
            json!({ "patient": { "resourceType": "Bundle" } }),
        ] {
            let answer = refused(view, json!({ "patientId": "7" }), prefetch);
            assert!(matches!(answer, Some(Unclear::NoPatient(_))));
        }
        let other = refused(view, json!({ "patientId": "8" }), patient());
        assert!(matches!(other, Some(Unclear::Bad(_))));
        let stranger =
            json!({ "patient": { "resourceType": "Patient", "id": "7", "identifier": [{ "value": "1" }] } });
        let unknown = refused(view, json!({ "patientId": "7" }), stranger);
        assert!(matches!(unknown, Some(Unclear::NoPatient(_))));
        let unselected = refused(
            Service::OrderSelect,
            json!({ "patientId": "7", "draftOrders": {} }),
            patient(),
        );
        assert!(matches!(unselected, Some(Unclear::Bad(_))));
        let unordered = refused(Service::OrderSign, json!({ "patientId": "7" }), patient());
        assert!(matches!(unordered, Some(Unclear::Bad(_))));
    }

    #[test]
    fn drafts_are_the_service_requests_that_were_chosen() {
        let orders = json!({ "resourceType": "Bundle", "entry": [
            { "resource": { "resourceType": "ServiceRequest", "id": "1",
                "identifier": [{ "value": "P1" }],
                "code": { "coding": [{ "code": "CTHEAD", "display": "CT head" }], "text": "CT of the head" },
                "bodySite": [{ "text": "brain" }] } },
            { "resource": { "resourceType": "ServiceRequest", "id": "2", "code": { "text": "MRI" } } },
            { "resource": { "resourceType": "MedicationRequest", "id": "3" } },
            {},
        ] });
        let context = json!({ "patientId": "7", "draftOrders": orders, "selections": ["ServiceRequest/1"] });
        let drafts = |service| asked(service, context.clone(), patient()).map(|asked| asked.drafts);
        let chosen = drafts(Service::OrderSelect).ok().unwrap_or_default();
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].codes, ["CTHEAD"]);
        assert_eq!(chosen[0].numbers, ["P1"]);
        assert_eq!(chosen[0].text, "CT head CT of the head brain");
        assert_eq!(
            drafts(Service::OrderSign).ok().map(|drafts| drafts.len()),
            Some(2)
        );
    }
}
