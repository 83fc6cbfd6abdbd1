//! Answers to HL7 messages, at once or later: a general ACK, or the response of an order's own kind (ORR, ORI, ORG). The reason
//! stands in ERR from 2.5 on and in MSA-3 before 2.8. An answer repeats addresses, control id, MSH-11, MSH-12 and the
//! numbers of the orders; nothing that names a patient.

use serde::{Deserialize, Serialize};
use tocsin_domain::answer::{Condition, Fate};
use tocsin_domain::order::{OrderControl, OrderEvent};

use super::hl7_build::{Built, Encoder, Segment, finish};
use super::hl7_charset::Charset;
use super::hl7_context::entity;
use super::hl7_problem::Hl7Problem;
use super::read_profile::AnswerForm;

/// MSA-3 holds this many characters (ST 80 up to 2.5.1).
const MAX_TEXT: usize = 80;

/// What an answer repeats of the message that it answers; kept where the answer comes later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerTo {
    pub our_application: String,
    pub our_facility: String,
    pub their_application: String,
    pub their_facility: String,
    pub message_type: String,
    pub trigger: String,
    pub control_id: String,
    pub processing_id: String,
    /// One that we know.
    pub version: String,
    pub charset: Charset,
    /// Whether the message has MSH-18, so that the answer does too.
    pub says_charset: bool,
}

/// An application's answer that was asked for and comes later: what will be needed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub to: AnswerTo,
    /// MSH-16.
    pub wants: Condition,
    pub form: AnswerForm,
    /// What was wrong with the message when it came.
    pub problem: Option<Hl7Problem>,
}

/// Whether the answer asks for one in turn (MSH-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// An answer of the original mode.
    Unsaid,
    Never,
    /// It is sent again until its receiver has it.
    Always,
}

/// What an answer says.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    pub form: AnswerForm,
    pub commit: Commit,
    /// MSA-1.
    pub code: &'a str,
    pub problem: Option<&'a Hl7Problem>,
    /// The orders that a response of their kind repeats.
    pub orders: &'a [OrderEvent],
}

/// When, and under which control id.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    pub control_id: &'a str,
    /// As HL7 writes it.
    pub time: &'a str,
}

pub fn answer(to: &AnswerTo, content: &Content<'_>, stamp: Stamp<'_>) -> Built {
    let mut encoder = Encoder::new(to.charset);
    let kind = Kind::of(to, content);
    let mut segments = vec![
        msh(to, kind, content.commit, stamp, &mut encoder),
        msa(to, content, &mut encoder),
    ];
    segments.extend(content.problem.map(|problem| err(to, problem, &mut encoder)));
    let fate = match content.problem {
        None => Fate::Done,
        Some(_) => Fate::Failed,
    };
    if let Kind::OfOrder { code, .. } = kind {
        for order in content.orders {
            segments.extend(response(to, code, order, fate, &mut encoder));
        }
    }
    finish(&segments, &encoder)
}

/// MSH-9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    General,
    OfOrder {
        code: &'static str,
        trigger: &'static str,
        structure: &'static str,
    },
}

impl Kind {
    /// A response of the order's kind, where the site wants one and all that it requires is known.
    fn of(to: &AnswerTo, content: &Content<'_>) -> Self {
        let (code, trigger, structure) = match (content.form, to.message_type.as_str()) {
            (AnswerForm::General, _) => return Self::General,
            (AnswerForm::Order, "ORM") => ("ORR", "O02", "ORR_O02"),
            (AnswerForm::Order, "OMI") => ("ORI", "O24", "ORI_O24"),
            (AnswerForm::Order, "OMG") => ("ORG", "O20", "ORG_O20"),
            (AnswerForm::Order, _) => return Self::General,
        };
        let whole = |order: &OrderEvent| code != "ORI" || is_whole(order);
        match content.orders.iter().all(whole) {
            true => Self::OfOrder {
                code,
                trigger,
                structure,
            },
            false => Self::General,
        }
    }
}

/// Whether all is known that IPC requires: an ORI without it would be another fault.
fn is_whole(order: &OrderEvent) -> bool {
    order.accession.is_some()
        && order.requested_procedure_id.is_some()
        && order.study_uid.is_some()
        && order.scheduled_step_id.is_some()
        && order.procedure.is_some()
}

/// MSH-9 in the parts that the version has.
fn message_type(
    version: &str,
    kind: Kind,
    trigger: &str,
    encoder: &mut Encoder,
) -> super::hl7_build::FieldText {
    let (code, trigger, structure) = match kind {
        Kind::General => ("ACK", trigger, "ACK"),
        Kind::OfOrder {
            code,
            trigger,
            structure,
        } => (code, trigger, structure),
    };
    match version {
        "2.1" | "2.2" if kind == Kind::General => encoder.text(code),
        "2.1" | "2.2" | "2.3" | "2.3.1" | "2.3.2" | "2.4" => encoder.components(&[code, trigger]),
        _ => encoder.components(&[code, trigger, structure]),
    }
}

