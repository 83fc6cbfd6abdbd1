//! Every system that we talk with, how each fares, and a button that tries it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::Timestamp;

use super::frame::{Frame, Press, go_to, sealed};
use super::templates;
use crate::api::associations::{self, AssociationView, Filter};
use crate::api::auth::Principal;
use crate::api::connections::{self, CheckView, ConnectionView, Trial};
use crate::api::page::PageQuery;
use crate::api::{ApiError, State, pauses};

#[derive(Serialize)]
pub struct ConnectionsPage {
    pub items: Vec<ConnectionView>,
    /// When our certificate ends, where there is one.
    pub certificate_ends: Option<Timestamp>,
    /// The latest that were turned away.
    pub associations: Vec<AssociationView>,
    /// What came of the connection that was just tried.
    pub checked: Option<CheckView>,
}

pub async fn list(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    render(&state, &who, None).await
}

pub async fn check(
    state: Data<State>,
    id: Path<String>,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let checked = connections::check(&state, &who, &id, Trial::Check).await?;
    render(&state, &who, Some(checked)).await
}

pub async fn test_message(
    state: Data<State>,
    id: Path<String>,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let checked = connections::check(&state, &who, &id, Trial::TestMessage).await?;
    render(&state, &who, Some(checked)).await
}

#[derive(Deserialize)]
pub struct Pause {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    reason: String,
}

pub async fn pause(
    state: Data<State>,
    id: Path<String>,
    form: Form<Pause>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    pauses::begin(&state, &who, &id, &form.reason).await?;
    Ok(go_to("/connections"))
}

pub async fn resume(
    state: Data<State>,
    id: Path<String>,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    pauses::end(&state, &who, &id).await?;
    Ok(go_to("/connections"))
}

async fn render(
    state: &State,
    who: &Principal,
    checked: Option<CheckView>,
) -> Result<HttpResponse, ApiError> {
    let sought = Filter {
        q: String::new(),
        outcome: Some("rejected".to_owned()),
    };
    let latest = PageQuery {
        limit: Some(20),
        cursor: None,
    };
    let page = ConnectionsPage {
        associations: associations::load(state, who, &sought, &latest).await?.items,
        items: connections::load(state).await?,
        certificate_ends: state.neighbours.certificate_ends(),
        checked,
    };
    templates::page(
        "connections",
        "nav-connections",
        StatusCode::OK,
        &Frame::of(state, who),
        &page,
    )
}
