//! From a message's bytes to what it asks of us, or to what is wrong with it. Pure: no socket, no clock, no storage.

use tocsin_domain::appointment::AppointmentState;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::order::Hl7Event;

use super::Reading;
use super::answers::answer;
use super::appointments::appointment;
use super::header::{Header, MAX_CONTROL_ID, preamble};
use super::orders::orders;
use super::patients::{merges, patient_event, person_event};
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::reports::reports;
use super::tree::{Lines, Segment};
use super::vendor_results::vendor_results;
use crate::report::hl7_charset::{Charset, CharsetError, Declared, SUPPORTED};
use crate::report::hl7_text::Delimiters;

/// The versions that are read (table 0104).
pub const VERSIONS: [&str; 16] = [
    "2.1", "2.2", "2.3", "2.3.1", "2.3.2", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1",
    "2.8.2", "2.9", "2.9.1",
];

/// What messages of a type are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Orders,
    Patient,
    /// Who somebody is, and nothing of a visit.
    Person,
    Merge,
    Report,
    /// When an order is to be carried out.
    Appointment,
    /// Of an application, to a message of ours.
    Answer,
}

/// The messages that are acted on: type, triggers (all, where none is named), and whether the type alone says it.
pub const MESSAGES: [(&str, &[&str], bool, Meaning); 12] = [
    ("ORM", &["O01"], true, Meaning::Orders),
    ("OMI", &["O23"], false, Meaning::Orders),
    ("OMG", &["O19"], false, Meaning::Orders),
    (
        "ADT",
        &[
            "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13",
        ],
        false,
        Meaning::Patient,
    ),
    ("ADT", &["A28", "A31"], false, Meaning::Person),
    ("ADT", &["A18", "A34", "A40", "A47"], false, Meaning::Merge),
    ("ORU", &["R01"], true, Meaning::Report),
    (
        "SIU",
        &["S12", "S13", "S14", "S15", "S17", "S26"],
        false,
        Meaning::Appointment,
    ),
    ("ORR", &["O02"], true, Meaning::Answer),
    ("ORI", &["O24"], false, Meaning::Answer),
    ("ORG", &["O20"], false, Meaning::Answer),
    ("ACK", &[], true, Meaning::Answer),
];

impl Meaning {
    fn of(message_type: &str, trigger: &str) -> Option<Self> {
        let found = MESSAGES.iter().find(|(kind, triggers, alone, _)| {
            let every = triggers.is_empty();
            *kind == message_type && (every || triggers.contains(&trigger) || *alone && trigger.is_empty())
        });
        found.map(|(.., meaning)| *meaning)
    }
}

/// What is known of a message besides its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub header: Header,
    pub charset: Charset,
    /// No character set was said, the bytes were no UTF-8, and 8859/1 was assumed.
    pub charset_assumed: bool,
}

/// A message whose header is read; what it means depends on who sent it, see [`Opened::event`].
#[derive(Clone, Debug)]
pub struct Opened {
    message: Message,
    delimiters: Delimiters,
    lines: Result<Lines, Hl7Problem>,
}

/// The frame holds no HL7 v2 message at all: there is nobody to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frame does not begin with MSH")]
pub struct NotHl7;

pub fn open(frame: &[u8]) -> Result<Opened, NotHl7> {
    let preamble = preamble(frame).ok_or(NotHl7)?;
    let Some(delimiters) = preamble.delimiters else {
        let place = Place::field("MSH", 1, 2);
        let expected = "MSH-1 and four or five encoding characters, all distinct punctuation";
        return Ok(unread(preamble.message, Hl7Problem::data_type(place, expected)));
    };
    let declared = Declared::of(preamble.message, delimiters.field);
    let decoded = match declared.decode(preamble.message) {
        Ok(decoded) => decoded,
        Err(error) => return Ok(unread(preamble.message, charset_problem(&error))),
    };
    let lines = Lines::of(&decoded.text, &delimiters);
    Ok(Opened {
        message: Message {
            header: header(&lines, delimiters, decoded.charset),
            charset: decoded.charset,
            charset_assumed: decoded.fell_back,
        },
        delimiters,
        lines: Ok(lines),
    })
}

/// A message of which only the header can be told, for the answer.
fn unread(message: &[u8], problem: Hl7Problem) -> Opened {
    let line = message.split(|b| *b == b'\r' || *b == b'\n').next();
    let text: String = line
        .unwrap_or_default()
        .iter()
        .map(|b| if b.is_ascii() { char::from(*b) } else { '?' })
        .collect();
    let delimiters = Delimiters::read(&message[3..]).unwrap_or(Delimiters::USUAL);
    Opened {
        message: Message {
            header: header(&Lines::of(&text, &delimiters), delimiters, Charset::Ascii),
            charset: Charset::Ascii,
            charset_assumed: false,
        },
        delimiters,
        lines: Err(problem),
    }
}

fn header(lines: &Lines, delimiters: Delimiters, charset: Charset) -> Header {
    match lines.segments(delimiters, charset).first() {
        Some(msh) => Header::read(msh),
        None => Header::empty(),
    }
}

impl Opened {
    pub fn message(&self) -> Message {
        self.message.clone()
    }

    pub fn header(&self) -> &Header {
        &self.message.header
    }

