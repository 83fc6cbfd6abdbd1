//! C-STORE: an instance is durable, then filed, then answered (PS3.4 annex B).

use tocsin_domain::dimse::{self, Head, Response};
use tracing::{debug, warn};

use super::association::Association;
use super::line::Broken;
use super::receive::{Durable, Keep, Reception, Refusal};
use super::sink::{InstanceSink, ReceivedInstance, StoreOutcome};
use crate::deliver::chain;

/// Studies of one association that are told at its end; of more, their quiet time tells.
const MAX_STUDIES: usize = 10_000;

impl<S: InstanceSink> Association<S> {
    pub(super) async fn take_instance(&mut self, context: u8, head: Head) -> Result<(), Broken> {
        let accepted = self.line.context(context)?;
        let limits = &self.env.settings.limits;
        let mut reception = Reception::begin(&head, accepted, &self.calling_ae, &self.env.blobs, limits);
        loop {
            let piece = self.line.piece(context).await?;
            if reception.push(&piece.data).await == Keep::Abort {
                return Err(Broken::Endless);
            }
            if piece.is_last {
                break;
            }
        }
        let outcome = match reception.finish().await {
            Ok(durable) => self.hand_over(durable).await,
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(()) => {
                self.stored += 1;
                let answer = Response::to(&head, dimse::STATUS_SUCCESS, "");
                self.line.answer(context, &answer).await
            }
            Err(refusal) => {
                self.refused += 1;
                let status = refusal.status();
                warn!(
                    status = format_args!("{status:#06x}"),
                    message_id = head.message_id,
                    reason = %chain(&refusal),
                    "instance refused"
                );
                let answer = Response::to(&head, status, &refusal.comment());
                self.line.answer(context, &answer).await
            }
        }
    }

    async fn hand_over(&mut self, durable: Durable) -> Result<(), Refusal> {
        let study = durable.facts.study_uid.clone();
        debug!(
            sop_instance_uid = %durable.facts.sop_instance_uid,
            study_uid = %study,
            blob = %durable.blob.hash,
            problems = durable.problems.len(),
            "instance received"
        );
        let received = ReceivedInstance {
            association: self.id,
            calling_ae: self.calling_ae.clone(),
            called_ae: self.called_ae.clone(),
            peer: self.peer,
            transfer_syntax: durable.transfer_syntax,
            facts: durable.facts,
            problems: durable.problems,
            blob: durable.blob,
            received_at: self.env.clock.now(),
        };
        match self.env.sink.store(received).await {
            StoreOutcome::Stored | StoreOutcome::Duplicate => {}
            StoreOutcome::Quarantined { reason } => warn!(reason, "instance kept apart"),
            StoreOutcome::Refused { status, reason } => return Err(Refusal::Sink { status, reason }),
        }
        if self.studies.len() < MAX_STUDIES {
            self.studies.insert(study);
        }
        Ok(())
    }
}
