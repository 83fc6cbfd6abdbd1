//! Where a hemorrhage lies: what its voxels have in common in the head's own frame, and the place they speak for.

use super::components::Component;
use super::head::Head;
use crate::code::{self, Code};
use crate::volume::{Geometry, Mask};

/// Voxels looked at, evenly taken: enough for shares, whatever the size.
const SAMPLES: usize = 6000;
/// Blood on all six sides at this distance makes a voxel part of the core, mm.
const PROBE_MM: f64 = 4.0;
/// A voxel this near to the inner table touches it, mm.
const TOUCH_MM: f64 = 4.0;

/// Share of voxels at the inner table from which a hemorrhage is outside the brain.
const EXTRA_AXIAL_SHARE: f64 = 0.13;
/// Mean distance from the midplane below which blood above the ventricles lies along the falx, mm.
const FALX_MM: f64 = 6.0;
/// Core, against that of a ball of the same volume, below which blood fills a space instead of making one.
const COMPACT: f64 = 0.59;
/// Heights below the vertex between which the lateral ventricles lie, and the posterior fossa begins; mm at scale 1.
const VENTRICLES_MM: (f64, f64) = (36.0, 67.0);
const FOSSA_MM: f64 = 92.0;
/// Depth under the inner table from which the middle of a lesion is deep, and blood in fluid is in a ventricle; mm.
const DEEP_MM: f64 = 33.5;
const VENTRICLE_DEPTH_MM: f64 = 30.0;
/// A side with more than this share has the lesion.
const ONE_SIDED: f64 = 0.8;

/// Place and side of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub location: Code,
    pub laterality: Option<Code>,
}

/// What the voxels of a component have in common. Lengths in mm; shares 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Features {
    /// Mean distance to the left of the midplane, from it on either side, and behind the middle of the skull.
    across: f64,
    lateral: f64,
    along: f64,
    /// Mean distance below the vertex.
    below: f64,
    left: f64,
    touching: f64,
    /// Mean depth under the inner table, and depth of the middle.
    depth: f64,
    middle_depth: f64,
    /// Core against that of a ball of the same volume; 1 for a ball.
    compactness: f64,
}

/// `None` when no voxel lies where the head's frame reaches.
pub fn place(head: &Head, geometry: &Geometry, mask: &Mask, component: &Component) -> Option<Place> {
    let features = Features::of(head, geometry, mask, component)?;
    Some(Place {
        location: location(&features, head.scale),
        laterality: Some(side(features.left)),
    })
}

fn side(left: f64) -> Code {
    match left {
        left if left >= ONE_SIDED => code::LEFT,
        left if left <= 1.0 - ONE_SIDED => code::RIGHT,
        _ => code::BILATERAL,
    }
}

fn location(f: &Features, scale: f64) -> Code {
    let below = f.below / scale;
    // The petrous ridge runs outward and back; before it, at the same height, lies the temporal lobe.
    let behind_ridge = f.along > 0.5 * (f.lateral - 16.0).max(0.0) - 2.0;
    if below > FOSSA_MM && behind_ridge && f.compactness > COMPACT / 2.0 {
        return code::INFRATENTORIAL;
    }
    let along_falx = f.lateral < FALX_MM && below < VENTRICLES_MM.0;
    if f.touching >= EXTRA_AXIAL_SHARE || along_falx {
        return code::EXTRA_AXIAL;
    }
    if f.compactness >= COMPACT {
        return match f.middle_depth / scale >= DEEP_MM {
            true => code::DEEP,
            false => code::LOBAR,
        };
    }
    let ventricular = (VENTRICLES_MM.0..=VENTRICLES_MM.1).contains(&below)
        && f.depth / scale >= VENTRICLE_DEPTH_MM
        && f.along > -42.0 * scale;
    match ventricular {
        true => code::BRAIN_VENTRICLE,
        false => code::EXTRA_AXIAL,
    }
}

