//! A frame of reference for places in the brain, found from the skull alone: the plane that halves it, the height at which it is
//! widest, and how far it nods. Lengths are mm.

use super::head::Head;
use super::skull::Ring;
use crate::volume::Geometry;

/// Slabs below the widest level that still tell of the vault's shape; below lies the skull base.
const BELOW_MM: f64 = 12.0;
const FEWEST_RINGS: usize = 5;
/// Half height of a vault that is believed, against the mean of its half width and half length.
const LOWEST: f64 = 0.6;
const HIGHEST: f64 = 1.3;
/// Largest nod that is believed, radians.
const LARGEST_PITCH: f64 = 0.35;
/// Square of how uncertain the drift of the rings' middles is, against how much heads nod: 0.02 against 0.105 rad (design
/// values); what the drift says is believed by so much less.
const DOUBT: f64 = 0.036;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrainFrame {
    /// Middle of the vault in the plane of the slices at its widest level, and that level.
    middle: [f64; 2],
    /// How far slices are displaced toward the back for each mm along their normal: under a tilted gantry.
    shear: f64,
    pub level: f64,
    /// Half width, half length and half height of the vault's inner side.
    pub half: [f64; 3],
    /// How far the head nods, radians.
    pub pitch: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFrame {
    #[error("too little of the skull's vault is in the scan to say where in the brain a place lies")]
    NoVault,
}

/// A place in the brain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// To the left of the plane that halves the head.
    pub left: f64,
    /// Behind the middle of its length.
    pub back: f64,
    /// Above its widest level.
    pub up: f64,
}

impl BrainFrame {
    pub fn find(head: &Head, geometry: &Geometry) -> Result<Self, NoFrame> {
        let rings: Vec<&Ring> = head.rings.iter().flatten().collect();
        let shear = shear(geometry);
        let level = widest(&rings)?;
        let vault: Vec<&Ring> = rings.into_iter().filter(|r| r.z > level.at - BELOW_MM).collect();
        let nearest = vault
            .iter()
            .min_by(|a, b| (a.z - level.at).abs().total_cmp(&(b.z - level.at).abs()));
        let slab = nearest
            .map(|ring| head.map.nearest(ring.z))
            .ok_or(NoFrame::NoVault)?;
        let (front, back) = head.ends(slab).ok_or(NoFrame::NoVault)?;
        let length = (back - front) / 2.0;
        let width = level.area / (std::f64::consts::PI * length);
        let sound = (LOWEST..HIGHEST).contains(&(level.height / ((width + length) / 2.0)));
        if !sound {
            return Err(NoFrame::NoVault);
        }
        let drift = drift(&vault, shear).ok_or(NoFrame::NoVault)?;
        let middle = drift.at(level.at);
        Ok(Self {
            middle: [head.midplane.x(middle - shear * level.at, level.at), middle],
            shear,
            level: level.at,
            half: [width, length, level.height],
            pitch: pitch(drift.slope, length / level.height),
        })
    }

    /// The place of a position in the plane of the slices at a height along their normal.
    pub fn place(&self, head: &Head, [x, y]: [f64; 2], z: f64) -> Place {
        let (yaw, roll) = (head.midplane.yaw, head.midplane.roll);
        let (dx, dz) = (x - self.middle[0], z - self.level);
        let dy = y + self.shear * z - self.middle[1];
        let (in_plane, upright) = (yaw.hypot(1.0), roll.hypot(1.0));
        let left = (x - head.midplane.x(y, z)) / (yaw.hypot(roll)).hypot(1.0);
        let back = (dy + yaw * dx) / in_plane;
        let up = (dz + roll * dx) / upright;
        let [back, up] = upright_again(self.pitch, [back, up]);
        Place { left, back, up }
    }
}

/// A place back and up in a head that nods forward by an angle, as it would be were the head upright.
fn upright_again(nod: f64, [back, up]: [f64; 2]) -> [f64; 2] {
    let (sin, cos) = nod.sin_cos();
    [cos * back + sin * up, cos * up - sin * back]
}

/// Where the vault is widest, how wide, and how high it stands above.
struct Level {
    at: f64,
    area: f64,
    height: f64,
}

/// Sections of an ellipsoid grow with the square of the distance from its top: a parabola through the areas of the rings has its
/// vertex at the widest level. Repeated once without what lies below.
fn widest(rings: &[&Ring]) -> Result<Level, NoFrame> {
    let top = rings.iter().map(|r| r.z).fold(f64::NEG_INFINITY, f64::max);
    let mut lowest = top - 75.0;
    let mut found = None;
    for _ in 0..3 {
        let points: Vec<[f64; 2]> = rings
            .iter()
            .filter(|r| r.z >= lowest)
            .map(|r| [r.z - top, r.area()])
            .collect();
        let [c, b, a] = parabola(&points).ok_or(NoFrame::NoVault)?;
        if a >= 0.0 {
            return Err(NoFrame::NoVault);
        }
        let at = -b / (2.0 * a);
        let area = c - b * b / (4.0 * a);
        lowest = top + at - BELOW_MM / 3.0;
        found = Some(Level {
            at: top + at,
            area,
            height: (-area / a).sqrt(),
        });
    }
    found.ok_or(NoFrame::NoVault)
}

