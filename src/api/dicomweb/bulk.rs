//! Long binary values of an instance (PS3.18 10.4.1.1.5), by the addresses that its header gives them.

use crate::imaging::header::Header;
use crate::imaging::pixels::{Pixels, PixelsError};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use tocsin_domain::dicomweb::accept::{self, EXPLICIT_LITTLE};

use super::body::{self, Part, Piece};
use super::frames::refused;
use super::target::{Target, blocking, file_of};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;

/// (7FE0,0010), (7FE0,0008) and (7FE0,0009), which are not read to be handed out.
const PIXELS: [&str; 3] = ["7FE00010", "7FE00008", "7FE00009"];

#[derive(Deserialize)]
pub struct Wanted {
    path: String,
}

/// `GET …/bulkdata/{path}`.
pub async fn get(
    state: Data<State>,
    target: Target,
    wanted: Path<Wanted>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let (held, row) = target.held_instance(&state).await?;
    let is_pixels = PIXELS.contains(&wanted.path.to_ascii_uppercase().as_str());
    let stored = if is_pixels {
        row.transfer_syntax.as_str()
    } else {
        EXPLICIT_LITTLE
    };
    let form = accept::frames(&target.accept, stored, true).ok_or_else(|| {
        ApiError::NotAcceptable(format!(
            "stored as {stored}; expected multipart/related; type=\"application/octet-stream\" with transfer-syntax=*"
        ))
    })?;
    views::viewed_in_pieces(&state, &who, "study.retrieve", [held.study.clone()]).await?;
    let (file, path) = (file_of(&state, &row)?, wanted.into_inner().path);
    let values = blocking(move || match is_pixels {
        true => pixels(&file).map_err(refused),
        false => {
            let header = Header::open(&file).map_err(|_| ApiError::NotFound("value that can be read"))?;
            let value = header
                .value(&path)
                .ok_or(ApiError::NotFound("value at this path"))?;
            Ok(vec![vec![Piece::Bytes(value.into())]])
        }
    })
    .await??;
    let media_type = format!("{}; transfer-syntax={}", form.media_type, form.transfer_syntax);
    let part = |pieces| Part {
        media_type: media_type.clone(),
        pieces,
    };
    let mut parts: Vec<Part> = values.into_iter().map(part).collect();
    match (form.multipart, parts.len(), parts.pop()) {
        (false, 1, Some(only)) => Ok(body::single(only)),
        (_, _, last) => {
            parts.extend(last);
            let boundary = state.store.ids().uuid().simple().to_string();
            Ok(body::multipart(
                StatusCode::OK,
                &form.media_type,
                &boundary,
                parts,
            ))
        }
    }
}

/// All of native ones in one part, each frame of compressed ones in its own.
fn pixels(file: &std::path::Path) -> Result<Vec<Vec<Piece>>, PixelsError> {
    let found = Pixels::find(file)?;
    let piece = |(from, length)| Piece::File {
        path: file.to_owned(),
        from,
        length,
    };
    if let Some(all) = found.native() {
        return Ok(vec![vec![piece(all)]]);
    }
    let frames = (0..found.frames).map(|number| found.frame(number));
    let frames: Option<Vec<_>> = frames.collect();
    let frames = frames.ok_or(PixelsError::Encoding)?;
    Ok(frames
        .into_iter()
        .map(|ranges| ranges.into_iter().map(piece).collect())
        .collect())
}
