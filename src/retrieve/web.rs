//! DICOMweb: QIDO-RS to find, WADO-RS to fetch (PS3.18 sections 10.6 and 10.4). Bodies are read under a limit, instances as
//! they come; no redirect is followed, and no error names the address that was asked: it would name the patient.

mod json;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tocsin_domain::multipart::{self, Multipart, Piece};
use tocsin_domain::priors::{Bounds, Chosen, Described, Wanted, may_be_prior};

use super::{Fetched, RetrieveError, Taker};
use crate::deliver::web::{JSON, WebError, WebPeer, body, get, reach};
use crate::ingest::dicom::intake::Endless;
use crate::ingest::dicom::parts::Part;

/// What is written as it is (RFC 3986 2.3); Orthanc does not undo the escape of a hyphen.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// In whatever encoding they are kept (PS3.18 8.7.3.5.2).
const INSTANCES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
/// Longest answer to a question.
const MAX_JSON_BYTES: usize = 4 * 1024 * 1024;

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
    let body = body(answer, MAX_JSON_BYTES).await.map_err(RetrieveError::Web)?;
    let found: Vec<Value> =
        serde_json::from_slice(&body).map_err(|_| RetrieveError::Web(WebError::NotJson))?;
    match found.len() > most {
        true => Err(RetrieveError::TooManyAnswers { limit: most }),
        false => Ok(found),
    }
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
    let mut part = None;
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
    part: Option<Part>,
    piece: Piece,
    taker: &Taker<'_>,
    fetched: &mut Fetched,
) -> Result<Option<Part>, RetrieveError> {
    match (part, piece) {
        (_, Piece::Begin) if fetched.instances >= taker.most => {
            Err(RetrieveError::TooManyInstances { limit: taker.most })
        }
        (_, Piece::Begin) => Ok(Some(Part::begin())),
        (Some(part), Piece::Data(bytes)) => {
            let part = part.push(&bytes, taker.intake, taker.origin).await;
            part.map(Some).map_err(|Endless| RetrieveError::Endless)
        }
        (Some(part), Piece::End) => {
            match part.end(taker.intake, taker.origin).await.outcome {
                Ok(_) => fetched.instances += 1,
                Err(refusal) => fetched.refuse(refusal.reason),
            }
            Ok(None)
        }
        (None, Piece::Data(_) | Piece::End) => Ok(None),
    }
}
