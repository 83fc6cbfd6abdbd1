//! The MLLP listener over real sockets: every message gets one answer, after it is stored; nothing a peer does disturbs
//! another.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use tocsin::deliver::channel::Door;
use tocsin::deliver::mllp::{AckCode, AckOutcome, MllpPeer, send};
use tocsin::deliver::mllp_frame::{Deframer, frame};
use tocsin::ingest::hl7::event;
use tocsin::ingest::hl7::listener::{Env, serve};
use tocsin::ingest::hl7::rows::Rows;
use tocsin::ingest::hl7::settings::{Accept, MllpLimits, MllpSettings, Peer, SiteReading, WhenPaused};
use tocsin::ingest::hl7::sink::{MessageSink, ReceivedMessage, SinkAnswer};
use tocsin::report::site_profile::{DEFAULT_251, SiteProfile};
use tocsin::telemetry::Metrics;
use tocsin_domain::clock::{ManualClock, Timestamp};
use tocsin_domain::ids::{CountingIds, SiteId};
use tocsin_domain::order::Hl7Event;
use tocsin_storage::Store;
use tocsin_storage::entity::message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::database::databases;

/// Longer than anything here takes; reached only by a fault.
const PATIENCE: Duration = Duration::from_secs(20);

// ---- a hospital's memory ----

#[derive(Clone)]
struct Memory {
    stored: Arc<Mutex<Vec<ReceivedMessage>>>,
    /// Storing waits for a permit.
    disk: Arc<Semaphore>,
    full: bool,
}

impl MessageSink for Memory {
    async fn accept(&self, received: Vec<ReceivedMessage>) -> Vec<SinkAnswer> {
        let permit = self.disk.acquire().await.expect("never closed");
        permit.forget();
        self.disk.add_permits(1);
        received.into_iter().map(|one| self.take(one)).collect()
    }
}

impl Memory {
    fn take(&self, received: ReceivedMessage) -> SinkAnswer {
        if self.full {
            return SinkAnswer::NotStored {
                reason: "the disk is full".into(),
            };
        }
        let mut stored = self.stored.lock().expect("not poisoned");
        let same = |m: &&ReceivedMessage| {
            m.sender() == received.sender() && m.header.control_id == received.header.control_id
        };
        let before: Vec<&ReceivedMessage> = stored.iter().filter(same).collect();
        if let Some(twin) = before.iter().find(|m| m.sha256 == received.sha256) {
            return SinkAnswer::Resent {
                ack: twin.ack.clone(),
            };
        }
        let known = !before.is_empty();
        stored.push(received);
        if known {
            SinkAnswer::StoredFlagged
        } else {
            SinkAnswer::Stored
        }
    }
}

struct Service {
    port: u16,
    memory: Memory,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn settings() -> MllpSettings {
    MllpSettings {
        application: "TOCSIN".into(),
        facility: "EGH".into(),
        accept: Accept::Loopback(vec![]),
        reading: SiteReading {
            site: SiteId("main".into()),
            zone: chrono_tz::Europe::Berlin,
            profile: Arc::new(SiteProfile::parse(DEFAULT_251).expect("sound").read),
            answers: None,
        },
        processing_ids: vec!["P".into(), "T".into(), "D".into()],
        ai_senders: Vec::new(),
        when_paused: WhenPaused::default(),
        limits: MllpLimits {
            message_bytes: 64 * 1024,
            ..MllpLimits::default()
        },
    }
}

impl Service {
    async fn start() -> Self {
        Self::with(settings(), 1, false).await
    }

