//! The model's grid in a series: slabs of slices, a frame in the plane, the way there and the way back. Pure arithmetic on
//! values in memory; the training code computes the same numbers in the same order of operations.
//!
//! Index coordinates: the centre of pixel `i` is `i`, its edges lie half a pixel away. Single precision where values are
//! blended, double precision where places are computed.

use tocsin_domain::volume::{Geometry, Mask, Volume};

use super::foreground;
use super::parallel::for_each_plane;
use super::recipe::{Frame, GridSpec, Recipe, Scale};

/// A last slab thinner than this share of a slab is not begun.
const SLAB_SLACK: f64 = 0.1;

/// Where a model's grid lies in one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Source slices and their weights, one list per slab; the weights of a slab add up to 1.
    pub slabs: Vec<Vec<(usize, f32)>>,
    /// The slab that each source slice lies in.
    pub slab_of: Vec<usize>,
    pub rows: Axis,
    pub columns: Axis,
    pub fill: f32,
}

/// One in-plane direction: the source coordinate of grid index `i` is `centre + (i − (size − 1) / 2) × step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub source: usize,
    pub size: usize,
    pub centre: f64,
    pub step: f64,
}

impl Axis {
    fn to_source(self) -> Vec<f64> {
        let middle = (self.size as f64 - 1.0) / 2.0;
        (0..self.size)
            .map(|i| self.centre + (i as f64 - middle) * self.step)
            .collect()
    }

    fn to_grid(self) -> Vec<f64> {
        let middle = (self.size as f64 - 1.0) / 2.0;
        (0..self.source)
            .map(|i| (i as f64 - self.centre) / self.step + middle)
            .collect()
    }
}

impl Grid {
    /// Lays the grid of `spec` over `volume`.
    pub fn plan(volume: &Volume, spec: &GridSpec, threads: usize) -> Self {
        let geometry = &volume.geometry;
        let (slabs, slab_of) = match spec.slab_mm {
            Some(thickness) => slabs(geometry, thickness),
            None => (
                (0..geometry.slices).map(|k| vec![(k, 1.0)]).collect(),
                (0..geometry.slices).collect(),
            ),
        };
        let source = [geometry.rows, geometry.columns];
        let middle = [0, 1].map(|axis: usize| (source[axis] as f64 - 1.0) / 2.0);
        let (size, fill, centre) = match spec.frame {
            Frame::Whole => (None, 0.0, middle),
            Frame::Image { size, fill } => (Some(size), fill, middle),
            Frame::Foreground { size, fill, above } => {
                (Some(size), fill, foreground::centre(volume, above, threads))
            }
        };
        let axis = |n: usize| {
            let step = match spec.scale {
                Scale::Keep => 1.0,
                Scale::Spacing(spacing) => spacing[n] / geometry.pixel_spacing[n],
                Scale::Fill => source[n] as f64 / size.map_or(source[n], |size| size[n]) as f64,
            };
            let whole = ((source[n] as f64 / step).round() as usize).max(1);
            Axis {
                source: source[n],
                size: size.map_or(whole, |size| size[n]),
                centre: centre[n],
                step,
            }
        };
        Self {
            slabs,
            slab_of,
            rows: axis(0),
            columns: axis(1),
            fill,
        }
    }

    /// Values of one slab.
    pub fn plane(&self) -> usize {
        self.rows.size * self.columns.size
    }

    /// The volume on the grid: `f32 [slab, row, column]`. Slices are clipped and averaged first, then each slab is
    /// interpolated in its plane.
    pub fn sample(&self, volume: &Volume, recipe: &Recipe, threads: usize) -> Vec<f32> {
        let [low, high] = recipe.clip.unwrap_or([f32::MIN, f32::MAX]);
        let source = self.rows.source * self.columns.source;
        let (rows, columns) = (
            taps(&self.rows.to_source(), self.rows.source),
            taps(&self.columns.to_source(), self.columns.source),
        );
        let mut values = vec![0.0; self.slabs.len() * self.plane()];
        for_each_plane(&mut values, self.plane(), threads, |j, out| {
            let mut slab = vec![0.0f32; source];
            for &(k, weight) in &self.slabs[j] {
                let slice = &volume.voxels[k * source..(k + 1) * source];
                for (sum, value) in slab.iter_mut().zip(slice) {
                    *sum += f32::from(*value).clamp(low, high) * weight;
                }
            }
            bilinear(&slab, self.columns.source, &rows, &columns, self.fill, out);
        });
        values
    }

