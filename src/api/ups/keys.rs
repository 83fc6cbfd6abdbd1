//! What a search asks for: match keys by keyword or tag, as PS3.18 section 8.3.4 writes them, and how a reading compares with
//! them. Decides; reads nothing.

use dicom_core::dictionary::DataDictionary;
use dicom_dictionary_std::StandardDataDictionary;
use tocsin_domain::code::INTERPRETATION;
use tocsin_domain::reading::{self, Standing, Step};
use tocsin_domain::wildcard::like;
use tocsin_domain::worklist::Band;

use super::item::worklist;
use crate::api::error::ApiError;
use crate::report::work_item::readiness;

/// Items of a page where the caller does not say, and at most.
const LIMIT: usize = 200;
const MOST: usize = 500;
/// Match keys of one search.
const KEYS: usize = 32;

/// An attribute that readings are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Uid,
    Step,
    Priority,
    Readiness,
    Workitem,
    Label,
    Worklist,
    Start,
    PatientName,
    PatientId,
    StudyUid,
    Accession,
}

/// Every way in which each may be written: as keyword and as tag, and inside the sequence that holds it.
const NAMES: [(Key, &[&str]); 12] = [
    (Key::Uid, &["SOPInstanceUID", "00080018"]),
    (Key::Step, &["ProcedureStepState", "00741000"]),
    (Key::Priority, &["ScheduledProcedureStepPriority", "00741200"]),
    (Key::Readiness, &["InputReadinessState", "00404041"]),
    (
        Key::Workitem,
        &["ScheduledWorkitemCodeSequence.CodeValue", "00404018.00080100"],
    ),
    (Key::Label, &["ProcedureStepLabel", "00741204"]),
    (Key::Worklist, &["WorklistLabel", "00741202"]),
    (Key::Start, &["ScheduledProcedureStepStartDateTime", "00404005"]),
    (Key::PatientName, &["PatientName", "00100010"]),
    (Key::PatientId, &["PatientID", "00100020"]),
    (
        Key::StudyUid,
        &[
            "StudyInstanceUID",
            "0020000D",
            "ReferencedRequestSequence.StudyInstanceUID",
            "0040A370.0020000D",
            "InputInformationSequence.StudyInstanceUID",
            "00404021.0020000D",
        ],
    ),
    (
        Key::Accession,
        &[
            "AccessionNumber",
            "00080050",
            "ReferencedRequestSequence.AccessionNumber",
            "0040A370.00080050",
        ],
    ),
];

/// A search whose words are known.
#[derive(Debug, Default)]
pub struct Wanted {
    keys: Vec<(Key, String)>,
    pub limit: usize,
    pub offset: usize,
    /// Attributes that are DICOM's, and that readings are not found by.
    pub ignored: Vec<String>,
    pub fuzzy: bool,
}

/// What a reading is found by.
#[derive(Clone)]
pub struct Card<'r> {
    pub uid: &'r str,
    pub standing: Standing,
    pub band: Band,
    /// `None` where nobody asks for it.
    pub complete: Option<bool>,
    pub label: &'r str,
    /// `YYYYMMDDHHMMSS`, by the clock on the wall of the site.
    pub start: &'r str,
    pub patient_name: &'r str,
    pub patient_id: &'r str,
    pub study_uid: &'r str,
    pub accession: &'r str,
}

/// The keys that a search matches, as PS3.6 names them.
pub fn matched() -> impl Iterator<Item = &'static str> {
    NAMES.iter().filter_map(|(_, names)| names.first().copied())
}

impl Wanted {
    /// # Errors
    /// A parameter that is none, with what is expected.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let mut wanted = Self {
            limit: LIMIT,
            ..Self::default()
        };
        for (name, value) in pairs {
            match name.as_str() {
                "limit" => wanted.limit = count(name, value)?.min(MOST),
                "offset" => wanted.offset = count(name, value)?,
                "fuzzymatching" => wanted.fuzzy = value == "true",
                // Everything that a reading has is in every answer.
                "includefield" => {}
                _ => wanted.key(name, value)?,
            }
        }
        if wanted.keys.len() + wanted.ignored.len() > KEYS {
            return Err(ApiError::BadRequest(format!("at most {KEYS} match keys")));
        }
        Ok(wanted)
    }

    fn key(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let named = |(_, names): &&(Key, &[&str])| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        match NAMES.iter().find(named) {
            // An empty key matches everything.
            Some(_) if value.is_empty() || value == "*" => {}
            Some((key, _)) => self.keys.push((*key, value.to_owned())),
            None if is_attribute(name) => self.ignored.push(name.to_owned()),
            None => {
                return Err(ApiError::BadRequest(format!(
                    "{}: expected a DICOM keyword or tag, such as ProcedureStepState or 00741000",
                    name.chars().take(64).collect::<String>()
                )));
            }
        }
        Ok(())
    }

    /// Whether readings that are at an end can match.
    pub fn may_be(&self, step: Step) -> bool {
        self.of(Key::Step).all(|asked| asked == step.text())
    }

    pub fn asks_readiness(&self) -> bool {
        self.of(Key::Readiness).next().is_some()
    }

    fn of(&self, key: Key) -> impl Iterator<Item = &str> {
        self.keys
            .iter()
            .filter(move |(known, _)| *known == key)
            .map(|(_, value)| value.as_str())
    }

    pub fn takes(&self, card: &Card) -> bool {
        self.keys.iter().all(|(key, value)| match key {
            Key::Uid => one_of(value, card.uid),
            Key::Step => value == card.standing.step.text(),
            Key::Priority => value == reading::priority(card.band),
            Key::Readiness => card.complete.is_some_and(|complete| value == readiness(complete)),
            Key::Workitem => value == INTERPRETATION.code.as_ref(),
            Key::Label => like(value, card.label),
            Key::Worklist => like(value, worklist(card.band)),
            Key::Start => in_range(value, card.start),
            Key::PatientName => like(&value.to_lowercase(), &card.patient_name.to_lowercase()),
            Key::PatientId => like(value, card.patient_id),
            Key::StudyUid => one_of(value, card.study_uid),
            Key::Accession => like(value, card.accession),
        })
    }
}

