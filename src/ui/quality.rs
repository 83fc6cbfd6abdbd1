//! The technologist's list: images that could not be used, and what becomes of them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::page::PageQuery;
use crate::api::quality::{self, Act, QualityView};
use crate::api::{ApiError, State, views};

#[derive(Serialize)]
pub struct QualityPage {
    pub items: Vec<QualityView>,
    pub next: Option<String>,
}

pub async fn list(
    state: Data<State>,
    query: Query<PageQuery>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let list = quality::load(&state, &query).await?;
    let shown = list.items.iter().map(|item| item.study_id.to_string());
    views::viewed(&state, &who, "quality.view", shown).await?;
    let page = QualityPage {
        items: list.items,
        next: list.next,
    };
    templates::page(
        "quality",
        "nav-quality",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    csrf: String,
    /// `request`, `acknowledge` or `link`.
    #[serde(default)]
    action: String,
    #[serde(default)]
    note: String,
    /// The study that repeats.
    #[serde(default)]
    repeat: String,
}

impl Given {
    fn act(self) -> Result<Act, ApiError> {
        match self.action.as_str() {
            "request" => Ok(Act::Request { note: self.note }),
            "acknowledge" => Ok(Act::Acknowledge),
            "link" => match self.repeat.parse() {
                Ok(study_id) => Ok(Act::Link { study_id }),
                Err(_) => Err(ApiError::BadRequest("repeat: expected the id of a study".into())),
            },
            _ => Err(ApiError::BadRequest(
                "action: expected request, acknowledge or link".into(),
            )),
        }
    }
}

pub async fn act(
    state: Data<State>,
    id: Path<String>,
    form: Form<Given>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    quality::act(&state, &who, &id, form.into_inner().act()?).await?;
    Ok(go_to("/quality"))
}
