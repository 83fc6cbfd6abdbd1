//! The worklist and the study, as plain pages of what the API answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Serialize;
use tocsin_domain::ids::StudyId;

use super::templates;
use crate::api::auth::Principal;
use crate::api::page::PageQuery;
use crate::api::study::{self, StudyView};
use crate::api::worklist::{self, WorklistItem};
use crate::api::{ApiError, State, views};

#[derive(Serialize)]
struct WorklistPage {
    site: String,
    who: String,
    items: Vec<WorklistItem>,
}

pub async fn worklist(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    let list = worklist::load(&state, &PageQuery::default()).await?;
    let shown = list.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "worklist.view", shown).await?;
    let page = WorklistPage {
        site: state.settings.site_name.clone(),
        who: who.name.clone(),
        items: list.items,
    };
    templates::page("worklist", "Worklist", StatusCode::OK, &page)
}

#[derive(Serialize)]
struct StudyPage {
    site: String,
    who: String,
    study: StudyView,
}

pub async fn study(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let study = study::load(&state, id).await?;
    views::viewed(&state, &who, "study.view", [id.to_string()]).await?;
    let page = StudyPage {
        site: state.settings.site_name.clone(),
        who: who.name.clone(),
        study,
    };
    templates::page("study", "Study", StatusCode::OK, &page)
}
