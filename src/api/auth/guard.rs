//! Stands before every handler: names the request, finds its line in the policy, asks who is calling and whether they may.
//! A route without a line is refused, whatever its handler would say.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SET_COOKIE,
};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, ResponseError, web};
use tocsin_domain::clock::from_micros;

use super::ehr;
use super::presence::{NOTED_EVERY, Presence, is_fresh};
use super::principal::{Means, Principal, Proof};
use super::role::Role;
use super::secret;
use super::session::{Session, Subject};
use crate::api::cds;
use crate::api::error::ApiError;
use crate::api::routes::{self, Access, Recency, Route};
use crate::api::state::State;
use crate::storage::entity::api_token;
use crate::storage::{accounts, audit, ehr_tokens, sessions};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A list that refreshes itself says so, and does not keep a session alive.
pub const REFRESH: HeaderName = HeaderName::from_static("x-tocsin-refresh");
/// What somebody may do who has yet to set up their second factor.
const ALLOWED_WITHOUT_FACTOR: [&str; 8] = [
    "/account",
    "/account/factor",
    "/sign-out",
    "/prove",
    "/prove/oidc",
    "/session",
    "/session/act",
    "/lock",
];
/// What a locked session may do: be opened again, and end.
const ALLOWED_WHILE_AWAY: [&str; 5] = ["/prove", "/prove/oidc", "/session", "/lock", "/sign-out"];
/// The worklist on a wall, and what it follows. Nobody touches such a screen, so that it would always be locked; a site that
/// hangs one up where only its own people see it may say so (`auth.wall_never_locks`). It shows no names, and a lock by hand
/// holds for it too.
const WALL: [&str; 2] = ["/worklist/wall", LIVE];
/// The last use of a token is kept to this precision, in microseconds.
const TOKEN_NOTED_EVERY: i64 = 60_000_000;
/// The stream that every page holds open; no sign that anybody is there.
pub const LIVE: &str = "/live";
/// What programs call.
pub const PROGRAMS: [&str; 5] = ["/api/", "/cds-services", "/dicom-web/", "/fhir/", "/ups-rs/"];
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// JSON requests of a signed-in browser carry the token of its forms here.
const FORM_TOKEN: HeaderName = HeaderName::from_static("x-tocsin-form-token");

/// The middleware.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        return Ok(refuse(request, &ApiError::Internal, ""));
    };
    let request_id = state.store.ids().uuid().to_string();
    match admit(&state, &request, &request_id).await {
        Err(error) => Ok(refuse(request, &error, &request_id)),
        Ok(admitted) => {
            let cookie = admitted.as_ref().and_then(|a| a.cookie.clone());
            if let Some(admitted) = admitted {
                request.extensions_mut().insert(admitted.principal);
            }
            let mut response = next.call(request).await?.map_into_boxed_body();
            add_header(&mut response, REQUEST_ID, &request_id);
            // Whoever signs out must not be handed their session again.
            if let Some(cookie) = cookie
                && !response.headers().contains_key(SET_COOKIE)
            {
                add_header(&mut response, SET_COOKIE, &cookie);
            }
            Ok(response)
        }
    }
}

/// Who was let in, and the cookie that renews their session.
struct Admitted {
    principal: Principal,
    cookie: Option<String>,
}

async fn admit(state: &State, request: &ServiceRequest, id: &str) -> Result<Option<Admitted>, ApiError> {
    let route = line_of(request)?;
    let action = match route.access {
        Access::Link => return Ok(None),
        Access::Open => {
            same_site(state, request)?;
            return Ok(None);
        }
        Access::SignedIn => None,
        Access::Needs(action) => Some(action),
    };
    let admitted = authenticate(state, request, id).await?;
    here(state, request.path(), &admitted.principal)?;
    if let Some(action) = action
        && !admitted.principal.may(action)
    {
        forbidden(state, &admitted.principal, route).await;
        return Err(ApiError::Forbidden {
            role: admitted.principal.role.text(),
        });
    }
    if matches!(admitted.principal.proof, Proof::Session { .. }) {
        same_site(state, request)?;
        api_by_cookie(request, &admitted.principal)?;
    }
    recent(state, route, &admitted.principal)?;
    noted(state, request, &admitted.principal).await?;
    Ok(Some(admitted))
}

