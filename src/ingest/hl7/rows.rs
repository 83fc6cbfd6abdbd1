//! Keeps received messages in the database, with the answer they get, and queues what they ask for. A resend is answered
//! from the row; nothing is applied here.

use chrono::TimeDelta;
use tocsin_domain::ids::{MessageId, SiteId};
use tocsin_domain::order::{Hl7Event, PatientMerge};

use super::gather::{Arrival, Gathering};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::sink::{DueAnswer, MessageSink, ReceivedMessage, SinkAnswer};
use crate::deliver::mllp::{AckCode, AckOutcome};
use crate::report::hl7_keys;
use crate::storage::answers::{self, AnswerState};
use crate::storage::entity::application_answer;
use crate::storage::messages::{self, Inbound, InboundState, Intake};
use crate::storage::pauses::{self, Stopped};
use crate::storage::{Store, StoreError, patients, replay};
use crate::telemetry::{AckCode as Counted, Metrics};

/// How long a connection has for an answer that it was handed, before another is handed it.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// Answers that a connection is handed at once.
const CLAIMED: u64 = 16;

/// The sink in front of the database.
pub struct Rows {
    store: Store,
    gathering: Gathering,
    metrics: Metrics,
    default_authority: String,
}

impl Rows {
    /// `default_authority` assigns the identifiers that name none.
    pub fn new(store: Store, metrics: Metrics, default_authority: String) -> Self {
        Self {
            gathering: Gathering::start(store.clone()),
            store,
            metrics,
            default_authority,
        }
    }
}

impl MessageSink for Rows {
    async fn paused(&self, sender: Option<&str>) -> bool {
        let of: Vec<Stopped<'_>> = sender.map(Stopped::Hl7Sender).into_iter().collect();
        let of = [of, vec![Stopped::AllHl7]].concat();
        // Where the database does not answer, storing will fail and say so.
        pauses::any(self.store.read(), &of).await.unwrap_or_default()
    }

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

    async fn due_answers(&self, peer: &str) -> Vec<DueAnswer> {
        self.claimed(peer).await.unwrap_or_else(|error| {
            tracing::warn!(%error, peer, "the answers that a sender of HL7 is owed could not be looked up");
            Vec::new()
        })
    }

    async fn answer_taken(&self, answer: &DueAnswer, said: &AckOutcome) {
        if let Err(error) = self.taken(answer, said).await {
            tracing::warn!(%error, "an application answer was taken, and could not be marked so");
        }
    }

    async fn answers_left(&self, left: Vec<DueAnswer>) {
        let messages: Vec<MessageId> = left.iter().map(|answer| answer.answers).collect();
        let released = self
            .store
            .write_first(move |tx| Box::pin(async move { answers::release(tx, &messages).await }))
            .await;
        if let Err(error) = released {
            tracing::warn!(%error, "answers that were not taken wait for a minute before they are sent again");
        }
    }

    async fn accept(&self, received: Vec<ReceivedMessage>) -> Vec<SinkAnswer> {
        let mut handed_in = Vec::with_capacity(received.len());
        for message in received {
            let (kind, code) = (message.header.kind(), message.ack_code);
            let kept = match arrival(message) {
                Ok(arrival) => self.gathering.hand_in(arrival).await,
                Err(error) => Err(error),
            };
            handed_in.push((kind, code, kept));
        }
        let mut answers = Vec::with_capacity(handed_in.len());
        for (kind, code, kept) in handed_in {
            let outcome = match kept {
                Ok(kept) => kept.outcome().await,
                Err(error) => Err(error),
            };
            self.metrics.message(&kind, counted(code, outcome.is_ok()));
            answers.push(sink_answer(outcome));
        }
        answers
    }
}

fn sink_answer(outcome: Result<Intake, StoreError>) -> SinkAnswer {
    match outcome {
        Ok(Intake::New { flagged: false, .. }) => SinkAnswer::Stored,
        Ok(Intake::New { flagged: true, .. }) => SinkAnswer::StoredFlagged,
        Ok(Intake::Resent { ack }) => SinkAnswer::Resent { ack: ack.into() },
        Err(error) => SinkAnswer::NotStored {
            reason: error.to_string(),
        },
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

impl Rows {
    async fn claimed(&self, peer: &str) -> Result<Vec<DueAnswer>, StoreError> {
        // Most of the time nothing waits, and the writer is left alone.
        if !answers::any_wait(&self.store, peer).await? {
            return Ok(Vec::new());
        }
        let (peer, until) = (peer.to_owned(), self.store.now() + CLAIM);
        let rows = self
            .store
            .write_first(move |tx| Box::pin(async move { answers::claim(tx, &peer, until, CLAIMED).await }))
            .await?;
        let mut due = Vec::new();
        for row in rows {
            due.extend(due_answer(&self.store, &row).await?);
        }
        Ok(due)
    }

    async fn taken(&self, answer: &DueAnswer, said: &AckOutcome) -> Result<(), StoreError> {
        let message = answer.answers;
        let reply = match answers::get(self.store.read(), message).await? {
            Some(row) => row.reply_id.and_then(|id| id.parse().ok()),
            None => None,
        };
        let (state, outcome, code, raw, words) = match said {
            AckOutcome::Accepted { code, raw, .. } => {
                (AnswerState::Accepted, "acknowledged", code, raw, None)
            }
            AckOutcome::Refused { code, raw, text } => {
                (AnswerState::Refused, "refused", code, raw, Some(text.clone()))
            }
        };
        let (code, raw) = (code.text(), raw.to_vec());
        self.store
            .write_first(move |tx| {
                Box::pin(async move {
                    if let Some(reply) = reply {
                        messages::answered(tx, reply, outcome, code, raw).await?;
                    }
                    answers::set_state(tx, message, state, words).await
                })
            })
            .await
    }
}

async fn due_answer(store: &Store, row: &application_answer::Model) -> Result<Option<DueAnswer>, StoreError> {
    let (Ok(answers), Some(Ok(reply))) = (row.message_id.parse(), row.reply_id.as_deref().map(str::parse))
    else {
        return Ok(None);
    };
    let reply = messages::by_id(store.read(), reply).await?;
    Ok(reply.map(|reply| DueAnswer {
        answers,
        control_id: reply.control_id,
        bytes: reply.raw.into(),
    }))
}

fn arrival(received: ReceivedMessage) -> Result<Arrival, StoreError> {
    Ok(Arrival {
        order_key: received.event.as_ref().ok().and_then(replay::patient_key),
        later: received.later.clone(),
        inbound: inbound(received)?,
    })
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
