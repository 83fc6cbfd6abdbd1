//! Reads structured reports and key object selections of other systems: who speaks, and what is said, in the sender's own
//! codes. Bounded; understands TID 1500 and what resembles it; judges nothing.

mod item;
mod tid1500;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, from_reader};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::Uid;
use tocsin_domain::phi::PatientIdentifier;
use tocsin_domain::vendor::{Speaker, Subject, Told};

use super::sr_codes as dcm;
use item::{Item, Value, text, uid};

/// A larger report is not read.
pub const MOST_BYTES: u64 = 16 * 1024 * 1024;

pub const KEY_OBJECT_SELECTION: &str = "1.2.840.10008.5.1.4.1.1.88.59";
/// Basic Text, Enhanced, Comprehensive, Comprehensive 3D and Extensible SR.
const REPORTS: [&str; 5] = [
    "1.2.840.10008.5.1.4.1.1.88.11",
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.88.34",
    "1.2.840.10008.5.1.4.1.1.88.35",
];
/// Titles of CID 7010 by which objects are taken back.
const REJECTIONS: [&str; 3] = ["113001", "113037", "113038"];

/// Whether instances of this class are documents that [`read`] can look into.
pub fn is_document(sop_class: &str) -> bool {
    sop_class == KEY_OBJECT_SELECTION || REPORTS.contains(&sop_class)
}

