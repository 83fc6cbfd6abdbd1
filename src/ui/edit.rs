//! A message to be edited: its text, what differs, what that would do, and the reason with which it is done.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::edit::{self, Edited, Wish};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct EditPage {
    pub id: String,
    pub direction: String,
    pub text: String,
    pub reason: String,
    pub pages: bool,
    pub preview: Option<Edited>,
    /// Why it was not done, or cannot be written.
    pub refused: Option<String>,
}

pub async fn show(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let message = edit::open(&state, &who, &id).await?;
    let page = EditPage {
        id: message.id,
        direction: message.direction,
        text: message.text,
        reason: String::new(),
        pages: false,
        preview: None,
        refused: None,
    };
    render(&state, &who, &page)
}

#[derive(Deserialize)]
pub struct Submitted {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reason: String,
    /// Present when only asked what would happen.
    preview: Option<String>,
    /// Present where alerts may page.
    pages: Option<String>,
}

/// What was typed is not lost where it cannot be done.
pub async fn submit(
    state: Data<State>,
    id: Path<String>,
    form: Form<Submitted>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let wish = Wish {
        text: form.text,
        reason: form.reason,
        preview: form.preview.is_some(),
        pages: form.pages.is_some(),
    };
    let (preview, refused) = match edit::run(&state, &who, &id, &wish).await {
        Ok(done) => match done.id {
            Some(made) => return Ok(go_to(&format!("/messages/{made}"))),
            None => (Some(done), None),
        },
        Err(ApiError::BadRequest(why) | ApiError::Conflict(why)) => (None, Some(why)),
        Err(error) => return Err(error),
    };
    let message = edit::open(&state, &who, &id).await?;
    let page = EditPage {
        id: message.id,
        direction: message.direction,
        text: wish.text,
        reason: wish.reason,
        pages: wish.pages,
        preview,
        refused,
    };
    render(&state, &who, &page)
}

fn render(state: &State, who: &Principal, page: &EditPage) -> Result<HttpResponse, ApiError> {
    let frame = Frame::of(state, who);
    templates::page("edit", "title-edit", StatusCode::OK, &frame, page)
}
