//! The detector's grid and what can be laid on it: computed maps, tubes along a path, spots and polygons. Knows no anatomy.
//! Positions are mm from the upper left corner of the image: right, down.

use super::super::shape::mix;

pub type V2 = [f32; 2];

/// Rows, columns and the width of a square pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    pub rows: usize,
    pub columns: usize,
    pub mm: f32,
}

impl Grid {
    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Width of a pixel as a header states it.
    pub fn spacing_mm(&self) -> f64 {
        (f64::from(self.mm) * 10_000.0).round() / 10_000.0
    }

    /// Middle of a pixel.
    pub fn at(&self, row: usize, column: usize) -> V2 {
        [(column as f32 + 0.5) * self.mm, (row as f32 + 0.5) * self.mm]
    }

    /// Rows and columns that a box touches, cut to the image.
    fn window(&self, low: V2, high: V2) -> [std::ops::Range<usize>; 2] {
        let range = |low: f32, high: f32, size: usize| {
            let first = (low / self.mm).floor().clamp(0.0, size as f32) as usize;
            first..((high / self.mm).ceil().clamp(first as f32, size as f32) as usize)
        };
        [
            range(low[1], high[1], self.rows),
            range(low[0], high[0], self.columns),
        ]
    }
}

/// A number for each pixel, row by row.
#[derive(Clone, Debug)]
pub struct Plane {
    pub grid: Grid,
    pub values: Vec<f32>,
}

/// A point of a tube: where, its radius in the image, and the path of a ray through its middle, mm.
#[derive(Clone, Copy, Debug)]
pub struct Knot {
    pub at: V2,
    pub radius: f32,
    pub depth: f32,
}

/// Share of the middle's depth at `q` radii from the middle of a round tube.
pub fn round(q: f32) -> f32 {
    (1.0 - q * q).max(0.0).sqrt()
}

impl Plane {
    pub fn zeros(grid: Grid) -> Self {
        Self {
            grid,
            values: vec![0.0; grid.len()],
        }
    }

    /// A plane whose values a function of the position gives; the same whatever the number of threads.
    pub fn computed(grid: Grid, threads: usize, value: impl Fn(V2) -> f32 + Sync) -> Self {
        let mut plane = Self::zeros(grid);
        let share = grid.rows.div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            for (n, part) in plane.values.chunks_mut(share * grid.columns).enumerate() {
                let value = &value;
                scope.spawn(move || {
                    for (r, row) in part.chunks_exact_mut(grid.columns).enumerate() {
                        for (c, v) in row.iter_mut().enumerate() {
                            *v = value(grid.at(n * share + r, c));
                        }
                    }
                });
            }
        });
        plane
    }

    /// Adds a tube times `gain`. Where the tube overlaps itself its largest depth counts once. `profile` gives the share of
    /// the depth at 0..1 radii from its middle. A tube thinner than a pixel keeps its cross-section.
    pub fn tube(&mut self, path: &[Knot], gain: f32, profile: impl Fn(f32) -> f32) {
        let least = 0.7 * self.grid.mm;
        let knots: Vec<Knot> = path
            .iter()
            .map(|k| Knot {
                radius: k.radius.max(least),
                depth: k.depth * (k.radius / least).min(1.0),
                ..*k
            })
            .collect();
        let [rows, columns] = self.window_of(&knots);
        let width = columns.len();
        let mut depths = vec![0.0_f32; rows.len() * width];
        for pair in knots.windows(2) {
            let [own_rows, own_columns] = self.window_of(pair);
            for r in own_rows {
                for c in own_columns.clone() {
                    let (distance, radius, depth) = near(pair, self.grid.at(r, c));
                    if distance < radius {
                        let deepest = &mut depths[(r - rows.start) * width + c - columns.start];
                        *deepest = deepest.max(depth * profile(distance / radius));
                    }
                }
            }
        }
        for (r, line) in rows.zip(depths.chunks_exact(width.max(1))) {
            let start = r * self.grid.columns + columns.start;
            for (v, d) in self.values[start..start + width].iter_mut().zip(line) {
                *v += gain * d;
            }
        }
    }

    /// Adds `value`, a function of the offset from `centre`, to all pixels within a square of half side `reach`.
    pub fn spot(&mut self, centre: V2, reach: f32, value: impl Fn(V2) -> f32) {
        let window = self
            .grid
            .window(centre.map(|v| v - reach), centre.map(|v| v + reach));
        self.add(window, |at| value([at[0] - centre[0], at[1] - centre[1]]));
    }

    /// Adds `value` inside a closed polygon, with an edge that is `soft` mm wide.
    pub fn polygon(&mut self, corners: &[V2], value: f32, soft: f32) {
        let bound = |i: usize, pick: fn(f32, f32) -> f32| corners.iter().map(|c| c[i]).reduce(pick);
        let (Some(left), Some(right), Some(top), Some(bottom)) = (
            bound(0, f32::min),
            bound(0, f32::max),
            bound(1, f32::min),
            bound(1, f32::max),
        ) else {
            return;
        };
        let window = self.grid.window([left, top], [right, bottom]);
        self.add(window, |at| {
            value * (depth_inside(corners, at) / soft).clamp(0.0, 1.0)
        });
    }

    fn add(&mut self, [rows, columns]: [std::ops::Range<usize>; 2], value: impl Fn(V2) -> f32) {
        for r in rows {
            for c in columns.clone() {
                self.values[r * self.grid.columns + c] += value(self.grid.at(r, c));
            }
        }
    }

    fn window_of(&self, knots: &[Knot]) -> [std::ops::Range<usize>; 2] {
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for knot in knots {
            for i in 0..2 {
                low[i] = low[i].min(knot.at[i] - knot.radius);
                high[i] = high[i].max(knot.at[i] + knot.radius);
            }
        }
        self.grid.window(low, high)
    }
}