    /// Scores on the grid, back on the series and compared: 1 where the score is at least `threshold`. A slice takes the
    /// slab it lies in; outside the grid the score is 0.
    pub fn mask(&self, scores: &[f32], threshold: f32, threads: usize) -> Mask {
        let source = self.rows.source * self.columns.source;
        let (rows, columns) = (
            taps(&self.rows.to_grid(), self.rows.size),
            taps(&self.columns.to_grid(), self.columns.size),
        );
        let mut planes = vec![0u8; self.slabs.len() * source];
        for_each_plane(&mut planes, source, threads, |j, out| {
            let slab = &scores[j * self.plane()..(j + 1) * self.plane()];
            // Interpolation never exceeds its neighbours, so that an empty slab needs none.
            if threshold > 0.0 && slab.iter().all(|score| *score < threshold) {
                return;
            }
            let mut plane = vec![0.0f32; source];
            bilinear(slab, self.columns.size, &rows, &columns, 0.0, &mut plane);
            for (bit, score) in out.iter_mut().zip(plane) {
                *bit = u8::from(score >= threshold);
            }
        });
        let mut voxels = Vec::with_capacity(self.slab_of.len() * source);
        for j in &self.slab_of {
            voxels.extend_from_slice(&planes[j * source..(j + 1) * source]);
        }
        Mask { voxels }
    }
}

/// Boundaries between slices, half way to each neighbour; a single slice is `alone` thick; mm.
fn slice_edges(offsets: &[f64], alone: f64) -> Vec<f64> {
    let n = offsets.len();
    if n == 1 {
        return vec![offsets[0] - alone / 2.0, offsets[0] + alone / 2.0];
    }
    let first = offsets[0] - (offsets[1] - offsets[0]) / 2.0;
    let last = offsets[n - 1] + (offsets[n - 1] - offsets[n - 2]) / 2.0;
    let middle = offsets.windows(2).map(|pair| (pair[1] + pair[0]) / 2.0);
    std::iter::once(first)
        .chain(middle)
        .chain(std::iter::once(last))
        .collect()
}

/// Slabs of `thickness` mm from the first edge, each with the slices that overlap it; and the slab that each slice's centre
/// lies in.
fn slabs(geometry: &Geometry, thickness: f64) -> (Vec<Vec<(usize, f32)>>, Vec<usize>) {
    let edges = slice_edges(&geometry.offsets, thickness);
    let extent = edges[edges.len() - 1] - edges[0];
    let count = ((extent / thickness - SLAB_SLACK).ceil() as usize).max(1);
    let slab = |j: usize| {
        let start = edges[0] + thickness * j as f64;
        let overlap = |k: usize| ((start + thickness).min(edges[k + 1]) - start.max(edges[k])).max(0.0);
        let parts: Vec<(usize, f64)> = (0..geometry.slices)
            .map(|k| (k, overlap(k)))
            .filter(|(_, mm)| *mm > 0.0)
            .collect();
        let total: f64 = parts.iter().map(|(_, mm)| mm).sum();
        parts
            .into_iter()
            .map(|(k, mm)| (k, (mm / total) as f32))
            .collect()
    };
    let of = |offset: &f64| (((offset - edges[0]) / thickness).floor().max(0.0) as usize).min(count - 1);
    (
        (0..count).map(slab).collect(),
        geometry.offsets.iter().map(of).collect(),
    )
}

/// The two neighbours of a coordinate, as indices into a line with one pixel of fill at each end, and the second's share.
#[derive(Clone, Copy, Debug)]
struct Tap {
    low: usize,
    share: f32,
}

fn taps(coordinates: &[f64], length: usize) -> Vec<Tap> {
    let tap = |x: &f64| {
        // Beyond one pixel outside, all is fill.
        let x = x.clamp(-1.0, length as f64) + 1.0;
        let low = (x.floor() as usize).min(length);
        Tap {
            low,
            share: (x - low as f64) as f32,
        }
    };
    coordinates.iter().map(tap).collect()
}

/// Bilinear interpolation of a plane; a neighbour outside counts as `fill`.
fn bilinear(plane: &[f32], width: usize, rows: &[Tap], columns: &[Tap], fill: f32, out: &mut [f32]) {
    let height = plane.len() / width;
    let mut padded = vec![fill; (height + 2) * (width + 2)];
    for (to, from) in padded
        .chunks_exact_mut(width + 2)
        .skip(1)
        .zip(plane.chunks_exact(width))
    {
        to[1..=width].copy_from_slice(from);
    }
    for (line, row) in out.chunks_exact_mut(columns.len()).zip(rows) {
        let upper = &padded[row.low * (width + 2)..(row.low + 1) * (width + 2)];
        let lower = &padded[(row.low + 1) * (width + 2)..(row.low + 2) * (width + 2)];
        for (value, column) in line.iter_mut().zip(columns) {
            let across =
                |line: &[f32]| line[column.low] * (1.0 - column.share) + line[column.low + 1] * column.share;
            *value = across(upper) * (1.0 - row.share) + across(lower) * row.share;
        }
    }
}

#[cfg(test)]
mod tests {
    use tocsin_domain::ids::Uid;

    use super::super::recipe::Channels;
    use super::*;

