//! Answers: original and enhanced mode, with the reason in ERR from 2.5 on and in MSA-3 before 2.8.
//! An answer repeats nothing of the message but its addresses, its control id, MSH-11 and MSH-12.

use bytes::Bytes;
use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;

use super::event::{Message, VERSIONS};
use super::header::{Condition, Header};
use super::problem::Hl7Problem;
use crate::deliver::mllp::AckCode;
use crate::report::hl7_build::{Encoder, Segment, finish};

/// MSA-3 holds this many characters (ST 80 up to 2.5.1).
const MAX_TEXT: usize = 80;
/// The version of an answer to a message whose own version we do not know.
const FALLBACK_VERSION: &str = "2.5.1";

/// What is to be told to the sender.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// It is on stable storage and will be acted on.
    Accepted,
    Refused(&'a Hl7Problem),
}

/// What an answer needs of us.
#[derive(Clone, Copy, Debug)]
pub struct Answering<'a> {
    /// MSH-3 and MSH-4 of the answer where the message does not say to whom it was sent.
    pub application: &'a str,
    pub facility: &'a str,
    /// MSH-10 of the answer.
    pub control_id: &'a str,
    pub at: Timestamp,
    pub zone: Tz,
}

impl Answering<'_> {
    /// As HL7 writes it, with its offset.
    pub fn time(&self) -> String {
        self.at
            .with_timezone(&self.zone)
            .format("%Y%m%d%H%M%S%z")
            .to_string()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: AckCode,
    /// The message to send, without framing; empty when the sender asked for none.
    pub bytes: Bytes,
}

pub fn answer(message: &Message, verdict: Verdict<'_>, answering: &Answering<'_>) -> Answer {
    let header = &message.header;
    let level = level(header, matches!(verdict, Verdict::Accepted));
    let code = code(&level, verdict);
    if level == Level::Silent {
        return Answer {
            code,
            bytes: Bytes::new(),
        };
    }
    let mut encoder = Encoder::new(message.charset);
    let mut segments = vec![
        msh(header, answering, &mut encoder),
        msa(header, code, verdict, &mut encoder),
    ];
    if let Verdict::Refused(problem) = verdict {
        segments.push(err(header, problem, &mut encoder));
    }
    Answer {
        code,
        bytes: finish(&segments, &encoder).bytes.into(),
    }
}

/// Who answers: storage (enhanced mode, C…), the application (A…), or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Commit,
    Application,
    Silent,
}

/// One answer per message: the commit answer where it is asked for, else the application's.
fn level(header: &Header, accepted: bool) -> Level {
    let asked = |condition| match condition {
        Condition::Always => true,
        Condition::Never | Condition::Unsaid => false,
        Condition::OnError => !accepted,
        Condition::OnSuccess => accepted,
    };
    match (header.accept, header.application) {
        (Condition::Unsaid, Condition::Unsaid) => Level::Application,
        (accept, _) if asked(accept) => Level::Commit,
        (_, application) if asked(application) => Level::Application,
        _ => Level::Silent,
    }
}

fn code(level: &Level, verdict: Verdict<'_>) -> AckCode {
    let rejects = matches!(verdict, Verdict::Refused(problem) if problem.code.is_rejection());
    match (level, verdict) {
        (Level::Commit, Verdict::Accepted) => AckCode::CommitAccept,
        (Level::Commit, Verdict::Refused(_)) if rejects => AckCode::CommitReject,
        (Level::Commit, Verdict::Refused(_)) => AckCode::CommitError,
        (Level::Application | Level::Silent, Verdict::Accepted) => AckCode::Accept,
        (Level::Application | Level::Silent, Verdict::Refused(_)) if rejects => AckCode::Reject,
        (Level::Application | Level::Silent, Verdict::Refused(_)) => AckCode::Error,
    }
}

fn version(header: &Header) -> &str {
    match VERSIONS.contains(&header.version.as_str()) {
        true => &header.version,
        false => FALLBACK_VERSION,
    }
}

