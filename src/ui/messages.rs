//! HL7 messages for people: the list, a search that leaves nothing in an address, one message field by field, its replay.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::segments::{self, Segment};
use super::templates;
use crate::api::auth::Principal;
use crate::api::messages::{self, MessageView};
use crate::api::page::PageQuery;
use crate::api::replay::{self, Replayed};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct MessagesPage {
    pub q: String,
    pub items: Vec<MessageView>,
    pub next: Option<String>,
}

pub async fn list(
    state: Data<State>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    found(&state, &who, String::new(), &query).await
}

/// What is looked for may be a patient's name: it travels in the body.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    cursor: String,
}

pub async fn search(
    state: Data<State>,
    form: Form<Search>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let query = PageQuery {
        limit: None,
        cursor: Some(form.cursor).filter(|cursor| !cursor.is_empty()),
    };
    found(&state, &who, form.q, &query).await
}

async fn found(
    state: &State,
    who: &Principal,
    q: String,
    query: &PageQuery,
) -> Result<HttpResponse, ApiError> {
    let list = messages::load(state, who, Some(&q), query).await?;
    let page = MessagesPage {
        q,
        items: list.items,
        next: list.next,
    };
    templates::page(
        "messages",
        "nav-messages",
        StatusCode::OK,
        &Frame::of(state, who),
        &page,
    )
}

#[derive(Serialize)]
pub struct MessagePage {
    pub message: MessageView,
    pub segments: Vec<Segment>,
    pub answer: Vec<Segment>,
    /// What a replay would do, if that was asked.
    pub preview: Option<Replayed>,
}

pub async fn show(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    render(&state, &who, &id, None).await
}

#[derive(Deserialize)]
pub struct Replay {
    #[serde(default)]
    csrf: String,
    /// Present when only asked what would happen.
    preview: Option<String>,
}

pub async fn replay(
    state: Data<State>,
    id: Path<String>,
    form: Form<Replay>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let replayed = replay::run(&state, &who, &id, form.preview.is_some()).await?;
    // Loading the page again must not replay again; a preview does no harm.
    if replayed.preview {
        render(&state, &who, &id, Some(replayed)).await
    } else {
        Ok(go_to(&format!("/messages/{}", replayed.id)))
    }
}

async fn render(
    state: &State,
    who: &Principal,
    id: &str,
    preview: Option<Replayed>,
) -> Result<HttpResponse, ApiError> {
    let (message, raw) = messages::one(state, who, id).await?;
    let page = MessagePage {
        message,
        segments: segments::of(&raw.text),
        answer: raw.answer.as_deref().map(segments::of).unwrap_or_default(),
        preview,
    };
    templates::page(
        "message",
        "title-message",
        StatusCode::OK,
        &Frame::of(state, who),
        &page,
    )
}
