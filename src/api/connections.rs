//! Every system that we talk with: what was configured, what came and went, whether a silence is usual, and buttons that try
//! a connection. For the engineer of the interfaces; nothing here names a patient.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json, Path};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::Timestamp;

use super::auth::Principal;
use super::error::ApiError;
use super::faring::{blank, listening, polled, received, sent, subscriber, taken, together};
use super::page::Page;
use super::pauses::{self, PauseView};
use super::state::State;
use crate::storage::pauses::Stopped;
use crate::storage::subscriptions;
use crate::storage::traffic::{self, Received};
use crate::storage::{self, StoreError, audit, worklist_polls};

/// Which way a connection goes, and what it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// Whoever sends messages.
    Hl7Listener,
    Hl7In,
    /// Whoever sends images.
    DicomListener,
    DicomIn,
    Hl7Out,
    DicomOut,
    /// Asked for earlier studies.
    PriorSource,
    /// Asked for orders.
    WorklistSource,
    /// Told of results by FHIR.
    Subscriber,
    /// Offers results to the reports that are open.
    FhircastHub,
}

impl ConnectionKind {
    pub const ALL: [Self; 10] = [
        Self::Hl7Listener,
        Self::Hl7In,
        Self::DicomListener,
        Self::DicomIn,
        Self::Hl7Out,
        Self::DicomOut,
        Self::PriorSource,
        Self::WorklistSource,
        Self::Subscriber,
        Self::FhircastHub,
    ];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hl7Listener => "hl7_listener",
            Self::DicomListener => "dicom_listener",
            Self::Hl7In => "hl7_in",
            Self::DicomIn => "dicom_in",
            Self::Hl7Out => "hl7_out",
            Self::DicomOut => "dicom_out",
            Self::PriorSource => "prior_source",
            Self::WorklistSource => "worklist_source",
            Self::Subscriber => "subscriber",
            Self::FhircastHub => "fhircast_hub",
        }
    }
}

/// A system as it was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Of the kind and the name; what a check is asked by.
    pub id: String,
    pub kind: ConnectionKind,
    pub name: String,
    /// Where it is called, or calls from.
    pub address: String,
    pub tls: bool,
    /// How its messages are read or written.
    pub profile: Option<String>,
    /// MSH-3 and MSH-4 that it must use, where it sends HL7; any where none is said.
    pub sender: [Option<String>; 2],
    /// We call it, and know how to try it.
    pub may_be_checked: bool,
}

impl Neighbour {
    /// One of whom no more is known than that it is there.
    pub fn new(kind: ConnectionKind, name: &str) -> Self {
        Self {
            id: String::new(),
            kind,
            name: name.to_owned(),
            address: String::new(),
            tls: false,
            profile: None,
            sender: [None, None],
            may_be_checked: false,
        }
    }
}

/// The systems of the configuration, and how one is tried.
#[async_trait]
pub trait Neighbours: Send + Sync {
    fn all(&self) -> &[Neighbour];

    /// When our certificate towards them ends.
    fn certificate_ends(&self) -> Option<Timestamp>;

    /// A verification, or a connection that is closed again; what came of it in words. `None` of one that is not called.
    async fn check(&self, id: &str) -> Option<Result<String, String>>;

    /// Sends a message that asks for nothing and names nobody; what was answered, in words. `None` of one that is sent none.
    async fn test(&self, id: &str) -> Option<Result<String, String>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Nothing ever came or went.
    Unused,
    Working,
    /// More should have come at this time of day.
    Silent,
    /// Something waits because it cannot be reached or does not answer.
    Waiting,
    /// It has refused something that waits for a person.
    Refusing,
    /// Somebody has stopped what goes there.
    Paused,
}

