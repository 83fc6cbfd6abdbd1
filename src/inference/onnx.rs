//! ONNX Runtime. The only file that names `ort`: loads the library, opens a session from bytes, runs a tensor through it.
//! Used in the child process alone; it reads no model file and knows no manifest.

use ort::ep::ExecutionProviderDispatch;
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::declared::{Declared, Element};
use super::library::Library;

/// What runs the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Cpu,
    Cuda,
    Tensorrt,
}

/// What was asked for and did not work, with the runtime's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fallback {
    pub provider: Provider,
    pub reason: String,
}

/// The loaded runtime; one per process, however many hold it.
#[derive(Clone)]
pub struct Runtime(ort::environment::Environment);

/// A network ready to run.
pub struct Session {
    session: OrtSession,
    pub provider: Provider,
    pub fallbacks: Vec<Fallback>,
}

/// How a session is to be opened.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Tried in order; the CPU is always tried last.
    pub providers: Vec<Provider>,
    /// Which accelerator, counted from 0.
    pub device_id: i32,
    pub threads: usize,
}

/// A tensor of single-precision values, or of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// What the runtime refused.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    #[error("the library could not be loaded: {0}")]
    Load(String),
    #[error("the runtime could not be started: {0}")]
    Start(String),
    #[error("the model could not be opened: {0}")]
    Open(String),
    #[error("the model failed on its input: {0}")]
    Run(String),
    #[error("output `{name}` is not a tensor of 32-bit floats or whole numbers: {reason}")]
    Output { name: String, reason: String },
}

impl Runtime {
    /// Loads a library that `library::inspect` found fit.
    pub fn load(library: &Library) -> Result<Self, OnnxError> {
        let builder = ort::init_from(&library.path).map_err(|error| OnnxError::Load(error.to_string()))?;
        let environment = builder.with_name("tocsin").with_telemetry(false).build();
        environment
            .map(Self)
            .map_err(|error| OnnxError::Start(error.to_string()))
    }

    /// Opens a network on the first provider that takes it.
    pub fn open(&self, model: &[u8], options: &SessionOptions) -> Result<Session, OnnxError> {
        let mut fallbacks = Vec::new();
        for provider in options
            .providers
            .iter()
            .filter(|provider| **provider != Provider::Cpu)
        {
            match self.open_on(model, *provider, options) {
                Ok(session) => {
                    return Ok(Session {
                        session,
                        provider: *provider,
                        fallbacks,
                    });
                }
                Err(error) => fallbacks.push(Fallback {
                    provider: *provider,
                    reason: first_line(&error.to_string()),
                }),
            }
        }
        let session = self.open_on(model, Provider::Cpu, options);
        let session = session.map_err(|error| OnnxError::Open(first_line(&error.to_string())))?;
        Ok(Session {
            session,
            provider: Provider::Cpu,
            fallbacks,
        })
    }

    fn open_on(&self, model: &[u8], provider: Provider, options: &SessionOptions) -> ort::Result<OrtSession> {
        let builder = SessionBuilder::new(&self.0)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(options.threads)?
            // Two cores are shared with listeners and alerts: a waiting thread sleeps.
            .with_intra_op_spinning(false)?
            .with_config_entry("session.load_model_format", "ONNX")?;
        let mut builder = match dispatch(provider, options.device_id) {
            Some(execution) => builder.with_execution_providers([execution.error_on_failure()])?,
            None => builder,
        };
        builder.commit_from_memory(model)
    }
}

fn dispatch(provider: Provider, device_id: i32) -> Option<ExecutionProviderDispatch> {
    match provider {
        // What a run has taken it gives back: beside its models, the process holds no peak of each of them.
        Provider::Cpu => Some(ort::ep::CPU::default().with_arena_allocator(false).build()),
        Provider::Cuda => Some(ort::ep::CUDA::default().with_device_id(device_id).build()),
        Provider::Tensorrt => Some(ort::ep::TensorRT::default().with_device_id(device_id).build()),
    }
}

/// The runtime's messages carry paths of its build after the first line.
fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(400)
        .collect()
}

impl Session {
    /// What the network declares of its inputs.
    pub fn inputs(&self) -> Vec<Declared> {
        self.session.inputs().iter().map(declared).collect()
    }

    /// What the network declares of its outputs.
    pub fn outputs(&self) -> Vec<Declared> {
        self.session.outputs().iter().map(declared).collect()
    }

    /// Runs one batch; the answers in the order of `outputs`.
    pub fn run(
        &mut self,
        input: &str,
        shape: &[usize],
        values: &[f32],
        outputs: &[&str],
    ) -> Result<Vec<Tensor>, OnnxError> {
        let failed = |error: ort::Error| OnnxError::Run(first_line(&error.to_string()));
        let tensor = TensorRef::from_array_view((shape, values)).map_err(failed)?;
        let answers = self.session.run(ort::inputs![input => tensor]).map_err(failed)?;
        let one = |name: &&str| {
            let wrong = |reason: String| OnnxError::Output {
                name: (*name).to_owned(),
                reason,
            };
            let value = answers.get(*name).ok_or_else(|| wrong("absent".into()))?;
            extract(value).map_err(|error| wrong(first_line(&error.to_string())))
        };
        outputs.iter().map(one).collect()
    }
}

/// Numbers of an output, labels too: a float holds every whole number up to 2^24.
fn extract(value: &DynValue) -> ort::Result<Tensor> {
    let (shape, values) = match value.dtype().tensor_type() {
        Some(TensorElementType::Int64) => {
            let (shape, labels) = value.try_extract_tensor::<i64>()?;
            (shape, labels.iter().map(|label| *label as f32).collect())
        }
        Some(TensorElementType::Int32) => {
            let (shape, labels) = value.try_extract_tensor::<i32>()?;
            (shape, labels.iter().map(|label| *label as f32).collect())
        }
        Some(_) | None => {
            let (shape, values) = value.try_extract_tensor::<f32>()?;
            (shape, values.to_vec())
        }
    };
    let sides = shape.iter().map(|side| usize::try_from(*side).unwrap_or(0));
    Ok(Tensor {
        shape: sides.collect(),
        values,
    })
}

fn declared(outlet: &Outlet) -> Declared {
    let dtype = outlet.dtype();
    let axes = dtype
        .tensor_shape()
        .into_iter()
        .flat_map(|shape| shape.iter().map(|side| usize::try_from(*side).ok()));
    Declared {
        name: outlet.name().to_owned(),
        element: match dtype.tensor_type() {
            Some(TensorElementType::Float32) => Element::F32,
            Some(TensorElementType::Int64) => Element::I64,
            Some(TensorElementType::Int32) => Element::I32,
            Some(other) => Element::Other(other.to_string()),
            None => Element::Other(dtype.to_string()),
        },
        axes: axes.collect(),
    }
}
