//! What a message is answered with on its own connection, in original and enhanced mode, and whether its sender is owed an
//! application's answer later.

use bytes::Bytes;
use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;

use tocsin_domain::answer::{Condition, Fate, Owed};

use super::event::{Message, VERSIONS};
use super::header::Header;
use super::problem::Hl7Problem;
use crate::deliver::mllp::AckCode;
use crate::report::hl7_answer::{self, AnswerTo, Commit, Content, Stamp};
use crate::report::read_profile::AnswerForm;

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
    pub later: Later,
}

/// Whether there is a way for an application's answer that comes after the message was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    Possible,
    /// The one answer on the connection is all that the sender gets.
    Impossible,
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
    let level = level(header, fate(verdict), answering.later);
    let code = code(&level, verdict);
    if level == Level::Silent {
        return Answer {
            code,
            bytes: Bytes::new(),
        };
    }
    let content = Content {
        form: AnswerForm::General,
        commit: match is_enhanced(header) {
            true => Commit::Never,
            false => Commit::Unsaid,
        },
        code: code.text(),
        problem: match verdict {
            Verdict::Refused(problem) => Some(problem),
            Verdict::Accepted => None,
        },
        orders: &[],
    };
    let stamp = Stamp {
        control_id: answering.control_id,
        time: &answering.time(),
    };
    Answer {
        code,
        bytes: hl7_answer::answer(&to(message, answering), &content, stamp)
            .bytes
            .into(),
    }
}

/// What an answer repeats of the message.
pub fn to(message: &Message, answering: &Answering<'_>) -> AnswerTo {
    let header = &message.header;
    let said = |text: &str, otherwise: &str| match text {
        "" => otherwise.to_owned(),
        _ => text.to_owned(),
    };
    AnswerTo {
        our_application: said(&header.receiving_application, answering.application),
        our_facility: said(&header.receiving_facility, answering.facility),
        their_application: header.sending_application.clone(),
        their_facility: header.sending_facility.clone(),
        message_type: header.message_type.clone(),
        trigger: header
            .trigger
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect(),
        control_id: header.safe_control_id(),
        processing_id: said(&header.processing_id, "P"),
        version: version(header).to_owned(),
        charset: message.charset,
        says_charset: header.says_charset,
    }
}

fn fate(verdict: Verdict<'_>) -> Fate {
    match verdict {
        Verdict::Accepted => Fate::Done,
        Verdict::Refused(_) => Fate::Failed,
    }
}

fn is_enhanced(header: &Header) -> bool {
    (header.accept, header.application) != (Condition::Unsaid, Condition::Unsaid)
}

/// Whether the application's answer comes later. A message that was refused when it came has been told so by the commit answer,
/// where one was asked for.
pub fn answers_later(header: &Header, verdict: Verdict<'_>) -> bool {
    let told = header.accept.owes(Fate::Failed) == Owed::Yes;
    match verdict {
        Verdict::Accepted => header.application.asks(),
        Verdict::Refused(_) => header.application.asks() && !told,
    }
}

/// Who answers: storage (enhanced mode, C…), the application (A…), or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Commit,
    Application,
    Silent,
}

/// The commit answer where it is asked for, else the application's, unless that comes later.
fn level(header: &Header, fate: Fate, later: Later) -> Level {
    if !is_enhanced(header) {
        return Level::Application;
    }
    match (header.accept.owes(fate), header.application.owes(fate), later) {
        (Owed::Yes, _, _) => Level::Commit,
        (Owed::NotAsked, Owed::Yes, Later::Impossible) => Level::Application,
        (Owed::NotAsked, Owed::Yes | Owed::NotAsked, _) => Level::Silent,
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
        later: Later::Impossible,
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
    fn where_the_application_answers_later_the_connection_carries_the_commit_answer_alone() {
        let problem = Hl7Problem::missing(Place::field("PID", 1, 3), "an id");
        let ours = Answering {
            later: Later::Possible,
            ..OURS
        };
        for (ask, accepted, refused) in [
            ("AL|AL", (Some("CA"), true), (Some("CE"), false)),
            ("NE|AL", (None, true), (None, true)),
            ("ER|SU", (None, true), (Some("CE"), false)),
            ("AL|NE", (Some("CA"), false), (Some("CE"), false)),
        ] {
            let message = header_of(&format!("ORM^O01|C1|P|2.5.1|||{ask}"));
            for (verdict, wanted) in [
                (Verdict::Accepted, accepted),
                (Verdict::Refused(&problem), refused),
            ] {
                let got = answer(&message, verdict, &ours);
                let said = text(&got).split("MSA|").nth(1).map(|t| t[..2].to_owned());
                let got = (said.as_deref(), answers_later(&message.header, verdict));
                assert_eq!(got, wanted, "{ask}");
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
