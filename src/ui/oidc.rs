//! To the identity provider and back. The provider's word opens a session, or proves again who has one; every way is good
//! once, and whatever goes wrong on it leads to the form that asks for a password.

use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, HOST, HeaderValue, LOCATION, SET_COOKIE};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, home};
use super::prove::Onward;
use super::{sign_in, templates};
use crate::api::auth::back::Back;
use crate::api::auth::credentials::Known;
use crate::api::auth::entry::{self, Extent};
use crate::api::auth::oidc::arrival::{Arrival, arrive};
use crate::api::auth::oidc::journey::{self, Journey, Purpose};
use crate::api::auth::oidc::provider::{Provider, ProviderError, Vouched};
use crate::api::auth::presence::Effect;
use crate::api::auth::session::{Subject, same};
use crate::api::auth::{Principal, Proof, Role, prove};
use crate::api::{ApiError, State};

const CALLBACK: &str = "/sign-in/oidc/callback";

/// Leads to the provider, to sign in.
pub async fn enter(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    depart(&state, &request, Purpose::SignIn, Back::to("/")).await
}

/// Leads to the provider, to prove again who somebody is.
pub async fn prove(
    state: Data<State>,
    request: HttpRequest,
    onward: Query<Onward>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let Proof::Session { csrf, .. } = who.proof else {
        return Err(ApiError::BadRequest(
            "a bearer token proves itself with every request".into(),
        ));
    };
    let purpose = Purpose::Prove { session: csrf };
    depart(&state, &request, purpose, onward.back()).await
}

async fn depart(
    state: &State,
    request: &HttpRequest,
    purpose: Purpose,
    back: Back,
) -> Result<HttpResponse, ApiError> {
    let (provider, key, now) = (provider(state)?, &state.keys.session, state.now());
    let journey = Journey::begin((state.entropy)(), purpose, back, now);
    let entrance = provider
        .entrance(&journey, key, &callback(state, request), now)
        .await;
    match entrance {
        Ok(address) => Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, address))
            .insert_header((
                SET_COOKIE,
                state
                    .settings
                    .transport
                    .set_journey(&journey.write(key), journey::LASTS),
            ))
            .finish()),
        Err(error) => failed(state, &error),
    }
}

/// What the provider sends along.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
}

/// Where the provider sends people back to.
pub async fn arrived(
    state: Data<State>,
    request: HttpRequest,
    answer: Query<Answer>,
) -> Result<HttpResponse, ApiError> {
    let provider = provider(&state)?;
    let key = &state.keys.session;
    let answer = answer.into_inner();
    let journey = request
        .headers()
        .get_all(COOKIE)
        .filter_map(|value| state.settings.transport.find_journey(value.to_str().ok()?))
        .find_map(|value| Journey::read(key, value, state.now()))
        .filter(|journey| same(&journey.state(key), &answer.state));
    let Some(journey) = journey else {
        entry::refused(&state).await?;
        return sign_in::render(&state, StatusCode::BAD_REQUEST, Some("oidc-forged"));
    };
    if answer.code.is_empty() {
        return over(
            &state,
            sign_in::render(&state, StatusCode::BAD_REQUEST, Some("oidc-declined"))?,
        );
    }
    let redirect = callback(&state, &request);
    let vouched = provider
        .vouch(&journey, key, answer.code, &redirect, state.now())
        .await;
    let came = match (vouched, &journey.purpose) {
        (Err(error), _) => failed(&state, &error),
        (Ok(vouched), Purpose::SignIn) => enter_as(&state, provider, &journey, vouched).await,
        (Ok(vouched), Purpose::Prove { session }) => {
            proved(&state, provider, session, &journey.back, &vouched).await
        }
    };
    over(&state, came?)
}

