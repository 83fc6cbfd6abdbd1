//! The page behind the link that a new person is given: they choose a password, once. Looking at it changes nothing.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::frame::{Frame, go_to};
use super::templates;
use crate::api::auth::entry::not_too_often;
use crate::api::auth::guard::client_address;
use crate::api::auth::secret::{self, SecretError};
use crate::api::{ApiError, State, people::end_sessions};
use crate::storage::entity::account;
use crate::storage::{audit, people};

#[derive(Serialize)]
pub struct InvitePage {
    pub name: String,
    pub shortest: usize,
    /// The password that was chosen is too short or too long.
    pub wrong: bool,
}

#[derive(Deserialize)]
pub struct Chosen {
    #[serde(default)]
    password: String,
}

pub async fn show(
    state: Data<State>,
    request: HttpRequest,
    token: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let row = invited(&state, &request, &token).await?;
    render(&state, &row, StatusCode::OK)
}

pub async fn submit(
    state: Data<State>,
    request: HttpRequest,
    token: Path<String>,
    chosen: Form<Chosen>,
) -> Result<HttpResponse, ApiError> {
    let row = invited(&state, &request, &token).await?;
    let mut salt = [0; 16];
    salt.copy_from_slice(&(state.entropy)()[..16]);
    let password = chosen.into_inner().password;
    let hash = web::block(move || secret::hash_password(&password, &salt))
        .await
        .map_err(|_| ApiError::Internal)?;
    let hash = match hash {
        Ok(hash) => hash,
        Err(SecretError::Length) => return render(&state, &row, StatusCode::UNPROCESSABLE_ENTITY),
        Err(SecretError::Hash) => return Err(ApiError::Internal),
    };
    let event = Event {
        actor: row.name.clone(),
        actor_kind: ActorKind::Person,
        action: "account.password".to_owned(),
        object: format!("account:{}", row.id),
        site: state.settings.site.0.clone(),
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "by": "link" }),
    };
    let sha256 = secret::fingerprint(&token);
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = people::accept(tx, &sha256, hash).await?;
                end_sessions(tx, &row.id).await?;
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(go_to("/sign-in"))
}

/// Whom the link was made for. Guessing is slowed down like guessing passwords.
async fn invited(state: &State, request: &HttpRequest, token: &str) -> Result<account::Model, ApiError> {
    let address: IpAddr = client_address(state, request.peer_addr().map(|a| a.ip()), request.headers());
    let now = state.now();
    not_too_often(state, address, now)?;
    let found = people::invited(state.store.read(), &secret::fingerprint(token), now).await?;
    if found.is_none() {
        state.throttle.failed(address, now);
    }
    found.ok_or(ApiError::NotFound("link, or it was used, or its time is over"))
}

fn render(state: &State, row: &account::Model, status: StatusCode) -> Result<HttpResponse, ApiError> {
    let page = InvitePage {
        name: row.name.clone(),
        shortest: secret::PASSWORD_LENGTH,
        wrong: status != StatusCode::OK,
    };
    templates::page("invite", "title-invite", status, &Frame::anonymous(state), &page)
}
