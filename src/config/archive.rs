//! `[archive]`: what is sent to the archives among `[[dicom.peers]]`.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    pub send: Vec<ArchiveObject>,
    pub reject: RejectObjects,
    pub timeout_seconds: NonZeroU64,
    pub max_pdu_bytes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveObject {
    /// Structured report, TID 1500.
    Sr,
    /// Secondary captures of the key slices.
    #[serde(alias = "sc")]
    KeyImage,
    /// Segmentation of what the model marked.
    Seg,
}

/// When an archive is told, by a key object selection, that objects are not to be used. Some hide what it names, some show
/// the selection as an object like others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectObjects {
    Never,
    /// When a result is withdrawn.
    Withdrawn,
    /// When it is replaced by a corrected one, too.
    Replaced,
}

impl Archive {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if !(4096..=4 * 1024 * 1024).contains(&self.max_pdu_bytes) {
            problems.add("archive.max_pdu_bytes", "expected 4096 to 4194304");
        }
    }
}
