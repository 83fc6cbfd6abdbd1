//! Studies and series in DICOM's JSON (PS3.18 annex F): the few attributes that are asked for, and nothing believed of the
//! rest. Pure.

use serde_json::Value;
use tocsin_domain::ids::Uid;
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};
use tocsin_domain::priors::{Described, DescribedSeries};

/// `None` where it names no study.
pub fn described(answer: &Value) -> Option<Described> {
    let phi = |tag| text(answer, tag).map(Phi::new);
    Some(Described {
        study_uid: Uid::parse(&text(answer, "0020000D")?).ok()?,
        patient: text(answer, "00100020").map(|value| PatientIdentifier {
            value,
            authority: text(answer, "00100021").unwrap_or_default(),
        }),
        demographics: Demographics {
            name: phi("00100010"),
            birth_date: phi("00100030"),
            sex: phi("00100040"),
        },
        date: text(answer, "00080020"),
        time: text(answer, "00080030"),
        modalities: values(answer, "00080061").filter_map(said).collect(),
        series: Vec::new(),
    })
}

/// `None` where it names no series.
pub fn described_series(answer: &Value) -> Option<DescribedSeries> {
    let instances = values(answer, "00201209").next();
    Some(DescribedSeries {
        series_uid: Uid::parse(&text(answer, "0020000E")?).ok()?,
        modality: text(answer, "00080060").unwrap_or_default(),
        body_part: text(answer, "00180015").unwrap_or_default(),
        instances: instances.and_then(|n| match n {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64().and_then(|n| u32::try_from(n).ok()),
        }),
    })
}

fn values<'v>(answer: &'v Value, tag: &str) -> impl Iterator<Item = &'v Value> {
    let listed = answer
        .get(tag)
        .and_then(|a| a.get("Value"))
        .and_then(Value::as_array);
    listed.into_iter().flatten()
}

fn text(answer: &Value, tag: &str) -> Option<String> {
    values(answer, tag).next().and_then(said)
}

/// A text, or the alphabetic writing of a name.
fn said(value: &Value) -> Option<String> {
    let text = value
        .as_str()
        .or_else(|| value.get("Alphabetic")?.as_str())?
        .trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_study_is_read_and_what_is_odd_is_left_out() {
        let answer = json!({
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Meier^Anna"}]},
            "00100020": {"vr": "LO", "Value": ["P1"]},
            "00080020": {"vr": "DA", "Value": ["20250601"]},
            "00080061": {"vr": "CS", "Value": ["DX", null, "SR"]},
            "00080030": {"vr": "TM"},
        });
        let study = described(&answer).unwrap();
        assert_eq!(study.modalities, ["DX", "SR"]);
        assert_eq!((study.date.as_deref(), study.time), (Some("20250601"), None));
        assert!(study.demographics.name.is_some() && study.patient.is_some());
        for bad in [
            json!({}),
            json!([]),
            json!({"0020000D": {"Value": ["x"]}}),
            json!({"0020000D": {"Value": 7}}),
        ] {
            assert!(described(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_number_of_instances_is_read_as_a_number_or_as_a_text() {
        for (n, expected) in [
            (json!(12), Some(12)),
            (json!("12"), Some(12)),
            (json!(-1), None),
            (json!("x"), None),
        ] {
            let answer = json!({"0020000E": {"Value": ["1.2"]}, "00201209": {"Value": [n]}});
            assert_eq!(described_series(&answer).unwrap().instances, expected);
        }
    }
}
