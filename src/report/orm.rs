//! Asks the RIS for another reading priority: ORM^O01 or OMI^O23 with order control XO. It changes the priority and
//! nothing else: ids, status and procedure go back as they came, and what is not known stays empty.

use tocsin_domain::code::Code;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::worklist::Band;

use super::hl7_build::{Built, Encoder, FieldText, Segment, finish};
use super::hl7_context::{BuildError, Envelope, MessageType, OrderContext, entity, obr, pid, pv1, quantity};
use super::site_profile::{OrderMessage, PriorityField, PriorityProfile, PriorityValue, Version};
use super::text::headline;

const REASON_SYSTEM: &str = "99TOCSIN";

/// What the order's priority is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPriority<'a> {
    Raised(Band),
    /// The value it had before, as the site wrote it.
    Restored(&'a str),
}

/// A change of priority with its reason, for machines and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityChange<'a> {
    pub to: NewPriority<'a>,
    pub reason: Reason,
    /// NTE-3: one sentence.
    pub sentence: String,
}

/// ORC-16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub code: String,
    pub text: String,
}

impl Reason {
    pub fn suspected(finding: &Code) -> Self {
        Self {
            code: format!("AI-{}", finding.code),
            text: format!("AI suspected: {}", finding.display),
        }
    }

    pub fn withdrawn() -> Self {
        Self {
            code: "AI-WITHDRAWN".into(),
            text: "AI result withdrawn".into(),
        }
    }
}

impl PriorityChange<'_> {
    /// For a result with a finding above its operating point; `None` when nothing is flagged.
    pub fn raised(to: Band, record: &ResultRecord) -> Option<Self> {
        let finding = record.findings.iter().find(|f| f.flagged)?;
        Some(Self {
            to: NewPriority::Raised(to),
            reason: Reason::suspected(&finding.code),
            sentence: format!("AI triage: {}. Unverified.", headline(record)),
        })
    }
}

impl<'a> PriorityChange<'a> {
    pub fn restored(to: &'a str) -> Self {
        Self {
            to: NewPriority::Restored(to),
            reason: Reason::withdrawn(),
            sentence: "AI result withdrawn; original priority restored.".into(),
        }
    }
}

/// The message that the site's profile asks for.
pub fn change_priority(
    order: &OrderContext,
    change: &PriorityChange<'_>,
    envelope: &Envelope<'_>,
) -> Result<Built, BuildError> {
    if order.placer.is_none() && order.filler.is_none() {
        return Err(BuildError::NoOrderNumber);
    }
    let mut encoder = envelope.encoder();
    let encoder = &mut encoder;
    let kind = message_type(envelope.profile.order_message);
    let priority = priority_value(&envelope.profile.priority, change.to);
    let mut segments = vec![
        envelope.msh(&kind, envelope.profile.application_answers.order, encoder),
        pid(order, encoder),
    ];
    segments.extend(pv1(order, encoder));
    segments.push(orc(order, change, &priority, envelope, encoder));
    if kind.code == "OMI" && has(envelope, PriorityField::Tq1) {
        segments.push(tq1(&priority, encoder));
    }
    let obr = obr(order, envelope, kind.code, encoder)?;
    segments.push(with_priority(obr, &priority, envelope, encoder));
    segments.push(note(&change.sentence, encoder));
    match envelope.profile.order_message {
        OrderMessage::Omi => segments.push(ipc(order, encoder)?),
        OrderMessage::Orm => segments.extend(zds(order, envelope, encoder)),
    }
    Ok(finish(&segments, encoder))
}

fn message_type(message: OrderMessage) -> MessageType {
    match message {
        OrderMessage::Orm => MessageType {
            code: "ORM",
            trigger: "O01",
            structure: "ORM_O01",
        },
        OrderMessage::Omi => MessageType {
            code: "OMI",
            trigger: "O23",
            structure: "OMI_O23",
        },
    }
}

fn priority_value(profile: &PriorityProfile, to: NewPriority<'_>) -> PriorityValue {
    let ours = [&profile.critical, &profile.urgent, &profile.routine];
    match to {
        NewPriority::Raised(Band::Critical) => profile.critical.clone(),
        NewPriority::Raised(Band::Urgent) => profile.urgent.clone(),
        NewPriority::Raised(Band::Routine) => profile.routine.clone(),
        NewPriority::Restored(code) => PriorityValue {
            code: code.to_owned(),
            text: ours
                .into_iter()
                .find(|v| v.code == code)
                .map_or(String::new(), |v| v.text.clone()),
        },
    }
}

