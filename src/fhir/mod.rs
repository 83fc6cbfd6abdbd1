//! What the rows say in FHIR R4: one file for each kind of resource, and the search over them. Reads rows and renders; knows no
//! HTTP, and keeps back what may not be shown. Results are rendered by the code that renders their other forms.

pub mod audit_event;
pub mod capability;
pub mod communication;
pub mod device;
pub mod kind;
pub mod outcome;
pub mod patient;
pub mod provenance;
pub mod read;
pub mod result;
pub mod search;
pub mod service_request;
pub mod sources;
pub mod study;
pub mod subscription;
pub mod task;

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::SiteId;
use tocsin_domain::worklist::{Band, PriorityMap, WaitCaps};

pub use kind::Kind;

/// `application/fhir+json` is the only format that is written.
pub const MEDIA_TYPE: &str = "application/fhir+json";
pub const FHIR_VERSION: &str = "4.0.1";
/// The id of the device that is this service.
pub const ORCHESTRATOR: &str = "orchestrator";

/// This installation, as its resources speak of it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where clients reach it: `https://tocsin.example.org/fhir`.
    pub base: String,
    pub site: SiteId,
    pub site_name: String,
    /// Stable; names the devices.
    pub serial: String,
    pub time_zone: Tz,
    pub default_authority: String,
    /// The address of each authority's identifiers, as the site says it.
    pub systems: BTreeMap<String, String>,
    pub priorities: PriorityMap,
    pub caps: WaitCaps,
    /// Names of the people who can be paged, by id.
    pub people: BTreeMap<String, String>,
    /// Whom subscriptions may have told.
    pub receivers: Vec<Receiver>,
    pub started_at: Timestamp,
}

/// Somebody who may be told, as the site allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub name: String,
    /// What lies at or below it may be an endpoint.
    pub url: String,
}

/// A resource with what an audit entry says of it.
#[derive(Clone, PartialEq)]
pub struct Entry {
    pub id: String,
    pub resource: Value,
    /// The study it is about, if it is about one.
    pub study: Option<String>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry(…)")
    }
}

/// Gives a resource its id, and a version that changes whenever what it says does.
fn entry(
    server: &Server,
    id: String,
    updated_at: Option<i64>,
    mut resource: Value,
    study: Option<&str>,
) -> Entry {
    without_empty(&mut resource);
    server.qualify(&mut resource);
    resource["id"] = id.clone().into();
    let mut meta = json!({ "versionId": version(&resource) });
    if let Some(at) = updated_at {
        meta["lastUpdated"] = instant(from_micros(at)).into();
    }
    resource["meta"] = meta;
    Entry {
        id,
        resource,
        study: study.map(str::to_owned),
    }
}

/// FHIR knows no empty text, list or element: what is not known is left out.
fn without_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(without_empty);
            fields.retain(|_, field| !is_empty(field));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(without_empty);
            items.retain(|item| !is_empty(item));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Half of a hash is long enough to tell versions of one resource apart.
fn version(resource: &Value) -> String {
    let digest = Sha256::digest(resource.to_string().as_bytes());
    hex::encode(&digest[..16])
}

pub fn instant(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

pub fn reference(kind: Kind, id: &str) -> Value {
    json!({ "reference": format!("{}/{id}", kind.name()) })
}

/// How urgent something is, in the words of FHIR's value set `request-priority`.
pub fn priority(band: Band) -> &'static str {
    match band {
        Band::Critical => "stat",
        Band::Urgent => "asap",
        Band::Routine => "routine",
    }
}

impl Server {
    /// Says of each identifier whose it is, where the site has told the address of its authority; it is never guessed.
    fn qualify(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let authority = fields
                    .get("assigner")
                    .and_then(|assigner| assigner["display"].as_str());
                let system = authority.and_then(|authority| self.systems.get(authority));
                if let (Some(system), true, false) = (
                    system,
                    fields.contains_key("value"),
                    fields.contains_key("system"),
                ) {
                    fields.insert("system".into(), system.as_str().into());
                }
                fields.values_mut().for_each(|field| self.qualify(field));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.qualify(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    pub fn address(&self, kind: Kind, id: &str) -> String {
        format!("{}/{}/{id}", self.base, kind.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out_however_deep_it_is() {
        let mut resource = json!({
            "site": "",
            "agent": [{ "name": " ", "who": { "display": "" } }, { "requestor": false }],
            "count": 0,
        });
        without_empty(&mut resource);
        assert_eq!(resource, json!({ "agent": [{ "requestor": false }], "count": 0 }));
    }
}
