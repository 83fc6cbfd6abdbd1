//! `[inference]`: where models and their runtime are, and what a run may take.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;
use super::shipped;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inference {
    /// The ONNX Runtime library; when absent it is searched for.
    pub library: Option<PathBuf>,
    /// What `ORT_DYLIB_PATH` names, which other programs with ONNX Runtime use too.
    #[serde(skip)]
    pub environment_library: Option<PathBuf>,
    /// Tried in this order; the CPU is always the last.
    pub providers: Vec<Provider>,
    /// Of one run; 0 takes as many as there are cores.
    pub threads: usize,
    /// Which accelerator, counted from 0.
    pub device_id: i32,
    /// Resident memory a run may take before it is stopped.
    pub memory_mb: NonZeroU64,
    /// How long a run may take before it is stopped.
    pub deadline_seconds: NonZeroU64,
    /// The folder with one folder per model; when absent, the one that is shipped.
    pub models: Option<PathBuf>,
    /// Names of the models that run here; when absent, all in the folder.
    pub only: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Cpu,
    Cuda,
    Tensorrt,
}

impl Inference {
    /// The folder of models in use; `None` when none is configured and none is shipped beside the program.
    pub fn models_folder(&self) -> Option<PathBuf> {
        self.models.clone().or_else(|| shipped::folder("models"))
    }

    /// Whether this site wants the model of this name.
    pub fn uses(&self, model: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == model))
    }

    /// Where the ONNX Runtime library is looked for when none is named: `.runtime/`, then beside the program.
    pub fn library_folders(&self) -> Vec<PathBuf> {
        shipped::folder(".runtime")
            .into_iter()
            .chain(shipped::beside())
            .collect()
    }

    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds.get())
    }

    pub fn memory_bytes(&self) -> u64 {
        self.memory_mb.get().saturating_mul(1024 * 1024)
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        for path in [&mut self.library, &mut self.models].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        problems.folder("inference.models", self.models.as_deref());
        if self.library.as_deref().is_some_and(|path| !path.is_file()) {
            problems.add(
                "inference.library",
                "expected the file of an ONNX Runtime library, which does not exist there",
            );
        }
        if self.providers.is_empty() {
            problems.add(
                "inference.providers",
                "expected at least one of cpu, cuda, tensorrt",
            );
        }
    }
}
