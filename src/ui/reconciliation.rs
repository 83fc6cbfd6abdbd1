//! Studies without a sure order, and the forms that decide.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::Deserialize;

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::page::PageQuery;
use crate::api::resolve::{self, Resolution};
use crate::api::{ApiError, State, reconciliation, views};

pub async fn list(
    state: Data<State>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let page = reconciliation::load(&state, &query).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "reconciliation.view", shown).await?;
    let frame = Frame::of(&state, &who);
    templates::page(
        "reconciliation",
        "nav-reconciliation",
        StatusCode::OK,
        &frame,
        &page,
    )
}

/// Which button was pressed says which of the fields counts.
#[derive(Deserialize)]
pub struct Decision {
    #[serde(default)]
    csrf: String,
    order_id: Option<String>,
    accession: Option<String>,
    no_order: Option<String>,
    /// The typed number counts although its order is cancelled or of another patient.
    nevertheless: Option<String>,
}

pub async fn resolve(
    state: Data<State>,
    id: Path<String>,
    form: Form<Decision>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let resolution = Resolution {
        order_id: form.order_id,
        accession: form.accession,
        no_order: form.no_order.is_some(),
        nevertheless: form.nevertheless.is_some(),
    };
    resolve::resolve(&state, &who, &id, &resolution).await?;
    Ok(go_to("/reconciliation"))
}
