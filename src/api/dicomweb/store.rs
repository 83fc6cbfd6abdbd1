//! STOW-RS (PS3.18 10.5): instances come in as parts of one body, each taken in like one that a modality sends, and the answer says what
//! became of each. The end of the request is the end of an association.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use async_trait::async_trait;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tocsin_domain::dicomweb::accept::DICOM;
use tocsin_domain::ids::Uid;
use tocsin_domain::multipart::{self, Multipart, Piece};

use super::answer::{JSON, takes_json};
use super::target::Target;
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::audit;

/// Parts of one request; a study with more comes in several.
const MOST_PARTS: usize = 10_000;
/// Between two pieces of a body.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Out of resources: the same may be stored later (PS3.4 B.2.3).
const OUT_OF_RESOURCES: std::ops::RangeInclusive<u16> = 0xA700..=0xA7FF;

/// Who sends, and what for.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Stands for the AE title of one who comes by DICOM.
    pub name: String,
    pub address: Option<SocketAddr>,
    /// Instances of any other are refused.
    pub study: Option<Uid>,
}

/// Takes images in, as the listener does.
pub trait ImageStore: Send + Sync {
    fn open(&self, sender: Sender) -> Box<dyn Storing>;
}

/// One request on its way in.
#[async_trait]
pub trait Storing: Send {
    fn begin(&mut self);

    /// # Errors
    /// A part that does not end.
    async fn data(&mut self, bytes: &[u8]) -> Result<(), Endless>;

    /// A part is whole: returns when it is on stable storage and filed, or refused.
    async fn end(&mut self) -> Stored;

    /// No more will come.
    async fn close(self: Box<Self>, ending: Ending);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endless;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    Broken,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SOP class and instance, where it says so.
    pub named: Option<[String; 2]>,
    /// The study that it is filed under, or the reason of PS3.18 table I.2-2.
    pub outcome: Result<Uid, u16>,
}

/// Why a body cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("the body broke off, or nothing came of it for {} s", PIECE_TIMEOUT.as_secs())]
    Off,
    #[error("not multipart/related: {0}")]
    Malformed(multipart::MultipartError),
    #[error("more than {MOST_PARTS} parts; send the rest in another request")]
    TooMany,
    #[error("a part does not end")]
    Endless,
}

/// `POST /dicom-web/studies[/{study}]`.
pub async fn post(
    state: Data<State>,
    target: Target,
    request: HttpRequest,
    payload: Payload,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    takes_json(&target.accept)?;
    let boundary = boundary(&request)?;
    let mut storing = state.images.open(Sender {
        name: who.name.clone(),
        address: request.peer_addr(),
        study: target.study.clone(),
    });
    let mut stored = Vec::new();
    let read = read(payload, &boundary, storing.as_mut(), &mut stored).await;
    storing
        .close(if read.is_ok() {
            Ending::Whole
        } else {
            Ending::Broken
        })
        .await;
    note(&state, &who, &stored, read.is_ok()).await?;
    if let Err(broken) = read {
        return Err(refused(broken, &stored));
    }
    if stored.is_empty() {
        return Err(ApiError::BadRequest("the body has no parts".to_owned()));
    }
    Ok(HttpResponse::build(status(&stored))
        .insert_header((CONTENT_TYPE, JSON))
        .body(told(&stored, &target.base(&state)).to_string()))
}

/// The boundary of a body whose parts are DICOM files.
fn boundary(request: &HttpRequest) -> Result<String, ApiError> {
    let text = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let text = text.unwrap_or_default();
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let parameters = multipart::parameters_of(parameters);
    let of_parts = parameters
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("type"));
    let is_multipart = kind.trim().eq_ignore_ascii_case("multipart/related");
    if !is_multipart || of_parts.is_some_and(|(_, kind)| !kind.eq_ignore_ascii_case(DICOM)) {
        return Err(ApiError::Unsupported(
            "expected multipart/related; type=\"application/dicom\"; boundary=…",
        ));
    }
    multipart::boundary(text).ok_or_else(|| {
        ApiError::BadRequest("Content-Type: expected a boundary of 1 to 200 characters".to_owned())
    })
}

async fn read(
    mut payload: Payload,
    boundary: &str,
    storing: &mut dyn Storing,
    stored: &mut Vec<Stored>,
) -> Result<(), Broken> {
    let mut parts = Multipart::new(boundary);
    let mut begun = 0;
    loop {
        let bytes = match tokio::time::timeout(PIECE_TIMEOUT, payload.next()).await {
            Ok(Some(Ok(bytes))) => bytes,
            Ok(None) => return parts.finish().map_err(Broken::Malformed),
            Ok(Some(Err(_))) | Err(_) => return Err(Broken::Off),
        };
        for piece in parts.push(&bytes).map_err(Broken::Malformed)? {
            match piece {
                Piece::Begin if begun >= MOST_PARTS => return Err(Broken::TooMany),
                Piece::Begin => {
                    begun += 1;
                    storing.begin();
                }
                Piece::Data(bytes) => storing.data(&bytes).await.map_err(|Endless| Broken::Endless)?,
                Piece::End => stored.push(storing.end().await),
            }
        }
    }
}

