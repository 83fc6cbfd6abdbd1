//! One error for every route: a problem document (RFC 9457) with a status, a stable type and words for a person. Nothing
//! of the inside, and nothing of a patient, gets into it.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::storage::StoreError;

/// What went wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    #[error("no valid token or session came with the request")]
    Unauthenticated,
    #[error("the role {role} may not do this")]
    Forbidden { role: &'static str },
    #[error("this role needs a second factor; set it up under /account first")]
    NeedsFactor,
    #[error("this session is locked until its person proves who they are; see /prove")]
    Locked,
    #[error("this needs a recent proof of who you are; see /prove")]
    NeedsProof,
    #[error("the form does not belong to this session; load the page again")]
    ForeignForm,
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("this address does not take this method, but {allow}")]
    MethodNotAllowed { allow: String },
    #[error("{0}")]
    BadRequest(String),
    /// The state does not allow it.
    #[error("{0}")]
    Conflict(String),
    #[error("the body is larger than this server reads")]
    TooLarge,
    /// None of what the client takes can be given.
    #[error("{0}")]
    NotAcceptable(String),
    /// What came is of a type that is not read here.
    #[error("{0}")]
    Unsupported(&'static str),
    /// More than is done at once.
    #[error("{0}")]
    TooBroad(&'static str),
    #[error("too many failed attempts; wait {seconds} s")]
    TooMany { seconds: i64 },
    #[error("the request took too long")]
    Timeout,
    #[error("the database is busy or out of reach; try again")]
    Unavailable,
    #[error("this request failed; the log says why, under its request id")]
    Internal,
}

/// The body of an error.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// Stable, for programs.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
}

impl ApiError {
    fn kind(&self) -> (&'static str, StatusCode) {
        match self {
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED),
            Self::Forbidden { .. } => ("forbidden", StatusCode::FORBIDDEN),
            Self::NeedsFactor => ("needs-second-factor", StatusCode::FORBIDDEN),
            Self::Locked => ("locked", StatusCode::LOCKED),
            Self::NeedsProof => ("needs-recent-proof", StatusCode::FORBIDDEN),
            Self::ForeignForm => ("foreign-form", StatusCode::FORBIDDEN),
            Self::NotFound(_) => ("not-found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed { .. } => ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::BadRequest(_) => ("bad-request", StatusCode::BAD_REQUEST),
            Self::Conflict(_) => ("conflict", StatusCode::CONFLICT),
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::NotAcceptable(_) => ("not-acceptable", StatusCode::NOT_ACCEPTABLE),
            Self::Unsupported(_) => ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::TooBroad(_) => ("too-broad", StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooMany { .. } => ("too-many-attempts", StatusCode::TOO_MANY_REQUESTS),
            Self::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    pub fn problem(&self) -> Problem {
        let (kind, status) = self.kind();
        Problem {
            r#type: format!("urn:tocsin:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("error").to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
        }
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthenticated => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::MethodNotAllowed { allow } => HeaderValue::from_str(allow).ok().map(|allow| (ALLOW, allow)),
            Self::TooMany { seconds } => Some((RETRY_AFTER, HeaderValue::from(*seconds))),
            Self::Unavailable => Some((RETRY_AFTER, HeaderValue::from(1))),
            Self::Forbidden { .. }
            | Self::NeedsFactor
            | Self::Locked
            | Self::NeedsProof
            | Self::ForeignForm
            | Self::NotFound(_)
            | Self::BadRequest(_)
            | Self::Conflict(_)
            | Self::TooLarge
            | Self::NotAcceptable(_)
            | Self::Unsupported(_)
            | Self::TooBroad(_)
            | Self::Timeout
            | Self::Internal => None,
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().1
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if let Some(header) = self.header() {
            response.insert_header(header);
        }
        let body = serde_json::to_string(&self.problem()).unwrap_or_default();
        response.body(body)
    }
}

/// An answer that only a standard's own route gives, told as all errors are.
pub fn told(status: StatusCode, kind: &str, detail: &str) -> HttpResponse {
    let problem = Problem {
        r#type: format!("urn:tocsin:problem:{kind}"),
        title: status.canonical_reason().unwrap_or("error").to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
    };
    HttpResponse::build(status)
        .content_type("application/problem+json")
        .body(serde_json::to_string(&problem).unwrap_or_default())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(what) => Self::NotFound(what),
            StoreError::Refused(why) => Self::Conflict(why),
            error @ StoreError::Nul => Self::BadRequest(error.to_string()),
            StoreError::Conflict => Self::Conflict("somebody else changed this at the same moment".into()),
            StoreError::Unavailable(_) => Self::Unavailable,
            error @ (StoreError::Inconsistent { .. }
            | StoreError::Fenced
            | StoreError::Statement(_)
            | StoreError::NotDurable(_)) => {
                tracing::error!(%error, "a request failed");
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_inside_says_nothing_of_the_inside() {
        let error = ApiError::from(StoreError::Statement("code 1".into()));
        let body = serde_json::to_string(&error.problem()).expect("JSON");
        assert!(body.contains("urn:tocsin:problem:internal") && !body.contains("code 1"));
        assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
