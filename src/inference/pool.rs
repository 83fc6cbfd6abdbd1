//! The parent's side of the child processes: started when needed, kept warm, watched for time and memory, restarted after a
//! pause. A crash, a hang or a bomb there costs the one request that caused it.

use std::path::PathBuf;
use std::time::Duration;

use tocsin_domain::explanation::KeySlice;
use tocsin_imaging::heat::{self, HeatMap};
use tokio::sync::Mutex;

use super::child::protocol::{
    Analysis, Answer, LoadReport, LoadRequest, PictureRequest, Prepared, Refusal, Request, SliceFile,
};
use super::manifest::Urgency;
use super::onnx::Provider;
use super::package::Package;
use super::worker::{Limits, Worker};

/// A picture of one frame takes this long at most.
const PICTURE_DEADLINE: Duration = Duration::from_secs(30);
/// Opening a model with its golden cases; on an accelerator engines may be built.
const LOAD_DEADLINE: Duration = Duration::from_secs(300);
const PICTURE_MEMORY: u64 = 1 << 30;

/// How children are started and bounded.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The program itself; started with `arguments`.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// A library that `library::locate` found fit, or why there is none: no model is then loaded, and pictures still work.
    pub library: Result<PathBuf, String>,
    /// Tried in order; the CPU is always the last.
    pub providers: Vec<Provider>,
    pub device_id: i32,
    /// Upper bounds of the site; a manifest may ask for less.
    pub memory_bytes: u64,
    pub deadline: Duration,
    /// All that children see of the environment besides how memory is asked for, e.g. `LD_LIBRARY_PATH` for an accelerator.
    pub environment: Vec<(String, String)>,
}

/// Why a request to a child failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("the worker could not be started")]
    Start(#[source] std::io::Error),
    #[error("the worker died ({status})")]
    Crashed { status: String },
    #[error("the worker was stopped after {} s, the limit of this request", limit.as_secs())]
    TimedOut { limit: Duration },
    #[error("the worker was stopped at {} MiB of memory, {} MiB are allowed", used >> 20, limit >> 20)]
    OutOfMemory { used: u64, limit: u64 },
    #[error("the worker broke the protocol: {0}")]
    Protocol(String),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("no model can run: {reason}")]
    NoLibrary { reason: String },
    #[error("golden case `{case}`: {what} is {found}, expected {expected} ± {tolerance}")]
    Golden {
        case: String,
        what: String,
        found: f64,
        expected: f64,
        tolerance: f64,
    },
}

/// An analysis with its stored mask (`mask_codec`), empty when the model gives none.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysed {
    pub analysis: Analysis,
    pub mask: Vec<u8>,
}

/// A drawn frame: PNG, or `[row][column][red, green, blue]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub rows: usize,
    pub columns: usize,
    pub bytes: Vec<u8>,
}

/// A child for urgent models, one for routine ones and one for pictures, so that nobody waits for a model to see an image, and
/// no urgent run for a routine one.
pub struct Pool {
    config: PoolConfig,
    models: Mutex<Worker>,
    routine: Mutex<Worker>,
    pictures: Mutex<Worker>,
}

impl Pool {
    pub fn new(config: PoolConfig) -> Self {
        let worker = || Mutex::new(Worker::new(&config));
        Self {
            models: worker(),
            routine: worker(),
            pictures: worker(),
            config,
        }
    }

    /// Opens a model in the child and runs its golden cases; a model that fails one is an error.
    pub async fn load(&self, package: &Package) -> Result<LoadReport, WorkerError> {
        let mut worker = self.worker(package).lock().await;
        let report = self.open(&mut worker, package).await?;
        check_golden(report)
    }

    /// Decodes slices ahead and keeps them in the warm child. `None`: it was busy, and nothing was done.
    pub async fn prepare(&self, files: Vec<SliceFile>) -> Result<Option<Prepared>, WorkerError> {
        let Ok(mut worker) = self.models.try_lock() else {
            return Ok(None);
        };
        let limits = Limits {
            deadline: self.config.deadline,
            memory: self.config.memory_bytes,
        };
        match worker.call(&Request::Prepare { files }, &[], limits).await? {
            (Answer::Prepared(prepared), _) => Ok(Some(prepared)),
            (other, _) => Err(unexpected(other)),
        }
    }