/// Nobody is shown anything in the name of somebody who is away.
fn here(state: &State, path: &str, who: &Principal) -> Result<(), ApiError> {
    let Proof::Session { presence, .. } = &who.proof else {
        return Ok(());
    };
    if ALLOWED_WHILE_AWAY.contains(&path) || may_show(state, path, *presence) {
        return Ok(());
    }
    Err(match presence.is_away() {
        true => ApiError::Locked,
        false => ApiError::NeedsProof,
    })
}

/// Whether a session in which somebody is present like this may go on showing what is at `path`.
pub fn may_show(state: &State, path: &str, presence: Presence) -> bool {
    match presence {
        Presence::Here => true,
        Presence::Idle => on_the_wall(state, path),
        Presence::Locked | Presence::Half => false,
    }
}

fn on_the_wall(state: &State, path: &str) -> bool {
    state.settings.wall_never_locks && WALL.contains(&path)
}

/// Privileged acts need somebody who proved who they are just now. A bearer token does so with every request.
fn recent(state: &State, route: &Route, who: &Principal) -> Result<(), ApiError> {
    match (route.recency, &who.proof) {
        (Recency::Any, _) | (Recency::Recent, Proof::Bearer { .. }) => Ok(()),
        (Recency::Recent, Proof::Session { proved_at, .. }) => {
            match is_fresh(*proved_at, state.now(), state.settings.fresh) {
                true => Ok(()),
                false => Err(ApiError::NeedsProof),
            }
        }
    }
}

/// What a person asks for is a sign of them; what a page asks for by itself is none.
async fn noted(state: &State, request: &ServiceRequest, who: &Principal) -> Result<(), ApiError> {
    match &who.proof {
        Proof::Session {
            csrf,
            presence: Presence::Here,
            acted_at,
            ..
        } if !by_itself(request)
            && !ALLOWED_WHILE_AWAY.contains(&request.path())
            && state.now() >= from_micros(*acted_at) + NOTED_EVERY =>
        {
            let session = csrf.clone();
            state
                .store
                .write_first(move |tx| Box::pin(async move { sessions::acted(tx, &session).await }))
                .await?;
            Ok(())
        }
        Proof::Session { .. } | Proof::Bearer { .. } => Ok(()),
    }
}

fn by_itself(request: &ServiceRequest) -> bool {
    request.headers().contains_key(REFRESH) || request.path() == LIVE
}

fn line_of(request: &ServiceRequest) -> Result<&'static Route, ApiError> {
    let pattern = request
        .match_pattern()
        .ok_or(ApiError::NotFound("page or resource"))?;
    let found = routes::find(request.method().as_str(), &pattern);
    found.ok_or_else(|| ApiError::MethodNotAllowed {
        allow: routes::methods(&pattern).join(", "),
    })
}

async fn authenticate(state: &State, request: &ServiceRequest, id: &str) -> Result<Admitted, ApiError> {
    let headers = request.headers();
    if let Some(header) = headers.get(AUTHORIZATION) {
        let token = header
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(ApiError::Unauthenticated)?;
        if request.path().starts_with(cds::SERVICES) && ehr::looks_signed(token) {
            return by_ehr(state, request, token.trim(), id).await;
        }
        let (name, role, token_id) = known_token(state, token.trim()).await?;
        return Ok(Admitted {
            principal: Principal {
                name,
                role,
                proof: Proof::Bearer { token_id },
                request_id: id.to_owned(),
            },
            cookie: None,
        });
    }
    by_cookie(state, request, id).await
}

