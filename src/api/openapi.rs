//! The description of the API for programs (OpenAPI 3.1), made from the policy and the types: a route that is not there is
//! not described, and one that is described is served.

mod bodies;
mod parameters;
mod refusals;

use actix_web::HttpResponse;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::auth::Role;
use super::error::Problem;
use super::page::Page;
use super::routes::{self, Access, Route};
use super::{
    acknowledge, alerts, associations, audit, claims, connections, decide, deliveries, discussion, edit,
    failures, found, health, messages, pauses, people, preview, quality, quarantine, reconciliation, release,
    replay, replay_many, report, rerun, resolve, site_profiles, start, study, tokens, versions, worklist,
};
use crate::fhir::MEDIA_TYPE;

/// `GET /api/openapi.json`.
pub async fn get() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// What a route takes and answers.
struct Shape {
    answer: Answer,
    body: Option<Schema>,
    /// Besides what is in the path.
    query: &'static [(&'static str, &'static str)],
}

enum Answer {
    Json(Schema),
    Created(Schema),
    Text,
    Picture,
    /// A document of its own kind.
    Object,
    /// Data sets as DICOM JSON.
    DataSets,
    /// Parts that are DICOM files, frames or values.
    Parts,
    /// What Prometheus reads.
    Metrics,
    /// A status, and nothing more.
    Nothing,
    /// The same, and that there is nothing.
    Gone,
    /// A resource or a bundle; `/fhir/metadata` describes them.
    Fhir,
}

const PAGED: (&str, &str) = ("limit", "How many entries, 500 at most");
const CURSOR: (&str, &str) = ("cursor", "The `next` of the piece before");
const LIST: &[(&str, &str)] = &[PAGED, CURSOR];
const BY_STATE: &[(&str, &str)] = &[PAGED, CURSOR, ("state", "Only entries in this state")];
const BY_LINK: &[(&str, &str)] = &[
    PAGED,
    CURSOR,
    (
        "link",
        "Only studies that wait for this reason: `conflict` or `unmatched`",
    ),
];
const BY_STATUS: &[(&str, &str)] = &[PAGED, CURSOR, ("status", "Only alerts of this status")];
const SEARCH: &[(&str, &str)] = &[
    PAGED,
    CURSOR,
    (
        "q",
        "Numbers and words that a message must all have; a single one that nothing has stands for those that begin so",
    ),
    ("direction", "`in` or `out`"),
    ("state", "Only messages in this state, such as `failed`"),
    ("since", "Not before this date or time"),
    ("until", "Not after this date, or before this time"),
    ("peer", "Only this sender (`application|facility`) or destination"),
    ("kind", "Only this type, such as `ORM^O01`"),
    ("problem", "Only messages with this problem"),
];
const ASSOCIATIONS: &[(&str, &str)] = &[
    PAGED,
    CURSOR,
    (
        "q",
        "AE titles, an address, accession numbers and UIDs of studies that must all be there",
    ),
    ("outcome", "`released`, `broken` or `rejected`"),
];
const WORKLIST: &[(&str, &str)] = &[
    PAGED,
    CURSOR,
    ("modality", "Only this modality"),
    ("band", "`critical`, `urgent` or `routine`"),
    ("ai", "Only studies of which a model says this, such as `flagged`"),
    ("claimed", "`me`, `nobody` or `somebody`"),
    ("link", "`linked`, `unmatched` or `conflict`"),
    (
        "sort",
        "`rank`, `arrived`, `patient`, `exam`, `score`, `images`, `wait`, `cap`, `ai` or `claimed`; `-` in front turns it round",
    ),
];
const NUMBER: &[(&str, &str)] = &[(
    "number",
    "An accession number, a patient's identifier or a Study Instance UID, whole",
)];
const COUNTED: &[(&str, &str)] = &[(
    "_count",
    "How many resources of a page, 200 at most; `/fhir/metadata` names the parameters of each kind",
)];
const LOOKED_UP: &[(&str, &str)] = &[
    COUNTED[0],
    (
        "identifier",
        "A number of the patient, `system|value`; `_id` does as well. Patients are looked up, not listed",
    ),
];
const WINDOW: &[(&str, &str)] = &[(
    "window",
    "`brain`, `subdural`, `stroke`, `bone`, `lung`, `soft_tissue` or `own`, the sender's",
)];
const RESULT: &[(&str, &str)] = &[("result", "One of `results`; without it the newest that stands")];
const DRAWN: &[(&str, &str)] = &[("as", "`outline` or `area`")];
const MATCHED: &[(&str, &str)] = &[
    ("limit", "How many work items, 500 at most"),
    ("offset", "How many to leave out"),
    (
        "ProcedureStepState",
        "`SCHEDULED`, `IN PROGRESS`, `COMPLETED` or `CANCELED`; other attributes alike, by keyword or tag",
    ),
];
const SEARCHED: &[(&str, &str)] = &[
    ("limit", "How many, 1000 at most"),
    ("offset", "How many to pass over"),
    ("includefield", "Attributes to be told besides, or `all`"),
    ("fuzzymatching", "Not done; a warning says so"),
    (
        "PatientID",
        "Any attribute by its keyword or digits: PS3.18 8.3.4.1",
    ),
];
const RENDERED: &[(&str, &str)] = &[("window", "Centre, width and `linear`, such as `40,80,linear`")];
const PREVIEW: &[(&str, &str)] = &[
    ("preview", "`true`: say what would happen, and do nothing"),
    ("pages", "`true`: alerts that it brings about page people"),
];

