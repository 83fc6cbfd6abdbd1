//! Subscription (R4, rest-hook): who is told of results. Only receivers that the site has named may be endpoints, so that nobody
//! can make this service call what they choose; credentials are in the configuration, and never in a resource.

use chrono::DateTime;
use serde_json::{Value, json};
use tocsin_domain::clock::{Timestamp, from_micros};

use super::search::param::Type;
use super::search::query::{Query, pairs};
use super::{Entry, Kind, MEDIA_TYPE, Receiver, Server, entry, instant};
use crate::storage::entity::subscription;
use crate::storage::subscriptions::{New, SubscriptionStatus};

/// Longest texts that are kept.
const MAX_TEXT: usize = 1_000;
/// Elements that change nothing here, and that a client may send along.
const KNOWN: [&str; 11] = [
    "resourceType",
    "id",
    "meta",
    "text",
    "language",
    "implicitRules",
    "status",
    "reason",
    "criteria",
    "channel",
    "end",
];
const KNOWN_OF_CHANNEL: [&str; 3] = ["type", "endpoint", "payload"];

pub fn render(server: &Server, row: &subscription::Model, now: Timestamp) -> Entry {
    let mut resource = json!({
        "resourceType": "Subscription",
        "status": SubscriptionStatus::of(row, now).text(),
        "reason": row.reason,
        "criteria": row.criteria,
        "channel": { "type": "rest-hook", "endpoint": row.endpoint },
    });
    if let Some(payload) = &row.payload {
        resource["channel"]["payload"] = payload.as_str().into();
    }
    if let Some(error) = &row.error {
        resource["error"] = error.as_str().into();
    }
    if let Some(end) = row.ends_at {
        resource["end"] = instant(from_micros(end)).into();
    }
    entry(server, row.id.clone(), Some(row.updated_at), resource, None)
}

/// Why a subscription is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{place}: expected {expected}")]
    Value { place: &'static str, expected: String },
    #[error("{0}: not supported here")]
    Element(String),
    #[error("channel.endpoint: expected an address of a receiver that the site allows (fhir.receivers)")]
    Receiver,
}

fn wrong(place: &'static str, expected: &str) -> Refusal {
    Refusal::Value {
        place,
        expected: expected.to_owned(),
    }
}

/// What a client asks for, once everything in it is understood.
pub fn read(server: &Server, body: &Value, by: &str, now: Timestamp) -> Result<New, Refusal> {
    if body["resourceType"] != "Subscription" {
        return Err(wrong("resourceType", "Subscription"));
    }
    nothing_else(body, "", &KNOWN)?;
    nothing_else(&body["channel"], "channel.", &KNOWN_OF_CHANNEL)?;
    if !["requested", "active"].contains(&body["status"].as_str().unwrap_or_default()) {
        return Err(wrong("status", "requested"));
    }
    let channel = &body["channel"];
    if channel["type"] != "rest-hook" {
        return Err(wrong("channel.type", "rest-hook"));
    }
    let payload = match &channel["payload"] {
        Value::Null => None,
        Value::String(kind) if kind == MEDIA_TYPE => Some(kind.clone()),
        _ => return Err(wrong("channel.payload", "application/fhir+json, or nothing")),
    };
    let endpoint = said(&channel["endpoint"], "channel.endpoint", "an address")?;
    let receiver = allowed(&server.receivers, &endpoint).ok_or(Refusal::Receiver)?;
    let criteria = said(
        &body["criteria"],
        "criteria",
        "a search such as DiagnosticReport?status=preliminary",
    )?;
    criteria_of(server, &criteria)?;
    Ok(New {
        reason: said(&body["reason"], "reason", "why somebody is to be told")?,
        criteria,
        receiver: receiver.name.clone(),
        endpoint,
        payload,
        ends_at: end(&body["end"], now)?,
        created_by: by.to_owned(),
    })
}

/// An element that is passed over could be the one that matters.
fn nothing_else(value: &Value, place: &str, known: &[&str]) -> Result<(), Refusal> {
    let fields = value.as_object().into_iter().flat_map(|fields| fields.keys());
    let mut strange = fields.filter(|name| !known.contains(&name.as_str()));
    match strange.next() {
        Some(name) => {
            let plain: String = name
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(40)
                .collect();
            Err(Refusal::Element(format!("{place}{plain}")))
        }
        None => Ok(()),
    }
}