    async fn with(settings: MllpSettings, permits: usize, full: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let memory = Memory {
            stored: Arc::default(),
            disk: Arc::new(Semaphore::new(permits)),
            full,
        };
        let env = Arc::new(Env {
            settings,
            sink: memory.clone(),
            clock: Arc::new(ManualClock::at("2026-03-14T12:00:00Z".parse().expect("a time"))),
            ids: Arc::new(CountingIds::default()),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(vec![Door::plain(listener)], env, stop.clone()));
        Self {
            port,
            memory,
            stop,
            task,
        }
    }

    async fn connect(&self) -> Line {
        let stream = TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("connected");
        stream.set_nodelay(true).expect("set");
        Line {
            stream,
            deframer: Deframer::new(1024 * 1024),
            buffer: BytesMut::new(),
        }
    }

    fn stored(&self) -> Vec<ReceivedMessage> {
        self.memory.stored.lock().expect("not poisoned").clone()
    }
}

struct Line {
    stream: TcpStream,
    deframer: Deframer,
    buffer: BytesMut,
}

impl Line {
    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("written");
    }

    /// The next answer; `None` when the service closed the connection.
    async fn answer(&mut self) -> Option<String> {
        loop {
            if let Some(answer) = self.deframer.take_frame(&mut self.buffer).expect("frames") {
                return Some(String::from_utf8_lossy(&answer).into_owned());
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer));
            match read.await.expect("an answer in time") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn ask(&mut self, message: &[u8]) -> Option<String> {
        self.write(&frame(message)).await;
        self.answer().await
    }
}

fn adt(control_id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|ADT|EGH|TOCSIN|EGH|20260314||ADT^A08|{control_id}|P|2.5.1\rPID|1||M1^^^EGH||Doe^Jane\r"
    )
    .into_bytes()
}

fn msa(answer: &str) -> (&str, &str) {
    let fields: Vec<&str> = answer
        .split('\r')
        .find(|line| line.starts_with("MSA"))
        .map(|line| line.split('|').collect())
        .unwrap_or_default();
    (
        fields.get(1).copied().unwrap_or(""),
        fields.get(2).copied().unwrap_or(""),
    )
}

// ---- the stories ----

#[tokio::test]
async fn pipelined_messages_are_answered_one_by_one_in_their_order() {
    let service = Service::start().await;
    let mut line = service.connect().await;
    let ids: Vec<String> = (0..16).map(|n| format!("C{n}")).collect();
    let stream: Vec<u8> = ids.iter().flat_map(|id| frame(&adt(id)).to_vec()).collect();
    line.write(&stream).await;
    for id in &ids {
        assert_eq!(msa(&line.answer().await.expect("an answer")), ("AA", id.as_str()));
    }
    assert_eq!(service.stored().len(), 16);
}

#[tokio::test]
async fn the_messages_of_a_batch_are_taken_one_by_one_and_answered_together() {
    let service = Service::start().await;
    let mut line = service.connect().await;
    let nameless = b"MSH|^~\\&|ADT|EGH|TOCSIN|EGH|20260314||ADT^A08|C3|P|2.5.1\rPID|1||\r".to_vec();
    let batch = [
        b"BHS|^~\\&|ADT|EGH|TOCSIN|EGH|20260314||||B1\r".to_vec(),
        adt("C1"),
        adt("C2"),
        nameless,
        b"BTS|3\r".to_vec(),
    ];
    let answer = line.ask(&batch.concat()).await.expect("an answer");
    let segments: Vec<&str> = answer.split('\r').collect();
    assert!(
        segments[0].starts_with("BHS|^~\\&|TOCSIN|EGH|ADT|EGH|") && segments[0].ends_with("|B1"),
        "{answer}"
    );
    let codes: Vec<_> = segments
        .iter()
        .filter(|s| s.starts_with("MSA"))
        .map(|s| msa(s))
        .collect();
    assert_eq!(codes, [("AA", "C1"), ("AA", "C2"), ("AE", "C3")]);
    assert_eq!(segments[segments.len() - 2], "BTS|3");
    assert_eq!(
        service.stored().len(),
        3,
        "what is refused is kept to be looked at"
    );
    assert_eq!(msa(&line.ask(&adt("C9")).await.expect("an answer")), ("AA", "C9"));
}

/// What the database refuses, the sender is told of; those that came with it are kept, in their order and in both databases.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_stored_takes_no_other_with_it() {
    for database in databases().await {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let ids = Arc::new(CountingIds::default());
        let store = Store::open(&database.url, clock, ids, b"key".to_vec())
            .await
            .expect("opened");
        let refusal = match database.name {
            "SQLite" => {
                "CREATE TRIGGER refuse BEFORE INSERT ON message WHEN NEW.control_id = 'C7' \
                 BEGIN SELECT RAISE(ABORT, 'refused'); END"
            }
            _ => "ALTER TABLE message ADD CONSTRAINT refuse CHECK (control_id <> 'C7')",
        };
        let forbid = store.write(move |tx| {
            Box::pin(async move { Ok(tx.conn().execute_unprepared(refusal).await.map(|_| ())?) })
        });
        forbid.await.expect("a rule against one message");
        let sink = Rows::new(store.clone(), Metrics::new(), "EGH".into());
        let received = (0..20).map(|n| received(&format!("C{n}"))).collect();
        let answers = sink.accept(received).await;
        for (n, answer) in answers.iter().enumerate() {
            let refused = matches!(answer, SinkAnswer::NotStored { .. });
            assert_eq!(refused, n == 7, "{}: C{n}: {answer:?}", database.name);
        }
        let kept = message::Entity::find().order_by_asc(message::Column::CreatedAt);
        let kept = kept.all(store.read()).await.expect("rows");
        let kept: Vec<&str> = kept.iter().map(|row| row.control_id.as_str()).collect();
        let sent: Vec<String> = (0..20).filter(|n| *n != 7).map(|n| format!("C{n}")).collect();
        assert_eq!(kept, sent, "{}", database.name);
    }
}

