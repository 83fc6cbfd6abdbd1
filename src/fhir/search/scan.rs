//! Goes through the rows that may answer a search until a piece of the answer is full. It looks at a bounded number of rows; a
//! piece that found less for that says where to go on.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tocsin_domain::clock::Timestamp;

use super::narrow::narrow;
use super::param::Type;
use super::query::{Criterion, Cursor, Query};
use super::rows::{self, Piece, Row};
use super::value::at;
use crate::fhir::{Entry, Server};
use crate::storage::StoreError;

/// Rows that are read at a time, and that one request looks at.
const BATCH: u64 = 50;
const MOST_ROWS: usize = 500;

/// A piece of an answer.
pub struct Found {
    pub entries: Vec<Entry>,
    /// Where the next piece begins; none at the end.
    pub next: Option<Cursor>,
}

pub async fn search(
    conn: &impl ConnectionTrait,
    server: &Server,
    query: &Query,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let mut found = Found {
        entries: Vec::new(),
        next: None,
    };
    if query.count == 0 {
        return Ok(found);
    }
    let wanted = narrow(conn, server, query).await?;
    let mut cursor = query.cursor.clone();
    let mut looked_at = 0;
    loop {
        let after = cursor.as_ref().map(Cursor::row);
        let piece = Piece {
            wanted: &wanted,
            after: after.as_ref(),
            limit: BATCH,
            now,
        };
        let rows = rows::load(conn, server, query, &piece).await?;
        let is_last = u64::try_from(rows.len()).is_ok_and(|length| length != BATCH);
        for row in rows {
            let past = cursor.as_ref().filter(|cursor| cursor.id == row.id);
            let past = past.map_or(0, |cursor| cursor.past);
            let end = take(server, query, row, past, &mut found);
            if found.next.is_some() {
                return Ok(found);
            }
            looked_at += 1;
            cursor = Some(end);
        }
        match (is_last, looked_at >= MOST_ROWS) {
            (true, _) => return Ok(found),
            (false, true) => {
                found.next = cursor;
                return Ok(found);
            }
            (false, false) => {}
        }
    }
}

/// Takes what matches of a row, as far as the piece has room. Where the row ends; a full piece goes on within it.
fn take(server: &Server, query: &Query, row: Row, past: usize, found: &mut Found) -> Cursor {
    let cursor = |past| Cursor {
        at: row.at,
        id: row.id.clone(),
        past,
    };
    let length = row.entries.len();
    for (place, entry) in row.entries.into_iter().enumerate().skip(past) {
        if !matches(query, &entry.resource, server) {
            continue;
        }
        if found.entries.len() == query.count {
            found.next = Some(cursor(place));
            break;
        }
        found.entries.push(entry);
    }
    cursor(length)
}

/// Whether a resource meets everything that can be seen in it. Whose it is was decided when the rows were chosen.
pub fn matches(query: &Query, resource: &Value, server: &Server) -> bool {
    query
        .criteria
        .iter()
        .all(|criterion| is_met(criterion, resource, server))
}

fn is_met(criterion: &Criterion, resource: &Value, server: &Server) -> bool {
    let of_patient = ["patient", "subject"].contains(&criterion.param.name);
    if criterion.param.kind == Type::PatientIdentifier || of_patient {
        return true;
    }
    let values = at(resource, criterion.param.path);
    let zone = server.time_zone;
    criterion
        .any
        .iter()
        .any(|sought| values.iter().any(|value| sought.is(value, zone)))
}

/// The answer as a bundle.
pub fn bundle(server: &Server, query: &Query, found: &Found) -> Value {
    let address = |cursor: Option<&Cursor>| {
        let asked = query.text(cursor);
        let mark = if asked.is_empty() { "" } else { "?" };
        format!("{}/{}{mark}{asked}", server.base, query.kind.name())
    };
    let mut links = vec![json!({ "relation": "self", "url": address(query.cursor.as_ref()) })];
    if let Some(next) = &found.next {
        links.push(json!({ "relation": "next", "url": address(Some(next)) }));
    }
    let entry = |entry: &Entry| {
        json!({
            "fullUrl": server.address(query.kind, &entry.id),
            "resource": entry.resource,
            "search": { "mode": "match" },
        })
    };
    let entries: Vec<Value> = found.entries.iter().map(entry).collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": links });
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    bundle
}
