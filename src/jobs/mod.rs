//! The worker loop over the job table. Knows no job: what a job does is behind [`Handler`].

mod error;
mod worker;

pub use error::JobError;
pub use worker::{Handler, Workers};
