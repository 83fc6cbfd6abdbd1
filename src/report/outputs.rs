//! What one result says to other systems, each in its language: as it was sent, or as it would be sent now.

use serde_json::Value;

/// One output. Its bytes are fixed before the first attempt to send them, and never change from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Composed {
    /// Sent, or tried.
    Fixed(Vec<u8>),
    Draft(Vec<u8>),
    /// Why there is nothing to send.
    Impossible(String),
}

/// All of one result.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// A Part 10 file.
    pub structured_report: Composed,
    pub message: Composed,
    /// The bundle, or why there is none. It is sent nowhere by itself.
    pub fhir: Result<Value, String>,
}

impl Composed {
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Fixed(bytes) | Self::Draft(bytes) => Some(bytes),
            Self::Impossible(_) => None,
        }
    }
}