/// What was kept before it broke stays, and is the same when it comes again.
fn refused(broken: Broken, stored: &[Stored]) -> ApiError {
    let kept = stored.iter().filter(|one| one.outcome.is_ok()).count();
    let text = format!("{broken}; {kept} instances before are stored");
    match broken {
        Broken::Off | Broken::Malformed(_) => ApiError::BadRequest(text),
        Broken::TooMany => ApiError::TooBroad(
            "more than 10000 parts; those before are stored, send the rest in another request",
        ),
        Broken::Endless => ApiError::TooLarge,
    }
}

fn status(stored: &[Stored]) -> StatusCode {
    let failures: Vec<u16> = stored
        .iter()
        .filter_map(|one| one.outcome.as_ref().err().copied())
        .collect();
    match failures.len() {
        0 => StatusCode::OK,
        some if some < stored.len() => StatusCode::ACCEPTED,
        _ if failures.iter().all(|reason| OUT_OF_RESOURCES.contains(reason)) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::CONFLICT,
    }
}

/// The Store Instances Response (PS3.18 annex I.2).
fn told(stored: &[Stored], base: &str) -> Value {
    let (mut kept, mut failed, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let mut studies: Vec<&Uid> = Vec::new();
    for one in stored {
        match (&one.outcome, &one.named) {
            (Ok(study), named) => {
                if !studies.contains(&study) {
                    studies.push(study);
                }
                kept.push(item(named.as_ref(), None));
            }
            (Err(reason), Some(named)) => failed.push(item(Some(named), Some(*reason))),
            (Err(reason), None) => other.push(item(None, Some(*reason))),
        }
    }
    let mut told = serde_json::Map::new();
    if let [study] = studies.as_slice() {
        let address = format!("{base}/studies/{study}");
        told.insert("00081190".to_owned(), json!({ "vr": "UR", "Value": [address] }));
    }
    for (tag, items) in [("00081198", failed), ("00081199", kept), ("0008119A", other)] {
        if !items.is_empty() {
            told.insert(tag.to_owned(), json!({ "vr": "SQ", "Value": items }));
        }
    }
    Value::Object(told)
}

fn item(named: Option<&[String; 2]>, reason: Option<u16>) -> Value {
    let mut item = serde_json::Map::new();
    if let Some([class, instance]) = named {
        item.insert("00081150".to_owned(), json!({ "vr": "UI", "Value": [class] }));
        item.insert("00081155".to_owned(), json!({ "vr": "UI", "Value": [instance] }));
    }
    if let Some(reason) = reason {
        item.insert("00081197".to_owned(), json!({ "vr": "US", "Value": [reason] }));
    }
    Value::Object(item)
}

/// Who brought images over HTTP, on the audit chain; the images themselves are filed already.
async fn note(state: &State, who: &Principal, stored: &[Stored], whole: bool) -> Result<(), ApiError> {
    let kept = stored.iter().filter(|one| one.outcome.is_ok()).count();
    let detail = json!({ "stored": kept, "failed": stored.len() - kept, "whole": whole });
    let event = who.did(
        "images.store",
        "instances".to_owned(),
        &state.settings.site.0,
        detail,
    );
    state
        .store
        .write_together(move |tx| Box::pin(async move { audit::record(tx, event).await }))
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(outcome: Result<&str, u16>) -> Stored {
        Stored {
            named: Some(["1.2".to_owned(), "1.3".to_owned()]),
            outcome: outcome.map(|uid| Uid::parse(uid).expect("uid")),
        }
    }

    #[test]
    fn the_status_says_whether_all_some_or_none_were_stored() {
        let table = [
            (vec![Ok("1.9")], StatusCode::OK),
            (vec![Ok("1.9"), Err(0xC000)], StatusCode::ACCEPTED),
            (vec![Err(0xA900), Err(0xA700)], StatusCode::CONFLICT),
            (vec![Err(0xA700)], StatusCode::SERVICE_UNAVAILABLE),
        ];
        for (outcomes, expected) in table {
            let all: Vec<Stored> = outcomes.into_iter().map(stored).collect();
            assert_eq!(status(&all), expected);
        }
    }

    #[test]
    fn each_part_is_told_where_the_standard_looks_for_it() {
        let nameless = Stored {
            named: None,
            outcome: Err(0xC000),
        };
        let told = told(
            &[stored(Ok("1.9")), stored(Err(0xA900)), nameless],
            "http://here/dicom-web",
        );
        assert_eq!(told["00081190"]["Value"][0], "http://here/dicom-web/studies/1.9");
        assert_eq!(told["00081199"]["Value"][0]["00081155"]["Value"][0], "1.3");
        assert_eq!(told["00081198"]["Value"][0]["00081197"]["Value"][0], 0xA900);
        assert_eq!(told["0008119A"]["Value"][0]["00081197"]["Value"][0], 0xC000);
    }
}
