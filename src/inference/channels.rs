//! From values on the grid to the tensor: steps on pixel values, then windows, neighbours and copies as channels. Pure; the
//! tensor is built batch by batch, so that its channels never lie in memory all at once.

use tocsin_domain::parallel::for_each_plane;

use super::recipe::{Channels, PixelStep};

/// Applies the steps in order, to all values in place.
pub fn apply(values: &mut [f32], steps: &[PixelStep]) {
    for step in steps {
        match *step {
            PixelStep::Clip([low, high]) => each(values, |v| v.clamp(low, high)),
            PixelStep::Window(window) => each(values, |v| windowed(v, window)),
            PixelStep::Minmax(range) => {
                let [low, high] = range.unwrap_or_else(|| extremes(values));
                let span = if high > low { high - low } else { 1.0 };
                each(values, |v| (v - low) / span);
            }
            PixelStep::Zscore { mean, deviation } => {
                let own = moments(values);
                let (mean, deviation) = (mean.unwrap_or(own.0), deviation.unwrap_or(own.1));
                let deviation = if deviation > 0.0 { deviation } else { 1.0 };
                each(values, |v| (v - mean) / deviation);
            }
        }
    }
}

fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    values.iter_mut().for_each(|value| *value = f(*value));
}

pub fn windowed(value: f32, [center, width]: [f32; 2]) -> f32 {
    ((value - (center - width / 2.0)) / width).clamp(0.0, 1.0)
}

fn extremes(values: &[f32]) -> [f32; 2] {
    let widen = |[low, high]: [f32; 2], v: &f32| [low.min(*v), high.max(*v)];
    values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], widen)
}

/// Mean and population deviation.
fn moments(values: &[f32]) -> (f32, f32) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    (mean as f32, variance.sqrt() as f32)
}

/// The tensor of slices `from..to`: `f32 [slice, channel, row, column]`, neighbour by neighbour, window by window.
pub fn tensor(
    values: &[f32],
    plane: usize,
    channels: &Channels,
    [from, to]: [usize; 2],
    threads: usize,
) -> Vec<f32> {
    let slices = values.len() / plane;
    let mut tensor = vec![0.0; (to - from) * channels.count() * plane];
    for_each_plane(&mut tensor, channels.count() * plane, threads, |at, out| {
        let mut places = out.chunks_exact_mut(plane);
        let reach = channels.adjacent as isize;
        for distance in -reach..=reach {
            let neighbour = (from + at).saturating_add_signed(distance).min(slices - 1);
            let source = &values[neighbour * plane..(neighbour + 1) * plane];
            for _ in 0..channels.copies {
                fill(&mut places, source, &channels.windows);
            }
        }
    });
    tensor
}

/// One channel as it is, or one for each window.
fn fill<'t>(places: &mut impl Iterator<Item = &'t mut [f32]>, source: &[f32], windows: &[[f32; 2]]) {
    if windows.is_empty() {
        places.take(1).for_each(|channel| channel.copy_from_slice(source));
    }
    for (window, channel) in windows.iter().zip(places) {
        for (to, value) in channel.iter_mut().zip(source) {
            *to = windowed(*value, *window);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_go_neighbour_by_neighbour_and_window_by_window() {
        let channels = Channels {
            windows: vec![[5.0, 10.0], [50.0, 100.0]],
            adjacent: 1,
            copies: 1,
        };
        let tensor = tensor(&[0.0, 10.0, 100.0], 1, &channels, [0, 3], 2);
        let expected = [
            [0.0, 0.0, 0.0, 0.0, 1.0, 0.1],
            [0.0, 0.0, 1.0, 0.1, 1.0, 1.0],
            [1.0, 0.1, 1.0, 1.0, 1.0, 1.0],
        ];
        assert_eq!(tensor, expected.concat());
    }

    #[test]
    fn pixel_steps_by_hand() {
        for (step, expected) in [
            (PixelStep::Clip([0.0, 4.0]), [0.0, 2.0, 4.0]),
            (PixelStep::Window([2.0, 8.0]), [0.0, 0.5, 1.0]),
            (PixelStep::Minmax(None), [0.0, 0.5, 1.0]),
            (PixelStep::Minmax(Some([2.0, 4.0])), [-2.0, 0.0, 2.0]),
            (
                PixelStep::Zscore {
                    mean: Some(2.0),
                    deviation: Some(4.0),
                },
                [-1.0, 0.0, 1.0],
            ),
            (
                PixelStep::Zscore {
                    mean: None,
                    deviation: None,
                },
                [-1.224_744_9, 0.0, 1.224_744_9],
            ),
        ] {
            let mut values = [-2.0, 2.0, 6.0];
            apply(&mut values, &[step]);
            for (value, wanted) in values.iter().zip(expected) {
                assert!(
                    (value - wanted).abs() < 1e-6,
                    "{step:?}: {values:?}, not {expected:?}"
                );
            }
        }
    }
}
