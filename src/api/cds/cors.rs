//! Lets the web pages of EHRs that a site names ask from within a browser (CORS), for the advice and nothing else. Cookies are
//! never allowed with it.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};

use crate::api::state::State;

const PATH: &str = "/cds-services";

/// The middleware; stands before the guard, because a browser asks without credentials whether it may ask.
pub async fn cors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(origin) = allowed(&request) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let asks_whether =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match asks_whether {
        true => request.into_response(may_ask()),
        false => next.call(request).await?.map_into_boxed_body(),
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("Origin"));
    Ok(response)
}

/// The origin of the request, if it is one that may ask here.
fn allowed(request: &ServiceRequest) -> Option<HeaderValue> {
    let path = request.path();
    let below = path.strip_prefix(PATH)?;
    if !(below.is_empty() || below.starts_with('/')) {
        return None;
    }
    let state = request.app_data::<web::Data<State>>()?;
    let origin = request.headers().get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let known = state.settings.cds.origins.iter().any(|known| known == text);
    known.then(|| origin.clone())
}

fn may_ask() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}
