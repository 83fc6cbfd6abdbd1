//! Facts of the bundle: every resource has what R4 requires of it, every reference leads to an entry, every code stands
//! with its system, and the numbers are those of the record.

use super::*;
use crate::testing::{bleed, clear, header, installation};
use tocsin_domain::finding::ResultRecord;

fn bundled(record: &ResultRecord) -> Value {
    let (header, installation) = (header(), installation());
    bundle(&BundleOf {
        context: Context {
            record,
            header: &header,
            installation: &installation,
            revision: 1,
            predecessor: None,
        },
        patient: header.patient.as_ref(),
        demographics: &header.demographics,
        order: None,
    })
}

fn resources<'a>(bundle: &'a Value, kind: &str) -> Vec<&'a Value> {
    let entries = bundle["entry"].as_array().expect("entries").iter();
    entries
        .map(|entry| &entry["resource"])
        .filter(|resource| resource["resourceType"] == kind)
        .collect()
}

/// Every value of this name, anywhere.
fn named<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|field| named(field, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_resource_has_what_r4_requires_and_every_reference_an_entry() {
    let mut undetermined = clear();
    undetermined.findings[0].presence = Presence::Undetermined;
    for record in [bleed(), clear(), undetermined] {
        let bundle = bundled(&record);
        assert_eq!(
            (&bundle["resourceType"], &bundle["type"]),
            (&json!("Bundle"), &json!("collection"))
        );
        for (kind, required) in [
            ("Observation", ["status", "code"].as_slice()),
            ("DiagnosticReport", &["status", "code"]),
            ("ImagingStudy", &["status", "subject"]),
        ] {
            for resource in resources(&bundle, kind) {
                assert!(
                    required.iter().all(|name| !resource[*name].is_null()),
                    "{resource:#}"
                );
            }
        }
        for observation in resources(&bundle, "Observation") {
            let (value, reason) = (
                &observation["valueCodeableConcept"],
                &observation["dataAbsentReason"],
            );
            assert_ne!(value.is_null(), reason.is_null(), "a value, or why there is none");
        }
        let mut urls = Vec::new();
        named(&bundle, "fullUrl", &mut urls);
        let mut references = Vec::new();
        named(&bundle, "reference", &mut references);
        assert!(
            references.iter().all(|reference| urls.contains(reference)),
            "{bundle:#}"
        );
        let distinct: std::collections::BTreeSet<String> = urls.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), urls.len());
    }
}

#[test]
fn every_code_stands_with_its_system() {
    let bundle = bundled(&bleed());
    let mut codings = Vec::new();
    named(&bundle, "coding", &mut codings);
    let codings: Vec<&Value> = codings
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .collect();
    assert!(
        codings.iter().all(|coding| coding["system"].is_string()),
        "{codings:#?}"
    );
    let has = |system: &str, code: &str| {
        codings
            .iter()
            .any(|coding| coding["system"] == system && coding["code"] == code)
    };
    assert!(has("http://loinc.org", "18748-4"));
    assert!(has("http://snomed.info/sct", "1386000"));
    assert!(has("http://dicom.nema.org/resources/ontology/DCM", "111012"));
    assert!(has("https://radelement.org", "RDE165"));
    let mut quantities = Vec::new();
    named(&bundle, "valueQuantity", &mut quantities);
    assert!(
        quantities
            .iter()
            .all(|quantity| quantity["system"] == "http://unitsofmeasure.org")
    );
}

#[test]
fn the_numbers_are_those_of_the_record_and_nobody_is_named_as_responsible() {
    let record = bleed();
    let bundle = bundled(&record);
    let finding = resources(&bundle, "Observation")[0];
    let numbers: Vec<f64> = finding["component"]
        .as_array()
        .expect("components")
        .iter()
        .filter_map(|component| component["valueQuantity"]["value"].as_f64())
        .collect();
    assert_eq!(numbers, [87.5, 24.13, 2.0, 4.2]);
    assert_eq!(
        resources(&bundle, "Observation").len(),
        3,
        "a finding and two lesions"
    );
    let report = resources(&bundle, "DiagnosticReport")[0];
    assert_eq!(report["status"], "preliminary");
    assert_eq!(report["conclusion"], text::narrative(&record));
    assert!(report["resultsInterpreter"].is_null() && report["performer"].is_null());
    let patient = resources(&bundle, "Patient")[0];
    assert_eq!(
        patient["name"][0],
        json!({
            "family": "O'<b>", "given": ["Jane", "Q"], "prefix": ["Dr"], "suffix": ["Jr"],
        })
    );
    assert_eq!(
        (&patient["birthDate"], &patient["gender"]),
        (&json!("1950-01-02"), &json!("female"))
    );
}

#[test]
fn a_state_is_said_in_every_resource_and_is_never_final() {
    for (state, said) in [
        (ResultStatus::Preliminary, "preliminary"),
        (ResultStatus::Corrected, "corrected"),
        (ResultStatus::Withdrawn, "entered-in-error"),
    ] {
        let mut record = bleed();
        record.status = state;
        let bundle = bundled(&record);
        for kind in ["Observation", "DiagnosticReport"] {
            assert!(
                resources(&bundle, kind)
                    .iter()
                    .all(|resource| resource["status"] == said)
            );
        }
    }
    assert_eq!(
        bundled(&bleed()),
        bundled(&bleed()),
        "the same result is the same bundle"
    );
}

#[test]
fn on_a_server_every_part_goes_by_its_address_and_says_the_same() {
    let (header, installation, record) = (header(), installation(), bleed());
    let addresses = Addresses {
        patient: "Patient/p".into(),
        study: "ImagingStudy/s".into(),
        device: "Device/d".into(),
        order: Some("ServiceRequest/o".into()),
    };
    let result = ResultOf {
        context: Context {
            record: &record,
            header: &header,
            installation: &installation,
            revision: 1,
            predecessor: None,
        },
        order: None,
        names: Names::Server(&addresses),
    };
    let observations = result.observations();
    let mut known: Vec<String> = ["Patient/p", "ImagingStudy/s", "Device/d", "ServiceRequest/o"]
        .map(str::to_owned)
        .into();
    known.extend(observations.iter().map(|(part, _)| result.name(*part)));
    let mut all: Vec<Value> = observations.into_iter().map(|(_, value)| value).collect();
    all.push(result.report());
    for resource in &all {
        let mut references = Vec::new();
        named(resource, "reference", &mut references);
        assert!(references.len() > 2, "{resource:#}");
        for reference in references {
            let reference = reference.as_str().expect("text");
            assert!(known.iter().any(|one| one == reference), "{reference}");
        }
    }
    let bundle = bundled(&record);
    let bundled = resources(&bundle, "Observation");
    assert_eq!(bundled.len() + 1, all.len());
    for (one, other) in bundled.iter().zip(&all) {
        for element in [
            "status",
            "code",
            "valueCodeableConcept",
            "component",
            "identifier",
        ] {
            assert_eq!(one[element], other[element], "{element}");
        }
    }
}
