//! The model's grid in a series: its slices along the normal, a frame in the plane, the way there and the way back. Pure
//! arithmetic on values in memory; the training code computes the same numbers in the same order of operations.
//!
//! Index coordinates: the centre of pixel `i` is `i`, its edges lie half a pixel away. Single precision where values are
//! blended, double precision where places are computed.

mod along;
mod plane;

use std::borrow::Cow;

use tocsin_domain::parallel::{for_each_plane, map_planes};
use tocsin_domain::volume::{Mask, Volume};

use self::along::Along;
use self::plane::{bilinear, resample, taps};
use super::foreground;
use super::manifest::PlaneResampling;
use super::recipe::{Frame, GridSpec, Recipe, Scale};

/// Slices and what each of them weighs; the weights add up to 1.
pub type Weights = Vec<(usize, f32)>;

/// Where a model's grid lies in one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Source slices of each slice of the grid, which is called a slab.
    pub slabs: Vec<Weights>,
    /// Slabs of each source slice.
    pub back: Vec<Weights>,
    pub rows: Axis,
    pub columns: Axis,
    pub fill: f32,
    pub plane: PlaneResampling,
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
    /// Source coordinate of a coordinate on the grid.
    pub fn source_at(self, i: f64) -> f64 {
        let middle = (self.size as f64 - 1.0) / 2.0;
        self.centre + (i - middle) * self.step
    }

    fn to_source(self) -> Vec<f64> {
        (0..self.size).map(|i| self.source_at(i as f64)).collect()
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
        let along = Along::plan(&geometry.offsets, spec.slices);
        let source = [geometry.rows, geometry.columns];
        let middle = [0, 1].map(|axis: usize| (source[axis] as f64 - 1.0) / 2.0);
        let (size, fill, centre) = match spec.frame {
            Frame::Whole => (None, 0.0, middle),
            Frame::Image { size, fill } => (Some(size), fill, middle),
            Frame::Foreground { size, fill, above } => {
                (Some(size), fill, foreground::centre(volume, above, threads))
            }
        };
        let filled = |n: usize| source[n] as f64 / size.map_or(source[n], |size| size[n]) as f64;
        let axis = |n: usize| {
            let step = match spec.scale {
                Scale::Keep => 1.0,
                Scale::Spacing(spacing) => spacing[n] / geometry.pixel_spacing[n],
                Scale::Fill => filled(n),
                Scale::Inside => filled(0).max(filled(1)),
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
            slabs: along.slabs,
            back: along.back,
            rows: axis(0),
            columns: axis(1),
            fill,
            plane: spec.plane,
        }
    }

    /// Values of one slab.
    pub fn plane(&self) -> usize {
        self.rows.size * self.columns.size
    }

    /// Slabs, rows, columns.
    pub fn shape(&self) -> [usize; 3] {
        [self.slabs.len(), self.rows.size, self.columns.size]
    }

    /// The volume on the grid: `f32 [slab, row, column]`. Slices are clipped and averaged first, then each slab is
    /// resampled in its plane.
    pub fn sample(&self, volume: &Volume, recipe: &Recipe, threads: usize) -> Vec<f32> {
        let [low, high] = recipe.clip.unwrap_or([f32::MIN, f32::MAX]);
        let source = self.rows.source * self.columns.source;
        let mut values = vec![0.0; self.slabs.len() * self.plane()];
        let plane = plane::Resampler::new(self);
        for_each_plane(&mut values, self.plane(), threads, |j, out| {
            let mut slab = vec![0.0f32; source];
            for &(k, weight) in &self.slabs[j] {
                let slice = &volume.voxels[k * source..(k + 1) * source];
                for (sum, value) in slab.iter_mut().zip(slice) {
                    *sum += f32::from(*value).clamp(low, high) * weight;
                }
            }
            resample(&plane, &slab, self.fill, out);
        });
        values
    }

    /// Scores on the grid, back on the series and compared: 1 where the score is at least `threshold`; outside the grid the
    /// score is 0.
    pub fn mask(&self, scores: &[f32], threshold: f32, threads: usize) -> Mask {
        let source = self.rows.source * self.columns.source;
        let (rows, columns) = (
            taps(&self.rows.to_grid(), self.rows.size),
            taps(&self.columns.to_grid(), self.columns.size),
        );
        let mut voxels = vec![0u8; self.back.len() * source];
        let mut filled = map_planes(&mut voxels, source, threads, |k, out| {
            if self.repeats(k) {
                return false;
            }
            let slab = self.blended(scores, &self.back[k]);
            // Interpolation never exceeds its neighbours, so that an empty slab needs none.
            if threshold > 0.0 && slab.iter().all(|score| *score < threshold) {
                return false;
            }
            let mut plane = vec![0.0f32; source];
            bilinear(&slab, self.columns.size, &rows, &columns, 0.0, &mut plane);
            for (bit, score) in out.iter_mut().zip(plane) {
                *bit = u8::from(score >= threshold);
            }
            true
        });
        for k in (0..self.back.len()).filter(|k| self.repeats(*k)) {
            filled[k] = filled[k - 1];
            if filled[k] {
                voxels.copy_within((k - 1) * source..k * source, k * source);
            }
        }
        Mask { voxels }
    }

    /// A slice that lies in the same slab as the one before it looks the same.
    fn repeats(&self, k: usize) -> bool {
        k > 0 && self.back[k] == self.back[k - 1]
    }

    /// Scores of one source slice, in the plane of the grid.
    fn blended<'s>(&self, scores: &'s [f32], weights: &Weights) -> Cow<'s, [f32]> {
        let slab = |j: usize| &scores[j * self.plane()..(j + 1) * self.plane()];
        if let [(only, _)] = weights[..] {
            return Cow::Borrowed(slab(only));
        }
        let mut sum = vec![0.0f32; self.plane()];
        for &(j, weight) in weights {
            sum.iter_mut()
                .zip(slab(j))
                .for_each(|(sum, score)| *sum += score * weight);
        }
        Cow::Owned(sum)
    }
}

#[cfg(test)]
mod tests;
