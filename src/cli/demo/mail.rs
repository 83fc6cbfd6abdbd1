//! The demonstration's mail server: a small SMTP receiver (RFC 5321) on loopback that keeps what it is sent, so that the
//! pages of the synthetic hospital cross a real socket. It relays nothing and is no part of the service.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// A line of SMTP at most, and a message at most, in bytes.
const LINE: usize = 4096;
const MESSAGE: usize = 1 << 20;

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: Vec<String>,
    pub data: String,
}

/// The mails that have arrived so far.
#[derive(Clone, Default)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Mailbox {
    pub async fn all(&self) -> Vec<Mail> {
        self.mails.lock().await.clone()
    }

    async fn keep(&self, mail: Mail) {
        self.mails.lock().await.push(mail);
    }
}

/// Where a conversation stands.
#[derive(Default)]
struct Conversation {
    from: bool,
    to: Vec<String>,
}

/// What to do after a command.
enum Reply {
    Say(&'static str),
    Collect,
    Goodbye,
}

impl Conversation {
    fn command(&mut self, line: &str) -> Reply {
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => Reply::Say("250 demo mail server\r\n"),
            "MAIL" => {
                *self = Self {
                    from: true,
                    to: Vec::new(),
                };
                Reply::Say("250 ok\r\n")
            }
            "RCPT" if self.from => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                self.to.push(address.to_owned());
                Reply::Say("250 ok\r\n")
            }
            "DATA" if !self.to.is_empty() => Reply::Collect,
            "RSET" => {
                *self = Self::default();
                Reply::Say("250 ok\r\n")
            }
            "NOOP" => Reply::Say("250 ok\r\n"),
            "QUIT" => Reply::Goodbye,
            "RCPT" | "DATA" => Reply::Say("503 bad sequence of commands\r\n"),
            _ => Reply::Say("502 command not implemented\r\n"),
        }
    }
}

/// Receives mail until the task is dropped.
pub async fn serve(listener: TcpListener, mailbox: Mailbox) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let mailbox = mailbox.clone();
        tokio::spawn(async move {
            // A sender that hangs up early has nothing to be told.
            let _ = converse(stream, &mailbox).await;
        });
    }
}

async fn converse(stream: TcpStream, mailbox: &Mailbox) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 demo mail server\r\n").await?;
    let mut conversation = Conversation::default();
    while let Some(line) = read_line(&mut stream).await? {
        match conversation.command(&line) {
            Reply::Say(text) => stream.write_all(text.as_bytes()).await?,
            Reply::Goodbye => return stream.write_all(b"221 bye\r\n").await,
            Reply::Collect => {
                stream
                    .write_all(b"354 end with a dot on a line of its own\r\n")
                    .await?;
                let data = read_message(&mut stream).await?;
                let to = std::mem::take(&mut conversation).to;
                mailbox.keep(Mail { to, data }).await;
                stream.write_all(b"250 kept\r\n").await?;
            }
        }
    }
    Ok(())
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = tokio::io::AsyncReadExt::take(&mut *stream, LINE as u64)
        .read_until(b'\n', &mut line)
        .await?;
    if read == 0 {
        return Ok(None);
    }
    Ok(Some(
        String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
    ))
}

async fn read_message(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    while let Some(line) = read_line(stream).await? {
        if line == "." {
            return Ok(data);
        }
        if data.len() + line.len() > MESSAGE {
            return Err(std::io::Error::other("the message is too long"));
        }
        // A leading dot was doubled on the way (RFC 5321 section 4.5.2).
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push_str("\r\n");
    }
    Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
}