fn msh(header: &Header, answering: &Answering<'_>, encoder: &mut Encoder) -> Segment {
    let said = |text: &str, otherwise: &str| match text {
        "" => otherwise.to_owned(),
        _ => text.to_owned(),
    };
    let version = version(header);
    let trigger: String = header
        .trigger
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let kind = match version {
        "2.1" | "2.2" => encoder.text("ACK"),
        "2.3" | "2.3.1" | "2.3.2" | "2.4" => encoder.components(&["ACK", &trigger]),
        _ => encoder.components(&["ACK", &trigger, "ACK"]),
    };
    let enhanced = (header.accept, header.application) != (Condition::Unsaid, Condition::Unsaid);
    let never = if enhanced { "NE" } else { "" };
    let charset = if header.says_charset {
        encoder.charset().name()
    } else {
        ""
    };
    Segment::new("MSH")
        .set(
            3,
            encoder.text(&said(&header.receiving_application, answering.application)),
        )
        .set(
            4,
            encoder.text(&said(&header.receiving_facility, answering.facility)),
        )
        .set(5, encoder.text(&header.sending_application))
        .set(6, encoder.text(&header.sending_facility))
        .set(7, encoder.text(&answering.time()))
        .set(9, kind)
        .set(10, encoder.text(answering.control_id))
        .set(11, encoder.text(&said(&header.processing_id, "P")))
        .set(12, encoder.text(version))
        .set(15, encoder.text(never))
        .set(16, encoder.text(never))
        .set(18, encoder.text(charset))
}

fn msa(header: &Header, code: AckCode, verdict: Verdict<'_>, encoder: &mut Encoder) -> Segment {
    let text = match verdict {
        Verdict::Refused(problem) if version(header) < "2.8" => problem.to_string(),
        Verdict::Refused(_) | Verdict::Accepted => String::new(),
    };
    let short: String = text.chars().take(MAX_TEXT).collect();
    Segment::new("MSA")
        .set(1, encoder.text(code.text()))
        .set(2, encoder.text(&header.safe_control_id()))
        .set(3, encoder.text(&short))
}

/// Before 2.5 there is ERR-1 alone, `segment^sequence^field^code`.
fn err(header: &Header, problem: &Hl7Problem, encoder: &mut Encoder) -> Segment {
    let place = &problem.place;
    let number = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    let [sequence, field] = [number(place.sequence), number(place.field)];
    let [repetition, component] = [number(place.repetition), number(place.component)];
    let code = problem.code;
    if version(header) < "2.5" {
        let coded = [code.number(), code.text(), "HL70357"];
        let nested: [&[&str]; 4] = [&[&place.segment], &[&sequence], &[&field], &coded];
        return Segment::new("ERR").set(1, encoder.nested(&nested));
    }
    let location = [place.segment.as_str(), &sequence, &field, &repetition, &component];
    Segment::new("ERR")
        .set(2, encoder.components(&location))
        .set(3, encoder.components(&[code.number(), code.text(), "HL70357"]))
        .set(4, encoder.text("E"))
        .set(7, encoder.text(&problem.to_string()))
        .set(8, encoder.text(&format!("Expected {}.", problem.expected)))
}

#[cfg(test)]
mod tests {
    use super::super::problem::{ErrorCode, Place};
    use super::*;
    use crate::ingest::hl7::event;
    use proptest::prelude::*;

