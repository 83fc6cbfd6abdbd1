//! The heart: chambers in a frame of their own, and the inner widths of the ventricles, measured on what was built. The
//! long axis points to the left, forward and down; across it, in the axial plane, lies the septum's normal.

use std::ops::RangeInclusive;

use super::frame::Frame;
use crate::phantom::dice::Dice;
use crate::phantom::shape::{V3, dot, ellipsoid, mix, rod, sub, unit};

/// Inner widths of the ventricles across the septum, in the axial plane, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widths {
    pub right: f32,
    pub left: f32,
}

/// A part of the heart that holds blood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chamber {
    RightAtrium,
    RightVentricle,
    LeftAtrium,
    LeftVentricle,
}

pub const CHAMBERS: [Chamber; 4] = [
    Chamber::RightAtrium,
    Chamber::LeftAtrium,
    Chamber::RightVentricle,
    Chamber::LeftVentricle,
];

/// Where the ventricles' widths are looked for, from the middle of the left one, in steps of 3 mm: up to the level below
/// the aortic root, and along the long axis from before the valves to the apex.
const LEVELS: RangeInclusive<i32> = -10..=3;
const STATIONS: RangeInclusive<i32> = -8..=12;

/// One heart.
pub struct Heart {
    centre: V3,
    /// Long axis, septal normal (axial), and their normal.
    axes: [V3; 3],
    left: V3,
    right: V3,
    septum: f32,
    pub free_wall: f32,
    /// 0: round left ventricle; 1: septum pressed into it.
    bowing: f32,
    atria: [(V3, V3); 2],
    outflow: [(V3, f32); 2],
}

impl Heart {
    /// A heart whose ventricles have the ratio of widths `ratio` (right to left).
    pub fn draw(dice: &mut Dice, frame: &Frame, ratio: f32) -> Self {
        let strain = ((ratio - 0.95) / 0.5).clamp(0.0, 1.0);
        let long = unit([
            dice.between(0.62, 0.74),
            dice.between(-0.66, -0.56),
            dice.between(-0.42, -0.30),
        ]);
        let across = unit([long[1], -long[0], 0.0]);
        let up = [
            across[1] * long[2] - across[2] * long[1],
            across[2] * long[0] - across[0] * long[2],
            across[0] * long[1] - across[1] * long[0],
        ];
        let back = -2.0 - 10.0 * strain;
        let at = frame.place([43.0, -20.0, -76.0]);
        let mut heart = Self {
            centre: [at[0] + across[0] * back, at[1] + across[1] * back, at[2]],
            axes: [long, across, up],
            left: [
                dice.between(38.0, 46.0),
                dice.between(20.5, 24.5) * (1.0 - 0.16 * strain),
                dice.between(22.0, 26.0),
            ],
            right: [dice.between(42.0, 47.0), 30.0, dice.between(29.0, 34.0)],
            septum: dice.between(8.0, 11.0),
            free_wall: dice.between(3.0, 4.0) + strain,
            bowing: strain * dice.between(0.5, 1.0),
            atria: [
                (
                    frame.place([-38.0, -16.0, -66.0]),
                    [dice.between(18.0, 22.0) + 5.0 * strain, 24.0 + 4.0 * strain, 26.0],
                ),
                (
                    frame.place([6.0, 22.0, -51.0]),
                    [
                        dice.between(28.0, 34.0),
                        dice.between(14.0, 19.0),
                        dice.between(17.0, 21.0),
                    ],
                ),
            ],
            outflow: [
                (frame.place([6.0, -57.0, -53.0]), 13.5),
                (frame.place([13.0, -53.0, -36.0]), 13.0),
            ],
        };
        heart.widen(ratio);
        heart
    }

    /// Chooses the right ventricle's width so that the measured ratio is the one wanted.
    fn widen(&mut self, ratio: f32) {
        let (mut low, mut high) = (8.0, 80.0);
        for _ in 0..12 {
            self.right[1] = (low + high) / 2.0;
            let widths = self.widths();
            if widths.right < ratio * widths.left {
                low = self.right[1];
            } else {
                high = self.right[1];
            }
        }
    }

    /// A point in the frame of the left ventricle.
    fn within(&self, p: V3) -> V3 {
        let d = sub(p, self.centre);
        self.axes.map(|axis| dot(d, axis))
    }

    fn left_ventricle(&self, s: V3) -> f32 {
        let round = ellipsoid(s, [0.0; 3], self.left);
        let near = (-(s[0] / 30.0).powi(2) - (s[2] / 20.0).powi(2)).exp();
        let face = self.left[1] * (1.0 - 0.45 * self.bowing) - 5.0 * self.bowing * near;
        if self.bowing > 0.0 {
            round.max(s[1] - face)
        } else {
            round
        }
    }

    fn right_ventricle(&self, s: V3) -> f32 {
        let centre = [-6.0, self.left[1] + self.septum + 3.0 - 8.0 * self.bowing, 0.0];
        let beside = 0.5 * self.left[1] - s[1]; // it lies before the left ventricle, never around it
        ellipsoid(s, centre, self.right)
            .max(self.septum - self.left_ventricle(s))
            .max(beside)
    }

