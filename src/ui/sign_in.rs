//! Signing in with a bearer token: the browser gets a cookie that ends by itself, and never the token again.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::web::{Data, Form};
use serde::{Deserialize, Serialize};

use super::templates;
use crate::api::auth::guard::known_token;
use crate::api::auth::session::{Session, Subject};
use crate::api::{ApiError, State};

#[derive(Serialize)]
struct SignInPage {
    site: String,
    problem: String,
}

#[derive(Deserialize)]
pub struct Given {
    token: String,
}

pub async fn show(state: Data<State>) -> Result<HttpResponse, ApiError> {
    render(&state, StatusCode::OK, "")
}

pub async fn submit(state: Data<State>, given: Form<Given>) -> Result<HttpResponse, ApiError> {
    let Ok((_, _, id)) = known_token(&state, given.token.trim()).await else {
        return render(&state, StatusCode::UNAUTHORIZED, "This token is not valid here.");
    };
    let nonce = hex::encode(&(state.entropy)()[..16]);
    let session = Session::begin(Subject::Token(id), nonce, state.now());
    let cookie = state
        .settings
        .transport
        .set_cookie(&session.write(&state.keys.session), state.settings.session);
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, "/"))
        .insert_header((SET_COOKIE, cookie))
        .finish())
}

fn render(state: &State, status: StatusCode, problem: &str) -> Result<HttpResponse, ApiError> {
    let page = SignInPage {
        site: state.settings.site_name.clone(),
        problem: problem.to_owned(),
    };
    templates::page("sign_in", "Sign in", status, &page)
}
