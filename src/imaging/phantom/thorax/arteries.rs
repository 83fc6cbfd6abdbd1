//! The pulmonary arteries: named stems as tubes, the rest grown into the territory of each segment. Knows where contrast
//! runs, not how dense it is.

use super::frame::{Frame, Lobe, lobe};
use super::great::{Calibres, smooth};
use super::grid::Line;
use super::spec::Level;
use super::tree::{Branch, Stem, grow};
use crate::phantom::dice::Dice;
use crate::phantom::shape::{V3, length, sub, unit};

/// One pulmonary artery.
pub struct Artery {
    pub level: Level,
    /// −1 right, 1 left, 0 the trunk.
    pub side: f32,
    pub parent: Option<usize>,
    /// Divisions beyond the segmental artery.
    pub depth: usize,
    pub line: Line,
    /// How well contrast reaches it, 0..1.
    pub fill: f32,
}

/// All arteries, parents before children; the first three are the trunk, the right and the left main artery.
pub struct Arteries(pub Vec<Artery>);

/// A segment of a lung: its lobe, its middle in the middle person, the stem it hangs on, where its artery leaves.
struct Segment {
    lobe: Lobe,
    middle: V3,
    stem: usize,
    from: V3,
}

const TRUNK: usize = 0;
const RIGHT: usize = 1;
const LEFT: usize = 2;

type Course = &'static [([f32; 3], f32)];

/// Lobar stems: side, parent, course with radii as a share of the main artery's.
const STEMS: [(f32, usize, Course); 6] = [
    (
        -1.0,
        RIGHT,
        &[
            ([-33.0, -1.0, -18.0], 0.66),
            ([-44.0, 0.0, -6.0], 0.62),
            ([-54.0, 1.0, 6.0], 0.52),
        ],
    ),
    (
        -1.0,
        RIGHT,
        &[
            ([-40.0, 2.0, -20.0], 0.86),
            ([-51.0, 9.0, -32.0], 0.82),
            ([-55.0, 17.0, -48.0], 0.76),
            ([-58.0, 25.0, -64.0], 0.66),
            ([-60.0, 30.0, -76.0], 0.56),
        ],
    ),
    (
        -1.0,
        4,
        &[
            ([-56.0, 13.0, -42.0], 0.42),
            ([-66.0, 4.0, -51.0], 0.40),
            ([-76.0, -10.0, -58.0], 0.36),
        ],
    ),
    (
        1.0,
        LEFT,
        &[
            ([42.0, 12.0, 3.0], 0.58),
            ([52.0, 10.0, 10.0], 0.52),
            ([60.0, 8.0, 18.0], 0.44),
        ],
    ),
    (
        1.0,
        LEFT,
        &[
            ([54.0, 27.0, -10.0], 0.86),
            ([60.0, 32.0, -30.0], 0.80),
            ([64.0, 35.0, -48.0], 0.72),
            ([67.0, 37.0, -64.0], 0.62),
            ([69.0, 39.0, -76.0], 0.54),
        ],
    ),
    (
        1.0,
        7,
        &[
            ([61.0, 31.0, -28.0], 0.40),
            ([68.0, 16.0, -34.0], 0.38),
            ([74.0, 0.0, -40.0], 0.34),
        ],
    ),
];

const fn segment(lobe: Lobe, middle: V3, stem: usize, from: V3) -> Segment {
    Segment {
        lobe,
        middle,
        stem,
        from,
    }
}

