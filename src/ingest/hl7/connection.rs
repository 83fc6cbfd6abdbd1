//! One MLLP connection: frames in, one answer each, in their order; a batch is answered by a batch. What a sender that does not
//! wait for answers has sent in one go is stored in one go; the next is read when all of that is answered, so that a fast sender
//! waits in its own buffers and not in our memory. Logs name control ids, types and sizes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::Reading;
use super::ack::{self, Answer, Answering, Later, Verdict, answer};
use super::batch::{self, Batch};
use super::event::{Message, NotHl7, Opened, open};
use super::later::Outstanding;
use super::listener::Env;
use super::mllp::{Deframer, FrameError, frame};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::settings::{Caller, SiteReading, WhenPaused};
use super::sink::{MessageSink, OwedLater, ReceivedMessage, SinkAnswer};
use crate::deliver::channel::Channel;
use crate::ingest::pause_watch::PauseWatch;
use crate::report::hl7_answer::Promise;

const READ_CHUNK: usize = 16 * 1024;
/// Frames that are answered in one go; what was read at once holds no more of the usual size.
const TOGETHER: usize = 64;

pub(super) struct Connection<S> {
    env: Arc<Env<S>>,
    channel: Channel,
    peer: SocketAddr,
    caller: Caller,
    deframer: Deframer,
    buffer: BytesMut,
    messages: u64,
    outstanding: Outstanding,
    watch: PauseWatch,
}

/// A frame that is to be answered.
struct Turn {
    batch: Option<Batch>,
    /// How many it holds.
    messages: usize,
}

