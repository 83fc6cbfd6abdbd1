//! In a demonstration, where nothing is real, whoever looks takes any role with one press. Anywhere else this is not there.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use serde::Deserialize;

use super::frame::home;
use super::sign_in;
use crate::api::auth::Role;
use crate::api::auth::credentials::Known;
use crate::api::auth::session::Subject;
use crate::api::{ApiError, State};
use crate::storage::accounts;

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    role: String,
}

/// Signs in as the made-up person of a role.
pub async fn role(state: Data<State>, form: Form<Wanted>) -> Result<HttpResponse, ApiError> {
    if !state.settings.demonstration {
        return Err(ApiError::NotFound("page"));
    }
    let role = Role::parse(&form.role)
        .ok_or_else(|| ApiError::BadRequest("role: expected a role of the demonstration".into()))?;
    let people = accounts::accounts(state.store.read()).await?;
    let person = people
        .into_iter()
        .find(|row| !row.disabled && Role::parse(&row.role) == Some(role))
        .ok_or(ApiError::NotFound("person of this role"))?;
    let home = home(|action| role.may(action)).unwrap_or("/account");
    let known = Known {
        subject: Subject::Account(person.id),
        name: person.name,
        role,
    };
    sign_in::begin(&state, &known, home).await
}
