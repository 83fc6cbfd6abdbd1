//! `[retention]`: how long things are kept. This version keeps everything, and refuses to pretend otherwise.

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub purge: bool,
}

impl Retention {
    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if self.purge {
            problems.add(
                "retention.purge",
                "expected false: this version keeps everything and cannot purge",
            );
        }
    }
}
