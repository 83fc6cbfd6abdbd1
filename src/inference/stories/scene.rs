//! Balls in a patient, cut into slices of any position: what the stories look for, with its truth in patient coordinates.

use tocsin_domain::ids::Uid;
use tocsin_domain::volume::{Geometry, Volume};
use tocsin_imaging::decode::Slice;
use tocsin_imaging::series::assemble;

pub const INSIDE: i16 = 100;
pub const OUTSIDE: i16 = 0;

/// A ball, mm in patient coordinates (LPS).
#[derive(Clone, Copy, Debug)]
pub struct Ball {
    pub centre: [f64; 3],
    pub radius: f64,
}

/// How the slices lie.
#[derive(Clone, Copy, Debug)]
pub struct Stack {
    /// Directions of a row and of a column.
    pub orientation: [f64; 6],
    /// From slice to slice, mm; need not be along the normal.
    pub step: [f64; 3],
    pub slices: usize,
    pub side: usize,
    pub pixel: [f64; 2],
}

/// Straight, turned in the plane and tilted about the row, sheared by a gantry, and coronal.
pub fn stacks() -> Vec<(&'static str, Stack)> {
    let (sin, cos) = (20f64.to_radians().sin(), 20f64.to_radians().cos());
    let straight = Stack {
        orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        step: [0.0, 0.0, 3.0],
        slices: 24,
        side: 64,
        pixel: [1.0, 1.25],
    };
    let turned = Stack {
        orientation: [cos, sin, 0.0, -sin, cos, 0.0],
        step: [0.0, 0.0, 3.0],
        ..straight
    };
    let tilted = Stack {
        orientation: [1.0, 0.0, 0.0, 0.0, cos, sin],
        step: [0.0, -3.0 * sin, 3.0 * cos],
        ..straight
    };
    let sheared = Stack {
        orientation: tilted.orientation,
        step: [0.0, 0.0, 3.0],
        ..straight
    };
    let coronal = Stack {
        orientation: [1.0, 0.0, 0.0, 0.0, 0.0, -1.0],
        step: [0.0, 3.0, 0.0],
        ..straight
    };
    vec![
        ("straight", straight),
        ("turned", turned),
        ("tilted", tilted),
        ("sheared", sheared),
        ("coronal", coronal),
    ]
}

impl Stack {
    /// Position of a voxel; the middle of the stack is at 0.
    fn at(&self, k: f64, row: f64, column: f64) -> [f64; 3] {
        let middle = (self.side as f64 - 1.0) / 2.0;
        let (k, row, column) = (
            k - (self.slices as f64 - 1.0) / 2.0,
            row - middle,
            column - middle,
        );
        std::array::from_fn(|axis| {
            self.step[axis] * k
                + self.orientation[axis] * column * self.pixel[1]
                + self.orientation[3 + axis] * row * self.pixel[0]
        })
    }

    /// Longest side of a voxel, mm.
    pub fn voxel(&self) -> f64 {
        let step = self.step.iter().map(|mm| mm * mm).sum::<f64>().sqrt();
        step.max(self.pixel[0]).max(self.pixel[1])
    }

    /// The balls as a scanner would send them: last slice first, odd ones before even ones.
    pub fn scan(&self, balls: &[Ball]) -> Volume {
        let mut slices: Vec<Slice> = (0..self.slices).rev().map(|k| self.slice(k, balls)).collect();
        slices.sort_by_key(|slice| slice.instance_uid.as_str().ends_with(['0', '2', '4', '6', '8']));
        assemble(&slices).expect("a volume")
    }

    fn slice(&self, k: usize, balls: &[Ball]) -> Slice {
        let inside = |at: [f64; 3]| balls.iter().any(|ball| distance(at, ball.centre) <= ball.radius);
        let pixel = |n: usize| self.at(k as f64, (n / self.side) as f64, (n % self.side) as f64);
        let value = |n| if inside(pixel(n)) { INSIDE } else { OUTSIDE };
        Slice {
            instance_uid: Uid::parse(&format!("2.25.{}", 100 + k)).expect("uid"),
            frame: 0,
            rows: self.side,
            columns: self.side,
            values: (0..self.side * self.side).map(value).collect(),
            inverted: false,
            spacing: Some(self.pixel),
            position: Some(self.at(k as f64, 0.0, 0.0)),
            orientation: Some(self.orientation),
            mirrored: false,
            window: None,
            doubt: None,
        }
    }
}

pub fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b) * (a - b))
        .sum::<f64>()
        .sqrt()
}

/// Mean position of the marked voxels, by the geometry that was read.
pub fn centroid(geometry: &Geometry, mask: &[u8]) -> [f64; 3] {
    let plane = geometry.rows * geometry.columns;
    let marked = mask.iter().enumerate().filter(|(_, voxel)| **voxel != 0);
    let places: Vec<[f64; 3]> = marked
        .map(|(n, _)| {
            let (row, column) = (n % plane / geometry.columns, n % geometry.columns);
            geometry.patient(n / plane, row as f64, column as f64)
        })
        .collect();
    std::array::from_fn(|axis| places.iter().map(|at| at[axis]).sum::<f64>() / places.len() as f64)
}