fn received(control_id: &str) -> ReceivedMessage {
    let raw = Bytes::from(adt(control_id));
    let opened = event::open(&raw).expect("HL7");
    ReceivedMessage {
        peer: ([127, 0, 0, 1], 2575).into(),
        site: SiteId("main".into()),
        sha256: control_id.into(),
        header: opened.header().clone(),
        charset: opened.message().charset,
        event: Ok(Hl7Event::Ignored {
            reason: "of no use here".into(),
        }),
        raw,
        received_at: Timestamp::UNIX_EPOCH,
        ack_code: AckCode::Accept,
        ack: Bytes::from_static(b"MSA|AA"),
        later: None,
    }
}

#[tokio::test]
async fn a_frame_may_come_in_any_two_pieces() {
    let service = Service::start().await;
    let mut line = service.connect().await;
    let length = frame(&adt("C000")).len();
    for cut in 0..=length {
        let id = format!("C{cut:03}");
        let framed = frame(&adt(&id));
        line.write(&framed[..cut]).await;
        tokio::task::yield_now().await;
        line.write(&framed[cut..]).await;
        assert_eq!(msa(&line.answer().await.expect("an answer")), ("AA", id.as_str()));
    }
    assert_eq!(service.stored().len(), length + 1);
}

#[tokio::test]
async fn a_resend_has_one_effect_and_the_same_answer() {
    let service = Service::start().await;
    let first = service.connect().await.ask(&adt("C1")).await.expect("an answer");
    let mut line = service.connect().await;
    for _ in 0..200 {
        assert_eq!(line.ask(&adt("C1")).await.as_ref(), Some(&first));
    }
    assert_eq!(service.stored().len(), 1);
    let mut other = adt("C1");
    other.extend_from_slice(b"ZZ1|changed\r");
    let answer = line.ask(&other).await.expect("an answer");
    assert_eq!(msa(&answer), ("AA", "C1"));
    assert_ne!(answer, first);
    assert_eq!(service.stored().len(), 2);
}

