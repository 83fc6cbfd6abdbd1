//! Values that name a patient. They can be stored and sent, and never printed: `Debug` is redacted and
//! there is no `Display`, so that a log line with a name in it does not compile.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Protected health information: reach it on purpose, with `expose`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for storage, for a message to another system, or for a page a permitted person sees.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phi(…)")
    }
}

impl From<&str> for Phi<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl From<String> for Phi<String> {
    fn from(value: String) -> Self {
        Self(value)
    }
}

/// A patient identifier with the authority that assigned it (HL7 CX.1 and CX.4, DICOM (0010,0020) and (0010,0021)).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PatientIdentifier {
    pub value: String,
    /// Empty when the sender did not say; the site's default authority then applies.
    pub authority: String,
}

impl PatientIdentifier {
    /// An identifier whose sender did not say who assigned it is the site's own.
    pub fn qualified(&self, default_authority: &str) -> Self {
        let authority = match self.authority.as_str() {
            "" => default_authority,
            said => said,
        };
        Self {
            value: self.value.clone(),
            authority: authority.to_owned(),
        }
    }
}

impl fmt::Debug for PatientIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientIdentifier(…)")
    }
}

/// What a message or an image says of its patient. `None` means "not said", which never deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Demographics {
    /// `Family^Given^Middle^Prefix^Suffix`, as DICOM PN and HL7 XPN share it up to order; stored in DICOM order.
    pub name: Option<Phi<String>>,
    /// `YYYYMMDD`, possibly shortened by the sender.
    pub birth_date: Option<Phi<String>>,
    /// `M`, `F`, `O` or `U`.
    pub sex: Option<Phi<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_reach_a_debug_line() {
        let demographics = Demographics {
            name: Some("Doe^Jane".into()),
            ..Default::default()
        };
        let id = PatientIdentifier {
            value: "MRN1".into(),
            authority: "EGH".into(),
        };
        let printed = format!("{demographics:?} {id:?}");
        assert!(!printed.contains("Doe") && !printed.contains("MRN1"), "{printed}");
    }
}
