//! Task: a study on the reading worklist, with its priority, why it has it, and what the models have said.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::code::Code;
use tocsin_domain::worklist::{Band, Reason};

use super::sources::Studied;
use super::{Entry, Kind, ORCHESTRATOR, Server, entry, instant, priority, reference, study};
use crate::report::fhir_parts;
use crate::storage::entity::{result, study as row};
use crate::storage::{StoreError, document, holds, reports, results, studies};

/// A person interprets the images (DCM).
const INTERPRETATION: Code = Code::new("DCM", "110005", "Interpretation");

pub async fn load(
    conn: &impl ConnectionTrait,
    server: &Server,
    row: row::Model,
    now: Timestamp,
) -> Result<Entry, StoreError> {
    let mut said = results::of_studies(conn, std::slice::from_ref(&row.id)).await?;
    let held = holds::results_of(conn, studies::id_of(&row)?).await?;
    said.retain(|result| !held.contains(&result.id));
    let studied = Studied::of(conn, row).await?;
    let resource = render(server, &studied, &said, now)?;
    let row = &studied.row;
    Ok(entry(
        server,
        row.id.clone(),
        Some(row.updated_at),
        resource,
        Some(&row.id),
    ))
}

fn render(
    server: &Server,
    studied: &Studied,
    said: &[result::Model],
    now: Timestamp,
) -> Result<Value, StoreError> {
    let row = &studied.row;
    let band = Band::from_number(row.band).unwrap_or(Band::Routine);
    let arrived_at = from_micros(row.arrived_at);
    let holder = studies::holder(row, now);
    let mut task = json!({
        "resourceType": "Task",
        "status": status(row, holder),
        "intent": "order",
        "priority": priority(band),
        "code": fhir_parts::concept(&INTERPRETATION),
        "focus": { "reference": study::address(&row.id) },
        "for": { "reference": studied.patient() },
        "authoredOn": instant(arrived_at),
        "lastModified": instant(from_micros(row.updated_at)),
        "requester": reference(Kind::Device, ORCHESTRATOR),
        // By then it is to be read, whatever comes before it.
        "restriction": { "period": { "end": instant(arrived_at + server.caps.of(band)) } },
    });
    if let Some(order) = studied.order() {
        task["basedOn"] = json!([{ "reference": order }]);
    }
    if let Some(name) = holder {
        task["owner"] = json!({ "type": "Practitioner", "display": name });
    }
    let reasons: Vec<Reason> = document::read(&row.reasons, "study", "reasons", &row.id)?;
    if !reasons.is_empty() {
        let note = |reason: &Reason| json!({ "text": format!("{} ({})", reason.text, reason.effect) });
        task["note"] = reasons.iter().map(note).collect();
    }
    if !said.is_empty() {
        task["output"] = said.iter().map(output).collect();
    }
    Ok(task)
}

fn output(row: &result::Model) -> Value {
    json!({
        "type": { "text": "What a model said" },
        "valueReference": reference(Kind::DiagnosticReport, &row.id),
    })
}

/// A person has it, has read it, or there is nothing to be read.
fn status(row: &row::Model, holder: Option<&str>) -> &'static str {
    let read = row.report_status.as_deref().is_some_and(reports::is_read);
    match (row.on_worklist, read, holder) {
        (true, _, Some(_)) => "in-progress",
        (true, _, None) => "requested",
        (false, true, _) => "completed",
        (false, false, _) => "cancelled",
    }
}
