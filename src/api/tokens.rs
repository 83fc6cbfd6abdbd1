//! Bearer tokens: the list without the tokens, making one, and ending one. A token is shown once, when it is made.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros, to_micros};
use tocsin_domain::ids::TokenId;

use super::auth::{Principal, Role, secret};
use super::error::ApiError;
use super::page::{Page, PageQuery};
use super::state::State;
use super::words::{SEEN, words};
use crate::storage::entity::api_token;
use crate::storage::{accounts, audit};

const NAME: usize = 100;
const DAYS: u32 = 3_650;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TokenView {
    pub id: String,
    /// What the audit chain calls its holder.
    pub name: String,
    pub role: String,
    pub created_by: String,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub revoked: bool,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    #[schemars(length(min = 1, max = NAME), regex(pattern = SEEN))]
    pub name: String,
    /// `radiologist`, `integration_engineer`, `service`, …
    #[schemars(with = "Role")]
    pub role: String,
    /// It ends by itself after so many days; never without this.
    #[serde(default)]
    #[schemars(range(min = 1, max = DAYS))]
    pub expires_in_days: Option<u32>,
}

/// The only time the token is shown.
#[derive(Clone, Serialize, JsonSchema)]
pub struct MadeToken {
    pub id: String,
    pub token: String,
    pub name: String,
    pub role: String,
    pub expires_at: Option<Timestamp>,
}

pub async fn list(state: Data<State>, query: Query<PageQuery>) -> Result<Json<Page<TokenView>>, ApiError> {
    Ok(Json(Page::piece(&query, load(&state).await?)?))
}

pub async fn load(state: &State) -> Result<Vec<TokenView>, ApiError> {
    let rows = accounts::tokens(state.store.read()).await?;
    Ok(rows.into_iter().map(view).collect())
}

pub async fn create(
    state: Data<State>,
    wanted: Json<NewToken>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let made = make(&state, &who, wanted.into_inner()).await?;
    Ok(HttpResponse::Created().json(made))
}

/// Makes a token; the answer is the only place where it stands.
pub async fn make(state: &State, who: &Principal, wanted: NewToken) -> Result<MadeToken, ApiError> {
    let role = checked(&wanted)?;
    let expires_at = wanted
        .expires_in_days
        .map(|days| state.now() + TimeDelta::days(i64::from(days)));
    let token = secret::token((state.entropy)());
    let (name, sha256, by) = (wanted.name.clone(), secret::fingerprint(&token), who.name.clone());
    let (site, who) = (state.settings.site.0.clone(), who.clone());
    let id = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let ends = expires_at.map(to_micros);
                let id = accounts::create_token(tx, &name, role.text(), &sha256, &by, ends).await?;
                let detail = serde_json::json!({ "role": role.text() });
                let event = who.did("token.create", format!("token:{id}"), &site, detail);
                audit::record(tx, event).await?;
                Ok(id)
            })
        })
        .await?;
    Ok(MadeToken {
        id: id.to_string(),
        token,
        name: wanted.name,
        role: role.text().to_owned(),
        expires_at,
    })
}

fn checked(wanted: &NewToken) -> Result<Role, ApiError> {
    words("name", &wanted.name, NAME)?;
    if wanted
        .expires_in_days
        .is_some_and(|days| !(1..=DAYS).contains(&days))
    {
        return Err(ApiError::BadRequest(format!(
            "expires_in_days: expected 1 to {DAYS}"
        )));
    }
    Role::parse(&wanted.role).ok_or_else(|| {
        ApiError::BadRequest(format!(
            "role: expected one of {}",
            Role::ALL.map(Role::text).join(", ")
        ))
    })
}

/// Ends a token at once, with every session that was opened with it.
pub async fn revoke(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<Json<TokenView>, ApiError> {
    Ok(Json(end(&state, &who, &id).await?))
}

pub async fn end(state: &State, who: &Principal, id: &str) -> Result<TokenView, ApiError> {
    let id: TokenId = id.parse().map_err(|_| ApiError::NotFound("token"))?;
    let event = who.did(
        "token.revoke",
        format!("token:{id}"),
        &state.settings.site.0,
        serde_json::json!({}),
    );
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = accounts::revoke_token(tx, &id.to_string()).await?;
                audit::record(tx, event).await?;
                Ok(row)
            })
        })
        .await?;
    Ok(view(row))
}

fn view(row: api_token::Model) -> TokenView {
    TokenView {
        id: row.id,
        name: row.name,
        role: row.role,
        created_by: row.created_by,
        created_at: from_micros(row.created_at),
        last_used_at: row.last_used_at.map(from_micros),
        expires_at: row.expires_at.map(from_micros),
        revoked: row.revoked,
    }
}
