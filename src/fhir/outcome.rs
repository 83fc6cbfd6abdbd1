//! What went wrong, as FHIR says it.

use serde_json::{Value, json};

/// Codes of the value set `issue-type` that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    Invalid,
    NotSupported,
    NotFound,
    Login,
    Forbidden,
    Conflict,
    TooLong,
    Throttled,
    Timeout,
    Transient,
    Exception,
}

impl Issue {
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotSupported => "not-supported",
            Self::NotFound => "not-found",
            Self::Login => "login",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::TooLong => "too-long",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Transient => "transient",
            Self::Exception => "exception",
        }
    }
}

pub fn outcome(issue: Issue, diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": issue.code(), "diagnostics": diagnostics }],
    })
}
