//! What the HL7 outputs repeat of an order and its patient, and the segments that say it: MSH, PID, PV1, OBR.
//! They state what is known and leave the rest empty, which HL7 reads as "no change"; they never delete.

use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::Uid;
use tocsin_domain::order::{EntityId, OrderRecord, Procedure};
use tocsin_domain::phi::{Demographics, PatientIdentifier};

use super::hl7_build::{Encoder, Segment, name_parts, time};
use super::site_profile::{AcknowledgementMode, ApplicationAnswer, SendProfile, Version};

/// The order a message is about, as the site's own messages told it.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderContext {
    pub patient: PatientIdentifier,
    pub demographics: Demographics,
    pub patient_class: Option<String>,
    /// `point^room^bed^facility`.
    pub location: Option<String>,
    pub visit: Option<String>,
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
    pub procedure: Procedure,
    pub modality: Option<String>,
    pub requested_procedure_id: Option<String>,
    pub scheduled_step_id: Option<String>,
    /// ORC-5.
    pub status: Option<String>,
    /// When the study was made.
    pub study_time: Option<Timestamp>,
}

impl OrderContext {
    pub fn of(order: &OrderRecord, patient: PatientIdentifier, demographics: Demographics) -> Self {
        Self {
            patient,
            demographics,
            patient_class: order.patient_class.clone(),
            location: order.location.clone(),
            visit: order.visit.clone(),
            placer: order.placer.clone(),
            filler: order.filler.clone(),
            accession: order.accession.clone(),
            study_uid: order.study_uid.clone(),
            procedure: order.procedure.clone(),
            modality: order.modality.clone(),
            requested_procedure_id: order.requested_procedure_id.clone(),
            scheduled_step_id: order.scheduled_step_id.clone(),
            status: order.status.clone(),
            study_time: None,
        }
    }
}

/// Who writes to whom: MSH-3 to MSH-6 and MSH-11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    pub sending_application: String,
    pub sending_facility: String,
    pub receiving_application: String,
    pub receiving_facility: String,
    /// `P`, `T` or `D`.
    pub processing_id: String,
}

/// What a message needs besides its content.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    pub profile: &'a SendProfile,
    pub parties: &'a Parties,
    /// MSH-10; the same for every repetition of the same message.
    pub control_id: &'a str,
    pub at: Timestamp,
    pub zone: Tz,
}

/// Why a message cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("the order has no procedure, and {0} requires one in OBR-4")]
    NoProcedure(&'static str),
    #[error("the order has neither a placer nor a filler number, and a change of it must name one")]
    NoOrderNumber,
    #[error("the study has no Study Instance UID, and {0} must name it")]
    NoStudyUid(&'static str),
}

/// MSH-9.
pub(super) struct MessageType {
    pub code: &'static str,
    pub trigger: &'static str,
    pub structure: &'static str,
}

impl Envelope<'_> {
    pub(super) fn version(&self) -> Version {
        self.profile.version
    }

    pub(super) fn encoder(&self) -> Encoder {
        Encoder::new(self.profile.charset.0)
    }

    pub(super) fn time(&self, at: Timestamp) -> String {
        time(at, self.zone, self.version())
    }

    pub(super) fn msh(
        &self,
        kind: &MessageType,
        answer: ApplicationAnswer,
        encoder: &mut Encoder,
    ) -> Segment {
        let parties = self.parties;
        let structure = if self.version() >= Version::V25 {
            kind.structure
        } else {
            ""
        };
        let (accept, application) = match (self.profile.acknowledgement, answer) {
            (AcknowledgementMode::Original, _) => ("", ""),
            (AcknowledgementMode::Enhanced, answer) => ("AL", answer.text()),
        };
        let charset = encoder.charset().name();
        Segment::new("MSH")
            .set(3, encoder.text(&parties.sending_application))
            .set(4, encoder.text(&parties.sending_facility))
            .set(5, encoder.text(&parties.receiving_application))
            .set(6, encoder.text(&parties.receiving_facility))
            .set(7, encoder.text(&self.time(self.at)))
            .set(9, encoder.components(&[kind.code, kind.trigger, structure]))
            .set(10, encoder.text(self.control_id))
            .set(11, encoder.text(&parties.processing_id))
            .set(12, encoder.text(self.version().text()))
            .set(15, encoder.text(accept))
            .set(16, encoder.text(application))
            .set(18, encoder.text(charset))
    }
}

