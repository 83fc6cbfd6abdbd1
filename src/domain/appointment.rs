//! Appointments, as SIU messages tell of them: when an order is to be carried out. An appointment never changes whether
//! its order stands: the order's own messages do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::Uid;
use crate::order::{EntityId, PatientEvent};

/// How an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentState {
    /// S12, S13, S14.
    Booked,
    /// S15.
    Cancelled,
    /// S17: it should never have been made.
    Deleted,
    /// S26: the patient did not come.
    NoShow,
}

impl AppointmentState {
    /// Of a trigger event; `None` where it says nothing of a single appointment's standing.
    pub fn of(trigger: &str) -> Option<Self> {
        Some(match trigger {
            "S12" | "S13" | "S14" => Self::Booked,
            "S15" => Self::Cancelled,
            "S17" => Self::Deleted,
            "S26" => Self::NoShow,
            _ => return None,
        })
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
            Self::Deleted => "deleted",
            Self::NoShow => "no_show",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppointmentEvent {
    pub state: AppointmentState,
    /// SCH-26, SCH-27: the order that it is for.
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub accession: Option<String>,
    pub study_uid: Option<Uid>,
    pub starts_at: Option<Timestamp>,
    pub patient: PatientEvent,
    /// MSH-7, or when the message arrived.
    pub at: Timestamp,
}

impl AppointmentEvent {
    pub fn names_order(&self) -> bool {
        self.placer.is_some() || self.filler.is_some() || self.accession.is_some() || self.study_uid.is_some()
    }

    /// The time that the order has by this event. What was cancelled has none.
    pub fn scheduled(&self) -> Scheduled {
        match (self.state, self.starts_at) {
            (AppointmentState::Booked, Some(at)) => Scheduled::At(at),
            (AppointmentState::Booked, None) => Scheduled::Unsaid,
            (AppointmentState::Cancelled | AppointmentState::Deleted | AppointmentState::NoShow, _) => {
                Scheduled::Never
            }
        }
    }
}

/// What an event says of the time of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduled {
    At(Timestamp),
    Unsaid,
    Never,
}
