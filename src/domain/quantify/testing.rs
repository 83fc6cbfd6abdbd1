//! Small grids and shapes for the tests of this folder.

use crate::ids::Uid;
use crate::volume::{Geometry, Mask};

pub fn geometry(slices: usize, rows: usize, columns: usize, pixel: f64, spacing: f64) -> Geometry {
    Geometry {
        slices,
        rows,
        columns,
        pixel_spacing: [pixel, pixel],
        offsets: (0..slices).map(|k| k as f64 * spacing).collect(),
        orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        origins: (0..slices).map(|k| [0.0, 0.0, k as f64 * spacing]).collect(),
        instance_uids: (0..slices)
            .map(|k| Uid::parse(&format!("1.2.3.{}", k + 1)).expect("a UID"))
            .collect(),
    }
}

pub fn mask_where(g: &Geometry, inside: impl Fn(usize, usize, usize) -> bool) -> Mask {
    let mut voxels = Vec::with_capacity(g.len());
    for k in 0..g.slices {
        for r in 0..g.rows {
            voxels.extend((0..g.columns).map(|c| u8::from(inside(k, r, c))));
        }
    }
    Mask { voxels }
}

/// A ball of the given radius in the middle of a grid that holds it; lengths in mm.
pub fn ball(radius: f64, pixel: f64, spacing: f64) -> (Geometry, Mask) {
    let side = (2.0 * radius / pixel) as usize + 7;
    let slices = (2.0 * radius / spacing) as usize + 3;
    let g = geometry(slices, side, side, pixel, spacing);
    let middle = |n: usize| (n as f64 - 1.0) / 2.0;
    let (mk, mr) = (middle(slices), middle(side));
    let mask = mask_where(&g, |k, r, c| {
        let (z, y, x) = (
            (k as f64 - mk) * spacing,
            (r as f64 - mr) * pixel,
            (c as f64 - mr) * pixel,
        );
        x * x + y * y + z * z <= radius * radius
    });
    (g, mask)
}
