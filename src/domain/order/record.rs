//! What is known of an order after all messages about it: each field keeps the newest thing that was said of it.

use std::collections::BTreeMap;

use chrono::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contrast, EntityId, OrderEvent, PatientEvent, PatientField, Procedure};
use crate::appointment::{AppointmentEvent, AppointmentState, Scheduled};
use crate::clock::Timestamp;
use crate::ids::Uid;
use crate::phi::Phi;

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
    /// How the last appointment of the order stands.
    #[serde(default)]
    pub appointment: Option<AppointmentState>,
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
            appointment: None,
            at: event.at,
            stamps: BTreeMap::from([("state".to_owned(), DateTime::UNIX_EPOCH)]),
        };
        blank.apply(event)
    }

    /// Folds an event in. Each field keeps the newest thing that was said of it, by the time of the message and not of its
    /// arrival, so that messages which overtake one another end in the same record.
    pub fn apply(mut self, event: &OrderEvent) -> Self {
        let mut fold = self.fold(event.at);
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
        fold.visit(
            [&mut self.patient_class, &mut self.location, &mut self.visit],
            &event.patient,
        );
        fold.pick("priority", &mut self.priority, &event.priority);
        fold.pick("status", &mut self.status, &event.status);
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

    /// Folds in what a message about the patient says of the visit that the order belongs to.
    pub fn visited(mut self, event: &PatientEvent) -> Self {
        let mut fold = self.fold(event.at);
        fold.visit(
            [&mut self.patient_class, &mut self.location, &mut self.visit],
            event,
        );
        self.stamps = fold.stamps;
        self
    }

    /// Folds in an appointment. Whether the order stands does not change.
    pub fn scheduled(mut self, event: &AppointmentEvent) -> Self {
        let mut fold = self.fold(event.at);
        match event.scheduled() {
            Scheduled::At(at) => fold.pick("scheduled_at", &mut self.scheduled_at, &Some(at)),
            Scheduled::Never => fold.delete("scheduled_at", &mut self.scheduled_at),
            Scheduled::Unsaid => {}
        }
        fold.pick("appointment", &mut self.appointment, &Some(event.state));
        self.stamps = fold.stamps;
        self
    }

    /// Whether what is said of a visit concerns this order: it is open, and not known to belong to another visit.
    pub fn belongs_to_visit(&self, event: &PatientEvent) -> bool {
        let other = matches!((&self.visit, &event.visit), (Some(ours), Some(theirs)) if ours != theirs);
        self.state == OrderState::Placed && !other
    }

    fn fold(&mut self, said_at: Timestamp) -> Fold {
        Fold {
            stamps: std::mem::take(&mut self.stamps),
            known_at: self.at,
            said_at,
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
            // Nothing was ever said, or it was deleted.
            None => self.stamps.get(field).copied(),
        };
        if known_at.is_none_or(|at| self.said_at >= at) {
            known.clone_from(said);
            self.stamps.insert(field.to_owned(), self.said_at);
        }
    }

    /// Forgets a field, unless something newer was said of it. The stamp stays, so that nothing older brings it back.
    fn delete<T>(&mut self, field: &str, known: &mut Option<T>) {
        if self.stamps.get(field).is_none_or(|at| self.said_at >= *at) {
            *known = None;
            self.stamps.insert(field.to_owned(), self.said_at);
        }
    }

    /// Patient class, location and visit number, in this order.
    fn visit(&mut self, known: [&mut Option<String>; 3], said: &PatientEvent) {
        let all = [
            ("patient_class", PatientField::PatientClass, &said.patient_class),
            ("location", PatientField::Location, &said.location),
            ("visit", PatientField::Visit, &said.visit),
        ];
        for (known, (name, field, value)) in known.into_iter().zip(all) {
            match said.deletes(field) {
                true => self.delete(name, known),
                false => self.pick(name, known, value),
            }
        }
    }
}
