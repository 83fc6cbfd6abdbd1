//! A data set in DICOM's JSON (PS3.18 annex F). Binary values beyond a few bytes are named by an address and not carried; what a
//! sender padded or left empty is not shown. Writes what is there and judges nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dicom_core::header::Header;
use dicom_core::value::{PrimitiveValue, Value as Held};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use serde_json::{Map, Number, Value, json};

/// Longer binary values are named by their address.
const MAX_INLINE: usize = 1024;

/// An address for the value at a path of tags and item numbers, such as `54000100.0.54001010`.
pub type Address<'a> = &'a dyn Fn(&str) -> String;

/// All elements; text is Unicode, whatever it was.
pub fn data_set(object: &InMemDicomObject, bulk: Address<'_>) -> Map<String, Value> {
    let mut map = elements(object, "", bulk);
    map.insert(
        key(tags::SPECIFIC_CHARACTER_SET),
        json!({ "vr": "CS", "Value": ["ISO_IR 192"] }),
    );
    map
}

/// `00100010`.
pub fn key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.0, tag.1)
}

fn elements(object: &InMemDicomObject, path: &str, bulk: Address<'_>) -> Map<String, Value> {
    let shown = object.iter().filter(|element| element.tag().1 != 0);
    shown
        .map(|element| {
            let key = key(element.tag());
            let value = self::element(element, &format!("{path}{key}"), bulk);
            (key, value)
        })
        .collect()
}

fn element(element: &InMemElement, path: &str, bulk: Address<'_>) -> Value {
    let vr = element.vr();
    let mut shown = Map::from_iter([("vr".to_owned(), json!(vr.to_string()))]);
    match element.value() {
        Held::Sequence(sequence) => {
            let item = |(at, item)| Value::Object(elements(item, &format!("{path}.{at}."), bulk));
            put_values(
                &mut shown,
                sequence.items().iter().enumerate().map(item).collect(),
            );
        }
        Held::PixelSequence(_) => {
            shown.insert("BulkDataURI".to_owned(), json!(bulk(path)));
        }
        Held::Primitive(value) if is_binary(vr) => {
            let bytes = value.to_bytes();
            if bytes.len() > MAX_INLINE {
                shown.insert("BulkDataURI".to_owned(), json!(bulk(path)));
            } else if !bytes.is_empty() {
                shown.insert("InlineBinary".to_owned(), json!(STANDARD.encode(&bytes)));
            }
        }
        Held::Primitive(value) => put_values(&mut shown, values(vr, value)),
    }
    Value::Object(shown)
}

fn put_values(shown: &mut Map<String, Value>, values: Vec<Value>) {
    if values.iter().any(|value| !value.is_null()) {
        shown.insert("Value".to_owned(), Value::Array(values));
    }
}

fn is_binary(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN)
}

fn values(vr: VR, value: &PrimitiveValue) -> Vec<Value> {
    match value {
        PrimitiveValue::Empty => Vec::new(),
        PrimitiveValue::U8(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::I16(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::U16(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::I32(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::U32(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::I64(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::U64(numbers) => numbers.iter().map(|n| json!(n)).collect(),
        PrimitiveValue::F32(numbers) => numbers.iter().map(|n| real(f64::from(*n))).collect(),
        PrimitiveValue::F64(numbers) => numbers.iter().map(|n| real(*n)).collect(),
        PrimitiveValue::Tags(named) => named.iter().map(|tag| json!(key(*tag))).collect(),
        PrimitiveValue::Str(_)
        | PrimitiveValue::Strs(_)
        | PrimitiveValue::Date(_)
        | PrimitiveValue::DateTime(_)
        | PrimitiveValue::Time(_) => {
            let texts = value.to_multi_str();
            texts.iter().map(|text| said(vr, text)).collect()
        }
    }
}

/// What JSON has no number for has a word (PS3.18 F.2.3).
fn real(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| json!(number.to_string()), Value::Number)
}

/// One value that is kept as text.
fn said(vr: VR, text: &str) -> Value {
    let text = text.trim_matches(['\0', ' ']);
    if text.is_empty() {
        return Value::Null;
    }
    match vr {
        VR::PN => name(text),
        VR::IS | VR::SV | VR::UV => text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n)),
        VR::DS => {
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            number.map_or_else(|| json!(text), Value::Number)
        }
        _ => json!(text),
    }
}

fn name(text: &str) -> Value {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"]
        .into_iter()
        .zip(text.split('='));
    let written = groups.filter(|(_, part)| !part.trim().is_empty());
    Value::Object(
        written
            .map(|(group, part)| (group.to_owned(), json!(part.trim())))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use dicom_core::value::DataSetSequence;
    use dicom_core::{DataElement, dicom_value};

    use super::*;

    fn shown(elements: Vec<InMemElement>) -> Map<String, Value> {
        data_set(&InMemDicomObject::from_element_iter(elements), &|path| {
            format!("bulk/{path}")
        })
    }

    #[test]
    fn numbers_names_and_empty_values_are_shown_as_the_standard_says() {
        let map = shown(vec![
            DataElement::new(tags::PATIENT_NAME, VR::PN, "Yamada^Tarou=山田^太郎 "),
            DataElement::new(tags::PIXEL_SPACING, VR::DS, dicom_value!(Strs, ["0.5 ", "x"])),
            DataElement::new(tags::INSTANCE_NUMBER, VR::IS, "12 "),
            DataElement::new(tags::STUDY_ID, VR::SH, "  "),
            DataElement::new(tags::ROWS, VR::US, dicom_value!(U16, [512])),
            DataElement::new(
                tags::FRAME_INCREMENT_POINTER,
                VR::AT,
                dicom_value!(Tags, [tags::SLICE_VECTOR]),
            ),
            DataElement::new(
                tags::IMAGE_TYPE,
                VR::CS,
                dicom_value!(Strs, ["ORIGINAL", "", "AXIAL"]),
            ),
        ]);
        let expected = json!({
            "00080005": { "vr": "CS", "Value": ["ISO_IR 192"] },
            "00080008": { "vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎" }] },
            "00200010": { "vr": "SH" },
            "00200013": { "vr": "IS", "Value": [12] },
            "00280009": { "vr": "AT", "Value": ["00540080"] },
            "00280010": { "vr": "US", "Value": [512] },
            "00280030": { "vr": "DS", "Value": [0.5, "x"] },
        });
        assert_eq!(Value::Object(map), expected);
    }

    #[test]
    fn long_binary_values_are_named_by_the_way_to_them_and_short_ones_carried() {
        let item = InMemDicomObject::from_element_iter([DataElement::new(
            tags::WAVEFORM_DATA,
            VR::OW,
            PrimitiveValue::from(vec![7u8; MAX_INLINE + 2]),
        )]);
        let map = shown(vec![
            DataElement::new(tags::WAVEFORM_SEQUENCE, VR::SQ, DataSetSequence::from(vec![item])),
            DataElement::new(
                tags::ICC_PROFILE,
                VR::OB,
                PrimitiveValue::from(vec![1u8, 2, 3, 4]),
            ),
        ]);
        let waveform = &map["54000100"]["Value"][0]["54001010"];
        assert_eq!(waveform["BulkDataURI"], "bulk/54000100.0.54001010");
        assert_eq!(map["00282000"]["InlineBinary"], "AQIDBA==");
    }
}
