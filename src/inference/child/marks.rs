//! What a model marked on an exam, in the one form that is stored: a bit for each class, of masks and of boxes, filled.

use std::io;

use tocsin_domain::volume::is_clear;
use tocsin_imaging::mask_codec::{MaskGrid, MaskSlice, encode_on};

use super::super::answers::{OutputAnswer, Verdict};
use super::super::boxes::Located;
use super::super::exam::Exam;
use super::super::explain::stored::StoredClass;
use super::super::manifest::InputKind;

const SIZES: &str = "the images differ in size, so that marks on them are not kept";

/// Stored marks, empty when the model gives none; and what keeps them from being stored. `frames` are those of the slices in their
/// instances.
pub fn stored_marks(
    exam: &Exam,
    answers: &[OutputAnswer],
    stored: &[StoredClass],
    frames: &[u32],
) -> io::Result<(Vec<u8>, Option<String>)> {
    let marking: Vec<(usize, &Verdict)> = stored
        .iter()
        .enumerate()
        .filter_map(|(bit, class)| Some((bit, verdict(answers, class)?)))
        .collect();
    if marking.is_empty() {
        return Ok((Vec::new(), None));
    }
    let Some(grid) = grid(exam, frames) else {
        return Ok((Vec::new(), Some(SIZES.to_owned())));
    };
    // One mask is all of it: copied only where there are several.
    if let [(0, Verdict::Masks(masks))] = &marking[..]
        && let [mask] = &masks[..]
    {
        return Ok((encode_on(&mask.voxels, &grid)?, None));
    }
    let mut voxels = vec![0u8; grid.slices.len() * grid.rows * grid.columns];
    for (bit, verdict) in marking {
        mark(&mut voxels, &grid, bit, verdict);
    }
    Ok((encode_on(&voxels, &grid)?, None))
}

/// What was said of a class, if it marks anything.
fn verdict<'a>(answers: &'a [OutputAnswer], class: &StoredClass) -> Option<&'a Verdict> {
    let output = answers.iter().find(|output| output.name == class.output)?;
    let class = output
        .classes
        .iter()
        .find(|one| one.class == class.segment.class)?;
    match &class.verdict {
        Verdict::Score(_) => None,
        marking @ (Verdict::Masks(_) | Verdict::Lesions { .. }) => Some(marking),
    }
}

/// Where the voxels lie; `None` where images differ in size.
fn grid(exam: &Exam, frames: &[u32]) -> Option<MaskGrid> {
    let (first, [rows, columns]) = (exam.geometries().next()?, exam.common_size()?);
    let origins = exam.geometries().flat_map(|geometry| &geometry.origins);
    let slice = |(origin, frame): (&[f64; 3], &u32)| MaskSlice {
        origin: *origin,
        frame: *frame,
    };
    Some(MaskGrid {
        rows,
        columns,
        placed: exam.kind == InputKind::Volume,
        pixel_spacing: first.pixel_spacing,
        orientation: first.orientation,
        slices: origins.zip(frames).map(slice).collect(),
    })
}

fn mark(voxels: &mut [u8], grid: &MaskGrid, bit: usize, verdict: &Verdict) {
    match verdict {
        Verdict::Masks(masks) => {
            let mut rest = voxels;
            for mask in masks {
                let (own, after) = rest.split_at_mut(mask.voxels.len().min(rest.len()));
                rest = after;
                let plane = (grid.rows * grid.columns).max(1);
                for (own, mask) in own.chunks_mut(plane).zip(mask.voxels.chunks(plane)) {
                    if !is_clear(mask) {
                        own.iter_mut()
                            .zip(mask)
                            .for_each(|(own, mask)| *own |= u8::from(*mask != 0) << bit);
                    }
                }
            }
        }
        Verdict::Lesions { kept, .. } => fill(voxels, grid, bit, kept),
        Verdict::Score(_) => {}
    }
}

/// Every pixel whose centre lies in a box, on all the slices that it reaches over.
fn fill(voxels: &mut [u8], grid: &MaskGrid, bit: usize, boxes: &[Located]) {
    let within = |[from, to]: [f64; 2], side: usize| {
        let first = from.ceil().max(0.0) as usize;
        first..(to.floor() + 1.0).clamp(0.0, side as f64) as usize
    };
    for one in boxes {
        for slice in one.slices[0]..=one.slices[1] {
            for row in within(one.rows, grid.rows) {
                let line = (slice * grid.rows + row) * grid.columns;
                for column in within(one.columns, grid.columns) {
                    voxels[line + column] |= 1 << bit;
                }
            }
        }
    }
}
