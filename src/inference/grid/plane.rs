//! Resampling in the plane: bilinear between four neighbours, or the mean over what a larger pixel covers. Pure.

use super::{Axis, Grid};
use crate::manifest::PlaneResampling;

/// How a source plane becomes a plane of the grid.
pub enum Resampler {
    Bilinear {
        width: usize,
        rows: Vec<Tap>,
        columns: Vec<Tap>,
    },
    Area {
        width: usize,
        rows: Vec<Cover>,
        columns: Vec<Cover>,
    },
}

impl Resampler {
    pub fn new(grid: &Grid) -> Self {
        let (rows, columns) = (grid.rows, grid.columns);
        // Pixels that do not become larger cover less than one: nothing to average.
        if grid.plane == PlaneResampling::Area && rows.step.max(columns.step) > 1.0 {
            return Self::Area {
                width: columns.source,
                rows: covers(rows),
                columns: covers(columns),
            };
        }
        Self::Bilinear {
            width: columns.source,
            rows: taps(&rows.to_source(), rows.source),
            columns: taps(&columns.to_source(), columns.source),
        }
    }
}

/// A source plane on the grid; what lies outside it counts as `fill`.
pub fn resample(how: &Resampler, plane: &[f32], fill: f32, out: &mut [f32]) {
    match how {
        Resampler::Bilinear { width, rows, columns } => bilinear(plane, *width, rows, columns, fill, out),
        Resampler::Area { width, rows, columns } => area(plane, *width, rows, columns, fill, out),
    }
}

/// The source pixels under one pixel of the grid, each with its share, and the share that lies outside the plane.
pub struct Cover {
    first: usize,
    shares: Vec<f32>,
    outside: f32,
}

fn covers(axis: Axis) -> Vec<Cover> {
    let cover = |centre: f64| {
        // Edges of the grid pixel; source pixel i reaches from i to i + 1.
        let (from, to) = (centre + 0.5 - axis.step / 2.0, centre + 0.5 + axis.step / 2.0);
        let inside = |x: f64| x.clamp(0.0, axis.source as f64);
        let (first, end) = (inside(from.floor()) as usize, inside(to.ceil()) as usize);
        let share = |i: usize| ((to.min(i as f64 + 1.0) - from.max(i as f64)).max(0.0) / axis.step) as f32;
        let shares: Vec<f32> = (first..end).map(share).collect();
        Cover {
            first,
            outside: (1.0 - shares.iter().sum::<f32>()).max(0.0),
            shares,
        }
    };
    axis.to_source().into_iter().map(cover).collect()
}

/// Rows first, then columns.
fn area(plane: &[f32], width: usize, rows: &[Cover], columns: &[Cover], fill: f32, out: &mut [f32]) {
    let mut line = vec![0.0f32; width];
    for (out, row) in out.chunks_exact_mut(columns.len()).zip(rows) {
        line.fill(fill * row.outside);
        let from = plane[row.first * width..].chunks_exact(width);
        for (values, share) in from.zip(&row.shares) {
            line.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value * share);
        }
        for (value, column) in out.iter_mut().zip(columns) {
            let inside = line[column.first..].iter().zip(&column.shares);
            *value = inside.fold(fill * column.outside, |sum, (value, share)| sum + value * share);
        }
    }
}

/// The two neighbours of a coordinate, as indices into a line with one pixel of fill at each end, and the second's share.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    low: usize,
    share: f32,
}

pub fn taps(coordinates: &[f64], length: usize) -> Vec<Tap> {
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
pub fn bilinear(plane: &[f32], width: usize, rows: &[Tap], columns: &[Tap], fill: f32, out: &mut [f32]) {
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
