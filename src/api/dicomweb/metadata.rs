//! The headers of instances in DICOM's JSON (PS3.18 10.4.1.1.2), read while they are sent: only what stands before the pixels.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use crate::imaging::header::Header;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use serde_json::{Map, Value, json};
use tokio::task::spawn_blocking;

use super::answer::{JSON, takes_json};
use super::target::{Held, Target, blocking, file_of};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;
use crate::storage::entity::instance;
use crate::storage::instances;

/// Headers that are read before some are sent.
const AT_ONCE: usize = 32;
const PIXEL_DATA: &str = "7FE00010";

/// An instance whose header is wanted.
struct Wanted {
    id: String,
    path: PathBuf,
    /// Of the instance; its values lie below.
    address: String,
    sop_class: String,
    sop_uid: String,
    /// What its Pixel Data are kept as, if it has any.
    pixels: Option<&'static str>,
}

/// `GET …/metadata`.
pub async fn get(state: Data<State>, target: Target, who: Principal) -> Result<HttpResponse, ApiError> {
    takes_json(&target.accept)?;
    let held = target.held(&state).await?;
    views::viewed_in_pieces(&state, &who, "study.retrieve", [held.study.clone()]).await?;
    let mut wanted = Vec::with_capacity(held.instances.len());
    for row in &held.instances {
        wanted.push(of(&state, &held, row)?);
    }
    let there = blocking(move || {
        let there = wanted.into_iter().filter(|one| one.path.is_file());
        there.collect::<VecDeque<_>>()
    })
    .await?;
    let status = match there.len() {
        0 => return Err(ApiError::NotFound("stored file of these instances")),
        some if some < held.instances.len() => StatusCode::PARTIAL_CONTENT,
        _ => StatusCode::OK,
    };
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, JSON))
        .streaming(list(there)))
}

fn of(state: &State, held: &Held, row: &instance::Model) -> Result<Wanted, ApiError> {
    let facts = instances::facts_of(row)?;
    Ok(Wanted {
        id: row.id.clone(),
        path: file_of(state, row)?,
        address: held.address_of(row),
        sop_class: row.sop_class.clone(),
        sop_uid: row.sop_uid.clone(),
        pixels: facts.has_pixels.then(|| pixels_vr(&row.transfer_syntax)),
    })
}

/// Encapsulated pixels are bytes, native ones words (PS3.5 A).
fn pixels_vr(transfer_syntax: &str) -> &'static str {
    let encapsulated =
        transfer_syntax.starts_with("1.2.840.10008.1.2.4.") || transfer_syntax == "1.2.840.10008.1.2.5";
    if encapsulated { "OB" } else { "OW" }
}

fn list(wanted: VecDeque<Wanted>) -> impl Stream<Item = Result<Bytes, io::Error>> {
    stream::try_unfold((wanted, "["), |(mut wanted, before)| async move {
        if before.is_empty() {
            return Ok(None);
        }
        let some = spawn_blocking(move || {
            let some = some(&mut wanted, before)?;
            let next = if wanted.is_empty() { "" } else { "," };
            Ok::<_, io::Error>((some, (wanted, next)))
        });
        some.await.map_err(io::Error::other)?.map(Some)
    })
}

/// The next headers of the list, behind what stands before them. Blocking.
fn some(wanted: &mut VecDeque<Wanted>, before: &str) -> io::Result<Bytes> {
    let mut text = before.as_bytes().to_vec();
    for at in 0..AT_ONCE {
        let Some(one) = wanted.pop_front() else { break };
        if at > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &Value::Object(one.read()))?;
    }
    if wanted.is_empty() {
        text.push(b']');
    }
    Ok(text.into())
}

impl Wanted {
    /// Of a file whose header cannot be parsed, what it is; its bytes can be retrieved all the same.
    fn read(&self) -> Map<String, Value> {
        let mut map = header(&self.path, &self.address).unwrap_or_else(|| {
            tracing::warn!(instance.id = %self.id, "the header of a stored object cannot be read");
            Map::from_iter([
                (
                    "00080016".to_owned(),
                    json!({ "vr": "UI", "Value": [self.sop_class] }),
                ),
                (
                    "00080018".to_owned(),
                    json!({ "vr": "UI", "Value": [self.sop_uid] }),
                ),
            ])
        });
        if let Some(vr) = self.pixels {
            let address = format!("{}/bulkdata/{PIXEL_DATA}", self.address);
            map.insert(PIXEL_DATA.to_owned(), json!({ "vr": vr, "BulkDataURI": address }));
        }
        map
    }
}

/// The header of a stored file; values that are too long for it are addressed below `address`. Blocking.
pub fn header(path: &Path, address: &str) -> Option<Map<String, Value>> {
    let header = Header::open(path).ok()?;
    Some(header.to_json(&|path| format!("{address}/bulkdata/{path}")))
}
