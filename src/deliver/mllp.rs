//! Sends HL7 messages over MLLP: one connection, one message, one answer. It decides nothing about retries and knows
//! nothing of what it carries; the same bytes are sent again by whoever owns them.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::channel::Channel;
use super::mllp_frame::{Deframer, FrameError, frame};
use super::tls::Tls;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;
/// Messages that are not our answer and may come before it on the same connection.
const MAX_STRANGERS: usize = 16;
const READ_CHUNK: usize = 8 * 1024;
/// Longest text kept of MSA-3 or ERR-8.
const MAX_TEXT: usize = 250;

/// Whom to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MllpPeer {
    pub host: String,
    pub port: u16,
    pub connect_timeout: Duration,
    /// From the last byte sent to the answer.
    pub ack_timeout: Duration,
    /// It is called under TLS.
    pub tls: Option<Tls>,
}

impl MllpPeer {
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            connect_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(30),
            tls: None,
        }
    }
}

/// MSA-1 (table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckCode {
    Accept,
    Error,
    Reject,
    CommitAccept,
    CommitError,
    CommitReject,
}

impl AckCode {
    pub fn text(self) -> &'static str {
        match self {
            Self::Accept => "AA",
            Self::Error => "AE",
            Self::Reject => "AR",
            Self::CommitAccept => "CA",
            Self::CommitError => "CE",
            Self::CommitReject => "CR",
        }
    }

    pub fn read(text: &str) -> Option<Self> {
        let all = [
            Self::Accept,
            Self::Error,
            Self::Reject,
            Self::CommitAccept,
            Self::CommitError,
            Self::CommitReject,
        ];
        all.into_iter().find(|code| code.text() == text)
    }

    pub fn accepts(self) -> bool {
        match self {
            Self::Accept | Self::CommitAccept => true,
            Self::Error | Self::Reject | Self::CommitError | Self::CommitReject => false,
        }
    }
}

/// What the other side answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckOutcome {
    Accepted {
        code: AckCode,
        text: String,
        raw: Bytes,
    },
    /// By code; or an order's change that is unable to be made (`UX`, `UA`), whatever the code.
    Refused {
        code: AckCode,
        text: String,
        raw: Bytes,
    },
}

