//! One's own account: who one is here, and the second factor.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use hmac::Mac;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, go_to, sealed};
use super::templates;
use crate::api::auth::Principal;
use crate::api::auth::credentials::factor_of;
use crate::api::auth::session::mac;
use crate::api::{ApiError, State};
use crate::storage::entity::account;
use crate::storage::{accounts, audit};

#[derive(Serialize)]
pub struct AccountPage {
    /// Signed in with a token: there is nothing to set up.
    pub token: bool,
    pub enrolled: bool,
    pub required: bool,
    /// A message.
    pub problem: Option<&'static str>,
    pub offer: Option<Offer>,
}

/// What an authenticator has to read.
#[derive(Serialize)]
pub struct Offer {
    pub address: String,
    pub size: i32,
    pub path: String,
}

pub async fn show(state: Data<State>, who: Principal) -> Result<HttpResponse, ApiError> {
    render(&state, &who, StatusCode::OK, None).await
}

#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    code: String,
    /// The factor is taken away instead of set up.
    #[serde(default)]
    remove: bool,
}

/// Sets the second factor up, or takes it away; both prove that the authenticator is at hand.
pub async fn factor(state: Data<State>, form: Form<Code>, who: Principal) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let row = own(&state, &who)
        .await?
        .ok_or(ApiError::NotFound("account of this session"))?;
    let nonce = match (&row.factor_nonce, form.remove) {
        (None, false) => offered(&state, &who),
        (Some(kept), true) => kept.clone(),
        (Some(_), false) | (None, true) => return Ok(go_to("/account")),
    };
    let factor = factor_of(&state, &row, &nonce)?;
    let Some(step) = factor.accepts(&form.code, state.now(), row.factor_step) else {
        let problem = Some("account-wrong-code");
        return render(&state, &who, StatusCode::UNPROCESSABLE_ENTITY, problem).await;
    };
    let (action, kept) = match form.remove {
        true => ("account.factor_remove", None),
        false => ("account.factor_set", Some(nonce)),
    };
    let object = format!("account:{}", row.id);
    let event = who.did(action, object, &state.settings.site.0, serde_json::json!({}));
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                accounts::set_factor(tx, &row.id, kept, step).await?;
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(go_to("/account"))
}

async fn own(state: &State, who: &Principal) -> Result<Option<account::Model>, ApiError> {
    match who.account_id() {
        Some(id) => Ok(accounts::by_id(state.store.read(), id).await?),
        None => Ok(None),
    }
}

/// The same for as long as the session lasts, and known to nobody without the server's key.
fn offered(state: &State, who: &Principal) -> String {
    let seal = mac(&state.keys.session, b"factor offer v1:", who.csrf());
    hex::encode(&seal.finalize().into_bytes()[..16])
}

async fn render(
    state: &State,
    who: &Principal,
    status: StatusCode,
    problem: Option<&'static str>,
) -> Result<HttpResponse, ApiError> {
    let row = own(state, who).await?;
    let enrolled = row.as_ref().is_some_and(|row| row.factor_nonce.is_some());
    let offer = match &row {
        Some(row) if !enrolled => {
            let factor = factor_of(state, row, &offered(state, who))?;
            factor.square().map(|square| Offer {
                address: factor.address(),
                size: square.size,
                path: square.path,
            })
        }
        Some(_) | None => None,
    };
    let page = AccountPage {
        token: row.is_none(),
        enrolled,
        required: who.role.needs_factor() && who.means().is_some_and(|means| state.asks_factor_after(means)),
        problem,
        offer,
    };
    templates::page("account", "title-account", status, &Frame::of(state, who), &page)
}
