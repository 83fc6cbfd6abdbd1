//! The accounts of people, for those who manage them. A link to choose a password is shown on the page that answers the form
//! that made it, and nowhere else: loading it again would make another.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::{Principal, Role};
use crate::api::people::{self, Change, ChangedPerson, NewPerson, PersonView};
use crate::api::{ApiError, State};

#[derive(Serialize)]
pub struct PeoplePage {
    pub items: Vec<Row>,
    pub roles: Vec<&'static str>,
    pub made: Option<Made>,
}

#[derive(Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub person: PersonView,
    /// One's own account: others change it.
    pub own: bool,
    pub active: bool,
}

/// Shown once.
#[derive(Serialize)]
pub struct Made {
    pub name: String,
    pub link: String,
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
}

pub async fn create(
    state: Data<State>,
    form: Form<Wanted>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let wanted = NewPerson {
        name: form.name,
        role: form.role,
    };
    let made = people::make(&state, &who, wanted).await?;
    render(&state, &who, Some(made)).await
}

#[derive(Deserialize)]
pub struct Changing {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    change: Option<Change>,
}

pub async fn change(
    state: Data<State>,
    id: Path<String>,
    form: Form<Changing>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let change = form.into_inner().change;
    let change = change.ok_or(ApiError::BadRequest("change: expected what to change".into()))?;
    let changed = people::apply(&state, &who, &id, change).await?;
    match changed.invite {
        Some(_) => render(&state, &who, Some(changed)).await,
        None => Ok(go_to("/people")),
    }
}

async fn render(
    state: &State,
    who: &Principal,
    made: Option<ChangedPerson>,
) -> Result<HttpResponse, ApiError> {
    let origin = state.settings.public_origin.clone().unwrap_or_default();
    let own = who.account_id();
    let row = |person: PersonView| Row {
        own: own == Some(person.id.as_str()),
        active: person.state != "deactivated",
        person,
    };
    let page = PeoplePage {
        items: people::load(state).await?.into_iter().map(row).collect(),
        roles: Role::ALL.map(Role::text).to_vec(),
        made: made.and_then(|made| {
            Some(Made {
                name: made.person.name,
                link: format!("{origin}{}", made.invite?),
            })
        }),
    };
    templates::page(
        "people",
        "nav-people",
        StatusCode::OK,
        &Frame::of(state, who),
        &page,
    )
}
