//! Batches: several messages in one frame, between BHS and BTS, and those between FHS and FTS (HL7 v2 chapter 2, batch
//! protocol). Each message is taken and answered as if it had come alone; the answers go back as one batch. Pure.

use bytes::Bytes;

use super::ack::Answering;
use super::tree::{Lines, Segment as Read};
use crate::report::hl7_build::{Encoder, Segment, finish};
use crate::report::hl7_charset::Charset;
use crate::report::hl7_text::Delimiters;

/// A frame that holds a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Each from its `MSH` to the end of its last segment.
    pub messages: Vec<Bytes>,
    envelope: Vec<Head>,
    /// How many messages the trailers state (BTS-1), where they do.
    stated: Option<usize>,
}

/// FHS or BHS, as far as the answer repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    name: &'static str,
    application: String,
    facility: String,
    control_id: String,
}

const ENVELOPE: [(&str, &str); 2] = [("FHS", "FTS"), ("BHS", "BTS")];

/// `None` where the frame begins with no batch.
pub fn of(frame: &Bytes) -> Option<Batch> {
    let start = frame.len() - frame.trim_ascii_start().len();
    if !ENVELOPE.iter().any(|(head, _)| names(&frame[start..], head)) {
        return None;
    }
    let mut batch = Batch {
        messages: Vec::new(),
        envelope: Vec::new(),
        stated: None,
    };
    let mut open = None;
    for (at, line) in lines(frame) {
        let begins = |name: &str| names(line, name);
        let outside = ENVELOPE.iter().any(|(head, tail)| begins(head) || begins(tail));
        if outside || begins("MSH") {
            batch
                .messages
                .extend(open.take().map(|from| frame.slice(from..at)));
        }
        if begins("MSH") {
            open = Some(at);
        }
        if outside {
            batch.enclose(line);
        }
    }
    batch.messages.extend(open.map(|from| frame.slice(from..)));
    Some(batch)
}

/// Whether a line is a segment of this name, and no line of a text that begins with the same letters.
fn names(line: &[u8], name: &str) -> bool {
    let after = line.strip_prefix(name.as_bytes());
    after.is_some_and(|rest| {
        rest.first()
            .is_none_or(|byte| byte.is_ascii_punctuation() || byte.is_ascii_control())
    })
}

/// Each line with where it begins; all line ends are taken. No character set that is read has their bytes in a character.
fn lines(frame: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let starts = std::iter::once(0).chain(
        frame
            .iter()
            .enumerate()
            .filter(|(_, byte)| matches!(byte, b'\r' | b'\n'))
            .map(|(at, _)| at + 1),
    );
    starts.map(|at| (at, &frame[at..]))
}

impl Batch {
    fn enclose(&mut self, line: &[u8]) {
        let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let text = String::from_utf8_lossy(&line[..end.unwrap_or(line.len())]);
        let delimiters = line
            .get(3..)
            .and_then(Delimiters::read)
            .unwrap_or(Delimiters::USUAL);
        let lines = Lines::of(&text, &delimiters);
        let segments = lines.segments(delimiters, Charset::Utf8);
        let Some(segment) = segments.first() else {
            return;
        };
        let value = |field| segment.value(field, 1).unwrap_or_default();
        match ENVELOPE.iter().find(|(head, _)| *head == segment.name) {
            Some((name, _)) if !self.envelope.iter().any(|head| head.name == *name) => {
                self.envelope.push(Head {
                    name,
                    application: value(3),
                    facility: value(4),
                    control_id: value(11),
                });
            }
            Some(_) => {}
            None => self.count(segment),
        }
    }

    fn count(&mut self, trailer: &Read<'_>) {
        let stated = trailer.value(1, 1).and_then(|text| text.parse::<usize>().ok());
        if let (true, Some(stated)) = (trailer.name == "BTS", stated) {
            self.stated = Some(self.stated.unwrap_or_default().saturating_add(stated));
        }
    }

    /// What is wrong with the number of messages; nothing where it is right or not stated.
    pub fn miscounted(&self) -> Option<String> {
        let came = self.messages.len();
        let stated = self.stated.filter(|stated| *stated != came)?;
        Some(format!("BTS-1 states {stated} messages, {came} came"))
    }

