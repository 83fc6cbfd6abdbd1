//! What a modality worklist (PS3.4 annex K) says of orders, and how it becomes an order's event. Messages win where both
//! speak: what a worklist says counts as older than anything a message said, so it fills what nobody told and changes
//! only what it told itself. An item that is gone takes nothing back.

use std::collections::BTreeMap;

use chrono::DateTime;

use crate::clock::Timestamp;
use crate::ids::Uid;
use crate::order::{EntityId, OrderControl, OrderEvent, OrderRecord, PatientEvent, Procedure};
use crate::phi::{Demographics, PatientIdentifier, Phi};

/// The time of everything that a worklist says.
pub const SAID_BY_WORKLIST: Timestamp = DateTime::UNIX_EPOCH;

/// One scheduled procedure step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduledItem {
    pub patient: Option<PatientIdentifier>,
    pub demographics: Demographics,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub requested_procedure_id: Option<String>,
    pub step_id: Option<String>,
    pub procedure: Option<Procedure>,
    pub modality: Option<String>,
    /// Requested Procedure Priority (0040,1003), as sent.
    pub priority: Option<String>,
    pub begins_at: Option<Timestamp>,
    pub location: Option<String>,
    pub visit: Option<String>,
    pub clinical_information: Option<Phi<String>>,
}

/// Why an item makes no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unusable {
    NoPatient,
    /// Neither an accession number nor a Study Instance UID nor an order number.
    NoNumber,
}

impl Unusable {
    pub fn text(self) -> &'static str {
        match self {
            Self::NoPatient => "without a Patient ID",
            Self::NoNumber => "without an accession number, a Study Instance UID or an order number",
        }
    }
}

/// The events of a whole answer: one for each order, that of its first step; and why other items make none.
pub fn events(items: Vec<ScheduledItem>) -> (Vec<OrderEvent>, Vec<Unusable>) {
    let (mut first, mut unusable) = (BTreeMap::<String, ScheduledItem>::new(), Vec::new());
    for item in items {
        match key(&item) {
            Ok(key) => match first.get(&key) {
                Some(known) if place(known) <= place(&item) => {}
                Some(_) | None => {
                    first.insert(key, item);
                }
            },
            Err(reason) => unusable.push(reason),
        }
    }
    (first.into_values().map(event).collect(), unusable)
}

/// Steps of one requested procedure are of one order.
fn key(item: &ScheduledItem) -> Result<String, Unusable> {
    if item.patient.is_none() {
        return Err(Unusable::NoPatient);
    }
    let entity = |id: &EntityId| format!("{}^{}", id.number, id.namespace);
    let of = |kind: &str, value: Option<String>| value.map(|value| format!("{kind}:{value}"));
    of("study", item.study_uid.as_ref().map(ToString::to_string))
        .or_else(|| of("accession", item.accession.clone()))
        .or_else(|| of("filler", item.filler.as_ref().map(entity)))
        .or_else(|| of("placer", item.placer.as_ref().map(entity)))
        .ok_or(Unusable::NoNumber)
}

/// By time, those without one last; then by number, so that the same answer always gives the same order.
fn place(item: &ScheduledItem) -> (bool, Option<Timestamp>, Option<&String>) {
    (item.begins_at.is_none(), item.begins_at, item.step_id.as_ref())
}

fn event(item: ScheduledItem) -> OrderEvent {
    OrderEvent {
        // It says that the order is there, not that it was placed again: a cancelled one stays cancelled.
        control: OrderControl::Other,
        placer: item.placer,
        filler: item.filler,
        accession: item.accession,
        study_uid: item.study_uid,
        procedure: item.procedure,
        modality: item.modality,
        body_part: None,
        contrast: None,
        requested_procedure_id: item.requested_procedure_id,
        scheduled_step_id: item.step_id,
        priority: item.priority.as_deref().map(priority),
        status: None,
        patient: PatientEvent {
            identifier: item.patient,
            demographics: item.demographics,
            patient_class: None,
            location: item.location,
            visit: item.visit,
            deleted: Vec::new(),
            at: SAID_BY_WORKLIST,
        },
        ordering_provider: None,
        clinical_information: item.clinical_information,
        scheduled_at: item.begins_at,
        at: SAID_BY_WORKLIST,
    }
}

