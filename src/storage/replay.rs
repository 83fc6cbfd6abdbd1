//! Messages a second time: an inbound one is applied again from its row, an outbound one is sent again by its delivery.
//! Nothing is rendered anew.

use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use sha2::{Digest, Sha256};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::MessageId;
use tocsin_domain::order::Hl7Event;
use tocsin_domain::phi::PatientIdentifier;
use tocsin_domain::work::{Paging, Work};

use super::document;
use super::entity::message;
use super::error::StoreError;
use super::jobs::{self, Requeued, Terms};
use super::messages::InboundState;
use super::store::Tx;

/// What a stored inbound message says; `None` when it could not be read.
pub fn event_of(row: &message::Model) -> Result<Option<Hl7Event>, StoreError> {
    row.event
        .as_deref()
        .map(|text| document::read(text, "message", "event", &row.id))
        .transpose()
}

/// Has a stored message applied again, in its patient's order, as it is read now.
pub async fn apply_again(
    tx: &Tx,
    id: MessageId,
    event: &Hl7Event,
    paging: Paging,
) -> Result<Requeued, StoreError> {
    let row = message::ActiveModel {
        id: Set(id.to_string()),
        state: Set(InboundState::Received.text().to_owned()),
        event: Set(Some(document::write(event)?)),
        problem: Set(None),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    let terms = Terms {
        order_key: patient_key(event),
        ..Terms::now()
    };
    jobs::requeue(tx, &Work::ApplyMessage { message: id, paging }, terms).await
}

/// Messages of one patient are applied one after another; merges wait for nobody, since they name two.
pub fn patient_key(event: &Hl7Event) -> Option<String> {
    // A hash, because the job table holds no patient.
    let of = |id: Option<&PatientIdentifier>| {
        id.map(|id| {
            format!(
                "patient:{}",
                hex::encode(Sha256::digest(format!("{}|{}", id.authority, id.value)))
            )
        })
    };
    match event {
        Hl7Event::Orders(orders) => of(orders.first().and_then(|o| o.patient.identifier.as_ref())),
        Hl7Event::Patient(patient) => of(patient.identifier.as_ref()),
        Hl7Event::Report(reports) => of(reports.first().and_then(|r| r.patient.identifier.as_ref())),
        Hl7Event::VendorResults(sent) => of(sent.first().and_then(|s| s.told.study.patient.as_ref())),
        Hl7Event::Appointment(event) => of(event.patient.identifier.as_ref()),
        Hl7Event::Merge(_) | Hl7Event::Answer(_) | Hl7Event::Ignored { .. } => None,
    }
}
