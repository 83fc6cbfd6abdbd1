//! Site profiles for people: the list, one profile with its samples, and a box that says what a message is read as.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::site_profiles::{self, ProfileDetail, ProfileView, ReadView};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct ProfilesPage {
    pub items: Vec<ProfileView>,
}

#[derive(Serialize)]
pub struct ProfilePage {
    pub profile: ProfileDetail,
    /// The message that was tried, to be changed and tried again.
    pub message: String,
    pub tried: Option<ReadView>,
    /// Why it could not be read at all.
    pub refused: Option<String>,
}

pub async fn list(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    let page = ProfilesPage {
        items: site_profiles::load(&state).await?,
    };
    templates::page(
        "profiles",
        "title-profiles",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

pub async fn show(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let page = ProfilePage {
        profile: site_profiles::one(&state, &id).await?,
        message: String::new(),
        tried: None,
        refused: None,
    };
    render(&state, &who, &page)
}

#[derive(Deserialize)]
pub struct Try {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    message: String,
}

/// The message is in the body and in the answer, and nowhere else.
pub async fn read(
    state: Data<State>,
    id: Path<String>,
    form: Form<Try>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let profile = site_profiles::one(&state, &id).await?;
    let (tried, refused) = match site_profiles::read(&state, &who, &id, &form.message).await {
        Ok(read) => (Some(read), None),
        Err(ApiError::BadRequest(problem) | ApiError::Conflict(problem)) => (None, Some(problem)),
        Err(error) => return Err(error),
    };
    let page = ProfilePage {
        profile,
        message: form.into_inner().message,
        tried,
        refused,
    };
    render(&state, &who, &page)
}

fn render(state: &State, who: &Principal, page: &ProfilePage) -> Result<HttpResponse, ApiError> {
    let frame = Frame::of(state, who);
    templates::page("profile", "title-profile", StatusCode::OK, &frame, page)
}
