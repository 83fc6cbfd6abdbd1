//! The one who asks, as far as audit entries and permissions need to know. Put into the request by the guard; a handler
//! that takes a `Principal` cannot run without one.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::presence::Presence;
use super::role::{Action, Role};
use super::session::Subject;
use crate::api::error::ApiError;

/// A person or program that has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The account's or token's name, as it is written to rows and the audit chain.
    pub name: String,
    pub role: Role,
    pub proof: Proof,
    /// Of this request; also in its answer, so that a report can name it.
    pub request_id: String,
}

/// How they proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    Bearer {
        token_id: String,
    },
    Session {
        csrf: String,
        expires_in_seconds: i64,
        subject: Subject,
        means: Means,
        presence: Presence,
        /// When they last proved fully who they are, as rows keep it.
        proved_at: i64,
        /// When they last did something, likewise.
        acted_at: i64,
    },
}

/// What a session was opened with, and is opened again with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    Password,
    Token,
    /// The identity provider's word.
    Provider,
}

impl Principal {
    pub fn may(&self, action: Action) -> bool {
        self.role.may(action)
    }

    /// The token that forms of this session carry; empty where nothing is signed in by cookie.
    pub fn csrf(&self) -> &str {
        match &self.proof {
            Proof::Bearer { .. } => "",
            Proof::Session { csrf, .. } => csrf,
        }
    }

    /// Of the account; `None` where a token is what they have.
    pub fn account_id(&self) -> Option<&str> {
        match &self.proof {
            Proof::Session {
                subject: Subject::Account(id),
                ..
            } => Some(id),
            Proof::Session { .. } | Proof::Bearer { .. } => None,
        }
    }

    /// What their session was opened with.
    pub fn means(&self) -> Option<Means> {
        match &self.proof {
            Proof::Session { means, .. } => Some(*means),
            Proof::Bearer { .. } => None,
        }
    }

    /// An entry for the audit chain about what this one did.
    pub fn did(&self, action: &str, object: String, site: &str, detail: serde_json::Value) -> Event {
        Event {
            actor: self.name.clone(),
            actor_kind: match self.role {
                Role::Service => ActorKind::Peer,
                Role::Radiologist
                | Role::StrokeTeam
                | Role::Technologist
                | Role::QaReviewer
                | Role::Governance
                | Role::IntegrationEngineer
                | Role::Admin => ActorKind::Person,
            },
            action: action.to_owned(),
            object,
            site: site.to_owned(),
            outcome: Outcome::Success,
            request_id: self.request_id.clone(),
            detail,
        }
    }

    /// The same for what was refused.
    pub fn was_refused(&self, action: &str, object: String, site: &str, detail: serde_json::Value) -> Event {
        Event {
            outcome: Outcome::Refused,
            ..self.did(action, object, site, detail)
        }
    }
}

impl FromRequest for Principal {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or(ApiError::Unauthenticated),
        )
    }
}