#[tokio::test]
async fn no_answer_leaves_before_the_message_is_stored() {
    let service = Service::with(settings(), 0, false).await;
    let mut line = service.connect().await;
    line.write(&frame(&adt("C1"))).await;
    let early = tokio::time::timeout(Duration::from_millis(200), line.answer()).await;
    assert!(early.is_err(), "answered {early:?} while nothing was stored");
    service.memory.disk.add_permits(1);
    assert_eq!(msa(&line.answer().await.expect("an answer")), ("AA", "C1"));
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_accepted() {
    let service = Service::with(settings(), 1, true).await;
    let answer = service.connect().await.ask(&adt("C1")).await.expect("an answer");
    assert_eq!(msa(&answer), ("AE", "C1"));
    assert!(answer.contains("207^Application internal error"), "{answer}");
    assert!(!answer.contains("disk"), "the inside is not told: {answer}");
}

#[tokio::test]
async fn garbage_closes_its_own_connection_alone() {
    let service = Service::start().await;
    let mut good = service.connect().await;
    assert!(good.ask(&adt("C1")).await.is_some());
    let oversized = [b"\x0bMSH|".as_slice(), &vec![b'x'; 70 * 1024]].concat();
    let tls_hello = [b"\x16\x03\x01\x02\x00\x01".as_slice(), &[0; 5000]].concat();
    let http = [b"GET / HTTP/1.1\r\n".as_slice(), &vec![b'a'; 5000]].concat();
    for garbage in [
        oversized,
        tls_hello,
        http,
        b"\x0bnot HL7\x1c\r".to_vec(),
        b"\x0b\x1c\r".to_vec(),
    ] {
        let mut bad = service.connect().await;
        let _ = bad.stream.write_all(&garbage).await;
        assert_eq!(bad.answer().await, None, "{:?}", &garbage[..6]);
    }
    let mut recovering = service.connect().await;
    recovering.write(b"\x1c\r\x0bMSH|^~\\&|half").await;
    assert_eq!(
        msa(&recovering.ask(&adt("C2")).await.expect("an answer")),
        ("AA", "C2")
    );
    assert_eq!(msa(&good.ask(&adt("C3")).await.expect("an answer")), ("AA", "C3"));
}

#[tokio::test]
async fn what_panics_elsewhere_is_answered_here() {
    let service = Service::start().await;
    let mut line = service.connect().await;
    let head = "MSH|^~\\&|A|B|||20260314||ORU^R01|C1|P|2.5.1\rOBR|1||F1\rOBX|1|TX|1||";
    for (body, code) in [
        (format!("{head}\\\\srv\\Müller\\bild\\"), "AA"),
        (format!("{head}\\é\\ and \\X\\ and \\XZ\\ and \\"), "AA"),
        (
            "MSH|^~\\&|\\é\\|B|||20260314||ADT^A08|C1|P|2.5\rPID|1||1".to_owned(),
            "AA",
        ),
        ("MSH|^~\\&|A|B|||20260314||ORM^O01|C1|P|9.9".to_owned(), "AR"),
        ("MSHAAAAAAAAA".to_owned(), "AE"),
        ("MSH|||||".to_owned(), "AE"),
        ("MSH|^~\\&".to_owned(), "AE"),
        (
            "MSH|^~\\&|A|B|||20260314||ADT^A08||P|2.5\rPID|1||1".to_owned(),
            "AE",
        ),
    ] {
        let answer = line.ask(body.as_bytes()).await.expect("an answer");
        assert_eq!(msa(&answer).0, code, "{body}: {answer}");
    }
}

#[tokio::test]
async fn an_unsupported_version_is_rejected_with_the_reason() {
    let service = Service::start().await;
    let message = String::from_utf8(adt("C1"))
        .expect("text")
        .replace("2.5.1", "3.0");
    let answer = service
        .connect()
        .await
        .ask(message.as_bytes())
        .await
        .expect("an answer");
    assert!(
        answer.contains("MSA|AR|C1|MSH-12: Unsupported version id"),
        "{answer}"
    );
    assert!(
        answer.contains("ERR||MSH^1^12|203^Unsupported version id^HL70357|E"),
        "{answer}"
    );
    assert!(
        service.stored()[0].event.is_err(),
        "kept for whoever looks into it"
    );
}

#[tokio::test]
async fn a_slow_sender_loses_its_connection_and_its_place() {
    let mut settings = settings();
    settings.limits.frame = Duration::from_millis(100);
    settings.limits.idle = Duration::from_millis(150);
    settings.limits.connections_per_peer = 2;
    let service = Service::with(settings, 1, false).await;
    let mut slow = service.connect().await;
    slow.write(b"\x0bMSH|^~").await;
    let mut idle = service.connect().await;
    let mut third = service.connect().await;
    assert_eq!(third.answer().await, None, "no place left");
    assert_eq!(slow.answer().await, None, "the frame took too long");
    assert_eq!(idle.answer().await, None, "nothing came");
    while service.connect().await.ask(&adt("C1")).await.is_none() {}
}

#[tokio::test]
async fn only_known_senders_are_heard() {
    let mut settings = settings();
    let reading = SiteReading {
        site: SiteId("east".into()),
        ..settings.reading.clone()
    };
    settings.accept = Accept::Peers(vec![Peer {
        name: "adt".into(),
        host: "127.0.0.1".into(),
        application: Some("ADT".into()),
        facility: Some("EGH".into()),
        reading,
    }]);
    let service = Service::with(settings.clone(), 1, false).await;
    let mut line = service.connect().await;
    assert_eq!(msa(&line.ask(&adt("C1")).await.expect("an answer")).0, "AA");
    let forged = String::from_utf8(adt("C2"))
        .expect("text")
        .replace("|ADT|", "|OTHER|");
    let answer = line.ask(forged.as_bytes()).await.expect("an answer");
    assert_eq!(msa(&answer), ("AE", "C2"));
    let stored: Vec<String> = service.stored().iter().map(|m| m.site.0.clone()).collect();
    assert_eq!(stored, ["east"]);

    settings.accept = Accept::Peers(vec![]);
    let closed = Service::with(settings, 1, false).await;
    let mut line = closed.connect().await;
    let _ = line.stream.write_all(&frame(&adt("C1"))).await;
    assert_eq!(line.answer().await, None);
}

#[tokio::test]
async fn stopping_answers_what_is_under_way() {
    let service = Service::with(settings(), 0, false).await;
    let mut busy = service.connect().await;
    busy.write(&frame(&adt("C1"))).await;
    let mut idle = service.connect().await;
    assert!(
        tokio::time::timeout(Duration::from_millis(100), busy.answer())
            .await
            .is_err(),
        "still storing"
    );
    service.stop.cancel();
    assert_eq!(idle.answer().await, None);
    service.memory.disk.add_permits(1);
    assert_eq!(msa(&busy.answer().await.expect("an answer")), ("AA", "C1"));
    tokio::time::timeout(PATIENCE, service.task)
        .await
        .expect("stopped")
        .expect("no panic");
}

#[tokio::test]
async fn our_client_and_our_listener_understand_one_another() {
    let service = Service::start().await;
    let peer = MllpPeer::new("127.0.0.1", service.port);
    let outcome = send(&peer, &adt("C1"), "C1").await.expect("an answer");
    assert!(matches!(outcome, AckOutcome::Accepted { .. }), "{outcome:?}");
    let wrong = String::from_utf8(adt("C2"))
        .expect("text")
        .replace("M1^^^EGH", "");
    let outcome = send(&peer, wrong.as_bytes(), "C2").await.expect("an answer");
    let AckOutcome::Refused { text, .. } = outcome else {
        panic!("{outcome:?} is a refusal");
    };
    assert_eq!(text, "PID-3.1: Required field missing: a patient identifier");
}

// ---- the messages of the world ----

fn shared(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(folder);
    if !root.is_dir() {
        eprintln!("SKIPPED: {} is not there", root.display());
        return None;
    }
    Some(root)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// The files that are one HL7 message, with the control id as a plain reader sees it.
fn messages(folder: &Path) -> Vec<(PathBuf, Bytes, String)> {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut messages = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).expect("readable");
        let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        if !body.starts_with(b"MSH") || body.get(3).is_none_or(|b| b.is_ascii_whitespace()) {
            continue;
        }
        let line = body
            .split(|b| *b == b'\r' || *b == b'\n')
            .next()
            .unwrap_or_default();
        let control = line.split(|b| *b == body[3]).nth(9).unwrap_or_default();
        let control = String::from_utf8_lossy(control).into_owned();
        messages.push((path, Bytes::from(bytes), control));
    }
    messages
}

