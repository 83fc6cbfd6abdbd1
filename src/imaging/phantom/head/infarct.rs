//! What an infarct of long ago leaves: fluid and scar, and a ventricle that widens into its place.

use super::super::shape::{V3, ellipsoid, smooth};

/// An old infarct: fluid and scar where brain was.
pub struct Infarct {
    pub at: V3,
    pub size: V3,
    pub hu: f32,
    /// Share of the tissue that is lost, 0..1.
    pub share: f32,
    /// How far the ventricle beside it is drawn towards it, mm.
    pub widening: f32,
}

impl Infarct {
    /// How far the ventricle at `q` is drawn, mm.
    pub fn pull(&self, q: V3) -> f32 {
        if self.widening == 0.0 {
            return 0.0;
        }
        self.widening * smooth(24.0, 4.0, ellipsoid(q, self.at, self.size))
    }
}
