//! One accepted association as the services see it: commands and data sets whole or in pieces, in both directions, within
//! the contexts that were agreed on. Every wait has a limit. What is asked for is not known here.

use std::collections::VecDeque;
use std::time::Duration;

use dicom_ul::pdu::{AbortRQServiceProviderReason, PDataValue, PDataValueType, Pdu};
use futures_util::FutureExt;
use tocsin_domain::dimse::query::Command;
use tocsin_domain::dimse::{self, CommandError, Request, Response};

use super::negotiate::Context;
use super::small::TooLong;
use crate::deliver::dicom::wire::{Wire, WireError};

/// Why an association ended other than by its release.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
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

/// What a peer wants next.
pub(super) enum Heard {
    /// Something was said, and can be read.
    Message,
    Release,
}

/// An association, its requester at the other end.
pub(super) struct Line {
    wire: Wire,
    contexts: Vec<Context>,
    peer_max_pdu: u32,
    /// For one PDU, and from one to the next within a message.
    limit: Duration,
    /// What came and was not looked at yet.
    values: VecDeque<PDataValue>,
    /// The message of which the peer wants no more answers.
    cancelled: Option<u16>,
    /// Of requests of ours.
    next_message: u16,
}

impl Line {
    pub(super) fn new(wire: Wire, contexts: Vec<Context>, peer_max_pdu: u32, limit: Duration) -> Self {
        Self {
            wire,
            contexts,
            peer_max_pdu,
            limit,
            values: VecDeque::new(),
            cancelled: None,
            next_message: 1,
        }
    }

    pub(super) fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    pub(super) fn context(&self, id: u8) -> Result<&Context, Broken> {
        let found = self.contexts.iter().find(|accepted| accepted.id == id);
        found.ok_or(Broken::UnknownContext(id))
    }

    /// Waits until the peer says something or wants to end. A cancelled call loses nothing.
    pub(super) async fn listen(&mut self, idle: Duration) -> Result<Heard, Broken> {
        while self.values.is_empty() {
            let pdu = self.wire.receive(idle, self.limit).await;
            if let Heard::Release = self.take(pdu.map_err(Broken::Wire)?)? {
                return Ok(Heard::Release);
            }
        }
        Ok(Heard::Message)
    }

    fn take(&mut self, pdu: Pdu) -> Result<Heard, Broken> {
        match pdu {
            Pdu::PData { data } => {
                self.values.extend(data);
                Ok(Heard::Message)
            }
            Pdu::ReleaseRQ => Ok(Heard::Release),
            Pdu::AbortRQ { .. } => Err(Broken::PeerAborted),
            other @ (Pdu::Unknown { .. }
            | Pdu::AssociationRQ(_)
            | Pdu::AssociationAC(_)
            | Pdu::AssociationRJ(_)
            | Pdu::ReleaseRP) => Err(Broken::Unexpected(name(&other))),
        }
    }

    async fn value(&mut self) -> Result<PDataValue, Broken> {
        loop {
            if let Some(value) = self.values.pop_front() {
                self.context(value.presentation_context_id)?;
                return Ok(value);
            }
            if let Heard::Release = self.listen(self.limit).await? {
                return Err(Broken::Unexpected("A-RELEASE-RQ within a message"));
            }
        }
    }

    /// The next command, whole, and its context.
    pub(super) async fn command(&mut self) -> Result<(u8, Command), Broken> {
        let mut bytes = Vec::new();
        let mut of = None;
        loop {
            let value = self.value().await?;
            let context = value.presentation_context_id;
            if value.value_type != PDataValueType::Command {
                return Err(Broken::Unexpected("a data set without its command"));
            }
            if *of.get_or_insert(context) != context {
                return Err(Broken::Unexpected("a command within another message"));
            }
            bytes.extend_from_slice(&value.data);
            if bytes.len() > dimse::MAX_COMMAND_BYTES {
                return Err(Broken::Command(CommandError::TooLong));
            }
            if value.is_last {
                let command = Command::parse(&bytes).map_err(Broken::Command)?;
                return Ok((context, command));
            }
        }
    }

    /// The next piece of the data set of a command.
    pub(super) async fn piece(&mut self, context: u8) -> Result<PDataValue, Broken> {
        let value = self.value().await?;
        if value.value_type != PDataValueType::Data {
            return Err(Broken::Unexpected("a command within another message"));
        }
        if value.presentation_context_id != context {
            return Err(Broken::Unexpected("a data set without its command"));
        }
        Ok(value)
    }

