//! What the input of a manifest must satisfy: figures in range, operations in an order that can run, a layout that goes with
//! them. Pure.

use super::check::{Checked, each, problem, range, rising, text};
use super::{Input, InputKind, Layout, Operation, SliceResampling};
use crate::recipe::Recipe;

/// Largest sides, batches and channels that a manifest may ask for; more is a mistake, not a model.
const MAX_SIDE: usize = 4096;
const MAX_BATCH: usize = 256;
const MAX_CHANNELS: usize = 64;
const MAX_OPERATIONS: usize = 32;
/// Largest window, voxels: its values alone take 256 MiB.
const MAX_WINDOW: usize = 1 << 26;
/// More overlap than this multiplies the work and no longer smooths.
const MAX_OVERLAP: f64 = 0.9;

pub(super) fn check_input(input: &Input) -> Checked {
    text("input.name", &input.name)?;
    range("input.batch", input.batch, 1, MAX_BATCH)?;
    range("input.operations", input.operations.len(), 1, MAX_OPERATIONS)?;
    each("input.operations", &input.operations, check_figures)?;
    let recipe = match Recipe::of(&input.operations) {
        Ok(recipe) => recipe,
        Err(wrong) => {
            return problem(
                format!("input.operations[{}]", wrong.index),
                wrong.found,
                wrong.expected,
            );
        }
    };
    range(
        "input.operations: channels",
        recipe.channels.count(),
        1,
        MAX_CHANNELS,
    )?;
    check_layout(input.layout, &recipe)?;
    match input.kind {
        InputKind::Volume => Ok(()),
        InputKind::Image => input
            .operations
            .iter()
            .enumerate()
            .try_for_each(|(n, operation)| flat(n, operation)),
    }
}

fn check_layout(layout: Layout, recipe: &Recipe) -> Checked {
    match (layout, &recipe.windows) {
        (Layout::Nchw, None) | (Layout::Ncdhw, Some(_)) => Ok(()),
        (Layout::Ncdhw, None) => problem("input.layout", "NCDHW", "sliding_window as the last operation"),
        (Layout::Nchw, Some(_)) => problem("input.layout", "NCHW", "NCDHW, which sliding_window gives"),
    }
}

/// An image has no neighbours.
fn flat(n: usize, operation: &Operation) -> Checked {
    let along = match operation {
        Operation::AdjacentSlices { .. } => "adjacent_slices",
        Operation::SlidingWindow { .. } => "sliding_window",
        Operation::Resample {
            slices: SliceResampling::Box | SliceResampling::Linear,
            ..
        } => "resampling along slices",
        _ => return Ok(()),
    };
    problem(
        format!("input.operations[{n}]"),
        along,
        "only what a single image has",
    )
}

fn check_figures(key: &str, operation: &Operation) -> Checked {
    let size = |size: &[usize]| {
        size.iter()
            .try_for_each(|side| range(&format!("{key}.size"), *side, 1, MAX_SIDE))
    };
    let width = |[_, width]: &[f32; 2]| range(&format!("{key}: window width"), *width, 1e-6, 1e6);
    match operation {
        Operation::ModalityLut
        | Operation::ToRgb
        | Operation::Minmax { range: None }
        | Operation::Zscore { deviation: None, .. } => Ok(()),
        Operation::Clip { range } | Operation::Minmax { range: Some(range) } => {
            rising(&format!("{key}.range"), *range)
        }
        Operation::Percentiles { range: shares } => {
            let key = format!("{key}.range");
            shares
                .iter()
                .try_for_each(|share| range(&key, *share, 0.0, 100.0))?;
            rising(&key, *shares)
        }
        Operation::Resample { spacing_mm, .. } => spacing_mm
            .iter()
            .try_for_each(|mm| range(&format!("{key}.spacing_mm"), *mm, 0.05, 50.0)),
        Operation::Resize { size: sides, .. }
        | Operation::CropForeground { size: sides, .. }
        | Operation::Pad { size: sides, .. } => size(sides),
        Operation::Window { window } => width(window),
        Operation::StackWindows { windows } => {
            each(&format!("{key}.windows"), windows, |_, window| width(window))
        }
        Operation::Zscore {
            deviation: Some(deviation),
            ..
        } => range(&format!("{key}.deviation"), *deviation, 1e-6, 1e9),
        Operation::AdjacentSlices { count } => range(&format!("{key}.count"), *count, 1, 16),
        Operation::SlidingWindow {
            size: sides, overlap, ..
        } => {
            size(sides)?;
            let voxels = sides.iter().product();
            range(&format!("{key}.size: voxels"), voxels, 1, MAX_WINDOW)?;
            range(&format!("{key}.overlap"), *overlap, 0.0, MAX_OVERLAP)
        }
    }
}
