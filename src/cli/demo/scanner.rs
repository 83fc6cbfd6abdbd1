//! The demonstration's scanner: makes a phantom and sends it by C-STORE, one association for the series.

use super::visit::Visit;
use crate::cli::Failure;
use crate::deliver::dicom::{self, DicomPeer, Verdict};
use crate::imaging::phantom::{Truth, dicom_slice, head_ct};

pub const AE_TITLE: &str = "DEMOCT";

/// A scan as DICOM files in memory, and what it shows.
pub struct Scan {
    pub files: Vec<Vec<u8>>,
    pub truth: Truth,
}

/// Renders the phantom of a visit; takes a second or so of computing.
pub async fn scan(visit: &Visit) -> Result<Scan, Failure> {
    let visit = visit.clone();
    tokio::task::spawn_blocking(move || {
        let ct = head_ct(&visit.spec());
        let mut files = Vec::with_capacity(ct.volume.geometry.slices);
        for slice in 0..ct.volume.geometry.slices {
            let mut file = Vec::new();
            dicom_slice(&ct, &visit.identity, slice)?.write_all(&mut file)?;
            files.push(file);
        }
        Ok(Scan {
            files,
            truth: ct.truth,
        })
    })
    .await?
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
