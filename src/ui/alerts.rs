//! Alerts with their pages, and the button that takes responsibility for one.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};

use super::frame::{Frame, Press, go_to, sealed};
use super::templates;
use crate::api::alerts::{self, Filter};
use crate::api::auth::Principal;
use crate::api::page::PageQuery;
use crate::api::{ApiError, State, acknowledge as acknowledging, release as releasing};

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let page = alerts::load(&state, &who, filter.status.as_deref(), &query).await?;
    templates::page(
        "alerts",
        "nav-alerts",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

pub async fn acknowledge(
    state: Data<State>,
    id: Path<String>,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    acknowledging::by_person(&state, &who, &id).await?;
    Ok(go_to("/alerts"))
}

pub async fn release(
    state: Data<State>,
    id: Path<String>,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    releasing::run(&state, &who, &id).await?;
    Ok(go_to("/alerts"))
}
