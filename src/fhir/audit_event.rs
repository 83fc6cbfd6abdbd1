//! AuditEvent: an entry of the audit chain. It names ids, as the entry does, and no patient.

use serde_json::{Value, json};
use tocsin_domain::clock::from_micros;

use super::{Entry, Server, entry, instant};
use crate::report::fhir_parts;
use crate::storage::entity::audit_entry;

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const OURS: &str = "urn:tocsin:audit-actions";

pub fn render(server: &Server, row: &audit_entry::Model) -> Entry {
    let class = Class::of(&row.action);
    let mut resource = json!({
        "resourceType": "AuditEvent",
        "type": class.coding(),
        "subtype": [{ "system": OURS, "code": row.action }],
        "action": class.action(),
        "recorded": instant(from_micros(row.at)),
        "outcome": outcome(&row.outcome),
        "agent": [{
            "type": { "text": row.actor_kind },
            "who": { "display": row.actor },
            "name": row.actor,
            "requestor": true,
        }],
        "source": { "site": row.site, "observer": { "type": "Device", "display": "Tocsin", "identifier": { "value": server.serial } } },
        "entity": [{
            "what": { "identifier": { "system": "urn:tocsin:objects", "value": row.object } },
            "name": row.object,
            "detail": details(row),
        }],
    });
    if !row.request_id.is_empty() {
        resource["entity"][0]["description"] = format!("request {}", row.request_id).into();
    }
    entry(server, row.seq.to_string(), Some(row.at), resource, None)
}

/// The seal, so that an export can be held against the chain, and what the entry says besides.
fn details(row: &audit_entry::Model) -> Vec<Value> {
    let mut details = vec![json!({ "type": "seal", "valueString": row.hash })];
    if !["", "{}", "null"].contains(&row.detail.as_str()) {
        details.push(json!({ "type": "detail", "valueString": row.detail }));
    }
    details
}

/// What kind of act an action of ours is (DICOM PS3.15 A.5, PS3.16 CID 400).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    SignIn,
    Security,
    /// Somebody looked.
    View,
    /// Somebody or something changed what is kept of an order or a study.
    Change,
    AuditLog,
}

impl Class {
    fn of(action: &str) -> Self {
        let (area, act) = action.split_once('.').unwrap_or((action, ""));
        match (area, act) {
            ("session" | "sign_in" | "account" | "factor", _) => Self::SignIn,
            ("access" | "token" | "person" | "people" | "setup", _) => Self::Security,
            ("audit", _) => Self::AuditLog,
            (_, "view" | "search" | "export" | "read" | "raw" | "list") => Self::View,
            (_, _) => Self::Change,
        }
    }

    fn coding(self) -> Value {
        let (system, code, display) = match self {
            Self::SignIn => (DICOM, "110114", "User Authentication"),
            Self::Security => (DICOM, "110113", "Security Alert"),
            Self::View | Self::Change => (EVENT_TYPE, "rest", "RESTful Operation"),
            Self::AuditLog => (DICOM, "110101", "Audit Log Used"),
        };
        fhir_parts::defined(system, code, display)["coding"][0].clone()
    }

    fn action(self) -> &'static str {
        match self {
            Self::View | Self::AuditLog => "R",
            Self::Change => "U",
            Self::SignIn | Self::Security => "E",
        }
    }
}

/// A refusal is a minor failure: what was wanted did not happen, and nothing broke.
fn outcome(said: &str) -> &'static str {
    match said {
        "success" => "0",
        "refused" => "4",
        _ => "8",
    }
}
