//! The site's map from the priority an order carries to a band. What the map does not know is routine, and says so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Band;

/// Priority text of the order (OBR-5, OBR-27, TQ1-9 as sent), in upper case, to a band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PriorityMap(BTreeMap<String, Band>);

impl Default for PriorityMap {
    /// HL7 tables 0027 and 0485, and the words that senders write instead.
    fn default() -> Self {
        use Band::{Critical, Routine, Urgent};
        let known = [
            ("S", Critical),
            ("STAT", Critical),
            ("A", Urgent),
            ("ASAP", Urgent),
            ("URGENT", Urgent),
            ("U", Urgent),
            ("R", Routine),
            ("ROUTINE", Routine),
        ];
        Self(
            known
                .into_iter()
                .map(|(text, band)| (text.to_owned(), band))
                .collect(),
        )
    }
}

impl PriorityMap {
    /// The shipped map with a site's own entries on top.
    pub fn with(entries: impl IntoIterator<Item = (String, Band)>) -> Self {
        let mut map = Self::default();
        map.0.extend(
            entries
                .into_iter()
                .map(|(text, band)| (text.trim().to_ascii_uppercase(), band)),
        );
        map
    }

    /// The band of a priority as sent; `None` when the map does not know the text.
    pub fn known(&self, priority: &str) -> Option<Band> {
        self.0.get(&priority.trim().to_ascii_uppercase()).copied()
    }

    /// The band of an order; routine when nothing, or nothing known, was said.
    pub fn band(&self, priority: Option<&str>) -> Band {
        priority
            .and_then(|text| self.known(text))
            .unwrap_or(Band::Routine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_senders_become_bands() {
        let map = PriorityMap::with([("t1".to_owned(), Band::Critical)]);
        let table = [
            (Some("S"), Band::Critical),
            (Some(" stat "), Band::Critical),
            (Some("A"), Band::Urgent),
            (Some("T1"), Band::Critical),
            (Some("whatever"), Band::Routine),
            (None, Band::Routine),
        ];
        for (priority, band) in table {
            assert_eq!(map.band(priority), band, "{priority:?}");
        }
        assert_eq!(map.known("whatever"), None);
    }
}
