//! Keeps received messages in the database, with the answer they get, and queues what they ask for. A resend is answered
//! from the row; nothing is applied here.

use tocsin_domain::ids::SiteId;
use tocsin_domain::order::{Hl7Event, PatientMerge};
use tocsin_domain::work::{Paging, Work};

use super::problem::{ErrorCode, Hl7Problem, Place};
use super::sink::{MessageSink, ReceivedMessage, SinkAnswer};
use crate::deliver::mllp::AckCode;
use crate::report::hl7_keys;
use crate::storage::jobs::{self, Terms};
use crate::storage::messages::{self, Inbound, InboundState, Intake};
use crate::storage::{Store, StoreError, Tx, patients, replay};
use crate::telemetry::{AckCode as Counted, Metrics};

/// The sink in front of the database.
pub struct Rows {
    pub store: Store,
    pub metrics: Metrics,
    /// Assigns the identifiers that name no authority.
    pub default_authority: String,
}

impl MessageSink for Rows {
    /// A merge that would close a circle is refused while its sender still listens. What is stored and not applied yet is
    /// not seen here; such a merge fails when it is applied.
    async fn objection(&self, event: &Hl7Event, site: &SiteId) -> Option<Hl7Problem> {
        let Hl7Event::Merge(merges) = event else {
            return None;
        };
        for merge in merges {
            match closes_circle(&self.store, site, merge, &self.default_authority).await {
                Ok(false) => {}
                Ok(true) => {
                    let expected = "a record that was not merged into the one that it would take in";
                    let place = Place::field("MRG", 1, 1);
                    return Some(Hl7Problem::new(ErrorCode::UnknownKey, place, expected));
                }
                Err(error) => tracing::warn!(%error, "a merge could not be looked into before it was taken"),
            }
        }
        None
    }

    async fn accept(&self, received: ReceivedMessage) -> SinkAnswer {
        let (kind, code) = (received.header.kind(), received.ack_code);
        let order_key = received.event.as_ref().ok().and_then(replay::patient_key);
        let inbound = match inbound(received) {
            Ok(inbound) => inbound,
            Err(error) => {
                return SinkAnswer::NotStored {
                    reason: error.to_string(),
                };
            }
        };
        let stored = self
            .store
            .write(move |tx| Box::pin(async move { keep(tx, inbound, order_key).await }))
            .await;
        self.metrics.message(&kind, counted(code, stored.is_ok()));
        match stored {
            Ok(Intake::New { flagged: false, .. }) => SinkAnswer::Stored,
            Ok(Intake::New { flagged: true, .. }) => SinkAnswer::StoredFlagged,
            Ok(Intake::Resent { ack }) => SinkAnswer::Resent { ack: ack.into() },
            Err(error) => SinkAnswer::NotStored {
                reason: error.to_string(),
            },
        }
    }
}

async fn closes_circle(
    store: &Store,
    site: &SiteId,
    merge: &PatientMerge,
    authority: &str,
) -> Result<bool, StoreError> {
    let conn = store.read();
    let Some(row) = patients::find(conn, site, &merge.survivor.qualified(authority)).await? else {
        return Ok(false);
    };
    let end = patients::survivor(conn, row).await?;
    for retired in &merge.retired {
        let known = patients::find(conn, site, &retired.qualified(authority)).await?;
        if known.is_some_and(|row| row.id == end.id) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn counted(code: AckCode, stored: bool) -> Counted {
    match code {
        _ if !stored => Counted::Error,
        AckCode::Accept | AckCode::CommitAccept => Counted::Accept,
        AckCode::Error | AckCode::CommitError => Counted::Error,
        AckCode::Reject | AckCode::CommitReject => Counted::Reject,
    }
}

async fn keep(tx: &Tx, inbound: Inbound, order_key: Option<String>) -> Result<Intake, StoreError> {
    let state = inbound.state;
    let intake = messages::receive(tx, inbound).await?;
    if let (Intake::New { id, .. }, InboundState::Received) = (&intake, state) {
        let terms = Terms {
            order_key,
            ..Terms::now()
        };
        let work = Work::ApplyMessage {
            message: *id,
            paging: Paging::AsUsual,
        };
        jobs::enqueue(tx, &work, terms).await?;
    }
    Ok(intake)
}

fn inbound(received: ReceivedMessage) -> Result<Inbound, StoreError> {
    let (state, event, problem) = match &received.event {
        Ok(event @ Hl7Event::Ignored { reason }) => {
            (InboundState::Ignored, Some(event), Some(reason.clone()))
        }
        Ok(event) => (InboundState::Received, Some(event), None),
        Err(problem) => (InboundState::Failed, None, Some(problem.to_string())),
    };
    let event = event
        .map(serde_json::to_string)
        .transpose()
        .map_err(|_| StoreError::Refused("an event that is no JSON".into()))?;
    Ok(Inbound {
        site: received.site.clone(),
        peer: received.sender(),
        control_id: received.header.control_id.clone(),
        sha256: received.sha256,
        kind: received.header.kind(),
        raw: received.raw.to_vec(),
        event,
        problem,
        ack_code: received.ack_code.text().to_owned(),
        ack: received.ack.to_vec(),
        state,
        keys: hl7_keys::of(&received.raw),
    })
}
