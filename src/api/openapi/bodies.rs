//! Bodies that requests have: ours by the types that read them, those that standards define as far as a schema can say them.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::api::routes::Route;
use crate::api::{
    cds, decide, discussion, edit, pauses, people, quality, quarantine, replay_many, rerun, resolve,
    site_profiles, start, tokens,
};
use crate::fhir::MEDIA_TYPE;

/// The body of a request of our own API.
pub fn of_ours(route: &Route, g: &mut SchemaGenerator) -> Option<Schema> {
    match (route.method, route.path.trim_start_matches("/api/v1")) {
        ("POST", "/reconciliation/{id}/resolve") => Some(g.subschema_for::<resolve::Resolution>()),
        ("POST", "/quarantine/{id}/dismiss") => Some(g.subschema_for::<quarantine::Dismissal>()),
        ("POST", "/studies/{id}/rerun") => Some(g.subschema_for::<rerun::Rerun>()),
        ("POST", "/studies/{id}/withdraw" | "/studies/{id}/reinstate") => {
            Some(g.subschema_for::<decide::Decision>())
        }
        ("POST", "/studies/{id}/let-go") => Some(g.subschema_for::<decide::LetGo>()),
        ("POST", "/studies/{id}/repeat") => Some(g.subschema_for::<quality::Act>()),
        ("POST", "/start/test-page") => Some(g.subschema_for::<start::TestPage>()),
        ("POST", "/studies/{id}/opinions") => Some(g.subschema_for::<discussion::NewOpinion>()),
        ("POST", "/studies/{id}/comments") => Some(g.subschema_for::<discussion::NewComment>()),
        ("POST", "/tokens") => Some(g.subschema_for::<tokens::NewToken>()),
        ("POST", "/connections/{id}/pause") => Some(g.subschema_for::<pauses::Pause>()),
        ("POST", "/messages/{id}/edit") => Some(g.subschema_for::<edit::Wish>()),
        ("POST", "/site-profiles/{id}/read") => Some(g.subschema_for::<site_profiles::Try>()),
        ("POST", "/messages/replays") => Some(g.subschema_for::<replay_many::Many>()),
        ("POST", "/people") => Some(g.subschema_for::<people::NewPerson>()),
        ("POST", "/cds-services/{id}") => Some(g.subschema_for::<cds::request::HookRequest>()),
        ("POST", "/cds-services/{id}/feedback") => Some(g.subschema_for::<cds::feedback::Message>()),
        ("POST", "/people/{id}/change") => Some(g.subschema_for::<people::Change>()),
        _ => None,
    }
}

/// The content of the body by media type, and whether it must be there.
pub fn of_standard(route: &Route) -> Option<(Value, bool)> {
    let path = route.path;
    match route.method {
        "POST" if path.starts_with("/dicom-web/") => Some((
            json!({ "multipart/related": { "schema": { "type": "string", "format": "binary" } } }),
            true,
        )),
        "POST" if path.ends_with("/_search") => Some((
            json!({ "application/x-www-form-urlencoded": { "schema": form(path == "/fhir/Patient/_search") } }),
            path == "/fhir/Patient/_search",
        )),
        "POST" if path == "/fhir/Subscription" => {
            Some((json!({ MEDIA_TYPE: { "schema": subscription() } }), true))
        }
        "POST" if path.ends_with("/cancelrequest") => Some((data_set(), false)),
        "POST" | "PUT" if path.starts_with("/ups-rs/") => Some((data_set(), true)),
        _ => None,
    }
}

/// Search parameters; `/fhir/metadata` names those of each kind. Patients are looked up, not listed.
fn form(names_a_patient: bool) -> Value {
    let text = json!({ "type": "string", "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$" });
    let mut form = json!({ "type": "object", "additionalProperties": text });
    if names_a_patient {
        let by = |name: &str| json!({ "required": [name], "properties": { name: { "minLength": 1 } } });
        form["anyOf"] = json!([by("identifier"), by("_id")]);
    }
    form
}

/// One data set as DICOM JSON (PS3.18 annex F).
fn data_set() -> Value {
    let element = json!({
        "type": "object",
        "properties": { "vr": { "type": "string", "pattern": "^[A-Z]{2}$" }, "Value": { "type": "array" } },
        "required": ["vr"],
    });
    json!({ "application/dicom+json": { "schema": {
        "type": "object",
        "patternProperties": { "^[0-9A-F]{8}$": element },
        "additionalProperties": false,
    } } })
}

/// What is asked of a Subscription (FHIR R4) here.
fn subscription() -> Value {
    json!({
        "type": "object",
        "properties": {
            "resourceType": { "const": "Subscription" },
            "status": { "enum": ["requested", "active"] },
            "reason": { "type": "string", "pattern": r"\S" },
            "criteria": { "type": "string", "description": "A search, such as DiagnosticReport?status=preliminary" },
            "end": { "type": "string", "format": "date-time" },
            "channel": {
                "type": "object",
                "properties": {
                    "type": { "const": "rest-hook" },
                    "endpoint": { "type": "string", "format": "uri", "description": "At or below the address of one of fhir.receivers" },
                    "payload": { "const": MEDIA_TYPE },
                },
                "required": ["type", "endpoint"],
            },
        },
        "required": ["resourceType", "status", "reason", "criteria", "channel"],
    })
}
