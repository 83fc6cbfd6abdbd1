//! HL7 messages for people: the list, a search that leaves nothing in an address, one message field by field, its replay.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::segments::{self, Segment};
use super::templates;
use crate::api::associations::{self, AssociationView, Filter};
use crate::api::auth::Principal;
use crate::api::edit::{self, Lineage};
use crate::api::messages::{self, MessageView, Search};
use crate::api::page::PageQuery;
use crate::api::replay::{self, Ask, Replayed};
use crate::api::{ApiError, State};

/// What may become of a message, in and out.
pub const STATES: [&str; 7] = [
    "received",
    "applied",
    "ignored",
    "failed",
    "pending",
    "acknowledged",
    "refused",
];

#[derive(Serialize)]
pub struct MessagesPage {
    /// What was looked for, to be changed or gone on with.
    pub search: Search,
    /// States to choose from.
    pub states: [&'static str; 7],
    pub items: Vec<MessageView>,
    /// Associations that have what was looked for; none where nothing was.
    pub associations: Vec<AssociationView>,
    pub next: Option<String>,
}

pub async fn list(
    state: Data<State>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    found(&state, &who, Search::default(), &query).await
}

/// What comes with a search besides it.
#[derive(Deserialize)]
pub struct Going {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    cursor: String,
}

/// What is looked for may be a patient's name: it travels in the body.
pub async fn search(
    state: Data<State>,
    going: Form<Going>,
    form: Form<Search>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &going.csrf)?;
    let query = PageQuery {
        limit: None,
        cursor: Some(going.into_inner().cursor).filter(|cursor| !cursor.is_empty()),
    };
    found(&state, &who, form.into_inner(), &query).await
}

async fn found(
    state: &State,
    who: &Principal,
    search: Search,
    query: &PageQuery,
) -> Result<HttpResponse, ApiError> {
    let list = messages::load(state, who, &search, query).await?;
    let sought = Filter {
        q: search.q.clone(),
        outcome: None,
    };
    let associations = match sought.q.trim().is_empty() || query.cursor.is_some() {
        true => Vec::new(),
        false => {
            associations::load(state, who, &sought, &PageQuery::default())
                .await?
                .items
        }
    };
    let page = MessagesPage {
        search,
        associations,
        states: STATES,
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
    /// Where it comes from, and what was made of it.
    pub lineage: Lineage,
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
    /// Present where alerts may page.
    pages: Option<String>,
}

pub async fn replay(
    state: Data<State>,
    id: Path<String>,
    form: Form<Replay>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let ask = Ask {
        preview: form.preview.is_some(),
        pages: form.pages.is_some(),
    };
    let replayed = replay::run(&state, &who, &id, ask).await?;
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
        lineage: edit::lineage(state, id).await?,
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