    /// A data set that belongs to a command answered already.
    pub(super) async fn pass_over(&mut self, context: u8) -> Result<(), Broken> {
        while !self.piece(context).await?.is_last {}
        Ok(())
    }

    /// A data set as a whole. What is longer than `limit` is heard to its end and not kept, unless it does not end.
    pub(super) async fn data_set(
        &mut self,
        context: u8,
        limit: usize,
    ) -> Result<Result<Vec<u8>, TooLong>, Broken> {
        let (mut kept, mut heard) = (Vec::new(), 0_usize);
        loop {
            let piece = self.piece(context).await?;
            heard = heard.saturating_add(piece.data.len());
            if heard <= limit {
                kept.extend_from_slice(&piece.data);
            } else if heard > limit.saturating_mul(2) {
                return Err(Broken::Endless);
            }
            if piece.is_last {
                return Ok(if heard <= limit {
                    Ok(kept)
                } else {
                    Err(TooLong { limit })
                });
            }
        }
    }

    /// Says a command or an answer, and the data set that belongs to it.
    pub(super) async fn say(
        &mut self,
        context: u8,
        command: Vec<u8>,
        data_set: Option<&[u8]>,
    ) -> Result<(), Broken> {
        let limit = self.limit;
        self.wire
            .send_command(context, command, limit)
            .await
            .map_err(Broken::Wire)?;
        let Some(data_set) = data_set else { return Ok(()) };
        self.wire
            .send_data(context, data_set, self.peer_max_pdu, limit)
            .await
            .map_err(Broken::Wire)
    }

    /// For a request of ours.
    pub(super) fn number(&mut self) -> u16 {
        let message = self.next_message;
        self.next_message = message.checked_add(1).unwrap_or(1);
        message
    }

    /// The answer to a request of ours. The peer may say meanwhile that it wants no more.
    pub(super) async fn answer_to(&mut self, message: u16) -> Result<Response, Broken> {
        loop {
            match self.command().await? {
                (context, Command::Response(response)) => {
                    if response.head.has_data_set {
                        self.pass_over(context).await?;
                    }
                    if response.head.message_id == message {
                        return Ok(response);
                    }
                }
                (_, Command::Request(request)) => self.note(&request)?,
            }
        }
    }

    /// Whether the peer wants no more answers to a message, as far as it has said by now.
    pub(super) async fn is_cancelled(&mut self, message: u16) -> Result<bool, Broken> {
        if self.values.is_empty()
            && let Some(pdu) = self.wire.receive(self.limit, self.limit).now_or_never()
            && let Heard::Release = self.take(pdu.map_err(Broken::Wire)?)?
        {
            return Err(Broken::Unexpected("A-RELEASE-RQ before the last answer"));
        }
        while !self.values.is_empty() {
            match self.command().await? {
                (_, Command::Request(request)) => self.note(&request)?,
                (_, Command::Response(_)) => return Err(Broken::Unexpected("an answer to nothing")),
            }
        }
        Ok(self.cancelled == Some(message))
    }

    /// A request that comes while another is answered can only end that one.
    fn note(&mut self, request: &Request) -> Result<(), Broken> {
        match request {
            Request::Cancel(message) => {
                self.cancelled = Some(*message);
                Ok(())
            }
            Request::Echo(_)
            | Request::Store(_)
            | Request::Find(_)
            | Request::Get(_)
            | Request::Move { .. }
            | Request::Create(_)
            | Request::Set(_)
            | Request::Action { .. }
            | Request::Event { .. }
            | Request::Other(_) => Err(Broken::Unexpected("a request before the last one was answered")),
        }
    }

    pub(super) async fn answer(&mut self, context: u8, response: &Response) -> Result<(), Broken> {
        self.say(context, response.to_bytes(), None).await
    }

    pub(super) async fn agree_to_release(&mut self) {
        // The peer may be gone already; it has all its answers.
        let _ = self.wire.send(&Pdu::ReleaseRP, self.limit).await;
    }

    /// Tells the peer that it is over, where somebody may still be listening.
    pub(super) async fn abort(&mut self, broken: Broken) -> Broken {
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
        self.wire.abort(reason, self.limit).await;
        broken
    }
}

pub(super) fn name(pdu: &Pdu) -> &'static str {
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
