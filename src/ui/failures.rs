//! Messages that failed, by cause, and their replay: what would happen first, then the word that says how many.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::failures::{self, FailureView};
use crate::api::replay_many::{self, Many, ReplayedMany};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct FailuresPage {
    pub groups: Vec<FailureView>,
    /// What was asked about a group, and what came of it.
    pub asked: Option<Asked>,
}

#[derive(Serialize)]
pub struct Asked {
    pub group: Group,
    pub came: ReplayedMany,
}

/// The fields of a form that name a group.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Group {
    #[serde(default)]
    pub direction: String,
    #[serde(default)]
    pub peer: String,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub problem: String,
}

#[derive(Deserialize)]
pub struct Replay {
    #[serde(default)]
    csrf: String,
    /// Present when only asked what would happen.
    preview: Option<String>,
    /// Present where alerts may page.
    pages: Option<String>,
    #[serde(default)]
    confirm: String,
}

pub async fn list(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    render(&state, &who, None).await
}

pub async fn replay(
    state: Data<State>,
    form: Form<Replay>,
    group: Form<Group>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let group = group.into_inner();
    let many = Many {
        direction: group.direction.clone(),
        peer: group.peer.clone(),
        kind: group.kind.clone(),
        state: group.state.clone(),
        problem: group.problem.clone(),
        preview: form.preview.is_some(),
        pages: form.pages.is_some(),
        confirm: form.confirm.clone(),
        messages: Vec::new(),
    };
    let came = replay_many::run(&state, &who, &many).await?;
    render(&state, &who, Some(Asked { group, came })).await
}

async fn render(state: &State, who: &Principal, asked: Option<Asked>) -> Result<HttpResponse, ApiError> {
    let groups = failures::load(state, who).await?;
    templates::page(
        "failures",
        "title-failures",
        StatusCode::OK,
        &Frame::of(state, who),
        &FailuresPage { groups, asked },
    )
}
