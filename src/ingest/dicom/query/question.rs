//! What a peer asks for: the identifier of a C-FIND, C-GET or C-MOVE, read (PS3.4 C.4.1.1.3, C.6). Knows no database.

use std::collections::BTreeMap;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::dimse::matching::{Key, Kind};

use crate::ingest::dicom::small::text;

/// UIDs that one list may name.
const MOST_VALUES: usize = 1000;

/// Which kind of thing the answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Patient,
    Study,
    Series,
    Image,
}

impl Level {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }

    /// What tells one from another at this level.
    pub(super) fn unique(self) -> Tag {
        match self {
            Self::Patient => tags::PATIENT_ID,
            Self::Study => tags::STUDY_INSTANCE_UID,
            Self::Series => tags::SERIES_INSTANCE_UID,
            Self::Image => tags::SOP_INSTANCE_UID,
        }
    }
}

/// Where the levels begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Patient,
    Study,
}

/// An attribute that can be matched and returned, and from which level on.
pub(super) struct Attribute {
    pub tag: Tag,
    pub vr: VR,
    pub kind: Kind,
    pub level: Level,
}

const fn attribute(tag: Tag, vr: VR, kind: Kind, level: Level) -> Attribute {
    Attribute { tag, vr, kind, level }
}

/// Everything that is known of what is stored, without opening it.
pub(super) const ATTRIBUTES: [Attribute; 32] = [
    attribute(tags::PATIENT_NAME, VR::PN, Kind::Name, Level::Patient),
    attribute(tags::PATIENT_ID, VR::LO, Kind::Text, Level::Patient),
    attribute(tags::ISSUER_OF_PATIENT_ID, VR::LO, Kind::Text, Level::Patient),
    attribute(tags::PATIENT_BIRTH_DATE, VR::DA, Kind::Date, Level::Patient),
    attribute(tags::PATIENT_SEX, VR::CS, Kind::Text, Level::Patient),
    attribute(tags::STUDY_INSTANCE_UID, VR::UI, Kind::Uid, Level::Study),
    attribute(tags::STUDY_DATE, VR::DA, Kind::Date, Level::Study),
    attribute(tags::STUDY_TIME, VR::TM, Kind::Time, Level::Study),
    attribute(tags::ACCESSION_NUMBER, VR::SH, Kind::Text, Level::Study),
    attribute(tags::STUDY_ID, VR::SH, Kind::Text, Level::Study),
    attribute(tags::STUDY_DESCRIPTION, VR::LO, Kind::Text, Level::Study),
    attribute(tags::REFERRING_PHYSICIAN_NAME, VR::PN, Kind::Name, Level::Study),
    attribute(tags::MODALITIES_IN_STUDY, VR::CS, Kind::Text, Level::Study),
    attribute(tags::SOP_CLASSES_IN_STUDY, VR::UI, Kind::Uid, Level::Study),
    attribute(
        tags::NUMBER_OF_STUDY_RELATED_SERIES,
        VR::IS,
        Kind::Number,
        Level::Study,
    ),
    attribute(
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        VR::IS,
        Kind::Number,
        Level::Study,
    ),
    attribute(tags::SERIES_INSTANCE_UID, VR::UI, Kind::Uid, Level::Series),
    attribute(tags::MODALITY, VR::CS, Kind::Text, Level::Series),
    attribute(tags::SERIES_NUMBER, VR::IS, Kind::Number, Level::Series),
    attribute(tags::SERIES_DESCRIPTION, VR::LO, Kind::Text, Level::Series),
    attribute(tags::BODY_PART_EXAMINED, VR::CS, Kind::Text, Level::Series),
    attribute(tags::PROTOCOL_NAME, VR::LO, Kind::Text, Level::Series),
    attribute(tags::MANUFACTURER, VR::LO, Kind::Text, Level::Series),
    attribute(tags::STATION_NAME, VR::SH, Kind::Text, Level::Series),
    attribute(
        tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
        VR::IS,
        Kind::Number,
        Level::Series,
    ),
    attribute(tags::SOP_INSTANCE_UID, VR::UI, Kind::Uid, Level::Image),
    attribute(tags::SOP_CLASS_UID, VR::UI, Kind::Uid, Level::Image),
    attribute(tags::INSTANCE_NUMBER, VR::IS, Kind::Number, Level::Image),
    attribute(tags::IMAGE_TYPE, VR::CS, Kind::Text, Level::Image),
    attribute(tags::ROWS, VR::US, Kind::Number, Level::Image),
    attribute(tags::COLUMNS, VR::US, Kind::Number, Level::Image),
    attribute(tags::NUMBER_OF_FRAMES, VR::IS, Kind::Number, Level::Image),
];

/// Neither matched nor returned as asked: how the question is written, and what every answer says anyway.
const ASIDE: [Tag; 5] = [
    tags::QUERY_RETRIEVE_LEVEL,
    tags::SPECIFIC_CHARACTER_SET,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::RETRIEVE_AE_TITLE,
    tags::INSTANCE_AVAILABILITY,
];

pub(super) struct Question {
    pub level: Level,
    keys: BTreeMap<Tag, Key>,
    /// A key was asked for that is not known here; the answers say so.
    pub passed_over: bool,
}

