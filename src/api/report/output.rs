//! How one output of a result stands with its receiver, in the words of those who wait for it. Decided from the delivery alone.

use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};

use crate::api::deliveries::why_not;
use crate::storage::StoreError;
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState};
use crate::storage::entity::{delivery, message};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputState {
    /// Owed to nobody.
    Draft,
    /// Waits until a person has decided, or until the order is known.
    Held,
    /// Waits for its first attempt.
    Queued,
    /// The last attempt reached nobody; it is tried again.
    Retrying,
    /// The receiver has it.
    Sent,
    /// The receiver of a message said that it took it.
    Acknowledged,
    /// The receiver said no.
    Refused,
    /// Given up, without a word of the receiver.
    Failed,
    Cancelled,
}

/// One output, and to whom it goes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OutputView {
    pub kind: DeliveryKind,
    pub state: OutputState,
    /// Null while it is owed to nobody; so are the next.
    pub delivery_id: Option<String>,
    pub destination: Option<String>,
    pub owed_at: Option<Timestamp>,
    /// When it came into this state.
    pub since: Option<Timestamp>,
    pub attempts: i64,
    pub ack_code: Option<String>,
    /// The receiver's words, or why it could not be reached.
    pub answer: Option<String>,
    pub message_id: Option<String>,
    /// Whether it may be sent again.
    pub may_go_again: bool,
}

impl OutputView {
    /// What nobody is owed.
    pub fn draft(kind: DeliveryKind) -> Self {
        Self {
            kind,
            state: OutputState::Draft,
            delivery_id: None,
            destination: None,
            owed_at: None,
            since: None,
            attempts: 0,
            ack_code: None,
            answer: None,
            message_id: None,
            may_go_again: false,
        }
    }

    /// With the message that was sent, where it is one.
    pub fn of(row: &delivery::Model, message: Option<&message::Model>) -> Result<Self, StoreError> {
        let (kind, state) = (deliveries::kind_of(row)?, deliveries::state_of(row)?);
        let ack_code = message.and_then(|message| message.ack_code.clone());
        Ok(Self {
            kind,
            state: state_of(kind, state, row.attempts, ack_code.as_deref()),
            delivery_id: Some(row.id.clone()),
            destination: Some(row.destination.clone()),
            owed_at: Some(from_micros(row.created_at)),
            since: Some(from_micros(row.updated_at)),
            attempts: row.attempts,
            ack_code,
            answer: row.last_error.clone(),
            message_id: row.message_id.clone(),
            may_go_again: why_not(state).is_none(),
        })
    }
}

fn state_of(kind: DeliveryKind, state: DeliveryState, attempts: i64, ack: Option<&str>) -> OutputState {
    let is_message = match kind {
        DeliveryKind::ResultMessage | DeliveryKind::PriorityChange | DeliveryKind::Rejection => true,
        DeliveryKind::StructuredReport
        | DeliveryKind::KeyImage
        | DeliveryKind::Segmentation
        | DeliveryKind::FhirNotice
        | DeliveryKind::RejectionNote
        | DeliveryKind::FhircastUpdate => false,
    };
    match state {
        DeliveryState::Held => OutputState::Held,
        DeliveryState::Pending if attempts == 0 => OutputState::Queued,
        DeliveryState::Pending => OutputState::Retrying,
        DeliveryState::Confirmed if is_message => OutputState::Acknowledged,
        DeliveryState::Committed | DeliveryState::Confirmed => OutputState::Sent,
        // A message that was refused carries the answer; an object is answered by a status alone.
        DeliveryState::Refused if is_message && ack.is_none() => OutputState::Failed,
        DeliveryState::Refused => OutputState::Refused,
        DeliveryState::Cancelled => OutputState::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryKind::{ResultMessage, StructuredReport};

    #[test]
    fn every_state_of_a_delivery_has_its_word() {
        for (kind, state, attempts, ack, said) in [
            (ResultMessage, DeliveryState::Held, 0, None, OutputState::Held),
            (
                ResultMessage,
                DeliveryState::Pending,
                0,
                None,
                OutputState::Queued,
            ),
            (
                ResultMessage,
                DeliveryState::Pending,
                3,
                None,
                OutputState::Retrying,
            ),
            (
                ResultMessage,
                DeliveryState::Confirmed,
                1,
                Some("AA"),
                OutputState::Acknowledged,
            ),
            (
                StructuredReport,
                DeliveryState::Confirmed,
                1,
                None,
                OutputState::Sent,
            ),
            (
                ResultMessage,
                DeliveryState::Refused,
                1,
                Some("AE"),
                OutputState::Refused,
            ),
            (
                ResultMessage,
                DeliveryState::Refused,
                9,
                None,
                OutputState::Failed,
            ),
            (
                StructuredReport,
                DeliveryState::Refused,
                1,
                None,
                OutputState::Refused,
            ),
            (
                StructuredReport,
                DeliveryState::Cancelled,
                0,
                None,
                OutputState::Cancelled,
            ),
        ] {
            assert_eq!(state_of(kind, state, attempts, ack), said, "{kind:?} {state:?}");
        }
    }
}
