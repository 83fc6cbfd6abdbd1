//! The session as scripts of its pages need to know it: whether it is locked, and when it will be. Asking is no sign that
//! anybody is there; `act` is one.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Json};
use serde::Serialize;
use tocsin_domain::clock::from_micros;

use super::frame::{Press, sealed};
use crate::api::auth::presence::Presence;
use crate::api::auth::{Principal, Proof};
use crate::api::{ApiError, State};

#[derive(Debug, Serialize)]
pub struct SessionView {
    /// `here`, `idle`, `locked` or `half`.
    state: &'static str,
    /// 0 when it is locked.
    locks_in_seconds: i64,
}

pub async fn get(state: Data<State>, who: Principal) -> Result<Json<SessionView>, ApiError> {
    let Proof::Session {
        presence, acted_at, ..
    } = &who.proof
    else {
        return Err(ApiError::BadRequest("a bearer token has no session".into()));
    };
    let left = from_micros(*acted_at) + state.settings.idle_lock - state.now();
    Ok(Json(SessionView {
        state: match presence {
            Presence::Here => "here",
            Presence::Idle => "idle",
            Presence::Locked => "locked",
            Presence::Half => "half",
        },
        locks_in_seconds: left.num_seconds().max(0),
    }))
}

/// Somebody touched a page. The guard has noted it.
pub async fn act(form: Form<Press>, who: Principal) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    Ok(HttpResponse::NoContent().finish())
}