    /// The batch that carries these answers back. `answering.control_id` is its own.
    pub fn answer(&self, answers: &[Bytes], answering: &Answering<'_>) -> Bytes {
        let mut encoder = Encoder::new(Charset::Utf8);
        let mut written = Vec::new();
        for head in &self.envelope {
            written.extend(finish(&[head.answer(answering, &mut encoder)], &encoder).bytes);
        }
        answers
            .iter()
            .for_each(|answer| written.extend_from_slice(answer));
        for head in self.envelope.iter().rev() {
            let comment = self.miscounted().unwrap_or_default();
            let (name, count) = match head.name {
                "FHS" => ("FTS", 1),
                _ => ("BTS", answers.len()),
            };
            let trailer = Segment::new(name)
                .set(1, encoder.text(&count.to_string()))
                .set(2, encoder.text(&comment));
            written.extend(finish(&[trailer], &encoder).bytes);
        }
        written.into()
    }
}

impl Head {
    /// BHS-12 and FHS-12 name the batch that is answered.
    fn answer(&self, answering: &Answering<'_>, encoder: &mut Encoder) -> Segment {
        Segment::new(self.name)
            .set(3, encoder.text(answering.application))
            .set(4, encoder.text(answering.facility))
            .set(5, encoder.text(&self.application))
            .set(6, encoder.text(&self.facility))
            .set(7, encoder.text(&answering.time()))
            .set(11, encoder.text(answering.control_id))
            .set(12, encoder.text(&self.control_id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ack::Later;
    use super::*;

    const OURS: Answering<'_> = Answering {
        later: Later::Impossible,
        application: "TOCSIN",
        facility: "EGH",
        control_id: "T1",
        at: chrono::DateTime::UNIX_EPOCH,
        zone: chrono_tz::UTC,
    };

    fn batch(text: &str) -> Option<Batch> {
        of(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn each_message_of_a_batch_stands_alone() {
        for end in ["\r", "\n", "\r\n"] {
            let text = [
                "FHS|^~\\&|A",
                "BHS|^~\\&|A",
                "MSH|1",
                "PID|x",
                "MSH|2",
                "BTS|2",
                "FTS|1",
            ]
            .join(end);
            let batch = batch(&text).unwrap();
            let read: Vec<_> = batch
                .messages
                .iter()
                .map(|m| String::from_utf8_lossy(m).trim_end().to_owned())
                .collect();
            assert_eq!(read, [format!("MSH|1{end}PID|x"), "MSH|2".to_owned()]);
            assert_eq!(batch.miscounted(), None);
        }
        assert_eq!(batch("MSH|^~\\&|A\rBHS|"), None, "a message is none");
        assert_eq!(batch("BHSX|"), None);
        let text = batch("BHS|^~\\&\rMSH|1\rOBX|1|TX|||see\rMSH of the\rBTSX").unwrap();
        assert_eq!(text.messages.len(), 1);
    }

    #[test]
    fn the_answers_come_back_as_one_batch_that_names_the_one_it_answers() {
        let batch = batch("\nBHS|^~\\&|RIS|EAST|||||||B77\rMSH|1\rMSH|2\rBTS|3").unwrap();
        let answers = [Bytes::from_static(b"MSH|a\r"), Bytes::from_static(b"MSH|b\r")];
        let text = String::from_utf8(batch.answer(&answers, &OURS).to_vec()).unwrap();
        let lines: Vec<&str> = text.split('\r').collect();
        assert_eq!(
            lines,
            [
                "BHS|^~\\&|TOCSIN|EGH|RIS|EAST|19700101000000+0000||||T1|B77",
                "MSH|a",
                "MSH|b",
                "BTS|2|BTS-1 states 3 messages, 2 came",
                ""
            ]
        );
    }

    #[test]
    fn what_only_looks_like_a_batch_is_one_without_messages() {
        for text in ["BHS", "BHS|", "FHS\rBTS|x\rFTS", "BHS|^~\\&\rPID|1"] {
            let batch = batch(text).unwrap();
            assert!(batch.messages.is_empty(), "{text:?}");
            let answer = batch.answer(&[], &OURS);
            assert!(answer.starts_with(text.split(['|', '\r']).next().unwrap().as_bytes()));
        }
    }
}