impl ConnectionState {
    pub const ALL: [Self; 6] = [
        Self::Unused,
        Self::Working,
        Self::Silent,
        Self::Waiting,
        Self::Refusing,
        Self::Paused,
    ];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Working => "working",
            Self::Silent => "silent",
            Self::Waiting => "waiting",
            Self::Refusing => "refusing",
            Self::Paused => "paused",
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConnectionView {
    pub id: String,
    pub kind: ConnectionKind,
    pub name: String,
    pub address: String,
    pub tls: bool,
    pub profile: Option<String>,
    pub state: ConnectionState,
    /// When something last came, or was last confirmed.
    pub last_at: Option<Timestamp>,
    /// Messages or instances that came.
    pub last_hour: Option<i64>,
    pub last_day: Option<i64>,
    /// How many usually come in an hour at this time of day; null until it is known for three days.
    pub usual_per_hour: Option<f64>,
    /// Messages of the last day that were refused or could not be applied.
    pub failed_last_day: Option<i64>,
    /// Deliveries that wait, and those that were refused.
    pub waiting: Option<i64>,
    pub refused: Option<i64>,
    /// From owing to confirmation, of the last day.
    pub p95_seconds: Option<f64>,
    pub last_error: Option<String>,
    /// What came of asking it last.
    pub detail: Option<String>,
    /// Whether it can be tried.
    pub may_be_checked: bool,
    /// Whether it can be sent a message that says nothing.
    pub may_be_tested: bool,
    pub may_be_paused: bool,
    pub paused: Option<PauseView>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckView {
    pub good: bool,
    /// What came of it.
    pub answer: String,
}

/// `GET /api/v1/connections`.
pub async fn list(state: Data<State>) -> Result<Json<Page<ConnectionView>>, ApiError> {
    let items = load(&state).await?;
    Ok(Json(Page { items, next: None }))
}

/// `POST /api/v1/connections/{id}/check`.
pub async fn post(state: Data<State>, id: Path<String>, who: Principal) -> Result<Json<CheckView>, ApiError> {
    Ok(Json(check(&state, &who, &id, Trial::Check).await?))
}

/// `POST /api/v1/connections/{id}/test-message`.
pub async fn test_message(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<Json<CheckView>, ApiError> {
    Ok(Json(check(&state, &who, &id, Trial::TestMessage).await?))
}

/// All connections, those that are configured and those over which something came nevertheless.
pub async fn load(state: &State) -> Result<Vec<ConnectionView>, ApiError> {
    let (conn, now) = (state.store.read(), state.now());
    let mut messages = traffic::messages(conn, now).await?;
    let mut instances = traffic::instances(conn, now).await?;
    let deliveries = traffic::deliveries(conn, now).await?;
    let mut paused = storage::pauses::all(conn).await?;
    let polls = worklist_polls::all(conn).await?;
    let subscribed = subscriptions::all(conn).await?;
    let heard = [together(messages.values()), together(instances.values())];
    let mut views = Vec::new();
    for neighbour in state.neighbours.all() {
        let view = blank(neighbour);
        let mut view = match neighbour.kind {
            ConnectionKind::Hl7In => received(view, &taken(&mut messages, &neighbour.sender), now),
            ConnectionKind::DicomIn => {
                received(view, &instances.remove(&neighbour.name).unwrap_or_default(), now)
            }
            ConnectionKind::Hl7Listener => listening(view, &heard[0], now),
            ConnectionKind::DicomListener => listening(view, &heard[1], now),
            ConnectionKind::Hl7Out | ConnectionKind::DicomOut | ConnectionKind::FhircastHub => {
                sent(view, deliveries.get(&neighbour.name))
            }
            ConnectionKind::Subscriber => {
                let view = sent(view, deliveries.get(&neighbour.name));
                subscriber(view, &subscribed, now)
            }
            ConnectionKind::PriorSource => view,
            ConnectionKind::WorklistSource => {
                polled(view, polls.iter().find(|poll| poll.source == neighbour.name))
            }
        };
        let key = pauses::stopped(neighbour.kind, &neighbour.name).map(Stopped::key);
        let pause = paused
            .iter()
            .position(|pause| Some(&pause.destination) == key.as_ref());
        if let Some(at) = pause {
            view.state = ConnectionState::Paused;
            view.paused = Some(PauseView::of(paused.swap_remove(at)));
        }
        views.push(view);
    }
    // Not listed: anyone on this machine where that is allowed, or one who was listed once.
    let strangers = |kind, left: BTreeMap<String, Received>| {
        left.into_iter()
            .map(move |(name, came)| received(blank(&Neighbour::new(kind, &name)), &came, now))
    };
    views.extend(strangers(ConnectionKind::Hl7In, messages));
    views.extend(strangers(ConnectionKind::DicomIn, instances));
    views.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(views)
}

/// How a connection is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    Check,
    TestMessage,
}

/// Tries a connection; what came of it is on the audit chain.
///
/// # Errors
/// Nobody of this id is called.
pub async fn check(state: &State, who: &Principal, id: &str, trial: Trial) -> Result<CheckView, ApiError> {
    let (action, answer) = match trial {
        Trial::Check => ("connection.check", state.neighbours.check(id).await),
        Trial::TestMessage => ("connection.test_message", state.neighbours.test(id).await),
    };
    let answer = answer.ok_or(ApiError::NotFound("connection"))?;
    let view = match answer {
        Ok(answer) => CheckView { good: true, answer },
        Err(answer) => CheckView { good: false, answer },
    };
    let detail = serde_json::json!({ "good": view.good });
    let event = who.did(action, format!("connection:{id}"), &state.settings.site.0, detail);
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_api() {
        for kind in ConnectionKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for state in ConnectionState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