pub(super) fn pid(order: &OrderContext, encoder: &mut Encoder) -> Segment {
    let said = |value: &Option<tocsin_domain::phi::Phi<String>>| {
        value.as_ref().map_or(String::new(), |v| v.expose().clone())
    };
    let patient = &order.patient;
    Segment::new("PID")
        .set(1, encoder.text("1"))
        .set(
            3,
            encoder.components(&[&patient.value, "", "", &patient.authority, "MR"]),
        )
        .set(5, encoder.components(&name_parts(&order.demographics)))
        .set(7, encoder.text(&said(&order.demographics.birth_date)))
        .set(8, encoder.text(&said(&order.demographics.sex)))
}

/// PV1-2 is required, so without a class (unknown is `U`) the segment is left out when nothing else is known either.
pub(super) fn pv1(order: &OrderContext, encoder: &mut Encoder) -> Option<Segment> {
    if order.patient_class.is_none() && order.location.is_none() && order.visit.is_none() {
        return None;
    }
    let location: Vec<&str> = order.location.as_deref().unwrap_or("").split('^').collect();
    let segment = Segment::new("PV1")
        .set(1, encoder.text("1"))
        .set(2, encoder.text(order.patient_class.as_deref().unwrap_or("U")))
        .set(3, encoder.components(&location))
        .set(19, encoder.text(order.visit.as_deref().unwrap_or("")));
    Some(segment)
}

/// ORC-7 and OBR-27 where nothing is said of a priority: 2.3 requires a quantity there, later versions nothing.
pub(super) fn quantity(envelope: &Envelope<'_>, encoder: &mut Encoder) -> super::hl7_build::FieldText {
    match envelope.version() {
        Version::V23 => encoder.text("1"),
        Version::V231
        | Version::V24
        | Version::V25
        | Version::V251
        | Version::V26
        | Version::V27
        | Version::V28
        | Version::V282 => encoder.text(""),
    }
}

/// The fields of OBR that every message of ours shares. The accession number and the procedure ids stand where IHE put
/// them before 2.5, and many receivers still look there.
pub(super) fn obr(
    order: &OrderContext,
    envelope: &Envelope<'_>,
    message: &'static str,
    encoder: &mut Encoder,
) -> Result<Segment, BuildError> {
    let procedure = &order.procedure;
    if procedure.code.is_empty() && procedure.text.is_empty() {
        return Err(BuildError::NoProcedure(message));
    }
    let said = |value: &Option<String>| value.clone().unwrap_or_default();
    let study_time = order.study_time.map(|t| envelope.time(t)).unwrap_or_default();
    Ok(Segment::new("OBR")
        .set(1, encoder.text("1"))
        .set(2, entity(&order.placer, encoder))
        .set(3, entity(&order.filler, encoder))
        .set(
            4,
            encoder.components(&[&procedure.code, &procedure.text, &procedure.system]),
        )
        .set(7, encoder.text(&study_time))
        .set(18, encoder.text(&said(&order.accession)))
        .set(19, encoder.text(&said(&order.requested_procedure_id)))
        .set(20, encoder.text(&said(&order.scheduled_step_id)))
        .set(24, encoder.text(&said(&order.modality)))
        .set(27, quantity(envelope, encoder)))
}

pub(super) fn entity(id: &Option<EntityId>, encoder: &mut Encoder) -> super::hl7_build::FieldText {
    match id {
        Some(id) => encoder.components(&[&id.number, &id.namespace]),
        None => encoder.text(""),
    }
}
