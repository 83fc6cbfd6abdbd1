//! What stands around every page: where we are, who is signed in, where they may go, and the token of their forms.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use serde::{Deserialize, Serialize};

use crate::api::auth::session::same;
use crate::api::auth::{Action, Means, Principal, Proof};
use crate::api::{ApiError, State, Templates};

#[derive(Serialize)]
pub struct Frame {
    site: String,
    /// An IANA zone; times are shown in it.
    zone: String,
    watermark: Option<String>,
    /// Nobody, on pages that need no sign-in.
    person: Option<Person>,
    #[serde(skip)]
    pub templates: Arc<dyn Templates>,
}

#[derive(Serialize)]
struct Person {
    name: String,
    role: &'static str,
    csrf: String,
    nav: Vec<Entry>,
    may: May,
    lock: Lock,
}

/// How the screen locks, and what opens it again.
#[derive(Serialize)]
struct Lock {
    idle_seconds: i64,
    wall_stays: bool,
    password: bool,
    token: bool,
    /// The label of the identity provider.
    provider: Option<String>,
}

impl Lock {
    fn of(state: &State, means: Option<Means>) -> Self {
        let provider = state.provider.as_ref().map(|p| p.settings.label.clone());
        Self {
            idle_seconds: state.settings.idle_lock.num_seconds(),
            wall_stays: state.settings.wall_never_locks,
            password: means == Some(Means::Password),
            token: means == Some(Means::Token),
            provider: provider.filter(|_| means == Some(Means::Provider)),
        }
    }
}

#[derive(Serialize)]
struct Entry {
    href: &'static str,
    label: &'static str,
}

/// Buttons that the role may press.
#[derive(Serialize)]
struct May {
    claim: bool,
    acknowledge: bool,
    read_messages: bool,
    read_raw: bool,
    replay: bool,
    reconcile: bool,
    dismiss: bool,
    retry: bool,
    judge: bool,
    comment: bool,
}

const NAVIGATION: [(Action, &str, &str); 8] = [
    (Action::ReadWorklist, "/", "Worklist"),
    (Action::ReadAlerts, "/alerts", "Alerts"),
    (Action::ReadMessages, "/messages", "Messages"),
    (Action::ReadReconciliation, "/reconciliation", "Reconciliation"),
    (Action::ReadQuarantine, "/quarantine", "Quarantine"),
    (Action::ReadDeliveries, "/deliveries", "Deliveries"),
    (Action::ManagePeople, "/people", "People"),
    (Action::ManageTokens, "/tokens", "Tokens"),
];

impl Frame {
    pub fn anonymous(state: &State) -> Self {
        Self {
            site: state.settings.site_name.clone(),
            zone: state.settings.time_zone.name().to_owned(),
            watermark: state.settings.watermark.clone(),
            person: None,
            templates: state.templates.clone(),
        }
    }

    pub fn of(state: &State, who: &Principal) -> Self {
        let nav = NAVIGATION
            .iter()
            .filter(|(action, ..)| who.may(*action))
            .map(|&(_, href, label)| Entry { href, label })
            .collect();
        let may = May {
            claim: who.may(Action::ClaimStudy),
            acknowledge: who.may(Action::AcknowledgeAlert),
            read_messages: who.may(Action::ReadMessages),
            read_raw: who.may(Action::ReadRawMessage),
            replay: who.may(Action::ReplayMessage),
            reconcile: who.may(Action::Reconcile),
            dismiss: who.may(Action::DismissQuarantine),
            retry: who.may(Action::RetryDelivery),
            judge: who.may(Action::JudgeFinding),
            comment: who.may(Action::Comment),
        };
        Self {
            person: Some(Person {
                name: who.name.clone(),
                role: who.role.text(),
                csrf: who.csrf().to_owned(),
                nav,
                may,
                lock: Lock::of(state, who.means()),
            }),
            ..Self::anonymous(state)
        }
    }
}

/// The first page that a role may see.
pub fn home(may: impl Fn(Action) -> bool) -> Option<&'static str> {
    NAVIGATION
        .iter()
        .find(|(action, ..)| may(*action))
        .map(|&(_, href, _)| href)
}

/// A form that says nothing but that it is ours.
#[derive(Deserialize)]
pub struct Press {
    #[serde(default)]
    pub csrf: String,
}

/// A form of a signed-in browser carries the token of its session; a bearer token is proof enough by itself.
pub fn sealed(who: &Principal, csrf: &str) -> Result<(), ApiError> {
    match &who.proof {
        Proof::Bearer { .. } => Ok(()),
        Proof::Session { csrf: own, .. } if same(own, csrf) => Ok(()),
        Proof::Session { .. } => Err(ApiError::ForeignForm),
    }
}

/// After something was done, the page that shows it, so that loading it again does nothing twice.
pub fn go_to(path: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::SEE_OTHER)
        .insert_header((LOCATION, path))
        .finish()
}
