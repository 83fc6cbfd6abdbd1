//! Headers of every answer: nothing is guessed, framed, cached by strangers or loaded from elsewhere.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::auth::session::Transport;
use super::state::State;

/// How long the answer took to make, in milliseconds: browsers and load tests tell it from the way there and back.
/// <https://www.w3.org/TR/server-timing/>
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// No inline script or style, nothing from other hosts, no frames around us.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The middleware.
pub async fn secure(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let https = request
        .app_data::<Data<State>>()
        .is_some_and(|state| state.settings.transport == Transport::Https);
    let began = Instant::now();
    let mut response = next.call(request).await?.map_into_boxed_body();
    let took = format!("app;dur={:.1}", began.elapsed().as_secs_f64() * 1_000.0);
    if let Ok(took) = HeaderValue::try_from(took) {
        response.headers_mut().insert(SERVER_TIMING, took);
    }
    let mut set = |name: HeaderName, value: &'static str| {
        if !response.headers().contains_key(&name) {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // With `no-referrer` browsers would hide the origin of our own forms too.
    set(REFERRER_POLICY, "same-origin");
    set(CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    set(CACHE_CONTROL, "no-store");
    if https {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    Ok(response)
}