/// DICOM's words for priorities in those of HL7 (table 0485), which the site's map and the RIS know.
fn priority(said: &str) -> String {
    match said.trim().to_ascii_uppercase().as_str() {
        "STAT" => "S".to_owned(),
        "HIGH" => "A".to_owned(),
        "ROUTINE" | "MEDIUM" | "LOW" => "R".to_owned(),
        _ => said.to_owned(),
    }
}

/// Whether no message has ever spoken of an order.
pub fn is_only_scheduled(record: &OrderRecord) -> bool {
    record.at == SAID_BY_WORKLIST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::order::OrderState;

    fn item(accession: &str, step: &str, begins: i64) -> ScheduledItem {
        ScheduledItem {
            patient: Some(PatientIdentifier {
                value: "P1".into(),
                authority: String::new(),
            }),
            accession: Some(accession.into()),
            step_id: Some(step.into()),
            begins_at: Some(from_micros(begins)),
            priority: Some("STAT".into()),
            ..ScheduledItem::default()
        }
    }

    #[test]
    fn steps_of_one_procedure_make_one_order_whatever_their_sequence() {
        let steps = [item("A1", "2", 20), item("A1", "1", 10), item("A2", "3", 5)];
        let (mut events, unusable) = super::events(steps.to_vec());
        assert!(unusable.is_empty());
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].scheduled_step_id.as_deref(), Some("1"));
        assert_eq!(events[0].priority.as_deref(), Some("S"));
        let (turned, _) = super::events(steps.into_iter().rev().collect());
        events.sort_by(|a, b| a.accession.cmp(&b.accession));
        assert_eq!(turned, events);
    }

    #[test]
    fn an_item_that_names_nobody_or_nothing_makes_no_order() {
        let nobody = ScheduledItem {
            patient: None,
            ..item("A1", "1", 0)
        };
        let nothing = ScheduledItem {
            accession: None,
            ..item("A1", "1", 0)
        };
        let (events, unusable) = super::events(vec![nobody, nothing]);
        assert!(events.is_empty());
        assert_eq!(unusable, [Unusable::NoPatient, Unusable::NoNumber]);
    }

    #[test]
    fn a_message_wins_over_a_worklist_whichever_came_first() {
        let scheduled = event(ScheduledItem {
            modality: Some("CT".into()),
            location: Some("ER".into()),
            ..item("A1", "1", 10)
        });
        let mut message = OrderEvent {
            control: OrderControl::New,
            priority: Some("R".into()),
            modality: Some("MR".into()),
            at: from_micros(1_000_000),
            scheduled_at: None,
            ..scheduled.clone()
        };
        message.patient.location = None;
        for record in [
            OrderRecord::first(&message).apply(&scheduled),
            OrderRecord::first(&scheduled).apply(&message),
        ] {
            assert_eq!(record.priority.as_deref(), Some("R"));
            assert_eq!(record.modality.as_deref(), Some("MR"));
            // What no message said.
            assert_eq!(record.location.as_deref(), Some("ER"));
            assert_eq!(record.scheduled_at, Some(from_micros(10)));
            assert!(!is_only_scheduled(&record));
        }
        let cancelled = OrderRecord::first(&OrderEvent {
            control: OrderControl::Cancel,
            ..message
        });
        assert_eq!(cancelled.apply(&scheduled).state, OrderState::Cancelled);
    }

    #[test]
    fn a_worklist_changes_what_it_said_itself() {
        let first = OrderRecord::first(&event(item("A1", "1", 10)));
        assert!(is_only_scheduled(&first));
        let later = ScheduledItem {
            priority: Some("LOW".into()),
            ..item("A1", "1", 99)
        };
        let moved = first.clone().apply(&event(later));
        assert_eq!(
            (moved.priority.as_deref(), moved.scheduled_at),
            (Some("R"), Some(from_micros(99)))
        );
        assert_eq!(first.clone().apply(&event(item("A1", "1", 10))), first, "no news");
    }
}
