//! What a search asks for (PS3.18 8.3.4): attributes that must match, attributes to be told, and how many. Names that are no attribute of
//! the level are refused by name; values are not repeated, they name patients.

use std::collections::BTreeSet;

use crate::imaging::header::tag;
use crate::imaging::json::key;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use tocsin_domain::dicomweb::matching::{Comparison, Match};

use crate::api::error::ApiError;

/// Answers to one search, and what is given where no limit is asked for.
pub const MOST: usize = 1_000;
const MAX_KEYS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Study,
    Series,
    Instance,
}

/// An attribute that must match: the way to it through sequences, as its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub path: Vec<String>,
    pub wanted: Match,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub keys: Vec<Key>,
    pub include: BTreeSet<String>,
    pub include_all: bool,
    pub limit: usize,
    pub offset: usize,
    pub fuzzy: bool,
}

impl Asked {
    /// # Errors
    /// The parameter that is wrong, and what was expected.
    pub fn read(query: &[(String, String)], level: Level) -> Result<Self, ApiError> {
        let mut asked = Self {
            limit: MOST,
            ..Self::default()
        };
        for (name, value) in query {
            match name.as_str() {
                "limit" => asked.limit = number(name, value)?.min(MOST),
                "offset" => asked.offset = number(name, value)?,
                "fuzzymatching" => asked.fuzzy = value.eq_ignore_ascii_case("true"),
                "includefield" => asked.include(value)?,
                // Of the client, not of the search.
                "accept" | "charset" => {}
                _ => asked.key(name, value, level)?,
            }
        }
        Ok(asked)
    }

    fn include(&mut self, value: &str) -> Result<(), ApiError> {
        for field in value.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            if field.eq_ignore_ascii_case("all") {
                self.include_all = true;
                continue;
            }
            // Of a way through sequences the outermost is told whole.
            let first = field.split('.').next().unwrap_or(field);
            self.include.insert(key(named(first, "includefield")?));
        }
        Ok(())
    }

    fn key(&mut self, name: &str, value: &str, level: Level) -> Result<(), ApiError> {
        let path: Vec<Tag> = name
            .split('.')
            .map(|part| named(part, "query"))
            .collect::<Result<_, _>>()?;
        let (Some(first), Some(last)) = (path.first().copied(), path.last().copied()) else {
            return Ok(());
        };
        if level_of(first) > level {
            return Err(ApiError::BadRequest(format!(
                "query: {} is no attribute of what is searched for",
                key(first)
            )));
        }
        if self.keys.len() >= MAX_KEYS {
            return Err(ApiError::BadRequest(format!(
                "query: more than {MAX_KEYS} attributes"
            )));
        }
        let wanted = Match::read(value, comparison(last));
        let wanted =
            wanted.map_err(|error| ApiError::BadRequest(format!("query: {}: {error}", key(last))))?;
        let path = path.into_iter().map(key).collect::<Vec<_>>();
        if wanted == Match::Any {
            self.include.extend(path.first().cloned());
            return Ok(());
        }
        // One that is named again asks for any of both.
        if let Match::OneOf(more) = &wanted
            && let Some(known) = self.keys.iter_mut().find(|known| known.path == path)
            && let Match::OneOf(list) = &mut known.wanted
        {
            list.extend(more.iter().cloned());
            return Ok(());
        }
        self.keys.push(Key { path, wanted });
        Ok(())
    }

    /// What must match of one attribute that is not in a sequence.
    pub fn wanted(&self, tag: &str) -> Option<&Match> {
        let key = self
            .keys
            .iter()
            .find(|key| key.path.len() == 1 && key.path[0] == tag);
        key.map(|key| &key.wanted)
    }
}

fn number(name: &str, value: &str) -> Result<usize, ApiError> {
    value
        .trim()
        .parse::<u32>()
        .map(|number| number as usize)
        .map_err(|_| ApiError::BadRequest(format!("query: {name}: expected a whole number, not negative")))
}

/// By its keyword or its eight digits.
fn named(text: &str, place: &str) -> Result<Tag, ApiError> {
    tag(text)
        .or_else(|| StandardDataDictionary.by_name(text).map(|entry| entry.tag()))
        .ok_or_else(|| {
            // Of a name that no dictionary has, only that: it may be a value that went astray.
            ApiError::BadRequest(format!(
                "{place}: expected the keyword of an attribute, such as PatientID, or its eight digits"
            ))
        })
}

