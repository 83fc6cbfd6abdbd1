//! One frame of one file as a picture.

use super::cache::reason;
use super::protocol::{Answer, PictureForm, PictureRequest, Refusal};
use tocsin_imaging::decode::Image;
use tocsin_imaging::preview::{Window, png, render};

/// Draws; every failure is one of the images.
pub fn draw(request: &PictureRequest) -> (Answer, Vec<u8>) {
    match try_draw(request) {
        Ok(drawn) => drawn,
        Err(error) => {
            let reason = format!("instance {}: {}", request.file.id, reason(error.as_ref()));
            (Answer::Refused(Refusal::Images { reason }), Vec::new())
        }
    }
}

fn try_draw(request: &PictureRequest) -> Result<(Answer, Vec<u8>), Box<dyn std::error::Error>> {
    let slice = Image::open(&request.file.path)?.frame(request.frame)?;
    let window = request.window.map(|[center, width]| Window { center, width });
    let image = render(&slice, window)?;
    let (rows, columns) = (image.rows, image.columns);
    let bytes = match request.form {
        PictureForm::Png => png(&image)?,
        PictureForm::Rgb => image.data,
    };
    Ok((Answer::Drawn { rows, columns }, bytes))
}
