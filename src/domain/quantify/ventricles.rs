//! Inner widths of the heart's ventricles across the septum, on axial slices, with the lines that show them.
//!
//! Definition: the long axis is the direction in which the left ventricle's cavity is longest, as far as it lies in the plane
//! of the slices. Widths are the longest stretches inside a cavity at right angles to it, each ventricle in the slice and
//! at the place where its own is largest, between the valves and the apex and below the outflow of the right ventricle.

use crate::volume::{Geometry, Mask};

/// Slices that are looked at, from the middle of the left ventricle: below, above; mm. Above lies the outflow.
const LEVELS_MM: (f64, f64) = (-30.0, 9.0);
/// Along the long axis, from the same middle: toward the valves, toward the apex; mm.
const STATIONS_MM: (f64, f64) = (-24.0, 36.0);
const STATION_STEP: f64 = 1.5;
/// Half length of the lines that are searched, and their step, mm.
const REACH_MM: f64 = 110.0;
const STEP_MM: f64 = 0.25;
/// A cavity with fewer voxels, or less than this, is not one; mL.
const LEAST_ML: f64 = 15.0;
/// The long axis must be this much longer than what lies across it, as a ratio of variances.
const LEAST_LENGTHENING: f64 = 1.3;

/// A width, and where it is: the slice, and both ends as column and row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Width {
    pub mm: f64,
    pub slice: usize,
    pub ends: [[f64; 2]; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widths {
    pub right: Width,
    pub left: Width,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWidths {
    #[error("RV/LV ratio not determined: the ventricles are not both seen")]
    NotSeen,
    #[error("RV/LV ratio not determined: the long axis of the left ventricle is not clear")]
    NoAxis,
}

/// Widths from the cavities of both ventricles.
pub fn widths(geometry: &Geometry, right: &Mask, left: &Mask) -> Result<Widths, NoWidths> {
    let body = Body::of(geometry, left).ok_or(NoWidths::NotSeen)?;
    Body::of(geometry, right).ok_or(NoWidths::NotSeen)?;
    let long = body.long_axis(geometry).ok_or(NoWidths::NoAxis)?;
    let widest = |mask: &Mask| {
        let slices = (0..geometry.slices).filter(|k| body.near(geometry, *k));
        let lines = slices.flat_map(|k| body.lines(k, long));
        let all = lines.filter_map(|line| longest(geometry, mask, &line));
        all.max_by(|a, b| a.mm.total_cmp(&b.mm)).ok_or(NoWidths::NotSeen)
    };
    Ok(Widths {
        right: widest(right)?,
        left: widest(left)?,
    })
}

/// A cavity by its middle and its spread. In-plane coordinates: mm along rows and along columns of the image.
struct Body {
    /// Across, down, height along the normal; mm.
    middle: [f64; 3],
    spread: [[f64; 3]; 3],
}

/// A line through a place of a slice, in a direction; mm in the plane.
struct Ray {
    slice: usize,
    at: [f64; 2],
    towards: [f64; 2],
}

impl Body {
    fn of(geometry: &Geometry, mask: &Mask) -> Option<Self> {
        let plane = geometry.rows * geometry.columns;
        let (mut n, mut ml, mut sum, mut squares) = (0.0, 0.0, [0.0; 3], [[0.0; 3]; 3]);
        for (k, slice) in mask.voxels.chunks_exact(plane.max(1)).enumerate() {
            let marked = (0..slice.len()).filter(|i| slice[*i] != 0);
            for i in marked {
                let p = place(geometry, k, i);
                (n, ml) = (n + 1.0, ml + geometry.voxel_ml(k));
                for a in 0..3 {
                    sum[a] += p[a];
                    for b in 0..3 {
                        squares[a][b] += p[a] * p[b];
                    }
                }
            }
        }
        if ml < LEAST_ML {
            return None;
        }
        let middle = sum.map(|s| s / n);
        let spread = [0, 1, 2].map(|a| [0, 1, 2].map(|b| squares[a][b] / n - middle[a] * middle[b]));
        Some(Self { middle, spread })
    }

    fn near(&self, geometry: &Geometry, k: usize) -> bool {
        (LEVELS_MM.0..=LEVELS_MM.1).contains(&(geometry.offsets[k] - self.middle[2]))
    }

    /// The long axis in the plane of the slices, of length 1, toward the apex: to the left and forward.
    fn long_axis(&self, geometry: &Geometry) -> Option<[f64; 2]> {
        let (axis, variance) = principal(&self.spread);
        let rest = self.spread[0][0] + self.spread[1][1] + self.spread[2][2] - variance;
        if variance < LEAST_LENGTHENING * rest / 2.0 {
            return None;
        }
        let length = axis[0].hypot(axis[1]);
        if length < 0.3 {
            return None;
        }
        let o = &geometry.orientation;
        let left = axis[0] * o[0] + axis[1] * o[3];
        let back = axis[0] * o[1] + axis[1] * o[4];
        let sign = if left - back >= 0.0 { 1.0 } else { -1.0 };
        Some([sign * axis[0] / length, sign * axis[1] / length])
    }

    fn lines(&self, slice: usize, long: [f64; 2]) -> impl Iterator<Item = Ray> {
        let middle = self.middle;
        let stations = ((STATIONS_MM.1 - STATIONS_MM.0) / STATION_STEP) as usize;
        (0..=stations).map(move |n| {
            let t = STATIONS_MM.0 + n as f64 * STATION_STEP;
            Ray {
                slice,
                at: [middle[0] + t * long[0], middle[1] + t * long[1]],
                towards: [-long[1], long[0]],
            }
        })
    }
}

fn place(geometry: &Geometry, k: usize, i: usize) -> [f64; 3] {
    let [down, across] = geometry.pixel_spacing;
    [
        (i % geometry.columns) as f64 * across,
        (i / geometry.columns) as f64 * down,
        geometry.offsets[k],
    ]
}

/// Direction and size of the largest spread, by power iteration.
fn principal(spread: &[[f64; 3]; 3]) -> ([f64; 3], f64) {
    let (mut axis, mut size) = ([0.57, 0.58, 0.58], 0.0);
    for _ in 0..60 {
        let next: [f64; 3] = [0, 1, 2].map(|a| (0..3).map(|b| spread[a][b] * axis[b]).sum());
        size = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        if size == 0.0 {
            break;
        }
        axis = next.map(|v| v / size);
    }
    (axis, size)
}

/// The longest stretch of a line inside a mask.
fn longest(geometry: &Geometry, mask: &Mask, ray: &Ray) -> Option<Width> {
    let [down, across] = geometry.pixel_spacing;
    let at = |u: f64| {
        let [x, y] = [0, 1].map(|a| ray.at[a] + u * ray.towards[a]);
        [x / across, y / down]
    };
    let inside = |u: f64| share(geometry, mask, ray.slice, at(u)) - 0.5;
    let steps = (2.0 * REACH_MM / STEP_MM) as usize;
    let (mut start, mut before, mut best) = (None, inside(-REACH_MM), None::<(f64, f64)>);
    for n in 1..=steps {
        let u = -REACH_MM + n as f64 * STEP_MM;
        let now = inside(u);
        let crossing = || u - STEP_MM * (now / (now - before)).clamp(0.0, 1.0);
        match (before >= 0.0, now >= 0.0, start) {
            (false, true, _) => start = Some(crossing()),
            (true, false, Some(from)) => {
                let to = crossing();
                if best.is_none_or(|(a, b)| to - from > b - a) {
                    best = Some((from, to));
                }
                start = None;
            }
            (true, true, _) | (false, false, _) | (true, false, None) => {}
        }
        before = now;
    }
    best.map(|(from, to)| Width {
        mm: to - from,
        slice: ray.slice,
        ends: [at(from), at(to)],
    })
}

/// Share of the mask at a place between pixels, bilinear; nothing outside the image.
fn share(geometry: &Geometry, mask: &Mask, slice: usize, [column, row]: [f64; 2]) -> f64 {
    if column < 0.0 || row < 0.0 {
        return 0.0;
    }
    let (c, r) = (column as usize, row as usize);
    if c + 1 >= geometry.columns || r + 1 >= geometry.rows {
        return 0.0;
    }
    let (fc, fr) = (column.fract(), row.fract());
    let first = (slice * geometry.rows + r) * geometry.columns + c;
    let set = |i: usize| f64::from(u8::from(mask.voxels[i] != 0));
    let line = |i: usize| set(i) * (1.0 - fc) + set(i + 1) * fc;
    line(first) * (1.0 - fr) + line(first + geometry.columns) * fr
}

#[cfg(test)]
mod tests {
    use super::super::testing::{geometry, mask_where};
    use super::*;

    /// Two ellipsoids beside each other, turned by 30° in the plane; half widths across the long axis in mm.
    fn pair(left: f64, right: f64) -> (Geometry, Mask, Mask) {
        let g = geometry(50, 200, 200, 1.0, 2.0);
        let (sin, cos) = 30_f64.to_radians().sin_cos();
        let body = |offset: f64, half: f64| {
            mask_where(&g, move |k, r, c| {
                let (x, y, z) = (c as f64 - 110.0, r as f64 - 110.0, k as f64 * 2.0 - 50.0);
                // The long axis runs to the left and forward.
                let (along, across) = (x * cos - y * sin, -x * sin - y * cos - offset);
                (along / 42.0).powi(2) + (across / half).powi(2) + (z / 24.0).powi(2) <= 1.0
            })
        };
        let masks = (body(0.0, left), body(left + right + 9.0, right));
        (g, masks.0, masks.1)
    }

    #[test]
    fn widths_lie_across_the_long_axis_and_their_lines_are_as_long() {
        let (g, left, right) = pair(20.0, 26.0);
        let found = widths(&g, &right, &left).expect("both ventricles");
        for (width, expected) in [(found.left, 40.0), (found.right, 52.0)] {
            assert!((width.mm - expected).abs() < 1.0, "{width:?}");
            let [a, b] = width.ends;
            assert!(((a[0] - b[0]).hypot(a[1] - b[1]) - width.mm).abs() < 1e-6);
        }
    }

    #[test]
    fn without_a_ventricle_there_is_no_ratio() {
        let (g, left, _) = pair(20.0, 26.0);
        let empty = mask_where(&g, |_, _, _| false);
        assert_eq!(widths(&g, &empty, &left), Err(NoWidths::NotSeen));
        assert_eq!(widths(&g, &left, &empty), Err(NoWidths::NotSeen));
    }

    #[test]
    fn a_ball_has_no_long_axis() {
        let g = geometry(40, 100, 100, 1.0, 2.0);
        let ball = mask_where(&g, |k, r, c| {
            (r as f64 - 50.0).powi(2) + (c as f64 - 50.0).powi(2) + (k as f64 * 2.0 - 40.0).powi(2) < 900.0
        });
        assert_eq!(widths(&g, &ball, &ball), Err(NoWidths::NoAxis));
    }
}
