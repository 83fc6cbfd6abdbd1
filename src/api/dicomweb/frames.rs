//! Frames of an instance as they are stored (PS3.18 10.4.1.1.4): read from where they lie in the file, decoded by whoever asks.

use crate::imaging::pixels::{Pixels, PixelsError};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use tocsin_domain::dicomweb::accept;

use super::body::{self, Part, Piece};
use super::target::{Target, blocking, file_of};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;

/// Frames of one request.
const MOST: usize = 10_000;

#[derive(Deserialize)]
pub struct Wanted {
    frames: String,
}

/// `GET …/frames/{frames}`.
pub async fn get(
    state: Data<State>,
    target: Target,
    wanted: Path<Wanted>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let numbers = numbers(&wanted.frames)?;
    let (held, row) = target.held_instance(&state).await?;
    let single = numbers.len() == 1;
    let form = accept::frames(&target.accept, &row.transfer_syntax, single).ok_or_else(|| {
        let own = accept::media_type(&row.transfer_syntax).unwrap_or("application/dicom of the whole instance");
        ApiError::NotAcceptable(format!(
            "frames are stored as {}; expected multipart/related; type=\"{own}\", or type=\"application/octet-stream\" with transfer-syntax=*",
            row.transfer_syntax
        ))
    })?;
    views::viewed_in_pieces(&state, &who, "study.retrieve", [held.study.clone()]).await?;
    let path = file_of(&state, &row)?;
    let frames = blocking(move || found(&path, &numbers)).await?.map_err(refused)?;
    let frames = frames.ok_or(ApiError::NotFound("frame"))?;
    let media_type = format!("{}; transfer-syntax={}", form.media_type, form.transfer_syntax);
    let mut parts: Vec<Part> = frames
        .into_iter()
        .map(|pieces| Part {
            media_type: media_type.clone(),
            pieces,
        })
        .collect();
    match (form.multipart, parts.pop()) {
        (false, Some(only)) => Ok(body::single(only)),
        (_, last) => {
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

/// The pieces of each frame; `None` where there is none of a number. Blocking.
fn found(file: &std::path::Path, numbers: &[u32]) -> Result<Option<Vec<Vec<Piece>>>, PixelsError> {
    let pixels = Pixels::find(file)?;
    if numbers.iter().any(|number| *number >= pixels.frames) {
        return Ok(None);
    }
    let piece = |(from, length)| Piece::File {
        path: file.to_owned(),
        from,
        length,
    };
    let frame = |number: &u32| {
        let ranges = pixels.frame(*number).ok_or(PixelsError::Encoding)?;
        Ok(ranges.into_iter().map(piece).collect())
    };
    numbers.iter().map(frame).collect::<Result<Vec<_>, _>>().map(Some)
}

/// Why a file shows no frames.
pub fn refused(error: PixelsError) -> ApiError {
    match error {
        PixelsError::None => ApiError::NotFound("frame: the object has no Pixel Data"),
        PixelsError::Encoding => ApiError::NotAcceptable(error.to_string()),
        PixelsError::Read(_) | PixelsError::NotDicom | PixelsError::Malformed => {
            tracing::warn!(%error, "the pixels of a stored object cannot be found");
            ApiError::NotFound("frame that can be read")
        }
    }
}

/// From 1 in the path to from 0 here.
fn numbers(list: &str) -> Result<Vec<u32>, ApiError> {
    let numbers: Option<Vec<u32>> = list
        .split(',')
        .take(MOST + 1)
        .map(|number| number.trim().parse::<u32>().ok()?.checked_sub(1))
        .collect();
    match numbers {
        Some(numbers) if numbers.len() <= MOST => Ok(numbers),
        Some(_) | None => Err(ApiError::BadRequest(format!(
            "frames in the path: expected at most {MOST} numbers from 1, such as 1,2,3"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_from_one() {
        assert_eq!(numbers("1,3"), Ok(vec![0, 2]));
        for bad in ["", "0", "1,,2", "-1", "x", "4294967296", &"1,".repeat(MOST + 1)] {
            assert!(numbers(bad).is_err());
        }
    }
}
