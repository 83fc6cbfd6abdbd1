//! Errors under `/fhir` as OperationOutcome, whoever refused the request: a handler, the guard, or the clock.

use actix_web::ResponseError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web::Bytes};

use crate::api::auth::guard::REQUEST_ID;
use crate::api::error::ApiError;
use crate::api::server::error_of;
use crate::fhir::MEDIA_TYPE;
use crate::fhir::outcome::{Issue, outcome};

/// The middleware.
pub async fn told(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_fhir = request.path() == "/fhir" || request.path().starts_with("/fhir/");
    let answered = next.call(request).await;
    if !is_fhir {
        return answered.map(ServiceResponse::map_into_boxed_body);
    }
    match answered {
        Ok(answered) => {
            let answered = answered.map_into_boxed_body();
            let Some(error) = error_of(&answered) else {
                return Ok(answered);
            };
            let mut response = response(&error);
            if let Some(id) = answered.headers().get(REQUEST_ID) {
                response.headers_mut().insert(REQUEST_ID, id.clone());
            }
            Ok(answered.into_response(response))
        }
        Err(cause) => Err(match cause.as_error::<ApiError>() {
            Some(error) => InternalError::from_response(error.clone(), response(error)).into(),
            None => cause,
        }),
    }
}

/// With the headers that the error has elsewhere.
fn response(error: &ApiError) -> HttpResponse {
    let body = outcome(issue(error), &error.to_string()).to_string();
    let mut response = error.error_response().set_body(BoxBody::new(Bytes::from(body)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

fn issue(error: &ApiError) -> Issue {
    match error {
        ApiError::Unauthenticated | ApiError::Locked | ApiError::NeedsProof => Issue::Login,
        ApiError::Forbidden { .. } | ApiError::NeedsFactor | ApiError::ForeignForm => Issue::Forbidden,
        ApiError::NotFound(_) => Issue::NotFound,
        ApiError::MethodNotAllowed { .. } | ApiError::NotAcceptable(_) | ApiError::Unsupported(_) => {
            Issue::NotSupported
        }
        ApiError::BadRequest(_) => Issue::Invalid,
        ApiError::Conflict(_) => Issue::Conflict,
        ApiError::TooLarge | ApiError::TooBroad(_) => Issue::TooLong,
        ApiError::TooMany { .. } => Issue::Throttled,
        ApiError::Timeout => Issue::Timeout,
        ApiError::Unavailable => Issue::Transient,
        ApiError::Internal => Issue::Exception,
    }
}
