//! The small form between a locked screen, or a privileged act, and going on: the same secret that the session was opened
//! with. It shows nothing but whom it asks.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, Press, go_to, sealed};
use super::{sign_in, templates};
use crate::api::auth::back::Back;
use crate::api::auth::credentials::Given;
use crate::api::auth::entry::not_too_often;
use crate::api::auth::guard::client_address;
use crate::api::auth::presence::{Effect, Presence};
use crate::api::auth::{Means, Principal, Proof, prove};
use crate::api::{ApiError, State, views};
use crate::storage::{accounts, sessions};

#[derive(Serialize)]
pub struct ProvePage {
    pub name: String,
    /// The name of a message, or nothing.
    pub problem: &'static str,
    /// The screen is locked; else something privileged waits.
    pub locked: bool,
    /// What to ask for.
    pub password: bool,
    pub code: bool,
    pub token: bool,
    /// The label of the identity provider, and the way there.
    pub provider: Option<String>,
    pub way: String,
    pub back: String,
    pub csrf: String,
}

/// Where to go on.
#[derive(Default, Deserialize)]
pub struct Onward {
    #[serde(default)]
    back: String,
}

impl Onward {
    pub fn back(&self) -> Back {
        Back::to(&self.back)
    }
}

pub async fn show(
    state: Data<State>,
    onward: Query<Onward>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    render(&state, &who, StatusCode::OK, "", &onward.back()).await
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    back: String,
    #[serde(flatten)]
    given: Given,
}

pub async fn submit(
    state: Data<State>,
    request: HttpRequest,
    form: Form<Shown>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let address = client_address(&state, request.peer_addr().map(|a| a.ip()), request.headers());
    not_too_often(&state, address, state.now())?;
    let form = form.into_inner();
    let back = Back::to(&form.back);
    match prove::by_secret(&state, &who, form.given).await? {
        Ok(Effect::Full | Effect::Unlock) => {
            state.throttle.succeeded(address);
            Ok(go_to(back.path()))
        }
        Ok(Effect::Half) => render(&state, &who, StatusCode::UNPROCESSABLE_ENTITY, "", &back).await,
        Err(refused) => {
            state.throttle.failed(address, state.now());
            let problem = sign_in::text(refused);
            render(&state, &who, StatusCode::UNPROCESSABLE_ENTITY, problem, &back).await
        }
    }
}

/// Locks the screen at once, here and in every tab.
pub async fn lock(
    state: Data<State>,
    request: HttpRequest,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    views::note(
        &state,
        &who,
        "session.lock",
        "session".to_owned(),
        serde_json::json!({}),
    )
    .await?;
    let session = who.csrf().to_owned();
    state
        .store
        .write_first(move |tx| Box::pin(async move { sessions::lock(tx, &session).await }))
        .await?;
    let referer = request.headers().get(actix_web::http::header::REFERER);
    let address = referer.and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(go_to(&Back::of_address(address).behind("/prove")))
}

async fn render(
    state: &State,
    who: &Principal,
    status: StatusCode,
    problem: &'static str,
    back: &Back,
) -> Result<HttpResponse, ApiError> {
    let Proof::Session { means, presence, .. } = &who.proof else {
        return Err(ApiError::BadRequest(
            "a bearer token proves itself with every request".into(),
        ));
    };
    let row = match who.account_id() {
        Some(id) => accounts::by_id(state.store.read(), id).await?,
        None => None,
    };
    let has_factor = row.is_some_and(|row| row.factor_nonce.is_some());
    let half = *presence == Presence::Half;
    let provider = state.provider.as_ref().map(|p| p.settings.label.clone());
    let page = ProvePage {
        name: who.name.clone(),
        problem,
        locked: presence.is_away(),
        password: *means == Means::Password,
        code: half || *means == Means::Password && has_factor,
        token: *means == Means::Token,
        provider: provider.filter(|_| *means == Means::Provider && !half),
        way: back.behind("/prove/oidc"),
        back: back.path().to_owned(),
        csrf: who.csrf().to_owned(),
    };
    // Without the frame of a page: it would name pages that are closed now, and lock what is locked.
    templates::page("prove", "title-prove", status, &Frame::anonymous(state), &page)
}
