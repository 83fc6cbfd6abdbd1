//! One study: its pictures, what the models found, what people think of that, whom it concerned, and what happened when.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::StudyId;

use super::frame::{Frame, go_to, sealed};
use super::gantt::{self, Gantt};
use super::templates;
use crate::api::auth::Principal;
use crate::api::discussion::{self, Judgement, NewOpinion};
use crate::api::preview::{self, StackView};
use crate::api::study::{self, StudyView};
use crate::api::{ApiError, State, claims, views};

#[derive(Serialize)]
pub struct StudyPage {
    #[serde(flatten)]
    pub live: LivePart,
    pub stacks: Vec<StackView>,
}

/// What changes while a study is looked at; its pictures are not read again for that.
#[derive(Serialize)]
pub struct LivePart {
    pub study: StudyView,
    pub gantt: Gantt,
    pub me: String,
}

pub async fn show(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let (live, id) = load(&state, &id, &who).await?;
    let stacks = preview::load(&state, id).await?;
    views::viewed(&state, &who, "study.view", [id.to_string()]).await?;
    let page = StudyPage { live, stacks };
    templates::page(
        "study",
        "title-study",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

/// What changes on the page, for a screen that follows it.
pub async fn live(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let (page, id) = load(&state, &id, &who).await?;
    views::viewed_again(&state, &who, "study.view", [id.to_string()]).await?;
    templates::page(
        "study_live",
        "title-study",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

async fn load(state: &State, id: &str, who: &Principal) -> Result<(LivePart, StudyId), ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let study = study::load(state, id).await?;
    let part = LivePart {
        gantt: gantt::of(&study.timeline),
        me: who.name.clone(),
        study,
    };
    Ok((part, id))
}

/// The timeline as a spreadsheet reads it; the same rows as the page shows.
pub async fn timeline(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let study = study::load(&state, id).await?;
    views::viewed(&state, &who, "study.export", [id.to_string()]).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"timeline.csv\""))
        .body(gantt::csv(&study.timeline)))
}

#[derive(Deserialize)]
pub struct OpinionForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    finding: String,
    verdict: Option<Judgement>,
    #[serde(default)]
    reason: String,
}

pub async fn judge(
    state: Data<State>,
    id: Path<String>,
    form: Form<OpinionForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let opinion = NewOpinion {
        result_id: form.result.parse().map_err(|_| ApiError::NotFound("result"))?,
        finding: form.finding,
        verdict: form.verdict.ok_or_else(|| {
            ApiError::BadRequest("verdict: expected agree, disagree or indeterminate".into())
        })?,
        reason: Some(form.reason),
    };
    discussion::judge(&state, &who, &id, opinion).await?;
    Ok(go_to(&format!("/studies/{id}")))
}

#[derive(Deserialize)]
pub struct CommentForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
}

pub async fn comment(
    state: Data<State>,
    id: Path<String>,
    form: Form<CommentForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    discussion::remark(&state, &who, &id, &form.text).await?;
    Ok(go_to(&format!("/studies/{id}")))
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
