//! Imaging orders and patients, as HL7 messages tell of them; and how one event changes what is known.
//! `None` in an event means "not said" and never deletes.

use std::collections::BTreeMap;

use chrono::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::Uid;
use crate::phi::{Demographics, PatientIdentifier, Phi};

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
    pub at: Timestamp,
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

/// Whether an order still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    Placed,
    Completed,
    Cancelled,
}

/// What is known of an order after all events so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    pub state: OrderState,
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
    pub procedure: Procedure,
    pub modality: Option<String>,
    #[serde(default)]
    pub body_part: Option<String>,
    #[serde(default)]
    pub contrast: Option<Contrast>,
    pub requested_procedure_id: Option<String>,
    pub scheduled_step_id: Option<String>,
    pub priority: Option<String>,
    pub status: Option<String>,
    pub patient_class: Option<String>,
    pub location: Option<String>,
    pub visit: Option<String>,
    pub ordering_provider: Option<String>,
    pub clinical_information: Option<Phi<String>>,
    /// When the procedure is to begin.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// The time of the newest event that was applied.
    pub at: Timestamp,
    /// When each field was last said, by field name.
    #[serde(default)]
    pub stamps: BTreeMap<String, Timestamp>,
}

impl OrderRecord {
    /// The record that a first event makes; a cancel that comes before its order makes a cancelled order.
    pub fn first(event: &OrderEvent) -> Self {
        let blank = Self {
            state: OrderState::Placed,
            placer: None,
            filler: None,
            accession: None,
            study_uid: None,
            procedure: Procedure::default(),
            modality: None,
            body_part: None,
            contrast: None,
            requested_procedure_id: None,
            scheduled_step_id: None,
            priority: None,
            status: None,
            patient_class: None,
            location: None,
            visit: None,
            ordering_provider: None,
            clinical_information: None,
            scheduled_at: None,
            at: event.at,
            stamps: BTreeMap::from([("state".to_owned(), DateTime::UNIX_EPOCH)]),
        };
        blank.apply(event)
    }

    /// Folds an event in. Each field keeps the newest thing that was said of it, by the time of the message and not of its
    /// arrival, so that messages which overtake one another end in the same record.
    pub fn apply(mut self, event: &OrderEvent) -> Self {
        let mut fold = Fold {
            stamps: std::mem::take(&mut self.stamps),
            known_at: self.at,
            said_at: event.at,
        };
        fold.pick("accession", &mut self.accession, &event.accession);
        fold.pick("modality", &mut self.modality, &event.modality);
        fold.pick("body_part", &mut self.body_part, &event.body_part);
        fold.pick("contrast", &mut self.contrast, &event.contrast);
        fold.pick(
            "requested_procedure_id",
            &mut self.requested_procedure_id,
            &event.requested_procedure_id,
        );
        fold.pick(
            "scheduled_step_id",
            &mut self.scheduled_step_id,
            &event.scheduled_step_id,
        );
        fold.pick("visit", &mut self.visit, &event.patient.visit);
        fold.pick("priority", &mut self.priority, &event.priority);
        fold.pick("status", &mut self.status, &event.status);
        fold.pick(
            "patient_class",
            &mut self.patient_class,
            &event.patient.patient_class,
        );
        fold.pick("location", &mut self.location, &event.patient.location);
        fold.pick(
            "ordering_provider",
            &mut self.ordering_provider,
            &event.ordering_provider,
        );
        fold.pick(
            "clinical_information",
            &mut self.clinical_information,
            &event.clinical_information,
        );
        fold.pick("scheduled_at", &mut self.scheduled_at, &event.scheduled_at);
        fold.pick("placer", &mut self.placer, &event.placer);
        fold.pick("filler", &mut self.filler, &event.filler);
        fold.pick("study_uid", &mut self.study_uid, &event.study_uid);
        let mut procedure = Some(self.procedure).filter(|p| *p != Procedure::default());
        fold.pick("procedure", &mut procedure, &event.procedure);
        self.procedure = procedure.unwrap_or_default();
        let mut state = Some(self.state);
        fold.pick("state", &mut state, &event.state());
        self.state = state.unwrap_or(OrderState::Placed);
        self.stamps = fold.stamps;
        self.at = self.at.max(event.at);
        self
    }
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

/// One event on its way into a record.
struct Fold {
    stamps: BTreeMap<String, Timestamp>,
    known_at: Timestamp,
    said_at: Timestamp,
}

impl Fold {
    fn pick<T: Clone>(&mut self, field: &str, known: &mut Option<T>, said: &Option<T>) {
        if said.is_none() {
            return;
        }
        let known_at = match known {
            Some(_) => Some(self.stamps.get(field).copied().unwrap_or(self.known_at)),
            None => None,
        };
        if known_at.is_none_or(|at| self.said_at >= at) {
            known.clone_from(said);
            self.stamps.insert(field.to_owned(), self.said_at);
        }
    }
}
