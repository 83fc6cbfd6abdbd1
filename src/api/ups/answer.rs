//! Answers of UPS-RS: DICOM JSON, and what went otherwise than asked in a Warning header (PS3.18 section 11).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tocsin_domain::reading::Refusal;

use crate::api::error::{self, ApiError};

const DICOM_JSON: &str = "application/dicom+json";
const WARNING: HeaderName = HeaderName::from_static("warning");
/// Who warns; a name of ours is enough, and says nothing of where we run.
const AGENT: &str = "tocsin";

/// What was asked for.
pub fn documents(status: StatusCode, documents: &[Value]) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(DICOM_JSON)
        .body(Value::from(documents.to_vec()).to_string())
}

/// No content, or nothing to say.
pub fn plain(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).finish()
}

/// The answer with a warning; one that no header can hold is left out.
pub fn warned(mut response: HttpResponse, warning: &str) -> HttpResponse {
    if let Ok(value) = HeaderValue::from_str(&format!("299 {AGENT}: {warning}")) {
        response.headers_mut().append(WARNING, value);
    }
    response
}

/// The standard's words in the header, and the same in a body as all our errors are.
pub fn refused(status: StatusCode, warning: &str, detail: &str) -> HttpResponse {
    let response = error::told(status, "work-item", detail);
    warned(response, warning)
}

/// A request that the state, or the key, does not allow.
pub fn refusal(refusal: Refusal) -> HttpResponse {
    let status = match refusal {
        Refusal::KeyMissing | Refusal::KeyWrong => StatusCode::BAD_REQUEST,
        Refusal::Inconsistent | Refusal::NotClaimed => StatusCode::CONFLICT,
    };
    let words = refusal.to_string();
    refused(status, &words, &words)
}

/// The answer to a caller who does not read what we write.
pub fn unreadable(headers: &HeaderMap) -> Option<HttpResponse> {
    let known = ["*/*", "application/*", DICOM_JSON, "application/json"];
    let accept = text(headers, &ACCEPT)?;
    let read = known.iter().any(|kind| accept.contains(kind));
    (!read).then(|| {
        refused(
            StatusCode::NOT_ACCEPTABLE,
            "The requested media type is not supported.",
            "expected Accept: application/dicom+json",
        )
    })
}

/// The answer to a caller who writes what we do not read.
pub fn unwritable(headers: &HeaderMap) -> Option<HttpResponse> {
    let kind = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let known = [DICOM_JSON, "application/json"];
    let read = known.iter().any(|known| kind.starts_with(known));
    (!read).then(|| {
        refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The media type of the request is not supported.",
            "expected Content-Type: application/dicom+json",
        )
    })
}

/// One data set, alone or in a list, as PS3.18 annex F allows either.
///
/// # Errors
/// What it is instead.
pub fn data_set(body: &[u8]) -> Result<serde_json::Map<String, Value>, ApiError> {
    let bad = |what: &str| ApiError::BadRequest(format!("body: {what}; expected one data set as DICOM JSON"));
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    match value {
        Value::Object(one) => Ok(one),
        Value::Array(mut list) => match (list.pop(), list.is_empty()) {
            (Some(Value::Object(one)), true) => Ok(one),
            _ => Err(bad("a list")),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(bad("no data set")),
    }
}

/// The first value of a text element.
pub fn value<'s>(set: &'s serde_json::Map<String, Value>, tag: &str) -> Option<&'s str> {
    set.get(tag)?.get("Value")?.get(0)?.as_str()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
