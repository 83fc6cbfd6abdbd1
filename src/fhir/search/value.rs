//! One value that is searched for, and whether a resource has it. What is compared is the resource as it is shown, so that a
//! search can neither find nor miss what reading would tell otherwise.

use chrono_tz::Tz;
use serde_json::Value;

use super::date::{self, Prefix, Span};
use super::param::Type;

/// A value of a search parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    Token {
        system: System,
        /// None where any code of the system will do.
        code: Option<String>,
    },
    Date(Prefix, Span),
    /// `Type/id`, or an id alone.
    Reference(String),
    /// The beginning of a text, in small letters.
    Text(String),
    Uri(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    Any,
    /// One that says no system.
    Absent,
    Is(String),
}

impl Sought {
    /// What is expected stands in the error; the value does not: it may name a patient.
    pub fn parse(kind: Type, text: &str, base: &str, zone: Tz) -> Result<Self, &'static str> {
        match kind {
            Type::Token | Type::PatientIdentifier => token(text),
            Type::Date => {
                // A plus sign that was not escaped came as a blank.
                let text = text.replace(' ', "+");
                let (prefix, rest) = Prefix::split(&text);
                let span =
                    date::span(rest, zone).ok_or("a date such as 2026-03-14 or ge2026-03-14T09:30:00Z")?;
                Ok(Self::Date(prefix, span))
            }
            Type::Reference => {
                let text = unescaped(text);
                let local = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
                let local = local.unwrap_or(&text);
                match local.is_empty() || local.matches('/').count() > 1 {
                    true => Err("Type/id, or an id"),
                    false => Ok(Self::Reference(local.to_owned())),
                }
            }
            Type::Text => Ok(Self::Text(unescaped(text).to_lowercase())),
            Type::Uri => Ok(Self::Uri(unescaped(text))),
        }
    }

    /// Whether a value that stands in a resource is this one.
    pub fn is(&self, value: &Value, zone: Tz) -> bool {
        match self {
            Self::Token { system, code } => is_token(value, system, code.as_deref()),
            Self::Date(prefix, wanted) => {
                span_of(value, zone).is_some_and(|span| prefix.holds(span, *wanted))
            }
            Self::Reference(wanted) => value["reference"].as_str().is_some_and(|reference| {
                reference == wanted
                    || !wanted.contains('/') && reference.rsplit('/').next() == Some(wanted.as_str())
            }),
            Self::Text(wanted) => value
                .as_str()
                .is_some_and(|text| text.to_lowercase().starts_with(wanted)),
            Self::Uri(wanted) => value.as_str() == Some(wanted),
        }
    }
}

fn token(text: &str) -> Result<Sought, &'static str> {
    let parts = split(text, '|');
    let (system, code) = match parts.as_slice() {
        [code] => (System::Any, code),
        [system, code] if system.is_empty() => (System::Absent, code),
        [system, code] => (System::Is(unescaped(system)), code),
        _ => return Err("a code, or a system and a code with | between them"),
    };
    let code = Some(unescaped(code)).filter(|code| !code.is_empty());
    match (&system, &code) {
        (System::Any | System::Absent, None) => Err("a code, or a system and a code with | between them"),
        (System::Is(_), _) | (_, Some(_)) => Ok(Sought::Token { system, code }),
    }
}

/// A code or a truth by itself, a Coding, a CodeableConcept, or an Identifier.
fn is_token(value: &Value, system: &System, code: Option<&str>) -> bool {
    match value {
        // The system of a bare code is implied by its place.
        Value::String(text) => code.is_none_or(|code| code == text),
        Value::Bool(truth) => code.is_none_or(|code| code == if *truth { "true" } else { "false" }),
        Value::Object(fields) => {
            if let Some(codings) = fields.get("coding").and_then(Value::as_array) {
                return codings.iter().any(|coding| is_token(coding, system, code));
            }
            let said = fields.get("code").or(fields.get("value")).and_then(Value::as_str);
            let of = fields.get("system").and_then(Value::as_str);
            let same_system = match system {
                System::Any => true,
                System::Absent => of.is_none(),
                System::Is(wanted) => of == Some(wanted),
            };
            same_system && said.is_some() && code.is_none_or(|code| said == Some(code))
        }
        Value::Null | Value::Number(_) | Value::Array(_) => false,
    }
}

