//! Where vessels of the lung may run: not through the heart and not below the diaphragm. Courses that do are bent around.

use super::frame::Frame;
use super::heart::Heart;
use crate::phantom::shape::{V3, unit};

/// Room between a vessel and the heart or the diaphragm, mm.
const ROOM: f32 = 7.0;

/// The room that the heart and the diaphragm leave.
pub struct Free<'a> {
    pub frame: &'a Frame,
    pub heart: &'a Heart,
}

impl Free<'_> {
    /// Moves the points of a course out of heart and abdomen.
    pub fn clear(&self, line: &mut [(V3, f32)]) {
        for (p, _) in line {
            for _ in 0..3 {
                let inside = ROOM - self.heart.muscle(*p);
                if inside > 0.0 {
                    let out = self.outward(*p);
                    *p = [0, 1, 2].map(|i| p[i] + out[i] * inside);
                }
            }
            let q = self.frame.middle(*p);
            let above = self.frame.diaphragm(q) + ROOM / 2.0;
            p[2] = p[2].max(above * self.frame.size[2]);
        }
    }

    /// Direction in which the heart is left soonest.
    fn outward(&self, p: V3) -> V3 {
        let slope = |axis: usize| {
            let (mut a, mut b) = (p, p);
            a[axis] -= 2.0;
            b[axis] += 2.0;
            self.heart.muscle(b) - self.heart.muscle(a)
        };
        unit([slope(0), slope(1), slope(2)])
    }
}