/// The whole document.
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths = Map::new();
    for route in routes::programs() {
        let operation = operation(route, &mut generator);
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method.to_lowercase()] = operation;
    }
    let problem = generator.subschema_for::<Problem>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "Lists answer `items` and `next`; hand `next` back as `cursor`. Errors are problem documents.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "outcome": {
                    "description": "What went wrong, as an OperationOutcome (FHIR R4)",
                    "content": { MEDIA_TYPE: { "schema": {
                        "type": "object",
                        "properties": { "resourceType": { "const": "OperationOutcome" } },
                        "required": ["resourceType", "issue"],
                    } } },
                },
                "problem": {
                    "description": "What went wrong (RFC 9457)",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let shape = match route.path.strip_prefix("/dicom-web/") {
        Some(path) => dicomweb(route.method, path),
        None => shape(route, generator),
    };
    let responses = responses(route, &shape);
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters(route, &shape),
        "responses": responses,
        "security": if route.access == Access::Open { json!([]) } else { json!([{ "bearer": [] }]) },
    });
    if let Access::Needs(action) = route.access {
        let roles: Vec<&str> = Role::ALL
            .into_iter()
            .filter(|r| r.may(action))
            .map(Role::text)
            .collect();
        operation["x-roles"] = json!(roles);
    }
    if let Some((content, required)) = request_body(route, &shape) {
        operation["requestBody"] = json!({ "required": required, "content": content });
    }
    operation
}

/// Every answer by its status.
fn responses(route: &Route, shape: &Shape) -> Map<String, Value> {
    let (status, answer) = hoped_for(route, &shape.answer);
    let mut responses = Map::new();
    responses.insert(
        status.to_owned(),
        json!({ "description": route.summary, "content": answer }),
    );
    for refusal in refusals::refused(route, shape) {
        responses.insert(refusal.to_owned(), refusals::told(route));
    }
    for (status, description) in refusals::besides(route) {
        responses.insert(status.to_owned(), json!({ "description": description }));
    }
    let same = responses[status]["content"].clone();
    for (status, description) in refusals::alike(route) {
        let told = json!({ "description": description, "content": same });
        responses.insert(status.to_owned(), told);
    }
    responses
}