    /// What the message asks of us, or the first thing that is wrong with it.
    pub fn event(&self, reading: &Reading<'_>) -> Result<Hl7Event, Hl7Problem> {
        let header = &self.message.header;
        let lines = self.lines.as_ref().map_err(Clone::clone)?;
        check_header(header, reading)?;
        event(
            header,
            &lines.segments(self.delimiters, self.message.charset),
            reading,
        )
    }
}

fn charset_problem(error: &CharsetError) -> Hl7Problem {
    let place = Place::field("MSH", 1, 18);
    match error {
        CharsetError::Unsupported => Hl7Problem::new(
            ErrorCode::TableValueNotFound,
            place,
            format!("{SUPPORTED}, or nothing"),
        ),
        CharsetError::NotAsDeclared(at) => {
            let expected =
                format!("the character set that the message is in; it is another from byte {at} on");
            Hl7Problem::data_type(place, expected)
        }
    }
}

fn check_header(header: &Header, reading: &Reading<'_>) -> Result<(), Hl7Problem> {
    let field = |number| Place::field("MSH", 1, number);
    if header.control_id.is_empty() {
        return Err(Hl7Problem::missing(field(10), "a message control id"));
    }
    if !header.has_safe_control_id() {
        let expected = format!("at most {MAX_CONTROL_ID} printable ASCII characters without delimiters");
        return Err(Hl7Problem::data_type(field(10), expected));
    }
    if header.version.is_empty() {
        return Err(Hl7Problem::missing(
            field(12),
            "the version of HL7, such as 2.5.1",
        ));
    }
    if !VERSIONS.contains(&header.version.as_str()) {
        let expected = "a version from 2.1 to 2.9.1";
        return Err(Hl7Problem::new(
            ErrorCode::UnsupportedVersion,
            field(12),
            expected,
        ));
    }
    let known = reading.processing_ids.contains(&header.processing_id);
    if !header.processing_id.is_empty() && !known {
        let expected = format!("one of {}", reading.processing_ids.join(", "));
        return Err(Hl7Problem::new(
            ErrorCode::UnsupportedProcessingId,
            field(11),
            expected,
        ));
    }
    if header.message_type.is_empty() {
        return Err(Hl7Problem::missing(field(9), "a message type, such as ORM^O01"));
    }
    Ok(())
}

/// MSH-7, else when the message arrived. An order's last state depends on it, so nonsense is refused.
fn message_time(header: &Header, reading: &Reading<'_>) -> Result<Timestamp, Hl7Problem> {
    if header.time.is_empty() {
        return Ok(reading.received_at);
    }
    reading.time(&header.time).ok_or_else(|| {
        let place = Place::field("MSH", 1, 7);
        Hl7Problem::data_type(place, "a time as YYYYMMDDHHMMSS, with or without an offset")
    })
}

fn event(header: &Header, segments: &[Segment<'_>], reading: &Reading<'_>) -> Result<Hl7Event, Hl7Problem> {
    if let Some(second) = segments.iter().skip(1).find(|s| s.name == "MSH") {
        let place = Place::segment("MSH", second.sequence);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "one message per frame",
        ));
    }
    let trigger = match header.trigger.as_str() {
        "" => segments
            .iter()
            .find(|s| s.name == "EVN")
            .and_then(|s| s.value(1, 1)),
        said => Some(said.to_owned()),
    };
    let trigger = trigger.unwrap_or_default();
    let at = message_time(header, reading)?;
    match Meaning::of(&header.message_type, &trigger) {
        Some(Meaning::Orders) => orders(segments, reading, at).map(Hl7Event::Orders),
        Some(Meaning::Patient) => patient_event(segments, reading, at).map(Hl7Event::Patient),
        Some(Meaning::Merge) => merges(segments, reading).map(Hl7Event::Merge),
        Some(Meaning::Report) if reading.ai_senders.iter().any(|sender| sender.sent(header)) => {
            vendor_results(segments, header, reading, at).map(Hl7Event::VendorResults)
        }
        Some(Meaning::Person) => person_event(segments, reading, at).map(Hl7Event::Patient),
        Some(Meaning::Report) => reports(segments, reading, at).map(Hl7Event::Report),
        Some(Meaning::Appointment) => appointment_event(header, &trigger, segments, reading, at),
        Some(Meaning::Answer) => answer(segments).map(Hl7Event::Answer),
        None => Ok(Hl7Event::Ignored {
            reason: ignored_because(header, segments),
        }),
    }
}

/// An appointment without an order is somebody else's business.
fn appointment_event(
    header: &Header,
    trigger: &str,
    segments: &[Segment<'_>],
    reading: &Reading<'_>,
    at: Timestamp,
) -> Result<Hl7Event, Hl7Problem> {
    let ignored = |reason| Ok(Hl7Event::Ignored { reason });
    let Some(state) = AppointmentState::of(trigger) else {
        return ignored(ignored_because(header, segments));
    };
    let event = appointment(segments, state, reading, at)?;
    match event.names_order() {
        true => Ok(Hl7Event::Appointment(event)),
        false => ignored(format!("{} names no order", header.kind())),
    }
}

fn ignored_because(header: &Header, segments: &[Segment<'_>]) -> String {
    match segments.iter().any(|s| s.name == "MSA") {
        true => format!("{} is an answer, and nothing here waits for it", header.kind()),
        false => format!("{} changes nothing here", header.kind()),
    }
}
