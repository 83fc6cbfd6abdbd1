//! Communication: one page to one person about one alert. What it says names no patient, as the page did not.

use serde::Deserialize;
use serde_json::json;
use tocsin_domain::clock::from_micros;
use tocsin_domain::worklist::Band;

use super::sources::Studied;
use super::{Entry, Kind, ORCHESTRATOR, Server, entry, instant, priority, reference, study};
use crate::report::fhir_parts;
use crate::storage::entity::{alert, notification};
use crate::storage::{StoreError, document};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/communication-category";

/// What a page says, as it was kept with its alert.
#[derive(Deserialize)]
struct Said {
    headline: String,
    #[serde(default)]
    details: Vec<String>,
    #[serde(default)]
    notice: String,
}

pub fn render(
    server: &Server,
    page: &notification::Model,
    alert: &alert::Model,
    studied: &Studied,
) -> Result<Entry, StoreError> {
    let said: Said = document::read(&alert.content, "alert", "content", &alert.id)?;
    let band = Band::from_number(studied.row.band).unwrap_or(Band::Routine);
    let lines = std::iter::once(said.headline)
        .chain(said.details)
        .chain([said.notice]);
    let text = lines
        .filter(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    let mut about = vec![json!({ "reference": study::address(&studied.row.id) })];
    about.extend(
        alert
            .result_id
            .iter()
            .map(|id| reference(Kind::DiagnosticReport, id)),
    );
    let name = server.people.get(&page.recipient).unwrap_or(&page.recipient);
    let mut resource = json!({
        "resourceType": "Communication",
        "identifier": [{ "system": "urn:ietf:rfc:3986", "value": format!("mid:{}", page.message_id) }],
        "status": status(&page.state),
        "category": [fhir_parts::defined(CATEGORY, "alert", "Alert")],
        "priority": priority(band),
        "medium": [{ "text": page.channel }],
        "subject": { "reference": studied.patient() },
        "about": about,
        "recipient": [{ "type": "Practitioner", "display": name }],
        "sender": reference(Kind::Device, ORCHESTRATOR),
        "reasonCode": [{ "text": page.reason }],
        "payload": [{ "contentString": text }],
    });
    if let Some(at) = page.sent_at {
        resource["sent"] = instant(from_micros(at)).into();
    }
    if let (Some(by), Some(at)) = (&alert.acknowledged_by, alert.acknowledged_at)
        && *by == page.recipient
    {
        resource["received"] = instant(from_micros(at)).into();
    }
    if let Some(error) = &page.last_error {
        resource["statusReason"] = json!({ "text": error });
    }
    let updated_at = alert.updated_at.max(page.sent_at.unwrap_or(page.created_at));
    Ok(entry(
        server,
        page.id.clone(),
        Some(updated_at),
        resource,
        Some(&studied.row.id),
    ))
}

/// In the words of the value set `event-status`.
fn status(state: &str) -> &'static str {
    match state {
        "pending" => "preparation",
        "sending" => "in-progress",
        "sent" => "completed",
        // It is tried again until somebody acknowledges.
        "failed" => "on-hold",
        "cancelled" => "not-done",
        _ => "unknown",
    }
}
