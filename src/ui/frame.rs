//! What stands around every page: where we are, who is signed in, where they may go, and the token of their forms.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::Timestamp;

use crate::api::auth::session::same;
use crate::api::auth::{Action, Means, Principal, Proof, Role};
use crate::api::{ApiError, State, Templates};

#[derive(Serialize)]
pub struct Frame {
    pub site: String,
    /// An IANA zone; times are shown in it.
    pub zone: String,
    /// When the page was made, and by which version of the program: a print says both.
    pub at: Timestamp,
    pub version: &'static str,
    /// Nothing here is real.
    pub demonstration: bool,
    /// Whom one may be in a demonstration.
    pub roles: Vec<&'static str>,
    /// Nobody, on pages that need no sign-in.
    pub person: Option<Person>,
    #[serde(skip)]
    pub templates: Arc<dyn Templates>,
}

#[derive(Serialize)]
pub struct Person {
    pub name: String,
    pub role: &'static str,
    pub csrf: String,
    pub nav: Vec<Entry>,
    pub may: May,
    pub lock: Lock,
}

/// How the screen locks, and what opens it again.
#[derive(Serialize)]
pub struct Lock {
    pub idle_seconds: i64,
    pub wall_stays: bool,
    pub password: bool,
    pub token: bool,
    /// The label of the identity provider.
    pub provider: Option<String>,
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
pub struct Entry {
    pub href: &'static str,
    /// A message.
    pub label: &'static str,
}

/// Buttons that the role may press.
#[derive(Serialize)]
pub struct May {
    pub claim: bool,
    pub acknowledge: bool,
    pub read_messages: bool,
    pub read_raw: bool,
    pub replay: bool,
    pub edit: bool,
    pub reconcile: bool,
    pub dismiss: bool,
    pub retry: bool,
    pub judge: bool,
    pub comment: bool,
    pub rerun: bool,
    pub decide: bool,
    pub handle_repeat: bool,
}

/// A program has no pages.
const DEMONSTRATED: [Role; 7] = [
    Role::Radiologist,
    Role::StrokeTeam,
    Role::Technologist,
    Role::QaReviewer,
    Role::Governance,
    Role::IntegrationEngineer,
    Role::Admin,
];

pub const NAVIGATION: [(Action, &str, &str); 11] = [
    (Action::ReadWorklist, "/", "nav-worklist"),
    (Action::ReadAlerts, "/alerts", "nav-alerts"),
    (Action::ReadMessages, "/messages", "nav-messages"),
    (
        Action::ReadReconciliation,
        "/reconciliation",
        "nav-reconciliation",
    ),
    (Action::ReadQuarantine, "/quarantine", "nav-quarantine"),
    (Action::ReadDeliveries, "/deliveries", "nav-deliveries"),
    (Action::ReadQuality, "/quality", "nav-quality"),
    (Action::ManagePeople, "/people", "nav-people"),
    (Action::ManageTokens, "/tokens", "nav-tokens"),
    (Action::SetUp, "/connections", "nav-connections"),
    (Action::SetUp, "/start", "nav-start"),
];

impl Frame {
    pub fn anonymous(state: &State) -> Self {
        Self {
            site: state.settings.site_name.clone(),
            zone: state.settings.time_zone.name().to_owned(),
            at: state.now(),
            version: env!("CARGO_PKG_VERSION"),
            demonstration: state.settings.demonstration,
            roles: DEMONSTRATED.map(Role::text).to_vec(),
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
            edit: who.may(Action::EditMessage),
            reconcile: who.may(Action::Reconcile),
            dismiss: who.may(Action::DismissQuarantine),
            retry: who.may(Action::RetryDelivery),
            judge: who.may(Action::JudgeFinding),
            comment: who.may(Action::Comment),
            rerun: who.may(Action::RerunModel),
            decide: who.may(Action::DecideResult),
            handle_repeat: who.may(Action::HandleRepeat),
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
