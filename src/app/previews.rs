//! Pictures for the pages, drawn by the child process that decodes.

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::preview::{PreviewFailure, Previews};
use crate::inference::child::protocol::{PictureForm, PictureRequest};
use crate::inference::pool::WorkerError;
use crate::pipeline::env::Env;
use crate::pipeline::infer;
use crate::storage::entity::instance;

/// The pool, and where the files are.
pub struct PoolPreviews(pub Arc<Env>);

#[async_trait]
impl Previews for PoolPreviews {
    async fn draw(
        &self,
        image: &instance::Model,
        frame: u32,
        window: Option<[f64; 2]>,
    ) -> Result<Vec<u8>, PreviewFailure> {
        let file =
            infer::slice(&self.0, image).map_err(|error| PreviewFailure::Unavailable(error.to_string()))?;
        let request = PictureRequest {
            file,
            frame,
            window,
            form: PictureForm::Png,
        };
        match self.0.worker.picture(request).await {
            Ok(picture) => Ok(picture.bytes),
            Err(WorkerError::Refused(refusal)) => Err(PreviewFailure::Image(refusal.to_string())),
            Err(error) => Err(PreviewFailure::Unavailable(error.to_string())),
        }
    }
}