/// An EHR that signed this very request may ask for advice, and nothing else.
async fn by_ehr(
    state: &State,
    request: &ServiceRequest,
    token: &str,
    id: &str,
) -> Result<Admitted, ApiError> {
    let base = cds::base(state, request.headers());
    let addresses = cds::audiences(&base, request.path());
    let shown = ehr::verify(token, &state.settings.cds.ehrs, &addresses, state.now()).map_err(|reason| {
        tracing::warn!(request.id = id, %reason, "a token of an EHR is not believed");
        ApiError::Unauthenticated
    })?;
    let (fingerprint, expires_at) = (shown.fingerprint, shown.expires_at);
    let first = state
        .store
        .write_first(move |tx| {
            Box::pin(async move { ehr_tokens::first_use(tx, &fingerprint, expires_at).await })
        })
        .await?;
    if !first {
        tracing::warn!(
            request.id = id,
            ehr = shown.ehr,
            "a token of an EHR was used before"
        );
        return Err(ApiError::Unauthenticated);
    }
    Ok(Admitted {
        principal: Principal {
            proof: Proof::Bearer {
                token_id: format!("ehr:{}", shown.ehr),
            },
            name: shown.ehr,
            role: Role::Service,
            request_id: id.to_owned(),
        },
        cookie: None,
    })
}

/// The name, role and id of a token that is in force.
pub async fn known_token(state: &State, token: &str) -> Result<(String, Role, String), ApiError> {
    let now = tocsin_domain::clock::to_micros(state.now());
    let row = accounts::valid_token(state.store.read(), &secret::fingerprint(token), now).await?;
    if let Some(row) = &row
        && row.last_used_at.is_none_or(|at| now >= at + TOKEN_NOTED_EVERY)
    {
        let id = row.id.clone();
        state
            .store
            .write_first(move |tx| Box::pin(async move { accounts::token_used(tx, &id).await }))
            .await?;
    }
    named(row)
}

fn named(row: Option<api_token::Model>) -> Result<(String, Role, String), ApiError> {
    let row = row.ok_or(ApiError::Unauthenticated)?;
    let role = Role::parse(&row.role).ok_or(ApiError::Unauthenticated)?;
    Ok((row.name, role, row.id))
}

async fn by_cookie(state: &State, request: &ServiceRequest, id: &str) -> Result<Admitted, ApiError> {
    let headers = request.headers();
    let (key, now) = (&state.keys.session, state.now());
    let settings = &state.settings;
    let session = headers
        .get_all(COOKIE)
        .filter_map(|value| settings.transport.find(value.to_str().ok()?))
        .find_map(|value| Session::read(key, value, now, settings.session))
        .ok_or(ApiError::Unauthenticated)?;
    let known = subject(state, &session.subject).await?;
    let csrf = session.csrf(key);
    let row = sessions::open(state.store.read(), &csrf)
        .await?
        .ok_or(ApiError::Unauthenticated)?;
    let presence = Presence::of(&row, now, settings.idle_lock);
    // Who is away, or half-way in, is asked for that first.
    let owes_factor = known.lacks_factor && presence == Presence::Here;
    if owes_factor && !ALLOWED_WITHOUT_FACTOR.contains(&request.path()) {
        return Err(ApiError::NeedsFactor);
    }
    let expires_in_seconds = session.seen_at + settings.session.idle - now.timestamp();
    let used = !by_itself(request) && !presence.is_away() || on_the_wall(state, request.path());
    let renew = session.is_stale(now) && used;
    let subject = session.subject.clone();
    let cookie = renew.then(|| {
        settings
            .transport
            .set_cookie(&session.renewed(now).write(key), settings.session)
    });
    Ok(Admitted {
        principal: Principal {
            name: known.name,
            role: known.role,
            proof: Proof::Session {
                csrf,
                expires_in_seconds,
                subject,
                means: known.means,
                presence,
                proved_at: row.proved_at,
                acted_at: row.acted_at,
            },
            request_id: id.to_owned(),
        },
        cookie,
    })
}

/// Whom a session belongs to.
struct Known {
    name: String,
    role: Role,
    means: Means,
    /// They have to set up a second factor before anything else.
    lacks_factor: bool,
}

