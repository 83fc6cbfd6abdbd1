//! What is wrong with a message, where, and what was expected: the content of ERR-2, ERR-3, ERR-7 and ERR-8.
//! It never holds a value of the message.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Table 0357, as far as we use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    SegmentSequence,
    RequiredFieldMissing,
    DataType,
    TableValueNotFound,
    UnsupportedProcessingId,
    UnsupportedVersion,
    UnknownKey,
    Internal,
}

impl ErrorCode {
    pub fn number(self) -> &'static str {
        match self {
            Self::SegmentSequence => "100",
            Self::RequiredFieldMissing => "101",
            Self::DataType => "102",
            Self::TableValueNotFound => "103",
            Self::UnsupportedProcessingId => "202",
            Self::UnsupportedVersion => "203",
            Self::UnknownKey => "204",
            Self::Internal => "207",
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::SegmentSequence => "Segment sequence error",
            Self::RequiredFieldMissing => "Required field missing",
            Self::DataType => "Data type error",
            Self::TableValueNotFound => "Table value not found",
            Self::UnsupportedProcessingId => "Unsupported processing id",
            Self::UnsupportedVersion => "Unsupported version id",
            Self::UnknownKey => "Unknown key identifier",
            Self::Internal => "Application internal error",
        }
    }

    /// Whether the message is of a kind that we do not take (AR), rather than one that we could not process (AE).
    pub fn is_rejection(self) -> bool {
        match self {
            Self::UnsupportedProcessingId | Self::UnsupportedVersion => true,
            Self::SegmentSequence
            | Self::RequiredFieldMissing
            | Self::DataType
            | Self::TableValueNotFound
            | Self::UnknownKey
            | Self::Internal => false,
        }
    }
}

/// Where in a message; numbers count from 1, zero means the whole of the level above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub segment: String,
    /// Which of the segments of that name.
    pub sequence: usize,
    pub field: usize,
    pub repetition: usize,
    pub component: usize,
}

impl Place {
    pub fn segment(name: &str, sequence: usize) -> Self {
        Self {
            segment: name.to_owned(),
            sequence,
            field: 0,
            repetition: 0,
            component: 0,
        }
    }

    pub fn field(name: &str, sequence: usize, field: usize) -> Self {
        Self {
            field,
            ..Self::segment(name, sequence)
        }
    }

    pub fn component(name: &str, sequence: usize, field: usize, repetition: usize, component: usize) -> Self {
        Self {
            repetition,
            component,
            ..Self::field(name, sequence, field)
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segment)?;
        if self.sequence > 1 {
            write!(f, "[{}]", self.sequence)?;
        }
        if self.field > 0 {
            write!(f, "-{}", self.field)?;
        }
        if self.repetition > 1 {
            write!(f, "({})", self.repetition)?;
        }
        if self.component > 0 {
            write!(f, ".{}", self.component)?;
        }
        Ok(())
    }
}

/// One reason why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{place}: {}: {expected}", .code.text())]
pub struct Hl7Problem {
    pub code: ErrorCode,
    pub place: Place,
    /// What is expected there, in a sentence that can be shown to the sender.
    pub expected: String,
}

impl Hl7Problem {
    pub fn new(code: ErrorCode, place: Place, expected: impl Into<String>) -> Self {
        Self {
            code,
            place,
            expected: expected.into(),
        }
    }

    pub fn missing(place: Place, expected: impl Into<String>) -> Self {
        Self::new(ErrorCode::RequiredFieldMissing, place, expected)
    }

    pub fn data_type(place: Place, expected: impl Into<String>) -> Self {
        Self::new(ErrorCode::DataType, place, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_and_what_is_expected() {
        let problem = Hl7Problem::missing(Place::component("PID", 2, 3, 2, 1), "a patient identifier");
        assert_eq!(
            problem.to_string(),
            "PID[2]-3(2).1: Required field missing: a patient identifier"
        );
        assert_eq!(Place::segment("OBR", 1).to_string(), "OBR");
    }
}