/// Whether the site wants the priority in this field and the version has it: ORC-7, OBR-27 and OBR-5 are withdrawn in
/// 2.7, TQ1 came with 2.5.
fn has(envelope: &Envelope<'_>, field: PriorityField) -> bool {
    let version = envelope.version();
    let in_version = match field {
        PriorityField::Tq1 => version >= Version::V25,
        PriorityField::Orc7 | PriorityField::Obr27 | PriorityField::Obr5 => version < Version::V27,
    };
    in_version && envelope.profile.priority.fields.contains(&field)
}

/// TQ: quantity one, and the priority in its sixth component.
fn timing(priority: &PriorityValue, encoder: &mut Encoder) -> FieldText {
    encoder.components(&["1", "", "", "", "", &priority.code])
}

fn orc(
    order: &OrderContext,
    change: &PriorityChange<'_>,
    priority: &PriorityValue,
    envelope: &Envelope<'_>,
    encoder: &mut Encoder,
) -> Segment {
    let reason = &change.reason;
    let entered_by = &envelope.parties.sending_application;
    let segment = Segment::new("ORC")
        .set(1, encoder.text("XO"))
        .set(2, entity(&order.placer, encoder))
        .set(3, entity(&order.filler, encoder))
        .set(5, encoder.text(order.status.as_deref().unwrap_or("")))
        .set(9, encoder.text(&envelope.time(envelope.at)))
        .set(10, encoder.components(&[entered_by, "Orchestrator"]))
        .set(
            16,
            encoder.components(&[&reason.code, &reason.text, REASON_SYSTEM]),
        );
    match has(envelope, PriorityField::Orc7) {
        true => segment.set(7, timing(priority, encoder)),
        false => segment.set(7, quantity(envelope, encoder)),
    }
}

fn with_priority(
    mut obr: Segment,
    priority: &PriorityValue,
    envelope: &Envelope<'_>,
    encoder: &mut Encoder,
) -> Segment {
    if has(envelope, PriorityField::Obr5) {
        obr = obr.set(5, encoder.text(&priority.code));
    }
    if has(envelope, PriorityField::Obr27) {
        obr = obr.set(27, timing(priority, encoder));
    }
    obr
}

fn tq1(priority: &PriorityValue, encoder: &mut Encoder) -> Segment {
    let system = if priority.text.is_empty() { "" } else { "HL70485" };
    Segment::new("TQ1")
        .set(1, encoder.text("1"))
        .set(9, encoder.components(&[&priority.code, &priority.text, system]))
}

fn note(sentence: &str, encoder: &mut Encoder) -> Segment {
    Segment::new("NTE")
        .set(1, encoder.text("1"))
        .set(2, encoder.text("L"))
        .set(3, encoder.lines(sentence))
}

/// IPC-1 to IPC-4 are required. Ids that the site never told stay empty: an invented one would change the order.
fn ipc(order: &OrderContext, encoder: &mut Encoder) -> Result<Segment, BuildError> {
    let uid = order
        .study_uid
        .as_ref()
        .ok_or(BuildError::NoStudyUid("OMI^O23"))?;
    let said = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut segment = Segment::new("IPC")
        .set(1, encoder.text(&said(&order.accession)))
        .set(2, encoder.text(&said(&order.requested_procedure_id)))
        .set(3, encoder.components(&[uid.as_str(), "", uid.as_str(), "ISO"]))
        .set(4, encoder.text(&said(&order.scheduled_step_id)));
    if let Some(modality) = &order.modality {
        segment = segment.set(5, encoder.components(&[modality, "", "DCM"]));
    }
    Ok(segment)
}

/// IHE's segment of 2.3.1.
fn zds(order: &OrderContext, envelope: &Envelope<'_>, encoder: &mut Encoder) -> Option<Segment> {
    let uid = order.study_uid.as_ref()?;
    let authority = &envelope.parties.sending_application;
    let value = encoder.components(&[uid.as_str(), authority, "Application", "DICOM"]);
    Some(Segment::new("ZDS").set(1, value))
}
