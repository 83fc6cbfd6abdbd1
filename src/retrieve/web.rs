//! DICOMweb: QIDO-RS to find, WADO-RS to fetch (PS3.18 sections 10.6 and 10.4). Bodies are read under a limit, instances as
//! they come; no redirect is followed, and no error names the address that was asked: it would name the patient.

mod json;
mod multipart;

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tocsin_domain::dimse::Head;
use tocsin_domain::part10::FileMeta;
use tocsin_domain::priors::{Bounds, Chosen, Described, Wanted, may_be_prior};

use super::{Fetched, RetrieveError, Taker};
use crate::ingest::dicom::intake::{Endless, Taking};
use multipart::{Multipart, MultipartError, Piece};

/// What is written as it is (RFC 3986 2.3); Orthanc does not undo the escape of a hyphen.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const JSON: &str = "application/dicom+json";
/// In whatever encoding they are kept (PS3.18 8.7.3.5.2).
const INSTANCES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
/// Longest answer to a question.
const MAX_JSON_BYTES: usize = 4 * 1024 * 1024;
/// Preamble and file meta group, before the data set begins.
const MAX_META_BYTES: usize = 64 * 1024;

/// A DICOMweb server.
#[derive(Clone)]
pub struct WebPeer {
    /// Below it lies `/studies`; without a slash at its end.
    pub base: String,
    pub credentials: Option<Credentials>,
    pub client: Client,
}

/// How we say who we are; never printed.
#[derive(Clone)]
pub enum Credentials {
    Bearer(String),
    Basic { user: String, password: String },
}

impl fmt::Debug for WebPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPeer")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("the server could not be reached, or broke off")]
    Reach(#[source] reqwest::Error),
    #[error("the server answered with status {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    #[error("the answer is not a list in DICOM's JSON")]
    NotJson,
    #[error("the answer is not multipart/related: {0}")]
    Multipart(#[source] MultipartError),
    #[error("the answer is of type {0}, expected multipart/related with a boundary")]
    NotMultipart(String),
}

impl WebError {
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Reach(_) => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) | Self::NotJson | Self::Multipart(_) | Self::NotMultipart(_) => false,
        }
    }
}

pub async fn search(
    peer: &WebPeer,
    wanted: &Wanted,
    bounds: &Bounds,
    most: usize,
) -> Result<Vec<Described>, RetrieveError> {
    let number = utf8_percent_encode(wanted.patient.value.trim(), UNRESERVED);
    let asked = format!(
        "/studies?PatientID={number}&includefield=PatientBirthDate,PatientSex,IssuerOfPatientID&limit={}",
        most + 1
    );
    let mut studies: Vec<Described> = list(peer, &asked, most)
        .await?
        .iter()
        .filter_map(json::described)
        .collect();
    for study in &mut studies {
        if may_be_prior(study, wanted, bounds).is_ok() {
            let asked = format!(
                "/studies/{}/series?includefield=BodyPartExamined",
                study.study_uid
            );
            let found = list(peer, &asked, most).await?;
            study.series = found.iter().filter_map(json::described_series).collect();
        }
    }
    Ok(studies)
}

async fn list(peer: &WebPeer, path: &str, most: usize) -> Result<Vec<Value>, RetrieveError> {
    let answer = get(peer, path, JSON).await.map_err(RetrieveError::Web)?;
    if answer.status() == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    let body = body(answer).await.map_err(RetrieveError::Web)?;
    let found: Vec<Value> =
        serde_json::from_slice(&body).map_err(|_| RetrieveError::Web(WebError::NotJson))?;
    match found.len() > most {
        true => Err(RetrieveError::TooManyAnswers { limit: most }),
        false => Ok(found),
    }
}

async fn get(peer: &WebPeer, path: &str, accept: &str) -> Result<Response, WebError> {
    let request = peer
        .client
        .get(format!("{}{path}", peer.base))
        .header(ACCEPT, accept);
    let request = match &peer.credentials {
        Some(Credentials::Bearer(token)) => request.bearer_auth(token),
        Some(Credentials::Basic { user, password }) => request.basic_auth(user, Some(password)),
        None => request,
    };
    let answer = request.send().await.map_err(reach)?;
    match answer.status() {
        // 206: what of it could be had (PS3.18 10.4.3).
        StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT => Ok(answer),
        status => Err(WebError::Status(status)),
    }
}