/// A message that was read.
enum Asked {
    /// Nothing of it is kept; this is its answer.
    Refused(Bytes),
    ToStore(Box<(Message, ReceivedMessage)>),
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("closed by the sender")]
    Closed,
    #[error("closed by the sender in the middle of a frame")]
    CutOff,
    #[error("the service stops")]
    Stopping,
    #[error("somebody has paused what comes from this sender")]
    Paused,
    #[error("no message for too long")]
    Idle,
    #[error("a frame was begun and not ended in time")]
    SlowFrame,
    #[error("the sender does not take its answers")]
    SlowReader,
    #[error("no MLLP")]
    Frame(#[source] FrameError),
    #[error("no HL7")]
    NotHl7(#[source] NotHl7),
    #[error("the connection broke")]
    Broken(#[source] io::Error),
}

impl<S: MessageSink> Connection<S> {
    pub(super) fn new(env: Arc<Env<S>>, channel: Channel, peer: SocketAddr, caller: Caller) -> Self {
        Self {
            deframer: Deframer::new(env.settings.limits.message_bytes),
            env,
            channel,
            peer,
            caller,
            buffer: BytesMut::new(),
            messages: 0,
            outstanding: Outstanding::default(),
            watch: PauseWatch::default(),
        }
    }

    pub(super) async fn run(&mut self, stop: &CancellationToken) -> End {
        loop {
            let frame = match self.next_frame(stop).await {
                Ok(frame) => frame,
                Err(end) => return end,
            };
            if let Err(end) = self.handle(frame).await {
                return end;
            }
        }
    }

    /// What was written and not taken is free for the next connection.
    pub(super) async fn close(mut self) {
        let left = self.outstanding.left();
        if !left.is_empty() {
            self.env.sink.answers_left(left).await;
        }
    }

    pub(super) fn log(&self, end: &End) {
        let (peer, messages, junk) = (self.peer, self.messages, self.deframer.junk_total());
        let abandoned = self.deframer.abandoned();
        match end {
            End::Closed | End::Stopping | End::Idle => {
                debug!(%peer, messages, junk, abandoned, reason = %end, "MLLP connection ended");
            }
            End::Paused => info!(%peer, messages, reason = %end, "MLLP connection closed"),
            End::Frame(source) => {
                warn!(%peer, messages, junk, reason = %source, "MLLP connection closed: no MLLP")
            }
            End::NotHl7(source) => {
                warn!(%peer, messages, junk, reason = %source, "MLLP connection closed: no HL7")
            }
            End::Broken(source) => info!(%peer, messages, error = %source, "MLLP connection broke"),
            End::CutOff | End::SlowFrame | End::SlowReader => {
                warn!(%peer, messages, junk, reason = %end, "MLLP connection closed");
            }
        }
    }

    /// The next frame. None after `stop`: what was not answered will be sent again.
    async fn next_frame(&mut self, stop: &CancellationToken) -> Result<Bytes, End> {
        let env = Arc::clone(&self.env);
        let limits = &env.settings.limits;
        let idle_until = Instant::now() + limits.idle;
        let mut frame_until = None;
        loop {
            if stop.is_cancelled() {
                return Err(End::Stopping);
            }
            if let Some(frame) = self.deframer.take_frame(&mut self.buffer).map_err(End::Frame)? {
                return Ok(frame);
            }
            let inside = !self.buffer.is_empty();
            let until = match inside {
                true => *frame_until.get_or_insert(Instant::now() + limits.frame),
                false => idle_until,
            };
            self.buffer.reserve(READ_CHUNK);
            let read = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(End::Stopping),
                read = timeout_at(until, self.channel.read_buf(&mut self.buffer)) => Some(read),
                () = self.outstanding.time_to_look() => None,
            };
            let Some(read) = read else {
                self.send_due().await?;
                continue;
            };
            match (read, inside) {
                (Ok(Ok(0)), false) => return Err(End::Closed),
                (Ok(Ok(0)), true) => return Err(End::CutOff),
                (Ok(Ok(_)), _) => {}
                (Ok(Err(error)), _) => return Err(End::Broken(error)),
                (Err(_), false) => return Err(End::Idle),
                (Err(_), true) => return Err(End::SlowFrame),
            }
        }
    }

    /// Writes the application's answers that have become due.
    async fn send_due(&mut self) -> Result<(), End> {
        for due in self.outstanding.due(&self.env.sink).await {
            self.write(&frame(&due.bytes)).await?;
        }
        Ok(())
    }

    /// Takes a frame and those that have come whole behind it, and answers each. What cannot be read ends the connection once
    /// those before it are answered.
    async fn handle(&mut self, first: Bytes) -> Result<(), End> {
        let (mut turns, mut asked) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        let mut end = Ok(());
        while let (Some(raw), Ok(())) = (next.take(), &end) {
            let before = asked.len();
            match self.open(raw, &mut asked).await {
                Ok(turn) => turns.extend(turn),
                Err(unread) => {
                    asked.truncate(before);
                    end = Err(unread);
                }
            }
            if turns.len() < TOGETHER {
                match self.deframer.take_frame(&mut self.buffer) {
                    Ok(frame) => next = frame,
                    Err(broken) => end = end.and(Err(End::Frame(broken))),
                }
            }
        }
        let mut answers = self.store(asked).await.into_iter();
        let mut out = Vec::new();
        for Turn { batch, messages } in turns {
            let own = answers.by_ref().take(messages).collect();
            let answer = self.answer_of(batch.as_ref(), own);
            out.extend((!answer.is_empty()).then(|| frame(&answer)).into_iter().flatten());
        }
        if !out.is_empty() {
            self.write(&out).await?;
        }
        end
    }

    /// Reads the messages of a frame to those that are asked about; `None` for a frame that takes an answer of ours.
    async fn open(&mut self, raw: Bytes, asked: &mut Vec<Asked>) -> Result<Option<Turn>, End> {
        if let Some((answer, said)) = self.outstanding.taken(&raw) {
            self.env.sink.answer_taken(&answer, &said).await;
            return Ok(None);
        }
        let batch = batch::of(&raw);
        if let Some(miscounted) = batch.as_ref().and_then(Batch::miscounted) {
            warn!(peer = %self.peer, miscounted, "HL7 batch");
        }
        let messages = match &batch {
            Some(batch) => batch.messages.clone(),
            None => vec![raw],
        };
        let turn = Turn {
            batch,
            messages: messages.len(),
        };
        for message in messages {
            asked.push(self.open_message(message).await?);
        }
        Ok(Some(turn))
    }

    async fn open_message(&mut self, raw: Bytes) -> Result<Asked, End> {
        let opened = open(&raw).map_err(End::NotHl7)?;
        self.messages += 1;
        let message = opened.message();
        let sender = self.caller.sender(opened.header());
        let sender = sender.map(|(name, site)| (name.map(str::to_owned), site.clone()));
        if let Some((name, _)) = &sender
            && self.is_paused(name.as_deref()).await
        {
            return self.stopped(&message).map(Asked::Refused);
        }
        Ok(match sender {
            Some((_, site)) => {
                let asked = self.read(raw, &opened, message, &site).await;
                if let Some(route) = &site.answers {
                    self.outstanding.speaks_for(route);
                }
                asked
            }
            None => {
                let place = Place::field("MSH", 1, 3);
                let expected = "a sender that is known at this address (MSH-3, MSH-4)";
                let problem = Hl7Problem::new(ErrorCode::UnknownKey, place, expected);
                Asked::Refused(self.refuse(&message, &problem))
            }
        })
    }

    /// What a frame is answered with; nothing where nobody asked.
    fn answer_of(&self, batch: Option<&Batch>, mut own: Vec<Bytes>) -> Bytes {
        let Some(batch) = batch else {
            return own.pop().unwrap_or_default();
        };
        own.retain(|answer| !answer.is_empty());
        if own.is_empty() && !batch.messages.is_empty() {
            return Bytes::new();
        }
        self.answering(Later::Impossible, |answering| batch.answer(&own, answering))
    }

    async fn is_paused(&mut self, sender: Option<&str>) -> bool {
        self.watch.is_paused(sender, self.env.sink.paused(sender)).await
    }

    /// Nothing is kept of a message whose sender is paused, and nothing acknowledged.
    fn stopped(&self, message: &Message) -> Result<Bytes, End> {
        match self.env.settings.when_paused {
            WhenPaused::Close => Err(End::Paused),
            WhenPaused::Reject => {
                let expected =
                    "to be resumed; somebody has paused what comes from this sender, send it again later";
                let problem = Hl7Problem::new(ErrorCode::Internal, Place::segment("MSH", 1), expected);
                Ok(self.refuse(message, &problem))
            }
        }
    }

    async fn write(&mut self, framed: &[u8]) -> Result<(), End> {
        let write = async {
            self.channel.write_all(framed).await?;
            self.channel.flush().await
        };
        match timeout(self.env.settings.limits.write, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(End::Broken(error)),
            Err(_) => Err(End::SlowReader),
        }
    }

    /// Reads a message and what it is to be answered with. Without a control id there is nothing to tell it apart by, and it is
    /// refused unstored.
    async fn read(&self, raw: Bytes, opened: &Opened, message: Message, site: &SiteReading) -> Asked {
        let received_at = self.env.clock.now();
        let event = opened.event(&Reading {
            profile: &site.profile,
            zone: site.zone,
            processing_ids: &self.env.settings.processing_ids,
            ai_senders: &self.env.settings.ai_senders,
            received_at,
        });
        let event = match event {
            Ok(event) => match self.env.sink.objection(&event, &site.site).await {
                Some(problem) => Err(problem),
                None => Ok(event),
            },
            Err(problem) => Err(problem),
        };
        if message.header.control_id.is_empty() || !message.header.has_safe_control_id() {
            let place = Place::field("MSH", 1, 10);
            let nameless = Hl7Problem::missing(place, "a message control id of safe characters");
            return Asked::Refused(self.refuse(&message, event.as_ref().err().unwrap_or(&nameless)));
        }
        let verdict = match &event {
            Ok(_) => Verdict::Accepted,
            Err(problem) => Verdict::Refused(problem),
        };
        let later = match site.answers {
            Some(_) => Later::Possible,
            None => Later::Impossible,
        };
        let answer = self.answer(&message, verdict, later);
        let owed = self.owed(&message, verdict, site);
        self.log_message(&message, &answer, raw.len(), event.as_ref().err());
        let received = ReceivedMessage {
            peer: self.peer,
            site: site.site.clone(),
            sha256: hex::encode(Sha256::digest(&raw)),
            raw,
            header: message.header.clone(),
            charset: message.charset,
            event,
            received_at,
            ack_code: answer.code,
            ack: answer.bytes,
            later: owed,
        };
        Asked::ToStore(Box::new((message, received)))
    }

    /// Has messages stored in their order; the answer that each gets.
    async fn store(&self, asked: Vec<Asked>) -> Vec<Bytes> {
        let (mut answers, mut messages, mut received) = (Vec::new(), Vec::new(), Vec::new());
        for (place, asked) in asked.into_iter().enumerate() {
            match asked {
                Asked::Refused(answer) => answers.push(answer),
                Asked::ToStore(both) => {
                    answers.push(both.1.ack.clone());
                    messages.push((place, both.0));
                    received.push(both.1);
                }
            }
        }
        let outcomes = self.env.sink.accept(received).await;
        for ((place, message), outcome) in messages.into_iter().zip(outcomes) {
            if let Some(other) = self.other_answer(&message, outcome) {
                answers[place] = other;
            }
        }
        answers
    }

    /// What a message is answered with, where it is not what was prepared for it.
    fn other_answer(&self, message: &Message, outcome: SinkAnswer) -> Option<Bytes> {
        let control_id = message.header.safe_control_id();
        match outcome {
            SinkAnswer::Stored => None,
            SinkAnswer::StoredFlagged => {
                warn!(control_id, "HL7: a control id came again with another message");
                None
            }
            SinkAnswer::Resent { ack } => Some(ack),
            SinkAnswer::NotStored { reason } => {
                warn!(control_id, reason, "HL7: a message could not be stored");
                let expected = "to be able to store the message; nothing was kept of it, send it again";
                let problem = Hl7Problem::new(ErrorCode::Internal, Place::segment("MSH", 1), expected);
                let refused = self.answer(message, Verdict::Refused(&problem), Later::Impossible);
                Some(refused.bytes)
            }
        }
    }

    fn refuse(&self, message: &Message, problem: &Hl7Problem) -> Bytes {
        let answer = self.answer(message, Verdict::Refused(problem), Later::Impossible);
        self.log_message(message, &answer, 0, Some(problem));
        answer.bytes
    }

    /// The application's answer that the sender asks for and has a way for.
    fn owed(&self, message: &Message, verdict: Verdict<'_>, site: &SiteReading) -> Option<OwedLater> {
        let route = site.answers.clone()?;
        ack::answers_later(&message.header, verdict).then(|| OwedLater {
            promise: Promise {
                to: self.answering(Later::Possible, |answering| ack::to(message, answering)),
                wants: message.header.application,
                form: site.profile.order_answer,
                problem: match verdict {
                    Verdict::Accepted => None,
                    Verdict::Refused(problem) => Some(problem.clone()),
                },
            },
            route,
        })
    }

    fn answer(&self, message: &Message, verdict: Verdict<'_>, later: Later) -> Answer {
        self.answering(later, |answering| answer(message, verdict, answering))
    }

    /// What an answer needs of us, under a control id of its own.
    fn answering<A>(&self, later: Later, write: impl FnOnce(&Answering<'_>) -> A) -> A {
        let settings = &self.env.settings;
        let control_id = format!("T{:016X}", self.env.ids.uuid().as_u64_pair().1);
        write(&Answering {
            application: &settings.application,
            facility: &settings.facility,
            control_id: &control_id,
            at: self.env.clock.now(),
            zone: settings.reading.zone,
            later,
        })
    }

    fn log_message(&self, message: &Message, answer: &Answer, bytes: usize, problem: Option<&Hl7Problem>) {
        let control_id = message.header.safe_control_id();
        let kind = message.header.kind();
        let ack = answer.code.text();
        let charset_assumed = message.charset_assumed;
        match problem {
            None => info!(peer = %self.peer, control_id, kind, bytes, ack, charset_assumed, "HL7 message"),
            Some(problem) => {
                warn!(peer = %self.peer, control_id, kind, bytes, ack, %problem, "HL7 message refused");
            }
        }
    }
}