    const OURS: Answering<'_> = Answering {
        application: "TOCSIN",
        facility: "EGH",
        control_id: "T1",
        at: chrono::DateTime::UNIX_EPOCH,
        zone: chrono_tz::UTC,
    };

    fn header_of(tail: &str) -> Message {
        let frame = format!("MSH|^~\\&|RIS|FAC|||20260101||{tail}");
        event::open(frame.as_bytes()).unwrap().message()
    }

    fn text(answer: &Answer) -> String {
        String::from_utf8_lossy(&answer.bytes).into_owned()
    }

    #[test]
    fn an_original_mode_message_is_answered_by_the_application() {
        let got = answer(&header_of("ORM^O01|C1|P|2.3.1"), Verdict::Accepted, &OURS);
        assert_eq!(
            text(&got),
            "MSH|^~\\&|TOCSIN|EGH|RIS|FAC|19700101000000+0000||ACK^O01|T1|P|2.3.1\rMSA|AA|C1\r"
        );
    }

    #[test]
    fn an_enhanced_mode_message_gets_the_answer_it_asked_for() {
        let problem = Hl7Problem::missing(Place::field("PID", 1, 3), "an id");
        for (ask, accepted, refused) in [
            ("AL|NE", Some("CA"), Some("CE")),
            ("AL|AL", Some("CA"), Some("CE")),
            ("NE|AL", Some("AA"), Some("AE")),
            ("|AL", Some("AA"), Some("AE")),
            ("ER|NE", None, Some("CE")),
            ("SU|NE", Some("CA"), None),
            ("NE|NE", None, None),
            ("NE|ER", None, Some("AE")),
        ] {
            let message = header_of(&format!("ORM^O01|C1|P|2.5.1|||{ask}"));
            for (verdict, wanted) in [
                (Verdict::Accepted, accepted),
                (Verdict::Refused(&problem), refused),
            ] {
                let got = answer(&message, verdict, &OURS);
                let said = text(&got).split("MSA|").nth(1).map(|t| t[..2].to_owned());
                assert_eq!(said.as_deref(), wanted, "{ask}");
            }
        }
    }

    #[test]
    fn the_reason_stands_where_the_version_has_a_place_for_it() {
        let problem = Hl7Problem::missing(Place::component("OBR", 2, 4, 1, 1), "a service");
        let say = |version: &str| {
            let message = header_of(&format!("OMI^O23^OMI_O23|C1|P|{version}"));
            text(&answer(&message, Verdict::Refused(&problem), &OURS))
        };
        let old = say("2.3.1");
        assert!(
            old.ends_with("ERR|OBR^2^4^101&Required field missing&HL70357\r"),
            "{old}"
        );
        assert!(
            old.contains("MSA|AE|C1|OBR[2]-4.1: Required field missing: a service\r"),
            "{old}"
        );
        let new = say("2.5.1");
        assert!(
            new.contains("ERR||OBR^2^4^1^1|101^Required field missing^HL70357|E|||OBR[2]"),
            "{new}"
        );
        assert!(say("2.8.2").contains("MSA|AE|C1\r"));
    }

    #[test]
    fn a_version_that_we_do_not_know_is_rejected_in_one_that_we_do() {
        let problem = Hl7Problem::new(
            ErrorCode::UnsupportedVersion,
            Place::field("MSH", 1, 12),
            "2.1 to 2.9",
        );
        let got = answer(&header_of("ORM^O01|C1|P|7.0"), Verdict::Refused(&problem), &OURS);
        assert_eq!(got.code, AckCode::Reject);
        assert!(text(&got).contains("|P|2.5.1\rMSA|AR|C1|"), "{}", text(&got));
    }

    proptest! {
        #[test]
        fn no_header_injects_anything_into_its_answer(
            fields in prop::collection::vec("[^\r\n|]{0,30}", 14),
            version in prop::sample::select(VERSIONS.to_vec()),
        ) {
            let mut fields = fields;
            fields[9] = version.to_owned();
            fields[12] = "AL".to_owned();
            let frame = format!("MSH|^~\\&|{}", fields.join("|"));
            let message = event::open(frame.as_bytes()).unwrap().message();
            let problem = Hl7Problem::data_type(Place::field("MSH", 1, 10), "safe characters");
            let got = answer(&message, Verdict::Refused(&problem), &OURS);
            prop_assert_eq!(got.bytes.iter().filter(|b| **b == b'\r').count(), 3);
            prop_assert!(!got.bytes.iter().any(|b| [0x0b, 0x1c, b'\n'].contains(b)));
        }
    }
}
