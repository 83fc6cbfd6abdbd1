//! One association from its request to its end: PDUs in, DIMSE messages together, answers out (PS3.8 section 9, PS3.7).
//! Every wait has a limit, and what goes wrong with one instance is answered and leaves the association standing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use dicom_ul::pdu::{AbortRQServiceProviderReason, PDataValue, PDataValueType, Pdu};
use tocsin_domain::dimse::{self, CommandError, Head, Request, Response};
use tocsin_domain::ids::Uid;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::listener::Env;
use super::negotiate::{self, Context, Decision, Load};
use super::receive::{Durable, Keep, Reception, Refusal};
use super::sink::{
    AssociationEnd, AssociationId, ClosedAssociation, InstanceSink, ReceivedInstance, RejectedAssociation,
    StoreOutcome,
};
use crate::deliver::chain;
use crate::deliver::dicom::wire::{Wire, WireError};

/// Studies of one association that are told at its end; of more, their quiet time tells.
const MAX_STUDIES: usize = 10_000;

/// Why an association ended other than by its release.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Wire(WireError),
    #[error("the peer aborted")]
    PeerAborted,
    #[error("a PDU that may not come here: {0}")]
    Unexpected(&'static str),
    #[error("presentation context {0} was not accepted")]
    UnknownContext(u8),
    #[error("not a command")]
    Command(#[source] CommandError),
    #[error("an instance did not end long after it was too long")]
    Endless,
    #[error("the service stops")]
    Stopping,
}

/// Where a message is.
enum Message {
    None,
    Command {
        context: u8,
        bytes: Vec<u8>,
    },
    Instance {
        context: u8,
        reception: Box<Reception>,
    },
    /// A data set that belongs to a command answered already.
    Unwanted {
        context: u8,
    },
}

/// An association that was accepted.
pub(super) struct Association<S> {
    env: Arc<Env<S>>,
    wire: Wire,
    id: AssociationId,
    peer: SocketAddr,
    calling_ae: String,
    called_ae: String,
    contexts: Vec<Context>,
    message: Message,
    studies: BTreeSet<Uid>,
    stored: u64,
    refused: u64,
}

/// Waits for the request and judges it. `None` when no association came of the connection.
pub(super) async fn accept<S: InstanceSink>(
    env: Arc<Env<S>>,
    mut wire: Wire,
    peer: SocketAddr,
    load: impl Fn() -> Load,
) -> Option<Association<S>> {
    let limits = &env.settings.limits;
    let request = match wire.receive(limits.artim, limits.artim).await {
        Ok(Pdu::AssociationRQ(request)) => request,
        Ok(other) => {
            warn!(%peer, pdu = name(&other), "DICOM: expected an association request");
            wire.abort(AbortRQServiceProviderReason::UnexpectedPdu, limits.pdu)
                .await;
            return None;
        }
        Err(WireError::Closed) => {
            debug!(%peer, "DICOM: connected and left without a request");
            return None;
        }
        Err(error) => {
            warn!(%peer, error = %chain(&error), "DICOM: no association request");
            wire.abort(AbortRQServiceProviderReason::UnrecognizedPdu, limits.pdu)
                .await;
            return None;
        }
    };
    let calling_ae = printable(&request.calling_ae_title);
    let caller = env
        .settings
        .accept
        .recognise(request.calling_ae_title.trim(), peer.ip())
        .await;
    match negotiate::decide(&request, &env.settings.ae_title, caller, load(), limits) {
        Decision::Reject { answer, reason } => {
            let called_ae = printable(&request.called_ae_title);
            warn!(%peer, calling_ae, called_ae, %reason, "DICOM: association rejected");
            let _ = wire.send(&Pdu::AssociationRJ(answer), limits.pdu).await;
            let rejected = RejectedAssociation {
                association: AssociationId(env.ids.uuid()),
                calling_ae,
                called_ae,
                peer,
                reason: reason.to_string(),
            };
            drop(wire);
            env.sink.association_rejected(rejected).await;
            None
        }
        Decision::Accept { answer, contexts } => {
            let called_ae = printable(&answer.called_ae_title);
            wire.send(&Pdu::AssociationAC(answer), limits.pdu).await.ok()?;
            wire.limit_pdus(limits.pdu_bytes);
            let id = AssociationId(env.ids.uuid());
            Some(Association {
                env,
                wire,
                id,
                peer,
                calling_ae,
                called_ae,
                contexts,
                message: Message::None,
                studies: BTreeSet::new(),
                stored: 0,
                refused: 0,
            })
        }
    }
}

impl<S: InstanceSink> Association<S> {
    /// Serves until release, abort or a time limit, then tells the sink.
    // At level error, so that the span and with it the sender's name is on every line at any level of logging.
    #[tracing::instrument(name = "dicom.association", level = "error", skip_all, fields(association.id = %self.id.0, calling_ae = %self.calling_ae))]
    pub(super) async fn serve(mut self, stop: CancellationToken) {
        debug!(peer = %self.peer, contexts = self.contexts.len(), "association accepted");
        let end = match self.until_released(&stop).await {
            Ok(()) => AssociationEnd::Released,
            Err(error) => {
                warn!(error = %chain(&error), stored = self.stored, refused = self.refused, "association broken");
                AssociationEnd::Broken
            }
        };
        info!(
            stored = self.stored,
            refused = self.refused,
            studies = self.studies.len(),
            "association closed"
        );
        let closed = ClosedAssociation {
            association: self.id,
            calling_ae: self.calling_ae,
            called_ae: self.called_ae,
            peer: self.peer,
            end,
            studies: self.studies.into_iter().collect(),
            stored: self.stored,
            refused: self.refused,
            closed_at: self.env.clock.now(),
        };
        self.env.sink.association_closed(closed).await;
    }

    async fn until_released(&mut self, stop: &CancellationToken) -> Result<(), Broken> {
        let limits = self.env.settings.limits.clone();
        loop {
            let between = matches!(self.message, Message::None);
            let idle = if between { limits.idle } else { limits.pdu };
            let pdu = tokio::select! {
                biased;
                () = stop.cancelled(), if between => return Err(self.abort(Broken::Stopping).await),
                pdu = self.wire.receive(idle, limits.pdu) => pdu,
            };
            let outcome = match pdu {
                Ok(Pdu::PData { data }) => self.take_values(data).await,
                Ok(Pdu::ReleaseRQ) => {
                    // The sender may be gone already; it has all its answers.
                    let _ = self.wire.send(&Pdu::ReleaseRP, limits.pdu).await;
                    return Ok(());
                }
                Ok(Pdu::AbortRQ { .. }) => return Err(Broken::PeerAborted),
                Ok(other) => Err(Broken::Unexpected(name(&other))),
                Err(error) => Err(Broken::Wire(error)),
            };
            if let Err(broken) = outcome {
                return Err(self.abort(broken).await);
            }
        }
    }

    /// Tells the peer that it is over, where somebody may still be listening.
    async fn abort(&mut self, broken: Broken) -> Broken {
        use AbortRQServiceProviderReason as Reason;
        let reason = match &broken {
            Broken::Wire(WireError::Malformed(_)) => Reason::UnrecognizedPdu,
            Broken::Wire(
                WireError::Closed | WireError::CutOff(_) | WireError::Read(_) | WireError::Write(_),
            )
            | Broken::PeerAborted => {
                return broken;
            }
            Broken::Unexpected(_) => Reason::UnexpectedPdu,
            Broken::UnknownContext(_) | Broken::Command(_) => Reason::InvalidPduParameter,
            Broken::Wire(
                WireError::Idle(_) | WireError::Incomplete(_) | WireError::Blocked(_) | WireError::Encode(_),
            )
            | Broken::Endless
            | Broken::Stopping => Reason::ReasonNotSpecified,
        };
        self.wire.abort(reason, self.env.settings.limits.pdu).await;
        broken
    }

    async fn take_values(&mut self, values: Vec<PDataValue>) -> Result<(), Broken> {
        for value in values {
            let context = value.presentation_context_id;
            if !self.contexts.iter().any(|accepted| accepted.id == context) {
                return Err(Broken::UnknownContext(context));
            }
            match value.value_type {
                PDataValueType::Command => self.take_command(value).await?,
                PDataValueType::Data => self.take_data(value).await?,
            }
        }
        Ok(())
    }

    async fn take_command(&mut self, value: PDataValue) -> Result<(), Broken> {
        let context = value.presentation_context_id;
        let mut bytes = match std::mem::replace(&mut self.message, Message::None) {
            Message::None => Vec::new(),
            Message::Command { context: of, bytes } if of == context => bytes,
            Message::Command { .. } | Message::Instance { .. } | Message::Unwanted { .. } => {
                return Err(Broken::Unexpected("a command within another message"));
            }
        };
        bytes.extend_from_slice(&value.data);
        if bytes.len() > dimse::MAX_COMMAND_BYTES {
            return Err(Broken::Command(CommandError::TooLong));
        }
        if !value.is_last {
            self.message = Message::Command { context, bytes };
            return Ok(());
        }
        self.obey(context, Request::parse(&bytes).map_err(Broken::Command)?)
            .await
    }

    async fn obey(&mut self, context: u8, request: Request) -> Result<(), Broken> {
        match request {
            Request::Cancel => Ok(()),
            Request::Echo(head) => {
                self.env.sink.echoed(&self.calling_ae).await;
                self.answer_command(context, head, dimse::STATUS_SUCCESS, "")
                    .await
            }
            Request::Other(head) => {
                let status = dimse::STATUS_UNRECOGNIZED_OPERATION;
                self.answer_command(context, head, status, "only C-ECHO and C-STORE are served")
                    .await
            }
            Request::Store(head) if !head.has_data_set => {
                let status = dimse::STATUS_CANNOT_UNDERSTAND;
                self.answer_command(context, head, status, "a C-STORE without a data set")
                    .await
            }
            Request::Store(head) => {
                let Some(accepted) = self.contexts.iter().find(|accepted| accepted.id == context) else {
                    return Err(Broken::UnknownContext(context));
                };
                let limits = &self.env.settings.limits;
                let reception = Reception::begin(head, accepted, &self.calling_ae, &self.env.blobs, limits);
                self.message = Message::Instance {
                    context,
                    reception: Box::new(reception),
                };
                Ok(())
            }
        }
    }

    /// Answers a command at once; a data set that follows it is passed over.
    async fn answer_command(
        &mut self,
        context: u8,
        head: Head,
        status: u16,
        comment: &str,
    ) -> Result<(), Broken> {
        if head.has_data_set {
            self.message = Message::Unwanted { context };
        }
        self.answer(context, &Response::to(&head, status, comment)).await
    }

    async fn take_data(&mut self, value: PDataValue) -> Result<(), Broken> {
        match &mut self.message {
            Message::Instance { context, reception } if *context == value.presentation_context_id => {
                if reception.push(&value.data).await == Keep::Abort {
                    return Err(Broken::Endless);
                }
            }
            Message::Unwanted { context } if *context == value.presentation_context_id => {}
            Message::None | Message::Command { .. } | Message::Instance { .. } | Message::Unwanted { .. } => {
                return Err(Broken::Unexpected("a data set without its command"));
            }
        }
        if !value.is_last {
            return Ok(());
        }
        match std::mem::replace(&mut self.message, Message::None) {
            Message::Instance { context, reception } => self.finish(context, *reception).await,
            Message::None | Message::Command { .. } | Message::Unwanted { .. } => Ok(()),
        }
    }

    /// Durable, then filed, then answered.
    async fn finish(&mut self, context: u8, reception: Reception) -> Result<(), Broken> {
        let head = reception.head.clone();
        let outcome = match reception.finish().await {
            Ok(durable) => self.hand_over(durable).await,
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(()) => {
                self.stored += 1;
                self.answer(context, &Response::to(&head, dimse::STATUS_SUCCESS, ""))
                    .await
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
                self.answer(context, &Response::to(&head, status, &refusal.comment()))
                    .await
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

    async fn answer(&mut self, context: u8, response: &Response) -> Result<(), Broken> {
        let limit = self.env.settings.limits.pdu;
        self.wire
            .send_command(context, response.to_bytes(), limit)
            .await
            .map_err(Broken::Wire)
    }
}

fn name(pdu: &Pdu) -> &'static str {
    match pdu {
        Pdu::Unknown { .. } => "of an unknown type",
        Pdu::AssociationRQ(_) => "A-ASSOCIATE-RQ",
        Pdu::AssociationAC(_) => "A-ASSOCIATE-AC",
        Pdu::AssociationRJ(_) => "A-ASSOCIATE-RJ",
        Pdu::PData { .. } => "P-DATA-TF",
        Pdu::ReleaseRQ => "A-RELEASE-RQ",
        Pdu::ReleaseRP => "A-RELEASE-RP",
        Pdu::AbortRQ { .. } => "A-ABORT",
    }
}

/// An AE title as it may appear in a log.
fn printable(title: &str) -> String {
    title
        .trim()
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(16)
        .collect()
}
