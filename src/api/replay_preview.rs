//! What a replay would do, in sentences that name orders and fields and no patient.

use serde_json::Value;
use tocsin_domain::ids::SiteId;
use tocsin_domain::order::{Hl7Event, OrderEvent, OrderRecord, ReportEvent};

use super::error::ApiError;
use super::state::State;
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::entity::{delivery, message};
use crate::storage::{StoreError, orders, reports, studies};

/// Of an inbound message.
pub async fn of_event(
    state: &State,
    row: &message::Model,
    event: &Hl7Event,
) -> Result<Vec<String>, ApiError> {
    let site = SiteId(row.site.clone());
    let mut said = Vec::new();
    match event {
        Hl7Event::Orders(events) => {
            for event in events {
                said.push(of_order(state, &site, event).await?);
            }
        }
        Hl7Event::Patient(_) => {
            said.push("The patient's record is updated where this message is the newest word.".to_owned());
        }
        Hl7Event::Merge(merges) => {
            let retired: usize = merges.iter().map(|merge| merge.retired.len()).sum();
            said.push(format!("{retired} patient records point to their survivors."));
        }
        Hl7Event::Report(events) => {
            for event in events {
                said.push(of_report(state, row, event).await?);
            }
        }
        Hl7Event::VendorResults(sent) => said.push(format!(
            "{} results of other products are looked at again.",
            sent.len()
        )),
        Hl7Event::Appointment(_) => {
            said.push("The order that the appointment is for gets its time.".to_owned());
        }
        Hl7Event::Answer(_) => said.push("What it answers is closed, or refused.".to_owned()),
        Hl7Event::Ignored { reason } => said.push(format!("Nothing: {reason}")),
    }
    Ok(said)
}

async fn of_order(state: &State, site: &SiteId, event: &OrderEvent) -> Result<String, StoreError> {
    let conn = state.store.read();
    let accession = event.accession.as_deref();
    let known = orders::find(
        conn,
        site,
        event.filler.as_ref(),
        event.placer.as_ref(),
        accession,
    )
    .await?;
    let name = name_of(event);
    let Some(known) = known else {
        return Ok(format!("{name} is not known and is created."));
    };
    let record = orders::record_of(&known)?;
    let changed = differing(&record, &record.clone().apply(event));
    let studies = studies::of_order(conn, &known.id).await?.len();
    Ok(if changed.is_empty() {
        format!("{name} stays as it is; {studies} linked studies are looked at again.")
    } else {
        format!(
            "{name} changes in {}; {studies} linked studies are looked at again.",
            changed.join(", ")
        )
    })
}

fn name_of(event: &OrderEvent) -> String {
    let number = |id: &Option<tocsin_domain::order::EntityId>| id.as_ref().map(|id| id.number.clone());
    match (&event.accession, number(&event.filler), number(&event.placer)) {
        (Some(accession), _, _) => format!("The order with accession number {accession}"),
        (None, Some(filler), _) => format!("The order with filler number {filler}"),
        (None, None, Some(placer)) => format!("The order with placer number {placer}"),
        (None, None, None) => "An order without a number".to_owned(),
    }
}

/// Names of the fields in which two records differ; when each was said is not one.
fn differing(before: &OrderRecord, after: &OrderRecord) -> Vec<String> {
    let fields = |record: &OrderRecord| match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    after
        .iter()
        .filter(|(name, value)| {
            !matches!(name.as_str(), "at" | "stamps") && before.get(*name) != Some(*value)
        })
        .map(|(name, _)| name.replace('_', " "))
        .collect()
}

async fn of_report(state: &State, row: &message::Model, event: &ReportEvent) -> Result<String, StoreError> {
    let status = reports::status_text(event.status);
    let known = reports::is_known(state.store.read(), &row.id, event).await?;
    Ok(if known {
        format!("The {status} report stands already; its study is looked at again.")
    } else {
        format!("The {status} report is added.")
    })
}

/// Of an outbound message that was edited.
pub fn of_edited(delivery: &delivery::Model) -> Result<Vec<String>, StoreError> {
    let sent = format!(
        "It goes to {} as a new message, under a control id of its own (MSH-10).",
        delivery.destination
    );
    let standing = match deliveries::state_of(delivery)? {
        DeliveryState::Confirmed => {
            "Its receiver has confirmed the original before, and gets this one besides."
        }
        DeliveryState::Refused => "Its receiver refused the original, which is not sent again.",
        DeliveryState::Pending => "The original has not arrived, and is not sent any more.",
        DeliveryState::Committed | DeliveryState::Held | DeliveryState::Cancelled => return Ok(vec![sent]),
    };
    Ok(vec![sent, standing.to_owned()])
}

/// Of an outbound message.
pub fn of_delivery(delivery: &delivery::Model, row: &message::Model) -> Vec<String> {
    let sent = format!(
        "The same bytes go to {} again, under control id {}.",
        delivery.destination, row.control_id
    );
    let standing = match deliveries::state_of(delivery) {
        Ok(DeliveryState::Confirmed) => "Its receiver has confirmed it before, and may act on it twice.",
        Ok(DeliveryState::Refused) => "Its receiver refused it before.",
        Ok(DeliveryState::Committed) => {
            "Its receiver has it, and its application has not answered yet; it may act on it twice."
        }
        Ok(DeliveryState::Pending) => "It is on its way already; it goes out now instead of later.",
        Ok(DeliveryState::Held | DeliveryState::Cancelled) | Err(_) => "",
    };
    [sent, standing.to_owned()]
        .into_iter()
        .filter(|sentence| !sentence.is_empty())
        .collect()
}