/// No answer was had: the message may or may not have arrived, and is to be sent again as it is.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("cannot connect to {host}:{port}")]
    Connect {
        host: String,
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("no connection to {host}:{port} within {seconds} s")]
    ConnectTimeout { host: String, port: u16, seconds: u64 },
    #[error("no TLS with {host}:{port}")]
    Tls {
        host: String,
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("the connection broke while sending")]
    Write(#[source] io::Error),
    #[error("the connection broke before the answer")]
    Read(#[source] io::Error),
    #[error("the other side closed the connection without an answer")]
    Closed,
    #[error("no answer within {seconds} s")]
    AckTimeout { seconds: u64 },
    #[error("the answer is no MLLP")]
    Frame(#[source] FrameError),
    #[error("{0} messages came back, and none of them answers ours")]
    Strangers(usize),
    #[error("the message holds the bytes that end a frame, and would be cut in two")]
    Unframeable,
}

/// Sends one message and waits for the answer whose MSA-2 is `control_id`.
pub async fn send(peer: &MllpPeer, body: &[u8], control_id: &str) -> Result<AckOutcome, SendError> {
    if body.windows(2).any(|w| w == b"\x1c\r") || body.ends_with(b"\x1c") {
        return Err(SendError::Unframeable);
    }
    let mut stream = connect(peer).await?;
    let deadline = Instant::now() + peer.ack_timeout;
    let timed_out = || SendError::AckTimeout {
        seconds: peer.ack_timeout.as_secs(),
    };
    let framed = frame(body);
    let write = async {
        stream.write_all(&framed).await?;
        stream.flush().await
    };
    timeout_at(deadline, write)
        .await
        .map_err(|_| timed_out())?
        .map_err(SendError::Write)?;
    let deadline = Instant::now() + peer.ack_timeout;
    timeout_at(deadline, read_answer(&mut stream, control_id))
        .await
        .map_err(|_| timed_out())?
}

/// Whether it takes connections: one is opened, with its handshake, and closed.
pub async fn reach(peer: &MllpPeer) -> Result<(), SendError> {
    connect(peer).await?.shutdown().await.map_err(SendError::Write)
}

async fn connect(peer: &MllpPeer) -> Result<Channel, SendError> {
    let address = (peer.host.as_str(), peer.port);
    let connected = tokio::time::timeout(peer.connect_timeout, TcpStream::connect(address)).await;
    let stream = match connected {
        Ok(Ok(stream)) => stream,
        Ok(Err(source)) => {
            return Err(SendError::Connect {
                host: peer.host.clone(),
                port: peer.port,
                source,
            });
        }
        Err(_) => {
            return Err(SendError::ConnectTimeout {
                host: peer.host.clone(),
                port: peer.port,
                seconds: peer.connect_timeout.as_secs(),
            });
        }
    };
    stream.set_nodelay(true).map_err(SendError::Write)?;
    match &peer.tls {
        Some(tls) => tls
            .connect(stream, &peer.host)
            .await
            .map_err(|source| SendError::Tls {
                host: peer.host.clone(),
                port: peer.port,
                source,
            }),
        None => Ok(Channel::Plain(stream)),
    }
}

async fn read_answer(stream: &mut Channel, control_id: &str) -> Result<AckOutcome, SendError> {
    let mut deframer = Deframer::new(MAX_ANSWER);
    let mut buffer = BytesMut::with_capacity(READ_CHUNK);
    let mut strangers = 0;
    loop {
        while let Some(answer) = deframer.take_frame(&mut buffer).map_err(SendError::Frame)? {
            if let Some(outcome) = outcome(&answer, control_id) {
                return Ok(outcome);
            }
            strangers += 1;
            if strangers >= MAX_STRANGERS {
                return Err(SendError::Strangers(strangers));
            }
        }
        buffer.reserve(READ_CHUNK);
        if stream.read_buf(&mut buffer).await.map_err(SendError::Read)? == 0 {
            return Err(SendError::Closed);
        }
    }
}

/// Reads an answer as far as a sender must: MSA, the reason, and whether an order's change was refused.
/// `None` when it answers another message.
pub fn outcome(answer: &Bytes, control_id: &str) -> Option<AckOutcome> {
    let text = String::from_utf8_lossy(answer);
    let separator = text.strip_prefix("MSH")?.chars().next()?;
    let segment = |name: &str| -> Option<Vec<&str>> {
        text.split(['\r', '\n'])
            .map(|line| line.split(separator).collect::<Vec<_>>())
            .find(|fields| fields[0] == name)
    };
    let msa = segment("MSA")?;
    if msa.get(2).is_none_or(|id| id.trim() != control_id) {
        return None;
    }
    let code = AckCode::read(msa.get(1)?)?;
    let err = segment("ERR").unwrap_or_default();
    let reasons = [msa.get(3), err.get(8), err.get(7), err.get(3), err.get(1)];
    let reason = reasons.into_iter().flatten().find(|t| !t.is_empty()).copied();
    let text: String = reason
        .unwrap_or("")
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect();
    let unable = segment("ORC").is_some_and(|orc| matches!(orc.get(1), Some(&("UX" | "UA"))));
    let raw = answer.clone();
    Some(match code.accepts() && !unable {
        true => AckOutcome::Accepted { code, text, raw },
        false => AckOutcome::Refused { code, text, raw },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn read(answer: &'static str) -> Option<AckOutcome> {
        outcome(&Bytes::from_static(answer.as_bytes()), "TRI1")
    }

    fn accepted(answer: &'static str) -> Option<(bool, AckCode, String)> {
        Some(match read(answer)? {
            AckOutcome::Accepted { code, text, .. } => (true, code, text),
            AckOutcome::Refused { code, text, .. } => (false, code, text),
        })
    }

    #[test]
    fn an_answer_is_matched_by_msa_2_and_its_reason_is_found() {
        assert_eq!(
            accepted("MSH|^~\\&|R\rMSA|CA|TRI1\r"),
            Some((true, AckCode::CommitAccept, String::new()))
        );
        assert_eq!(
            accepted("MSH*^~\\&*R\nMSA*AE*TRI1\nERR**OBR^1*101*E****no service\n"),
            Some((false, AckCode::Error, "no service".into()))
        );
        assert_eq!(
            accepted("MSH|^~\\&|R\rMSA|AA|TRI1\rORC|UX|1\r").map(|a| a.0),
            Some(false)
        );
        for other in [
            "MSH|^~\\&|R\rMSA|AA|TRI2\r",
            "MSH|^~\\&|R\rMSA|AA\r",
            "MSH|^~\\&|R\rMSA|ZZ|TRI1\r",
            "MSH",
            "",
            "MSA|AA|TRI1",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    async fn peer_that_answers(answers: &'static [u8]) -> MllpPeer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = BytesMut::new();
            while Deframer::new(MAX_ANSWER)
                .take_frame(&mut buffer)
                .unwrap()
                .is_none()
            {
                stream.read_buf(&mut buffer).await.unwrap();
            }
            for byte in answers {
                stream.write_all(&[*byte]).await.unwrap();
            }
        });
        MllpPeer {
            ack_timeout: Duration::from_secs(5),
            ..MllpPeer::new("127.0.0.1", port)
        }
    }

    #[tokio::test]
    async fn a_message_is_sent_and_a_stranger_before_its_answer_is_passed_over() {
        let answers = b"\x0bMSH|^~\\&|R\rMSA|AA|OLD\x1c\r\x0bMSH|^~\\&|R\rMSA|AR|TRI1|busy\x1c\r";
        let peer = peer_that_answers(answers).await;
        let outcome = send(&peer, b"MSH|^~\\&|T", "TRI1").await.unwrap();
        assert!(
            matches!(outcome, AckOutcome::Refused { code: AckCode::Reject, ref text, .. } if text == "busy")
        );
    }

    #[tokio::test]
    async fn silence_and_nonsense_are_told_apart() {
        let error = send(&peer_that_answers(b"").await, b"MSH|", "A")
            .await
            .unwrap_err();
        assert!(matches!(error, SendError::Closed), "{error}");
        let peer = peer_that_answers(&[b'x'; 5000]).await;
        let error = send(&peer, b"MSH|", "A").await.unwrap_err();
        assert!(matches!(error, SendError::Frame(_)), "{error}");
        let error = send(&peer, b"MSH|\x1c\rMSH|", "A").await.unwrap_err();
        assert!(matches!(error, SendError::Unframeable), "{error}");
        let nobody = MllpPeer::new("127.0.0.1", 1);
        let error = send(&nobody, b"MSH|", "A").await.unwrap_err();
        assert!(matches!(error, SendError::Connect { .. }), "{error}");
    }
}