/// Whether MSH-15 and MSH-16 ask for silence.
fn wants_no_answer(message: &[u8]) -> bool {
    let body = message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message);
    let line = body
        .split(|b| *b == b'\r' || *b == b'\n')
        .next()
        .unwrap_or_default();
    let fields: Vec<&[u8]> = line.split(|b| *b == body[3]).collect();
    let field = |n: usize| fields.get(n - 1).copied().unwrap_or_default();
    matches!((field(15), field(16)), (b"NE" | b"", b"NE"))
}

#[tokio::test]
async fn every_message_of_the_public_corpora_is_answered() {
    let Some(folder) = shared("hl7") else { return };
    let service = Service::start().await;
    let mut line = service.connect().await;
    let mut refused = Vec::new();
    let messages = messages(&folder);
    assert!(
        messages.len() > 250,
        "only {} messages were found",
        messages.len()
    );
    for (path, bytes, control) in &messages {
        line.write(&frame(bytes)).await;
        if wants_no_answer(bytes) {
            continue;
        }
        let answer = line.answer().await;
        let answer = answer.unwrap_or_else(|| panic!("{}: no answer", path.display()));
        let (code, id) = msa(&answer);
        assert_eq!(id, control, "{}", path.display());
        if code != "AA" && code != "CA" {
            let reason = answer
                .split('\r')
                .find(|l| l.starts_with("MSA"))
                .unwrap_or_default();
            refused.push(format!(
                "{} {reason}",
                path.strip_prefix(&folder).expect("inside").display()
            ));
        }
    }
    eprintln!(
        "{} messages, {} refused:\n{}",
        messages.len(),
        refused.len(),
        refused.join("\n")
    );
    assert!(refused.len() * 5 < messages.len(), "{refused:#?}");
}