/// Rights are those of this moment, not those of the sign-in.
async fn subject(state: &State, subject: &Subject) -> Result<Known, ApiError> {
    match subject {
        Subject::Account(id) => {
            let row = accounts::by_id(state.store.read(), id)
                .await?
                .filter(|row| !row.disabled)
                .ok_or(ApiError::Unauthenticated)?;
            let role = Role::parse(&row.role).ok_or(ApiError::Unauthenticated)?;
            let means = match row.issuer {
                Some(_) => Means::Provider,
                None => Means::Password,
            };
            let lacks_factor =
                state.asks_factor_after(means) && role.needs_factor() && row.factor_nonce.is_none();
            Ok(Known {
                name: row.name,
                role,
                means,
                lacks_factor,
            })
        }
        Subject::Token(id) => {
            let now = tocsin_domain::clock::to_micros(state.now());
            let row = accounts::valid_token_by_id(state.store.read(), id, now).await?;
            named(row).map(|(name, role, _)| Known {
                name,
                role,
                means: Means::Token,
                lacks_factor: false,
            })
        }
    }
}

/// A browser that says where a changing request comes from must say: from here.
fn same_site(state: &State, request: &ServiceRequest) -> Result<(), ApiError> {
    if request.method().is_safe() {
        return Ok(());
    }
    let text = |name: &HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    match (text(&FETCH_SITE), text(&ORIGIN)) {
        (Some("same-origin" | "none"), _) => Ok(()),
        (Some(_), _) => Err(ApiError::ForeignForm),
        (None, Some(origin)) => {
            let host = text(&HOST).unwrap_or_default();
            let ours = match &state.settings.public_origin {
                Some(public) => public == origin,
                None => origin.strip_prefix("http://") == Some(host),
            };
            if ours { Ok(()) } else { Err(ApiError::ForeignForm) }
        }
        // Not a browser, or an old one: the form's token decides.
        (None, None) => Ok(()),
    }
}

/// The JSON API is for bearer tokens; a script of ours may use a session if it proves to know the session's token.
fn api_by_cookie(request: &ServiceRequest, who: &Principal) -> Result<(), ApiError> {
    let is_api = PROGRAMS.iter().any(|prefix| request.path().starts_with(prefix));
    if request.method().is_safe() || !is_api {
        return Ok(());
    }
    let shown = request.headers().get(FORM_TOKEN).and_then(|v| v.to_str().ok());
    match shown {
        Some(shown) if super::session::same(shown, who.csrf()) => Ok(()),
        Some(_) | None => Err(ApiError::ForeignForm),
    }
}

/// Somebody we know tried what they may not: worth an entry. A failure to write it must not let them in.
async fn forbidden(state: &State, who: &Principal, route: &Route) {
    let facts = serde_json::json!({ "method": route.method, "route": route.path, "role": who.role.text() });
    let event = who.was_refused("access.denied", "route".to_owned(), &state.settings.site.0, facts);
    let written = state
        .store
        .write_first(move |tx| Box::pin(async move { audit::record(tx, event).await }))
        .await;
    if let Err(error) = written {
        tracing::error!(%error, "a refused access could not be recorded");
    }
}

fn refuse(request: ServiceRequest, error: &ApiError, request_id: &str) -> ServiceResponse<BoxBody> {
    let response = error.error_response();
    let error = error.clone();
    let mut response = request.into_response(response);
    response.response_mut().extensions_mut().insert(error);
    add_header(&mut response, REQUEST_ID, request_id);
    response
}

fn add_header(response: &mut ServiceResponse<BoxBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// Where a request comes from; a proxy that is trusted says for whom it asks.
pub fn client_address(state: &State, peer: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
    let unknown = IpAddr::from([0, 0, 0, 0]);
    let Some(peer) = peer else { return unknown };
    let trusted = |address: &IpAddr| state.settings.trusted_proxies.contains(address);
    if !trusted(&peer) {
        return peer;
    }
    let chain: Vec<IpAddr> = headers
        .get_all(FORWARDED_FOR)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    chain.into_iter().rev().find(|a| !trusted(a)).unwrap_or(peer)
}
