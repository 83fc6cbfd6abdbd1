//! Windows over a grid of three axes: where they lie, what each shows the network, and one answer from all of theirs. Pure.
//! Places, padding and weights are those of MONAI's `sliding_window_inference` (monai/inferers/utils.py).

use super::channels::windowed;
use super::manifest::Blend;
use super::recipe::{Channels, SlidingWindow};

/// Least weight of a place: nothing that only corners see may be divided by almost nothing.
const LEAST_WEIGHT: f32 = 1e-3;
/// Deviation of the bell, in sides of the window.
const DEVIATION: f64 = 0.125;

/// The windows of one grid.
pub struct Windows {
    /// Slices, rows, columns.
    size: [usize; 3],
    grid: [usize; 3],
    /// Slices, rows and columns of the grid where they begin; negative where the grid is smaller.
    starts: [Vec<isize>; 3],
    weights: Vec<f32>,
    fill: f32,
}

/// Part of a line of the grid that a window holds: `length` places from `at` on, at place `from` of the window.
#[derive(Clone, Copy)]
struct Shared {
    at: usize,
    from: usize,
    length: usize,
}

impl Windows {
    pub fn plan(spec: &SlidingWindow, grid: [usize; 3]) -> Self {
        Self {
            size: spec.size,
            grid,
            starts: [0, 1, 2].map(|axis: usize| starts(grid[axis], spec.size[axis], spec.overlap)),
            weights: weights(spec.size, spec.blend),
            fill: spec.fill,
        }
    }

    /// Slices, rows, columns of each.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    pub fn count(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    /// Where the window `index` begins; columns go fastest.
    fn start(&self, index: usize) -> [isize; 3] {
        let [slices, rows, columns] = &self.starts;
        let line = index / columns.len();
        [
            slices[line / rows.len()],
            rows[line % rows.len()],
            columns[index % columns.len()],
        ]
    }

    /// `f32 [window, channel, slice, row, column]` of the windows `from..to`, from values on the grid.
    pub fn tensor(&self, values: &[f32], channels: &Channels, from: usize, to: usize) -> Vec<f32> {
        let cells = self.weights.len();
        let mut tensor = vec![self.fill; (to - from) * channels.count() * cells];
        let windows = tensor.chunks_exact_mut(channels.count() * cells);
        for (out, index) in windows.zip(from..to) {
            let start = self.start(index);
            for (channel, out) in out.chunks_exact_mut(cells).enumerate() {
                let window = channels.windows.get(channel % channels.windows.len().max(1));
                self.each_line(&start, |from, at, length| {
                    let values = &values[at..at + length];
                    match window {
                        None => out[from..from + length].copy_from_slice(values),
                        Some(window) => out[from..from + length]
                            .iter_mut()
                            .zip(values)
                            .for_each(|(to, value)| *to = windowed(*value, *window)),
                    }
                });
            }
        }
        tensor
    }

    /// Calls `each(place in the window, place in the grid, length)` for every line that both have.
    fn each_line(&self, start: &[isize; 3], mut each: impl FnMut(usize, usize, usize)) {
        let [slices, rows, columns] = [0, 1, 2].map(|axis: usize| self.shared(axis, start[axis]));
        for k in 0..slices.length {
            for r in 0..rows.length {
                let line = |at: [usize; 3], of: [usize; 3]| (at[0] * of[1] + at[1]) * of[2] + at[2];
                each(
                    line([slices.from + k, rows.from + r, columns.from], self.size),
                    line([slices.at + k, rows.at + r, columns.at], self.grid),
                    columns.length,
                );
            }
        }
    }

    fn shared(&self, axis: usize, start: isize) -> Shared {
        let at = start.max(0).unsigned_abs();
        let from = start.min(0).unsigned_abs();
        Shared {
            at,
            from,
            length: (self.size[axis] - from).min(self.grid[axis] - at),
        }
    }
}

/// Sums of what windows said, and of their weights.
pub struct Blended {
    /// `[class, slice, row, column]`.
    sums: Vec<f32>,
    weights: Vec<f32>,
}

impl Blended {
    pub fn new(classes: usize, windows: &Windows) -> Self {
        let cells = windows.grid.iter().product();
        Self {
            sums: vec![0.0; classes * cells],
            weights: vec![0.0; cells],
        }
    }

    /// Adds what the window `index` said: `f32 [class, slice, row, column]`.
    pub fn add(&mut self, windows: &Windows, index: usize, said: &[f32]) {
        let (start, weights) = (windows.start(index), &windows.weights);
        let cells = self.weights.len();
        for (sums, said) in self
            .sums
            .chunks_exact_mut(cells)
            .zip(said.chunks_exact(weights.len()))
        {
            windows.each_line(&start, |from, at, length| {
                let weighted = said[from..from + length].iter().zip(&weights[from..]);
                sums[at..at + length]
                    .iter_mut()
                    .zip(weighted)
                    .for_each(|(sum, (value, weight))| *sum += value * weight);
            });
        }
        windows.each_line(&start, |from, at, length| {
            self.weights[at..at + length]
                .iter_mut()
                .zip(&weights[from..])
                .for_each(|(sum, weight)| *sum += weight);
        });
    }

