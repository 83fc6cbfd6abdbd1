//! What is owed to other systems, and the button that sends one again.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::StudyId;

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::deliveries::{self, Filter, OwedView, why_not};
use crate::api::page::PageQuery;
use crate::api::{ApiError, State};
use crate::storage::deliveries::DeliveryState;

#[derive(Serialize)]
pub struct DeliveriesPage {
    /// The filter in use, empty for all.
    pub state: String,
    pub states: Vec<&'static str>,
    pub items: Vec<Row>,
    pub next: Option<String>,
}

#[derive(Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub owed: OwedView,
    pub may_go_again: bool,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let list = deliveries::load(&state, &who, filter.state.as_deref(), &query).await?;
    let page = DeliveriesPage {
        state: filter.into_inner().state.unwrap_or_default(),
        states: DeliveryState::ALL.map(DeliveryState::text).to_vec(),
        items: list.items.into_iter().map(row).collect(),
        next: list.next,
    };
    templates::page(
        "deliveries",
        "nav-deliveries",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

fn row(owed: OwedView) -> Row {
    let state = DeliveryState::ALL
        .into_iter()
        .find(|state| state.text() == owed.delivery.state);
    Row {
        may_go_again: state.is_some_and(|state| why_not(state).is_none()),
        owed,
    }
}

/// A button of a report leads back to the report.
#[derive(Deserialize)]
pub struct Again {
    #[serde(default)]
    csrf: String,
    report: Option<StudyId>,
}

pub async fn retry(
    state: Data<State>,
    id: Path<String>,
    form: Form<Again>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    deliveries::again(&state, &who, &id).await?;
    Ok(match form.report {
        Some(study) => go_to(&format!("/studies/{study}/report")),
        None => go_to("/deliveries"),
    })
}
