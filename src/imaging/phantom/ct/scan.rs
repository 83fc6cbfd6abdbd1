//! The scanner: which voxels a body is sampled at, what a slice thickness blurs, and the kernel's sharpness and noise. Knows
//! densities only, no anatomy.

use tocsin_domain::volume::{Geometry, Mask, Volume};

use super::super::dice::Dice;
use super::super::shape::V3;
use super::artefact::Artefacts;
use super::noise::Texture;
use super::plan::ScanPlan;
use super::pose::Pose;

/// Points along a slice's thickness that are averaged are at most this far apart, mm.
const SAMPLE_MM: f64 = 1.25;

/// What can be scanned. Coordinates are the body's own, mm: x to the left, y to the back, z up.
pub trait Body: Sync {
    /// Density in HU at a point, and how much of it is what the mask marks, 0..255.
    fn at(&self, p: V3) -> (f32, f32);
}

/// Everything that one slice is made from.
pub struct Scanner<'a, B> {
    pub body: &'a B,
    pub pose: &'a Pose,
    pub plan: &'a ScanPlan,
    pub texture: &'a Texture,
    pub artefacts: &'a Artefacts,
    pub seed: u64,
}

impl<B: Body> Scanner<'_, B> {
    /// All slices and the mask, on `threads` threads; the same whatever their number.
    pub fn scan(&self, geometry: Geometry, threads: usize) -> (Volume, Mask) {
        let plane = geometry.rows * geometry.columns;
        let mut voxels = vec![0_i16; geometry.len()];
        let mut mask = vec![0_u8; geometry.len()];
        let share = geometry.slices.div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            let parts = voxels
                .chunks_mut(share * plane)
                .zip(mask.chunks_mut(share * plane));
            for (n, (voxels, mask)) in parts.enumerate() {
                let geometry = &geometry;
                scope.spawn(move || {
                    let slices = voxels.chunks_mut(plane).zip(mask.chunks_mut(plane));
                    for (k, (voxels, mask)) in slices.enumerate() {
                        self.slice(geometry, n * share + k, voxels, mask);
                    }
                });
            }
        });
        (Volume { geometry, voxels }, Mask { voxels: mask })
    }

    fn slice(&self, geometry: &Geometry, k: usize, voxels: &mut [i16], mask: &mut [u8]) {
        let mut hu = vec![0.0_f32; voxels.len()];
        let mut marked = vec![0.0_f32; voxels.len()];
        let samples = (self.plan.slice_mm / SAMPLE_MM).ceil().max(1.0) as usize;
        for s in 0..samples {
            let along = ((s as f64 + 0.5) / samples as f64 - 0.5) * self.plan.slice_mm;
            self.sample(geometry, k, along, &mut hu, &mut marked);
        }
        let mean = 1.0 / samples as f32;
        hu.iter_mut().for_each(|v| *v *= mean);
        self.artefacts
            .add(&mut hu, self.rays(geometry, k, 0.0), geometry.columns);
        self.texture.sharpen(&mut hu, geometry.columns);
        let mut dice = Dice::new(self.seed, 1000 + k as u64);
        self.texture
            .add_noise(&mut hu, geometry.columns, self.plan.noise_hu, &mut dice);
        for (out, v) in voxels.iter_mut().zip(&hu) {
            *out = v.round().clamp(-1024.0, 3071.0) as i16;
        }
        let least = 255.0 * self.plan.mask_share;
        for (out, v) in mask.iter_mut().zip(&marked) {
            *out = u8::from(*v * mean >= least);
        }
    }

    fn sample(&self, geometry: &Geometry, k: usize, along: f64, hu: &mut [f32], marked: &mut [f32]) {
        let (start, step_c, step_r) = self.rays(geometry, k, along);
        for (r, (hu, marked)) in hu
            .chunks_exact_mut(geometry.columns)
            .zip(marked.chunks_exact_mut(geometry.columns))
            .enumerate()
        {
            let r = r as f32;
            let row = [
                start[0] + step_r[0] * r,
                start[1] + step_r[1] * r,
                start[2] + step_r[2] * r,
            ];
            for (c, (hu, marked)) in hu.iter_mut().zip(marked).enumerate() {
                let c = c as f32;
                let (density, share) = self.body.at([
                    row[0] + step_c[0] * c,
                    row[1] + step_c[1] * c,
                    row[2] + step_c[2] * c,
                ]);
                *hu += density;
                *marked += share;
            }
        }
    }

    /// First voxel of a slice in the body's coordinates, and the steps of a column and of a row.
    fn rays(&self, geometry: &Geometry, k: usize, along: f64) -> (V3, V3, V3) {
        let o = geometry.orientation;
        let normal = [
            o[1] * o[5] - o[2] * o[4],
            o[2] * o[3] - o[0] * o[5],
            o[0] * o[4] - o[1] * o[3],
        ];
        let at = geometry.origins[k];
        let single = |v: [f64; 3]| v.map(|x| x as f32);
        let first = self.pose.to_body([
            at[0] + normal[0] * along,
            at[1] + normal[1] * along,
            at[2] + normal[2] * along,
        ]);
        let [dy, dx] = geometry.pixel_spacing;
        let column = self.pose.turn([o[0] * dx, o[1] * dx, o[2] * dx]);
        let row = self.pose.turn([o[3] * dy, o[4] * dy, o[5] * dy]);
        (single(first), single(column), single(row))
    }
}
