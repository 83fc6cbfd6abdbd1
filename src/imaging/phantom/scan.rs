//! The scanner of a phantom: where the head lies, which slices are taken, what a slice thickness blurs, the kernel's
//! sharpness and noise, streaks and the headrest. Knows densities only, no anatomy.

use tocsin_domain::volume::{Geometry, Mask, Volume};
use uuid::Uuid;

use super::artefact::Artefacts;
use super::dice::Dice;
use super::identity::{instance_uid, series_uid};
use super::model::Model;
use super::noise::Texture;
use super::shape::V3;
use super::spec::Plan;

/// Points along a slice's thickness that are averaged are at most this far apart, mm.
const SAMPLE_MM: f64 = 1.25;

/// Where the head lies in the patient's coordinates (LPS): rotation, then shift.
pub struct Pose {
    /// Rows of the inverse rotation: patient to head.
    inverse: [[f64; 3]; 3],
    shift: [f64; 3],
}

impl Pose {
    pub fn draw(dice: &mut Dice) -> Self {
        let degrees = |d: f32| f64::from(d).to_radians();
        let (yaw, pitch, roll) = (
            degrees(dice.normal(0.0, 4.0)),
            degrees(dice.normal(0.0, 6.0)),
            degrees(dice.normal(0.0, 3.5)),
        );
        let (sy, cy) = yaw.sin_cos();
        let (sp, cp) = pitch.sin_cos();
        let (sr, cr) = roll.sin_cos();
        let about_z = [[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]];
        let about_x = [[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]];
        let about_y = [[cr, 0.0, sr], [0.0, 1.0, 0.0], [-sr, 0.0, cr]];
        let shift = [
            f64::from(dice.normal(0.0, 5.0)),
            f64::from(dice.normal(0.0, 6.0)),
            0.0,
        ];
        Self {
            inverse: product(product(about_z, about_x), about_y),
            shift,
        }
    }

    /// How far left of the head's middle plane a voxel lies, mm.
    pub fn head_x(&self, geometry: &Geometry, index: usize) -> f64 {
        let plane = geometry.rows * geometry.columns;
        let (at, o) = (geometry.origins[index / plane], geometry.orientation);
        let down = ((index % plane) / geometry.columns) as f64 * geometry.pixel_spacing[0];
        let right = (index % geometry.columns) as f64 * geometry.pixel_spacing[1];
        self.to_head([0, 1, 2].map(|i| at[i] + o[i] * right + o[i + 3] * down))[0]
    }

    fn to_head(&self, p: [f64; 3]) -> [f64; 3] {
        self.turn([p[0] - self.shift[0], p[1] - self.shift[1], p[2] - self.shift[2]])
    }

    fn turn(&self, d: [f64; 3]) -> [f64; 3] {
        self.inverse
            .map(|row| row[0] * d[0] + row[1] * d[1] + row[2] * d[2])
    }
}

fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cell = |r: usize, c: usize| (0..3).map(|k| a[r][k] * b[k][c]).sum();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| cell(r, c)))
}

/// The grid of images: slices from the feet up, tilted about the left-right axis.
pub(super) fn geometry(plan: &Plan, seed: u64, bottom_mm: f64) -> Geometry {
    let (sin, cos) = plan.tilt.to_radians().sin_cos();
    let down = [0.0, cos, sin]; // direction of a column; the normal is (0, -sin, cos)
    let half = (plan.matrix as f64 - 1.0) / 2.0 * plan.pixel_mm;
    let along = plan.slice_mm / cos; // the table moves along z
    let origins: Vec<[f64; 3]> = (0..plan.slices)
        .map(|k| {
            [
                -half,
                -half * down[1],
                bottom_mm + k as f64 * along - half * down[2],
            ]
        })
        .collect();
    let series = series_uid(seed);
    Geometry {
        slices: plan.slices,
        rows: plan.matrix,
        columns: plan.matrix,
        pixel_spacing: [plan.pixel_mm; 2],
        offsets: origins.iter().map(|o| o[1] * -sin + o[2] * cos).collect(),
        orientation: [1.0, 0.0, 0.0, down[0], down[1], down[2]],
        origins,
        instance_uids: (0..plan.slices).map(|k| instance_uid(&series, k)).collect(),
    }
}

