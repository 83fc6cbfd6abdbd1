//! Whether the service does what hospitals rely on: it takes images and messages, writes them down, and pages people.
//! Models are not part of it: a study without AI is still on the list.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{HttpResponse, web};
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::from_micros;
use tocsin_domain::work::Lane;

use super::error::ApiError;
use super::state::State;
use crate::storage::{alerts, jobs};

/// A job that is due this long and not taken shows that its lane stands still.
const STANDS_STILL: TimeDelta = TimeDelta::seconds(30);

/// What only the process itself knows; whoever starts and stops its parts keeps it true.
#[derive(Clone, Debug, Default)]
pub struct Health {
    inner: Arc<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    dicom: AtomicBool,
    hl7: AtomicBool,
    stopping: AtomicBool,
}

impl Health {
    pub fn dicom_listens(&self) {
        self.inner.dicom.store(true, Ordering::Relaxed);
    }

    pub fn hl7_listens(&self) {
        self.inner.hl7.store(true, Ordering::Relaxed);
    }

    /// From now on the service takes nothing new.
    pub fn stops(&self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
    }
}

/// One thing that must hold.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Readiness {
    pub ready: bool,
    pub checks: Vec<Check>,
}

pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

pub async fn readyz(state: web::Data<State>) -> HttpResponse {
    let readiness = readiness(&state).await;
    let mut response = if readiness.ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.json(readiness)
}

pub async fn readiness(state: &State) -> Readiness {
    let parts = &state.health.inner;
    let up = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let checks = vec![
        check("running", !up(&parts.stopping), "the service is stopping"),
        check("dicom", up(&parts.dicom), "the DICOM listener is not open"),
        check("hl7", up(&parts.hl7), "the HL7 listener is not open"),
        database(state).await,
        lane(state, Lane::Ingest).await,
        lane(state, Lane::Alerts).await,
        disk(state).await,
    ];
    Readiness {
        ready: checks.iter().all(|c| c.ok),
        checks,
    }
}

fn check(name: &str, ok: bool, otherwise: &str) -> Check {
    Check {
        name: name.to_owned(),
        ok,
        detail: if ok { "ok" } else { otherwise }.to_owned(),
    }
}

/// An empty write goes all the way to a commit.
async fn database(state: &State) -> Check {
    let wrote = state.store.write(|_| Box::pin(async { Ok(()) })).await;
    check("database", wrote.is_ok(), "the database takes no writes")
}

async fn lane(state: &State, lane: Lane) -> Check {
    let name = format!("lane_{}", lane.name());
    match jobs::oldest_due(&state.store, lane).await {
        Ok(None) => check(&name, true, ""),
        Ok(Some(due)) => {
            let late = state.now() - from_micros(due);
            let otherwise = format!(
                "a job has been due for {} s and nobody takes it",
                late.num_seconds()
            );
            check(&name, late < STANDS_STILL, &otherwise)
        }
        Err(_) => check(&name, false, "the jobs cannot be read"),
    }
}

async fn disk(state: &State) -> Check {
    let (folder, needed) = (state.settings.blob_folder.clone(), state.settings.min_free_bytes);
    let free = web::block(move || rustix::fs::statvfs(&folder))
        .await
        .ok()
        .and_then(Result::ok)
        .map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    match free {
        Some(free) => {
            let mb = free / 1_048_576;
            check(
                "disk",
                free >= needed,
                &format!("{mb} MB are free, images are refused"),
            )
        }
        None => check("disk", false, "the folder of stored objects cannot be looked at"),
    }
}

/// Counts of jobs and alerts are taken when somebody asks.
pub async fn metrics(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    const STATES: [(i16, &str); 3] = [
        (jobs::READY, "ready"),
        (jobs::LEASED, "leased"),
        (jobs::DEAD, "dead"),
    ];
    for lane in Lane::ALL {
        for (number, name) in STATES {
            let count = jobs::count(&state.store, lane, number).await?;
            state
                .metrics
                .jobs(lane.name(), name)
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    let counts = alerts::counts(state.store.read()).await?;
    for status in alerts::STATUSES {
        let count = counts.iter().find(|(s, _)| s == status).map_or(0, |(_, n)| *n);
        state.metrics.alerts(status).set(count);
    }
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(state.metrics.encode()))
}
