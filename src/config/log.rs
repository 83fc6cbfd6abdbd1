//! `[log]`: how much is logged, and in which form.

use serde::Deserialize;

use super::check::Problems;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `info`, or directives such as `info,tocsin::ingest=debug`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For a terminal.
    Text,
}

impl Log {
    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if tracing_subscriber::EnvFilter::try_new(&self.level).is_err() {
            problems.add(
                "log.level",
                "expected error, warn, info, debug or trace, or directives such as info,tocsin::ingest=debug",
            );
        }
    }
}
