//! Sample messages of a site, and what each must be read as: `NAME.hl7` beside `NAME.toml`, which says as much of the event as
//! is to be held against it. Pure.

use chrono_tz::Tz;
use serde_json::Value;
use tocsin_domain::clock::Timestamp;

use super::Reading;
use super::event::open;
use crate::report::read_profile::ReadProfile;

/// What is read of a message: `event` and `data` as the service keeps them, or `refused` with the reason.
pub fn read(message: &[u8], profile: &ReadProfile, zone: Tz, received_at: Timestamp) -> Value {
    let ids = ["P", "T", "D"].map(str::to_owned);
    let reading = Reading {
        profile,
        zone,
        processing_ids: &ids,
        ai_senders: &[],
        received_at,
    };
    let refused = |reason: String| serde_json::json!({ "refused": reason });
    match open(message) {
        Err(nothing) => refused(nothing.to_string()),
        Ok(opened) => match opened.event(&reading) {
            Err(problem) => refused(problem.to_string()),
            Ok(event) => serde_json::to_value(event).unwrap_or_else(|error| refused(error.to_string())),
        },
    }
}

/// Where `found` is not what is expected, with the place and both values; what is not expected of is passed over. Lists have
/// as many entries as expected. A reason for a refusal need only be contained.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut all = Vec::new();
    compare("", expected, found, &mut all);
    all
}

fn compare(place: &str, expected: &Value, found: &Value, all: &mut Vec<String>) {
    let below = |key: &str| match place {
        "" => key.to_owned(),
        _ => format!("{place}.{key}"),
    };
    match (expected, found) {
        (Value::Object(wanted), Value::Object(there)) => {
            for (key, wanted) in wanted {
                compare(&below(key), wanted, there.get(key).unwrap_or(&Value::Null), all);
            }
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            for (at, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                compare(&below(&at.to_string()), wanted, there, all);
            }
        }
        (Value::Array(wanted), Value::Array(there)) => {
            all.push(format!(
                "{place}: expected {} entries, found {}",
                wanted.len(),
                there.len()
            ));
        }
        (Value::String(wanted), Value::String(there)) if place == "refused" && there.contains(wanted) => {}
        (wanted, there) if wanted == there => {}
        (wanted, there) => all.push(format!("{place}: expected {wanted}, found {there}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_expected_is_compared_and_a_difference_says_where() {
        let found =
            json!({ "event": "orders", "data": [{ "accession": "A1", "procedure": { "code": "1" } }] });
        let same = json!({ "data": [{ "procedure": { "code": "1" } }] });
        assert!(differences(&same, &found).is_empty());
        let other = json!({ "event": "merge", "data": [{ "accession": "A2", "priority": "S" }] });
        assert_eq!(
            differences(&other, &found),
            [
                "data.0.accession: expected \"A2\", found \"A1\"",
                "data.0.priority: expected \"S\", found null",
                "event: expected \"merge\", found \"orders\"",
            ]
        );
        assert_eq!(
            differences(&json!({ "data": [] }), &found),
            ["data: expected 0 entries, found 1"]
        );
        let refused = json!({ "refused": "OBR-4: missing" });
        assert!(differences(&json!({ "refused": "OBR-4" }), &refused).is_empty());
        assert_eq!(differences(&json!({ "event": "orders" }), &refused).len(), 1);
    }
}
