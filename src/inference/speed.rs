//! How long a series takes from its files to findings, against the bare runtime on tensors that were made before; and from its files to
//! those tensors. Measures and compares; decides nothing. Everything runs in this process, as it would in the child.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::child::cache::{Cache, reason};
use super::child::protocol::{Answer, LoadRequest, Refusal, Request, SliceFile, Timing};
use super::child::read;
use super::child::serve::{Worker, threads};
use super::network::Network;
use super::onnx::{Provider, SessionOptions};
use super::package::Package;

/// What is measured with what.
#[derive(Clone, Debug)]
pub struct Setup {
    pub package: PathBuf,
    pub library: PathBuf,
    pub providers: Vec<Provider>,
    pub files: Vec<SliceFile>,
}

/// One round: each way once, right after the other, so that what else the machine does falls on all of them.
#[derive(Clone, Debug)]
pub struct Round {
    /// The runtime alone, on tensors that lie ready.
    pub raw: Duration,
    /// From files to those tensors.
    pub tensors: Duration,
    /// From files to findings and the stored mask.
    pub whole: Duration,
    /// Of `whole`.
    pub parts: Timing,
    pub tensor_values: usize,
}

/// Both sides, opened and warm.
pub struct Race {
    setup: Setup,
    worker: Worker,
    content_hash: String,
    bare: Network,
}

impl Race {
    /// Opens the model once for each side and runs its golden cases.
    pub fn prepare(setup: Setup) -> Result<Self, Refusal> {
        let open = || Package::open(&setup.package).map_err(|error| model(&error));
        let package = open()?;
        let content_hash = package.content_hash.clone();
        let load = LoadRequest {
            package: setup.package.clone(),
            content_hash: content_hash.clone(),
            library: setup.library.clone(),
            providers: setup.providers.clone(),
            device_id: 0,
            urgency: package.manifest.urgency,
        };
        let mut worker = Worker::default();
        if let (Answer::Refused(refusal), _) = worker.answer(Request::Load(load)) {
            return Err(refusal);
        }
        let options = SessionOptions {
            providers: setup.providers.clone(),
            device_id: 0,
            threads: threads(),
        };
        let Some((runtime, _)) = &worker.runtime else {
            let reason = "the runtime is not loaded".into();
            return Err(Refusal::Model { reason });
        };
        let bare = Network::open(package, runtime, &options).map_err(|error| model(&error))?;
        Ok(Self {
            setup,
            worker,
            content_hash,
            bare,
        })
    }

    /// Runs each way once.
    pub fn round(&mut self) -> Result<Round, Refusal> {
        let begun = Instant::now();
        let fetched = Cache::default().fetch(&self.setup.files, threads());
        let fetched = fetched.map_err(|reason| Refusal::Images { reason })?;
        let kind = self.bare.package.manifest.input.kind;
        let exam = read::exam(kind, &fetched.files, threads()).map_err(|error| Refusal::Images {
            reason: reason(&error),
        })?;
        let batches = self.bare.batches(&exam).map_err(|error| model(&error))?;
        let tensors = begun.elapsed();
        drop((exam, fetched));

        let begun = Instant::now();
        for batch in &batches {
            self.bare.run_batch(batch).map_err(|error| model(&error))?;
        }
        let raw = begun.elapsed();

        let request = Request::Analyse {
            content_hash: self.content_hash.clone(),
            files: self.setup.files.clone(),
        };
        let begun = Instant::now();
        let answer = self.worker.answer(request);
        let whole = begun.elapsed();
        let (Answer::Analysed(analysis), _) = answer else {
            let reason = format!("{:?}", answer.0).chars().take(300).collect();
            return Err(Refusal::Images { reason });
        };
        Ok(Round {
            raw,
            tensors,
            whole,
            parts: analysis.timing,
            tensor_values: batches.iter().map(|batch| batch.values.len()).sum(),
        })
    }
}

fn model(error: &dyn std::error::Error) -> Refusal {
    Refusal::Model {
        reason: reason(error),
    }
}
