//! What a site's systems expect in HL7 messages, as data: which version and fields we write, and where we read what.
//! One TOML file per system in `integrations/sites/`. Who talks to whom is in the configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::hl7_charset::{Charset, Declared, SUPPORTED};
use super::read_profile::ReadProfile;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendProfile {
    pub version: Version,
    pub charset: CharsetName,
    pub acknowledgement: AcknowledgementMode,
    /// In enhanced mode: when the application there is to answer (MSH-16).
    #[serde(default)]
    pub application_answers: ApplicationAnswers,
    pub order_message: OrderMessage,
    pub priority: PriorityProfile,
    pub result: ResultProfile,
}

/// The versions that we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    #[serde(rename = "2.3")]
    V23,
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
    #[serde(rename = "2.8")]
    V28,
    #[serde(rename = "2.8.2")]
    V282,
}

impl Version {
    pub fn text(self) -> &'static str {
        match self {
            Self::V23 => "2.3",
            Self::V231 => "2.3.1",
            Self::V24 => "2.4",
            Self::V25 => "2.5",
            Self::V251 => "2.5.1",
            Self::V26 => "2.6",
            Self::V27 => "2.7",
            Self::V28 => "2.8",
            Self::V282 => "2.8.2",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AcknowledgementMode {
    /// MSH-15 and MSH-16 stay empty.
    Original,
    /// A commit answer is asked for, and an application answer to a change of an order.
    Enhanced,
}

/// When the other application is asked for an answer; that answer comes to our listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationAnswers {
    /// To a change of an order.
    #[serde(default = "ApplicationAnswer::always")]
    pub order: ApplicationAnswer,
    /// To a result.
    #[serde(default = "ApplicationAnswer::never")]
    pub result: ApplicationAnswer,
}

/// Table 0155.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationAnswer {
    #[serde(rename = "AL")]
    Always,
    #[serde(rename = "NE")]
    Never,
    #[serde(rename = "ER")]
    OnError,
    #[serde(rename = "SU")]
    OnSuccess,
}

impl ApplicationAnswer {
    fn always() -> Self {
        Self::Always
    }

    fn never() -> Self {
        Self::Never
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Always => "AL",
            Self::Never => "NE",
            Self::OnError => "ER",
            Self::OnSuccess => "SU",
        }
    }
}

impl Default for ApplicationAnswers {
    fn default() -> Self {
        Self {
            order: ApplicationAnswer::Always,
            result: ApplicationAnswer::Never,
        }
    }
}

/// The message that carries a change of priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderMessage {
    #[serde(rename = "ORM^O01")]
    Orm,
    #[serde(rename = "OMI^O23")]
    Omi,
}

/// The values for our bands; table 0485 unless the site has its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityProfile {
    pub fields: Vec<PriorityField>,
    pub critical: PriorityValue,
    pub urgent: PriorityValue,
    pub routine: PriorityValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityValue {
    pub code: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnreadStatus {
    #[serde(rename = "P")]
    Preliminary,
    #[serde(rename = "R")]
    NotVerified,
}

/// The value type of the row that names the SR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SrReference {
    #[serde(rename = "HD")]
    Hd,
    #[serde(rename = "ST")]
    St,
    #[serde(rename = "none")]
    None,
}

/// A character set by its name in table 0211.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CharsetName(pub Charset);

impl Serialize for CharsetName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

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
