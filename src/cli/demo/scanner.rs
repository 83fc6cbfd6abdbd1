//! The demonstration's scanner: makes phantoms and sends them by C-STORE, one association for the series.

use super::exam::Scan;
use super::visit::Visit;
use crate::cli::Failure;
use crate::deliver::dicom::{self, DicomPeer, Verdict};

pub const AE_TITLE: &str = "DEMOCT";

/// Makes the images of a visit; takes some seconds of computing.
pub async fn scan(visit: &Visit) -> Result<Scan, Failure> {
    let visit = visit.clone();
    tokio::task::spawn_blocking(move || visit.exam.scan(visit.seed, &visit.identity)).await?
}

/// Sends files; returns how many were stored. Fewer than all is a failure that says what was answered.
pub async fn send(peer: &DicomPeer, files: &[Vec<u8>]) -> Result<usize, Failure> {
    let statuses = dicom::store(peer, files).await?;
    let refused: Vec<_> = statuses
        .iter()
        .filter(|status| status.verdict() != Verdict::Delivered)
        .collect();
    match refused.first() {
        None => Ok(statuses.len()),
        Some(first) => Err(Failure::because(format!(
            "{} of {} images were not stored; the first answer was {first:?}",
            refused.len(),
            statuses.len()
        ))),
    }
}
