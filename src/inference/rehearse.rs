//! A rehearsal: the whole way of a model over made-up exams, one of zeros and one of noise. What no declaration says shows here:
//! sizes that a network computes, values that are not finite, labels without a class. Judges no answer.

use tocsin_domain::volume::Volume;

use super::exam::{Exam, Part, plain_geometry};
use super::manifest::InputKind;
use super::network::{Network, NetworkError};
use super::recipe::{Frame, Recipe, Scale, SliceStep};

/// Rows and columns where the recipe leaves them open (drawn): a network that halves its input eight times takes them.
const OPEN_SIDE: usize = 256;
/// Values of the noise, as wide as Hounsfield units.
const NOISE: [i32; 2] = [-1024, 3071];
/// A batch is begun and filled by two slices.
const SLICES: usize = 2;

/// Runs both exams.
pub fn rehearse(network: &mut Network) -> Result<(), NetworkError> {
    let (kind, recipe) = (network.package.manifest.input.kind, &network.package.recipe);
    let blank = exam(kind, recipe);
    let mut noisy = blank.clone();
    let mut state = 1;
    for part in &mut noisy.parts {
        part.volume
            .voxels
            .iter_mut()
            .for_each(|voxel| *voxel = noise(&mut state));
    }
    network.run(&blank)?;
    network.run(&noisy)?;
    Ok(())
}

/// An exam of zeros that fills one window, or a frame of the recipe's size.
fn exam(kind: InputKind, recipe: &Recipe) -> Exam {
    let [slices, rows, columns] = match (kind, &recipe.windows) {
        (_, Some(windows)) => windows.size,
        (InputKind::Image, None) => [1, OPEN_SIDE, OPEN_SIDE],
        (InputKind::Volume, None) => [SLICES, OPEN_SIDE, OPEN_SIDE],
    };
    // Where the frame gives the size, the network sees no more of it.
    let [rows, columns] = match recipe.grid.frame {
        Frame::Whole => [rows, columns],
        Frame::Image { size, .. } | Frame::Foreground { size, .. } => size,
    };
    let pixel_spacing = match recipe.grid.scale {
        Scale::Spacing(spacing) => spacing,
        Scale::Keep | Scale::Fill | Scale::Inside => [1.0, 1.0],
    };
    let distance = match recipe.grid.slices {
        SliceStep::Slabs(mm) | SliceStep::Linear(mm) => mm,
        SliceStep::Keep => 1.0,
    };
    let [row, column] = pixel_spacing;
    let geometry = plain_geometry([slices, rows, columns], [distance, row, column]);
    let voxels = vec![0; geometry.len()];
    Exam {
        kind,
        parts: vec![Part {
            volume: Volume { geometry, voxels },
            scaled: true,
        }],
    }
}

/// The next value of a linear congruential sequence (Knuth, MMIX); its upper bits are the good ones.
fn noise(state: &mut u64) -> i16 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let span = (NOISE[1] - NOISE[0] + 1) as u64;
    (NOISE[0] + ((*state >> 33) % span) as i32) as i16
}
