//! The HTTP server: the app with its limits, on a listener that is bound already. Knows no route; they are handed in.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{ACCEPT, REFERER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, ResponseError};

use super::auth::back::Back;
use super::auth::guard::{PROGRAMS, REQUEST_ID, guard};
use super::error::ApiError;
use super::state::State;

/// A client that sends its headers slower than this is let go. Browsers open connections ahead of use and close them after 10 s;
/// an answer to one of those would be taken for that of the request that is about to come.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long running requests may go on after a stop was asked for.
const SHUTDOWN_SECONDS: u64 = 10;
/// Connections per worker; more wait in the kernel's queue.
const CONNECTIONS: usize = 1_024;

/// The pages, which this module does not know: how they are registered, and how one tells a person what went wrong.
#[derive(Clone, Copy)]
pub struct Pages {
    pub configure: fn(&mut ServiceConfig),
    /// With the page to come back to, where the error leads elsewhere first.
    pub error: fn(&State, &ApiError, &Back) -> HttpResponse,
}

/// The server, not yet running: await it, and use its handle to stop it. Signals are the caller's.
pub fn server(listener: TcpListener, state: Data<State>, pages: Pages) -> std::io::Result<Server> {
    let workers = state.settings.limits.workers.max(1);
    Ok(HttpServer::new(move || app(state.clone(), pages))
        .workers(workers)
        .max_connections(CONNECTIONS)
        // A compressed answer goes out in pieces, and the last would wait for the browser's delayed acknowledgement.
        .tcp_nodelay(true)
        .client_request_timeout(HEADER_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run())
}

/// Everything that answers, behind the guard.
pub fn app(
    state: Data<State>,
    pages: Pages,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let limit = state.settings.limits.body_bytes;
    App::new()
        .app_data(state)
        .app_data(web::PayloadConfig::new(limit))
        .app_data(
            web::JsonConfig::default()
                .limit(limit)
                .error_handler(|error, _| bad_body(error, "expected Content-Type: application/json")),
        )
        .app_data(
            web::FormConfig::default()
                .limit(limit)
                .error_handler(|error, _| bad_body(error, "expected a form")),
        )
        .app_data(web::QueryConfig::default().error_handler(|error, _| bad_input("query", &error)))
        .app_data(
            web::PathConfig::default().error_handler(|_, _| ApiError::NotFound("page or resource").into()),
        )
        .configure(super::configure)
        .app_data(Data::new(pages))
        .configure(pages.configure)
        .wrap(from_fn(guard))
        .wrap(from_fn(super::cds::cors::cors))
        .wrap(from_fn(head_as_get))
        .wrap(from_fn(in_time))
        .wrap(from_fn(readable))
        .wrap(from_fn(super::fhir::errors::told))
        // Streams and what says so itself are left as they are. That a compressed answer tells of what it holds by its length
        // needs requests of another site in somebody's name, which the cookie (`SameSite=Strict`) does not allow.
        .wrap(Compress::default())
        .wrap(from_fn(super::headers::secure))
}

/// What can be got can be asked for by HEAD: routes know GET alone, and the connection leaves the body out.
async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}

/// A request that takes too long is answered, whatever became of it; writes that were begun stand.
async fn in_time(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // Of images that come, how long a piece may take is bounded, and not how long all of them do.
    if request.method() == Method::POST && request.path().starts_with("/dicom-web/") {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    let limit = request
        .app_data::<Data<State>>()
        .map_or(HEADER_TIMEOUT, |state| state.settings.limits.request);
    match tokio::time::timeout(limit, next.call(request)).await {
        Ok(answered) => answered.map(ServiceResponse::map_into_boxed_body),
        Err(_) => Err(ApiError::Timeout.into()),
    }
}

/// Who asked for a page is told of an error by a page; programs get the problem document.
async fn readable(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let wants_page = !PROGRAMS.iter().any(|prefix| request.path().starts_with(prefix))
        && request
            .headers()
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
    let context = (
        request.app_data::<Data<Pages>>().cloned(),
        request.app_data::<Data<State>>().cloned(),
    );
    let back = back_to(&request);
    let answered = next.call(request).await?.map_into_boxed_body();
    let (true, (Some(pages), Some(state))) = (wants_page, context) else {
        return Ok(answered);
    };
    let Some(error) = error_of(&answered) else {
        return Ok(answered);
    };
    let mut page = (pages.error)(&state, &error, &back);
    if let Some(id) = answered.headers().get(REQUEST_ID) {
        page.headers_mut().insert(REQUEST_ID, id.clone());
    }
    Ok(answered.into_response(page))
}

/// The page that was asked for, or the one that a form was on: what was posted is not posted again.
fn back_to(request: &ServiceRequest) -> Back {
    if request.method().is_safe() {
        return Back::to(&request.uri().to_string());
    }
    let referer = request
        .headers()
        .get(REFERER)
        .and_then(|value| value.to_str().ok());
    Back::of_address(referer.unwrap_or_default())
}

/// The error of ours that an answer carries.
pub(super) fn error_of(answered: &ServiceResponse<BoxBody>) -> Option<ApiError> {
    let noted = answered.response().extensions().get::<ApiError>().cloned();
    noted.or_else(|| answered.response().error()?.as_error::<ApiError>().cloned())
}

fn bad_body(error: impl ResponseError + 'static, expected: &'static str) -> actix_web::Error {
    match error.status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => problem(ApiError::TooLarge),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => problem(ApiError::Unsupported(expected)),
        _ => bad_input("body", &error),
    }
}

fn bad_input(place: &str, error: &dyn std::fmt::Display) -> actix_web::Error {
    problem(ApiError::BadRequest(format!("{place}: {error}")))
}

fn problem(error: ApiError) -> actix_web::Error {
    let response = error.error_response();
    InternalError::from_response(error, response).into()
}
