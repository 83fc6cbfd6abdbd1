//! Imaging orders and patients, as HL7 messages tell of them; and how one event changes what is known.
//! `None` in an event means "not said" and never deletes.

mod record;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::AnswerEvent;
use crate::appointment::AppointmentEvent;
use crate::clock::Timestamp;
use crate::ids::Uid;
use crate::phi::{Demographics, PatientIdentifier, Phi};
use crate::vendor::Told;

pub use self::record::{OrderRecord, OrderState};

/// What a stored message asks of us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Hl7Event {
    /// ORM^O01, OMI^O23, OMG^O19: one or more orders of one patient.
    Orders(Vec<OrderEvent>),
    /// ADT^A01, A04, A08 and the like.
    Patient(PatientEvent),
    /// ADT^A40 (A18, A34): several merges may share one message.
    Merge(Vec<PatientMerge>),
    /// ORU^R01: a report by a radiologist.
    Report(Vec<ReportEvent>),
    /// ORU^R01: results of another vendor's product, from a sender that is configured as one.
    VendorResults(Vec<SentResult>),
    /// SIU^S12 and the like: when an order is to be carried out.
    Appointment(AppointmentEvent),
    /// ORR, ORI, ORG or ACK: an application's answer to a message of ours.
    Answer(AnswerEvent),
    /// Well-formed, stored, and of no use here.
    Ignored { reason: String },
}

/// ORC-1 (table 0119), as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderControl {
    New,
    Change,
    Cancel,
    Discontinue,
    /// `SC`: a status only.
    Status,
    /// Anything else; kept for the reader, changes nothing but demographics.
    Other,
}

/// An entity identifier (EI): a number and who assigned it. Compared as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct EntityId {
    pub number: String,
    pub namespace: String,
}

/// A coded service, OBR-4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Procedure {
    pub code: String,
    pub text: String,
    pub system: String,
}

/// Whether contrast agent is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    With,
    Without,
    /// First without, then with.
    Both,
}

impl Contrast {
    pub fn text(self) -> &'static str {
        match self {
            Self::With => "with",
            Self::Without => "without",
            Self::Both => "both",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderEvent {
    pub control: OrderControl,
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
    pub procedure: Option<Procedure>,
    pub modality: Option<String>,
    /// What the site's profile says of the procedure's code: a defined term of Body Part Examined.
    #[serde(default)]
    pub body_part: Option<String>,
    #[serde(default)]
    pub contrast: Option<Contrast>,
    /// IPC-2 or OBR-19; sent back unchanged with a change of priority.
    pub requested_procedure_id: Option<String>,
    /// IPC-4 or OBR-20.
    pub scheduled_step_id: Option<String>,
    /// As sent: `S`, `A`, `R`, `STAT`, … ; the site's map makes a band of it.
    pub priority: Option<String>,
    /// ORC-5, table 0038.
    pub status: Option<String>,
    pub patient: PatientEvent,
    pub ordering_provider: Option<String>,
    pub clinical_information: Option<Phi<String>>,
    /// When the procedure is to begin.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// MSH-7, or when the message arrived; orders later events before earlier ones.
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatientEvent {
    /// The identifier of the configured authority, else the first.
    pub identifier: Option<PatientIdentifier>,
    pub demographics: Demographics,
    /// PV1-2.
    pub patient_class: Option<String>,
    /// PV1-3, `point^room^bed^facility`.
    pub location: Option<String>,
    /// PV1-19, the visit number.
    pub visit: Option<String>,
    /// What the message says to delete (`""`), which is not the same as saying nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<PatientField>,
    pub at: Timestamp,
}

/// What a message may delete of a patient or a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatientField {
    Name,
    BirthDate,
    Sex,
    PatientClass,
    Location,
    Visit,
}

impl PatientEvent {
    pub fn deletes(&self, field: PatientField) -> bool {
        self.deleted.contains(&field)
    }

    /// Whether anything is said of the visit.
    pub fn speaks_of_visit(&self) -> bool {
        let fields = [
            PatientField::PatientClass,
            PatientField::Location,
            PatientField::Visit,
        ];
        self.patient_class.is_some()
            || self.location.is_some()
            || self.visit.is_some()
            || fields.into_iter().any(|field| self.deletes(field))
    }
}

/// MRG-1 goes, PID-3 stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientMerge {
    pub survivor: PatientIdentifier,
    pub survivor_demographics: Demographics,
    pub retired: Vec<PatientIdentifier>,
}

/// Result status of OBR-25 (table 0123), ranked as interop practice ranks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    NoText,
    Preliminary,
    Final,
    Amended,
    Retracted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportEvent {
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
    pub status: ReportStatus,
    pub text: Phi<String>,
    pub radiologist: Option<String>,
    pub patient: PatientEvent,
    pub at: Timestamp,
}

/// What a product said, and the application that sent it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentResult {
    /// MSH-3 and MSH-4.
    pub application: String,
    pub facility: String,
    pub told: Told,
}

impl OrderEvent {
    /// What the event says of the order's standing. A cancelled order stays cancelled until a later event places it again.
    fn state(&self) -> Option<OrderState> {
        match self.control {
            OrderControl::Cancel | OrderControl::Discontinue => Some(OrderState::Cancelled),
            OrderControl::New => Some(OrderState::Placed),
            OrderControl::Change | OrderControl::Status | OrderControl::Other => match self.status.as_deref()
            {
                Some("CM") => Some(OrderState::Completed),
                Some("CA" | "DC") => Some(OrderState::Cancelled),
                Some(_) | None => None,
            },
        }
    }
}