fn msh(to: &AnswerTo, kind: Kind, commit: Commit, stamp: Stamp<'_>, encoder: &mut Encoder) -> Segment {
    let kind = message_type(&to.version, kind, &to.trigger, encoder);
    let (accept, application) = match commit {
        Commit::Unsaid => ("", ""),
        Commit::Never => ("NE", "NE"),
        Commit::Always => ("AL", "NE"),
    };
    let charset = if to.says_charset {
        encoder.charset().name()
    } else {
        ""
    };
    Segment::new("MSH")
        .set(3, encoder.text(&to.our_application))
        .set(4, encoder.text(&to.our_facility))
        .set(5, encoder.text(&to.their_application))
        .set(6, encoder.text(&to.their_facility))
        .set(7, encoder.text(stamp.time))
        .set(9, kind)
        .set(10, encoder.text(stamp.control_id))
        .set(11, encoder.text(&to.processing_id))
        .set(12, encoder.text(&to.version))
        .set(15, encoder.text(accept))
        .set(16, encoder.text(application))
        .set(18, encoder.text(charset))
}

fn msa(to: &AnswerTo, content: &Content<'_>, encoder: &mut Encoder) -> Segment {
    let text = match content.problem {
        Some(problem) if to.version.as_str() < "2.8" => problem.to_string(),
        Some(_) | None => String::new(),
    };
    let short: String = text.chars().take(MAX_TEXT).collect();
    Segment::new("MSA")
        .set(1, encoder.text(content.code))
        .set(2, encoder.text(&to.control_id))
        .set(3, encoder.text(&short))
}

/// Before 2.5 there is ERR-1 alone, `segment^sequence^field^code`.
fn err(to: &AnswerTo, problem: &Hl7Problem, encoder: &mut Encoder) -> Segment {
    let place = &problem.place;
    let number = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    let [sequence, field] = [number(place.sequence), number(place.field)];
    let [repetition, component] = [number(place.repetition), number(place.component)];
    let code = problem.code;
    if to.version.as_str() < "2.5" {
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

/// ORC-1 of a response (table 0119).
fn response_control(asked: OrderControl, fate: Fate) -> &'static str {
    match (asked, fate) {
        (OrderControl::New | OrderControl::Other, Fate::Done) => "OK",
        (OrderControl::New | OrderControl::Other, Fate::Failed) => "UA",
        (OrderControl::Change, Fate::Done) => "XR",
        (OrderControl::Change, Fate::Failed) => "UX",
        (OrderControl::Cancel, Fate::Done) => "CR",
        (OrderControl::Cancel, Fate::Failed) => "UC",
        (OrderControl::Discontinue, Fate::Done) => "DR",
        (OrderControl::Discontinue, Fate::Failed) => "UD",
        (OrderControl::Status, _) => "SC",
    }
}

/// The segments of one order: ORC, and OBR and IPC as far as the order said them.
fn response(
    to: &AnswerTo,
    code: &str,
    order: &OrderEvent,
    fate: Fate,
    encoder: &mut Encoder,
) -> Vec<Segment> {
    // 2.3 requires ORC-7 and OBR-27; later versions have them at will or not at all.
    let timing = match to.version.as_str() {
        "2.3" => encoder.components(&["1", "", "", "", "", order.priority.as_deref().unwrap_or_default()]),
        _ => encoder.text(""),
    };
    let mut segments = vec![
        Segment::new("ORC")
            .set(1, encoder.text(response_control(order.control, fate)))
            .set(2, entity(&order.placer, encoder))
            .set(3, entity(&order.filler, encoder))
            .set(7, timing.clone()),
    ];
    let Some(procedure) = &order.procedure else {
        return segments;
    };
    let coded = [procedure.code.as_str(), &procedure.text, &procedure.system];
    segments.push(
        Segment::new("OBR")
            .set(1, encoder.text("1"))
            .set(2, entity(&order.placer, encoder))
            .set(3, entity(&order.filler, encoder))
            .set(4, encoder.components(&coded))
            .set(27, timing),
    );
    if code == "ORI" {
        let said = |value: &Option<String>| value.clone().unwrap_or_default();
        let uid = order
            .study_uid
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        segments.push(
            Segment::new("IPC")
                .set(1, encoder.text(&said(&order.accession)))
                .set(2, encoder.text(&said(&order.requested_procedure_id)))
                .set(3, encoder.components(&[&uid, "", &uid, "ISO"]))
                .set(4, encoder.text(&said(&order.scheduled_step_id))),
        );
    }
    segments
}
