//! Lengths of a component in its axial slices: the largest diameter, the width across it, and the ABC/2 estimate.

use super::components::{Component, Run};
use crate::volume::Geometry;

/// A point of a slice, mm: across the columns, down the rows.
type Point = [f64; 2];

/// Largest extent of an outline, and the extent at right angles to it; mm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calipers {
    pub length: f64,
    pub width: f64,
}

/// What one slice shows of a component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    pub slice: usize,
    pub area_mm2: f64,
}

/// Area of the component in every slice that it touches, feet to head.
pub fn sections(geometry: &Geometry, component: &Component) -> Vec<Section> {
    let pixel = geometry.pixel_spacing[0] * geometry.pixel_spacing[1];
    by_slice(component)
        .map(|runs| Section {
            slice: runs[0].slice as usize,
            area_mm2: pixel * runs.iter().map(Run::voxels).sum::<usize>() as f64,
        })
        .collect()
}

/// The slice with the largest area; `None` for an empty component.
pub fn largest_section(sections: &[Section]) -> Option<Section> {
    sections
        .iter()
        .copied()
        .max_by(|a, b| a.area_mm2.total_cmp(&b.area_mm2))
}

/// Largest in-plane diameter over all slices, mm. Exact over the outline at half a pixel around each marked voxel
/// centre (the iso-contour that other packages measure on).
pub fn largest_diameter(geometry: &Geometry, component: &Component) -> f64 {
    by_slice(component)
        .map(|runs| calipers(&outline(geometry, runs)).length)
        .fold(0.0, f64::max)
}

/// Length and width of the largest section, mm.
pub fn axes(geometry: &Geometry, component: &Component) -> Calipers {
    let all = by_slice(component).map(|runs| calipers(&outline(geometry, runs)));
    all.max_by(|a, b| a.length.total_cmp(&b.length))
        .unwrap_or_default()
}

/// ABC/2 after Kothari 1996, mL. A: longest diameter on the slice with the largest area; B: extent at right angles to it
/// on that slice; C: slice spacings summed, a slice whose area is over 75 % of the largest counting whole, from 25 % half,
/// below that nothing.
pub fn abc_over_2_ml(geometry: &Geometry, component: &Component) -> f64 {
    let sections = sections(geometry, component);
    let Some(largest) = largest_section(&sections) else {
        return 0.0;
    };
    let Some(runs) = by_slice(component).find(|runs| runs[0].slice as usize == largest.slice) else {
        return 0.0;
    };
    let across = calipers(&outline(geometry, runs));
    let height: f64 = sections
        .iter()
        .map(|s| slice_weight(s.area_mm2 / largest.area_mm2) * geometry.extent(s.slice))
        .sum();
    abc_over_2(across.length, across.width, height)
}

/// A × B × C / 2 of lengths in mm, in mL.
pub fn abc_over_2(a: f64, b: f64, c: f64) -> f64 {
    a * b * c / 2000.0
}

fn slice_weight(share_of_largest: f64) -> f64 {
    match share_of_largest {
        share if share > 0.75 => 1.0,
        share if share >= 0.25 => 0.5,
        _ => 0.0,
    }
}

fn by_slice(component: &Component) -> impl Iterator<Item = &[Run]> {
    component.runs.chunk_by(|a, b| a.slice == b.slice)
}

/// The middles of the free edges of the outermost pixels: enough for the hull of the half-pixel contour.
fn outline(geometry: &Geometry, runs: &[Run]) -> Vec<Point> {
    let [down, across] = geometry.pixel_spacing;
    let mut points = Vec::with_capacity(runs.len() * 6);
    for run in runs {
        let (row, first, last) = (f64::from(run.row), f64::from(run.first), f64::from(run.last));
        points.push([(first - 0.5) * across, row * down]);
        points.push([(last + 0.5) * across, row * down]);
        for edge in [row - 0.5, row + 0.5] {
            points.push([first * across, edge * down]);
            points.push([last * across, edge * down]);
        }
    }
    points
}

/// Exact: convex hull, then rotating calipers over its antipodal pairs.
fn calipers(points: &[Point]) -> Calipers {
    let hull = convex_hull(points);
    let (a, b) = farthest_pair(&hull);
    let along = [b[0] - a[0], b[1] - a[1]];
    let length = along[0].hypot(along[1]);
    if length == 0.0 {
        return Calipers::default();
    }
    let across = [-along[1] / length, along[0] / length];
    let (low, high) = hull
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| {
            let at = p[0] * across[0] + p[1] * across[1];
            (low.min(at), high.max(at))
        });
    Calipers {
        length,
        width: high - low,
    }
}

