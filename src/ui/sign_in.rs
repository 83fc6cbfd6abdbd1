//! Signing in with an account or a bearer token: the browser gets a cookie that ends by itself, and never the secret again.
//! Guessing is slowed down, and every attempt is on the audit chain.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::frame::{Frame, Press, home, sealed};
use super::{setup, templates};
use crate::api::auth::Principal;
use crate::api::auth::credentials::{self, Given, Known, Refused};
use crate::api::auth::entry::{self, Extent, not_too_often};
use crate::api::auth::guard::client_address;
use crate::api::{ApiError, State, views};
use crate::storage::sessions;

#[derive(Serialize)]
pub struct SignInPage {
    /// A message.
    pub problem: Option<&'static str>,
    /// There is no account yet.
    pub first: bool,
    /// The label of the identity provider, where there is one.
    pub provider: Option<String>,
}

pub async fn show(state: Data<State>) -> Result<HttpResponse, ApiError> {
    setup::close_if_made(&state).await?;
    render(&state, StatusCode::OK, None)
}

pub async fn submit(
    state: Data<State>,
    request: HttpRequest,
    given: Form<Given>,
) -> Result<HttpResponse, ApiError> {
    let address = client_address(&state, request.peer_addr().map(|a| a.ip()), request.headers());
    not_too_often(&state, address, state.now())?;
    let known = match credentials::check(&state, given.into_inner()).await? {
        Ok(known) => known,
        Err(refused) => {
            state.throttle.failed(address, state.now());
            entry::refused(&state).await?;
            return render(&state, StatusCode::UNAUTHORIZED, Some(text(refused)));
        }
    };
    state.throttle.succeeded(address);
    let Some(home) = home(|action| known.role.may(action)) else {
        entry::refused(&state).await?;
        return render(&state, StatusCode::FORBIDDEN, Some("sign-in-no-pages"));
    };
    begin(&state, &known, home).await
}

/// The message that says why nobody was let in.
pub fn text(refused: Refused) -> &'static str {
    match refused {
        Refused::Unknown => "sign-in-unknown",
        Refused::Code => "sign-in-needs-code",
    }
}

pub async fn begin(state: &State, known: &Known, home: &str) -> Result<HttpResponse, ApiError> {
    let cookie = entry::begin(state, known, Extent::Full, None).await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, home))
        .insert_header((SET_COOKIE, cookie))
        .finish())
}

/// Ends the session of this browser.
pub async fn leave(state: Data<State>, form: Form<Press>, who: Principal) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let detail = serde_json::json!({});
    views::note(&state, &who, "session.end", "session".to_owned(), detail).await?;
    let session = who.csrf().to_owned();
    state
        .store
        .write_first(move |tx| Box::pin(async move { sessions::end(tx, &session).await }))
        .await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, "/sign-in"))
        .insert_header((SET_COOKIE, state.settings.transport.clear_cookie()))
        .finish())
}

/// The form, with the message of what went wrong.
pub fn render(
    state: &State,
    status: StatusCode,
    problem: Option<&'static str>,
) -> Result<HttpResponse, ApiError> {
    let page = SignInPage {
        problem,
        // A demonstration is entered as one of its people.
        first: state.setup.is_open() && !state.settings.demonstration,
        provider: state
            .provider
            .as_ref()
            .map(|provider| provider.settings.label.clone()),
    };
    templates::page(
        "sign_in",
        "title-sign-in",
        status,
        &Frame::anonymous(state),
        &page,
    )
}
