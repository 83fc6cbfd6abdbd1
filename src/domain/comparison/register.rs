//! Lays an earlier study over a later one, rigidly: the centre and the principal axes of what is shown of the body are brought
//! together. Enough to tell which lesion is which, not to subtract images; where the two show differently much of the body,
//! it says so instead of guessing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spreads may differ by so much before the two are taken to show different parts of the body (design value).
const SPREAD: f64 = 0.15;
/// Axes of nearly the same spread are no axes: the patient's own are used then (design value).
const ROUND: f64 = 0.05;
/// A patient lies or stands in much the same way; a larger turn is an error of the axes (design value), degrees.
const MOST_DEGREES: f64 = 30.0;
/// Sweeps of the rotation that finds the axes; three are enough for three dimensions.
const SWEEPS: usize = 12;

/// Where the body lies in an image: centre, directions of largest to smallest spread, and the spreads themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Foreground {
    /// Patient coordinates (LPS); of a radiograph column and row direction of the image; mm.
    pub centre_mm: [f64; 3],
    /// Unit vectors.
    pub axes: [[f64; 3]; 3],
    /// Standard deviations along them, mm.
    pub spread_mm: [f64; 3],
}

/// The earlier image in the space of the later: x ↦ rotation · (x − from) + to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    pub rotation: [[f64; 3]; 3],
    /// Centre of the earlier and of the later foreground, mm.
    pub from_mm: [f64; 3],
    pub to_mm: [f64; 3],
    pub angle_degrees: f64,
    /// The largest relative difference of the spreads: how alike the two are.
    pub spread_difference: f64,
}

/// Why two images cannot be laid over each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRegistered {
    /// One shows much more of the body.
    DifferentExtent,
    /// Further turned than a patient would be.
    Turned,
}

impl Foreground {
    /// Of points in mm; `None` of fewer than are needed to have a spread.
    pub fn of(points: impl IntoIterator<Item = [f64; 3]>) -> Option<Self> {
        let (mut n, mut sum, mut products) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
        let mut origin = None;
        for point in points {
            // About the first point: coordinates may be far from zero.
            let origin = *origin.get_or_insert(point);
            let p: [f64; 3] = std::array::from_fn(|i| point[i] - origin[i]);
            n += 1.0;
            for i in 0..3 {
                sum[i] += p[i];
                for j in 0..3 {
                    products[i][j] += p[i] * p[j];
                }
            }
        }
        let origin = origin.filter(|_| n >= 4.0)?;
        let mean = sum.map(|s| s / n);
        let covariance: [[f64; 3]; 3] =
            std::array::from_fn(|i| std::array::from_fn(|j| products[i][j] / n - mean[i] * mean[j]));
        let (spreads, axes) = principal(covariance);
        Some(Self {
            centre_mm: std::array::from_fn(|i| origin[i] + mean[i]),
            axes,
            spread_mm: spreads.map(|s| s.max(0.0).sqrt()),
        })
    }

    fn is_round(&self) -> bool {
        let [a, b, c] = self.spread_mm;
        let alike = |x: f64, y: f64| y > 0.0 && (x - y) / x.max(f64::MIN_POSITIVE) < ROUND;
        alike(a, b) || alike(b, c)
    }
}

/// Lays `then` over `now`.
pub fn register(now: &Foreground, then: &Foreground) -> Result<Registered, NotRegistered> {
    let difference = |a: f64, b: f64| match a.max(b) {
        largest if largest > 0.0 => (a - b).abs() / largest,
        _ => 0.0,
    };
    let spread_difference = (0..3)
        .map(|i| difference(now.spread_mm[i], then.spread_mm[i]))
        .fold(0.0, f64::max);
    if spread_difference > SPREAD {
        return Err(NotRegistered::DifferentExtent);
    }
    let rotation = match now.is_round() || then.is_round() {
        true => IDENTITY,
        false => between(&now.axes, &then.axes),
    };
    let angle_degrees = angle(&rotation);
    if angle_degrees > MOST_DEGREES {
        return Err(NotRegistered::Turned);
    }
    Ok(Registered {
        rotation,
        from_mm: then.centre_mm,
        to_mm: now.centre_mm,
        angle_degrees,
        spread_difference,
    })
}

impl Registered {
    /// A place of the earlier image in the later one, mm.
    pub fn place(&self, then: [f64; 3]) -> [f64; 3] {
        let from: [f64; 3] = std::array::from_fn(|i| then[i] - self.from_mm[i]);
        let turned = times(&self.rotation, from);
        std::array::from_fn(|i| turned[i] + self.to_mm[i])
    }
}

const IDENTITY: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The rotation that brings one set of axes onto the other; an axis has no sense of its own, so of the senses the one with the
/// smallest turn is taken.
fn between(now: &[[f64; 3]; 3], then: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let signed = |k: usize| match dot(now[k], then[k]) < 0.0 {
        true => then[k].map(|x| -x),
        false => then[k],
    };
    let (first, second) = (signed(0), signed(1));
    let then = [first, second, cross(first, second)];
    let now = [now[0], now[1], cross(now[0], now[1])];
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| now[k][i] * then[k][j]).sum()))
}

fn angle(rotation: &[[f64; 3]; 3]) -> f64 {
    let trace = rotation[0][0] + rotation[1][1] + rotation[2][2];
    ((trace - 1.0) / 2.0).clamp(-1.0, 1.0).acos().to_degrees()
}