fn said(value: &Value, place: &'static str, expected: &str) -> Result<String, Refusal> {
    let text = value.as_str().map(str::trim).unwrap_or_default();
    match text.is_empty() || text.len() > MAX_TEXT || text.contains(char::is_control) {
        true => Err(wrong(
            place,
            &format!("{expected}, {MAX_TEXT} bytes of text at most"),
        )),
        false => Ok(text.to_owned()),
    }
}

fn end(value: &Value, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let expected = || wrong("end", "an instant that is to come, with its zone");
    match value {
        Value::Null => Ok(None),
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(at) if at > now => Ok(Some(at.to_utc())),
            Ok(_) | Err(_) => Err(expected()),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(expected()),
    }
}

/// The receiver at or below whose address the endpoint lies.
pub fn allowed<'s>(receivers: &'s [Receiver], endpoint: &str) -> Option<&'s Receiver> {
    // What climbs up or says who it is, and what is no plain address, is not compared at all.
    let plain = endpoint.is_ascii()
        && !endpoint.contains(['@', '\\', '#', '?', '%'])
        && !endpoint.contains(|c: char| c.is_ascii_control() || c == ' ')
        && !endpoint.split('/').any(|part| part == ".." || part == ".");
    receivers.iter().find(|receiver| {
        let base = receiver.url.trim_end_matches('/');
        plain
            && endpoint
                .strip_prefix(base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What a subscription waits for: a kind of result, and what must be said in it.
pub fn criteria_of(server: &Server, criteria: &str) -> Result<Query, Refusal> {
    let expected = || {
        wrong(
            "criteria",
            "DiagnosticReport or Observation, and parameters of their searches",
        )
    };
    let (name, asked) = criteria.split_once('?').unwrap_or((criteria, ""));
    let kind = Kind::of(name)
        .filter(|kind| kind.is_told())
        .ok_or_else(expected)?;
    let pairs = pairs(asked).ok_or_else(expected)?;
    let query = Query::parse(kind, pairs, server).map_err(|error| Refusal::Value {
        place: "criteria",
        expected: error.to_string(),
    })?;
    if let Some(name) = query.unknown.first() {
        let plain: String = name.chars().filter(char::is_ascii_graphic).take(40).collect();
        return Err(Refusal::Element(format!("criteria {plain}")));
    }
    // Whom a result is about is found by the database; here the result alone is looked at.
    let chained = query.of(Type::PatientIdentifier).next().is_some();
    let by_patient = ["patient", "subject"]
        .iter()
        .any(|name| query.named(name).next().is_some());
    match chained || by_patient || query.cursor.is_some() {
        true => Err(wrong(
            "criteria",
            "no patient: a subscription is about results of everybody",
        )),
        false => Ok(query),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receivers() -> Vec<Receiver> {
        vec![Receiver {
            name: "EHR".into(),
            url: "https://ehr.example.org:8443/hooks/".into(),
        }]
    }

    #[test]
    fn only_what_lies_below_an_allowed_address_may_be_called() {
        let receivers = receivers();
        for good in [
            "https://ehr.example.org:8443/hooks",
            "https://ehr.example.org:8443/hooks/",
            "https://ehr.example.org:8443/hooks/tocsin/results",
        ] {
            assert!(allowed(&receivers, good).is_some(), "{good}");
        }
        for bad in [
            "https://ehr.example.org:8443/",
            "https://ehr.example.org:8443/hooksy",
            "https://ehr.example.org:8443/hooks/../admin",
            "https://ehr.example.org:8443/hooks/%2e%2e/admin",
            "https://ehr.example.org:8443/hooks?x=1",
            "https://ehr.example.org/hooks",
            "http://ehr.example.org:8443/hooks",
            "https://ehr.example.org:8443@169.254.169.254/hooks",
            "http://169.254.169.254/latest",
            "https://ehr.example.org:8443/hooks/\\..\\x",
            "",
        ] {
            assert!(allowed(&receivers, bad).is_none(), "{bad}");
        }
    }
}
