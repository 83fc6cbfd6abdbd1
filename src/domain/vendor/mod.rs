//! What another vendor's product says of a study, in its own codes, whichever way it came; and how it becomes a result like
//! those of our own models. Pure: readers of structured reports and of messages fill in [`Told`], nothing here parses.

pub mod equivalents;
pub mod meaning;
mod part;
pub mod product;
pub mod reading;
pub mod standing;
pub mod units;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::code::Code;
use crate::ids::Uid;
use crate::order::EntityId;
use crate::phi::PatientIdentifier;

/// One word of one product on one study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub by: Speaker,
    pub word: Word,
    pub study: Subject,
    pub groups: Vec<Group>,
    /// The images that it read, as far as it names them, and their series.
    pub series_uid: Option<Uid>,
    pub instance_uids: Vec<Uid>,
    /// The structured report that it is, or that a message refers to.
    pub report: Option<Uid>,
    /// What the reader of the document could not make anything of, with its place.
    pub not_understood: Vec<String>,
    /// When it was said; orders words of one product.
    pub at: Timestamp,
}

/// Who speaks, as the document names it; empty where it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    pub manufacturer: String,
    pub algorithm: String,
    pub version: String,
}

impl Speaker {
    /// Names longer than this are no names.
    const LONGEST: usize = 64;

    /// What is shown in lists and kept with results, cut to a name's length.
    pub fn bounded(self) -> Self {
        let cut = |text: String| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(Self::LONGEST)
                .collect()
        };
        Self {
            manufacturer: cut(self.manufacturer),
            algorithm: cut(self.algorithm),
            version: cut(self.version),
        }
    }
}

/// What kind of word it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It replaces what the product said before.
    Result,
    /// It takes back what the product said before.
    Withdrawn,
    /// There is no result and will be none, with the reason as it was given.
    NotAnalysable(String),
}

/// Of which study it speaks. At least one of these is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub study_uid: Option<Uid>,
    pub accession: Option<String>,
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub patient: Option<PatientIdentifier>,
}

/// Statements that belong together: a measurement group of a report, the rows of a message under one OBX-4.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Where it stands in its document, for messages to people: `1.5.2`, `OBX-4 1`.
    pub place: String,
    /// The finding that the group is about, where the document has a place for it.
    pub finding: Option<Code>,
    pub said: Vec<Said>,
    pub site: Option<Code>,
    pub laterality: Option<Code>,
    pub tracking_uid: Option<Uid>,
    /// It outlines something: one lesion, not the study as a whole.
    pub is_region: bool,
    pub images: Vec<Uid>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub concept: Code,
    pub value: Value,
    /// OBX-8, table 0078, in capitals; empty where there is none.
    pub flag: String,
    /// OBX-9, 0..=1.
    pub probability: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Coded(Code),
    Number {
        value: f64,
        /// Absent where the sender gave none.
        unit: Option<Code>,
    },
    Text(String),
    Nothing,
}

/// Whether a result was made here, or received from another vendor's product; of the latter nothing is sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    #[default]
    Own,
    Vendor {
        /// The structured report that said it, as far as there is one.
        report: Option<Uid>,
    },
}

impl Origin {
    pub fn is_own(&self) -> bool {
        match self {
            Self::Own => true,
            Self::Vendor { .. } => false,
        }
    }
}