/// Least squares of value = c + b·x + a·x²; c, b, a.
fn parabola(points: &[[f64; 2]]) -> Option<[f64; 3]> {
    if points.len() < FEWEST_RINGS {
        return None;
    }
    let moment = |p: i32| points.iter().map(|[x, _]| x.powi(p)).sum::<f64>();
    let product = |p: i32| points.iter().map(|[x, v]| x.powi(p) * v).sum::<f64>();
    let rows = [0, 1, 2].map(|r| [moment(r), moment(r + 1), moment(r + 2)]);
    let value = [0, 1, 2].map(product);
    let whole = determinant(&rows);
    if whole.abs() < 1e-6 {
        return None;
    }
    let without = |column: usize| {
        let mut changed = rows;
        (0..3).for_each(|r| changed[r][column] = value[r]);
        determinant(&changed) / whole
    };
    Some([0, 1, 2].map(without))
}

fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    let minor = |a: usize, b: usize| m[1][a] * m[2][b] - m[1][b] * m[2][a];
    m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
}

/// A straight line through the middles of the rings.
struct Drift {
    mean: [f64; 2],
    slope: f64,
}

impl Drift {
    fn at(&self, z: f64) -> f64 {
        self.mean[1] + self.slope * (z - self.mean[0])
    }
}

/// Displacement of the slices along their columns, toward the back, for each mm along the normal.
fn shear(geometry: &Geometry) -> f64 {
    let (Some(first), Some(last)) = (geometry.origins.first(), geometry.origins.last()) else {
        return 0.0;
    };
    let down = &geometry.orientation[3..];
    let along: f64 = (0..3).map(|a| (last[a] - first[a]) * down[a]).sum();
    let height = geometry
        .offsets
        .last()
        .zip(geometry.offsets.first())
        .map_or(0.0, |(b, a)| b - a);
    match height > 0.0 {
        true => along * down[1].signum() / height,
        false => 0.0,
    }
}

fn drift(rings: &[&Ring], shear: f64) -> Option<Drift> {
    let n = rings.len() as f64;
    let back = |r: &Ring| r.centre[1] + shear * r.z;
    let z = rings.iter().map(|r| r.z).sum::<f64>() / n;
    let y = rings.iter().map(|r| back(r)).sum::<f64>() / n;
    let square: f64 = rings.iter().map(|r| (r.z - z).powi(2)).sum();
    let both: f64 = rings.iter().map(|r| (r.z - z) * (back(r) - y)).sum();
    (rings.len() >= FEWEST_RINGS && square > 0.0).then(|| Drift {
        mean: [z, y],
        slope: both / square,
    })
}

/// The middles of the sections of an ellipsoid that nods drift by (length² / height² − 1) of the nod; a head as long as high does
/// not say.
fn pitch(slope: f64, stretched: f64) -> f64 {
    let gain = stretched * stretched - 1.0;
    let nod = slope * gain / (gain * gain + DOUBT);
    nod.clamp(-LARGEST_PITCH, LARGEST_PITCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_found_again() {
        let points: Vec<[f64; 2]> = (0..9)
            .map(|n| [f64::from(n), 3.0 - 2.0 * f64::from(n) + 0.5 * f64::from(n * n)])
            .collect();
        let found = parabola(&points).expect("enough points");
        for (value, expected) in found.iter().zip([3.0, -2.0, 0.5]) {
            assert!((value - expected).abs() < 1e-6, "{found:?}");
        }
        assert!(parabola(&points[..3]).is_none());
    }

    #[test]
    fn a_tilted_gantry_displaces_its_slices() {
        let mut g = super::super::testing::geometry(3, 4, 4, 1.0, 5.0);
        assert_eq!(shear(&g), 0.0);
        for (k, origin) in g.origins.iter_mut().enumerate() {
            origin[1] = 2.0 * k as f64;
        }
        assert!((shear(&g) - 0.4).abs() < 1e-9, "{}", shear(&g));
    }

    #[test]
    fn the_drift_of_a_long_head_says_how_far_it_nods_and_that_of_a_round_one_nothing() {
        // An ellipse of 84 × 66 mm whose back end stands 0.1 rad higher: how the middles of its level cuts drift.
        let (sin, cos) = 0.1_f64.sin_cos();
        let (long, high) = (84.0_f64, 66.0_f64);
        let square = (cos / long).powi(2) + (sin / high).powi(2);
        let mixed = sin * cos * (1.0 / (high * high) - 1.0 / (long * long));
        let slope = mixed / square;
        let nod = pitch(slope, long / high);
        assert!((0.07..0.11).contains(&nod), "{nod}");
        let end = upright_again(0.1, [long * cos, long * sin]);
        assert!((end[0] - long).abs() < 1e-9 && end[1].abs() < 1e-9, "{end:?}");
        assert_eq!(pitch(0.05, 1.0), 0.0);
    }
}