/// Bronchopulmonary segments (Jackson and Huber), apical and posterior of the left upper lobe as one.
const SEGMENTS: [Segment; 18] = [
    segment(Lobe::Upper, [-52.0, 8.0, 68.0], 3, [-54.0, 1.0, 6.0]),
    segment(Lobe::Upper, [-84.0, -42.0, 8.0], 3, [-50.0, 0.0, 0.0]),
    segment(Lobe::Upper, [-84.0, 46.0, 26.0], 4, [-52.0, 11.0, -34.0]),
    segment(Lobe::Middle, [-96.0, -24.0, -66.0], 5, [-76.0, -10.0, -58.0]),
    segment(Lobe::Middle, [-52.0, -62.0, -72.0], 5, [-71.0, -3.0, -55.0]),
    segment(Lobe::Lower, [-68.0, 66.0, -14.0], 4, [-56.0, 19.0, -52.0]),
    segment(Lobe::Lower, [-46.0, 24.0, -96.0], 4, [-57.0, 22.0, -58.0]),
    segment(Lobe::Lower, [-100.0, 4.0, -104.0], 4, [-59.0, 27.0, -69.0]),
    segment(Lobe::Lower, [-104.0, 42.0, -100.0], 4, [-60.0, 29.0, -73.0]),
    segment(Lobe::Lower, [-66.0, 66.0, -104.0], 4, [-60.0, 30.0, -76.0]),
    segment(Lobe::Upper, [60.0, 22.0, 60.0], 6, [60.0, 8.0, 18.0]),
    segment(Lobe::Upper, [80.0, -44.0, 14.0], 6, [55.0, 9.0, 13.0]),
    segment(Lobe::Upper, [98.0, -34.0, -40.0], 8, [74.0, 0.0, -40.0]),
    segment(Lobe::Upper, [82.0, -62.0, -74.0], 8, [71.0, 8.0, -37.0]),
    segment(Lobe::Lower, [70.0, 68.0, -10.0], 7, [61.0, 33.0, -36.0]),
    segment(Lobe::Lower, [84.0, 6.0, -100.0], 7, [66.0, 36.5, -60.0]),
    segment(Lobe::Lower, [104.0, 44.0, -102.0], 7, [68.0, 38.0, -70.0]),
    segment(Lobe::Lower, [66.0, 66.0, -108.0], 7, [69.0, 39.0, -76.0]),
];

impl Arteries {
    /// Grows arteries to all `points`, which lie in the lungs.
    pub fn grow(frame: &Frame, calibres: &Calibres, points: &[V3], dice: &mut Dice) -> Self {
        let mut all = Self(stems(frame, calibres));
        let mut share: Vec<Vec<V3>> = SEGMENTS.iter().map(|_| Vec::new()).collect();
        for p in points {
            share[territory(frame, *p)].push(*p);
        }
        for (segment, points) in SEGMENTS.iter().zip(&mut share) {
            all.segment(frame, segment, points, dice);
        }
        all
    }

    fn segment(&mut self, frame: &Frame, segment: &Segment, points: &mut [V3], dice: &mut Dice) {
        let parent = &self.0[segment.stem];
        let wanted = frame.place(segment.from);
        let Some((at, radius)) = nearest(&parent.line, wanted) else {
            return;
        };
        let towards = unit(sub(frame.place(segment.middle), at));
        let stem = Stem {
            at,
            towards,
            radius: dice.between(2.5, 3.2).min(radius),
            parent: None,
        };
        let (first, side) = (self.0.len(), parent.side);
        let mut grown: Vec<Branch> = Vec::new();
        grow(&stem, points, dice, &mut grown);
        self.0.extend(grown.into_iter().map(|b| Artery {
            level: if b.depth == 0 {
                Level::Segmental
            } else {
                Level::Subsegmental
            },
            side,
            parent: Some(b.parent.map_or(segment.stem, |p| first + p)),
            depth: b.depth,
            line: b.line,
            fill: 1.0,
        }));
    }

    /// Indices of the arteries that leave one, the widest first.
    pub fn children(&self, of: usize) -> Vec<usize> {
        let mut found: Vec<usize> = (of + 1..self.0.len())
            .filter(|i| self.0[*i].parent == Some(of))
            .collect();
        found.sort_by(|a, b| self.0[*b].line[0].1.total_cmp(&self.0[*a].line[0].1));
        found
    }

