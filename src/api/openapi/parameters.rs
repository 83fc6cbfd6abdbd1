//! What stands in paths and queries: which values each parameter takes. A client that is generated from the document refuses what
//! the service would refuse.

use serde_json::{Value, json};

use crate::api::page::MAX_LIMIT;
use crate::api::routes::Route;
use crate::api::{messages, quarantine, reconciliation, worklist_query};
use crate::storage::alerts;
use crate::storage::analyses::AnalysisState;
use crate::storage::associations::Outcome;
use crate::storage::deliveries::DeliveryState;
use tocsin_domain::worklist::Band;

const UID: &str = r"^[0-9.]{1,64}$";
const FHIR_ID: &str = r"^[A-Za-z0-9.-]{1,64}$";
/// A number of a frame, or several.
const FRAME: &str = r"^[1-9][0-9]{0,8}$";
const FRAMES: &str = r"^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8}){0,99}$";
const WINDOW: &str = r"^-?[0-9]{1,6}(\.[0-9]{1,6})?,[1-9][0-9]{0,6}(\.[0-9]{1,6})?,linear$";
/// As a list gives it: a count, or the time and the id of the last row.
const COUNTED: &str = r"^[0-9]{1,18}$";
const BEFORE: &str = r"^-?[0-9]{1,18}~[0-9A-Za-z-]+$";

/// What cannot be left out.
const REQUIRED: [(&str, &str); 2] = [("/api/v1/studies", "number"), ("/fhir/Patient", "identifier")];

/// One `{name}` of a path.
pub fn in_path(route: &Route, name: &str) -> Value {
    let schema = match (name, route.path) {
        ("study" | "series" | "instance", path) if path.starts_with("/dicom-web/") => pattern(UID),
        ("id", path) if path.starts_with("/ups-rs/") => pattern(UID),
        ("id", path) if path.starts_with("/fhir/") => pattern(FHIR_ID),
        ("id", path) if path.starts_with("/cds-services/") || path.starts_with("/api/v1/connections/") => {
            json!({ "type": "string", "minLength": 1 })
        }
        ("frames", path) if path.ends_with("/rendered") => pattern(FRAME),
        ("frames", _) => pattern(FRAMES),
        ("path", _) => json!({ "type": "string", "minLength": 1 }),
        ("frame" | "slice", _) => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        _ => json!({ "type": "string", "format": "uuid" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// One parameter of a query.
pub fn in_query(route: &Route, name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "required": REQUIRED.contains(&(route.path, name)),
        "schema": schema(route.path, name),
    })
}

fn schema(path: &str, name: &str) -> Value {
    match (path.trim_start_matches("/api/v1"), name) {
        (standard, "limit" | "offset" | "_count") if is_of_standards(standard) => {
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
        }
        (_, "limit") => json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT }),
        ("/worklist" | "/models" | "/rules" | "/tokens" | "/people" | "/quality", "cursor") => {
            pattern(COUNTED)
        }
        (_, "cursor") => pattern(BEFORE),
        ("/deliveries", "state") => one_of(&DeliveryState::ALL.map(DeliveryState::text)),
        ("/quarantine", "state") => one_of(&quarantine::STATES),
        ("/alerts", "status") => one_of(&alerts::STATUSES),
        ("/reconciliation", "link") => one_of(&reconciliation::LINKS),
        ("/associations", "outcome") => one_of(&Outcome::ALL.map(Outcome::text)),
        ("/messages", "direction") => one_of(&messages::DIRECTIONS),
        ("/messages", "since" | "until") => json!({
            "anyOf": [{ "const": "" }, { "type": "string", "format": "date" }, { "type": "string", "format": "date-time" }],
        }),
        ("/worklist", "band") => one_of(&Band::ALL.map(Band::text)),
        ("/worklist", "ai") => one_of(&AnalysisState::ALL.map(AnalysisState::text)),
        ("/worklist", "claimed") => one_of(&worklist_query::CLAIMS),
        ("/worklist", "link") => one_of(&worklist_query::LINKS),
        ("/worklist", "sort") => pattern(&format!("^(-?({}))?$", worklist_query::ORDERS.join("|"))),
        (_, "preview" | "pages") => json!({ "type": "boolean" }),
        (_, "result") => json!({ "type": "string", "format": "uuid" }),
        (_, "as") => json!({ "enum": ["outline", "area"] }),
        (standard, "window") if is_of_standards(standard) => pattern(WINDOW),
        (_, "window") => {
            json!({ "enum": ["own", "brain", "subdural", "stroke", "bone", "lung", "soft_tissue"] })
        }
        ("/fhir/Patient", "identifier") => pattern(r"^[^\u0000-\u001f\u007f-\u009f]+$"),
        (_, "includefield") => pattern(r"^(all|[0-9A-Fa-f]{8}(,[0-9A-Fa-f]{8}){0,31})?$"),
        (_, _) => json!({ "type": "string" }),
    }
}

fn is_of_standards(path: &str) -> bool {
    ["/dicom-web/", "/ups-rs/", "/fhir/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// One of these words; an empty value asks for all.
fn one_of(words: &[&str]) -> Value {
    let mut all = vec![""];
    all.extend(words);
    json!({ "enum": all })
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}
