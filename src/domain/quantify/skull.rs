//! The inner table of the skull in each slab of a head, seen along rays from inside, and the plane that halves it.

use std::f64::consts::TAU;

use super::headmap::{HeadMap, Slab};

/// Denser than this is bone, HU.
const BONE_HU: f32 = 300.0;
const RAYS: usize = 180;
/// Rays start this far out: what is denser within is calcification, not skull. mm.
const START_MM: f64 = 20.0;
const REACH_MM: f64 = 125.0;
const STEP_MM: f64 = 0.5;
/// Bone is at least this thick, mm.
const THICK_MM: f64 = 1.5;
/// Neighbours on each side that a ray is compared with.
const SMOOTHING: usize = 7;
/// Rays that must meet bone for the skull to count as closed.
const CLOSED: f64 = 0.92;

/// The inner table of one slab.
#[derive(Clone, Debug)]
pub struct Ring {
    pub centre: [f64; 2],
    pub z: f64,
    /// Distance from the centre to the inner table, mm, by angle.
    radius: Vec<f64>,
}

impl Ring {
    /// `None` where the skull does not surround the centre of the bone.
    pub fn find(map: &HeadMap, slab: &Slab) -> Option<Self> {
        let (mut centre, bone) = map.centroid_above(slab, BONE_HU);
        if bone < 50 {
            return None;
        }
        let mut ring = None;
        // The headrest and thick bone pull the first centre aside; the second is that of what the first one saw.
        for _ in 0..2 {
            let radius = cast(map, slab, centre)?;
            let found = Self {
                centre,
                z: slab.z,
                radius,
            };
            centre = found.middle();
            ring = Some(found);
        }
        ring
    }

    pub fn points(&self) -> impl Iterator<Item = [f64; 2]> {
        self.radius.iter().enumerate().map(|(i, r)| {
            let (sin, cos) = (i as f64 / RAYS as f64 * TAU).sin_cos();
            [self.centre[0] + r * cos, self.centre[1] + r * sin]
        })
    }

    /// How far inside the inner table a position lies along its ray, mm; negative outside.
    pub fn depth(&self, [x, y]: [f64; 2]) -> f64 {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let turn = dy.atan2(dx).rem_euclid(TAU) / TAU * RAYS as f64;
        let (i, f) = (turn as usize % RAYS, turn.fract());
        let table = self.radius[i] * (1.0 - f) + self.radius[(i + 1) % RAYS] * f;
        table - dx.hypot(dy)
    }

    /// Area inside, mm².
    pub fn area(&self) -> f64 {
        let wedge = (TAU / RAYS as f64).sin() / 2.0;
        (0..RAYS)
            .map(|i| self.radius[i] * self.radius[(i + 1) % RAYS] * wedge)
            .sum()
    }

    fn middle(&self) -> [f64; 2] {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in self.points() {
            for i in 0..2 {
                low[i] = low[i].min(p[i]);
                high[i] = high[i].max(p[i]);
            }
        }
        [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0]
    }
}

/// Distance to bone along each ray, smoothed; `None` when too few rays meet any.
fn cast(map: &HeadMap, slab: &Slab, centre: [f64; 2]) -> Option<Vec<f64>> {
    let met: Vec<Option<f64>> = (0..RAYS)
        .map(|i| first_bone(map, slab, centre, i as f64 / RAYS as f64 * TAU))
        .collect();
    let closed = met.iter().flatten().count() as f64 / RAYS as f64;
    if closed < CLOSED {
        return None;
    }
    Some((0..RAYS).map(|i| settle(&met, i)).collect())
}

fn first_bone(map: &HeadMap, slab: &Slab, centre: [f64; 2], angle: f64) -> Option<f64> {
    let (sin, cos) = angle.sin_cos();
    let hu = |r: f64| map.at(slab, [centre[0] + r * cos, centre[1] + r * sin]);
    let steps = ((REACH_MM - START_MM) / STEP_MM) as usize;
    let mut before = hu(START_MM);
    for n in 1..steps {
        let r = START_MM + n as f64 * STEP_MM;
        let here = hu(r);
        if here > BONE_HU && before <= BONE_HU && hu(r + THICK_MM) > BONE_HU {
            let share = f64::from((BONE_HU - before) / (here - before));
            return Some(r - STEP_MM * (1.0 - share));
        }
        before = here;
    }
    None
}

/// A ray keeps its own length unless its neighbours say otherwise: calcifications, sutures and sinuses are narrow.
fn settle(met: &[Option<f64>], at: usize) -> f64 {
    let mut near: Vec<f64> = (0..=2 * SMOOTHING)
        .filter_map(|n| met[(at + RAYS + n - SMOOTHING) % RAYS])
        .collect();
    near.sort_by(f64::total_cmp);
    let median = near.get(near.len() / 2).copied().unwrap_or(0.0);
    match met[at] {
        Some(own) if (own - median).abs() < 4.0 => own,
        Some(_) | None => median,
    }
}

