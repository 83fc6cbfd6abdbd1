//! ServiceRequest: an imaging order as the messages of the site have told it.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tocsin_domain::order::{OrderRecord, OrderState};

use super::sources::Ordered;
use super::{Entry, Kind, Server, entry, priority, reference};
use crate::report::fhir_parts;
use crate::storage::StoreError;
use crate::storage::entity::imaging_order;

/// None of an order that names nobody.
pub async fn load(
    conn: &impl ConnectionTrait,
    server: &Server,
    row: imaging_order::Model,
) -> Result<Option<Entry>, StoreError> {
    let Some(ordered) = Ordered::of_row(conn, row).await? else {
        return Ok(None);
    };
    let resource = render(server, &ordered);
    let row = &ordered.row;
    Ok(Some(entry(
        server,
        row.id.clone(),
        Some(row.updated_at),
        resource,
        None,
    )))
}

fn render(server: &Server, ordered: &Ordered) -> Value {
    let record = &ordered.record;
    let mut request = json!({
        "resourceType": "ServiceRequest",
        "status": status(record.state),
        "intent": "order",
        "category": [fhir_parts::defined("http://snomed.info/sct", "363679005", "Imaging")],
        "priority": priority(server.priorities.band(record.priority.as_deref())),
        "subject": reference(Kind::Patient, &ordered.patient.id),
    });
    let identifiers = identifiers(record);
    if !identifiers.is_empty() {
        request["identifier"] = identifiers.into();
    }
    if let Some(code) = fhir_parts::procedure(&record.procedure) {
        request["code"] = code;
    }
    if let Some(said) = record
        .clinical_information
        .as_ref()
        .filter(|said| !said.expose().trim().is_empty())
    {
        request["reasonCode"] = json!([{ "text": said.expose() }]);
    }
    request
}

fn identifiers(record: &OrderRecord) -> Vec<Value> {
    let accession = record.accession.as_deref().filter(|number| !number.is_empty());
    let accession = accession.map(|number| fhir_parts::typed("ACSN", "Accession ID", number, ""));
    let placer = record.placer.as_ref();
    let placer = placer.and_then(|id| fhir_parts::entity("PLAC", "Placer Identifier", id));
    let filler = record.filler.as_ref();
    let filler = filler.and_then(|id| fhir_parts::entity("FILL", "Filler Identifier", id));
    accession.into_iter().chain(placer).chain(filler).collect()
}

fn status(state: OrderState) -> &'static str {
    match state {
        OrderState::Placed => "active",
        OrderState::Completed => "completed",
        OrderState::Cancelled => "revoked",
    }
}
