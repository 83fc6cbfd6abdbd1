//! The demonstration's RIS: sends what a visit gives rise to, and receives what Tocsin says about it, over MLLP both ways.
//! It reads only what a RIS needs to answer, with a reader of its own, and keeps what it heard.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::visit::Message;
use crate::cli::Failure;
use crate::deliver::mllp::{self, AckOutcome, MllpPeer};
use crate::deliver::mllp_frame::{Deframer, frame};

const LARGEST: usize = 1 << 20;

/// A message that was received and answered.
#[derive(Clone, Debug)]
pub struct Heard {
    /// MSH-9, as `OMI^O23`.
    pub kind: String,
    /// ORC-1.
    pub control: String,
    /// TQ1-9, else ORC-7.6.
    pub priority: String,
    pub text: String,
}

impl Heard {
    fn read(text: &str) -> Self {
        let kind = field(text, "MSH", 8);
        let kind: Vec<&str> = kind.split('^').take(2).collect();
        let timing = field(text, "TQ1", 9);
        let quantity = field(text, "ORC", 7);
        let priority = match timing.split('^').next() {
            Some(code) if !code.is_empty() => code.to_owned(),
            Some(_) | None => quantity.split('^').nth(5).unwrap_or_default().to_owned(),
        };
        Self {
            kind: kind.join("^"),
            control: field(text, "ORC", 1),
            priority,
            text: text.to_owned(),
        }
    }

    pub fn is_about(&self, accession: &str) -> bool {
        self.text.contains(accession)
    }

    pub fn is_priority_change(&self) -> bool {
        matches!(self.kind.as_str(), "OMI^O23" | "ORM^O01") && self.control == "XO"
    }

    pub fn is_result(&self) -> bool {
        self.kind == "ORU^R01"
    }
}

/// Everything that was heard so far.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<Heard>>>);

impl Inbox {
    pub async fn all(&self) -> Vec<Heard> {
        self.0.lock().await.clone()
    }
}

/// Receives messages until the task is dropped.
pub async fn serve(listener: TcpListener, inbox: Inbox) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let inbox = inbox.clone();
        tokio::spawn(async move {
            // A sender that hangs up early has nothing to be told.
            let _ = converse(stream, &inbox).await;
        });
    }
}

async fn converse(mut stream: TcpStream, inbox: &Inbox) -> std::io::Result<()> {
    let (mut deframer, mut buffer) = (Deframer::new(LARGEST), BytesMut::new());
    loop {
        while let Some(body) = deframer.take_frame(&mut buffer).map_err(std::io::Error::other)? {
            let text = String::from_utf8_lossy(&body).into_owned();
            let answer = answer(&text);
            inbox.0.lock().await.push(Heard::read(&text));
            stream.write_all(&frame(answer.as_bytes())).await?;
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

/// The answer that the kind of message asks for: an order's change is confirmed with its numbers, a result is taken.
fn answer(text: &str) -> String {
    let kind = field(text, "MSH", 8);
    let id = field(text, "MSH", 9);
    let accept_only = field(text, "MSH", 14) == "AL" && field(text, "MSH", 15) == "NE";
    let (reply, code) = match kind.split('^').next() {
        _ if accept_only => ("ACK", "CA"),
        Some("OMI") => ("ORI^O24^ORI_O24", "AA"),
        Some("ORM") => ("ORR^O02^ORR_O02", "AA"),
        Some(_) | None => ("ACK", "AA"),
    };
    let head = format!(
        "MSH|^~\\&|{}|{}|{}|{}|{}||{reply}|A{id}|P|{}\rMSA|{code}|{id}\r",
        field(text, "MSH", 4),
        field(text, "MSH", 5),
        field(text, "MSH", 2),
        field(text, "MSH", 3),
        field(text, "MSH", 6),
        field(text, "MSH", 11),
    );
    if reply.starts_with("OR") {
        // XR: changed as requested (table 0119).
        let numbers = (field(text, "ORC", 2), field(text, "ORC", 3));
        return format!("{head}ORC|XR|{}|{}\r", numbers.0, numbers.1);
    }
    head
}

/// A field by its place in the line: of MSH, one less than the standard counts.
fn field(text: &str, segment: &str, index: usize) -> String {
    let line = text.split('\r').find(|line| line.starts_with(segment));
    line.and_then(|line| line.split('|').nth(index))
        .unwrap_or_default()
        .to_owned()
}

/// Sends a message and returns what was answered, as `AA` or `AE: reason`. Anything but an acceptance is a failure.
pub async fn send(peer: &MllpPeer, message: &Message) -> Result<String, Failure> {
    match mllp::send(peer, message.text.as_bytes(), &message.control_id).await? {
        AckOutcome::Accepted { code, .. } => Ok(code.text().to_owned()),
        AckOutcome::Refused { code, text, .. } => Err(Failure::because(format!(
            "the message {} was refused with {}: {text}",
            message.control_id,
            code.text()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_message_gets_the_answer_it_asks_for() {
        let order = "MSH|^~\\&|T|TF|R|RF|2026||OMI^O23^OMI_O23|C1|P|2.5.1|||NE|AL\rORC|XO|P1^X|F1^Y\rTQ1|1||||||||S^Stat\r";
        let reply = answer(order);
        assert!(reply.starts_with("MSH|^~\\&|R|RF|T|TF|2026||ORI^O24"), "{reply}");
        assert!(reply.contains("\rMSA|AA|C1\rORC|XR|P1^X|F1^Y\r"), "{reply}");
        let heard = Heard::read(order);
        assert!(heard.is_priority_change() && !heard.is_result());
        assert_eq!(heard.priority, "S");
        let result = "MSH|^~\\&|T|TF|R|RF|2026||ORU^R01^ORU_R01|C2|P|2.5.1|||AL|NE\rORC|RE\r";
        assert!(answer(result).ends_with("MSA|CA|C2\r"));
        assert!(Heard::read(result).is_result());
    }
}