    /// `f32 [class, slice, row, column]` on the grid.
    pub fn finish(mut self) -> Vec<f32> {
        for sums in self.sums.chunks_exact_mut(self.weights.len().max(1)) {
            sums.iter_mut()
                .zip(&self.weights)
                .for_each(|(sum, weight)| *sum /= weight);
        }
        self.sums
    }
}

/// Where windows begin along one axis: at equal distances, the last one flush with the end.
fn starts(grid: usize, window: usize, overlap: f64) -> Vec<isize> {
    if grid <= window {
        return vec![-(((window - grid) / 2) as isize)];
    }
    let distance = ((window as f64 * (1.0 - overlap)) as usize).max(1);
    let last = grid - window;
    let before = (0..last).step_by(distance);
    before
        .chain(std::iter::once(last))
        .map(|start| start as isize)
        .collect()
}

/// The weight of each place of a window.
fn weights(size: [usize; 3], blend: Blend) -> Vec<f32> {
    let [slices, rows, columns] = size.map(|side| match blend {
        Blend::Mean => vec![1.0; side],
        Blend::Gaussian => bell(side),
    });
    let mut weights = Vec::with_capacity(size.iter().product());
    for k in &slices {
        for r in &rows {
            weights.extend(columns.iter().map(|c| (k * r * c).max(LEAST_WEIGHT)));
        }
    }
    weights
}

fn bell(side: usize) -> Vec<f32> {
    let (middle, deviation) = ((side as f64 - 1.0) / 2.0, side as f64 * DEVIATION);
    (0..side)
        .map(|i| (-(i as f64 - middle).powi(2) / (2.0 * deviation * deviation)).exp() as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Channels = Channels {
        windows: Vec::new(),
        adjacent: 0,
        copies: 1,
    };

    fn spec(size: [usize; 3], overlap: f64, blend: Blend) -> SlidingWindow {
        SlidingWindow {
            size,
            overlap,
            blend,
            fill: -1.0,
        }
    }

    #[test]
    fn windows_begin_at_equal_distances_and_the_last_ends_with_the_grid() {
        for (grid, window, overlap, expected) in [
            (10, 4, 0.5, vec![0, 2, 4, 6]),
            (11, 4, 0.5, vec![0, 2, 4, 6, 7]),
            (10, 4, 0.0, vec![0, 4, 6]),
            (4, 4, 0.25, vec![0]),
            (3, 8, 0.5, vec![-2]),
            (9, 1, 0.9, (0..9).collect()),
        ] {
            assert_eq!(
                starts(grid, window, overlap),
                expected,
                "{grid} {window} {overlap}"
            );
        }
    }

    #[test]
    fn a_bell_is_symmetrical_and_never_nothing() {
        let bell = bell(8);
        assert!((bell[3] - bell[4]).abs() < 1e-7 && bell[3] > bell[2]);
        let all = weights([8, 8, 8], Blend::Gaussian);
        assert_eq!(all[0], LEAST_WEIGHT);
    }

    #[test]
    fn what_windows_repeat_comes_back_as_it_was() {
        let grid = [5, 6, 3];
        let values: Vec<f32> = (0..90).map(|n| n as f32).collect();
        for blend in [Blend::Mean, Blend::Gaussian] {
            // Longer than the grid along the columns: the grid lies in the middle of the window.
            let windows = Windows::plan(&spec([2, 4, 5], 0.5, blend), grid);
            let tensor = windows.tensor(&values, &PLAIN, 0, windows.count());
            let mut blended = Blended::new(1, &windows);
            for (index, said) in tensor.chunks_exact(40).enumerate() {
                assert_eq!((said[0], said[4]), (-1.0, -1.0), "filled on both sides");
                blended.add(&windows, index, said);
            }
            for (value, back) in values.iter().zip(blended.finish()) {
                assert!((value - back).abs() < 1e-4, "{value} {back}");
            }
        }
    }

    #[test]
    fn windows_of_values_become_channels() {
        let windows = Windows::plan(&spec([1, 1, 2], 0.0, Blend::Mean), [1, 1, 2]);
        let channels = Channels {
            windows: vec![[5.0, 10.0], [50.0, 100.0]],
            ..PLAIN
        };
        assert_eq!(
            windows.tensor(&[0.0, 10.0], &channels, 0, 1),
            [0.0, 1.0, 0.0, 0.1]
        );
    }
}