    /// Reads one series with one model; opens the model first if the child does not hold it.
    pub async fn analyse(&self, package: &Package, files: Vec<SliceFile>) -> Result<Analysed, WorkerError> {
        let mut worker = self.worker(package).lock().await;
        if !worker.holds(&package.content_hash) {
            check_golden(self.open(&mut worker, package).await?)?;
        }
        let request = Request::Analyse {
            content_hash: package.content_hash.clone(),
            files,
        };
        match worker.call(&request, &[], self.limits(package)).await? {
            (Answer::Analysed(analysis), mask) => Ok(Analysed {
                analysis: *analysis,
                mask,
            }),
            (other, _) => Err(unexpected(other)),
        }
    }

    /// Looks again at one slice, for a map of where the model looked; empty where no place mattered. `None`: the child was busy with
    /// what somebody waits for, and nothing was done.
    pub async fn explain(
        &self,
        package: &Package,
        files: Vec<SliceFile>,
        key: KeySlice,
    ) -> Result<Option<Vec<HeatMap>>, WorkerError> {
        let Ok(mut worker) = self.models.try_lock() else {
            return Ok(None);
        };
        if !worker.holds(&package.content_hash) {
            check_golden(self.open(&mut worker, package).await?)?;
        }
        let request = Request::Explain {
            content_hash: package.content_hash.clone(),
            files,
            key,
        };
        match worker.call(&request, &[], self.limits(package)).await? {
            (Answer::Explained, stored) if stored.is_empty() => Ok(Some(Vec::new())),
            (Answer::Explained, stored) => {
                let maps = heat::decode(&stored);
                maps.map(Some)
                    .map_err(|error| WorkerError::Protocol(error.to_string()))
            }
            (other, _) => Err(unexpected(other)),
        }
    }

    /// Draws one frame.
    pub async fn picture(&self, request: PictureRequest) -> Result<Picture, WorkerError> {
        let mut worker = self.pictures.lock().await;
        let limits = Limits {
            deadline: PICTURE_DEADLINE,
            memory: PICTURE_MEMORY.min(self.config.memory_bytes),
        };
        match worker.call(&Request::Picture(request), &[], limits).await? {
            (Answer::Drawn { rows, columns }, bytes) => Ok(Picture { rows, columns, bytes }),
            (other, _) => Err(unexpected(other)),
        }
    }

    fn worker(&self, package: &Package) -> &Mutex<Worker> {
        match package.manifest.urgency {
            Urgency::Urgent => &self.models,
            Urgency::Routine => &self.routine,
        }
    }

    /// Process ids of the children that run now: urgent models, routine models, pictures.
    pub async fn processes(&self) -> [Option<u32>; 3] {
        [
            self.models.lock().await.process_id(),
            self.routine.lock().await.process_id(),
            self.pictures.lock().await.process_id(),
        ]
    }

    fn library(&self) -> Result<PathBuf, WorkerError> {
        let fit = self.config.library.clone();
        fit.map_err(|reason| WorkerError::NoLibrary { reason })
    }

    fn limits(&self, package: &Package) -> Limits {
        let asked = package.manifest.limits;
        Limits {
            deadline: Duration::from_secs(asked.seconds).min(self.config.deadline),
            memory: (asked.memory_mb << 20).min(self.config.memory_bytes),
        }
    }

    async fn open(&self, worker: &mut Worker, package: &Package) -> Result<LoadReport, WorkerError> {
        let request = Request::Load(LoadRequest {
            package: package.folder.clone(),
            content_hash: package.content_hash.clone(),
            library: self.library()?,
            providers: self.config.providers.clone(),
            device_id: self.config.device_id,
            urgency: package.manifest.urgency,
        });
        let limits = Limits {
            deadline: LOAD_DEADLINE,
            memory: self.limits(package).memory,
        };
        match worker.call(&request, &[], limits).await? {
            (Answer::Loaded(report), _) => {
                if report.golden.iter().all(|case| case.passed) {
                    worker.hold(&package.content_hash);
                }
                Ok(report)
            }
            (other, _) => Err(unexpected(other)),
        }
    }
}

fn check_golden(report: LoadReport) -> Result<LoadReport, WorkerError> {
    match report.golden.iter().find(|case| !case.passed) {
        None => Ok(report),
        Some(failed) => Err(WorkerError::Golden {
            case: failed.case.clone(),
            what: format!("{:?} of {}/{}", failed.figure, failed.output, failed.class),
            found: failed.found,
            expected: failed.expected,
            tolerance: failed.tolerance,
        }),
    }
}

fn unexpected(answer: Answer) -> WorkerError {
    match answer {
        Answer::Refused(refusal) => WorkerError::Refused(refusal),
        Answer::Loaded(_)
        | Answer::Prepared(_)
        | Answer::Analysed(_)
        | Answer::Explained
        | Answer::Drawn { .. } => WorkerError::Protocol("an answer to another request".into()),
    }
}