/// The plane that halves the skull: x = `at` + `yaw`·y + `roll`·z, with the spread of the chords' middles about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Midplane {
    pub at: f64,
    pub yaw: f64,
    pub roll: f64,
    /// Root mean square distance of the middles of the chords, mm.
    pub spread: f64,
}

const CHORDS: usize = 40;
const TURNS: usize = 15;
/// Share of the length of the skull, front and back, that is left out: there the chords are short and the frontal and
/// occipital crests stand in the way.
const ENDS: f64 = 0.14;

impl Midplane {
    /// Fits the middles of chords at right angles to the plane. Chords across an oblique axis lie on the conjugate
    /// diameter, so the fit is repeated in the turned frame until it stands still.
    pub fn fit(rings: &[&Ring]) -> Option<Self> {
        let mut angle = 0.0_f64;
        let mut plane = None;
        for _ in 0..TURNS {
            let middles: Vec<[f64; 3]> = rings.iter().flat_map(|ring| middles(ring, angle)).collect();
            let (fit, spread) = trimmed_fit(&middles)?;
            plane = Some((fit, spread, angle));
            angle += fit[1].atan();
        }
        let ([at, slope, roll], spread, angle) = plane?;
        // x·cos − y·sin = at + slope·(x·sin + y·cos) + roll·z, solved for x.
        let (sin, cos) = angle.sin_cos();
        let scale = cos - slope * sin;
        Some(Self {
            at: at / scale,
            yaw: (sin + slope * cos) / scale,
            roll: roll / scale,
            spread,
        })
    }

    pub fn x(&self, y: f64, z: f64) -> f64 {
        self.at + self.yaw * y + self.roll * z
    }

    /// Distance of a position to the left of the plane, mm, in the slice.
    pub fn off(&self, [x, y]: [f64; 2], z: f64) -> f64 {
        (x - self.x(y, z)) / self.yaw.hypot(1.0)
    }
}

/// Middles of the chords of a ring in a frame turned by `angle`: across, along, height.
fn middles(ring: &Ring, angle: f64) -> Vec<[f64; 3]> {
    let (sin, cos) = angle.sin_cos();
    let turned: Vec<[f64; 2]> = ring
        .points()
        .map(|[x, y]| [x * cos - y * sin, x * sin + y * cos])
        .collect();
    let (front, back) = turned
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(f, b), p| {
            (f.min(p[1]), b.max(p[1]))
        });
    let length = back - front;
    let chords = (0..CHORDS).filter_map(|n| {
        let share = ENDS + (1.0 - 2.0 * ENDS) * n as f64 / (CHORDS - 1) as f64;
        let along = front + share * length;
        chord(&turned, along).map(|middle| [middle, along, ring.z])
    });
    chords.collect()
}

/// Middle of the outermost crossings of a closed line with `y = along`.
fn chord(line: &[[f64; 2]], along: f64) -> Option<f64> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for i in 0..line.len() {
        let (p, q) = (line[i], line[(i + 1) % line.len()]);
        if (p[1] <= along) != (q[1] <= along) {
            let x = p[0] + (along - p[1]) / (q[1] - p[1]) * (q[0] - p[0]);
            low = low.min(x);
            high = high.max(x);
        }
    }
    (low < high).then_some((low + high) / 2.0)
}

/// Least squares of across = a + b·along + c·height, twice: the second time without the worst tenth.
fn trimmed_fit(points: &[[f64; 3]]) -> Option<([f64; 3], f64)> {
    let first = least_squares(points)?;
    let residual = |fit: &[f64; 3], p: &[f64; 3]| p[0] - fit[0] - fit[1] * p[1] - fit[2] * p[2];
    let mut kept = points.to_vec();
    kept.sort_by(|p, q| residual(&first, p).abs().total_cmp(&residual(&first, q).abs()));
    kept.truncate(points.len() * 9 / 10);
    let fit = least_squares(&kept)?;
    let squares: f64 = kept.iter().map(|p| residual(&fit, p).powi(2)).sum();
    Some((fit, (squares / kept.len() as f64).sqrt()))
}

/// Normal equations of three unknowns, by Cramer's rule about the means.
fn least_squares(points: &[[f64; 3]]) -> Option<[f64; 3]> {
    if points.len() < 8 {
        return None;
    }
    let n = points.len() as f64;
    let mean = |i: usize| points.iter().map(|p| p[i]).sum::<f64>() / n;
    let (mx, my, mz) = (mean(0), mean(1), mean(2));
    let (mut yy, mut yz, mut zz, mut xy, mut xz) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for p in points {
        let (x, y, z) = (p[0] - mx, p[1] - my, p[2] - mz);
        yy += y * y;
        yz += y * z;
        zz += z * z;
        xy += x * y;
        xz += x * z;
    }
    if yy <= 0.0 {
        return None;
    }
    let determinant = yy * zz - yz * yz;
    // One slab alone says nothing of the roll.
    let (b, c) = match determinant > 1e-6 * yy * yy.max(zz) {
        true => (
            (xy * zz - xz * yz) / determinant,
            (xz * yy - xy * yz) / determinant,
        ),
        false => (xy / yy, 0.0),
    };
    Some([mx - b * my - c * mz, b, c])
}
