//! Provenance: where a result comes from: the model that made it, the service that keeps it, the study that was read, and the
//! rules that added sentences to it.

use serde_json::{Value, json};

use super::result::Told;
use super::{Entry, Kind, ORCHESTRATOR, Server, instant, reference};

const PARTICIPANT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// Of the report and its observations, under the id of the result.
pub fn of_result(server: &Server, told: &Told) -> Entry {
    let record = &told.record;
    let mut targets = vec![reference(Kind::DiagnosticReport, &record.id.to_string())];
    let observations = told.observations(server);
    targets.extend(
        observations
            .iter()
            .map(|entry| reference(Kind::Observation, &entry.id)),
    );
    let resource = json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": instant(record.produced_at),
        "agent": [
            agent("assembler", "Assembler", json!({ "reference": told.addresses().device })),
            agent("transmitter", "Transmitter", reference(Kind::Device, ORCHESTRATOR)),
        ],
        "entity": entities(told),
    });
    told.entry(server, record.id.to_string(), resource)
}

fn agent(code: &str, display: &str, who: Value) -> Value {
    json!({
        "type": { "coding": [{ "system": PARTICIPANT, "code": code, "display": display }] },
        "who": who,
    })
}

fn entities(told: &Told) -> Vec<Value> {
    let mut all = vec![json!({ "role": "source", "what": { "reference": told.addresses().study } })];
    let mut packs: Vec<Value> = Vec::new();
    for statement in &told.record.statements {
        let pack = &statement.pack;
        let what = json!({
            "display": format!("Rules {} {}", pack.name, pack.version),
            "identifier": { "system": "urn:tocsin:sha256", "value": pack.sha256 },
        });
        if !packs.contains(&what) {
            packs.push(what);
        }
    }
    all.extend(
        packs
            .into_iter()
            .map(|what| json!({ "role": "derivation", "what": what })),
    );
    all
}
