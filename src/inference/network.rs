//! A model at work: an exam through its recipe, batch by batch through the runtime, and its answers. Knows neither files nor
//! processes.

use std::time::{Duration, Instant};

use super::answers::{Gathered, OutputAnswer, Raw};
use super::boxes::{self, Answered};
use super::channels::{apply, tensor};
use super::declared::{self, DeclaredError};
use super::exam::{Exam, Part};
use super::grid::Grid;
use super::manifest::{Manifest, Output, OutputKind};
use super::onnx::{OnnxError, Runtime, Session, SessionOptions, Tensor};
use super::package::{Package, PackageError};
use super::percentiles::percentiles;
use super::recipe::{PixelStep, Recipe, Scale};
use super::windows::{Blended, Windows};

/// A package whose network is open.
pub struct Network {
    pub package: Package,
    pub session: Session,
    threads: usize,
}

/// What the runtime is handed at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
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
    #[error("the network is not what the manifest says")]
    Declared(#[from] DeclaredError),
    #[error("output `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        name: String,
        found: Vec<usize>,
        expected: Vec<usize>,
    },
    #[error("output `{name}` holds {value}, which is not a finite number")]
    NotFinite { name: String, value: f32 },
    #[error("output `{name}`: {reason}")]
    Boxes { name: String, reason: String },
    #[error("an image does not state the distance of its pixels, and `resample` needs it")]
    NoSpacing,
    #[error(
        "a grid of {} × {} × {} takes {needed_mb} MiB without the network, limits.memory_mb is {limit_mb}",
        grid[0], grid[1], grid[2]
    )]
    TooLarge {
        grid: [usize; 3],
        needed_mb: u64,
        limit_mb: u64,
    },
}

impl Network {
    /// Opens a package whose network declares what its manifest says.
    pub fn open(package: Package, runtime: &Runtime, options: &SessionOptions) -> Result<Self, NetworkError> {
        let (bytes, _) = package.network()?;
        let session = runtime.open(&bytes, options)?;
        let (inputs, outputs) = (session.inputs(), session.outputs());
        declared::check(&package.manifest, &package.recipe, &inputs, &outputs)?;
        Ok(Self {
            package,
            session,
            threads: options.threads,
        })
    }

    /// Reads a whole exam.
    pub fn run(&mut self, exam: &Exam) -> Result<Run, NetworkError> {
        let begun = Instant::now();
        let mut inference = Duration::ZERO;
        let outputs = self.package.manifest.outputs.clone();
        let mut gathered: Vec<Gathered> = outputs.iter().map(Gathered::new).collect();
        for part in &exam.parts {
            let (grid, values) = self.arrange(part)?;
            let started = Instant::now();
            let raw = self.infer(&grid, values)?;
            inference += started.elapsed();
            for (one, raw) in gathered.iter_mut().zip(raw) {
                one.add(raw, &grid, self.threads);
            }
        }
        Ok(Run {
            answers: gathered.into_iter().map(Gathered::finish).collect(),
            arranging: begun.elapsed().saturating_sub(inference),
            inference,
        })
    }

    /// Every tensor that `run` would hand to the runtime, all at once: what a benchmark times the bare runtime with.
    pub fn batches(&self, exam: &Exam) -> Result<Vec<Batch>, NetworkError> {
        let mut batches = Vec::new();
        for part in &exam.parts {
            let (grid, values) = self.arrange(part)?;
            let windows = self.package.recipe.windows.as_ref();
            let windows = windows.map(|spec| Windows::plan(spec, grid.shape()));
            let count = windows.as_ref().map_or(grid.slabs.len(), Windows::count);
            for from in (0..count).step_by(self.package.manifest.input.batch) {
                let to = (from + self.package.manifest.input.batch).min(count);
                batches.push(match &windows {
                    None => slabs(&self.package.recipe, &grid, &values, [from, to], self.threads),
                    Some(windows) => cut(&self.package.recipe, windows, &values, from, to),
                });
            }
        }
        Ok(batches)
    }

    /// Runs one tensor through the runtime; the answers as they come.
    pub fn run_batch(&mut self, batch: &Batch) -> Result<(), NetworkError> {
        answers(&mut self.session, &self.package.manifest, batch)?;
        Ok(())
    }

