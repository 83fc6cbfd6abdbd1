//! `GET /metrics`: what was counted as it happened, and the levels that are taken when somebody asks: what waits, what is
//! owed to a person, how the neighbours fare, the disk, the certificate.

use std::sync::{Mutex, PoisonError};

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::TimeDelta;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::work::Lane;

use super::connections::{self, ConnectionKind, ConnectionState, ConnectionView};
use super::error::ApiError;
use super::health;
use super::state::State;
use crate::storage::{StoreError, alerts, jobs};

/// Whether a connection is silent is read from two weeks of traffic: too much for every scrape.
const CONNECTIONS_EVERY: TimeDelta = TimeDelta::seconds(60);

/// When the connections were last counted.
#[derive(Debug, Default)]
pub struct Counted {
    at: Mutex<Option<Timestamp>>,
}

impl Counted {
    /// Whether they are to be counted now; whoever is told so does it.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = at.is_none_or(|at| now - at >= CONNECTIONS_EVERY);
        if due {
            *at = Some(now);
        }
        due
    }
}

pub async fn get(state: Data<State>) -> Result<HttpResponse, ApiError> {
    take_jobs(&state).await?;
    take_alerts(&state).await?;
    take_storage(&state).await;
    take_certificate(&state);
    if state.counted.is_due(state.now()) {
        take_connections(&state, &connections::load(&state).await?);
    }
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(state.metrics.encode()))
}

async fn take_jobs(state: &State) -> Result<(), StoreError> {
    const STATES: [(i16, &str); 3] = [
        (jobs::READY, "ready"),
        (jobs::LEASED, "leased"),
        (jobs::DEAD, "dead"),
    ];
    for lane in Lane::ALL {
        for (number, name) in STATES {
            let count = jobs::count(&state.store, lane, number).await?;
            let gauge = state.metrics.jobs(lane.name(), name);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let due = jobs::oldest_due(&state.store, lane).await?;
        let seconds = due.map_or(0, |due| seconds_since(state, due));
        state.metrics.oldest_job(lane.name()).set(seconds);
    }
    Ok(())
}

async fn take_alerts(state: &State) -> Result<(), StoreError> {
    let counts = alerts::counts(state.store.read()).await?;
    let of = |status: &str| counts.iter().find(|(name, ..)| name == status);
    for status in alerts::STATUSES {
        let count = of(status).map_or(0, |(_, count, _)| *count);
        state.metrics.alerts(status).set(count);
    }
    for status in ["raised", "notified"] {
        let seconds = of(status).map_or(0, |(_, _, raised)| seconds_since(state, *raised));
        state.metrics.oldest_alert(status).set(seconds);
    }
    Ok(())
}

fn seconds_since(state: &State, micros: i64) -> i64 {
    (state.now() - from_micros(micros)).num_seconds().max(0)
}

/// A folder that cannot be looked at has no room: images are refused.
async fn take_storage(state: &State) {
    let bytes = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
    let free = health::free_bytes(state).await.unwrap_or(0);
    state.metrics.storage_free.set(bytes(free));
    let required = state.settings.min_free_bytes;
    state.metrics.storage_required.set(bytes(required));
}

fn take_certificate(state: &State) {
    if let Some(ends) = state.neighbours.certificate_ends() {
        state.metrics.certificate_expiry().set(ends.timestamp());
    }
}

/// Every pair is set, so that one that nobody is in any more falls to zero.
fn take_connections(state: &State, views: &[ConnectionView]) {
    for kind in ConnectionKind::ALL {
        for condition in ConnectionState::ALL {
            let count = views
                .iter()
                .filter(|view| view.kind == kind && view.state == condition)
                .count();
            let gauge = state.metrics.connections(kind.name(), condition.name());
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_at_most_once_a_minute() {
        let counted = Counted::default();
        let start = from_micros(1_800_000_000_000_000);
        let after = |seconds| start + TimeDelta::seconds(seconds);
        let due = [0, 15, 59, 60, 61, 120].map(|seconds| counted.is_due(after(seconds)));
        assert_eq!(due, [true, false, false, true, false, true]);
    }
}
