//! A frame as a picture (PS3.18 10.4.1.1.3), drawn where previews are drawn. Not for diagnosis.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Query};
use serde::Deserialize;

use super::target::Target;
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::preview::PreviewFailure;
use crate::api::state::State;
use crate::api::views;

const PNG: &str = "image/png";

#[derive(Deserialize)]
pub struct Look {
    window: Option<String>,
    viewport: Option<String>,
}

/// `GET …/rendered` and `GET …/frames/{frames}/rendered`.
pub async fn get(
    state: Data<State>,
    target: Target,
    request: HttpRequest,
    look: Query<Look>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let takes = |kind: &str| [PNG, "image/*", "*/*"].contains(&kind);
    if !target
        .accept
        .iter()
        .any(|range| !range.multipart && takes(&range.kind))
    {
        return Err(ApiError::NotAcceptable(
            "pictures are drawn as image/png alone".to_owned(),
        ));
    }
    if look.viewport.is_some() {
        return Err(ApiError::BadRequest(
            "viewport: pictures are drawn in their own size alone".to_owned(),
        ));
    }
    let window = look.window.as_deref().map(window).transpose()?;
    let frame = match request.match_info().get("frames") {
        None => 0,
        Some(number) => number
            .parse::<u32>()
            .ok()
            .and_then(|number| number.checked_sub(1))
            .ok_or_else(|| {
                ApiError::BadRequest("frames in the path: expected one number from 1".to_owned())
            })?,
    };
    let (held, row) = target.held_instance(&state).await?;
    views::viewed_in_pieces(&state, &who, "study.retrieve", [held.study.clone()]).await?;
    let drawn = state.previews.draw(&row, frame, window).await;
    let bytes = drawn.map_err(|failure| {
        tracing::warn!(instance.id = %row.id, %failure, "a picture could not be drawn");
        match failure {
            PreviewFailure::Image(_) => ApiError::NotFound("picture of this image"),
            PreviewFailure::Unavailable(_) => ApiError::Internal,
        }
    })?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, PNG)).body(bytes))
}

/// Centre, width and the function between them, which is linear.
fn window(text: &str) -> Result<[f64; 2], ApiError> {
    let wrong = || {
        ApiError::BadRequest(
            "window: expected a centre, a width of at least 1 and linear, such as 40,80,linear".to_owned(),
        )
    };
    let mut parts = text.split(',').map(str::trim);
    let mut number = || parts.next()?.parse::<f64>().ok().filter(|n| n.is_finite());
    let (center, width) = (
        number().ok_or_else(wrong)?,
        number().filter(|w| *w >= 1.0).ok_or_else(wrong)?,
    );
    match (parts.next(), parts.next()) {
        (None | Some("linear"), None) => Ok([center, width]),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_centre_and_a_width() {
        assert_eq!(window("40,80,linear"), Ok([40.0, 80.0]));
        for bad in ["", "40", "40,0", "40,80,sigmoid", "nan,80", "40,80,linear,1"] {
            assert!(window(bad).is_err(), "{bad}");
        }
    }
}