    /// The grid over one part, and the values on it.
    pub(super) fn arrange(&self, part: &Part) -> Result<(Grid, Vec<f32>), NetworkError> {
        let (recipe, volume) = (&self.package.recipe, &part.volume);
        if !part.scaled && matches!(recipe.grid.scale, Scale::Spacing(_)) {
            return Err(NetworkError::NoSpacing);
        }
        let grid = Grid::plan(volume, &recipe.grid, self.threads);
        bounded(&self.package.manifest, recipe, &grid)?;
        let mut values = grid.sample(volume, recipe, self.threads);
        if let Some(shares) = recipe.percentiles {
            let range = percentiles(&volume.voxels, recipe.clip, shares);
            apply(
                &mut values,
                &[PixelStep::Minmax(Some(range)), PixelStep::Clip([0.0, 1.0])],
            );
        }
        apply(&mut values, &recipe.pixels);
        Ok((grid, values))
    }

    /// Finite tensors of these names for items that are not part of a run.
    pub(super) fn ask(
        &mut self,
        shape: &[usize],
        items: &[f32],
        names: &[&str],
    ) -> Result<Vec<Tensor>, NetworkError> {
        finite(
            &mut self.session,
            &self.package.manifest.input.name,
            shape,
            items,
            names,
        )
    }

    /// Raw values of each output.
    fn infer(&mut self, grid: &Grid, values: Vec<f32>) -> Result<Vec<Raw>, NetworkError> {
        let windows = self.package.recipe.windows.as_ref();
        match windows.map(|spec| Windows::plan(spec, grid.shape())) {
            None => self.slice_by_slice(grid, &values),
            Some(windows) => self.window_by_window(grid, &windows, &values),
        }
    }

    fn slice_by_slice(&mut self, grid: &Grid, values: &[f32]) -> Result<Vec<Raw>, NetworkError> {
        let Package { manifest, recipe, .. } = &self.package;
        let size = [grid.rows.size, grid.columns.size];
        let mut raw: Vec<Raw> = manifest
            .outputs
            .iter()
            .map(|o| empty(o, grid.plane(), true))
            .collect();
        let count = grid.slabs.len();
        for from in (0..count).step_by(manifest.input.batch) {
            let to = (from + manifest.input.batch).min(count);
            let batch = slabs(recipe, grid, values, [from, to], self.threads);
            let answers = answers(&mut self.session, manifest, &batch)?;
            for ((output, tensors), all) in manifest.outputs.iter().zip(answers).zip(&mut raw) {
                let expected = expected(output, to - from, &size);
                take(output, tensors, &expected, from, size, all)?;
            }
        }
        Ok(raw)
    }

    fn window_by_window(
        &mut self,
        grid: &Grid,
        windows: &Windows,
        values: &[f32],
    ) -> Result<Vec<Raw>, NetworkError> {
        let Package { manifest, recipe, .. } = &self.package;
        let cells = grid.shape().iter().product();
        let mut raw: Vec<Raw> = manifest.outputs.iter().map(|o| empty(o, cells, false)).collect();
        let blended = |output: &Output| match output.kind {
            OutputKind::Segmentation => Some(Blended::new(output.classes.len(), windows)),
            OutputKind::Classification | OutputKind::Regression | OutputKind::Detection => None,
        };
        let mut blended: Vec<Option<Blended>> = manifest.outputs.iter().map(blended).collect();
        for from in (0..windows.count()).step_by(manifest.input.batch) {
            let to = (from + manifest.input.batch).min(windows.count());
            let batch = cut(recipe, windows, values, from, to);
            let answers = answers(&mut self.session, manifest, &batch)?;
            for ((output, tensors), (all, blended)) in manifest
                .outputs
                .iter()
                .zip(answers)
                .zip(raw.iter_mut().zip(&mut blended))
            {
                let expected = expected(output, to - from, &windows.size());
                let Some(blended) = blended else {
                    take(output, tensors, &expected, from, [0, 0], all)?;
                    continue;
                };
                let [tensor] = &tensors[..] else { continue };
                check_shape(output, tensor, &expected)?;
                let each = tensor.values.len() / (to - from);
                for (index, said) in (from..to).zip(tensor.values.chunks_exact(each)) {
                    blended.add(windows, index, said);
                }
            }
        }
        for (raw, blended) in raw.iter_mut().zip(blended) {
            if let (Raw::Places { values, .. }, Some(blended)) = (raw, blended) {
                *values = blended.finish();
            }
        }
        Ok(raw)
    }
}

/// The tensor of slabs `from..to`.
fn slabs(recipe: &Recipe, grid: &Grid, values: &[f32], range: [usize; 2], threads: usize) -> Batch {
    let [from, to] = range;
    Batch {
        shape: vec![
            to - from,
            recipe.channels.count(),
            grid.rows.size,
            grid.columns.size,
        ],
        values: tensor(values, grid.plane(), &recipe.channels, range, threads),
    }
}