/// Eigenvalues, the largest first, and unit eigenvectors of a symmetric matrix, by Jacobi's rotations.
fn principal(mut m: [[f64; 3]; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut vectors = IDENTITY;
    for _ in 0..SWEEPS {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if m[p][q].abs() > f64::EPSILON {
                rotate(&mut m, &mut vectors, p, q);
            }
        }
    }
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| m[*b][*b].total_cmp(&m[*a][*a]));
    (
        order.map(|k| m[k][k]),
        order.map(|k| std::array::from_fn(|i| vectors[i][k])),
    )
}

fn rotate(m: &mut [[f64; 3]; 3], vectors: &mut [[f64; 3]; 3], p: usize, q: usize) {
    let theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cos = 1.0 / (t * t + 1.0).sqrt();
    let sin = t * cos;
    let turn = |row: &mut [f64; 3]| {
        let (a, b) = (row[p], row[q]);
        (row[p], row[q]) = (cos * a - sin * b, sin * a + cos * b);
    };
    m.iter_mut().for_each(turn);
    let (a, b) = (m[p], m[q]);
    m[p] = std::array::from_fn(|k| cos * a[k] - sin * b[k]);
    m[q] = std::array::from_fn(|k| sin * a[k] + cos * b[k]);
    vectors.iter_mut().for_each(turn);
}

fn times(m: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    m.map(|row| dot(row, v))
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A body longer than it is wide, wider than it is deep, turned about the long axis and across it.
    fn body(turn: f64, tilt: f64, shift: [f64; 3]) -> (Vec<[f64; 3]>, impl Fn([f64; 3]) -> [f64; 3]) {
        let (s, c) = turn.to_radians().sin_cos();
        let (st, ct) = tilt.to_radians().sin_cos();
        let moved = move |[x, y, z]: [f64; 3]| {
            let (x, y) = (c * x - s * y, s * x + c * y);
            let (y, z) = (ct * y - st * z, st * y + ct * z);
            [x + shift[0], y + shift[1], z + shift[2]]
        };
        let mut points = Vec::new();
        for i in -12..=12 {
            for j in -8..=8 {
                for k in -16..=16 {
                    let [x, y, z] = [f64::from(i) * 12.0, f64::from(j) * 9.0, f64::from(k) * 14.0];
                    if (x / 144.0).powi(2) + (y / 72.0).powi(2) + (z / 224.0).powi(2) <= 1.0 {
                        points.push(moved([x, y, z]));
                    }
                }
            }
        }
        (points, moved)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_body_that_was_moved_and_turned_a_little_is_laid_over_itself(
            turn in -12.0..12.0f64,
            tilt in -12.0..12.0f64,
            shift in proptest::array::uniform3(-150.0..150.0f64),
        ) {
            let (then, moved) = body(turn, tilt, shift);
            let (now, _) = body(0.0, 0.0, [0.0; 3]);
            let (now, then) = (Foreground::of(now).unwrap(), Foreground::of(then).unwrap());
            let registered = register(&now, &then).unwrap();
            let place = [60.0, -20.0, 110.0];
            let found = registered.place(moved(place));
            let off = (0..3).map(|i| (found[i] - place[i]).powi(2)).sum::<f64>().sqrt();
            prop_assert!(off < 1.0, "{off} mm at {turn}°, {tilt}°");
        }
    }

    #[test]
    fn half_a_body_is_not_laid_over_a_whole_one() {
        let (whole, _) = body(0.0, 0.0, [0.0; 3]);
        let half = whole.iter().copied().filter(|p| p[2] > 0.0);
        let (half, whole) = (
            Foreground::of(half).unwrap(),
            Foreground::of(whole.clone()).unwrap(),
        );
        assert_eq!(register(&whole, &half), Err(NotRegistered::DifferentExtent));
    }

    #[test]
    fn a_body_on_its_side_is_not_taken_for_one_on_its_back() {
        let (back, _) = body(0.0, 0.0, [0.0; 3]);
        let (side, _) = body(80.0, 0.0, [0.0; 3]);
        let (back, side) = (Foreground::of(back).unwrap(), Foreground::of(side).unwrap());
        assert_eq!(register(&back, &side), Err(NotRegistered::Turned));
    }

    #[test]
    fn what_is_round_is_moved_and_not_turned() {
        let ball = |at: f64| {
            let points = (0..1000).map(move |n| {
                let (a, b, c) = (n % 10, n / 10 % 10, n / 100);
                [f64::from(a) * 5.0 + at, f64::from(b) * 5.0, f64::from(c) * 5.0]
            });
            Foreground::of(points).unwrap()
        };
        let registered = register(&ball(0.0), &ball(40.0)).unwrap();
        assert_eq!(registered.angle_degrees, 0.0);
        assert!((registered.place([50.0, 5.0, 5.0])[0] - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_flat_image_is_laid_over_a_flat_image() {
        let flat = |at: f64| {
            let points = (0..600).map(move |n| [f64::from(n % 20) * 6.0 + at, f64::from(n / 20) * 9.0, 0.0]);
            Foreground::of(points).unwrap()
        };
        let registered = register(&flat(0.0), &flat(25.0)).unwrap();
        let place = registered.place([85.0, 90.0, 0.0]);
        assert!(
            (place[0] - 60.0).abs() < 1e-6 && (place[1] - 90.0).abs() < 1e-6,
            "{place:?}"
        );
    }

    #[test]
    fn too_few_points_have_no_spread() {
        assert_eq!(Foreground::of([[0.0; 3]; 3]), None);
        assert_eq!(Foreground::of([]), None);
    }
}
