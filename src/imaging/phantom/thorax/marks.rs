//! What the mask of a CT pulmonary angiogram marks besides clot: the cavities of the ventricles and the lumen of the large
//! arteries. Changes no image.

use tocsin_domain::volume::{Geometry, Mask};

use super::heart::Chamber;
use super::model::Thorax;
use crate::phantom::ct::Pose;
use crate::phantom::shape::{V3, rod};

/// Clot.
pub const CLOT: u8 = 1;
/// Cavity of the right ventricle with its outflow, up to the pulmonary trunk.
pub const RIGHT_VENTRICLE: u8 = 2;
/// Cavity of the left ventricle, up to the root of the aorta.
pub const LEFT_VENTRICLE: u8 = 4;
/// Lumen of the pulmonary arteries from the trunk to the segments, with the clot that lies in it.
pub const ARTERIES: u8 = 8;

/// Adds to a mask of clot what lies in the middle plane of each slice, on `threads` threads.
pub(super) fn add(thorax: &Thorax, pose: &Pose, geometry: &Geometry, mask: &mut Mask, threads: usize) {
    let plane = geometry.rows * geometry.columns;
    let share = geometry.slices.div_ceil(threads.max(1)).max(1) * plane;
    std::thread::scope(|scope| {
        for (n, part) in mask.voxels.chunks_mut(share).enumerate() {
            scope.spawn(move || {
                for (i, bits) in part.iter_mut().enumerate() {
                    let place = pose.place(geometry, n * share + i);
                    *bits |= thorax.parts(place.map(|v| v as f32));
                }
            });
        }
    });
}

impl Thorax {
    /// Bits of the parts at a point. What was painted later covers what was painted earlier.
    fn parts(&self, p: V3) -> u8 {
        if self.grid.in_lumen(p) {
            return ARTERIES;
        }
        let (low, high) = self.heart.bounds();
        if (0..3).any(|i| p[i] < low[i] || p[i] > high[i]) {
            return 0;
        }
        let inside = |chamber| self.heart.chamber(chamber, p) < 0.0;
        let bits = if inside(Chamber::LeftVentricle) {
            LEFT_VENTRICLE
        } else if inside(Chamber::RightVentricle) {
            RIGHT_VENTRICLE
        } else {
            return 0;
        };
        if self.in_aorta(p) { 0 } else { bits }
    }

    fn in_aorta(&self, p: V3) -> bool {
        self.aorta.windows(2).any(|pair| rod(p, pair[0], pair[1]) < 0.0)
    }
}
