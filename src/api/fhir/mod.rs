//! FHIR R4 under `/fhir`: reads and searches of what the rows say, and subscriptions. Each answer that tells of somebody is on
//! the audit chain before it is sent.

pub mod errors;
mod negotiate;
mod subscribe;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, LAST_MODIFIED};
use actix_web::http::{StatusCode, header::HeaderName};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::auth::Principal;
use super::error::ApiError;
use super::state::State;
use super::views;
use crate::fhir::search::query::pairs;
use crate::fhir::search::{self, Query, scan};
use crate::fhir::{Entry, Kind, MEDIA_TYPE, capability, read as reads};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const FORM: &str = "application/x-www-form-urlencoded";
/// What may be asked of patients only by naming them: a list of all of them is nobody's.
const NAMES_PATIENTS: [&str; 2] = ["identifier", "_id"];

/// Registers what `routes::FHIR` lists.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/fhir/metadata", web::get().to(metadata))
        .route("/fhir/ServiceRequest", web::get().to(search))
        .route("/fhir/ServiceRequest/_search", web::post().to(search_by_form))
        .route("/fhir/ServiceRequest/{id}", web::get().to(read))
        .route("/fhir/ImagingStudy", web::get().to(search))
        .route("/fhir/ImagingStudy/_search", web::post().to(search_by_form))
        .route("/fhir/ImagingStudy/{id}", web::get().to(read))
        .route("/fhir/DiagnosticReport", web::get().to(search))
        .route("/fhir/DiagnosticReport/_search", web::post().to(search_by_form))
        .route("/fhir/DiagnosticReport/{id}", web::get().to(read))
        .route("/fhir/Observation", web::get().to(search))
        .route("/fhir/Observation/_search", web::post().to(search_by_form))
        .route("/fhir/Observation/{id}", web::get().to(read))
        .route("/fhir/Task", web::get().to(search))
        .route("/fhir/Task/_search", web::post().to(search_by_form))
        .route("/fhir/Task/{id}", web::get().to(read))
        .route("/fhir/Communication", web::get().to(search))
        .route("/fhir/Communication/_search", web::post().to(search_by_form))
        .route("/fhir/Communication/{id}", web::get().to(read))
        .route("/fhir/Provenance", web::get().to(search))
        .route("/fhir/Provenance/_search", web::post().to(search_by_form))
        .route("/fhir/Provenance/{id}", web::get().to(read))
        .route("/fhir/AuditEvent", web::get().to(search))
        .route("/fhir/AuditEvent/_search", web::post().to(search_by_form))
        .route("/fhir/AuditEvent/{id}", web::get().to(read))
        .route("/fhir/Patient", web::get().to(search))
        .route("/fhir/Patient/_search", web::post().to(search_by_form))
        .route("/fhir/Patient/{id}", web::get().to(read))
        .route("/fhir/Device", web::get().to(search))
        .route("/fhir/Device/_search", web::post().to(search_by_form))
        .route("/fhir/Device/{id}", web::get().to(read))
        .route("/fhir/Subscription", web::get().to(search))
        .route("/fhir/Subscription/_search", web::post().to(search_by_form))
        .route("/fhir/Subscription/{id}", web::get().to(read))
        .route("/fhir/Subscription", web::post().to(subscribe::create))
        .route("/fhir/Subscription/{id}", web::delete().to(subscribe::end));
}

async fn metadata(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    writable(&request)?;
    Ok(answer(StatusCode::OK, &capability::statement(&state.fhir)))
}

async fn read(state: Data<State>, request: HttpRequest, who: Principal) -> Result<HttpResponse, ApiError> {
    writable(&request)?;
    let kind = kind_of(&request)?;
    let id = request.match_info().get("id").unwrap_or_default();
    let found = reads::read(state.store.read(), &state.fhir, kind, id, state.now()).await?;
    let entry = found.ok_or(ApiError::NotFound("resource, or it may not be shown"))?;
    seen(&state, &who, "fhir.read", kind, std::slice::from_ref(&entry)).await?;
    Ok(versioned(&request, &entry.resource))
}

async fn search(state: Data<State>, request: HttpRequest, who: Principal) -> Result<HttpResponse, ApiError> {
    answered(&state, &request, &who, Vec::new()).await
}