    /// The way of the blood from `from_mm` beyond the start of an artery, over `length_mm`, into the widest child.
    pub fn course(&self, start: usize, from_mm: f32, length_mm: f32) -> Line {
        let (mut line, mut artery, mut travelled) = (Line::new(), start, -from_mm);
        loop {
            for pair in self.0[artery].line.windows(2) {
                let step = length(sub(pair[1].0, pair[0].0));
                for n in 0..4 {
                    let t = n as f32 / 4.0;
                    let along = travelled + step * t;
                    if (0.0..=length_mm).contains(&along) {
                        let p = [0, 1, 2].map(|i| pair[0].0[i] + (pair[1].0[i] - pair[0].0[i]) * t);
                        line.push((p, pair[0].1 + (pair[1].1 - pair[0].1) * t));
                    }
                }
                travelled += step;
            }
            match self
                .children(artery)
                .into_iter()
                .find(|c| self.continues(artery, *c))
            {
                Some(child) if travelled < length_mm => artery = child,
                _ => return line,
            }
        }
    }

    /// Whether a child starts at the end of its parent.
    fn continues(&self, parent: usize, child: usize) -> bool {
        let (end, start) = (self.0[parent].line.last(), self.0[child].line.first());
        end.zip(start).is_some_and(|(a, b)| length(sub(a.0, b.0)) < 8.0)
    }

    /// A point in the middle of the trunk.
    pub fn trunk_middle(&self) -> V3 {
        let line = &self.0[TRUNK].line;
        line[line.len() / 2].0
    }

    /// Lets less contrast reach what lies beyond an artery.
    pub fn starve(&mut self, beyond: usize, fill: f32) {
        for i in beyond + 1..self.0.len() {
            let parent = self.0[i].parent.unwrap_or(TRUNK);
            if parent == beyond || (parent > beyond && self.0[parent].fill < 1.0) {
                self.0[i].fill = self.0[i].fill.min(fill);
            }
        }
    }
}

fn nearest(line: &[(V3, f32)], to: V3) -> Option<(V3, f32)> {
    line.iter()
        .copied()
        .min_by(|a, b| length(sub(a.0, to)).total_cmp(&length(sub(b.0, to))))
}

/// The segment that a point of a lung belongs to.
fn territory(frame: &Frame, p: V3) -> usize {
    let q = frame.middle(p);
    let lobe = lobe(&frame.form, q);
    let far = |s: &Segment| {
        let same = s.lobe == lobe && s.middle[0] * q[0] > 0.0;
        length(sub(s.middle, q)) + if same { 0.0 } else { 1000.0 }
    };
    (0..SEGMENTS.len())
        .min_by(|a, b| far(&SEGMENTS[*a]).total_cmp(&far(&SEGMENTS[*b])))
        .unwrap_or(0)
}

pub fn stems(frame: &Frame, c: &Calibres) -> Vec<Artery> {
    let artery = |level, side, parent, points: &[([f32; 3], f32)], scale: f32| Artery {
        level,
        side,
        parent,
        depth: 0,
        line: smooth(
            &points
                .iter()
                .map(|(p, r)| (frame.place(*p), r * scale))
                .collect::<Line>(),
        ),
        fill: 1.0,
    };
    let mut all = vec![
        artery(
            Level::Main,
            0.0,
            None,
            &[
                ([13.0, -53.0, -40.0], 0.95),
                ([16.0, -42.0, -24.0], 1.0),
                ([19.0, -24.0, -9.0], 1.0),
            ],
            c.trunk,
        ),
        artery(
            Level::Main,
            -1.0,
            Some(TRUNK),
            &[
                ([17.0, -22.0, -10.0], 1.1),
                ([6.0, -10.0, -14.0], 1.0),
                ([-12.0, -4.0, -18.0], 1.0),
                ([-28.0, -2.0, -20.0], 0.95),
                ([-41.0, 2.0, -21.0], 0.86),
            ],
            c.right_main,
        ),
        artery(
            Level::Main,
            1.0,
            Some(TRUNK),
            &[
                ([20.0, -24.0, -8.0], 1.1),
                ([28.0, -8.0, -1.0], 1.0),
                ([38.0, 8.0, 3.0], 1.0),
                ([48.0, 20.0, 0.0], 0.95),
                ([54.0, 27.0, -10.0], 0.88),
            ],
            c.left_main,
        ),
    ];
    for (side, parent, points) in STEMS {
        let scale = if side < 0.0 { c.right_main } else { c.left_main };
        all.push(artery(Level::Lobar, side, Some(parent), points, scale));
    }
    all
}
