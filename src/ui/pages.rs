//! The worklist and the study, as plain pages of what the API answers, with the buttons to take and give back a study.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::StudyId;

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::page::PageQuery;
use crate::api::study::{self, StudyView};
use crate::api::worklist::{self, WorklistItem};
use crate::api::{ApiError, State, claims, views};

#[derive(Serialize)]
struct WorklistPage {
    items: Vec<WorklistItem>,
    /// More studies wait than are shown.
    more: bool,
    me: String,
}

pub async fn worklist(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    let page = load(&state, &who).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "worklist.view", shown).await?;
    let frame = Frame::of(&state, &who);
    templates::page("worklist", "Worklist", StatusCode::OK, &frame, &page)
}

/// The table alone: the script of the page puts it in place of the old one.
pub async fn rows(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    let page = load(&state, &who).await?;
    let shown = page.items.iter().map(|item| item.study_id.to_string());
    views::viewed_again(&state, &who, "worklist.view", shown).await?;
    let frame = Frame::of(&state, &who);
    templates::page("worklist_rows", "Worklist", StatusCode::OK, &frame, &page)
}

async fn load(state: &State, who: &Principal) -> Result<WorklistPage, ApiError> {
    let list = worklist::load(state, &PageQuery::default()).await?;
    Ok(WorklistPage {
        items: list.items,
        more: list.next.is_some(),
        me: who.name.clone(),
    })
}

#[derive(Serialize)]
struct StudyPage {
    study: StudyView,
    me: String,
}

pub async fn study(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let study = study::load(&state, id).await?;
    views::viewed(&state, &who, "study.view", [id.to_string()]).await?;
    let page = StudyPage {
        study,
        me: who.name.clone(),
    };
    templates::page("study", "Study", StatusCode::OK, &Frame::of(&state, &who), &page)
}

/// A button of the worklist leads back to the worklist, one of the study page to the study.
#[derive(Deserialize)]
pub struct Button {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    from: String,
}

impl Button {
    fn back(&self, id: &str) -> HttpResponse {
        if self.from == "worklist" {
            go_to("/")
        } else {
            go_to(&format!("/studies/{id}"))
        }
    }
}

pub async fn claim(
    state: Data<State>,
    id: Path<String>,
    button: Form<Button>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &button.csrf)?;
    let claim = claims::take(&state, &who, &id).await?;
    Ok(button.back(&claim.study_id.to_string()))
}

pub async fn release(
    state: Data<State>,
    id: Path<String>,
    button: Form<Button>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &button.csrf)?;
    let claim = claims::give_back(&state, &who, &id).await?;
    Ok(button.back(&claim.study_id.to_string()))
}
