//! The very first page: makes the first administrator for whoever has the code that the service printed.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::frame::Frame;
use super::sign_in;
use super::templates;
use crate::api::auth::credentials::Known;
use crate::api::auth::entry::not_too_often;
use crate::api::auth::guard::client_address;
use crate::api::auth::secret::SecretError;
use crate::api::auth::session::Subject;
use crate::api::auth::{Role, secret};
use crate::api::{ApiError, State};
use crate::storage::{StoreError, accounts, audit};

/// Characters of a name.
const NAME: usize = 100;

#[derive(Serialize)]
pub struct SetupPage {
    /// A message; it may name the lengths.
    pub problem: Option<&'static str>,
    pub shortest: usize,
    pub longest: usize,
    pub longest_name: usize,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

pub async fn show(state: Data<State>) -> Result<HttpResponse, ApiError> {
    close_if_made(&state).await?;
    open(&state)?;
    render(&state, StatusCode::OK, None)
}

pub async fn submit(
    state: Data<State>,
    request: HttpRequest,
    wanted: Form<Wanted>,
) -> Result<HttpResponse, ApiError> {
    open(&state)?;
    let address = client_address(&state, request.peer_addr().map(|a| a.ip()), request.headers());
    not_too_often(&state, address, state.now())?;
    let wanted = wanted.into_inner();
    if !state.setup.takes(&wanted.code) {
        state.throttle.failed(address, state.now());
        return render(&state, StatusCode::UNAUTHORIZED, Some("setup-wrong-code"));
    }
    let name = wanted.name.trim().to_owned();
    if !(1..=NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return render(
            &state,
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("setup-name-length"),
        );
    }
    let mut salt = [0; 16];
    salt.copy_from_slice(&(state.entropy)()[..16]);
    let hash = web::block(move || secret::hash_password(&wanted.password, &salt))
        .await
        .map_err(|_| ApiError::Internal)?;
    match hash {
        Ok(hash) => create(&state, name, hash).await,
        Err(error) => render(&state, StatusCode::UNPROCESSABLE_ENTITY, Some(why_not(error))),
    }
}

fn why_not(error: SecretError) -> &'static str {
    match error {
        SecretError::Length => "setup-password-length",
        SecretError::Hash => "setup-not-hashed",
    }
}

/// An account may have been made by the command line, or by another process.
pub async fn close_if_made(state: &State) -> Result<(), ApiError> {
    if state.setup.is_open() && accounts::any(state.store.read()).await? {
        state.setup.close();
    }
    Ok(())
}

fn open(state: &State) -> Result<(), ApiError> {
    match state.setup.is_open() {
        true => Ok(()),
        false => Err(ApiError::Conflict(
            "there is an account already; sign in with it".into(),
        )),
    }
}

async fn create(state: &State, name: String, hash: String) -> Result<HttpResponse, ApiError> {
    let site = state.settings.site.0.clone();
    let named = name.clone();
    let made = state
        .store
        .write_first(move |tx| Box::pin(async move { first(tx, &named, hash, site).await }))
        .await;
    state.setup.close();
    let id = made.map_err(|error| match error {
        StoreError::Refused(reason) => ApiError::Conflict(reason),
        other => other.into(),
    })?;
    let known = Known {
        subject: Subject::Account(id),
        name,
        role: Role::Admin,
    };
    sign_in::begin(state, &known, "/account").await
}

/// The account, unless another process made one meanwhile.
async fn first(
    tx: &crate::storage::Tx,
    name: &str,
    hash: String,
    site: String,
) -> Result<String, StoreError> {
    if accounts::any(tx.conn()).await? {
        return Err(StoreError::Refused(
            "there is an account already; sign in with it".into(),
        ));
    }
    let id = accounts::create(tx, name, Role::Admin.text(), hash)
        .await?
        .to_string();
    let event = Event {
        actor: name.to_owned(),
        actor_kind: ActorKind::Person,
        action: "account.create".to_owned(),
        object: format!("account:{id}"),
        site,
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "role": Role::Admin.text(), "by": "setup code" }),
    };
    audit::record(tx, event).await?;
    Ok(id)
}

fn render(
    state: &State,
    status: StatusCode,
    problem: Option<&'static str>,
) -> Result<HttpResponse, ApiError> {
    let page = SetupPage {
        problem,
        shortest: secret::PASSWORD_LENGTH,
        longest: secret::PASSWORD_LONGEST,
        longest_name: NAME,
    };
    templates::page(
        "setup",
        "title-first-account",
        status,
        &Frame::anonymous(state),
        &page,
    )
}
