//! Identifiers, one type each, so that a series can never be handed where a study is meant.
//! Ids of ours are UUIDs and safe to log; identifiers of the outside world that name a patient live in `phi`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

uuid_ids! {
    /// A study as this installation knows it.
    StudyId,
    /// A series of a study.
    SeriesId,
    /// A stored instance.
    InstanceId,
    /// A patient record; merged records keep their id and point to the survivor.
    PatientId,
    /// An imaging order.
    OrderId,
    /// An HL7 message, received or sent.
    MessageId,
    /// One run of one model on one set of inputs.
    AnalysisId,
    /// What an analysis found.
    ResultId,
    /// Something a person must know.
    AlertId,
    /// One page to one person over one channel.
    NotificationId,
    /// One object or message owed to another system.
    DeliveryId,
    /// What a modality or an archive said of images.
    AnnouncementId,
    /// A unit of background work.
    JobId,
    /// A person who may sign in.
    UserId,
    /// A bearer token's record.
    TokenId,
}

/// The site a row belongs to, as named in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SiteId(pub String);

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A DICOM unique identifier: digits and dots, at most 64 characters (PS3.5 section 9).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Uid(String);

/// Why a text is not a DICOM UID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UidError {
    #[error("a UID is 1 to 64 characters long, this one has {0}")]
    Length(usize),
    #[error("a UID holds digits and dots only")]
    Character,
}

impl Uid {
    /// Accepts what PS3.5 allows, and leading zeros, which real senders write; trailing padding is dropped.
    pub fn parse(text: &str) -> Result<Self, UidError> {
        let text = text.trim_end_matches(['\0', ' ']);
        if text.is_empty() || text.len() > 64 {
            return Err(UidError::Length(text.len()));
        }
        if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(UidError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// A UID of ours under the UUID root (PS3.5 B.2), the same for the same UUID.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(format!("2.25.{}", uuid.as_u128()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Where new ids come from; tests hand in a counter, so that a story reads the same twice.
pub trait IdGen: Send + Sync {
    fn uuid(&self) -> Uuid;
}

/// Ids in counting order, for tests and replays.
#[derive(Debug, Default)]
pub struct CountingIds(std::sync::atomic::AtomicU64);

impl IdGen for CountingIds {
    fn uuid(&self) -> Uuid {
        let next = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        Uuid::from_u128(u128::from(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_digits_and_dots_of_bounded_length() {
        assert_eq!(
            Uid::parse("1.2.840.10008.1.1\0").map(|u| u.to_string()),
            Ok("1.2.840.10008.1.1".into())
        );
        assert_eq!(Uid::parse("../etc/passwd"), Err(UidError::Character));
        assert_eq!(Uid::parse(""), Err(UidError::Length(0)));
        assert_eq!(Uid::parse(&"1".repeat(65)), Err(UidError::Length(65)));
    }
}
