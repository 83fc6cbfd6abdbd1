//! Where a site has its facts in the messages that it sends, and what its own words mean: the half of a site profile that is
//! read by. Fields are tried in their order; words that are not listed are taken as they are.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tocsin_domain::order::Contrast;

/// Where we read what the standard leaves to the site.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadProfile {
    /// Of the identifiers in PID-3, the one to use; empty: the medical record number, else the first.
    pub patient_authority: String,
    /// The first of these with a value is the accession number.
    pub accession: Vec<FieldPath>,
    /// The first of these with a value is the priority.
    pub priority: Vec<FieldPath>,
    /// The site's words for priorities, and the code of table 0485 that each means.
    #[serde(default)]
    pub priorities: Words,
    /// A coded field: code, text and system in its first three components, or in the next three.
    #[serde(default = "standard::procedure")]
    pub procedure: Vec<FieldPath>,
    /// What the site's procedure codes mean, where the order does not say it.
    #[serde(default)]
    pub procedures: BTreeMap<String, ProcedureMeaning>,
    #[serde(default = "standard::modality")]
    pub modality: Vec<FieldPath>,
    /// The site's words for modalities, and the defined term of DICOM that each means.
    #[serde(default)]
    pub modalities: Words,
    #[serde(default = "standard::requested_procedure")]
    pub requested_procedure: Vec<FieldPath>,
    #[serde(default = "standard::scheduled_step")]
    pub scheduled_step: Vec<FieldPath>,
    #[serde(default = "standard::patient_class")]
    pub patient_class: Vec<FieldPath>,
    /// The site's words for patient classes, and the code of table 0004 that each means.
    #[serde(default)]
    pub patient_classes: Words,
    #[serde(default = "standard::visit")]
    pub visit: Vec<FieldPath>,
    /// What is known of the patient's complaint besides OBR-13 and OBR-31, in segments of the site's own.
    #[serde(default)]
    pub clinical_information: Vec<FieldPath>,
    /// What an application answer to an order is, where its sender asks for one.
    #[serde(default)]
    pub order_answer: AnswerForm,
}

/// The message that answers an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerForm {
    #[default]
    #[serde(rename = "ACK")]
    General,
    /// ORR^O02 to ORM^O01, ORI^O24 to OMI^O23, ORG^O20 to OMG^O19.
    #[serde(rename = "order")]
    Order,
}

/// A code of the site on the left, a code of the standard on the right; what is not listed is taken as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// The site's words, each with what it means.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(ours, meaning)| (ours.as_str(), meaning.as_str()))
    }

    pub fn of<'w>(&'w self, code: &'w str) -> &'w str {
        let known = self.0.iter().find(|(ours, _)| ours.eq_ignore_ascii_case(code));
        known.map_or(code, |(_, meaning)| meaning)
    }
}

/// What a procedure code means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcedureMeaning {
    /// A defined term of Body Part Examined (PS3.16 annex L), such as `HEAD` or `CHEST`.
    pub body_part: Option<String>,
    pub contrast: Option<Contrast>,
    pub modality: Option<String>,
}

/// Where the standard has it.
mod standard {
    use super::FieldPath;

    fn paths(texts: &[&str]) -> Vec<FieldPath> {
        texts.iter().filter_map(|text| FieldPath::parse(text)).collect()
    }

    pub fn procedure() -> Vec<FieldPath> {
        paths(&["OBR-4"])
    }

    pub fn modality() -> Vec<FieldPath> {
        paths(&["IPC-5", "OBR-24"])
    }

    pub fn requested_procedure() -> Vec<FieldPath> {
        paths(&["IPC-2", "OBR-19"])
    }

    pub fn scheduled_step() -> Vec<FieldPath> {
        paths(&["IPC-4", "OBR-20"])
    }

    pub fn patient_class() -> Vec<FieldPath> {
        paths(&["PV1-2"])
    }

    pub fn visit() -> Vec<FieldPath> {
        paths(&["PV1-19"])
    }
}

/// `OBR-18` or `ORC-7.6`: a segment, a field and a component, each within the bounds of the standard.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FieldPath {
    pub segment: String,
    pub field: usize,
    pub component: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no field: expected a segment and a number as in OBR-18 or ORC-7.6")]
pub struct BadFieldPath(String);

impl TryFrom<String> for FieldPath {
    type Error = BadFieldPath;

    fn try_from(text: String) -> Result<Self, BadFieldPath> {
        Self::parse(&text).ok_or(BadFieldPath(text))
    }
}

impl FieldPath {
    const MAX_FIELD: usize = 255;
    const MAX_COMPONENT: usize = 50;

    fn parse(text: &str) -> Option<Self> {
        let (segment, rest) = text.split_once('-')?;
        let (field, component) = rest.split_once('.').unwrap_or((rest, "1"));
        let field: usize = field.parse().ok()?;
        let component: usize = component.parse().ok()?;
        let good = segment.len() == 3
            && segment
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && (1..=Self::MAX_FIELD).contains(&field)
            && (1..=Self::MAX_COMPONENT).contains(&component);
        good.then(|| Self {
            segment: segment.to_owned(),
            field,
            component,
        })
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.segment, self.field)?;
        if self.component > 1 {
            write!(f, ".{}", self.component)?;
        }
        Ok(())
    }
}

impl ReadProfile {
    /// The key of a value that is no term of its standard, and what is expected.
    pub(super) fn contradiction(&self) -> Option<(String, &'static str)> {
        let mut terms: Vec<(String, &String)> = Vec::new();
        for (word, term) in &self.modalities.0 {
            terms.push((format!("read.modalities.{word}"), term));
        }
        for (code, meaning) in &self.procedures {
            for (name, term) in [("body_part", &meaning.body_part), ("modality", &meaning.modality)] {
                terms.extend(
                    term.iter()
                        .map(|term| (format!("read.procedures.{code}.{name}"), term)),
                );
            }
        }
        let wrong = terms.into_iter().find(|(_, term)| !is_term(term));
        let expected = "expected a defined term of DICOM: up to 16 of A to Z, 0 to 9 and space, such as HEAD";
        wrong.map(|(key, _)| (key, expected))
    }
}

/// A Code String of DICOM (PS3.5 section 6.2).
fn is_term(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ' || byte == b'_';
    (1..=16).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_path_is_bounded() {
        let path = |text: &str| FieldPath::try_from(text.to_owned());
        assert_eq!(path("ORC-7.6").unwrap().to_string(), "ORC-7.6");
        for bad in [
            "PID-99999999999999999999",
            "PID-0",
            "PID",
            "PIDX-3",
            "PID-3.0",
            "pid-3",
            "PID-3.99",
        ] {
            assert_eq!(path(bad), Err(BadFieldPath(bad.to_owned())));
        }
    }
}
