//! One resource by its id, as far as it may be shown. What was replaced stays readable.

use sea_orm::ConnectionTrait;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::{NotificationId, ResultId, StudyId};

use super::search::rows::{parts, tell};
use super::sources::{Ordered, Studied};
use super::{
    Entry, Kind, ORCHESTRATOR, Server, audit_event, communication, device, patient, result, service_request,
    study, subscription, task,
};
use crate::storage::entity::study as study_row;
use crate::storage::told::{self, Wanted};
use crate::storage::{
    StoreError, alerts, disclosure, holds, orders, patients, results, studies, subscriptions,
};

/// Longest id that FHIR knows.
const MAX_ID: usize = 64;

/// `None` of what is not there, and of what may not be shown.
pub async fn read(
    conn: &impl ConnectionTrait,
    server: &Server,
    kind: Kind,
    id: &str,
    now: Timestamp,
) -> Result<Option<Entry>, StoreError> {
    // Anything else is no id, and not for a database to judge.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if id.len() > MAX_ID || !id.bytes().all(plain) {
        return Ok(None);
    }
    let found = found(conn, server, kind, id, now).await?;
    Ok(found.filter(|entry| entry.id == id))
}

async fn found(
    conn: &impl ConnectionTrait,
    server: &Server,
    kind: Kind,
    id: &str,
    now: Timestamp,
) -> Result<Option<Entry>, StoreError> {
    match kind {
        Kind::ImagingStudy => match shown(conn, id).await? {
            Some(row) => study::load(conn, server, row).await.map(Some),
            None => Ok(None),
        },
        Kind::Task => match shown(conn, id).await? {
            Some(row) => task::load(conn, server, row, now).await.map(Some),
            None => Ok(None),
        },
        Kind::DiagnosticReport | Kind::Observation | Kind::Provenance => {
            of_result(conn, server, kind, id).await
        }
        Kind::Communication => page(conn, server, id).await,
        Kind::ServiceRequest => match orders::by_id(conn, id).await? {
            Some(row) => service_request::load(conn, server, row).await,
            None => Ok(None),
        },
        Kind::Patient => person(conn, server, id).await,
        Kind::Device => model(conn, server, id).await,
        Kind::AuditEvent => {
            let wanted = Wanted {
                ids: Some(vec![id.to_owned()]),
                ..Wanted::default()
            };
            let rows = told::audit_entries(conn, &wanted, None, 1).await?;
            Ok(rows.first().map(|row| audit_event::render(server, row)))
        }
        Kind::Subscription => {
            let row = subscriptions::by_id(conn, id).await?;
            Ok(row.map(|row| subscription::render(server, &row, now)))
        }
    }
}

/// The study, if it may be told of.
async fn shown(conn: &impl ConnectionTrait, id: &str) -> Result<Option<study_row::Model>, StoreError> {
    let Ok(id) = id.parse::<StudyId>() else {
        return Ok(None);
    };
    let row = studies::by_id(conn, id).await?;
    Ok(row.filter(|row| disclosure::withheld(row).is_none()))
}

async fn of_result(
    conn: &impl ConnectionTrait,
    server: &Server,
    kind: Kind,
    id: &str,
) -> Result<Option<Entry>, StoreError> {
    let Ok(parsed) = result::result_of(id).parse::<ResultId>() else {
        return Ok(None);
    };
    let Some(row) = results::by_id(conn, parsed).await? else {
        return Ok(None);
    };
    if shown(conn, &row.study_id).await?.is_none() || holds::is_held(conn, &row).await? {
        return Ok(None);
    }
    let told = tell(conn, &row).await?;
    Ok(parts(server, kind, &told)
        .into_iter()
        .find(|entry| entry.id == id))
}

async fn page(conn: &impl ConnectionTrait, server: &Server, id: &str) -> Result<Option<Entry>, StoreError> {
    let Ok(id) = id.parse::<NotificationId>() else {
        return Ok(None);
    };
    let Some(page) = alerts::find_page(conn, id).await? else {
        return Ok(None);
    };
    let alert = page
        .alert_id
        .parse()
        .map_err(|_| StoreError::Missing("alert of the page"))?;
    let alert = alerts::get(conn, alert).await?;
    let Some(row) = shown(conn, &alert.study_id).await? else {
        return Ok(None);
    };
    let studied = Studied::of(conn, row).await?;
    communication::render(server, &page, &alert, &studied).map(Some)
}

async fn person(conn: &impl ConnectionTrait, server: &Server, id: &str) -> Result<Option<Entry>, StoreError> {
    if let Some(study) = patient::study_of(id) {
        let Some(row) = shown(conn, study).await? else {
            return Ok(None);
        };
        // Where an order names the patient, its word counts.
        let ordered = Ordered::of(conn, &row).await?;
        return Ok(ordered.is_none().then(|| patient::of_images(server, &row)));
    }
    match patients::by_id(conn, id).await? {
        Some(row) => patient::load(conn, server, row).await.map(Some),
        None => Ok(None),
    }
}

async fn model(conn: &impl ConnectionTrait, server: &Server, id: &str) -> Result<Option<Entry>, StoreError> {
    if id == ORCHESTRATOR {
        return Ok(Some(device::orchestrator(server)));
    }
    match told::of_package(conn, id).await? {
        Some(row) => Ok(Some(device::of_result(server, &tell(conn, &row).await?))),
        None => Ok(None),
    }
}
