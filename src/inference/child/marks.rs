//! What a model marked on an exam, in the one form that is stored: its first mask, or the boxes of its first detection, filled.

use std::io;

use tocsin_domain::volume::{Geometry, Mask};

use super::super::answers::{OutputAnswer, Verdict};
use super::super::boxes::Located;
use super::super::exam::Exam;
use tocsin_imaging::mask_codec;

const SIZES: &str = "the images differ in size, so that marks on them are not kept";

/// Stored marks, empty when the model gives none; and what keeps them from being stored.
pub fn stored_marks(exam: &Exam, answers: &[OutputAnswer]) -> io::Result<(Vec<u8>, Option<String>)> {
    let classes = answers.iter().flat_map(|output| &output.classes);
    let marks = |verdict: &Verdict| match verdict {
        Verdict::Masks(masks) => Some(masks.iter().flat_map(|mask| mask.voxels.clone()).collect()),
        Verdict::Lesions { kept, .. } => Some(filled(exam, kept)),
        Verdict::Score(_) => None,
    };
    let verdicts: Vec<&Verdict> = classes.map(|class| &class.verdict).collect();
    // One mask is all of it: copied only where there are several.
    if let ([Verdict::Masks(masks), ..], [part]) = (&verdicts[..], &exam.parts[..])
        && let [mask] = &masks[..]
    {
        return Ok((mask_codec::encode(mask, &part.volume.geometry)?, None));
    }
    let Some(voxels) = verdicts.into_iter().find_map(marks) else {
        return Ok((Vec::new(), None));
    };
    let (Some(first), Some([rows, columns])) = (exam.geometries().next(), exam.common_size()) else {
        return Ok((Vec::new(), Some(SIZES.to_owned())));
    };
    let geometry = Geometry {
        slices: exam.geometries().map(|geometry| geometry.slices).sum(),
        rows,
        columns,
        ..first.clone()
    };
    Ok((mask_codec::encode(&Mask { voxels }, &geometry)?, None))
}

/// Every pixel whose centre lies in a box, on all the slices that it reaches over.
fn filled(exam: &Exam, boxes: &[Located]) -> Vec<u8> {
    let [rows, columns] = exam.common_size().unwrap_or_default();
    let slices: usize = exam.geometries().map(|geometry| geometry.slices).sum();
    let mut voxels = vec![0; slices * rows * columns];
    let within = |[from, to]: [f64; 2], side: usize| {
        let first = from.ceil().max(0.0) as usize;
        first..(to.floor() + 1.0).clamp(0.0, side as f64) as usize
    };
    for one in boxes {
        for slice in one.slices[0]..=one.slices[1] {
            for row in within(one.rows, rows) {
                let line = (slice * rows + row) * columns;
                for column in within(one.columns, columns) {
                    voxels[line + column] = 1;
                }
            }
        }
    }
    voxels
}
