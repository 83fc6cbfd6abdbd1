//! Pages by e-mail against servers that take, refuse, hang and hang up: what was surely not delivered is told apart from
//! what may have been.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tocsin::config::alerts::{self, Alerts, SmtpTls};
use tocsin::notify::{Email, Mailer, MailerError, SendError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn a_page_arrives_with_the_message_id_it_was_given() {
    let server = Server::start(Behaviour::Take).await;
    let accepted = mailer(server.at).send(&mail()).await.expect("taken");
    assert_eq!(accepted.response, "250 queued as 42");
    let heard = server.heard();
    assert!(heard.contains("MAIL FROM:<tocsin@hospital.example>"), "{heard}");
    assert!(heard.contains("RCPT TO:<stroke@hospital.example>"));
    assert!(heard.contains("Message-ID: <0198f2.page@tocsin.example>"));
    assert!(heard.contains("Date: Sat, 14 Mar 2026 09:28:05 +0000"));
    assert!(
        heard.contains("multipart/alternative")
            && heard.contains("text/plain")
            && heard.contains("text/html")
    );
}

#[tokio::test]
async fn answers_are_sorted_into_try_again_and_give_up() {
    for (step, answer, kind) in [
        ("EHLO", "421 busy", "transient"),
        ("MAIL", "451 later", "transient"),
        ("MAIL", "550 no", "permanent"),
        ("RCPT", "450 mailbox busy", "transient"),
        ("RCPT", "550 no such user", "permanent"),
        ("DATA", "452 no room", "transient"),
        (".", "451 greylisted", "transient"),
        (".", "554 rejected", "permanent"),
    ] {
        let server = Server::start(Behaviour::Answer(step, answer)).await;
        let error = mailer(server.at).send(&mail()).await.expect_err("refused");
        assert_eq!(kind_of(&error), kind, "{step} {answer}: {error}");
    }
}

#[tokio::test]
async fn silence_before_the_mail_is_a_failure_and_after_it_is_unknown() {
    for (step, kind) in [("EHLO", "transient"), ("RCPT", "transient"), (".", "unknown")] {
        let server = Server::start(Behaviour::Hang(step)).await;
        let error = mailer(server.at).send(&mail()).await.expect_err("no answer");
        assert_eq!(kind_of(&error), kind, "{step}: {error}");
    }
    for (step, kind) in [("MAIL", "transient"), (".", "unknown")] {
        let server = Server::start(Behaviour::HangUp(step)).await;
        let error = mailer(server.at).send(&mail()).await.expect_err("no answer");
        assert_eq!(kind_of(&error), kind, "{step}: {error}");
    }
}

#[tokio::test]
async fn nobody_listening_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    drop(listener);
    let error = mailer(at).send(&mail()).await.expect_err("nobody there");
    assert_eq!(kind_of(&error), "transient");
}

#[tokio::test]
async fn tls_is_insisted_on() {
    let server = Server::start(Behaviour::Take).await;
    let mailer = Mailer::from_config(&settings(server.at, SmtpTls::Starttls)).expect("a mailer");
    let error = mailer
        .send(&mail())
        .await
        .expect_err("the server has no STARTTLS");
    assert_eq!(kind_of(&error), "transient", "{error}");
    assert!(
        !server.heard().contains("MAIL FROM"),
        "nothing is said in the clear"
    );
}