impl Features {
    fn of(head: &Head, geometry: &Geometry, mask: &Mask, component: &Component) -> Option<Self> {
        let probe = Probe::new(geometry, mask);
        let slab_of: Vec<usize> = geometry.offsets.iter().map(|z| head.map.nearest(*z)).collect();
        let (mut sum, mut core, mut count) = (Self::default(), 0.0, 0.0);
        for [k, r, c] in sampled(component) {
            let position = head.map.frame().position(r as f64, c as f64);
            let Some([across, along]) = head.place(slab_of[k], position) else {
                continue;
            };
            let depth = head.depth(slab_of[k], position);
            count += 1.0;
            sum.across += across;
            sum.lateral += across.abs();
            sum.along += along;
            sum.below += head.top - geometry.offsets[k];
            sum.left += share(across > 0.0);
            sum.touching += share(depth < TOUCH_MM);
            sum.depth += depth.min(head.top - geometry.offsets[k]);
            core += share(probe.surrounded(k, r, c));
        }
        (count > 0.0).then(|| sum.averaged(count, core / count / ball_core(component.volume_ml), head))
    }

    fn averaged(mut self, count: f64, compactness: f64, head: &Head) -> Self {
        for value in [
            &mut self.across,
            &mut self.lateral,
            &mut self.along,
            &mut self.below,
            &mut self.left,
            &mut self.touching,
            &mut self.depth,
        ] {
            *value /= count;
        }
        let slab = head.map.nearest(head.top - self.below);
        let middle = head.position(slab, self.across, self.along);
        self.middle_depth = middle.map_or(self.depth, |p| head.depth(slab, p));
        self.compactness = compactness;
        self
    }
}

fn share(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

/// Slice, row and column of evenly taken voxels.
fn sampled(component: &Component) -> impl Iterator<Item = [usize; 3]> {
    let voxels: usize = component.runs.iter().map(|r| r.voxels()).sum();
    let stride = voxels.div_ceil(SAMPLES).max(1);
    let all = component
        .runs
        .iter()
        .flat_map(|run| (run.first..=run.last).map(|c| [run.slice as usize, run.row as usize, c as usize]));
    all.step_by(stride)
}

/// Core of a ball: the voxels that have blood at the probe's distance along all six axes. Measured on drawn balls, the
/// loss is that of a shell of 3.4 mm.
fn ball_core(volume_ml: f64) -> f64 {
    let radius_mm = (volume_ml * 1000.0 * 3.0 / (4.0 * std::f64::consts::PI)).cbrt();
    (1.0 - 3.4 / radius_mm).max(0.01).powi(3)
}

/// Looks at the mask around a voxel.
struct Probe<'a> {
    geometry: &'a Geometry,
    mask: &'a Mask,
    /// Slices, rows and columns to go.
    steps: [usize; 3],
}

impl<'a> Probe<'a> {
    fn new(geometry: &'a Geometry, mask: &'a Mask) -> Self {
        let count = |mm: f64| ((PROBE_MM / mm).round() as usize).max(1);
        let [down, across] = geometry.pixel_spacing;
        Self {
            geometry,
            mask,
            steps: [
                count(geometry.extent(geometry.slices / 2)),
                count(down),
                count(across),
            ],
        }
    }

    fn surrounded(&self, k: usize, r: usize, c: usize) -> bool {
        let [dk, dr, dc] = self.steps;
        let both = |at: usize, step: usize| [at.checked_sub(step), Some(at + step)];
        both(k, dk)
            .into_iter()
            .all(|k| k.is_some_and(|k| self.blood(k, r, c)))
            && both(r, dr)
                .into_iter()
                .all(|r| r.is_some_and(|r| self.blood(k, r, c)))
            && both(c, dc)
                .into_iter()
                .all(|c| c.is_some_and(|c| self.blood(k, r, c)))
    }

    fn blood(&self, k: usize, r: usize, c: usize) -> bool {
        let g = self.geometry;
        let inside = k < g.slices && r < g.rows && c < g.columns;
        inside && self.mask.voxels[(k * g.rows + r) * g.columns + c] != 0
    }
}
