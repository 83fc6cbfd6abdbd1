//! CapabilityStatement: what this server can, written from the tables that it works with.

use serde_json::{Value, json};

use super::search::param::{self, Type};
use super::{FHIR_VERSION, Kind, MEDIA_TYPE, Server, instant};

pub fn statement(server: &Server) -> Value {
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(server.started_at),
        "kind": "instance",
        "software": { "name": "Tocsin", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": server.site_name, "url": server.base },
        "fhirVersion": FHIR_VERSION,
        "format": [MEDIA_TYPE],
        "rest": [{
            "mode": "server",
            "security": { "description": "A bearer token of this service, whose role may read what is asked for" },
            "resource": Kind::ALL.map(resource),
        }],
    })
}

/// What can be done with resources of a kind.
pub fn resource(kind: Kind) -> Value {
    let mut interactions = vec!["read", "search-type"];
    if kind == Kind::Subscription {
        interactions.extend(["create", "delete"]);
    }
    let interactions: Vec<Value> = interactions.iter().map(|code| json!({ "code": code })).collect();
    json!({
        "type": kind.name(),
        "documentation": documentation(kind),
        "interaction": interactions,
        "versioning": "versioned",
        "readHistory": false,
        "conditionalRead": "not-match",
        "searchParam": param::of(kind)
            .filter(|param| param.kind != Type::PatientIdentifier)
            .map(|param| json!({ "name": param.name, "type": param.kind.text() }))
            .collect::<Vec<_>>(),
    })
}

fn documentation(kind: Kind) -> &'static str {
    match kind {
        Kind::AuditEvent => "Entries of the audit chain, with their seals.",
        Kind::Communication => "Pages to people. `patient.identifier` may be chained.",
        Kind::Device => "The models that have given results, and this service.",
        Kind::DiagnosticReport => {
            "What a model said of a study, which is not its report and never final. A search finds what no newer result has replaced. `patient.identifier` may be chained."
        }
        Kind::ImagingStudy => "Studies whose order is known. `patient.identifier` may be chained.",
        Kind::Observation => {
            "One for each finding and lesion. A search finds what no newer result has replaced. `patient.identifier` may be chained."
        }
        Kind::Patient => "Looked up by `identifier` or `_id`, never listed.",
        Kind::Provenance => "Of a result: model, service, study, rules.",
        Kind::ServiceRequest => "Imaging orders. `patient.identifier` may be chained.",
        Kind::Subscription => {
            "rest-hook, of DiagnosticReport or Observation; endpoints are those that the site allows."
        }
        Kind::Task => "Studies to be read, with priority. `patient.identifier` may be chained.",
    }
}