#[tokio::test]
async fn the_worked_examples_are_understood() {
    let Some(folder) = shared("interop-examples/hl7") else {
        return;
    };
    let service = Service::start().await;
    let mut line = service.connect().await;
    for (path, bytes, control) in messages(&folder) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        line.write(&frame(&bytes)).await;
        if wants_no_answer(&bytes) {
            continue;
        }
        let answer = line.answer().await;
        let answer = answer.unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!(msa(&answer).1, control, "{name}: {answer}");
        assert!(["AA", "CA"].contains(&msa(&answer).0), "{name}: {answer}");
        let stored = service.stored();
        let event = &stored.last().expect("stored").event;
        let kind = match event.as_ref().expect("understood") {
            Hl7Event::Orders(_) => "order",
            Hl7Event::Patient(_) => "adt_a0",
            Hl7Event::Merge(_) => "adt_a4",
            Hl7Event::Report(_) | Hl7Event::VendorResults(_) => "oru",
            Hl7Event::Appointment(_) => "siu",
            Hl7Event::Answer(_) => "answer",
            Hl7Event::Ignored { .. } => "ignored",
        };
        let wanted = match &name[..3] {
            "adt" => &name[..6],
            "omg" | "omi" | "orm" => "order",
            "oru" => "oru",
            "siu" => "siu",
            "ack" | "ori" => "answer",
            _ => "ignored",
        };
        assert_eq!(kind, wanted, "{name}");
    }
}
