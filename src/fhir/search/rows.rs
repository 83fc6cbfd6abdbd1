//! Rows of each kind, newest first, as the resources they make. A row of a result makes several observations.

use sea_orm::ConnectionTrait;
use tocsin_domain::clock::Timestamp;

use super::narrow::patients_named;
use super::query::Query;
use crate::fhir::result::Told;
use crate::fhir::sources::Studied;
use crate::fhir::{
    Entry, Kind, Server, audit_event, communication, device, patient, provenance, service_request, study,
    subscription, task,
};
use crate::storage::entity::result;
use crate::storage::told::{self, Resume, Wanted};
use crate::storage::{StoreError, studies, subscriptions};

/// A row, and the resources it makes.
pub struct Row {
    pub at: i64,
    pub id: String,
    pub entries: Vec<Entry>,
}

/// Where a piece of the rows begins, and how long it may be.
pub struct Piece<'a> {
    pub wanted: &'a Wanted,
    pub after: Option<&'a Resume>,
    pub limit: u64,
    pub now: Timestamp,
}

/// As many rows as the piece may hold, while there are more.
pub async fn load(
    conn: &impl ConnectionTrait,
    server: &Server,
    query: &Query,
    piece: &Piece<'_>,
) -> Result<Vec<Row>, StoreError> {
    match query.kind {
        Kind::ImagingStudy | Kind::Task => of_studies(conn, server, query.kind, piece).await,
        Kind::DiagnosticReport | Kind::Observation | Kind::Provenance => {
            of_results(conn, server, query.kind, piece).await
        }
        Kind::Communication => pages(conn, server, piece).await,
        Kind::ServiceRequest => orders(conn, server, piece).await,
        Kind::AuditEvent => audited(conn, server, piece).await,
        Kind::Device => whole(piece, devices(conn, server).await?),
        Kind::Patient => whole(piece, people(conn, server, query).await?),
        Kind::Subscription => whole(piece, subscribed(conn, server, piece.now).await?),
    }
}

/// A short list is read as a whole; what went before is left out.
fn whole(piece: &Piece<'_>, entries: Vec<Entry>) -> Result<Vec<Row>, StoreError> {
    let rows = entries.into_iter().zip(0..).map(|(entry, place)| Row {
        at: place,
        id: entry.id.clone(),
        entries: vec![entry],
    });
    let from = piece.after.map_or(0, |after| after.at);
    Ok(rows.skip_while(|row| row.at < from).collect())
}

async fn of_studies(
    conn: &impl ConnectionTrait,
    server: &Server,
    kind: Kind,
    piece: &Piece<'_>,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for row in told::studies(conn, piece.wanted, piece.after, piece.limit).await? {
        let (at, id) = (row.arrived_at, row.id.clone());
        let entry = if kind == Kind::Task {
            task::load(conn, server, row, piece.now).await?
        } else {
            study::load(conn, server, row).await?
        };
        found.push(Row {
            at,
            id,
            entries: vec![entry],
        });
    }
    Ok(found)
}

async fn of_results(
    conn: &impl ConnectionTrait,
    server: &Server,
    kind: Kind,
    piece: &Piece<'_>,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for row in told::results(conn, piece.wanted, piece.after, piece.limit).await? {
        let entries = parts(server, kind, &tell(conn, &row).await?);
        found.push(Row {
            at: row.created_at,
            id: row.id,
            entries,
        });
    }
    Ok(found)
}

/// The resources of this kind that a result consists of.
pub fn parts(server: &Server, kind: Kind, told: &Told) -> Vec<Entry> {
    match kind {
        Kind::DiagnosticReport => vec![told.report(server)],
        Kind::Observation => told.observations(server),
        Kind::Provenance => vec![provenance::of_result(server, told)],
        Kind::AuditEvent
        | Kind::Communication
        | Kind::Device
        | Kind::ImagingStudy
        | Kind::Patient
        | Kind::ServiceRequest
        | Kind::Subscription
        | Kind::Task => Vec::new(),
    }
}

/// A result with the study that it is about.
pub async fn tell(conn: &impl ConnectionTrait, row: &result::Model) -> Result<Told, StoreError> {
    let study = row
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the result"))?;
    let studied = Studied::of(conn, studies::get(conn, study).await?).await?;
    Told::of(conn, row, &studied).await
}

async fn pages(
    conn: &impl ConnectionTrait,
    server: &Server,
    piece: &Piece<'_>,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for (page, alert) in told::pages(conn, piece.wanted, piece.after, piece.limit).await? {
        let study = alert
            .study_id
            .parse()
            .map_err(|_| StoreError::Missing("study of the alert"))?;
        let studied = Studied::of(conn, studies::get(conn, study).await?).await?;
        let entry = communication::render(server, &page, &alert, &studied)?;
        found.push(Row {
            at: page.created_at,
            id: page.id,
            entries: vec![entry],
        });
    }
    Ok(found)
}

async fn orders(
    conn: &impl ConnectionTrait,
    server: &Server,
    piece: &Piece<'_>,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for row in told::orders(conn, piece.wanted, piece.after, piece.limit).await? {
        let (at, id) = (row.created_at, row.id.clone());
        let entry = service_request::load(conn, server, row).await?;
        found.push(Row {
            at,
            id,
            entries: entry.into_iter().collect(),
        });
    }
    Ok(found)
}

async fn audited(
    conn: &impl ConnectionTrait,
    server: &Server,
    piece: &Piece<'_>,
) -> Result<Vec<Row>, StoreError> {
    let rows = told::audit_entries(conn, piece.wanted, piece.after, piece.limit).await?;
    let row = |row: &crate::storage::entity::audit_entry::Model| Row {
        at: row.seq,
        id: row.seq.to_string(),
        entries: vec![audit_event::render(server, row)],
    };
    Ok(rows.iter().map(row).collect())
}

/// This service, and every model that has given a result.
async fn devices(conn: &impl ConnectionTrait, server: &Server) -> Result<Vec<Entry>, StoreError> {
    let mut all = vec![device::orchestrator(server)];
    for package in told::packages(conn).await? {
        if let Some(row) = told::of_package(conn, &package).await? {
            all.push(device::of_result(server, &tell(conn, &row).await?));
        }
    }
    Ok(all)
}

/// Patients are looked up, never listed.
async fn people(
    conn: &impl ConnectionTrait,
    server: &Server,
    query: &Query,
) -> Result<Vec<Entry>, StoreError> {
    let mut all = Vec::new();
    for row in patients_named(conn, &server.site, query).await? {
        all.push(patient::load(conn, server, row).await?);
    }
    Ok(all)
}

async fn subscribed(
    conn: &impl ConnectionTrait,
    server: &Server,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    let rows = subscriptions::all(conn).await?;
    Ok(rows
        .iter()
        .map(|row| subscription::render(server, row, now))
        .collect())
}
