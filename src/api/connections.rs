//! Every system that we talk with: what was configured, what came and went, whether a silence is usual, and buttons that try
//! a connection. For the engineer of the interfaces; nothing here names a patient.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json, Path};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::silence::{Flow, Traffic};

use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::pauses::{PauseView, may_be_paused};
use super::state::State;
use crate::storage::entity::worklist_poll;
use crate::storage::traffic::{self, Received, Sent};
use crate::storage::{StoreError, audit, pauses, worklist_polls};

/// Which way a connection goes, and what it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    Hl7In,
    DicomIn,
    Hl7Out,
    DicomOut,
    /// Asked for earlier studies.
    PriorSource,
    /// Asked for orders.
    WorklistSource,
}

impl ConnectionKind {
    pub const ALL: [Self; 6] = [
        Self::Hl7In,
        Self::DicomIn,
        Self::Hl7Out,
        Self::DicomOut,
        Self::PriorSource,
        Self::WorklistSource,
    ];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hl7In => "hl7_in",
            Self::DicomIn => "dicom_in",
            Self::Hl7Out => "hl7_out",
            Self::DicomOut => "dicom_out",
            Self::PriorSource => "prior_source",
            Self::WorklistSource => "worklist_source",
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
    let mut paused = pauses::all(conn).await?;
    let polls = worklist_polls::all(conn).await?;
    let mut views = Vec::new();
    for neighbour in state.neighbours.all() {
        let view = blank(neighbour);
        let mut view = match neighbour.kind {
            ConnectionKind::Hl7In => received(view, &taken(&mut messages, &neighbour.sender), now),
            ConnectionKind::DicomIn => {
                received(view, &instances.remove(&neighbour.name).unwrap_or_default(), now)
            }
            ConnectionKind::Hl7Out | ConnectionKind::DicomOut => sent(view, deliveries.get(&neighbour.name)),
            ConnectionKind::PriorSource => view,
            ConnectionKind::WorklistSource => {
                polled(view, polls.iter().find(|poll| poll.source == neighbour.name))
            }
        };
        let pause = paused
            .iter()
            .position(|pause| pause.destination == neighbour.name);
        if let (true, Some(at)) = (view.may_be_paused, pause) {
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

/// All that came from senders whose MSH-3 and MSH-4 fit.
fn taken(messages: &mut BTreeMap<String, Received>, sender: &[Option<String>; 2]) -> Received {
    let fits = |peer: &str| {
        let said = peer.split_once('|').unwrap_or((peer, ""));
        let fit = |wanted: &Option<String>, said: &str| wanted.as_ref().is_none_or(|wanted| wanted == said);
        fit(&sender[0], said.0) && fit(&sender[1], said.1)
    };
    let own: Vec<String> = messages.keys().filter(|peer| fits(peer)).cloned().collect();
    let mut all = Received::default();
    for came in own.iter().filter_map(|peer| messages.remove(peer)) {
        all.failed += came.failed;
        all.traffic.last = all.traffic.last.max(came.traffic.last);
        for (hour, count) in came.traffic.hours {
            *all.traffic.hours.entry(hour).or_default() += count;
        }
    }
    all
}

fn blank(neighbour: &Neighbour) -> ConnectionView {
    ConnectionView {
        id: neighbour.id.clone(),
        kind: neighbour.kind,
        name: neighbour.name.clone(),
        address: neighbour.address.clone(),
        tls: neighbour.tls,
        profile: neighbour.profile.clone(),
        state: ConnectionState::Unused,
        last_at: None,
        last_hour: None,
        last_day: None,
        usual_per_hour: None,
        failed_last_day: None,
        waiting: None,
        refused: None,
        p95_seconds: None,
        last_error: None,
        detail: None,
        may_be_checked: neighbour.may_be_checked,
        may_be_tested: neighbour.kind == ConnectionKind::Hl7Out,
        may_be_paused: may_be_paused(neighbour.kind),
        paused: None,
    }
}

fn received(view: ConnectionView, came: &Received, now: Timestamp) -> ConnectionView {
    let traffic: &Traffic = &came.traffic;
    ConnectionView {
        state: match traffic.flow(now) {
            Flow::Never => ConnectionState::Unused,
            Flow::New | Flow::Usual => ConnectionState::Working,
            Flow::Silent { .. } => ConnectionState::Silent,
        },
        last_at: traffic.last,
        last_hour: Some(traffic.within(1, now)),
        last_day: Some(traffic.within(24, now)),
        usual_per_hour: traffic.usual(now),
        failed_last_day: (view.kind == ConnectionKind::Hl7In).then_some(came.failed),
        ..view
    }
}

fn sent(view: ConnectionView, sent: Option<&Sent>) -> ConnectionView {
    let Some(sent) = sent else {
        return view;
    };
    ConnectionView {
        state: match (sent.refused, &sent.last_error, sent.waiting) {
            (1.., _, _) => ConnectionState::Refusing,
            (_, Some(_), 1..) => ConnectionState::Waiting,
            _ => ConnectionState::Working,
        },
        last_at: sent.last_confirmed,
        waiting: Some(sent.waiting),
        refused: Some(sent.refused),
        p95_seconds: percentile(&sent.seconds, 0.95),
        last_error: sent.last_error.clone(),
        ..view
    }
}

/// One that could not be asked waits: it is asked again after a while.
fn polled(view: ConnectionView, poll: Option<&worklist_poll::Model>) -> ConnectionView {
    let Some(poll) = poll else {
        return view;
    };
    let failed = worklist_polls::has_failed(poll);
    ConnectionView {
        state: match failed {
            true => ConnectionState::Waiting,
            false => ConnectionState::Working,
        },
        last_at: poll.answered_at.map(from_micros),
        detail: (!failed).then(|| poll.detail.clone()),
        last_error: failed.then(|| poll.detail.clone()),
        ..view
    }
}

fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).copied()
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
        .write(move |tx| {
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

    #[test]
    fn what_came_is_counted_for_the_first_peer_whose_header_fits() {
        let came = |failed| Received {
            failed,
            ..Received::default()
        };
        let mut messages = BTreeMap::from([
            ("RIS|EAST".to_owned(), came(1)),
            ("RIS|WEST".to_owned(), came(2)),
            ("ADT|EAST".to_owned(), came(4)),
        ]);
        let ris = [Some("RIS".to_owned()), None];
        assert_eq!(taken(&mut messages, &ris).failed, 3);
        assert_eq!(messages.len(), 1);
        assert_eq!(taken(&mut messages, &[None, None]).failed, 4);
    }

    #[test]
    fn a_refusal_is_told_before_a_delay_and_a_delay_before_work() {
        let view = || blank(&Neighbour::new(ConnectionKind::Hl7Out, "RIS"));
        let of = |waiting, refused, last_error: Option<&str>| {
            let fares = Sent {
                waiting,
                refused,
                last_error: last_error.map(str::to_owned),
                seconds: (1..=100).map(f64::from).collect(),
                ..Sent::default()
            };
            sent(view(), Some(&fares))
        };
        assert_eq!(sent(view(), None).state, ConnectionState::Unused);
        assert_eq!(of(0, 0, None).state, ConnectionState::Working);
        assert_eq!(of(2, 0, None).state, ConnectionState::Working, "on its way");
        assert_eq!(of(2, 0, Some("no answer")).state, ConnectionState::Waiting);
        assert_eq!(of(2, 1, Some("AE")).state, ConnectionState::Refusing);
        assert_eq!(of(0, 0, None).p95_seconds, Some(95.0));
    }
}