/// What a document is.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    Report(Report),
    /// Objects that whoever sent this takes back.
    Rejection(Vec<Uid>),
    /// Nothing that could be a result: its title.
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub instance: Uid,
    /// Of the device that observed; ours on reports that we made.
    pub serial: Option<String>,
    /// Who speaks in the document as a whole.
    pub by: Speaker,
    /// One for each algorithm that speaks in it.
    pub told: Vec<Told>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the document cannot be parsed")]
    Parse(#[source] Box<dicom_object::ReadError>),
    #[error("content item {place}: expected {expected}")]
    Item { place: String, expected: &'static str },
    #[error("the document has more than 50000 content items")]
    TooMany,
    #[error("{0} is missing or not valid")]
    Header(&'static str),
}

/// Reads a Part 10 file. `zone` is that of times without an offset.
pub fn read(file: &[u8], zone: Tz, received_at: Timestamp) -> Result<Document, ReadError> {
    let object = from_reader(file).map_err(|error| ReadError::Parse(Box::new(error)))?;
    let root = item::tree(&object)?;
    let class = text(&object, tags::SOP_CLASS_UID).unwrap_or_default();
    let title = root.concept.clone();
    let title = title.ok_or(ReadError::Item {
        place: root.place.clone(),
        expected: "a title",
    })?;
    if class == KEY_OBJECT_SELECTION {
        let rejects = title.system == "DCM" && REJECTIONS.contains(&title.code.as_ref());
        return Ok(match rejects {
            true => Document::Rejection(references(&root)),
            false => Document::Other(title.display.into_owned()),
        });
    }
    let by_template = matches!(&root.value, Value::Container { template: Some(id) } if id == "1500");
    if !by_template && !root.is(&dcm::MEASUREMENT_REPORT) {
        return Ok(Document::Other(title.display.into_owned()));
    }
    let header = Header {
        instance: uid(&object, tags::SOP_INSTANCE_UID)
            .ok_or(ReadError::Header("the SOP Instance UID (0008,0018)"))?,
        study: Subject {
            study_uid: uid(&object, tags::STUDY_INSTANCE_UID),
            accession: text(&object, tags::ACCESSION_NUMBER),
            patient: patient(&object),
            ..Subject::default()
        },
        manufacturer: text(&object, tags::MANUFACTURER).unwrap_or_default(),
        software: text(&object, tags::SOFTWARE_VERSIONS).unwrap_or_default(),
        evidence: evidence(&object),
        at: content_time(&object, zone).map_or(received_at, |at| at.min(received_at)),
    };
    Ok(Document::Report(tid1500::report(&root, header)))
}

/// What stands beside the tree.
struct Header {
    instance: Uid,
    study: Subject,
    manufacturer: String,
    software: String,
    /// Series and instance, with the class.
    evidence: Vec<(Uid, Uid, String)>,
    at: Timestamp,
}

fn references(root: &Item) -> Vec<Uid> {
    let all = root.children.iter().filter_map(|item| match &item.value {
        Value::Reference { instance, .. } => Some(instance.clone()),
        Value::Container { .. }
        | Value::Code(_)
        | Value::Number { .. }
        | Value::Text(_)
        | Value::UidRef(_)
        | Value::Region
        | Value::Other => None,
    });
    all.collect()
}

fn patient(object: &InMemDicomObject) -> Option<PatientIdentifier> {
    Some(PatientIdentifier {
        value: text(object, tags::PATIENT_ID)?,
        authority: text(object, tags::ISSUER_OF_PATIENT_ID).unwrap_or_default(),
    })
}

fn evidence(object: &InMemDicomObject) -> Vec<(Uid, Uid, String)> {
    let sequences = [
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        tags::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
    ];
    let mut found = Vec::new();
    for study in sequences.into_iter().flat_map(|tag| item::items(object, tag)) {
        for series in item::items(study, tags::REFERENCED_SERIES_SEQUENCE) {
            let Some(series_uid) = uid(series, tags::SERIES_INSTANCE_UID) else {
                continue;
            };
            for one in item::items(series, tags::REFERENCED_SOP_SEQUENCE) {
                let class = text(one, tags::REFERENCED_SOP_CLASS_UID).unwrap_or_default();
                let instance = uid(one, tags::REFERENCED_SOP_INSTANCE_UID);
                found.extend(instance.map(|instance| (series_uid.clone(), instance, class)));
            }
        }
    }
    found
}

/// Content Date and Content Time, in the zone of the site.
fn content_time(object: &InMemDicomObject, zone: Tz) -> Option<Timestamp> {
    let date = NaiveDate::parse_from_str(&text(object, tags::CONTENT_DATE)?, "%Y%m%d").ok()?;
    let time = text(object, tags::CONTENT_TIME)?;
    let whole = time.get(..6)?;
    let time = NaiveTime::parse_from_str(whole, "%H%M%S").ok()?;
    let local = zone
        .from_local_datetime(&NaiveDateTime::new(date, time))
        .earliest()?;
    Some(local.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bleed, header, installation};
    use crate::{Context, structured_report};
    use tocsin_domain::code;
    use tocsin_domain::finding::{DisplayPolicy, Presence};
    use tocsin_domain::vendor::product::{Mode, Product};
    use tocsin_domain::vendor::reading;

    fn product() -> Product {
        Product {
            name: "other".into(),
            reads_as: "ich".into(),
            manufacturer: "Tocsin".into(),
            algorithms: Vec::new(),
            report_from: Vec::new(),
            reads_reports: true,
            messages_from: None,
            mode: Mode::Active,
            display: DisplayPolicy::PreviewPlain,
            threshold: None,
            calibrated: true,
            names_only_what_it_found: false,
            codes: Vec::new(),
        }
    }

    fn written() -> Vec<u8> {
        let record = bleed();
        let context = Context {
            record: &record,
            header: &header(),
            installation: &installation(),
            revision: 1,
            predecessor: None,
        };
        structured_report(&context).expect("a report").bytes
    }

    fn now() -> Timestamp {
        "2026-03-14T10:00:00Z".parse().expect("an instant")
    }

    #[test]
    fn a_report_as_we_write_it_comes_back_as_what_it_was_written_from() {
        let read = read(&written(), chrono_tz::Europe::Berlin, now()).expect("a document");
        let Document::Report(report) = read else {
            panic!("no report: {read:?}")
        };
        assert_eq!(report.serial.as_deref(), Some("TOCSIN-1"));
        let [told] = &report.told[..] else {
            panic!("one algorithm speaks: {report:?}")
        };
        assert_eq!(
            (told.by.algorithm.as_str(), told.by.version.as_str()),
            ("ich", "1.0.0")
        );
        assert_eq!(told.instance_uids, bleed().instance_uids);
        assert_eq!(told.series_uid, Some(bleed().series_uid));
        assert_eq!(
            told.at,
            "2026-03-14T09:28:05Z".parse::<Timestamp>().expect("an instant")
        );
        let reading = reading::read(told, &product());
        let (found, was) = (&reading.findings[0], &bleed().findings[0]);
        assert_eq!(
            (found.presence, found.probability),
            (Presence::Present, Some(0.875))
        );
        assert_eq!(found.measurement(&code::VOLUME), was.measurement(&code::VOLUME));
        assert_eq!(
            found.measurement(&code::MIDLINE_SHIFT),
            was.measurement(&code::MIDLINE_SHIFT)
        );
        assert_eq!(found.key_instance, was.key_instance);
        assert!(reading.not_understood.is_empty(), "{:?}", reading.not_understood);
    }

    #[test]
    fn whatever_the_bytes_are_they_are_read_or_refused() {
        let whole = written();
        let zone = chrono_tz::UTC;
        for cut in (0..whole.len()).step_by(4999) {
            let _ = read(&whole[..cut], zone, now());
        }
        for at in (132..whole.len()).step_by(2503) {
            let mut bent = whole.clone();
            bent[at] ^= 0x5a;
            let _ = read(&bent, zone, now());
        }
        assert!(read(b"no file", zone, now()).is_err());
    }
}
