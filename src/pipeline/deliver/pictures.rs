//! What the picture objects of a result show: key slices with what the policy lets be drawn on them, and the marks of the model as
//! they lie in the patient.

use tocsin_domain::explanation::MAX_SEGMENTS;
use tocsin_domain::finding::{Line, ResultRecord};
use tocsin_domain::study::InstanceFacts;

use super::sources;
use crate::imaging::mask_codec::{self, MaskGrid};
use crate::imaging::{calliper, heat, preview};
use crate::inference::child::protocol::{PictureForm, PictureRequest};
use crate::jobs::JobError;
use crate::pipeline::env::Env;
use crate::pipeline::infer::slice;
use crate::report::{Drawn, KeyImage, MarkedSlice, MarkedSlices, Placed, RgbImage};
use crate::storage::entity::{instance, study};
use crate::storage::results;

/// Centre and width in HU: blood against brain.
const BRAIN_WINDOW: [f64; 2] = [40.0, 80.0];
/// Distances of slices that differ by less are the same, mm.
const SAME_SPACING: f64 = 0.01;

/// The key image at this place among those of the result.
pub async fn key_image(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    place: usize,
) -> Result<KeyImage, JobError> {
    let fail = |reason: &str| JobError::Fail(reason.to_owned());
    let keys = record.key_images();
    let key = keys
        .get(place)
        .ok_or_else(|| fail("the result has no such key image to show"))?;
    let own = sources::read_instances(env, study, record).await?;
    let (row, facts) = own
        .into_iter()
        .find(|(_, facts)| facts.sop_instance_uid == *key.instance)
        .ok_or_else(|| fail("the key instance is not stored"))?;
    let stored = results::mask_of(env.store.read(), record.id).await?;
    let mut image = draw(env, &row, &facts, key.frame).await?;
    let drawn = match record.model.display_policy.shows_marks() {
        true => mark(env, record, &stored, key.slice, &mut image).await?,
        false => Drawn::Nothing,
    };
    Ok(KeyImage {
        instance: key.instance.clone(),
        frame_number: (facts.frames > 1).then_some(key.frame + 1),
        place,
        drawn,
        image: RgbImage {
            rows: image.rows,
            columns: image.columns,
            data: image.data,
        },
    })
}

async fn draw(
    env: &Env,
    row: &instance::Model,
    facts: &InstanceFacts,
    frame: u32,
) -> Result<preview::RgbImage, JobError> {
    let request = PictureRequest {
        file: slice(env, row)?,
        frame,
        window: window(facts),
        form: PictureForm::Rgb,
    };
    let drawn = env.worker.picture(request).await;
    let drawn = drawn.map_err(|error| JobError::Retry(error.to_string()))?;
    Ok(preview::RgbImage {
        rows: drawn.rows,
        columns: drawn.columns,
        data: drawn.bytes,
    })
}

/// Of a head the one that shows blood, whatever the sender thought of; else the sender's own.
fn window(facts: &InstanceFacts) -> Option<[f64; 2]> {
    let part = facts.body_part.as_deref().unwrap_or_default().to_uppercase();
    let head = ["HEAD", "BRAIN", "SKULL"].iter().any(|name| part.contains(name));
    (facts.modality == "CT" && head).then_some(BRAIN_WINDOW)
}

/// Draws the outline of what was marked on this slice and what was measured; where nothing is, the map of where the model looked.
async fn mark(
    env: &Env,
    record: &ResultRecord,
    stored: &[u8],
    slice: usize,
    image: &mut preview::RgbImage,
) -> Result<Drawn, JobError> {
    let damaged = |error: &dyn std::error::Error| JobError::Fail(error.to_string());
    if !stored.is_empty() {
        let bits = record.explanation.marking_bits();
        let mask = mask_codec::slice(stored, slice).map_err(|error| damaged(&error))?;
        preview::outline(image, &mask, bits).map_err(|error| damaged(&error))?;
        let lines: Vec<_> = record.lines_on(slice).map(Line::ends_px).collect();
        calliper::draw(image, &lines);
        return Ok(Drawn::Outline);
    }
    let maps = match results::map_of(env.store.read(), record.id).await? {
        Some(stored) if !stored.is_empty() => heat::decode(&stored).map_err(|error| damaged(&error))?,
        Some(_) | None => Vec::new(),
    };
    Ok(match maps.iter().find(|map| map.slice == slice) {
        Some(map) => {
            heat::lay_over(image, map);
            Drawn::HeatMap
        }
        None => Drawn::Nothing,
    })
}