/// The status and the content of the answer that is hoped for.
fn hoped_for(route: &Route, answer: &Answer) -> (&'static str, Value) {
    match answer {
        Answer::Json(schema) => ("200", json!({ "application/json": { "schema": schema } })),
        Answer::Created(schema) => ("201", json!({ "application/json": { "schema": schema } })),
        Answer::Object => (
            "200",
            json!({ "application/json": { "schema": { "type": "object" } } }),
        ),
        Answer::DataSets => (
            "200",
            json!({ "application/dicom+json": { "schema": { "type": "array", "items": { "type": "object" } } } }),
        ),
        Answer::Nothing => ("200", json!({})),
        Answer::Gone => ("204", json!({})),
        Answer::Metrics => (
            "200",
            json!({ "application/openmetrics-text": { "schema": { "type": "string" } } }),
        ),
        Answer::Picture => (
            "200",
            json!({ "image/png": { "schema": { "type": "string", "format": "binary" } } }),
        ),
        Answer::Fhir => (
            if route.path == "/fhir/Subscription" && route.method == "POST" {
                "201"
            } else {
                "200"
            },
            json!({ MEDIA_TYPE: { "schema": { "type": "object" } } }),
        ),
        Answer::Parts => (
            "200",
            json!({ "multipart/related": { "schema": { "type": "string", "format": "binary" } } }),
        ),
        Answer::Text => ("200", json!({ "text/plain": { "schema": { "type": "string" } } })),
    }
}

/// By media type, and whether it must be there.
fn request_body(route: &Route, shape: &Shape) -> Option<(Value, bool)> {
    let ours = |body| (json!({ "application/json": { "schema": body } }), true);
    bodies::of_standard(route).or_else(|| shape.body.as_ref().map(ours))
}

/// `GET /api/v1/studies/{id}` → `get_studies_id`.
fn operation_id(route: &Route) -> String {
    let words = route.path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let words = words.trim_matches('/').replace(['/', '.'], "_");
    format!("{}_{words}", route.method.to_lowercase())
}

fn parameters(route: &Route, shape: &Shape) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| parameters::in_path(route, name));
    let in_query = shape
        .query
        .iter()
        .map(|(name, what)| parameters::in_query(route, name, what));
    in_path.chain(in_query).collect()
}

fn shape(route: &Route, generator: &mut SchemaGenerator) -> Shape {
    let (answer, query) = answer(route, generator);
    Shape {
        answer,
        body: bodies::of_ours(route, generator),
        query,
    }
}

