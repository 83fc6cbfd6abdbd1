//! Bearer tokens, for those who make them. A token is shown on the page that answers the form that made it, and nowhere else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, Press, go_to, sealed};
use super::templates;
use crate::api::auth::{Principal, Role};
use crate::api::tokens::{self, MadeToken, NewToken, TokenView};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct TokensPage {
    pub items: Vec<Row>,
    pub roles: Vec<&'static str>,
    pub made: Option<MadeToken>,
}

#[derive(Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub token: TokenView,
    pub expired: bool,
    pub active: bool,
}

pub async fn list(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    render(&state, &who, None).await
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    /// Empty for a token that never ends by itself.
    #[serde(default)]
    days: String,
}

pub async fn create(
    state: Data<State>,
    form: Form<Wanted>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let days = match form.days.trim() {
        "" => None,
        days => Some(
            days.parse()
                .map_err(|_| ApiError::BadRequest("days: expected a whole number".into()))?,
        ),
    };
    let wanted = NewToken {
        name: form.name,
        role: form.role,
        expires_in_days: days,
    };
    let made = tokens::make(&state, &who, wanted).await?;
    render(&state, &who, Some(made)).await
}

pub async fn revoke(
    state: Data<State>,
    id: Path<String>,
    form: Form<Press>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    tokens::end(&state, &who, &id).await?;
    Ok(go_to("/tokens"))
}

async fn render(state: &State, who: &Principal, made: Option<MadeToken>) -> Result<HttpResponse, ApiError> {
    let now = state.now();
    let row = |token: TokenView| {
        let expired = token.expires_at.is_some_and(|end| end <= now);
        Row {
            active: !token.revoked && !expired,
            expired,
            token,
        }
    };
    let page = TokensPage {
        items: tokens::load(state).await?.into_iter().map(row).collect(),
        roles: Role::ALL.map(Role::text).to_vec(),
        made,
    };
    templates::page(
        "tokens",
        "nav-tokens",
        StatusCode::OK,
        &Frame::of(state, who),
        &page,
    )
}