fn reach(error: reqwest::Error) -> WebError {
    WebError::Reach(error.without_url())
}

async fn body(mut answer: Response) -> Result<Vec<u8>, WebError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(reach)? {
        if body.len() + piece.len() > MAX_JSON_BYTES {
            return Err(WebError::TooLarge(MAX_JSON_BYTES));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

pub async fn fetch(peer: &WebPeer, chosen: &Chosen, taker: &Taker<'_>) -> Result<Fetched, RetrieveError> {
    let mut fetched = Fetched::default();
    for series in &chosen.series {
        let path = format!("/studies/{}/series/{series}", chosen.study_uid);
        let answer = get(peer, &path, INSTANCES).await.map_err(RetrieveError::Web)?;
        if answer.status() != StatusCode::NO_CONTENT {
            instances(answer, taker, &mut fetched).await?;
        }
    }
    Ok(fetched)
}

/// A part of the answer on its way in.
enum Part {
    None,
    /// The file's head, not yet complete.
    Head(Vec<u8>),
    Instance(Box<Taking>),
    /// Not an instance; passed over.
    Odd,
}

async fn instances(
    mut answer: Response,
    taker: &Taker<'_>,
    fetched: &mut Fetched,
) -> Result<(), RetrieveError> {
    let kind = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let boundary = multipart::boundary(kind).ok_or_else(|| {
        let said = kind.chars().filter(|c| !c.is_control()).take(64).collect();
        RetrieveError::Web(WebError::NotMultipart(said))
    })?;
    let malformed = |error| RetrieveError::Web(WebError::Multipart(error));
    let mut parts = Multipart::new(&boundary);
    let mut part = Part::None;
    while let Some(bytes) = answer
        .chunk()
        .await
        .map_err(|error| RetrieveError::Web(reach(error)))?
    {
        for piece in parts.push(&bytes).map_err(malformed)? {
            part = take(part, piece, taker, fetched).await?;
        }
    }
    parts.finish().map_err(malformed)
}

async fn take(
    part: Part,
    piece: Piece,
    taker: &Taker<'_>,
    fetched: &mut Fetched,
) -> Result<Part, RetrieveError> {
    match (part, piece) {
        (_, Piece::Begin) => Ok(Part::Head(Vec::new())),
        (Part::Head(mut head), Piece::Data(bytes)) => {
            head.extend_from_slice(&bytes);
            begun(head, taker, fetched).await
        }
        (Part::Instance(mut taking), Piece::Data(bytes)) => {
            taking
                .push(&bytes)
                .await
                .map_err(|Endless| RetrieveError::Endless)?;
            Ok(Part::Instance(taking))
        }
        (Part::Instance(taking), Piece::End) => {
            if fetched.instances >= taker.most {
                return Err(RetrieveError::TooManyInstances { limit: taker.most });
            }
            match taker.intake.finish(taker.origin, *taking).await {
                Ok(()) => fetched.instances += 1,
                Err(refusal) => fetched.refuse(refusal.reason),
            }
            Ok(Part::None)
        }
        (Part::Head(_) | Part::Odd, Piece::End) => {
            fetched.refuse("a part that is not a DICOM file".to_owned());
            Ok(Part::None)
        }
        (odd @ (Part::None | Part::Odd), Piece::Data(_) | Piece::End) => Ok(odd),
    }
}

/// Once the file meta group is there, the data set goes the way of everything that is received.
async fn begun(head: Vec<u8>, taker: &Taker<'_>, fetched: &Fetched) -> Result<Part, RetrieveError> {
    let Ok((meta, start)) = FileMeta::read(&head) else {
        return Ok(match head.len() > MAX_META_BYTES {
            true => Part::Odd,
            false => Part::Head(head),
        });
    };
    if fetched.instances >= taker.most {
        return Err(RetrieveError::TooManyInstances { limit: taker.most });
    }
    let named = Head {
        command_field: 0,
        message_id: 0,
        sop_class: meta.sop_class.to_string(),
        sop_instance: meta.sop_instance.to_string(),
        has_data_set: true,
    };
    let mut taking = taker
        .intake
        .begin(taker.origin, named, meta.transfer_syntax.as_str());
    taking
        .push(&head[start..])
        .await
        .map_err(|Endless| RetrieveError::Endless)?;
    Ok(Part::Instance(Box::new(taking)))
}
