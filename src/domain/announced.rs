//! What modalities and archives say of a study's images beside the images themselves: performed procedure steps (PS3.4
//! annex F) and instance availability notices (annex R), held against what is here. Pure; knows no data set and no row.

pub mod outlook;
pub mod step;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{AnnouncementId, Uid};

pub use self::outlook::{Announced, Counts, ListedBy, Outlook};
pub use self::step::{PerformedStep, StepChange, StepError, StepState};

/// Instance Availability (0008,0056).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    Online,
    /// It comes when it is asked for, after a while.
    Nearline,
    /// It comes only when a person fetches a medium.
    Offline,
    Unavailable,
}

impl Availability {
    pub fn parse(term: &str) -> Option<Self> {
        match term {
            "ONLINE" => Some(Self::Online),
            "NEARLINE" => Some(Self::Nearline),
            "OFFLINE" => Some(Self::Offline),
            "UNAVAILABLE" => Some(Self::Unavailable),
            _ => None,
        }
    }

    /// Whether it can be had without a person.
    pub fn may_come(self) -> bool {
        match self {
            Self::Online | Self::Nearline => true,
            Self::Offline | Self::Unavailable => false,
        }
    }
}

/// An instance of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub sop_uid: Uid,
    pub availability: Availability,
    /// Where it may be fetched; empty where nobody said.
    pub retrieve_ae: String,
}

/// A series of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedSeries {
    /// `None` where the list is of several studies and does not say of which the series is.
    pub study_uid: Option<Uid>,
    pub series_uid: Uid,
    pub instances: Vec<Listed>,
}

/// What was said, as far as it counts for whether a study is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Step(StepState),
    /// By an archive: these are kept.
    Availability,
}

impl Said {
    /// In rows and answers.
    pub fn text(self) -> &'static str {
        match self {
            Self::Step(StepState::InProgress) => "in_progress",
            Self::Step(StepState::Completed) => "completed",
            Self::Step(StepState::Discontinued) => "discontinued",
            Self::Availability => "available",
        }
    }
}

/// One procedure step or one notice, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub id: AnnouncementId,
    pub said: Said,
    /// The AE title of who said it.
    pub from: String,
    /// When it was last heard of.
    pub at: Timestamp,
    /// The studies that it names.
    pub studies: Vec<Uid>,
    pub series: Vec<ListedSeries>,
}