/// Why an identifier is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    #[error("(0008,0052) is not a level of this model")]
    Level,
    #[error("the unique key of a level above is missing, or not one value")]
    Above,
    #[error("the unique key of the level is missing")]
    Unique,
    #[error("more than {MOST_VALUES} values in one key")]
    TooMany,
}

impl Question {
    pub(super) fn read(root: Root, asked: &InMemDicomObject) -> Result<Self, Unclear> {
        let level = match (text(asked, tags::QUERY_RETRIEVE_LEVEL).as_deref(), root) {
            (Some("PATIENT"), Root::Patient) => Level::Patient,
            (Some("STUDY"), _) => Level::Study,
            (Some("SERIES"), _) => Level::Series,
            (Some("IMAGE"), _) => Level::Image,
            (Some(_) | None, _) => return Err(Unclear::Level),
        };
        let mut question = Self {
            level,
            keys: BTreeMap::new(),
            passed_over: false,
        };
        for element in asked.iter() {
            let tag = element.header().tag;
            let known = ATTRIBUTES.iter().find(|known| known.tag == tag);
            match known.filter(|known| known.level <= level) {
                Some(known) => {
                    let key = Key::read(known.kind, &text(asked, tag).unwrap_or_default());
                    if key.values().is_some_and(|values| values.len() > MOST_VALUES) {
                        return Err(Unclear::TooMany);
                    }
                    question.keys.insert(tag, key);
                }
                None if ASIDE.contains(&tag) => {}
                None => question.passed_over = true,
            }
        }
        let above = match root {
            Root::Patient => [Level::Patient, Level::Study, Level::Series],
            Root::Study => [Level::Study, Level::Study, Level::Series],
        };
        let one = |above: &Level| question.values(above.unique()).is_some_and(|v| v.len() == 1);
        match above.iter().filter(|above| **above < level).all(one) {
            true => Ok(question),
            false => Err(Unclear::Above),
        }
    }

    /// For what is to be sent, which is named and never searched for.
    pub(super) fn named(root: Root, asked: &InMemDicomObject) -> Result<Self, Unclear> {
        let question = Self::read(root, asked)?;
        match question.values(question.level.unique()) {
            Some(_) => Ok(question),
            None => Err(Unclear::Unique),
        }
    }

    /// The values of a key that names them; `None` of one that is absent, empty or a pattern.
    pub(super) fn values(&self, tag: Tag) -> Option<&[String]> {
        self.keys.get(&tag).and_then(Key::values)
    }

    /// Keys of a level, with which something must agree.
    pub(super) fn keys_of(&self, level: Level) -> impl Iterator<Item = (Tag, &Key)> {
        ATTRIBUTES
            .iter()
            .filter(move |known| known.level == level)
            .filter_map(|known| Some((known.tag, self.keys.get(&known.tag)?)))
    }

    pub(super) fn asks_for(&self, tag: Tag) -> bool {
        self.keys.contains_key(&tag) || tag == self.level.unique()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::dicom::small::put;

    fn asked(level: &str, keys: &[(Tag, VR, &str)]) -> InMemDicomObject {
        let mut object = InMemDicomObject::new_empty();
        put(&mut object, tags::QUERY_RETRIEVE_LEVEL, VR::CS, level);
        for (tag, vr, value) in keys {
            put(&mut object, *tag, *vr, value);
        }
        object
    }

    #[test]
    fn a_series_is_asked_for_within_one_study() {
        let study = (tags::STUDY_INSTANCE_UID, VR::UI, "1.2");
        let two = (tags::STUDY_INSTANCE_UID, VR::UI, "1.2\\1.3");
        let patient = (tags::PATIENT_ID, VR::LO, "P1");
        let table = [
            (Root::Study, "SERIES", vec![study], None),
            (Root::Study, "SERIES", vec![two], Some(Unclear::Above)),
            (Root::Study, "SERIES", vec![], Some(Unclear::Above)),
            (Root::Study, "IMAGE", vec![study], Some(Unclear::Above)),
            (Root::Study, "PATIENT", vec![patient], Some(Unclear::Level)),
            (Root::Patient, "PATIENT", vec![], None),
            (Root::Patient, "STUDY", vec![], Some(Unclear::Above)),
            (Root::Patient, "SERIES", vec![patient, study], None),
            (Root::Study, "WORLD", vec![], Some(Unclear::Level)),
        ];
        for (root, level, keys, expected) in table {
            let read = Question::read(root, &asked(level, &keys));
            assert_eq!(read.err(), expected, "{root:?} {level}");
        }
    }

    #[test]
    fn what_is_to_be_sent_is_named_and_a_key_that_is_not_known_is_passed_over() {
        let wild = asked("STUDY", &[(tags::PATIENT_NAME, VR::PN, "*")]);
        assert_eq!(Question::named(Root::Study, &wild).err(), Some(Unclear::Unique));
        let odd = asked("STUDY", &[(tags::PATIENT_WEIGHT, VR::DS, "80")]);
        assert!(Question::read(Root::Study, &odd).is_ok_and(|question| question.passed_over));
        let many = "1.2\\".repeat(1001);
        let many = asked("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, &many)]);
        assert_eq!(Question::read(Root::Study, &many).err(), Some(Unclear::TooMany));
    }
}