    fn volume(
        offsets: &[f64],
        rows: usize,
        columns: usize,
        value: impl Fn(usize, usize, usize) -> i16,
    ) -> Volume {
        let slices = offsets.len();
        let mut voxels = Vec::new();
        for k in 0..slices {
            for r in 0..rows {
                voxels.extend((0..columns).map(|c| value(k, r, c)));
            }
        }
        let uid = Uid::parse("1.2").expect("uid");
        Volume {
            geometry: Geometry {
                slices,
                rows,
                columns,
                pixel_spacing: [1.0, 1.0],
                offsets: offsets.to_vec(),
                orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                origins: offsets.iter().map(|z| [0.0, 0.0, *z]).collect(),
                instance_uids: vec![uid; slices],
            },
            voxels,
        }
    }

    fn recipe(grid: GridSpec) -> Recipe {
        let channels = Channels {
            windows: Vec::new(),
            adjacent: 0,
            copies: 1,
        };
        Recipe {
            clip: Some([-1024.0, 3071.0]),
            grid,
            pixels: Vec::new(),
            channels,
        }
    }

    const KEEP: GridSpec = GridSpec {
        slab_mm: None,
        scale: Scale::Keep,
        frame: Frame::Whole,
    };

    #[test]
    fn slices_are_averaged_by_their_overlap_with_a_slab() {
        // 2 mm slices from -1 to 9 mm; slabs of 5 mm: 0..4 by 2, 2, 1 and 1, 2, 2 mm.
        let volume = volume(&[0.0, 2.0, 4.0, 6.0, 8.0], 1, 1, |k, _, _| 10 * k as i16);
        let recipe = recipe(GridSpec {
            slab_mm: Some(5.0),
            ..KEEP
        });
        let grid = Grid::plan(&volume, &recipe.grid, 2);
        assert_eq!(grid.slab_of, [0, 0, 1, 1, 1]);
        let values = grid.sample(&volume, &recipe, 2);
        assert_eq!(values.len(), 2);
        assert!(
            (values[0] - 8.0).abs() < 1e-5 && (values[1] - 32.0).abs() < 1e-5,
            "{values:?}"
        );
    }

    #[test]
    fn a_last_slab_of_less_than_a_tenth_is_not_begun() {
        for (slices, slabs) in [(1usize, 1usize), (10, 2), (11, 3), (21, 5)] {
            let offsets: Vec<f64> = (0..slices).map(|k| k as f64).collect();
            let volume = volume(&offsets, 1, 1, |_, _, _| 0);
            let spec = GridSpec {
                slab_mm: Some(5.0),
                ..KEEP
            };
            assert_eq!(
                Grid::plan(&volume, &spec, 2).slabs.len(),
                slabs,
                "{slices} slices of 1 mm"
            );
        }
    }

    #[test]
    fn the_frame_lies_about_the_foreground_and_fades_to_its_fill() {
        let volume = volume(&[0.0], 4, 4, |_, r, c| if r == 1 && c >= 2 { 100 } else { -1000 });
        let frame = Frame::Foreground {
            size: [1, 4],
            fill: 0.0,
            above: -300.0,
        };
        let recipe = recipe(GridSpec { frame, ..KEEP });
        let grid = Grid::plan(&volume, &recipe.grid, 2);
        assert_eq!((grid.rows.centre, grid.columns.centre), (1.0, 2.5));
        assert_eq!(grid.sample(&volume, &recipe, 1), [-1000.0, 100.0, 100.0, 0.0]);
    }

    #[test]
    fn resampling_blends_and_a_mask_comes_back_where_it_was() {
        let volume = volume(&[0.0, 5.0], 8, 8, |k, r, c| {
            if k == 1 && (2..6).contains(&r) && c < 4 {
                100
            } else {
                0
            }
        });
        let recipe = recipe(GridSpec {
            scale: Scale::Spacing([2.0, 2.0]),
            ..KEEP
        });
        let grid = Grid::plan(&volume, &recipe.grid, 2);
        let values = grid.sample(&volume, &recipe, 2);
        assert_eq!(grid.plane(), 16);
        assert_eq!(values[16..20], [0.0; 4]);
        assert_eq!(values[20..24], [100.0, 100.0, 0.0, 0.0]);
        let mask = grid.mask(&values, 50.0, 2);
        for (index, (bit, value)) in mask.voxels.iter().zip(&volume.voxels).enumerate() {
            // Column 0 lies half a grid pixel from the border, where scores fade to nothing.
            if index % 8 != 0 {
                assert_eq!(*bit == 1, *value == 100, "voxel {index}");
            }
        }
    }

    #[test]
    fn an_image_can_fill_a_frame() {
        let volume = volume(&[0.0], 2, 4, |_, _, c| c as i16);
        let frame = Frame::Image {
            size: [1, 2],
            fill: 0.0,
        };
        let recipe = recipe(GridSpec {
            slab_mm: None,
            scale: Scale::Fill,
            frame,
        });
        assert_eq!(
            Grid::plan(&volume, &recipe.grid, 2).sample(&volume, &recipe, 1),
            [0.5, 2.5]
        );
    }
}
