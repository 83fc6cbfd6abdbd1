//! Device: a model, by the hash of its package, and this service itself.

use serde_json::json;
use tocsin_domain::finding::{ModelRef, ResultRecord};

use super::result::Told;
use super::{Entry, Kind, ORCHESTRATOR, Server, entry};

pub fn id_of(model: &ModelRef) -> String {
    model.sha256.clone()
}

/// The model that gave this result.
pub fn of_result(server: &Server, told: &Told) -> Entry {
    entry(server, id_of(&told.record.model), None, told.device(server), None)
}

/// This service.
pub fn orchestrator(server: &Server) -> Entry {
    let resource = json!({
        "resourceType": "Device",
        "status": "active",
        "manufacturer": "Tocsin",
        "serialNumber": server.serial,
        "deviceName": [{ "name": "Tocsin", "type": "manufacturer-name" }],
        "type": { "text": "Worklist orchestrator" },
        "version": [{ "value": env!("CARGO_PKG_VERSION") }],
    });
    entry(server, ORCHESTRATOR.to_owned(), None, resource, None)
}

/// `Device/id` of the model that gave this result.
pub fn address(record: &ResultRecord) -> String {
    format!("{}/{}", Kind::Device.name(), id_of(&record.model))
}
