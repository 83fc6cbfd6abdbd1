//! Midline shift: how far the septum between the lateral ventricles lies from the plane that halves the skull, at the
//! level where the frontal horns show. Read from fluid on both sides of it; where that is not seen, nothing is said.

use super::falx::FalxLine;
use super::head::Head;

/// A shift that was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Distance of the septum from the ideal midline, mm; positive to the patient's left.
    pub mm: f64,
    /// Height of the slab where it is largest, mm along the normal.
    pub z: f64,
}

/// Why no shift is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShift {
    #[error("midline shift not determined: the ventricles' level is not in the scan")]
    NoLevel,
    #[error("midline shift not determined: fluid is not seen on both sides of the septum")]
    NoVentricles,
    #[error("midline shift not determined: the ventricles do not agree on one midline")]
    Unclear,
}

/// Below the vertex, mm: where lateral ventricles lie in heads of 0.85 to 1.15 of the mean size.
const LEVELS_MM: (f64, f64) = (46.0, 82.0);
/// From the middle of the skull's length, mm: frontal horns and bodies; behind them the ventricles part.
const ROWS_MM: (f64, f64) = (-46.0, 14.0);
const ROW_STEP: f64 = 2.0;
/// Half width of a profile, and its step, mm.
const PROFILE_MM: f64 = 34.0;
const PROFILE_STEP: f64 = 0.5;
/// Darker than this share of the way from fluid to brain is fluid.
const FLUID_SHARE: f32 = 0.55;
const FLUID_HU: f32 = 6.0;
/// Width of a horn, and of what parts the two, mm.
const HORN_MM: (f64, f64) = (2.0, 20.0);
const SEPTUM_MM: (f64, f64) = (0.5, 28.0);
/// What is denser than brain by this much between two stretches of fluid is blood with oedema around it, no septum; HU.
const BLOOD_HU: f32 = 12.0;
/// Largest shift that is believed, mm.
const LARGEST_MM: f64 = 22.0;
/// Rows that must follow one another, and how far the septum may bend from one to the next, mm.
const FEWEST_ROWS: usize = 5;
const BEND_MM: f64 = 1.5;
/// A ventricle wider than this says no more than one that is as wide, mm.
const COMMON_HORN_MM: f64 = 7.0;
/// A chain counts when it is at least this share as strong as the best.
const CLEAR_SHARE: f64 = 0.7;
const FAR_SHARE: f64 = 0.75;

/// One row in which both ventricles show: where the middle between them lies.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    slab: usize,
    along: f64,
    middle: f64,
    /// Width of the narrower ventricle, mm.
    weight: f64,
}

/// A stretch of fluid across a profile, mm.
#[derive(Clone, Copy, Debug)]
struct Horn {
    from: f64,
    to: f64,
}

impl Horn {
    fn width(&self) -> f64 {
        self.to - self.from
    }
}

pub fn midline_shift(head: &Head) -> Result<Shift, NoShift> {
    let slabs: Vec<usize> = (0..head.map.slabs.len())
        .filter(|k| head.rings[*k].is_some())
        .filter(|k| (LEVELS_MM.0..=LEVELS_MM.1).contains(&(head.top - head.map.slabs[*k].z)))
        .collect();
    if slabs.is_empty() {
        return Err(NoShift::NoLevel);
    }
    let chains: Vec<Vec<Sighting>> = slabs.iter().flat_map(|k| chains(sightings(head, *k))).collect();
    let best = chains.iter().map(|c| strength(c)).fold(0.0, f64::max);
    let clear = chains.iter().filter(|c| strength(c) >= CLEAR_SHARE * best);
    let shift = clear
        .map(|chain| shift_of(head, chain))
        .max_by(|a, b| a.mm.abs().total_cmp(&b.mm.abs()))
        .ok_or(NoShift::NoVentricles)?;
    match shift.mm.abs() <= LARGEST_MM {
        true => Ok(shift),
        false => Err(NoShift::Unclear),
    }
}

fn shift_of(head: &Head, chain: &[Sighting]) -> Shift {
    let z = head.map.slabs[chain[0].slab].z;
    let ideal = FalxLine::find(head, z);
    let off = |s: &Sighting| s.middle - ideal.map_or(0.0, |line| line.offset(s.along));
    Shift {
        mm: far_quantile(chain.iter().map(off).collect()),
        z,
    }
}

/// Sightings of one slab that continue one another from front to back: the two walls of a septum do, chance does not.
fn chains(sightings: Vec<Sighting>) -> Vec<Vec<Sighting>> {
    let follows = |a: &Sighting, b: &Sighting| {
        b.along - a.along <= 2.0 * ROW_STEP && (b.middle - a.middle).abs() <= BEND_MM
    };
    let all = sightings.chunk_by(follows).map(<[Sighting]>::to_vec);
    all.filter(|chain| chain.len() >= FEWEST_ROWS).collect()
}

/// Length counts, and width as far as that of a common horn.
fn strength(chain: &[Sighting]) -> f64 {
    chain.iter().map(|s| s.weight.min(COMMON_HORN_MM)).sum()
}

/// Three quarters of the way to the largest displacement, on the side to which most rows are displaced.
fn far_quantile(mut middles: Vec<f64>) -> f64 {
    middles.sort_by(f64::total_cmp);
    let at = |share: f64| middles[((middles.len() - 1) as f64 * share).round() as usize];
    match at(0.5) >= 0.0 {
        true => at(FAR_SHARE),
        false => at(1.0 - FAR_SHARE),
    }
}

