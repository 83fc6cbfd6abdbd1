//! The seam between the listener and whoever keeps rows: what is handed over, and what may be answered.

use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::{MessageId, SiteId};
use tocsin_domain::order::Hl7Event;

use super::header::Header;
use super::problem::Hl7Problem;
use super::settings::LaterAnswers;
use crate::deliver::mllp::{AckCode, AckOutcome};
use crate::report::hl7_answer::Promise;
use crate::report::hl7_charset::Charset;

/// A message that can be told apart from every other: its sender and its control id are known.
#[derive(Clone)]
pub struct ReceivedMessage {
    pub peer: SocketAddr,
    pub site: SiteId,
    /// The bytes between the framing bytes, as they came.
    pub raw: Bytes,
    /// Of `raw`, lower-case hexadecimal.
    pub sha256: String,
    pub header: Header,
    pub charset: Charset,
    pub event: Result<Hl7Event, Hl7Problem>,
    pub received_at: Timestamp,
    /// What will be answered once this is stored; kept with the message, so that a resend gets the same.
    pub ack_code: AckCode,
    /// Empty when the sender asked for no answer.
    pub ack: Bytes,
    /// The application's answer that the sender is owed later.
    pub later: Option<OwedLater>,
}

/// An answer that is owed once it is known what became of a message.
#[derive(Clone)]
pub struct OwedLater {
    pub promise: Promise,
    pub route: LaterAnswers,
}

/// An application's answer that waits for a connection of its receiver.
#[derive(Clone)]
pub struct DueAnswer {
    /// The message that is answered.
    pub answers: MessageId,
    pub control_id: String,
    pub bytes: Bytes,
}

impl ReceivedMessage {
    /// Sending application and facility, which a control id is unique within.
    pub fn sender(&self) -> String {
        self.header.sender()
    }
}

/// What became of a message. An answer goes out after this is known, and not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkAnswer {
    /// Committed.
    Stored,
    /// The same bytes under the same control id were stored before, and were answered with this.
    Resent { ack: Bytes },
    /// Committed, and marked: the same control id came before with other bytes.
    StoredFlagged,
    /// Nothing is kept; the sender is told to send again. The reason is for the log.
    NotStored { reason: String },
}

/// Keeps messages. The database behind it is one implementation, the memory of a test another.
pub trait MessageSink: Send + Sync + 'static {
    /// Whether somebody has stopped what this sender, or everybody, sends. A sender that is not listed has no name.
    fn paused(&self, _sender: Option<&str>) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }

    /// What stands against an event that is sound in itself, as far as what is known tells.
    fn objection(
        &self,
        _event: &Hl7Event,
        _site: &SiteId,
    ) -> impl Future<Output = Option<Hl7Problem>> + Send {
        std::future::ready(None)
    }

    /// The answers that wait for a connection of this sender, each handed out to one connection at a time.
    fn due_answers(&self, _peer: &str) -> impl Future<Output = Vec<DueAnswer>> + Send {
        std::future::ready(Vec::new())
    }

    /// Notes that the sender has taken, or refused, an answer.
    fn answer_taken(&self, _answer: &DueAnswer, _said: &AckOutcome) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Hands back answers that were written on a connection which has ended, and not taken.
    fn answers_left(&self, _answers: Vec<DueAnswer>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Keeps messages in this order. Returns when the outcome of each is committed: one for each, in their order.
    fn accept(&self, received: Vec<ReceivedMessage>) -> impl Future<Output = Vec<SinkAnswer>> + Send;
}