/// The tensor of windows `from..to`.
fn cut(recipe: &Recipe, windows: &Windows, values: &[f32], from: usize, to: usize) -> Batch {
    Batch {
        shape: [&[to - from, recipe.channels.count()], &windows.size()[..]].concat(),
        values: windows.tensor(values, &recipe.channels, from, to),
    }
}

/// Runs one batch; the finite tensors of each output.
fn answers(
    session: &mut Session,
    manifest: &Manifest,
    batch: &Batch,
) -> Result<Vec<Vec<Tensor>>, NetworkError> {
    let names: Vec<&str> = manifest.outputs.iter().flat_map(Output::tensors).collect();
    let tensors = finite(session, &manifest.input.name, &batch.shape, &batch.values, &names)?;
    let mut tensors = tensors.into_iter();
    let of = |output: &Output| tensors.by_ref().take(output.tensors().len()).collect();
    Ok(manifest.outputs.iter().map(of).collect())
}

fn finite(
    session: &mut Session,
    input: &str,
    shape: &[usize],
    values: &[f32],
    names: &[&str],
) -> Result<Vec<Tensor>, NetworkError> {
    let tensors = session.run(input, shape, values, names)?;
    for (name, tensor) in names.iter().zip(&tensors) {
        if let Some(value) = tensor.values.iter().find(|value| !value.is_finite()) {
            let name = (*name).to_owned();
            return Err(NetworkError::NotFinite { name, value: *value });
        }
    }
    Ok(tensors)
}

fn empty(output: &Output, places: usize, by_slice: bool) -> Raw {
    match output.kind {
        OutputKind::Segmentation => Raw::Places {
            values: Vec::new(),
            places,
        },
        OutputKind::Classification | OutputKind::Regression => Raw::Scores {
            values: Vec::new(),
            by_slice,
        },
        OutputKind::Detection => Raw::Boxes(Vec::new()),
    }
}

/// The shape that an output of `n` slices or windows must have; of boxes the least that is known.
fn expected(output: &Output, n: usize, size: &[usize]) -> Vec<usize> {
    let classes = output.classes.len();
    match output.kind {
        OutputKind::Segmentation => [&[n, classes], size].concat(),
        OutputKind::Classification | OutputKind::Regression | OutputKind::Detection => vec![n, classes],
    }
}

fn check_shape(output: &Output, tensor: &Tensor, expected: &[usize]) -> Result<(), NetworkError> {
    if tensor.shape == expected {
        return Ok(());
    }
    Err(NetworkError::Shape {
        name: output.name.clone(),
        found: tensor.shape.clone(),
        expected: expected.to_vec(),
    })
}

/// Appends what one batch said.
fn take(
    output: &Output,
    tensors: Vec<Tensor>,
    expected: &[usize],
    from: usize,
    size: [usize; 2],
    all: &mut Raw,
) -> Result<(), NetworkError> {
    match (all, &output.boxes) {
        (Raw::Boxes(all), Some(boxes)) => {
            let answered = Answered {
                output,
                boxes,
                tensors: &tensors,
                from,
                slabs: expected[0],
                size,
            };
            let found = boxes::read(&answered).map_err(|reason| NetworkError::Boxes {
                name: output.name.clone(),
                reason,
            })?;
            all.extend(found);
        }
        (Raw::Places { values, .. } | Raw::Scores { values, .. }, _) => {
            for tensor in &tensors {
                check_shape(output, tensor, expected)?;
                values.extend_from_slice(&tensor.values);
            }
        }
        (Raw::Boxes(_), None) => {}
    }
    Ok(())
}

/// Refuses a grid whose values, scores and masks alone are more than the manifest allows the whole run.
fn bounded(manifest: &Manifest, recipe: &Recipe, grid: &Grid) -> Result<(), NetworkError> {
    let cells = grid.shape().iter().map(|side| *side as u64).product::<u64>();
    let source = (grid.back.len() * grid.rows.source * grid.columns.source) as u64;
    let masks = manifest
        .outputs
        .iter()
        .filter(|output| output.kind == OutputKind::Segmentation);
    let classes = masks.map(|output| output.classes.len() as u64).sum::<u64>();
    // Values, scores of all classes, of one class apart, sums of weights; stored voxels of 2 bytes, masks of 1.
    let on_grid = 1 + classes + u64::from(classes > 0) + u64::from(recipe.windows.is_some());
    let needed = cells * 4 * on_grid + source * (2 + classes);
    if needed <= manifest.limits.memory_mb << 20 {
        return Ok(());
    }
    Err(NetworkError::TooLarge {
        grid: grid.shape(),
        needed_mb: needed >> 20,
        limit_mb: manifest.limits.memory_mb,
    })
}