/// Distance from a segment of a tube, and the tube's radius and depth there.
fn near(pair: &[Knot], p: V2) -> (f32, f32, f32) {
    let (a, b) = (pair[0], pair[1]);
    let (along, share) = project([a.at, b.at], p);
    let distance = (p[0] - along[0]).hypot(p[1] - along[1]);
    (
        distance,
        mix(a.radius, b.radius, share),
        mix(a.depth, b.depth, share),
    )
}

/// The nearest point of a segment, and how far along it lies, 0..1.
fn project([a, b]: [V2; 2], p: V2) -> (V2, f32) {
    let (d, e) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let share = ((d[0] * e[0] + d[1] * e[1]) / (d[0] * d[0] + d[1] * d[1]).max(1e-9)).clamp(0.0, 1.0);
    ([a[0] + d[0] * share, a[1] + d[1] * share], share)
}

/// Distance from the border of a polygon, positive inside (even-odd), mm.
fn depth_inside(corners: &[V2], p: V2) -> f32 {
    let (mut inside, mut nearest) = (false, f32::MAX);
    for (i, a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        let (on, _) = project([*a, b], p);
        nearest = nearest.min((p[0] - on[0]).hypot(p[1] - on[1]));
        if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0] + (p[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1]) {
            inside = !inside;
        }
    }
    if inside { nearest } else { -nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid {
        rows: 40,
        columns: 60,
        mm: 0.5,
    };

    #[test]
    fn a_tube_counts_once_where_its_segments_meet() {
        let mut plane = Plane::zeros(GRID);
        let knot = |x: f32| Knot {
            at: [x, 10.0],
            radius: 3.0,
            depth: 6.0,
        };
        plane.tube(&[knot(5.0), knot(15.0), knot(25.0)], 1.0, round);
        let most = plane.values.iter().copied().fold(0.0, f32::max);
        assert!((5.9..=6.0).contains(&most), "{most}");
    }

    #[test]
    fn a_thin_tube_keeps_its_cross_section_on_a_coarse_grid() {
        let sum = |mm: f32| {
            let grid = Grid {
                rows: (20.0 / mm) as usize,
                columns: (30.0 / mm) as usize,
                mm,
            };
            let mut plane = Plane::zeros(grid);
            let knot = |x: f32| Knot {
                at: [x, 10.0],
                radius: 0.3,
                depth: 0.6,
            };
            plane.tube(&[knot(2.0), knot(28.0)], 1.0, round);
            plane.values.iter().sum::<f32>() * mm * mm
        };
        assert!((sum(0.8) / sum(0.1) - 1.0).abs() < 0.25);
    }

    #[test]
    fn a_polygon_fills_its_area() {
        let mut plane = Plane::zeros(GRID);
        plane.polygon(&[[5.0, 5.0], [25.0, 5.0], [25.0, 15.0], [5.0, 15.0]], 2.0, 0.1);
        let area = plane.values.iter().sum::<f32>() * 0.25 / 2.0;
        assert!((area - 200.0).abs() < 8.0, "{area}");
    }
}