fn count(name: &str, value: &str) -> Result<usize, ApiError> {
    value
        .parse::<u32>()
        .map(|number| number as usize)
        .map_err(|_| ApiError::BadRequest(format!("{name}: expected a whole number, not negative")))
}

/// Keywords of the dictionary, or tags of eight digits, with dots between those that lead into sequences.
fn is_attribute(name: &str) -> bool {
    name.split('.').all(|part| {
        let tag = part.len() == 8 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
        tag || StandardDataDictionary.by_name(part).is_some()
    })
}

/// Lists of UIDs, with commas or backslashes between.
fn one_of(list: &str, uid: &str) -> bool {
    list.split([',', '\\']).any(|one| one == uid)
}

/// `20260314`, `20260314-`, `-202603141200`, or both ends; an end without a time holds the whole day.
fn in_range(range: &str, at: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().take_while(char::is_ascii_digit).collect() };
    let part = |end: &str| at.get(..end.len().min(at.len())).unwrap_or(at).to_owned();
    match range.split_once('-') {
        None => at.starts_with(&digits(range)),
        Some((from, to)) => {
            let (from, to) = (digits(from), digits(to));
            (from.is_empty() || part(&from) >= from) && (to.is_empty() || part(&to) <= to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::reading::Ending;

    fn card() -> Card<'static> {
        Card {
            uid: "2.25.7",
            standing: Standing {
                number: 1,
                step: Step::Scheduled,
                ending: None,
            },
            band: Band::Urgent,
            complete: Some(true),
            label: "CT Head",
            start: "20260314100000",
            patient_name: "Doe^Jane",
            patient_id: "MRN1",
            study_uid: "1.2.3",
            accession: "A100",
        }
    }

    fn wanted(query: &str) -> Result<Wanted, ApiError> {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Wanted::read(&pairs)
    }

    #[test]
    fn a_reading_is_found_by_what_it_says() {
        for (query, found) in [
            ("", true),
            ("ProcedureStepState=SCHEDULED&00741200=HIGH", true),
            ("ProcedureStepState=IN PROGRESS", false),
            ("ScheduledProcedureStepPriority=MEDIUM", false),
            ("InputReadinessState=READY", true),
            ("WorklistLabel=Reading urgent", true),
            ("WorklistLabel=Reading*", true),
            ("WorklistLabel=Reading critical", false),
            ("PatientName=doe*", true),
            ("PatientName=D?e^Jane", true),
            ("PatientName=Jane", false),
            ("PatientID=MRN1", true),
            ("PatientID=mrn1", false),
            ("ReferencedRequestSequence.AccessionNumber=A100", true),
            ("0040A370.00080050=A1*", true),
            ("0040a370.00080050=A2*", false),
            ("StudyInstanceUID=1.2.9,1.2.3", true),
            ("SOPInstanceUID=2.25.7", true),
            ("ScheduledWorkitemCodeSequence.CodeValue=110005", true),
            ("ScheduledWorkitemCodeSequence.CodeValue=110004", false),
            ("ScheduledProcedureStepStartDateTime=20260314", true),
            ("ScheduledProcedureStepStartDateTime=20260315-", false),
            (
                "ScheduledProcedureStepStartDateTime=202603140900-202603141000",
                true,
            ),
            ("ScheduledProcedureStepStartDateTime=-20260313", false),
            // Not a way to find readings: left out, and said.
            ("ScheduledStationNameCodeSequence.CodeValue=CT1", true),
            ("PatientName=", true),
        ] {
            assert_eq!(wanted(query).expect("keys").takes(&card()), found, "{query}");
        }
    }

    #[test]
    fn what_is_no_attribute_is_refused_and_what_is_no_key_is_told() {
        assert!(wanted("Nonsense=1").is_err());
        assert!(wanted("limit=many").is_err());
        assert!(wanted("offset=-1").is_err());
        let known = wanted("ScheduledStationNameCodeSequence.CodeValue=CT1&00100040=F").expect("keys");
        assert_eq!(known.ignored.len(), 2);
        assert_eq!(wanted("limit=100000").expect("keys").limit, MOST);
        let many: Vec<_> = (0..40).map(|n| ("PatientID".to_owned(), n.to_string())).collect();
        assert!(Wanted::read(&many).is_err());
    }

    #[test]
    fn only_what_can_match_is_looked_for() {
        let completed = wanted("ProcedureStepState=COMPLETED").expect("keys");
        assert!(completed.may_be(Step::Completed) && !completed.may_be(Step::Canceled));
        let ended = Standing {
            number: 1,
            step: Step::Completed,
            ending: Some(Ending::Reported),
        };
        assert!(completed.takes(&Card {
            standing: ended,
            ..card()
        }));
    }
}