/// What the model marked, where it lies.
pub async fn marked_slices(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<MarkedSlices, JobError> {
    let stored = results::mask_of(env.store.read(), record.id).await?;
    let own = sources::read_instances(env, study, record).await?;
    let facts = own.into_iter().next().map(|(_, facts)| facts);
    let facts = facts.ok_or_else(|| JobError::Fail("the series is not stored".to_owned()))?;
    let segments = record.explanation.segments.len().min(MAX_SEGMENTS);
    let read = tokio::task::spawn_blocking(move || slices(&stored, segments, &facts));
    let read = read
        .await
        .map_err(|_| JobError::Retry("reading the marks was interrupted".to_owned()))?;
    read.map_err(|error| JobError::Fail(error.to_string()))
}

fn slices(
    stored: &[u8],
    segments: usize,
    facts: &InstanceFacts,
) -> Result<MarkedSlices, mask_codec::MaskCodecError> {
    let grid = mask_codec::grid(stored)?.ok_or(mask_codec::MaskCodecError::Format)?;
    let bits = u8::try_from((1u16 << segments) - 1).unwrap_or(u8::MAX);
    let mut marked = Vec::new();
    for slice in mask_codec::marked(stored, bits)? {
        let own = grid.slices[slice];
        marked.push(MarkedSlice {
            slice,
            frame_number: (facts.frames > 1).then_some(own.frame + 1),
            origin: own.origin,
            voxels: mask_codec::slice(stored, slice)?,
        });
    }
    let placed = grid.placed && facts.frame_of_reference_uid.is_some();
    Ok(MarkedSlices {
        rows: grid.rows,
        columns: grid.columns,
        placed: placed.then(|| Placed {
            pixel_spacing: grid.pixel_spacing,
            orientation: grid.orientation,
            slice_thickness: facts.slice_thickness.filter(|mm| *mm > 0.0),
            slice_spacing: spacing(&grid),
        }),
        slices: marked,
    })
}

/// Distance of neighbouring slices along the normal, mm, where it is the same for all.
fn spacing(grid: &MaskGrid) -> Option<f64> {
    let [rx, ry, rz, cx, cy, cz] = grid.orientation;
    let normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
    let along = |origin: &[f64; 3]| (0..3).map(|axis| origin[axis] * normal[axis]).sum::<f64>();
    let offsets: Vec<f64> = grid.slices.iter().map(|slice| along(&slice.origin)).collect();
    let mut gaps = offsets.windows(2).map(|pair| pair[1] - pair[0]);
    let first = gaps.next()?;
    gaps.all(|gap| (gap - first).abs() < SAME_SPACING)
        .then(|| (offsets[offsets.len() - 1] - offsets[0]) / (offsets.len() - 1) as f64)
        .map(f64::abs)
        .filter(|mm| *mm > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::mask_codec::MaskSlice;

    fn grid(heights: &[f64]) -> MaskGrid {
        let (sin, cos) = (20f64.to_radians().sin(), 20f64.to_radians().cos());
        MaskGrid {
            rows: 1,
            columns: 1,
            placed: true,
            pixel_spacing: [1.0, 1.0],
            orientation: [1.0, 0.0, 0.0, 0.0, cos, sin],
            slices: heights
                .iter()
                .map(|mm| MaskSlice {
                    origin: [0.0, 0.0, *mm],
                    frame: 0,
                })
                .collect(),
        }
    }

    #[test]
    fn slices_are_as_far_apart_as_their_planes() {
        let cos = 20f64.to_radians().cos();
        let found = spacing(&grid(&[0.0, 5.0, 10.0])).expect("even");
        assert!((found - 5.0 * cos).abs() < 1e-9, "a tilted stack: {found}");
        assert_eq!(spacing(&grid(&[0.0, 5.0, 11.0])), None);
        assert_eq!(spacing(&grid(&[3.0])), None);
    }
}
