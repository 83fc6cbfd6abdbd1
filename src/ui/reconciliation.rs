//! Studies without a sure order, and the forms that decide.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::page::{Page, PageQuery};
use crate::api::reconciliation::{self, Filter, Unreconciled};
use crate::api::resolve::{self, Resolution};
use crate::api::{ApiError, State, views};
use crate::storage::studies;

#[derive(Serialize)]
pub struct ReconciliationPage {
    /// Those of one kind alone are shown.
    pub link: Option<String>,
    pub kinds: Vec<Kind>,
    /// Why the decision that was just sent did not count.
    pub refused: Option<String>,
    #[serde(flatten)]
    pub page: Page<Unreconciled>,
}

/// Studies that wait for the same reason, and how many of them.
#[derive(Serialize)]
pub struct Kind {
    pub link: &'static str,
    pub count: u64,
    pub current: bool,
}

pub async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    render(&state, &who, filter.into_inner().link, &query, None).await
}

async fn render(
    state: &State,
    who: &Principal,
    link: Option<String>,
    query: &PageQuery,
    refused: Option<ApiError>,
) -> Result<HttpResponse, ApiError> {
    let page = reconciliation::load(state, link.as_deref(), query).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed(state, who, "reconciliation.view", shown).await?;
    let mut kinds = Vec::new();
    for kind in reconciliation::LINKS {
        kinds.push(Kind {
            link: kind,
            count: studies::count_unreconciled(state.store.read(), kind).await?,
            current: link.as_deref() == Some(kind),
        });
    }
    let status = refused
        .as_ref()
        .map_or(StatusCode::OK, ResponseError::status_code);
    let content = ReconciliationPage {
        link,
        kinds,
        refused: refused.map(|why| why.to_string()),
        page,
    };
    let frame = Frame::of(state, who);
    templates::page("reconciliation", "nav-reconciliation", status, &frame, &content)
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
    match resolve::resolve(&state, &who, &id, &resolution).await {
        Ok(_) => Ok(go_to("/reconciliation")),
        // What was typed is at fault: it is said where it can be typed again.
        Err(refused @ (ApiError::NotFound(_) | ApiError::BadRequest(_) | ApiError::Conflict(_))) => {
            render(&state, &who, None, &PageQuery::default(), Some(refused)).await
        }
        Err(error) => Err(error),
    }
}
