//! A body as a grid that was rendered once, read between its voxels.

use super::super::shape::{V3, mix};

/// Density and share of what the mask marks (0..255) at a point in voxels of a grid `[z][y][x]` of `size` x, y, z; by
/// trilinear interpolation, air outside.
pub fn interpolated(hu: &[i16], marked: &[u8], size: [usize; 3], g: V3) -> (f32, f32) {
    let within = |i: usize| g[i] >= 0.0 && g[i] < (size[i] - 1) as f32;
    if !(within(0) && within(1) && within(2)) {
        return (-1000.0, 0.0);
    }
    let plane = size[0] * size[1];
    let base = g[2] as usize * plane + g[1] as usize * size[0] + g[0] as usize;
    let f = [g[0].fract(), g[1].fract(), g[2].fract()];
    let mut density = [0.0; 4];
    let mut share = [0.0; 4];
    for (n, step) in [0, size[0], plane, plane + size[0]].into_iter().enumerate() {
        let i = base + step;
        density[n] = mix(f32::from(hu[i]), f32::from(hu[i + 1]), f[0]);
        share[n] = mix(f32::from(marked[i]), f32::from(marked[i + 1]), f[0]);
    }
    let between = |v: [f32; 4]| mix(mix(v[0], v[1], f[1]), mix(v[2], v[3], f[1]), f[2]);
    (between(density), between(share))
}
