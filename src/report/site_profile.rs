//! What a site's systems expect in HL7 messages, as data: which version and fields we write, and where we read what.
//! One TOML file per system in `integrations/sites/`. Who talks to whom is in the configuration.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use tocsin_domain::order::Contrast;

use super::hl7_charset::{Charset, Declared, SUPPORTED};

/// The profile that is used for receiving where a site names none.
pub const DEFAULT_251: &str = include_str!("../../integrations/sites/default-251.toml");
pub const DEFAULT_231: &str = include_str!("../../integrations/sites/default-231.toml");

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteProfile {
    pub name: String,
    pub send: SendProfile,
    pub read: ReadProfile,
}

/// How we write to the system.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendProfile {
    pub version: Version,
    pub charset: CharsetName,
    pub acknowledgement: AcknowledgementMode,
    pub order_message: OrderMessage,
    pub priority: PriorityProfile,
    pub result: ResultProfile,
}

/// The versions that we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Version {
    #[serde(rename = "2.3.1")]
    V231,
    #[serde(rename = "2.4")]
    V24,
    #[serde(rename = "2.5")]
    V25,
    #[serde(rename = "2.5.1")]
    V251,
    #[serde(rename = "2.6")]
    V26,
    #[serde(rename = "2.7")]
    V27,
    #[serde(rename = "2.8.2")]
    V282,
}

impl Version {
    pub fn text(self) -> &'static str {
        match self {
            Self::V231 => "2.3.1",
            Self::V24 => "2.4",
            Self::V25 => "2.5",
            Self::V251 => "2.5.1",
            Self::V26 => "2.6",
            Self::V27 => "2.7",
            Self::V282 => "2.8.2",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AcknowledgementMode {
    /// MSH-15 and MSH-16 stay empty.
    Original,
    /// A commit answer is asked for, and an application answer to a change of an order.
    Enhanced,
}

/// The message that carries a change of priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum OrderMessage {
    #[serde(rename = "ORM^O01")]
    Orm,
    #[serde(rename = "OMI^O23")]
    Omi,
}

/// The values for our bands; table 0485 unless the site has its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityProfile {
    pub fields: Vec<PriorityField>,
    pub critical: PriorityValue,
    pub urgent: PriorityValue,
    pub routine: PriorityValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PriorityField {
    #[serde(rename = "TQ1-9")]
    Tq1,
    #[serde(rename = "ORC-7.6")]
    Orc7,
    #[serde(rename = "OBR-27.6")]
    Obr27,
    #[serde(rename = "OBR-5")]
    Obr5,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityValue {
    pub code: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultProfile {
    /// OBX-11 of a result that nobody has read yet.
    pub unread_status: UnreadStatus,
    pub sr_reference: SrReference,
    /// Findings, as `SYSTEM:CODE`, whose flagged presence is critically abnormal (OBX-8 `AA`).
    pub critical_findings: Vec<String>,
    /// Designators of coding schemes that the receiver writes otherwise than DICOM does.
    pub designators: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum UnreadStatus {
    #[serde(rename = "P")]
    Preliminary,
    #[serde(rename = "R")]
    NotVerified,
}

/// The value type of the row that names the SR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SrReference {
    #[serde(rename = "HD")]
    Hd,
    #[serde(rename = "ST")]
    St,
    #[serde(rename = "none")]
    None,
}

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
}

/// A code of the site on the left, a code of the standard on the right; what is not listed is taken as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Words(BTreeMap<String, String>);

impl Words {
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

/// A character set by its name in table 0211.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CharsetName(pub Charset);

impl TryFrom<String> for CharsetName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match Declared::read(&name) {
            Declared::Known(charset) => Ok(Self(charset)),
            Declared::Unsaid | Declared::Unsupported => Err(format!(
                "{name:?} is no supported character set: expected {SUPPORTED}"
            )),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("the site profile cannot be read")]
    Read(#[source] toml::de::Error),
    #[error("site profile {name}: {key}: {expected}")]
    Contradiction {
        name: String,
        key: String,
        expected: &'static str,
    },
}

impl SiteProfile {
    /// A profile that comes with the program, by its name; `default` is the newer of the two.
    pub fn shipped(name: &str) -> Option<&'static str> {
        match name {
            "default" | "default-251" => Some(DEFAULT_251),
            "default-231" => Some(DEFAULT_231),
            _ => None,
        }
    }

    /// Reads and checks a profile; an unknown key, a field that is none, and a message that its version does not have
    /// are errors.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(ProfileError::Read)?;
        match profile.contradiction() {
            Some((key, expected)) => Err(ProfileError::Contradiction {
                name: profile.name,
                key,
                expected,
            }),
            None => Ok(profile),
        }
    }

    fn contradiction(&self) -> Option<(String, &'static str)> {
        let send = &self.send;
        let message = "send.order_message".to_owned();
        match send.order_message {
            OrderMessage::Orm if send.version >= Version::V27 => {
                Some((message, "ORM^O01 is gone from version 2.7 on; expected OMI^O23"))
            }
            OrderMessage::Omi if send.version < Version::V25 => {
                Some((message, "OMI^O23 exists from version 2.5 on; expected ORM^O01"))
            }
            OrderMessage::Orm | OrderMessage::Omi => self.read.contradiction(),
        }
    }
}

impl ReadProfile {
    fn contradiction(&self) -> Option<(String, &'static str)> {
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
    fn the_shipped_profiles_are_sound() {
        for (text, version) in [(DEFAULT_231, Version::V231), (DEFAULT_251, Version::V251)] {
            assert_eq!(SiteProfile::parse(text).unwrap().send.version, version);
        }
    }

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

    #[test]
    fn mistakes_in_a_profile_are_named() {
        let says = |from: &str, to: &str| {
            assert!(DEFAULT_251.contains(from));
            let error = SiteProfile::parse(&DEFAULT_251.replace(from, to)).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error} {}", source.unwrap_or_default())
        };
        assert!(says("OMI^O23", "ORM^O02").contains("ORM^O02"));
        assert!(says("version = \"2.5.1\"", "version = \"2.3.1\"").contains("send.order_message"));
        assert!(says("OBR-18", "OBR-x").contains("OBR-18 or ORC-7.6"));
        assert!(says("UNICODE UTF-8", "UTF-16").contains("8859/15"));
        assert!(says("name =", "nmae =").contains("nmae"));
        let mapped = |entry: &str| {
            says(
                "[read]\n",
                &format!("[read]\nprocedures.CTHEAD = {{ {entry} }}\n"),
            )
        };
        assert!(
            mapped("body_part = \"head\"")
                .contains("read.procedures.CTHEAD.body_part: expected a defined term")
        );
        assert!(mapped("contrast = \"yes\"").contains("without"));
    }
}
