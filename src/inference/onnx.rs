//! ONNX Runtime. The only file that names `ort`: loads the library, opens a session from bytes, runs a tensor through it.
//! Used in the child process alone; it reads no model file and knows no manifest.

use ort::ep::ExecutionProviderDispatch;
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::TensorRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// The loaded runtime; one per process.
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

/// A tensor of single-precision values.
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
    #[error("the model has no {direction} `{name}`; it has {has}")]
    Name {
        direction: &'static str,
        name: String,
        has: String,
    },
    #[error("the model failed on its input: {0}")]
    Run(String),
    #[error("output `{name}` is not a tensor of 32-bit floats: {reason}")]
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
        Provider::Cpu => None,
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
    /// Checks that the network has the input and the outputs that a manifest names.
    pub fn expect_names(&self, input: &str, outputs: &[&str]) -> Result<(), OnnxError> {
        let inputs: Vec<&str> = self.session.inputs().iter().map(|i| i.name()).collect();
        if inputs != [input] {
            let has = format!("{inputs:?}");
            return Err(OnnxError::Name {
                direction: "single input",
                name: input.to_owned(),
                has,
            });
        }
        let has: Vec<&str> = self.session.outputs().iter().map(|o| o.name()).collect();
        match outputs.iter().find(|name| !has.contains(name)) {
            Some(missing) => {
                let has = format!("{has:?}");
                Err(OnnxError::Name {
                    direction: "output",
                    name: (*missing).to_owned(),
                    has,
                })
            }
            None => Ok(()),
        }
    }

    /// Runs one batch; the answers in the order of `outputs`.
    pub fn run(
        &mut self,
        input: &str,
        shape: [usize; 4],
        values: &[f32],
        outputs: &[&str],
    ) -> Result<Vec<Tensor>, OnnxError> {
        let failed = |error: ort::Error| OnnxError::Run(first_line(&error.to_string()));
        let tensor = TensorRef::from_array_view((shape, values)).map_err(failed)?;
        let answers = self.session.run(ort::inputs![input => tensor]).map_err(failed)?;
        let extract = |name: &&str| {
            let wrong = |reason: String| OnnxError::Output {
                name: (*name).to_owned(),
                reason,
            };
            let value = answers.get(*name).ok_or_else(|| wrong("absent".into()))?;
            let (shape, values) = value
                .try_extract_tensor::<f32>()
                .map_err(|e| wrong(first_line(&e.to_string())))?;
            let shape = shape
                .iter()
                .map(|side| usize::try_from(*side).unwrap_or(0))
                .collect();
            Ok(Tensor {
                shape,
                values: values.to_vec(),
            })
        };
        outputs.iter().map(extract).collect()
    }
}