fn span_of(value: &Value, zone: Tz) -> Option<Span> {
    match value {
        Value::String(text) => date::span(text, zone),
        Value::Object(period) => {
            let end = |name: &str| {
                period
                    .get(name)
                    .and_then(Value::as_str)
                    .and_then(|t| date::span(t, zone))
            };
            Some(Span {
                low: end("start").map_or(tocsin_domain::clock::Timestamp::MIN_UTC, |span| span.low),
                high: end("end").map_or(tocsin_domain::clock::Timestamp::MAX_UTC, |span| span.high),
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// Parts between separators that no backslash stands before; what is escaped stays so.
pub fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        match (escaped, c == separator, parts.last_mut()) {
            (false, true, _) => parts.push(String::new()),
            (_, _, Some(part)) => part.push(c),
            (_, _, None) => {}
        }
        escaped = !escaped && c == '\\';
    }
    parts
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(c);
            escaped = false;
        }
    }
    plain
}

/// Everything at a path such as `agent.who`; lists on the way are gone through.
pub fn at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    for step in path.split('.') {
        found = found
            .into_iter()
            .filter_map(|value| value.get(step))
            .flat_map(flat)
            .collect();
    }
    found
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ZONE: Tz = chrono_tz::Europe::Berlin;

    fn finds(kind: Type, text: &str, value: &Value) -> bool {
        let sought = Sought::parse(kind, text, "https://t.example/fhir", ZONE).expect(text);
        sought.is(value, ZONE)
    }

    #[test]
    fn a_token_may_say_its_system_that_there_is_none_or_nothing_of_it() {
        let identified = json!({ "system": "urn:gh", "value": "7" });
        let bare = json!({ "value": "7" });
        let concept = json!({ "coding": [{ "system": "http://loinc.org", "code": "18748-4" }], "text": "x" });
        for (text, value, expected) in [
            ("7", &identified, true),
            ("urn:gh|7", &identified, true),
            ("urn:gh|", &identified, true),
            ("urn:other|7", &identified, false),
            ("|7", &identified, false),
            ("|7", &bare, true),
            ("urn:gh|7", &bare, false),
            ("8", &bare, false),
            ("18748-4", &concept, true),
            ("http://loinc.org|18748-4", &concept, true),
            ("http://loinc.org|1", &concept, false),
            ("final", &json!("final"), true),
            ("true", &json!(true), true),
            ("false", &json!(true), false),
            (r"a\|b", &json!({ "value": "a|b" }), true),
        ] {
            assert_eq!(finds(Type::Token, text, value), expected, "{text} in {value}");
        }
        for wrong in ["", "|", "a|b|c"] {
            assert!(Sought::parse(Type::Token, wrong, "", ZONE).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reference_is_relative_absolute_or_an_id() {
        let value = json!({ "reference": "Patient/7" });
        for (text, expected) in [
            ("Patient/7", true),
            ("7", true),
            ("https://t.example/fhir/Patient/7", true),
            ("Device/7", false),
            ("8", false),
        ] {
            assert_eq!(finds(Type::Reference, text, &value), expected, "{text}");
        }
        assert!(Sought::parse(Type::Reference, "https://other.example/fhir/Patient/7", "b", ZONE).is_err());
    }

    #[test]
    fn a_text_is_found_by_its_beginning_and_a_period_by_what_it_covers() {
        assert!(finds(Type::Text, "HEAD", &json!("head CT")));
        assert!(!finds(Type::Text, "ct", &json!("head CT")));
        let open = json!({ "start": "2026-03-14" });
        assert!(finds(Type::Date, "ge2027", &open));
        assert!(!finds(Type::Date, "lt2026", &open));
    }

    #[test]
    fn paths_go_through_lists_and_separators_can_be_escaped() {
        let value = json!({ "agent": [{ "who": { "n": 1 } }, { "who": { "n": 2 } }, {}] });
        assert_eq!(at(&value, "agent.who.n"), [&json!(1), &json!(2)]);
        assert_eq!(split(r"a,b\,c", ','), ["a", r"b\,c"]);
        assert_eq!(split(r"a\\,b", ','), [r"a\\", "b"]);
    }
}
