//! Bodies that standards define, as far as a schema can say them.

use serde_json::{Value, json};

use crate::api::routes::Route;
use crate::fhir::MEDIA_TYPE;

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
