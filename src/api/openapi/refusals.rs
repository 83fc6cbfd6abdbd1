//! Which answers an operation may give besides the one that was hoped for: what is refused, and why that is so for this route.

use serde_json::{Value, json};

use crate::api::openapi::Shape;
use crate::api::routes::{Access, Route};

/// Statuses whose answer is a problem document; under `/fhir` an OperationOutcome.
pub fn refused(route: &Route, shape: &Shape) -> Vec<&'static str> {
    let takes_body = route.method != "GET" && (shape.body.is_some() || standard(route).is_some());
    let mut codes = Vec::new();
    if !shape.query.is_empty() || takes_body || standard(route).is_some() {
        codes.push("400");
    }
    if route.access != Access::Open {
        codes.extend(["401", "403"]);
    }
    if route.path.contains('{') || NAMED_IN_BODY.contains(&route.path) {
        codes.push("404");
    }
    if let Some(more) = standard(route) {
        codes.extend(
            more.iter()
                .filter(|code| route.method != "GET" || READ.contains(code)),
        );
    }
    if route.method != "GET" && standard(route).is_none() {
        codes.push("409");
    }
    if takes_body {
        codes.extend(["413", "415"]);
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Routes whose body names what may not be there.
const NAMED_IN_BODY: [&str; 2] = ["/api/v1/messages/replays", "/api/v1/start/test-page"];
/// What a standard lets a GET be refused for.
const READ: [&str; 2] = ["406", "413"];

/// What the standard of a route adds.
fn standard(route: &Route) -> Option<&'static [&'static str]> {
    let under = |prefix| route.path.starts_with(prefix);
    if under("/fhir/") {
        return Some(&["406"]);
    }
    if under("/dicom-web/") {
        return Some(&["406", "409", "413", "503"]);
    }
    if under("/ups-rs/") {
        return Some(&["406", "409"]);
    }
    (route.path.starts_with("/cds-services/")).then_some(&["412"])
}

/// Answers that are good, have no body of their own kind, and come in place of the first.
pub fn besides(route: &Route) -> Vec<(&'static str, &'static str)> {
    let searches = |end: &str| route.path.ends_with(end) && route.path.starts_with("/dicom-web/");
    match (route.method, route.path) {
        ("GET", path) if path.starts_with("/fhir/") && path.ends_with("{id}") => {
            vec![("304", "It is the version that If-None-Match names")]
        }
        ("GET", _) if searches("/studies") || searches("/series") || searches("/instances") => {
            vec![("204", "Nothing matches")]
        }
        ("GET", "/ups-rs/workitems") => vec![("204", "Nothing matches")],
        ("POST", "/ups-rs/workitems/{id}/cancelrequest") => vec![("202", "Noted on the study")],
        _ => Vec::new(),
    }
}

/// Answers of the same kind as the first under another status.
pub fn alike(route: &Route) -> Vec<(&'static str, &'static str)> {
    match (route.method, route.path) {
        ("GET", "/ups-rs/workitems") => vec![("206", "There are more")],
        ("GET", "/readyz") => vec![("503", "Something is not taken care of")],
        ("POST", path) if path.starts_with("/dicom-web/") => vec![
            ("202", "Some were stored, or some with a warning"),
            ("409", "None was stored"),
        ],
        ("GET", path) if path.starts_with("/dicom-web/studies/") => {
            vec![("206", "Some of the files were not there")]
        }
        _ => Vec::new(),
    }
}

/// How a refusal is told.
pub fn told(route: &Route) -> Value {
    match route.path.starts_with("/fhir/") {
        true => json!({ "$ref": "#/components/responses/outcome" }),
        false => json!({ "$ref": "#/components/responses/problem" }),
    }
}
