//! Offers a result to the report that a radiologist has open (FHIRcast, DiagnosticReport-update). Looked for at intervals until
//! the study is opened, read, or too old; each time the hub says what is open, since what it said before may be stale.

use chrono::TimeDelta;
use serde_json::Value;
use tocsin_domain::clock::from_micros;
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::StudyId;

use super::Attempt;
use crate::deliver::chain;
use crate::deliver::hub::{HubError, HubPeer, Posted};
use crate::fhir::Kind;
use crate::fhir::search::rows::{parts, tell};
use crate::jobs::JobError;
use crate::pipeline::env::{Env, Hub};
use crate::report::fhircast::{OpenReport, Session, by, session, taken_back, update};
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState};
use crate::storage::entity::{delivery, study};
use crate::storage::{StoreError, results};

/// An event may find its context changed this often in one attempt.
const TRIES: usize = 3;

pub async fn send(env: &Env, owed: &delivery::Model, study: &study::Model) -> Result<Attempt, JobError> {
    let (Some(hub), Some(topic)) = (&env.hub, owed.detail.as_deref()) else {
        return Ok(needless("no hub is configured any more"));
    };
    let offer = match offer(env, owed, topic).await? {
        Offer::Observations(observations) => observations,
        Offer::Needless(why) => return Ok(needless(why)),
    };
    if !study.on_worklist {
        return Ok(needless("the study was read before a session had it open"));
    }
    let waited = env.store.now() - from_micros(owed.created_at);
    if waited >= TimeDelta::minutes(i64::from(hub.patience_minutes)) {
        return Ok(needless("no session had the study open in time"));
    }
    publish(hub, env, owed, (study, topic), offer).await
}

/// What is offered, if anything.
enum Offer {
    Observations(Vec<Value>),
    Needless(&'static str),
}

async fn offer(env: &Env, owed: &delivery::Model, topic: &str) -> Result<Offer, JobError> {
    let conn = env.store.read();
    let id = owed.result_id.as_deref().and_then(|id| id.parse().ok());
    let Some(id) = id else {
        return Ok(Offer::Needless("it names no result"));
    };
    let row = results::get(conn, id).await?;
    if row.superseded_by.is_some() {
        return Ok(Offer::Needless("a newer result is offered in its place"));
    }
    let record = results::record_of(&row)?;
    let mut all = Vec::new();
    let earlier = published_before(env, &record, topic).await?;
    if let Some(earlier) = earlier {
        all.extend(observations(env, earlier).await?.into_iter().map(taken_back));
    }
    let stands = record.status != ResultStatus::Withdrawn;
    if stands && (env.hub.as_ref().is_some_and(|hub| hub.any) || is_flagged(&record) || earlier.is_some()) {
        all.extend(observations(env, id).await?);
    }
    Ok(match all.is_empty() {
        true => Offer::Needless("nothing was found, and nothing was offered before"),
        false => Offer::Observations(all),
    })
}

pub(in crate::pipeline) fn is_flagged(record: &ResultRecord) -> bool {
    record.findings.iter().any(|finding| finding.flagged)
}

async fn observations(env: &Env, id: tocsin_domain::ids::ResultId) -> Result<Vec<Value>, StoreError> {
    let conn = env.store.read();
    let row = results::get(conn, id).await?;
    let (told, record) = (tell(conn, &row).await?, results::record_of(&row)?);
    let serial = &env.settings.installation_serial;
    let entries = parts(&env.fhir, Kind::Observation, &told).into_iter();
    Ok(entries
        .map(|entry| by(entry.resource, &record.model, serial))
        .collect())
}

/// The result that this one replaces, if this session was offered it.
async fn published_before(
    env: &Env,
    record: &ResultRecord,
    topic: &str,
) -> Result<Option<tocsin_domain::ids::ResultId>, StoreError> {
    let Some(earlier) = record.supersedes else {
        return Ok(None);
    };
    let study: StudyId = record.study;
    let rows = deliveries::of_study(env.store.read(), study).await?;
    let was = rows.iter().any(|row| {
        row.kind == DeliveryKind::FhircastUpdate.text()
            && row.state == DeliveryState::Confirmed.text()
            && row.detail.as_deref() == Some(topic)
            && row.result_id == Some(earlier.to_string())
    });
    Ok(was.then_some(earlier))
}

async fn publish(
    hub: &Hub,
    env: &Env,
    owed: &delivery::Model,
    (study, topic): (&study::Model, &str),
    observations: Vec<Value>,
) -> Result<Attempt, JobError> {
    let delivery = deliveries::id_of(owed)?.0;
    for _ in 0..TRIES {
        let open = match opened(&hub.peer, study, topic).await {
            Ok(Found::Open(open)) => open,
            Ok(Found::NotOpen(why)) => {
                return Ok(Attempt::Later {
                    reason: why,
                    pause: hub.look,
                });
            }
            Err(error) => return Ok(failed(&error)),
        };
        let at = env.store.now().to_rfc3339();
        let event = update(&open, topic, delivery, &at, observations.clone());
        match hub.peer.post(&event).await {
            Ok(Posted::Taken) => return Ok(Attempt::Confirmed { note: String::new() }),
            Ok(Posted::Stale) => {}
            Err(error) => return Ok(failed(&error)),
        }
    }
    Ok(Attempt::Retry {
        reason: "the context changed each time before the event came".to_owned(),
    })
}

enum Found {
    Open(OpenReport),
    NotOpen(String),
}

async fn opened(peer: &HubPeer, study: &study::Model, topic: &str) -> Result<Found, HubError> {
    let Some(current) = peer.current(topic).await? else {
        return Ok(Found::NotOpen("the session is not open".to_owned()));
    };
    Ok(
        match session(&current, &study.study_uid, study.accession.as_deref()) {
            Session::Reports(open) => Found::Open(open),
            Session::Elsewhere => Found::NotOpen("the session has no report on this study open".to_owned()),
            Session::Unusable(missing) => Found::NotOpen(format!("the session's context has not {missing}")),
        },
    )
}

/// What a hub does not want once it does not want later; what it may do later is tried until then.
fn failed(error: &HubError) -> Attempt {
    let reason = chain(error);
    match error {
        HubError::Status(status)
            if status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 408 | 429) =>
        {
            Attempt::Refused { reason }
        }
        HubError::Status(_) | HubError::Reach(_) | HubError::Answer(_) => Attempt::Retry { reason },
    }
}

fn needless(why: &str) -> Attempt {
    Attempt::Needless {
        reason: why.to_owned(),
    }
}