async fn enter_as(
    state: &State,
    provider: &Provider,
    journey: &Journey,
    vouched: Vouched,
) -> Result<HttpResponse, ApiError> {
    let (label, site) = (provider.settings.label.clone(), state.settings.site.0.clone());
    let arrival = state
        .store
        .write_first(move |tx| Box::pin(async move { arrive(tx, vouched, &label, site).await }))
        .await?;
    let row = match arrival {
        Arrival::Known(row) => row,
        Arrival::NoRole => return turned_away(state, "oidc-no-role").await,
        Arrival::Disabled => return turned_away(state, "oidc-disabled").await,
    };
    let Some((role, home)) =
        Role::parse(&row.role).and_then(|role| Some((role, home(|action| role.may(action))?)))
    else {
        return turned_away(state, "sign-in-no-pages").await;
    };
    let extent = match prove::owes_code(&row, provider.settings.factor) {
        true => Extent::Half,
        false => Extent::Full,
    };
    let known = Known {
        subject: Subject::Account(row.id),
        name: row.name,
        role,
    };
    let mark = journey.mark(&state.keys.session);
    let cookie = entry::begin(state, &known, extent, Some(mark)).await?;
    let mut page = onward(state, home)?;
    page.headers_mut().append(
        SET_COOKIE,
        HeaderValue::from_str(&cookie).map_err(|_| ApiError::Internal)?,
    );
    Ok(page)
}

async fn turned_away(state: &State, problem: &'static str) -> Result<HttpResponse, ApiError> {
    entry::refused(state).await?;
    sign_in::render(state, StatusCode::FORBIDDEN, Some(problem))
}

async fn proved(
    state: &State,
    provider: &Provider,
    session: &str,
    back: &Back,
    vouched: &Vouched,
) -> Result<HttpResponse, ApiError> {
    match prove::by_provider(state, session, vouched, provider.settings.factor).await? {
        Some(Effect::Full | Effect::Unlock) => onward(state, back.path()),
        Some(Effect::Half) => onward(state, &back.behind("/prove")),
        None => turned_away(state, "oidc-another").await,
    }
}

#[derive(Serialize)]
pub struct OnwardPage<'a> {
    pub to: &'a str,
}

/// Browsers hold a strict cookie back on the way from another site: a page of ours makes the next step our own.
fn onward(state: &State, to: &str) -> Result<HttpResponse, ApiError> {
    let frame = Frame::anonymous(state);
    templates::page(
        "onward",
        "title-onward",
        StatusCode::OK,
        &frame,
        &OnwardPage { to },
    )
}

/// The way has been gone; its cookie opens nothing any more.
fn over(state: &State, mut answer: HttpResponse) -> Result<HttpResponse, ApiError> {
    let gone = state.settings.transport.set_journey("", TimeDelta::zero());
    let gone = HeaderValue::from_str(&gone).map_err(|_| ApiError::Internal)?;
    answer.headers_mut().append(SET_COOKIE, gone);
    Ok(answer)
}

fn failed(state: &State, error: &ProviderError) -> Result<HttpResponse, ApiError> {
    tracing::warn!(%error, "nobody was signed in with the identity provider");
    let (status, problem) = match error {
        ProviderError::Down(_) => (StatusCode::SERVICE_UNAVAILABLE, "oidc-down"),
        ProviderError::Code => (StatusCode::BAD_REQUEST, "oidc-used"),
        ProviderError::Token(_) => (StatusCode::BAD_REQUEST, "oidc-unsound"),
        ProviderError::NotAsked => (StatusCode::BAD_REQUEST, "oidc-not-asked"),
    };
    sign_in::render(state, status, Some(problem))
}

fn provider(state: &State) -> Result<&Provider, ApiError> {
    let provider = state.provider.as_ref();
    provider.ok_or(ApiError::NotFound("identity provider to sign in with"))
}

/// Off loopback there is always a public address; on it, the one that the browser used.
fn callback(state: &State, request: &HttpRequest) -> String {
    let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let origin = match &state.settings.public_origin {
        Some(origin) => origin.clone(),
        None => format!("http://{}", host.unwrap_or("127.0.0.1")),
    };
    format!("{origin}{CALLBACK}")
}