/// So that what names a patient need not stand in an address.
async fn search_by_form(
    state: Data<State>,
    request: HttpRequest,
    who: Principal,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let body = body.map_err(|_| ApiError::TooLarge)?;
    let is_form = text_of(request.headers(), &CONTENT_TYPE).is_some_and(|kind| kind.starts_with(FORM));
    if !is_form && !body.is_empty() {
        return Err(ApiError::BadRequest(format!("Content-Type: expected {FORM}")));
    }
    let form = std::str::from_utf8(&body).ok().and_then(pairs);
    let form = form.ok_or_else(|| ApiError::BadRequest("body: expected a form in UTF-8".into()))?;
    answered(&state, &request, &who, form).await
}

async fn answered(
    state: &State,
    request: &HttpRequest,
    who: &Principal,
    form: Vec<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    writable(request)?;
    let query = asked(state, request, form)?;
    let server = &state.fhir;
    let found = search::search(state.store.read(), server, &query, state.now()).await?;
    seen(state, who, "fhir.search", query.kind, &found.entries).await?;
    Ok(answer(StatusCode::OK, &scan::bundle(server, &query, &found)))
}

/// What is asked, in the address and in the form together.
fn asked(state: &State, request: &HttpRequest, form: Vec<(String, String)>) -> Result<Query, ApiError> {
    let kind = kind_of(request)?;
    let in_address = pairs(request.query_string())
        .ok_or_else(|| ApiError::BadRequest("query: expected UTF-8, escaped".into()))?;
    let query = Query::parse(kind, in_address.into_iter().chain(form), &state.fhir)
        .map_err(|error| ApiError::BadRequest(error.to_string()))?;
    let prefer = text_of(request.headers(), &PREFER).unwrap_or_default();
    if prefer.contains("handling=strict")
        && let Some(name) = query.unknown.first()
    {
        let plain: String = name.chars().filter(char::is_ascii_graphic).take(60).collect();
        return Err(ApiError::BadRequest(format!(
            "{plain}: no search parameter of {} here",
            kind.name()
        )));
    }
    let is_named = NAMES_PATIENTS
        .iter()
        .any(|name| query.named(name).next().is_some());
    if kind == Kind::Patient && !is_named {
        return Err(ApiError::BadRequest(
            "Patient: expected identifier or _id; patients are looked up, not listed".into(),
        ));
    }
    Ok(query)
}

/// Notes who was shown what. Nothing may be shown before this returned.
async fn seen(
    state: &State,
    who: &Principal,
    action: &str,
    kind: Kind,
    entries: &[Entry],
) -> Result<(), ApiError> {
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let mut studies: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.study.as_deref())
        .collect();
    studies.sort_unstable();
    studies.dedup();
    let object = match (studies.as_slice(), ids.as_slice()) {
        ([study], _) => format!("study:{study}"),
        ([], [id]) => format!("{}:{id}", kind.name()),
        _ => kind.name().to_owned(),
    };
    let detail = json!({ "type": kind.name(), "ids": ids, "studies": studies });
    views::note(state, who, action, object, detail).await
}

/// `/fhir/Task/{id}` → `Task`.
fn kind_of(request: &HttpRequest) -> Result<Kind, ApiError> {
    let pattern = request.match_pattern().unwrap_or_default();
    let name = pattern.split('/').nth(2).and_then(Kind::of);
    name.ok_or(ApiError::NotFound("kind of resource"))
}

/// Whether the client takes what is written here.
fn writable(request: &HttpRequest) -> Result<(), ApiError> {
    let asked = pairs(request.query_string()).unwrap_or_default();
    let format = asked.into_iter().find(|(name, _)| name == "_format");
    let accept = text_of(request.headers(), &ACCEPT);
    match negotiate::takes_json(accept, format.as_ref().map(|(_, value)| value.as_str())) {
        true => Ok(()),
        false => Err(ApiError::NotAcceptable(format!(
            "only {MEDIA_TYPE} is written here"
        ))),
    }
}

fn text_of<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn answer(status: StatusCode, resource: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(MEDIA_TYPE)
        .body(resource.to_string())
}

/// One resource, or that it is still what the client has.
fn versioned(request: &HttpRequest, resource: &Value) -> HttpResponse {
    let tag = format!(
        "W/\"{}\"",
        resource["meta"]["versionId"].as_str().unwrap_or_default()
    );
    let known = text_of(request.headers(), &IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = match is_known {
        true => HttpResponse::NotModified().finish(),
        false => answer(StatusCode::OK, resource),
    };
    let modified = resource["meta"]["lastUpdated"].as_str();
    let modified = modified.and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    let modified = modified.map(|at| at.to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    for (name, value) in [(ETAG, Some(tag)), (LAST_MODIFIED, modified)] {
        if let Some(Ok(value)) = value.map(TryInto::try_into) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