#[test]
fn plain_text_stays_on_this_machine() {
    let mut config = settings(([127, 0, 0, 1], 25).into(), SmtpTls::None);
    if let Some(smtp) = &mut config.smtp {
        smtp.host = "mail.hospital.example".into();
    }
    let error = Mailer::from_config(&config).err();
    assert!(
        matches!(error, Some(MailerError::PlainOffLoopback { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_capture_folder_holds_whole_mails_one_file_each() {
    let folder = TempDir::new().expect("a folder");
    let mut config = settings(([127, 0, 0, 1], 25).into(), SmtpTls::None);
    config.smtp = None;
    config.capture_dir = Some(folder.path().join("mail"));
    let mailer = Mailer::from_config(&config).expect("a mailer");
    let mut second = mail();
    second.message_id = "../../etc/passwd@x".into();
    for mail in [mail(), second] {
        mailer.send(&mail).await.expect("written");
    }
    let files = files(&folder.path().join("mail"));
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(file.extension().and_then(|e| e.to_str()), Some("eml"));
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(
            text.contains("Subject: [CRITICAL] Suspected hemorrhage") && text.ends_with("--\r\n"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn memory_keeps_what_was_sent() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    Mailer::Memory(sent.clone()).send(&mail()).await.expect("kept");
    assert_eq!(*sent.lock().expect("unpoisoned"), vec![mail()]);
}

#[tokio::test]
async fn another_mail_server_stores_what_we_send_and_may_refuse_at_first() {
    let folder = TempDir::new().expect("a folder");
    let Some(sink) = Sink::start(folder.path()) else {
        return;
    };
    let mailer = mailer(([127, 0, 0, 1], sink.port).into());
    let first = mailer.send(&mail()).await.expect_err("refused once");
    assert_eq!(kind_of(&first), "transient", "{first}");
    mailer.send(&mail()).await.expect("stored");
    let stored = std::fs::read_to_string(folder.path().join("0001.eml")).expect("a mail");
    assert!(
        stored.contains("Message-ID: <0198f2.page@tocsin.example>"),
        "{stored}"
    );
}

// ---- the mail and the settings ----

fn mail() -> Email {
    Email {
        message_id: "0198f2.page@tocsin.example".into(),
        from: "tocsin@hospital.example".into(),
        to: "stroke@hospital.example".into(),
        subject: "[CRITICAL] Suspected hemorrhage".into(),
        text: "Suspected hemorrhage ≥ 1 mL.\n.\nA line that is a dot comes before this one.\n".into(),
        html: "<p>Suspected hemorrhage</p>".into(),
        date: "2026-03-14T09:28:05Z".parse().expect("an instant"),
    }
}

fn settings(at: SocketAddr, tls: SmtpTls) -> Alerts {
    Alerts {
        capture_dir: None,
        smtp: Some(alerts::Smtp {
            host: at.ip().to_string(),
            port: at.port(),
            tls,
            user: None,
            password_file: None,
            timeout_seconds: NonZeroU64::MIN,
        }),
        from: "tocsin@hospital.example"
            .to_owned()
            .try_into()
            .expect("an address"),
        default_policy: "default".into(),
        people: Vec::new(),
        policies: Vec::new(),
    }
}

fn mailer(at: SocketAddr) -> Mailer {
    Mailer::from_config(&settings(at, SmtpTls::None)).expect("a mailer")
}

fn kind_of(error: &SendError) -> &'static str {
    match error {
        SendError::Transient { .. } => "transient",
        SendError::Permanent { .. } => "permanent",
        SendError::Unknown { .. } => "unknown",
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|e| e.expect("an entry").path()).collect()
}

// ---- a server that does as told ----

#[derive(Clone, Copy)]
enum Behaviour {
    Take,
    /// At this command, this answer.
    Answer(&'static str, &'static str),
    Hang(&'static str),
    HangUp(&'static str),
}

struct Server {
    at: SocketAddr,
    heard: Arc<Mutex<String>>,
}

impl Server {
    async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(String::new()));
        let log = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, behaviour, log.clone()));
            }
        });
        Self { at, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().expect("unpoisoned").clone()
    }
}

async fn serve(stream: TcpStream, behaviour: Behaviour, log: Arc<Mutex<String>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await.ok()?;
    let mut in_mail = false;
    while let Some(line) = lines.next_line().await.ok()? {
        log.lock().ok()?.push_str(&format!("{line}\n"));
        let verb = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
        if in_mail && line != "." {
            continue;
        }
        match behaviour {
            Behaviour::Answer(step, answer) if step == verb => {
                write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
                continue;
            }
            Behaviour::Hang(step) if step == verb => std::future::pending().await,
            Behaviour::HangUp(step) if step == verb => return None,
            Behaviour::Take | Behaviour::Answer(..) | Behaviour::Hang(_) | Behaviour::HangUp(_) => {}
        }
        let answer = match verb.as_str() {
            "DATA" => "354 go on",
            "." => "250 queued as 42",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        in_mail = verb == "DATA";
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}

// ---- aiosmtpd, where it is installed ----

struct Sink {
    child: Child,
    /// Kept open: the sink writes to it.
    _output: std::io::BufReader<ChildStdout>,
    port: u16,
}

impl Sink {
    /// Refuses the first mail with 451 and stores the next ones.
    fn start(folder: &Path) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = root.join("../shared/peers/smtp_sink.py");
        let local = root.join(".venv/bin/python");
        let python = if local.exists() {
            local
        } else {
            PathBuf::from("python3")
        };
        let has = Command::new(&python).args(["-c", "import aiosmtpd"]).output();
        if !script.exists() || !has.is_ok_and(|o| o.status.success()) {
            eprintln!(
                "SKIPPED: no aiosmtpd at {}, or no {}",
                python.display(),
                script.display()
            );
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port")
            .port();
        let mut child = Command::new(python)
            .arg(script)
            .args(["--port", &port.to_string(), "--fail-first", "1", "--dir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut output, &mut line).expect("a line");
        assert!(line.contains("listening"), "{line}");
        Some(Self {
            child,
            _output: output,
            port,
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
