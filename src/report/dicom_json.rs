//! Data sets as DICOM JSON (PS3.18 annex F), as far as ours go: texts, names, numbers and sequences. Bytes are left out; no
//! document that is written this way has any. Hand-written because the crate at hand turns on `serde_json/preserve_order`
//! for the whole program, whose schemas and documents are in the order of their keys.

use dicom_core::header::Header;
use dicom_core::{PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use serde_json::{Map, Value, json};

/// A data set; an element without a value has its VR alone.
pub fn json(set: &InMemDicomObject) -> Value {
    let mut elements = Map::new();
    for element in set {
        let mut written = Map::from_iter([("vr".to_owned(), Value::from(element.vr().to_string()))]);
        let values = match element.items() {
            Some(items) => items.iter().map(json).collect(),
            None => element
                .value()
                .primitive()
                .map_or(Vec::new(), |value| values(element.vr(), value)),
        };
        if !values.is_empty() {
            written.insert("Value".to_owned(), Value::from(values));
        }
        let tag = element.tag();
        elements.insert(
            format!("{:04X}{:04X}", tag.group(), tag.element()),
            Value::from(written),
        );
    }
    Value::from(elements)
}

fn values(vr: VR, value: &PrimitiveValue) -> Vec<Value> {
    match vr {
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN | VR::AT => Vec::new(),
        VR::US | VR::UL | VR::SS | VR::SL => {
            let numbers = value.to_multi_int::<i64>().unwrap_or_default();
            numbers.into_iter().map(Value::from).collect()
        }
        VR::PN => texts(value).map(|name| person(&name)).collect(),
        _ => texts(value).map(Value::from).collect(),
    }
}

fn texts(value: &PrimitiveValue) -> impl Iterator<Item = String> {
    value
        .to_multi_str()
        .iter()
        .map(|text| text.trim_end_matches([' ', '\0']).to_owned())
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The groups of a name: as it is written in letters, in ideograms, and as it sounds.
fn person(name: &str) -> Value {
    let kinds = ["Alphabetic", "Ideographic", "Phonetic"];
    let groups = kinds
        .into_iter()
        .zip(name.split('='))
        .filter(|(_, group)| !group.is_empty());
    groups
        .map(|(kind, group)| (kind.to_owned(), json!(group)))
        .collect::<Map<_, _>>()
        .into()
}

/// Whether somebody's JSON is a data set: tags, each with a VR, and lists of values; of sequences, data sets.
pub fn is_data_set(value: &Value) -> bool {
    let Value::Object(elements) = value else {
        return false;
    };
    elements.iter().all(|(tag, element)| {
        let is_tag = tag.len() == 8 && tag.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_tag && is_element(element)
    })
}

fn is_element(element: &Value) -> bool {
    let vr = element["vr"].as_str().unwrap_or_default();
    let is_vr = vr.len() == 2 && vr.bytes().all(|letter| letter.is_ascii_uppercase());
    let values = match element.get("Value") {
        None => true,
        Some(Value::Array(items)) if vr == "SQ" => items.iter().all(is_data_set),
        Some(Value::Array(_)) => true,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
    };
    is_vr && values
}

#[cfg(test)]
mod tests {
    use super::super::dataset::DataSet;
    use super::*;
    use dicom_dictionary_std::tags;

    #[test]
    fn a_data_set_is_written_as_the_standard_shows_it() {
        let item = DataSet::new().text(tags::CODE_VALUE, VR::SH, "110005");
        let set = DataSet::new()
            .text(tags::PATIENT_NAME, VR::PN, "Yamada^Tarou=山田^太郎")
            .text(tags::PATIENT_ID, VR::LO, "")
            .number(tags::ROWS, 512)
            .texts(tags::IMAGE_TYPE, VR::CS, &["ORIGINAL", "PRIMARY"])
            .sequence(tags::SCHEDULED_WORKITEM_CODE_SEQUENCE, vec![item])
            .sequence(tags::INPUT_INFORMATION_SEQUENCE, Vec::new());
        let written = json(&set.object());
        assert_eq!(
            written,
            json!({
                "00080008": { "vr": "CS", "Value": ["ORIGINAL", "PRIMARY"] },
                "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎" }] },
                "00100020": { "vr": "LO" },
                "00280010": { "vr": "US", "Value": [512] },
                "00404018": { "vr": "SQ", "Value": [{ "00080100": { "vr": "SH", "Value": ["110005"] } }] },
                "00404021": { "vr": "SQ" },
            })
        );
        assert!(is_data_set(&written));
    }

    #[test]
    fn what_is_no_data_set_is_told_apart() {
        for bad in [
            json!([]),
            json!({ "PatientName": { "vr": "PN" } }),
            json!({ "00100010": "Doe" }),
            json!({ "00100010": { "Value": [] } }),
            json!({ "00741002": { "vr": "SQ", "Value": "no list" } }),
            json!({ "00741002": { "vr": "SQ", "Value": [7] } }),
        ] {
            assert!(!is_data_set(&bad), "{bad}");
        }
    }
}