/// Every row of a slab in which two ventricles face each other.
fn sightings(head: &Head, slab: usize) -> Vec<Sighting> {
    let brain = brain_hu(head, slab);
    let fluid = FLUID_HU + FLUID_SHARE * (brain - FLUID_HU);
    let rows = ((ROWS_MM.1 - ROWS_MM.0) / ROW_STEP) as usize;
    let row = |n: usize| {
        let along = ROWS_MM.0 + n as f64 * ROW_STEP;
        let profile = profile(head, slab, along);
        let mut pairs = pairs(&horns(&profile, fluid));
        pairs.retain(|pair| density(&profile, pair.gap) < brain + BLOOD_HU);
        let best = pairs.into_iter().max_by(|a, b| a.weight.total_cmp(&b.weight));
        best.map(|Pair { middle, weight, .. }| Sighting {
            slab,
            along,
            middle,
            weight,
        })
    };
    (0..=rows).filter_map(row).collect()
}

/// HU across the midline at a row, smoothed along it.
fn profile(head: &Head, slab: usize, along: f64) -> Vec<f32> {
    let samples = (2.0 * PROFILE_MM / PROFILE_STEP) as usize + 1;
    let across = |n: usize| -PROFILE_MM + n as f64 * PROFILE_STEP;
    let hu = |u: f64| -> f32 {
        let near = [-2.0, -1.0, 0.0, 1.0, 2.0];
        near.iter().map(|d| head.hu(slab, u, along + d)).sum::<f32>() / near.len() as f32
    };
    (0..samples).map(|n| hu(across(n))).collect()
}

/// The middle density of the central brain in a slab, HU.
fn brain_hu(head: &Head, slab: usize) -> f32 {
    let mut values: Vec<f32> = Vec::new();
    for u in (-44..=44).step_by(4) {
        for w in (-52..=52).step_by(4) {
            values.push(head.hu(slab, f64::from(u), f64::from(w)));
        }
    }
    values.retain(|v| (12.0..50.0).contains(v));
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(30.0)
}

fn horns(profile: &[f32], fluid: f32) -> Vec<Horn> {
    let place = |n: f64| -PROFILE_MM + n * PROFILE_STEP;
    let edge = |n: usize| {
        let (a, b) = (profile[n], profile[n + 1]);
        place(n as f64 + f64::from((fluid - a) / (b - a)))
    };
    let mut found = Vec::new();
    let mut from = None;
    for n in 0..profile.len() - 1 {
        let (here, next) = (profile[n] < fluid, profile[n + 1] < fluid);
        if !here && next {
            from = Some(edge(n));
        }
        if here
            && !next
            && let Some(start) = from.take()
        {
            found.push(Horn {
                from: start,
                to: edge(n),
            });
        }
    }
    found.retain(|h| (HORN_MM.0..=HORN_MM.1).contains(&h.width()));
    found
}

/// Two stretches of fluid that look like a pair of ventricles: both wide, both near.
struct Pair {
    middle: f64,
    gap: [f64; 2],
    /// Width of the narrower one, mm.
    weight: f64,
}

fn pairs(horns: &[Horn]) -> Vec<Pair> {
    let pairs = horns.windows(2).filter_map(|pair| {
        let (left, right) = (pair[0], pair[1]);
        let gap = right.from - left.to;
        let middle = (left.to + right.from) / 2.0;
        let (narrow, wide) = (left.width().min(right.width()), left.width().max(right.width()));
        let alike = wide <= 3.0 * narrow;
        let fits = (SEPTUM_MM.0..=SEPTUM_MM.1).contains(&gap) && middle.abs() <= LARGEST_MM && alike;
        fits.then_some(Pair {
            middle,
            gap: [left.to, right.from],
            weight: narrow,
        })
    });
    pairs.collect()
}

/// Mean HU of a profile between two places.
fn density(profile: &[f32], [from, to]: [f64; 2]) -> f32 {
    let index = |u: f64| (((u + PROFILE_MM) / PROFILE_STEP).round().max(0.0) as usize).min(profile.len() - 1);
    let between = &profile[index(from)..=index(to).max(index(from))];
    between.iter().sum::<f32>() / between.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brain of 30 HU with stretches of other densities, mm.
    fn profile(stretches: &[(f64, f64, f32)]) -> Vec<f32> {
        let samples = (2.0 * PROFILE_MM / PROFILE_STEP) as usize + 1;
        let hu = |n: usize| {
            let u = -PROFILE_MM + n as f64 * PROFILE_STEP;
            let there = stretches.iter().find(|(from, to, _)| (*from..*to).contains(&u));
            there.map_or(30.0, |(.., hu)| *hu)
        };
        (0..samples).map(hu).collect()
    }

    #[test]
    fn a_pair_of_ventricles_tells_where_the_septum_is() {
        let line = profile(&[(-8.0, 1.0, 8.0), (3.0, 11.0, 8.0)]);
        let found = pairs(&horns(&line, 18.0));
        assert_eq!(found.len(), 1);
        assert!((found[0].middle - 2.0).abs() < 0.5, "{}", found[0].middle);
        assert!(density(&line, found[0].gap) < 30.0 + BLOOD_HU);
    }

    #[test]
    fn oedema_on_both_sides_of_blood_is_no_pair_of_ventricles() {
        let line = profile(&[(6.0, 10.0, 14.0), (10.0, 22.0, 70.0), (22.0, 26.0, 14.0)]);
        let found = pairs(&horns(&line, 18.0));
        assert_eq!(found.len(), 1);
        assert!(density(&line, found[0].gap) >= 30.0 + BLOOD_HU);
    }
}
