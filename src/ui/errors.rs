//! An error as a page: what happened and what to do, without the inside. Who is not signed in is sent to sign in.

use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::frame::{Frame, go_to};
use super::templates;
use crate::api::auth::back::Back;
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct ErrorPage {
    pub status: u16,
    pub title: String,
    pub detail: String,
}

pub fn page(state: &State, error: &ApiError, back: &Back) -> HttpResponse {
    if matches!(error, ApiError::Unauthenticated) {
        return go_to("/sign-in");
    }
    if matches!(error, ApiError::NeedsFactor) {
        return go_to("/account");
    }
    if matches!(error, ApiError::Locked | ApiError::NeedsProof) {
        return go_to(&back.behind("/prove"));
    }
    let problem = error.problem();
    let content = ErrorPage {
        status: problem.status,
        title: problem.title,
        detail: problem.detail,
    };
    templates::page(
        "error",
        "title-error",
        error.status_code(),
        &Frame::anonymous(state),
        &content,
    )
    .unwrap_or_else(|failed| failed.error_response())
}