/// Andrew's monotone chain, counter-clockwise, without repeated or collinear points.
fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let mut hull = half_hull(sorted.iter().copied());
    let upper = half_hull(sorted.iter().rev().copied());
    hull.pop();
    hull.extend(upper);
    hull.pop();
    hull
}

fn half_hull(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for p in points {
        while chain.len() >= 2 && cross(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
            chain.pop();
        }
        chain.push(p);
    }
    chain
}

/// Twice the signed area of the triangle o, a, b.
fn cross(o: Point, a: Point, b: Point) -> f64 {
    (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])
}

fn distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// For each edge the farthest vertex only moves forward, so the walk is linear.
fn farthest_pair(hull: &[Point]) -> (Point, Point) {
    let n = hull.len();
    if n < 2 {
        let p = hull.first().copied().unwrap_or_default();
        return (p, p);
    }
    let mut best = (hull[0], hull[1]);
    let mut far = 1;
    for i in 0..n {
        let (a, b) = (hull[i], hull[(i + 1) % n]);
        while cross(a, b, hull[(far + 1) % n]) > cross(a, b, hull[far]) {
            far = (far + 1) % n;
        }
        // The next vertex may be as far from the edge (parallel edges) and farther from its ends.
        for end in [a, b] {
            for other in [hull[far], hull[(far + 1) % n]] {
                if distance(end, other) > distance(best.0, best.1) {
                    best = (end, other);
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::components::components;
    use super::super::testing::{ball, geometry, mask_where};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn abc_over_2_of_a_sphere_is_three_over_pi_of_its_volume() {
        // d = 60 mm: 113.1 mL in truth, 108.0 mL by the formula.
        assert!((abc_over_2(60.0, 60.0, 60.0) - 108.0).abs() < 1e-9);
        let truth = std::f64::consts::PI / 6.0 * 216.0;
        assert!((108.0 / truth - 3.0 / std::f64::consts::PI).abs() < 1e-3);
    }

    #[test]
    fn a_ball_measures_what_geometry_says() {
        let (g, mask) = ball(20.0, 0.5, 1.0);
        let found = components(&g, &mask).expect("measurable");
        let truth = 4.0 / 3.0 * std::f64::consts::PI * 8.0;
        assert!(
            (found[0].volume_ml / truth - 1.0).abs() < 0.005,
            "{}",
            found[0].volume_ml
        );
        let diameter = largest_diameter(&g, &found[0]);
        assert!((diameter - 40.0).abs() < 0.6, "{diameter}");
        // Weights: whole where 1 - (z/r)² > 3/4 (half the height), half up to 1/4: C = 2r × (1/2 + (√3/2 - 1/2)/2).
        let c = 40.0 * (0.5 + (0.75_f64.sqrt() - 0.5) / 2.0);
        let weighted = abc_over_2_ml(&g, &found[0]);
        assert!(
            (weighted / abc_over_2(40.0, 40.0, c) - 1.0).abs() < 0.05,
            "{weighted}"
        );
    }

    #[test]
    fn thick_slices_weigh_as_kothari_did() {
        // Areas 100, 50, 10: weights 1, 0.5, 0; spacing 5 mm → C = 7.5 mm; A = B on a 10 × 10 square is its diagonal.
        let g = geometry(3, 12, 12, 1.0, 5.0);
        let mask = mask_where(&g, |k, r, c| match k {
            0 => (1..11).contains(&r) && (1..11).contains(&c),
            1 => (1..6).contains(&r) && (1..11).contains(&c),
            _ => r == 1 && (1..11).contains(&c),
        });
        let found = components(&g, &mask).expect("measurable");
        let diagonal = 9.0 * 2_f64.sqrt() + 2_f64.sqrt() / 2.0;
        let volume = abc_over_2_ml(&g, &found[0]);
        assert!(
            (volume - abc_over_2(diagonal, diagonal, 7.5)).abs() / volume < 0.08,
            "{volume}"
        );
    }

    #[test]
    fn one_voxel_is_one_pixel_wide() {
        let g = geometry(1, 3, 3, 0.4, 1.0);
        let found = components(&g, &mask_where(&g, |_, r, c| (r, c) == (1, 1))).expect("measurable");
        assert!((largest_diameter(&g, &found[0]) - 0.4).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn calipers_find_the_farthest_pair(raw in proptest::collection::vec((0i32..60, 0i32..60), 1..40)) {
            let points: Vec<Point> = raw.iter().map(|(x, y)| [f64::from(*x), f64::from(*y)]).collect();
            let slow = points.iter().flat_map(|a| points.iter().map(move |b| distance(*a, *b))).fold(0.0, f64::max);
            prop_assert!((calipers(&points).length - slow).abs() < 1e-9);
        }
    }
}