fn comparison(tag: Tag) -> Comparison {
    if [tags::MODALITIES_IN_STUDY, tags::MODALITY].contains(&tag) {
        return Comparison::Code;
    }
    let vr = StandardDataDictionary
        .by_tag(tag)
        .map(|entry| entry.vr().relaxed());
    match vr {
        Some(VR::UI) => Comparison::Uid,
        Some(VR::DA) => Comparison::Date,
        Some(VR::TM) => Comparison::Time,
        Some(VR::PN) => Comparison::Name,
        Some(VR::DS | VR::IS | VR::US | VR::UL | VR::SS | VR::SL | VR::FL | VR::FD | VR::AS | VR::DT) => {
            Comparison::Literal
        }
        Some(_) | None => Comparison::Text,
    }
}

/// Of patient and study (PS3.3 C.7.1, C.7.2); the patient's own group belongs to them whole.
const OF_STUDIES: [Tag; 22] = [
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::INSTANCE_AVAILABILITY,
    tags::MODALITIES_IN_STUDY,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::REFERRING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
    tags::CONSULTING_PHYSICIAN_NAME,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::STUDY_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::PHYSICIANS_OF_RECORD,
    tags::NAME_OF_PHYSICIANS_READING_STUDY,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::RETRIEVE_URL,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
    tags::NUMBER_OF_STUDY_RELATED_SERIES,
    tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
    tags::INSTITUTION_NAME,
    tags::SPECIFIC_CHARACTER_SET,
];
/// Of series and the equipment that made them (PS3.3 C.7.3, C.7.5).
const OF_SERIES: [Tag; 23] = [
    tags::MODALITY,
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::SERIES_DESCRIPTION,
    tags::PERFORMING_PHYSICIAN_NAME,
    tags::OPERATORS_NAME,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::STATION_NAME,
    tags::BODY_PART_EXAMINED,
    tags::PROTOCOL_NAME,
    tags::PATIENT_POSITION,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::LATERALITY,
    tags::FRAME_OF_REFERENCE_UID,
    tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::REQUEST_ATTRIBUTES_SEQUENCE,
    tags::DEVICE_SERIAL_NUMBER,
];

/// The highest level at which an attribute means one thing.
pub fn level_of(tag: Tag) -> Level {
    match tag {
        tag if tag.0 == 0x0010 || OF_STUDIES.contains(&tag) => Level::Study,
        tag if OF_SERIES.contains(&tag) => Level::Series,
        _ => Level::Instance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, level: Level) -> Result<Asked, ApiError> {
        let pairs = query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Asked::read(&pairs.collect::<Vec<_>>(), level)
    }

    #[test]
    fn keywords_digits_and_ways_through_sequences_are_read() {
        let asked = read(
            "PatientID=P1&00080020=20260101-&RequestAttributesSequence.00400009=S1&includefield=00081030,all&limit=5000&offset=3&fuzzymatching=true",
            Level::Series,
        )
        .unwrap();
        let paths: Vec<String> = asked.keys.iter().map(|key| key.path.join(".")).collect();
        assert_eq!(paths, ["00100020", "00080020", "00400275.00400009"]);
        assert_eq!(
            (asked.limit, asked.offset, asked.fuzzy, asked.include_all),
            (MOST, 3, true, true)
        );
        assert!(asked.include.contains("00081030"));
        let uids = read("StudyInstanceUID=1.2&StudyInstanceUID=1.3", Level::Study).unwrap();
        assert_eq!(
            uids.wanted("0020000D"),
            Some(&Match::OneOf(vec!["1.2".into(), "1.3".into()]))
        );
        let told = read("PatientName=", Level::Study).unwrap();
        assert!(told.keys.is_empty() && told.include.contains("00100010"));
    }

    #[test]
    fn what_is_no_attribute_is_refused_without_repeating_values() {
        for bad in [
            "Nme=Meier",
            "SOPInstanceUID=1.2",
            "StudyDate=Meier",
            "limit=-1",
            "includefield=Meier",
        ] {
            let error = read(bad, Level::Study).unwrap_err();
            assert!(matches!(error, ApiError::BadRequest(_)), "{bad}");
            assert!(!error.to_string().contains("Meier"), "{error}");
        }
    }
}
