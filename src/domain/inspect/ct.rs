//! What the voxels of a CT show.

use serde::{Deserialize, Serialize};

use super::enhanced::Enhanced;
use super::slice::{Coarse, Counts, SliceSeen, Spread};
use super::trunk;
use crate::parallel::map;
use crate::volume::{Geometry, Volume};

/// The part of the body, as far as the image itself tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    Head,
    Chest,
    /// Neither of them.
    Other,
}

impl Shown {
    pub fn text(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Chest => "chest",
            Self::Other => "neither head nor chest",
        }
    }
}

/// Everything that is measured on a CT.
#[derive(Clone, Debug, PartialEq)]
pub struct CtSeen {
    pub shown: Shown,
    /// Standard deviation in soft tissue from voxel to voxel, HU; `None` where there is too little of it.
    pub noise_hu: Option<f64>,
    pub metal_ml: f64,
    /// Largest share of the border of a slice, ends left out, that the body crosses; 0 to 1.
    pub cut_off: f64,
    /// Slices that are equal to their neighbour voxel by voxel.
    pub repeated: u32,
    /// Largest sideways jump of the body's middle from one slice to the next, beyond what its neighbours do, mm.
    pub jump_mm: f64,
    /// Share of slices that are more like the one after next than like the next; 0 to 1.
    pub out_of_order: f64,
    /// Volume of what is as bright as contrast agent and lies where vessels do, mL, and its median, HU.
    pub enhanced_ml: f64,
    pub enhanced_hu: Option<f64>,
    /// Of the blood in the pulmonary trunk, HU; `None` but in a chest whose windpipe is seen to fork.
    pub trunk_hu: Option<f64>,
}

/// Slices at either end, a share of all, that may be cut by design: the vertex, the shoulders.
const ENDS: f64 = 0.15;
/// Slices whose areas differ more than this share show other anatomy, and their middles may jump.
const LIKE: f64 = 0.08;
impl CtSeen {
    /// Measures a volume. Time grows with its voxels; memory with its cells.
    pub fn of(volume: &Volume, threads: usize) -> Self {
        let g = &volume.geometry;
        let planes: Vec<&[i16]> = volume.voxels.chunks_exact((g.rows * g.columns).max(1)).collect();
        let numbers: Vec<usize> = (0..planes.len()).collect();
        let slices = map(&numbers, threads, |k| SliceSeen::of(g, *k, planes[*k]));
        let pairs: Vec<&[&[i16]]> = planes.windows(2).collect();
        let repeats = map(&pairs, threads, |pair| pair[0] == pair[1] && !is_blank(pair[0]));
        let repeated = repeats.into_iter().filter(|repeats| *repeats).count();
        Self::joined(g, &slices, repeated as u32, threads)
    }

    /// From what was seen of each slice, and how many equal the one before.
    fn joined(g: &Geometry, slices: &[SliceSeen], repeated: u32, threads: usize) -> Self {
        let counts: Vec<Counts> = slices.iter().map(|slice| slice.counts).collect();
        let coarse: Vec<&Coarse> = slices.iter().map(|slice| &slice.coarse).collect();
        let shown = shown(&counts, &coarse);
        let enhanced = Enhanced::of(shown, g, &coarse, threads);
        let metal_ml = slices
            .iter()
            .enumerate()
            .map(|(k, slice)| slice.metal as f64 * g.voxel_ml(k));
        let spreads = slices.iter().filter_map(|slice| slice.spread.as_ref());
        Self {
            shown,
            noise_hu: Spread::joined(spreads).deviation(),
            metal_ml: metal_ml.sum(),
            cut_off: inner(&counts).iter().map(|c| c.at_border).fold(0.0, f64::max),
            repeated,
            jump_mm: jump(&counts),
            out_of_order: out_of_order(&coarse, threads),
            enhanced_ml: enhanced.ml,
            enhanced_hu: enhanced.median(),
            trunk_hu: match shown {
                Shown::Chest => trunk::density(g, &coarse, &counts),
                Shown::Head | Shown::Other => None,
            },
        }
    }
}

fn is_blank(plane: &[i16]) -> bool {
    plane.iter().all(|v| *v == plane[0])
}

fn inner(counts: &[Counts]) -> &[Counts] {
    let ends = (counts.len() as f64 * ENDS) as usize;
    &counts[ends..counts.len() - ends]
}

/// A head is a bony shell of a head's size without lung; a chest holds lung.
fn shown(counts: &[Counts], coarse: &[&Coarse]) -> Shown {
    let sum = |of: fn(&Counts) -> usize| counts.iter().map(of).sum::<usize>() as f64;
    let (matter, bone, lung) = (sum(|c| c.matter), sum(|c| c.bone), sum(|c| c.lung));
    let Some(cell) = coarse.first().map(|c| c.cell[0] * c.cell[1]) else {
        return Shown::Other;
    };
    let mut across: Vec<f64> = counts
        .iter()
        .map(|c| (4.0 * (c.matter + c.lung) as f64 * cell / std::f64::consts::PI).sqrt())
        .collect();
    across.sort_by(f64::total_cmp);
    let across = across[across.len() / 2];
    let (bone, lung) = (bone / matter.max(1.0), lung / matter.max(1.0));
    if lung > 0.12 && across > 180.0 {
        Shown::Chest
    } else if lung < 0.12 && (0.07..0.6).contains(&bone) && (90.0..215.0).contains(&across) {
        Shown::Head
    } else {
        Shown::Other
    }
}

/// The middle of a slice against the mean of its neighbours' middles, where all three are about as large.
fn jump(counts: &[Counts]) -> f64 {
    let like = |a: &Counts, b: &Counts| {
        let (a, b) = (a.matter as f64, b.matter as f64);
        a > 0.0 && (a - b).abs() <= LIKE * a.max(b)
    };
    let off = |three: &[Counts]| {
        let axis = |n: usize| three[1].middle[n] - (three[0].middle[n] + three[2].middle[n]) / 2.0;
        axis(0).hypot(axis(1))
    };
    inner(counts)
        .windows(3)
        .filter(|three| like(&three[1], &three[0]) && like(&three[1], &three[2]))
        .map(off)
        .fold(0.0, f64::max)
}

fn out_of_order(coarse: &[&Coarse], threads: usize) -> f64 {
    let threes: Vec<&[&Coarse]> = coarse.windows(3).collect();
    let is_wrong = |three: &&[&Coarse]| three[0].differs(three[2]) < 0.9 * three[0].differs(three[1]);
    let wrong = map(&threes, threads, is_wrong);
    wrong.iter().filter(|wrong| **wrong).count() as f64 / threes.len().max(1) as f64
}