    /// Signed distance to the inside of a chamber.
    pub fn chamber(&self, chamber: Chamber, p: V3) -> f32 {
        match chamber {
            Chamber::RightAtrium => ellipsoid(p, self.atria[0].0, self.atria[0].1),
            Chamber::LeftAtrium => ellipsoid(p, self.atria[1].0, self.atria[1].1),
            Chamber::LeftVentricle => self.left_ventricle(self.within(p)),
            Chamber::RightVentricle => {
                self.right_ventricle(self.within(p))
                    .min(rod(p, self.outflow[0], self.outflow[1]))
            }
        }
    }

    /// Signed distance to the outside of the muscle.
    pub fn muscle(&self, p: V3) -> f32 {
        let s = self.within(p);
        let left = self.left_ventricle(s) - self.septum;
        let right = self.chamber(Chamber::RightVentricle, p) - self.free_wall;
        let atria = self
            .chamber(Chamber::RightAtrium, p)
            .min(self.chamber(Chamber::LeftAtrium, p))
            - 2.0;
        left.min(right).min(atria)
    }

    /// A box around the heart and its fat, mm.
    pub fn bounds(&self) -> (V3, V3) {
        let c = self.centre;
        (
            [c[0] - 125.0, c[1] - 80.0, c[2] - 60.0],
            [c[0] + 62.0, c[1] + 75.0, c[2] + 60.0],
        )
    }

    /// The largest widths along the septal normal over the axial planes of their bodies, each ventricle by itself.
    pub fn widths(&self) -> Widths {
        let along = unit([self.axes[0][0], self.axes[0][1], 0.0]);
        let mut widths = Widths {
            right: 0.0,
            left: 0.0,
        };
        for z in LEVELS {
            for t in STATIONS {
                let start = [
                    self.centre[0] + along[0] * 3.0 * t as f32,
                    self.centre[1] + along[1] * 3.0 * t as f32,
                    self.centre[2] + 3.0 * z as f32,
                ];
                let left = self.chord(start, |s| self.left_ventricle(s));
                let right = self.chord(start, |s| self.right_ventricle(s));
                widths = Widths {
                    right: widths.right.max(right),
                    left: widths.left.max(left),
                };
            }
        }
        widths
    }

    /// Longest stretch of a line through `start` along the septal normal that lies inside a surface, mm.
    fn chord(&self, start: V3, inside: impl Fn(V3) -> f32) -> f32 {
        let s = self.within(start);
        let value = |u: f32| inside([s[0], u, s[2]]);
        let (mut run, mut longest, mut before) = (0.0, 0.0_f32, 1.0);
        for i in -40..=120 {
            let now = value(i as f32);
            run = match (before < 0.0, now < 0.0) {
                (true, true) => run + 1.0,
                (false, true) => now / (now - before),
                (true, false) => run + before / (before - now),
                (false, false) => 0.0,
            };
            longest = longest.max(run);
            before = now;
        }
        longest
    }

    /// How far the septum is pressed into the left ventricle, 0..1.
    pub fn bowing(&self) -> f32 {
        self.bowing
    }

    /// Where contrast is thin: the share of unmixed blood in the right atrium, by height.
    pub fn inflow(&self, p: V3) -> f32 {
        let (at, size) = self.atria[0];
        mix(0.0, 1.0, ((at[2] - p[2]) / size[2]).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Thorax;
    use super::super::spec::{CtpaSpec, Distractors, PeFinding, Plan};
    use super::*;

    /// Longest run of blood on lines along the septal normal, read from the painted grid.
    fn measured(thorax: &Thorax, chamber: Chamber) -> f32 {
        let heart = &thorax.heart;
        let along = unit([heart.axes[0][0], heart.axes[0][1], 0.0]);
        let blood = |p: V3| heart.chamber(chamber, p) < 3.0 && thorax.grid.at(p).0 > 190.0;
        let mut longest = 0.0_f32;
        for (z, t) in LEVELS.flat_map(|z| STATIONS.map(move |t| (z as f32 * 3.0, t as f32 * 3.0))) {
            let (mut run, mut best) = (0.0, 0.0_f32);
            for step in -100..260 {
                let u = step as f32 * 0.5;
                let n = heart.axes[1];
                let p = [
                    heart.centre[0] + along[0] * t + n[0] * u,
                    heart.centre[1] + along[1] * t + n[1] * u,
                    heart.centre[2] + z,
                ];
                run = if blood(p) { run + 0.5 } else { 0.0 };
                best = best.max(run);
            }
            longest = longest.max(best);
        }
        longest
    }

    #[test]
    fn the_widths_told_are_those_of_the_painted_ventricles() {
        let spec = CtpaSpec {
            distractors: Distractors::None,
            trunk_hu: Some(330.0),
            rv_lv: Some(1.2),
            ..CtpaSpec::new(4, PeFinding::None)
        };
        let thorax = Thorax::build(&spec, &Plan::draw(&spec));
        let told = thorax.heart.widths();
        let right = measured(&thorax, Chamber::RightVentricle);
        assert!(
            (right - told.right).abs() < 2.5,
            "{right} mm, told {} mm",
            told.right
        );
        let left = measured(&thorax, Chamber::LeftVentricle);
        assert!((left - told.left).abs() < 2.5, "{left} mm, told {} mm", told.left);
    }
}