fn answer(
    route: &Route,
    generator: &mut SchemaGenerator,
) -> (Answer, &'static [(&'static str, &'static str)]) {
    let g = generator;
    let path = route.path.trim_start_matches("/api/v1");
    match (route.method, path) {
        ("GET", "/healthz") => (Answer::Text, &[]),
        ("GET", "/metrics") => (Answer::Metrics, &[]),
        ("GET", "/readyz") => (one::<health::Readiness>(g), &[]),
        ("GET", "/worklist") => (list::<worklist::WorklistItem>(g), WORKLIST),
        ("GET", "/studies") => (list::<found::FoundStudy>(g), NUMBER),
        ("GET", "/studies/{id}/report") => (one::<report::ReportView>(g), RESULT),
        ("POST", "/studies/{id}/rerun") => (one::<rerun::RerunView>(g), &[]),
        ("POST", "/studies/{id}/withdraw" | "/studies/{id}/reinstate") => {
            (one::<decide::DecidedView>(g), &[])
        }
        ("POST", "/studies/{id}/let-go") => (one::<decide::LetGoView>(g), &[]),
        ("GET", "/quality") => (list::<quality::QualityView>(g), LIST),
        ("POST", "/studies/{id}/repeat") => (one::<quality::RepeatView>(g), &[]),
        ("GET", "/studies/{id}/stacks") => (list::<preview::StackView>(g), &[]),
        ("GET", "/studies/{id}/images/{instance}/{frame}") => (Answer::Picture, WINDOW),
        ("GET", "/studies/{id}/marks/{result}/{slice}") => (Answer::Picture, DRAWN),
        ("GET", "/studies/{id}/heat/{result}/{slice}") => (Answer::Picture, &[]),
        ("POST", "/studies/{id}/opinions") => {
            (Answer::Created(g.subschema_for::<discussion::OpinionView>()), &[])
        }
        ("POST", "/studies/{id}/comments") => {
            (Answer::Created(g.subschema_for::<discussion::CommentView>()), &[])
        }
        ("GET", "/studies/{id}") => (one::<study::StudyView>(g), &[]),
        ("POST", "/studies/{id}/claim" | "/studies/{id}/release") => (one::<claims::Claim>(g), &[]),
        ("GET", "/alerts") => (list::<alerts::AlertView>(g), BY_STATUS),
        ("POST", "/alerts/{id}/acknowledge") => (one::<acknowledge::Acknowledged>(g), &[]),
        ("POST", "/alerts/{id}/release") => (one::<release::Released>(g), &[]),
        ("GET", "/associations") => (list::<associations::AssociationView>(g), ASSOCIATIONS),
        ("GET", "/messages") => (list::<messages::MessageView>(g), SEARCH),
        ("GET", "/messages/{id}") => (one::<messages::RawMessage>(g), &[]),
        ("GET", "/messages/failures") => (list::<failures::FailureView>(g), &[]),
        ("POST", "/messages/replays") => (one::<replay_many::ReplayedMany>(g), &[]),
        ("POST", "/messages/{id}/replay") => (one::<replay::Replayed>(g), PREVIEW),
        ("GET", "/reconciliation") => (list::<reconciliation::Unreconciled>(g), BY_LINK),
        ("POST", "/reconciliation/{id}/resolve") => (one::<resolve::ResolvedView>(g), &[]),
        ("GET", "/quarantine") => (list::<quarantine::QuarantineView>(g), BY_STATE),
        ("POST", "/quarantine/{id}/dismiss") => (one::<quarantine::QuarantineView>(g), &[]),
        ("GET", "/deliveries") => (list::<deliveries::OwedView>(g), BY_STATE),
        ("POST", "/deliveries/{id}/retry") => (one::<deliveries::SentAgain>(g), &[]),
        ("GET", "/models" | "/rules") => (list::<versions::VersionView>(g), LIST),
        ("GET", "/audit/head") => (one::<audit::AuditHead>(g), &[]),
        ("GET", "/tokens") => (list::<tokens::TokenView>(g), LIST),
        ("POST", "/tokens") => (Answer::Created(g.subschema_for::<tokens::MadeToken>()), &[]),
        ("POST", "/tokens/{id}/revoke") => (one::<tokens::TokenView>(g), &[]),
        ("GET", "/people") => (list::<people::PersonView>(g), LIST),
        ("POST", "/people") => (Answer::Created(g.subschema_for::<people::ChangedPerson>()), &[]),
        ("POST", "/people/{id}/change") => (one::<people::ChangedPerson>(g), &[]),
        _ => of_setup(route, g),
    }
}

/// What an engineer asks for.
fn of_setup(route: &Route, g: &mut SchemaGenerator) -> (Answer, &'static [(&'static str, &'static str)]) {
    let path = route.path.trim_start_matches("/api/v1");
    match (route.method, path) {
        ("GET", "/connections") => (list::<connections::ConnectionView>(g), &[]),
        ("POST", "/connections/{id}/check") => (one::<connections::CheckView>(g), &[]),
        ("POST", "/connections/{id}/test-message") => (one::<connections::CheckView>(g), &[]),
        ("POST", "/connections/{id}/pause" | "/connections/{id}/resume") => (one::<pauses::Paused>(g), &[]),
        ("GET", "/start") => (list::<start::StepView>(g), &[]),
        ("POST", "/start/test-page") => (one::<start::TestPageView>(g), &[]),
        _ => of_interfaces(route.method, path, g).unwrap_or_else(|| of_standards(route.method, path)),
    }
}

