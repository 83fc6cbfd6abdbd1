//! One frame of one file as a picture, with the outline of a stored mask.

use super::cache::reason;
use super::protocol::{Answer, PictureForm, PictureRequest, Refusal};
use tocsin_imaging::decode::Image;
use tocsin_imaging::mask_codec;
use tocsin_imaging::preview::{Window, png, render};

/// Draws; every failure is one of the images.
pub fn draw(request: &PictureRequest, stored_mask: &[u8]) -> (Answer, Vec<u8>) {
    match try_draw(request, stored_mask) {
        Ok(drawn) => drawn,
        Err(error) => {
            let reason = format!("instance {}: {}", request.file.id, reason(error.as_ref()));
            (Answer::Refused(Refusal::Images { reason }), Vec::new())
        }
    }
}

fn try_draw(
    request: &PictureRequest,
    stored_mask: &[u8],
) -> Result<(Answer, Vec<u8>), Box<dyn std::error::Error>> {
    let slice = Image::open(&request.file.path)?.frame(request.frame)?;
    let window = request.window.map(|[center, width]| Window { center, width });
    let mask = request
        .mask_slice
        .map(|k| mask_codec::slice(stored_mask, k))
        .transpose()?;
    let image = render(&slice, window, mask.as_deref())?;
    let (rows, columns) = (image.rows, image.columns);
    let bytes = match request.form {
        PictureForm::Png => png(&image)?,
        PictureForm::Rgb => image.data,
    };
    Ok((Answer::Drawn { rows, columns }, bytes))
}
