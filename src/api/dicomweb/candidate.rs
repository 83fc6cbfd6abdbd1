//! What may be an answer to a search: a study, series or instance with what it belongs to, and what its rows and its header say.

use serde_json::Value;
use tocsin_domain::dicomweb::matching::Match;

use super::answer::Attributes;
use super::asked::Level;
use crate::storage::dicom_keys::{FoundSeries, FoundStudy};
use crate::storage::entity::instance;

pub const STUDY_UID: &str = "0020000D";
pub const SERIES_UID: &str = "0020000E";
pub const PATIENT_ID: &str = "00100020";
pub const SOP_UID: &str = "00080018";

/// A study, series or instance that may be an answer, with what it belongs to.
#[derive(Clone)]
pub struct Candidate {
    pub study: FoundStudy,
    pub series: Option<FoundSeries>,
    pub instance: Option<instance::Model>,
}

/// Attributes that rows hold, so that no header is read for them.
pub const IN_ROWS: [&str; 17] = [
    "00080016", SOP_UID, "00080020", "00080030", "00080050", "00080060", "00080061", "00080090", "00081030",
    "00100010", PATIENT_ID, "00100030", "00100040", STUDY_UID, SERIES_UID, "00200010", "00200011",
];

impl Candidate {
    pub fn of(study: FoundStudy) -> Self {
        Self {
            study,
            series: None,
            instance: None,
        }
    }

    /// What its rows of a level say of an attribute; `None` where they do not say it.
    pub fn row_value(&self, tag: &str, level: Level) -> Option<Option<String>> {
        match level {
            Level::Study => self.study_value(tag),
            Level::Series => {
                let row = self.series.as_ref()?;
                match tag {
                    "00080060" => Some(Some(row.modality.clone())),
                    SERIES_UID => Some(Some(row.series_uid.clone())),
                    "00200011" => Some(row.series_number.map(|number| number.to_string())),
                    _ => None,
                }
            }
            Level::Instance => {
                let row = self.instance.as_ref()?;
                match tag {
                    "00080016" => Some(Some(row.sop_class.clone())),
                    SOP_UID => Some(Some(row.sop_uid.clone())),
                    _ => None,
                }
            }
        }
    }

    /// Modalities are those of series.
    fn study_value(&self, tag: &str) -> Option<Option<String>> {
        let row = &self.study;
        Some(match tag {
            "00080020" => row.study_date.clone(),
            "00080030" => row.study_time.clone(),
            "00080050" => row.accession.clone(),
            "00080090" => row.referring_physician.clone(),
            "00081030" => Some(row.description.clone()),
            "00100010" => row.patient_name.clone(),
            PATIENT_ID => row.patient_identifier.clone(),
            "00100030" => row.birth_date.clone(),
            "00100040" => row.sex.clone(),
            STUDY_UID => Some(row.study_uid.clone()),
            "00200010" => row.study_number.clone(),
            _ => return None,
        })
    }
}

/// Whether a value on the way through the sequences of a header holds.
pub fn holds_in(header: &Attributes, path: &[String], wanted: &Match) -> bool {
    let Some((tag, rest)) = path.split_first() else {
        return false;
    };
    let values = header.get(tag).and_then(|element| element["Value"].as_array());
    let mut values = values.into_iter().flatten();
    if !rest.is_empty() {
        return values.any(|item| item.as_object().is_some_and(|item| holds_in(item, rest, wanted)));
    }
    values.any(|value| match value {
        Value::String(text) => wanted.holds([text.as_str()]),
        Value::Number(number) => wanted.holds([number.to_string().as_str()]),
        Value::Object(name) => wanted.holds(name.values().filter_map(Value::as_str)),
        Value::Null | Value::Bool(_) | Value::Array(_) => false,
    })
}