/// How messages are read, written and corrected.
fn of_interfaces(
    method: &str,
    path: &str,
    g: &mut SchemaGenerator,
) -> Option<(Answer, &'static [(&'static str, &'static str)])> {
    Some(match (method, path) {
        ("GET", "/site-profiles") => (list::<site_profiles::ProfileView>(g), &[]),
        ("GET", "/site-profiles/{id}") => (one::<site_profiles::ProfileDetail>(g), &[]),
        ("POST", "/site-profiles/{id}/read") => (one::<site_profiles::ReadView>(g), &[]),
        ("GET", "/messages/{id}/edit") => (one::<edit::Editable>(g), &[]),
        ("POST", "/messages/{id}/edit") => (one::<edit::Edited>(g), &[]),
        _ => return None,
    })
}

fn list<T: JsonSchema>(generator: &mut SchemaGenerator) -> Answer {
    Answer::Json(generator.subschema_for::<Page<T>>())
}

fn one<T: JsonSchema>(generator: &mut SchemaGenerator) -> Answer {
    Answer::Json(generator.subschema_for::<T>())
}

fn of_standards(method: &str, path: &str) -> (Answer, &'static [(&'static str, &'static str)]) {
    match (method, path) {
        ("GET", "/ups-rs/workitems") => (Answer::DataSets, MATCHED),
        ("GET", "/ups-rs/workitems/{id}") => (Answer::DataSets, &[]),
        (_, path) if path.starts_with("/ups-rs/") => (Answer::Nothing, &[]),
        ("POST", "/cds-services/{id}/feedback") => (Answer::Nothing, &[]),
        ("DELETE", _) => (Answer::Gone, &[]),
        ("GET", "/fhir/Patient") => (Answer::Fhir, LOOKED_UP),
        ("GET", "/fhir/metadata") => (Answer::Fhir, &[]),
        ("GET", path) if path.starts_with("/fhir/") && !path.contains('{') => (Answer::Fhir, COUNTED),
        _ if path.starts_with("/fhir/") => (Answer::Fhir, &[]),
        _ => (Answer::Object, &[]),
    }
}

/// By the last word of the path (PS3.18).
fn dicomweb(method: &str, path: &str) -> Shape {
    let words: Vec<&str> = path.split('/').collect();
    let (answer, query): (Answer, &'static [(&str, &str)]) = match (method, words.as_slice()) {
        ("GET", [.., "studies" | "series" | "instances"]) => (Answer::DataSets, SEARCHED),
        ("POST", _) | (_, [.., "metadata"]) => (Answer::DataSets, &[]),
        (_, [.., "rendered"]) => (Answer::Picture, RENDERED),
        _ => (Answer::Parts, &[]),
    };
    Shape {
        answer,
        body: None,
        query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described_by_a_type_of_its_own() {
        let document = document();
        let mut ids = BTreeSet::new();
        for route in routes::programs() {
            let operation = &document["paths"][route.path][route.method.to_lowercase()];
            assert!(ids.insert(operation["operationId"].to_string()), "{}", route.path);
            let answers = operation["responses"].as_object().expect("responses");
            let described = answers.iter().any(|(code, answer)| {
                code.starts_with('2') && answer["content"]["application/json"]["schema"]["$ref"].is_string()
            });
            let standard = ["/ups-rs/", "/cds-services", "/fhir/", "/dicom-web/"]
                .iter()
                .any(|prefix| route.path.starts_with(prefix));
            let plain = standard
                || ["/healthz", "/metrics", "/api/openapi.json"].contains(&route.path)
                || operation["responses"]["200"]["content"]["image/png"].is_object();
            assert!(described || plain, "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let path = reference.split('"').next().expect("an end");
            assert!(document.pointer(path).is_some(), "{path}");
        }
    }
}
