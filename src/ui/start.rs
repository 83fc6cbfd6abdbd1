//! What is left to set up, step by step, with what was last seen of each.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::start::{self, Reachable, StepView};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct StartPage {
    pub steps: Vec<StepView>,
    pub done: usize,
    /// Whom a test page can be sent.
    pub people: Vec<Reachable>,
    /// What became of the test page that was just sent.
    pub sent: Option<String>,
    pub failed: Option<String>,
}

pub async fn show(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    render(&state, &who, StatusCode::OK, None, None).await
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    person: String,
}

pub async fn test_page(
    state: Data<State>,
    form: Form<Wanted>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    match start::test_page(&state, &who, &form.person).await {
        Ok(answer) => render(&state, &who, StatusCode::OK, Some(answer), None).await,
        Err(ApiError::Conflict(reason)) => {
            render(&state, &who, StatusCode::CONFLICT, None, Some(reason)).await
        }
        Err(other) => Err(other),
    }
}

async fn render(
    state: &State,
    who: &Principal,
    status: StatusCode,
    sent: Option<String>,
    failed: Option<String>,
) -> Result<HttpResponse, ApiError> {
    let steps = start::steps(state).await?;
    let page = StartPage {
        done: steps.iter().filter(|step| step.done).count(),
        people: start::reachable(state),
        steps,
        sent,
        failed,
    };
    templates::page("start", "nav-start", status, &Frame::of(state, who), &page)
}
