//! Quarantined instances, and the form that closes an entry.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::page::PageQuery;
use crate::api::quarantine::{self, Filter, QuarantineView};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct QuarantinePage {
    pub items: Vec<Row>,
    pub next: Option<String>,
}

#[derive(Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub entry: QuarantineView,
    pub open: bool,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let list = quarantine::load(&state, &who, filter.state.as_deref(), &query).await?;
    let row = |entry: QuarantineView| Row {
        open: entry.state == "open",
        entry,
    };
    let page = QuarantinePage {
        items: list.items.into_iter().map(row).collect(),
        next: list.next,
    };
    templates::page(
        "quarantine",
        "nav-quarantine",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

#[derive(Deserialize)]
pub struct Dismissal {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    reason: String,
}

pub async fn dismiss(
    state: Data<State>,
    id: Path<String>,
    form: Form<Dismissal>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    quarantine::close(&state, &who, &id, &form.reason).await?;
    Ok(go_to("/quarantine"))
}
