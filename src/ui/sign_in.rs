//! Signing in with an account or a bearer token: the browser gets a cookie that ends by itself, and never the secret again.
//! Guessing is slowed down, and every attempt is on the audit chain.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::web::{self, Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::account::made;
use super::frame::{Frame, Press, home, sealed};
use super::templates;
use crate::api::auth::guard::{client_address, known_token};
use crate::api::auth::session::{Session, Subject};
use crate::api::auth::{Principal, Role, secret};
use crate::api::{ApiError, State, views};
use crate::storage::entity::account;
use crate::storage::{accounts, audit, sessions};

/// Verified in place of an account that is not there, so that both take as long. No password has this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Serialize)]
pub struct SignInPage {
    /// A message.
    pub problem: Option<&'static str>,
    /// There is no account yet.
    pub first: bool,
}

#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    /// Of the authenticator, where the account has one.
    #[serde(default)]
    code: String,
    #[serde(default)]
    token: String,
}

/// Somebody whose secret was right.
struct Known {
    subject: Subject,
    name: String,
    role: Role,
}

pub async fn show(state: Data<State>) -> Result<HttpResponse, ApiError> {
    render(&state, StatusCode::OK, None)
}

pub async fn submit(
    state: Data<State>,
    request: HttpRequest,
    given: Form<Given>,
) -> Result<HttpResponse, ApiError> {
    let address = client_address(&state, request.peer_addr().map(|a| a.ip()), request.headers());
    if let Some(wait) = state.throttle.wait(address, state.now()) {
        return Err(ApiError::TooMany {
            seconds: wait.num_seconds().max(1),
        });
    }
    let known = if given.token.trim().is_empty() {
        by_password(&state, given.into_inner()).await?
    } else {
        by_token(&state, given.token.trim()).await?
    };
    let known = match known {
        Ok(known) => known,
        Err(refused) => {
            state.throttle.failed(address, state.now());
            attempt(&state, None).await?;
            return render(&state, StatusCode::UNAUTHORIZED, Some(refused.message()));
        }
    };
    state.throttle.succeeded(address);
    attempt(&state, Some(&known)).await?;
    let Some(home) = home(|action| known.role.may(action)) else {
        return render(&state, StatusCode::FORBIDDEN, Some("sign-in-no-pages"));
    };
    Ok(begin(&state, known.subject, home))
}

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Unknown,
    /// The password was right, and the code was missing, wrong or used before.
    Code,
}

impl Refused {
    fn message(self) -> &'static str {
        match self {
            Self::Unknown => "sign-in-unknown",
            Self::Code => "sign-in-needs-code",
        }
    }
}

async fn by_token(state: &State, token: &str) -> Result<Result<Known, Refused>, ApiError> {
    match known_token(state, token).await {
        Ok((name, role, id)) => Ok(Ok(Known {
            subject: Subject::Token(id),
            name,
            role,
        })),
        Err(ApiError::Unauthenticated) => Ok(Err(Refused::Unknown)),
        Err(other) => Err(other),
    }
}

async fn by_password(state: &State, given: Given) -> Result<Result<Known, Refused>, ApiError> {
    let account = accounts::by_name(state.store.read(), given.name.trim()).await?;
    let kept = account
        .as_ref()
        .map_or(NOBODY.to_owned(), |row| row.password_hash.clone());
    let password = given.password;
    let matches = web::block(move || secret::password_matches(&password, &kept))
        .await
        .map_err(|_| ApiError::Internal)?;
    let Some(row) = account.filter(|row| matches && !row.disabled) else {
        return Ok(Err(Refused::Unknown));
    };
    let Some(role) = Role::parse(&row.role) else {
        return Ok(Err(Refused::Unknown));
    };
    if !proved_twice(state, &row, &given.code).await? {
        return Ok(Err(Refused::Code));
    }
    Ok(Ok(Known {
        role,
        subject: Subject::Account(row.id),
        name: row.name,
    }))
}

/// Uses the code up, where the account has a second factor.
async fn proved_twice(state: &State, row: &account::Model, code: &str) -> Result<bool, ApiError> {
    let Some(nonce) = &row.factor_nonce else {
        return Ok(true);
    };
    let Some(step) = made(state, row, nonce)?.accepts(code, state.now(), row.factor_step) else {
        return Ok(false);
    };
    let id = row.id.clone();
    let spent = state
        .store
        .write(move |tx| Box::pin(async move { accounts::spend_code(tx, &id, step).await }))
        .await?;
    Ok(spent)
}

/// What was typed in vain may be a password in the wrong place: it is not written down.
async fn attempt(state: &State, known: Option<&Known>) -> Result<(), ApiError> {
    let (actor, object, outcome) = match known {
        Some(Known {
            subject: Subject::Account(id),
            name,
            ..
        }) => (name.clone(), format!("account:{id}"), Outcome::Success),
        Some(Known {
            subject: Subject::Token(id),
            name,
            ..
        }) => (name.clone(), format!("token:{id}"), Outcome::Success),
        None => (
            "unknown".to_owned(),
            "account:unknown".to_owned(),
            Outcome::Refused,
        ),
    };
    let event = Event {
        actor,
        actor_kind: ActorKind::Person,
        action: "session.begin".to_owned(),
        object,
        site: state.settings.site.0.clone(),
        outcome,
        request_id: String::new(),
        detail: serde_json::json!({}),
    };
    state
        .store
        .write(move |tx| Box::pin(async move { audit::record(tx, event).await }))
        .await?;
    Ok(())
}

pub fn begin(state: &State, subject: Subject, home: &str) -> HttpResponse {
    let nonce = hex::encode(&(state.entropy)()[..16]);
    let session = Session::begin(subject, nonce, state.now());
    let cookie = state
        .settings
        .transport
        .set_cookie(&session.write(&state.keys.session), state.settings.session);
    HttpResponse::SeeOther()
        .insert_header((LOCATION, home))
        .insert_header((SET_COOKIE, cookie))
        .finish()
}

/// Ends the session of this browser.
pub async fn leave(state: Data<State>, form: Form<Press>, who: Principal) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let detail = serde_json::json!({});
    views::note(&state, &who, "session.end", "session".to_owned(), detail).await?;
    let now = state.now();
    let until = now + TimeDelta::seconds(state.settings.session.whole);
    let session = who.csrf().to_owned();
    state
        .store
        .write(move |tx| Box::pin(async move { sessions::end(tx, &session, until).await }))
        .await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, "/sign-in"))
        .insert_header((SET_COOKIE, state.settings.transport.clear_cookie()))
        .finish())
}

fn render(
    state: &State,
    status: StatusCode,
    problem: Option<&'static str>,
) -> Result<HttpResponse, ApiError> {
    let page = SignInPage {
        problem,
        first: state.setup.is_open(),
    };
    templates::page(
        "sign_in",
        "title-sign-in",
        status,
        &Frame::anonymous(state),
        &page,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_not_there_costs_as_much_to_try_and_takes_no_password() {
        let ours = secret::hash_password("correct horse battery", &[7; 16]).expect("a hash");
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(NOBODY), cost(&ours));
        assert!(!secret::password_matches("", NOBODY));
    }
}
