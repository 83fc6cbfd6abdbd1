//! Application answers that go back on a connection of their sender: which senders this connection speaks for, and what
//! was written on it and waits to be taken. Rows say what is owed; nothing is remembered beyond the connection.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::settings::{AnswerWay, LaterAnswers};
use super::sink::{DueAnswer, MessageSink};
use crate::deliver::mllp::{self, AckOutcome};

/// How soon an answer that has become due is seen.
const LOOK: Duration = Duration::from_millis(250);
/// Answers that wait on one connection to be taken.
const MOST: usize = 64;

#[derive(Default)]
pub(super) struct Outstanding {
    senders: BTreeSet<String>,
    look_at: Option<Instant>,
    sent: Vec<DueAnswer>,
}

impl Outstanding {
    /// A message of this sender came: what it is owed may go back here.
    pub(super) fn speaks_for(&mut self, route: &LaterAnswers) {
        if route.way == AnswerWay::SameConnection && self.senders.insert(route.peer.clone()) {
            self.look_at = Some(Instant::now());
        }
    }

    /// Returns when it is time to look for answers; never where no sender is owed any here.
    pub(super) async fn time_to_look(&self) {
        match self.look_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn due<S: MessageSink>(&mut self, sink: &S) -> Vec<DueAnswer> {
        self.look_at = Some(Instant::now() + LOOK);
        let mut due = Vec::new();
        for sender in &self.senders {
            due.extend(sink.due_answers(sender).await);
        }
        let room = MOST.saturating_sub(due.len());
        let old = self.sent.len().saturating_sub(room);
        self.sent.drain(..old);
        self.sent.extend(due.iter().cloned());
        due
    }

    /// What was written on this connection and not taken, as it ends.
    pub(super) fn left(&mut self) -> Vec<DueAnswer> {
        std::mem::take(&mut self.sent)
    }

    /// The answer of ours that a frame acknowledges.
    pub(super) fn taken(&mut self, frame: &Bytes) -> Option<(DueAnswer, AckOutcome)> {
        let (at, said) = self
            .sent
            .iter()
            .enumerate()
            .find_map(|(at, sent)| Some((at, mllp::outcome(frame, &sent.control_id)?)))?;
        Some((self.sent.remove(at), said))
    }
}
