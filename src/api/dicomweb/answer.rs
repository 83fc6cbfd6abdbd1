//! Answers to searches in DICOM's JSON: from rows where they say it, from the header of the first instance where they do not, and the
//! patient as known after merges. Composes; what matched was decided before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tocsin_domain::dicomweb::accept::Range;
use tocsin_domain::ids::SiteId;
use tocsin_domain::phi::PatientIdentifier;

use super::asked::{Asked, Level, level_of};
use crate::api::error::ApiError;
use crate::imaging::header::tag;
use crate::storage::dicom_keys::{FoundSeries, FoundStudy};
use crate::storage::entity::{instance, patient};
use crate::storage::patients::{self, Imaged};
use crate::storage::{Store, StoreError};

pub const JSON: &str = "application/dicom+json";

/// An answer, or a header, by tags.
pub type Attributes = Map<String, Value>;

/// # Errors
/// The client takes no JSON.
pub fn takes_json(accept: &[Range]) -> Result<(), ApiError> {
    let kinds = [JSON, "application/json", "application/*", "*/*"];
    let takes = |range: &Range| !range.multipart && kinds.contains(&range.kind.as_str());
    match accept.iter().any(takes) {
        true => Ok(()),
        false => Err(ApiError::NotAcceptable(format!(
            "expected {JSON} among what is accepted"
        ))),
    }
}

/// What is told of a series without being asked for (PS3.18 table 10.6.3-4).
const SERIES: [&str; 9] = [
    "00080060", "0008103E", "0020000E", "00200011", "00400244", "00400245", "00400275", "00180015",
    "00080021",
];
/// The same of an instance (table 10.6.3-5).
const INSTANCE: [&str; 7] = [
    "00080016", "00080018", "00200013", "00280010", "00280011", "00280100", "00280008",
];

/// Whether a header must be read to say what is asked for of studies. What belongs to series or instances is not told of them.
pub fn needs_header(asked: &Asked) -> bool {
    let is_missing = |key: &String| {
        let of_studies = tag(key).is_some_and(|tag| level_of(tag) == Level::Study);
        of_studies && !STUDY_ROWS.contains(&key.as_str())
    };
    asked.include_all || asked.include.iter().any(is_missing)
}

/// What rows say of a study.
const STUDY_ROWS: [&str; 16] = [
    "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081030", "00081190",
    "00100010", "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208",
];

/// Puts what the header says of attributes up to this level, as far as it was asked for.
pub fn from_header(
    to: &mut Attributes,
    header: &Attributes,
    asked: &Asked,
    level: Level,
    own: &BTreeSet<Level>,
) {
    for (key, value) in header {
        let Some(of) = tag(key).map(level_of).filter(|of| *of <= level) else {
            continue;
        };
        let by_itself = match of {
            Level::Study => false,
            Level::Series => own.contains(&of) && SERIES.contains(&key.as_str()),
            Level::Instance => INSTANCE.contains(&key.as_str()),
        };
        if by_itself || asked.include_all || asked.include.contains(key) {
            to.insert(key.clone(), value.clone());
        }
    }
}

fn put(to: &mut Attributes, tag: &str, vr: &str, value: Option<Value>) {
    let shown = match value {
        Some(value) => json!({ "vr": vr, "Value": [value] }),
        None => json!({ "vr": vr }),
    };
    to.insert(tag.to_owned(), shown);
}

fn text(to: &mut Attributes, tag: &str, vr: &str, value: Option<&str>) {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    put(to, tag, vr, value.map(|value| json!(value)));
}

fn name(to: &mut Attributes, tag: &str, value: Option<&str>) {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    let groups = |value: &str| {
        let named = ["Alphabetic", "Ideographic", "Phonetic"]
            .into_iter()
            .zip(value.split('='));
        let said = named.filter(|(_, part)| !part.is_empty());
        Value::Object(
            said.map(|(group, part)| (group.to_owned(), json!(part)))
                .collect(),
        )
    };
    put(to, tag, "PN", value.map(groups));
}

/// What rows say of a study, with its patient.
pub fn study(to: &mut Attributes, row: &FoundStudy, patient: Option<&patient::Model>) {
    text(to, "00080020", "DA", row.study_date.as_deref());
    text(to, "00080030", "TM", row.study_time.as_deref());
    text(to, "00080050", "SH", row.accession.as_deref());
    name(to, "00080090", row.referring_physician.as_deref());
    if !row.description.is_empty() {
        text(to, "00081030", "LO", Some(&row.description));
    }
    let as_known = |known: fn(&patient::Model) -> Option<&str>, said: &Option<String>| {
        patient
            .and_then(known)
            .map(str::to_owned)
            .or_else(|| said.clone())
    };
    let called = as_known(|p| p.name.as_deref(), &row.patient_name);
    name(to, "00100010", called.as_deref());
    let number = as_known(|p| Some(&p.identifier), &row.patient_identifier);
    text(to, "00100020", "LO", number.as_deref());
    let born = as_known(|p| p.birth_date.as_deref(), &row.birth_date);
    text(to, "00100030", "DA", born.as_deref());
    let sex = as_known(|p| p.sex.as_deref(), &row.sex);
    text(to, "00100040", "CS", sex.as_deref());
    text(to, "0020000D", "UI", Some(&row.study_uid));
    text(to, "00200010", "SH", row.study_number.as_deref());
}

/// What only all series of a study together say.
pub fn related(to: &mut Attributes, series: &[&FoundSeries], instances: i64) {
    let modalities: BTreeSet<&str> = series.iter().map(|one| one.modality.as_str()).collect();
    let modalities: Vec<&str> = modalities.into_iter().filter(|m| !m.is_empty()).collect();
    to.insert("00080061".to_owned(), json!({ "vr": "CS", "Value": modalities }));
    put(to, "00201206", "IS", Some(json!(series.len())));
    put(to, "00201208", "IS", Some(json!(instances)));
}

pub fn series(to: &mut Attributes, row: &FoundSeries, instances: i64) {
    text(to, "00080060", "CS", Some(&row.modality));
    text(to, "0020000E", "UI", Some(&row.series_uid));
    put(
        to,
        "00200011",
        "IS",
        row.series_number.map(|number| json!(number)),
    );
    put(to, "00201209", "IS", Some(json!(instances)));
}

pub fn instance(to: &mut Attributes, row: &instance::Model) {
    text(to, "00080016", "UI", Some(&row.sop_class));
    text(to, "00080018", "UI", Some(&row.sop_uid));
    text(to, "00083002", "UI", Some(&row.transfer_syntax));
}

/// Where it is retrieved from, and that it is there.
pub fn retrieve(to: &mut Attributes, address: &str) {
    text(to, "00080056", "CS", Some("ONLINE"));
    text(to, "00081190", "UR", Some(address));
}

/// The patients of studies as they are known now, by the ids of the studies; those of whom no message ever spoke are left out.
pub async fn patients(
    store: &Store,
    site: &SiteId,
    default_authority: &str,
    studies: impl Iterator<Item = &FoundStudy>,
) -> Result<BTreeMap<String, patient::Model>, StoreError> {
    let conn = store.read();
    let mut known = BTreeMap::new();
    for row in studies {
        let Some(value) = row.patient_identifier.clone() else {
            continue;
        };
        let authority = row.patient_authority.clone().unwrap_or_default();
        let said = PatientIdentifier { value, authority };
        if let Imaged::Record(id) = patients::named(conn, site, said, default_authority).await?
            && let Some(record) = patients::by_id(conn, &id).await?
        {
            known.insert(row.id.clone(), record);
        }
    }
    Ok(known)
}
