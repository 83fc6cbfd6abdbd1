//! A model at work: a volume through its recipe, batch by batch through the runtime, and its answers back on the grid of the
//! series. Knows neither files nor processes.

use std::time::{Duration, Instant};

use tocsin_domain::volume::{Mask, Volume};

use super::channels::{apply, tensor};
use super::grid::Grid;
use super::manifest::{Output, OutputKind};
use super::onnx::{OnnxError, Runtime, Session, SessionOptions, Tensor};
use super::package::{Package, PackageError};
use super::scores::{activate, aggregate};

/// A package whose network is open.
pub struct Network {
    pub package: Package,
    pub session: Session,
    threads: usize,
}

/// What one output said of one study.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputAnswer {
    pub name: String,
    pub classes: Vec<ClassAnswer>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassAnswer {
    pub class: String,
    /// Mean of the activated output over the model's grid.
    pub mean_score: f64,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// On the grid of the series.
    Mask(Mask),
    Score(f32),
}

/// What a run gave, and how long its parts took.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub answers: Vec<OutputAnswer>,
    /// Building the input and putting the answers back.
    pub arranging: Duration,
    pub inference: Duration,
}

/// Why a model could not be opened or run.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("the package is not fit")]
    Package(#[from] PackageError),
    #[error("the runtime refused")]
    Onnx(#[from] OnnxError),
    #[error("output `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        name: String,
        found: Vec<usize>,
        expected: Vec<usize>,
    },
    #[error("output `{name}` holds a value that is not a number")]
    NotANumber { name: String },
}

impl Network {
    pub fn open(package: Package, runtime: &Runtime, options: &SessionOptions) -> Result<Self, NetworkError> {
        let (bytes, _) = package.network()?;
        let session = runtime.open(&bytes, options)?;
        let outputs: Vec<&str> = package
            .manifest
            .outputs
            .iter()
            .map(|output| output.name.as_str())
            .collect();
        session.expect_names(&package.manifest.input.name, &outputs)?;
        Ok(Self {
            package,
            session,
            threads: options.threads,
        })
    }

    /// Reads a whole volume.
    pub fn run(&mut self, volume: &Volume) -> Result<Run, NetworkError> {
        let begun = Instant::now();
        let recipe = &self.package.recipe;
        let grid = Grid::plan(volume, &recipe.grid, self.threads);
        let mut values = grid.sample(volume, recipe, self.threads);
        apply(&mut values, &recipe.pixels);
        let mut arranging = begun.elapsed();
        let begun = Instant::now();
        let raw = self.infer(&grid, &values)?;
        let inference = begun.elapsed();
        drop(values);
        let begun = Instant::now();
        let outputs = &self.package.manifest.outputs;
        let answers = outputs
            .iter()
            .zip(raw)
            .map(|(output, scores)| answer(output, scores, &grid, self.threads))
            .collect();
        arranging += begun.elapsed();
        Ok(Run {
            answers,
            arranging,
            inference,
        })
    }

    /// Raw values of each output, slab after slab.
    fn infer(&mut self, grid: &Grid, values: &[f32]) -> Result<Vec<Vec<f32>>, NetworkError> {
        let manifest = &self.package.manifest;
        let channels = &self.package.recipe.channels;
        let names: Vec<&str> = manifest
            .outputs
            .iter()
            .map(|output| output.name.as_str())
            .collect();
        let mut raw: Vec<Vec<f32>> = names.iter().map(|_| Vec::new()).collect();
        let slabs = grid.slabs.len();
        for from in (0..slabs).step_by(manifest.input.batch) {
            let to = (from + manifest.input.batch).min(slabs);
            let batch = tensor(values, grid.plane(), channels, from, to);
            let shape = [to - from, channels.count(), grid.rows.size, grid.columns.size];
            let tensors = self.session.run(&manifest.input.name, shape, &batch, &names)?;
            for ((output, tensor), all) in manifest.outputs.iter().zip(tensors).zip(&mut raw) {
                check_shape(output, &tensor, to - from, grid)?;
                all.extend_from_slice(&tensor.values);
            }
        }
        Ok(raw)
    }
}

fn check_shape(output: &Output, tensor: &Tensor, slices: usize, grid: &Grid) -> Result<(), NetworkError> {
    let classes = output.classes.len();
    let expected = match output.kind {
        OutputKind::Segmentation => vec![slices, classes, grid.rows.size, grid.columns.size],
        OutputKind::Classification | OutputKind::Regression => vec![slices, classes],
    };
    if tensor.shape != expected {
        return Err(NetworkError::Shape {
            name: output.name.clone(),
            found: tensor.shape.clone(),
            expected,
        });
    }
    if tensor.values.iter().any(|value| value.is_nan()) {
        return Err(NetworkError::NotANumber {
            name: output.name.clone(),
        });
    }
    Ok(())
}

fn answer(output: &Output, mut scores: Vec<f32>, grid: &Grid, threads: usize) -> OutputAnswer {
    let plane = match output.kind {
        OutputKind::Segmentation => grid.plane(),
        OutputKind::Classification | OutputKind::Regression => 1,
    };
    let classes = output.classes.len();
    activate(&mut scores, classes, plane, output.activation);
    let class = |(index, name): (usize, &String)| {
        let slices = scores.chunks_exact(classes * plane);
        let own: Vec<f32> = slices
            .flat_map(|slice| &slice[index * plane..(index + 1) * plane])
            .copied()
            .collect();
        let mean_score = own.iter().map(|score| f64::from(*score)).sum::<f64>() / own.len().max(1) as f64;
        let verdict = match output.aggregate {
            None => Verdict::Mask(grid.mask(&own, output.threshold, threads)),
            Some(how) => Verdict::Score(aggregate(&own, how)),
        };
        ClassAnswer {
            class: name.clone(),
            mean_score,
            verdict,
        }
    };
    OutputAnswer {
        name: output.name.clone(),
        classes: output.classes.iter().enumerate().map(class).collect(),
    }
}
