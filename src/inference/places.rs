//! Where things lie, for laying studies over each other: the body in the images, and each lesion of a mask. Pure.

use tocsin_domain::comparison::register::Foreground;
use tocsin_domain::finding::Finding;
use tocsin_domain::quantify::components::{Component, components};
use tocsin_domain::volume::{Geometry, Mask, Volume};

use super::answers::{OutputAnswer, Verdict};
use super::exam::Exam;
use super::manifest::{InputKind, Manifest};

/// Denser than this is body, HU: between fat and air (design value).
const BODY: i16 = -300;
/// About so many voxels are looked at: places are means, and more make them no better.
const LOOKED_AT: usize = 400_000;
/// The class of a segmentation on radiographs that outlines the lungs.
const LUNGS: &str = "lung";

/// The body of a volume; of one radiograph the lungs, where the model outlines them. `None` where there is nothing to go by.
pub fn foreground(exam: &Exam, answers: &[OutputAnswer]) -> Option<Foreground> {
    let [part] = &exam.parts[..] else { return None };
    match exam.kind {
        InputKind::Volume => body(&part.volume),
        InputKind::Image => {
            let mut classes = answers.iter().flat_map(|output| &output.classes);
            let lungs = classes.find(|class| class.class == LUNGS)?;
            match &lungs.verdict {
                Verdict::Masks(masks) => marked(&part.volume.geometry, masks.first()?),
                Verdict::Score(_) | Verdict::Lesions { .. } => None,
            }
        }
    }
}

fn body(volume: &Volume) -> Option<Foreground> {
    let g = &volume.geometry;
    let step = step(g.len());
    let places = (0..g.slices).flat_map(move |k| {
        (0..g.rows)
            .step_by(step)
            .flat_map(move |row| (0..g.columns).step_by(step).map(move |column| (k, row, column)))
    });
    let dense =
        places.filter(|(k, row, column)| volume.voxels[(k * g.rows + row) * g.columns + column] > BODY);
    Foreground::of(dense.map(|(k, row, column)| g.patient(k, row as f64, column as f64)))
}

fn marked(g: &Geometry, mask: &Mask) -> Option<Foreground> {
    let step = step(g.len());
    let places = (0..g.rows)
        .step_by(step)
        .flat_map(|row| (0..g.columns).step_by(step).map(move |column| (row, column)));
    let inside =
        places.filter(|(row, column)| mask.voxels.get(row * g.columns + column).is_some_and(|v| *v != 0));
    Foreground::of(inside.map(|(row, column)| in_plane(g, row as f64, column as f64)))
}

/// The same in both directions of a slice.
fn step(voxels: usize) -> usize {
    ((voxels as f64 / LOOKED_AT as f64).sqrt().ceil() as usize).max(1)
}

/// Radiographs have no place in the patient: mm along the rows and the columns of the image.
fn in_plane(g: &Geometry, row: f64, column: f64) -> [f64; 3] {
    [column * g.pixel_spacing[1], row * g.pixel_spacing[0], 0.0]
}

/// Gives each lesion of a mask its centre. Lesions and components are both numbered from the largest on.
pub fn place(findings: &mut [Finding], manifest: &Manifest, exam: &Exam, answers: &[OutputAnswer]) {
    let [part] = &exam.parts[..] else { return };
    if exam.kind == InputKind::Image && !part.scaled {
        return;
    }
    for (finding, spec) in findings.iter_mut().zip(&manifest.findings) {
        let output = answers.iter().find(|answer| answer.name == spec.output);
        let class = output.and_then(|output| output.classes.iter().find(|class| class.class == spec.class));
        let Some(Verdict::Masks(masks)) = class.map(|class| &class.verdict) else {
            continue;
        };
        let geometry = &part.volume.geometry;
        let found = masks
            .first()
            .and_then(|mask| components(geometry, mask).ok())
            .unwrap_or_default();
        for (lesion, component) in finding.lesions.iter_mut().zip(&found) {
            if lesion.centre_mm.is_none() {
                lesion.centre_mm = Some(centre(geometry, component, exam.kind));
            }
        }
    }
}

fn centre(g: &Geometry, component: &Component, kind: InputKind) -> [f64; 3] {
    let (mut sum, mut weight) = ([0.0; 3], 0.0);
    for run in &component.runs {
        let (row, column) = (f64::from(run.row), f64::from(run.first + run.last) / 2.0);
        let place = match kind {
            InputKind::Volume => g.patient(run.slice as usize, row, column),
            InputKind::Image => in_plane(g, row, column),
        };
        let voxels = run.voxels() as f64;
        (0..3).for_each(|i| sum[i] += place[i] * voxels);
        weight += voxels;
    }
    sum.map(|s| s / weight.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(slices: usize, rows: usize, columns: usize, spacing: f64) -> Geometry {
        Geometry {
            slices,
            rows,
            columns,
            pixel_spacing: [spacing, spacing],
            offsets: (0..slices).map(|k| k as f64 * 5.0).collect(),
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            origins: (0..slices).map(|k| [-100.0, -80.0, k as f64 * 5.0]).collect(),
            instance_uids: Vec::new(),
        }
    }

    #[test]
    fn the_body_of_a_volume_is_found_in_the_patients_space() {
        let g = geometry(10, 64, 64, 2.0);
        let inside = |row: usize, column: usize| (10..50).contains(&row) && (20..60).contains(&column);
        let voxels = (0..g.len())
            .map(|i| if inside(i / 64 % 64, i % 64) { 40 } else { -1000 })
            .collect();
        let found = body(&Volume { geometry: g, voxels }).unwrap();
        let expected = [-100.0 + 39.5 * 2.0, -80.0 + 29.5 * 2.0, 22.5];
        for (axis, (found, expected)) in found.centre_mm.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-6, "axis {axis}: {found}");
        }
    }

    #[test]
    fn the_centre_of_a_lesion_is_that_of_its_voxels() {
        let g = geometry(1, 32, 32, 0.5);
        let voxels = (0..g.len())
            .map(|i| u8::from((8..12).contains(&(i / 32)) && (20..24).contains(&(i % 32))))
            .collect();
        let found = components(&g, &Mask { voxels }).unwrap();
        assert_eq!(centre(&g, &found[0], InputKind::Image), [10.75, 4.75, 0.0]);
        assert_eq!(
            centre(&g, &found[0], InputKind::Volume),
            [-100.0 + 10.75, -80.0 + 4.75, 0.0]
        );
    }

    #[test]
    fn air_alone_is_no_body() {
        let g = geometry(2, 16, 16, 1.0);
        let voxels = vec![-1000; g.len()];
        assert_eq!(body(&Volume { geometry: g, voxels }), None);
    }
}
