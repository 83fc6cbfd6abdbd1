//! WADO-RS (PS3.18 10.4): the instances of a study, a series or one, streamed from their files in an encoding that the client takes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use tocsin_domain::dicomweb::accept::{DICOM, EXPLICIT_LITTLE, Files, Instance, files};

use super::body::{self, Part, Piece};
use super::target::{Held, Target, blocking, file_of};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;
use crate::storage::entity::instance;

/// Encodings that a refusal names.
const NAMED: usize = 8;

/// `GET /dicom-web/studies/{study}[/series/{series}[/instances/{instance}]]`.
pub async fn get(state: Data<State>, target: Target, who: Principal) -> Result<HttpResponse, ApiError> {
    let held = target.held(&state).await?;
    let single = target.instance.is_some();
    let (form, given) = chosen(&files(&target.accept, single), &held)?;
    views::viewed_in_pieces(&state, &who, "study.retrieve", [held.study.clone()]).await?;
    let mut wanted = Vec::with_capacity(given.len());
    for (row, how) in given {
        wanted.push((
            file_of(&state, row)?,
            row.length,
            how,
            row.transfer_syntax.clone(),
        ));
    }
    let all = held.instances.len();
    let parts: Vec<Part> = blocking(move || {
        let there = wanted.into_iter().filter(|(path, ..)| path.is_file());
        there
            .map(|(path, length, how, stored)| {
                let (piece, syntax) = match how {
                    Instance::AsStored => {
                        let length = u64::try_from(length).unwrap_or(0);
                        (
                            Piece::File {
                                path,
                                from: 0,
                                length,
                            },
                            stored,
                        )
                    }
                    Instance::ExplicitLittle => (Piece::ExplicitLittle(path), EXPLICIT_LITTLE.to_owned()),
                };
                Part {
                    media_type: format!("{DICOM}; transfer-syntax={syntax}"),
                    pieces: vec![piece],
                }
            })
            .collect()
    })
    .await?;
    let status = match parts.len() {
        0 => return Err(ApiError::NotFound("stored file of these instances")),
        some if some < all => StatusCode::PARTIAL_CONTENT,
        _ => StatusCode::OK,
    };
    let mut parts = parts;
    match (form.multipart, parts.pop()) {
        (false, Some(only)) if parts.is_empty() => Ok(body::single(only)),
        (_, last) => {
            parts.extend(last);
            let boundary = state.store.ids().uuid().simple().to_string();
            Ok(body::multipart(status, DICOM, &boundary, parts))
        }
    }
}

/// An instance, and how it can be given.
type Given<'h> = (&'h instance::Model, Instance);

/// The first form in which at least one instance can be given, and those that can.
fn chosen<'h>(forms: &[Files], held: &'h Held) -> Result<(Files, Vec<Given<'h>>), ApiError> {
    for form in forms {
        let given = held.instances.iter();
        let given: Vec<_> = given
            .filter_map(|row| Some((row, form.of(&row.transfer_syntax)?)))
            .collect();
        if !given.is_empty() {
            return Ok((form.clone(), given));
        }
    }
    let mut stored: Vec<&str> = held
        .instances
        .iter()
        .map(|row| row.transfer_syntax.as_str())
        .collect();
    stored.sort_unstable();
    stored.dedup();
    stored.truncate(NAMED);
    Err(ApiError::NotAcceptable(format!(
        "stored as {}; expected multipart/related; type=\"application/dicom\" with transfer-syntax=* or one of these",
        stored.join(", ")
    )))
}