/// A UUID that the seed and a name decide (version 5).
pub(super) fn derived_uuid(seed: u64, name: &str) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("tocsin head-ct phantom {seed} {name}").as_bytes(),
    )
}

/// Everything that one slice is made from.
pub(super) struct Scanner<'a> {
    pub model: &'a Model,
    pub pose: &'a Pose,
    pub plan: &'a Plan,
    pub texture: &'a Texture,
    pub artefacts: &'a Artefacts,
    pub seed: u64,
}

impl Scanner<'_> {
    /// All slices and the mask of blood, on `threads` threads; the same whatever their number.
    pub fn scan(&self, geometry: Geometry, threads: usize) -> (Volume, Mask) {
        let plane = geometry.rows * geometry.columns;
        let mut voxels = vec![0_i16; geometry.len()];
        let mut blood = vec![0_u8; geometry.len()];
        let share = geometry.slices.div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            let parts = voxels
                .chunks_mut(share * plane)
                .zip(blood.chunks_mut(share * plane));
            for (n, (voxels, blood)) in parts.enumerate() {
                let geometry = &geometry;
                scope.spawn(move || {
                    let slices = voxels.chunks_mut(plane).zip(blood.chunks_mut(plane));
                    for (k, (voxels, blood)) in slices.enumerate() {
                        self.slice(geometry, n * share + k, voxels, blood);
                    }
                });
            }
        });
        (Volume { geometry, voxels }, Mask { voxels: blood })
    }

    fn slice(&self, geometry: &Geometry, k: usize, voxels: &mut [i16], blood: &mut [u8]) {
        let mut hu = vec![0.0_f32; voxels.len()];
        let mut red = vec![0.0_f32; voxels.len()];
        let samples = (self.plan.slice_mm / SAMPLE_MM).ceil().max(1.0) as usize;
        for s in 0..samples {
            let along = ((s as f64 + 0.5) / samples as f64 - 0.5) * self.plan.slice_mm;
            self.sample(geometry, k, along, &mut hu, &mut red);
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
        for (out, v) in blood.iter_mut().zip(&red) {
            *out = u8::from(*v * mean >= 127.5);
        }
    }

    fn sample(&self, geometry: &Geometry, k: usize, along: f64, hu: &mut [f32], red: &mut [f32]) {
        let (start, step_c, step_r) = self.rays(geometry, k, along);
        for (r, (hu, red)) in hu
            .chunks_exact_mut(geometry.columns)
            .zip(red.chunks_exact_mut(geometry.columns))
            .enumerate()
        {
            let r = r as f32;
            let row = [
                start[0] + step_r[0] * r,
                start[1] + step_r[1] * r,
                start[2] + step_r[2] * r,
            ];
            for (c, (hu, red)) in hu.iter_mut().zip(red).enumerate() {
                let c = c as f32;
                let (density, blood) = self.model.at([
                    row[0] + step_c[0] * c,
                    row[1] + step_c[1] * c,
                    row[2] + step_c[2] * c,
                ]);
                *hu += density;
                *red += blood;
            }
        }
    }

    /// First voxel of a slice in the head's coordinates, and the steps of a column and of a row.
    fn rays(&self, geometry: &Geometry, k: usize, along: f64) -> (V3, V3, V3) {
        let o = geometry.orientation;
        let normal = [
            o[1] * o[5] - o[2] * o[4],
            o[2] * o[3] - o[0] * o[5],
            o[0] * o[4] - o[1] * o[3],
        ];
        let at = geometry.origins[k];
        let single = |v: [f64; 3]| v.map(|x| x as f32);
        let first = self.pose.to_head([
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
