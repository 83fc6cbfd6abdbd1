//! The thorax as a grid of one millimetre, free of noise: density, shares of arterial lumen and of clot. Things are
//! painted one over the other; each touches the voxels around itself only. Knows no anatomy.

use crate::phantom::ct::interpolated;
use crate::phantom::shape::{V3, dot, mix, ramp, sub};

/// First voxel, mm; x to the left, y to the back, z up.
const LOW: [i32; 3] = [-190, -140, -180];
pub const SIZE: [usize; 3] = [381, 281, 306];
const PLANE: usize = SIZE[0] * SIZE[1];

/// A centre line with its radii, mm.
pub type Line = Vec<(V3, f32)>;

/// Density in HU, lumen and clot in 1/255, `[z][y][x]`.
pub struct Grid {
    pub hu: Vec<i16>,
    /// Of arteries of every size.
    pub artery: Vec<u8>,
    /// Of arteries from the trunk to the segments.
    pub lumen: Vec<u8>,
    pub clot: Vec<u8>,
}

/// One voxel that is being painted.
pub struct Cell<'a> {
    pub hu: &'a mut i16,
    pub artery: &'a mut u8,
    pub lumen: &'a mut u8,
    pub clot: &'a mut u8,
}

impl Cell<'_> {
    /// Lays a density over what is there.
    pub fn lay(&mut self, hu: f32, share: f32) {
        *self.hu = mix(f32::from(*self.hu), hu, share) as i16;
    }
}

fn place(index: usize) -> V3 {
    let (z, rest) = (index / PLANE, index % PLANE);
    let (y, x) = (rest / SIZE[0], rest % SIZE[0]);
    middle([x, y, z])
}

/// Middle of a voxel, mm.
fn middle(voxel: [usize; 3]) -> V3 {
    [0, 1, 2].map(|i| (voxel[i] as i32 + LOW[i]) as f32)
}

impl Grid {
    /// Fills the grid with the density at each point, on `threads` threads.
    pub fn fill(threads: usize, tissue: impl Fn(V3) -> f32 + Sync) -> Self {
        let len = PLANE * SIZE[2];
        let mut hu = vec![0_i16; len];
        let slab = SIZE[2].div_ceil(threads.max(1)) * PLANE;
        std::thread::scope(|scope| {
            for (n, part) in hu.chunks_mut(slab).enumerate() {
                let tissue = &tissue;
                scope.spawn(move || {
                    for (i, value) in part.iter_mut().enumerate() {
                        *value = tissue(place(n * slab + i)) as i16;
                    }
                });
            }
        });
        Self {
            hu,
            artery: vec![0; len],
            lumen: vec![0; len],
            clot: vec![0; len],
        }
    }

    /// Visits every voxel of a box.
    pub fn visit(&mut self, low: V3, high: V3, mut paint: impl FnMut(V3, Cell)) {
        let bound = |v: f32, i: usize| (v as i32 - LOW[i]).clamp(0, SIZE[i] as i32) as usize;
        let from = [0, 1, 2].map(|i| bound(low[i].floor(), i));
        let to = [0, 1, 2].map(|i| bound(high[i].ceil() + 1.0, i));
        for z in from[2]..to[2] {
            for y in from[1]..to[1] {
                let row = z * PLANE + y * SIZE[0];
                for x in from[0]..to[0] {
                    let i = row + x;
                    let cell = Cell {
                        hu: &mut self.hu[i],
                        artery: &mut self.artery[i],
                        lumen: &mut self.lumen[i],
                        clot: &mut self.clot[i],
                    };
                    paint(middle([x, y, z]), cell);
                }
            }
        }
    }

    /// Visits the voxels within `margin` mm of a tube, with the signed distance to its surface.
    pub fn along(&mut self, line: &[(V3, f32)], margin: f32, mut paint: impl FnMut(V3, f32, Cell)) {
        for pair in line.windows(2) {
            let ((a, ra), (b, rb)) = (pair[0], pair[1]);
            let reach = ra.max(rb) + margin;
            let low = [0, 1, 2].map(|i| a[i].min(b[i]) - reach);
            let high = [0, 1, 2].map(|i| a[i].max(b[i]) + reach);
            let ba = sub(b, a);
            let scale = 1.0 / dot(ba, ba).max(1e-6);
            self.visit(low, high, |p, cell| {
                let pa = sub(p, a);
                let h = (dot(pa, ba) * scale).clamp(0.0, 1.0);
                let off = [pa[0] - ba[0] * h, pa[1] - ba[1] * h, pa[2] - ba[2] * h];
                let d = dot(off, off).sqrt() - mix(ra, rb, h);
                if d < margin {
                    paint(p, d, cell);
                }
            });
        }
    }

    /// Paints a tube of one density whose surface lies `wider` mm outside its radius.
    pub fn tube(&mut self, line: &[(V3, f32)], wider: f32, hu: f32) {
        self.along(line, wider + 1.0, |_, d, mut cell| cell.lay(hu, ramp(d - wider)));
    }

    /// Replaces each voxel of a box by the mean over a path in its plane, which `shift` gives as its half, mm.
    pub fn blur(&mut self, low: V3, high: V3, shift: impl Fn(V3) -> [f32; 2]) {
        let before = (self.hu.clone(), self.clot.clone());
        self.visit(low, high, |p, cell| {
            let [dx, dy] = shift(p);
            let (mut hu, mut clot, mut n) = (0.0_f32, 0.0_f32, 0.0_f32);
            for step in [-1.0, -0.5, 0.0, 0.5, 1.0] {
                if let Some(i) = Self::index([p[0] + dx * step, p[1] + dy * step, p[2]]) {
                    hu += f32::from(before.0[i]);
                    clot += f32::from(before.1[i]);
                    n += 1.0;
                }
            }
            *cell.hu = (hu / n.max(1.0)) as i16;
            *cell.clot = (clot / n.max(1.0)) as u8;
        });
    }

    /// Index of the voxel nearest to a point, when it lies on the grid.
    pub fn index(p: V3) -> Option<usize> {
        let g = [0, 1, 2].map(|i| (p[i] - LOW[i] as f32).round());
        let inside = (0..3).all(|i| g[i] >= 0.0 && g[i] < SIZE[i] as f32);
        inside.then(|| g[2] as usize * PLANE + g[1] as usize * SIZE[0] + g[0] as usize)
    }

    /// Density and share of clot (0..255) at a point, by trilinear interpolation; air outside the grid.
    pub fn at(&self, p: V3) -> (f32, f32) {
        let g = [0, 1, 2].map(|i| p[i] - LOW[i] as f32);
        interpolated(&self.hu, &self.clot, SIZE, g)
    }

    /// Whether at least half of a point lies in the lumen of an artery from the trunk to the segments.
    pub fn in_lumen(&self, p: V3) -> bool {
        let g = [0, 1, 2].map(|i| p[i] - LOW[i] as f32);
        interpolated(&self.hu, &self.lumen, SIZE, g).1 >= 127.5
    }
}
