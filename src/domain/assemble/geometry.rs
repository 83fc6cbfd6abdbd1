//! The geometry of a stack of slices: along which direction they lie, how far apart, and what is missing between them.
//! It reports what the headers say and never repairs it.

use crate::study::InstanceFacts;

/// Slices closer than this along the normal lie at one position, mm.
const SAME_POSITION_MM: f64 = 0.02;
/// A gap may differ from the usual one by this share before it counts as another gap.
const SPACING_TOLERANCE: f64 = 0.1;
/// Direction cosines of one stack agree to this.
const ORIENTATION_TOLERANCE: f64 = 0.01;
/// Below this angle the slices are not sheared, degrees.
const LEAST_TILT_DEGREES: f64 = 0.1;
/// A plane keeps its name up to this angle, the largest common gantry tilt with a margin: cos 40°.
const PLANE_COSINE: f64 = 0.766;

/// What the positions and orientations of one series amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// `axial`, `coronal`, `sagittal`, `oblique` or `unknown`.
    pub plane: &'static str,
    /// From the header where it says so, else from the shear between the normal and the way from slice to slice.
    pub tilt_degrees: f64,
    /// Median distance of neighbours along the normal, mm.
    pub spacing: Option<f64>,
    /// First to last slice plus one spacing, mm.
    pub coverage: Option<f64>,
    pub missing: u32,
    pub duplicates: u32,
    pub gap_free: bool,
}

/// One slice on the way along the normal.
struct Placed {
    offset: f64,
    position: [f64; 3],
    thickness: Option<f64>,
}

impl Stack {
    /// Geometry of the instances of one series, localizers apart.
    pub fn of(instances: &[&InstanceFacts]) -> Self {
        let Some(orientation) = instances.iter().find_map(|i| i.orientation) else {
            return Self::flat(instances);
        };
        let Some(normal) = normal(&orientation) else {
            return Self::unknown();
        };
        let mut slices: Vec<Placed> = instances
            .iter()
            .filter_map(|i| i.position.map(|p| (p, i.slice_thickness)))
            .map(|(position, thickness)| Placed {
                offset: dot(&position, &normal),
                position,
                thickness,
            })
            .collect();
        slices.sort_by(|a, b| a.offset.total_cmp(&b.offset));
        let placed = slices.len();
        slices.dedup_by(|later, kept| later.offset - kept.offset < SAME_POSITION_MM);
        let gaps = gaps(&slices);
        let spacing = lower_median(&gaps);
        let missing = spacing.map_or(0, |usual| missing(&slices, &gaps, usual));
        Self {
            plane: plane(&normal),
            tilt_degrees: header_tilt(instances).unwrap_or_else(|| shear_degrees(&slices, &normal)),
            spacing,
            coverage: coverage(&slices, spacing),
            missing,
            duplicates: count(placed - slices.len()),
            gap_free: missing == 0 && placed == instances.len() && uniform(instances, &orientation),
        }
    }

    /// A projection, a photograph, a document: nothing lies along anything, so nothing can be missing.
    fn flat(instances: &[&InstanceFacts]) -> Self {
        let placed = instances.iter().any(|i| i.position.is_some());
        Self {
            gap_free: !placed && !instances.is_empty(),
            ..Self::unknown()
        }
    }

    fn unknown() -> Self {
        Self {
            plane: "unknown",
            tilt_degrees: 0.0,
            spacing: None,
            coverage: None,
            missing: 0,
            duplicates: 0,
            gap_free: false,
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

pub(super) fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn length(v: &[f64; 3]) -> f64 {
    dot(v, v).sqrt()
}

/// Unit normal of a slice: row direction × column direction; `None` when they span no plane.
pub(super) fn normal(o: &[f64; 6]) -> Option<[f64; 3]> {
    let n = [
        o[1] * o[5] - o[2] * o[4],
        o[2] * o[3] - o[0] * o[5],
        o[0] * o[4] - o[1] * o[3],
    ];
    let size = length(&n);
    (size.is_finite() && size > 0.5).then(|| n.map(|c| c / size))
}

fn plane(normal: &[f64; 3]) -> &'static str {
    let [x, y, z] = normal.map(f64::abs);
    if z >= PLANE_COSINE {
        "axial"
    } else if y >= PLANE_COSINE {
        "coronal"
    } else if x >= PLANE_COSINE {
        "sagittal"
    } else {
        "oblique"
    }
}

fn header_tilt(instances: &[&InstanceFacts]) -> Option<f64> {
    instances
        .iter()
        .find_map(|i| i.gantry_tilt)
        .filter(|tilt| tilt.abs() >= LEAST_TILT_DEGREES)
}

/// Angle between the normal and the way from the first slice to the last, in degrees; 0 for a straight stack.
fn shear_degrees(slices: &[Placed], normal: &[f64; 3]) -> f64 {
    let (Some(first), Some(last)) = (slices.first(), slices.last()) else {
        return 0.0;
    };
    let way: [f64; 3] = std::array::from_fn(|k| last.position[k] - first.position[k]);
    let size = length(&way);
    if size < SAME_POSITION_MM {
        return 0.0;
    }
    let angle = (dot(&way, normal).abs() / size).min(1.0).acos().to_degrees();
    if angle < LEAST_TILT_DEGREES { 0.0 } else { angle }
}

fn gaps(slices: &[Placed]) -> Vec<f64> {
    slices
        .windows(2)
        .map(|pair| pair[1].offset - pair[0].offset)
        .collect()
}

/// The lower of the two middle values, so that one gap among two does not become the usual one.
fn lower_median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn coverage(slices: &[Placed], spacing: Option<f64>) -> Option<f64> {
    Some(slices.last()?.offset - slices.first()?.offset + spacing?)
}

/// Slices that would fill the wide gaps. A gap that the thickness of its neighbours fills is a change of protocol
/// between skull base and vertex, not a loss.
fn missing(slices: &[Placed], gaps: &[f64], usual: f64) -> u32 {
    let lost = |(k, gap): (usize, &f64)| {
        let thick = [&slices[k], &slices[k + 1]]
            .iter()
            .filter_map(|s| s.thickness)
            .fold(0.0, f64::max);
        let step = usual.max(thick);
        if *gap <= step * (1.0 + SPACING_TOLERANCE) {
            return 0.0;
        }
        // A gap of one and a half spacings already lost a slice; rounding alone would miss it at 1.4.
        ((gap / step).round() - 1.0).max(if *gap > step * 1.4 { 1.0 } else { 0.0 })
    };
    let total: f64 = gaps.iter().enumerate().map(lost).sum();
    total.min(f64::from(u32::MAX)) as u32
}

/// All instances share orientation, size and pixel spacing.
fn uniform(instances: &[&InstanceFacts], orientation: &[f64; 6]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= ORIENTATION_TOLERANCE;
    let same_orientation = |i: &&InstanceFacts| {
        i.orientation
            .is_some_and(|o| o.iter().zip(orientation).all(|(a, b)| near(*a, *b)))
    };
    let size = |i: &&InstanceFacts| (i.rows, i.columns);
    let same_spacing = |i: &&InstanceFacts| match (i.pixel_spacing, instances[0].pixel_spacing) {
        (Some(a), Some(b)) => near(a[0], b[0]) && near(a[1], b[1]),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    instances
        .iter()
        .all(|i| same_orientation(i) && same_spacing(i) && size(i) == size(&instances[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::slice;
    use proptest::prelude::*;

    const FLAT: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    fn of(z: &[f64], thickness: &[f64]) -> Stack {
        let mut all: Vec<InstanceFacts> = z
            .iter()
            .enumerate()
            .map(|(n, z)| slice(n as i64, [0.0, 0.0, *z], FLAT))
            .collect();
        for (instance, mm) in all.iter_mut().zip(thickness) {
            instance.slice_thickness = Some(*mm);
        }
        Stack::of(&all.iter().collect::<Vec<_>>())
    }

    #[test]
    fn positions_tell_what_is_missing() {
        let even: Vec<f64> = (0..10).map(|k| f64::from(k) * 2.5).collect();
        type Row = (&'static str, Vec<f64>, Vec<f64>, u32, u32, bool);
        let table: [Row; 8] = [
            ("even", even, vec![], 0, 0, true),
            ("one slice", vec![3.0], vec![], 0, 0, true),
            ("5, 5, 10", vec![0.0, 5.0, 10.0, 20.0], vec![], 1, 0, false),
            ("5, 10", vec![0.0, 5.0, 15.0], vec![], 1, 0, false),
            (
                "a long hole",
                vec![0.0, 1.0, 2.0, 12.0, 13.0],
                vec![],
                9,
                0,
                false,
            ),
            ("two of one place", vec![0.0, 5.0, 5.0, 10.0], vec![], 0, 1, true),
            (
                "rounded numbers",
                vec![0.0, 0.62, 1.25, 1.87, 2.5],
                vec![],
                0,
                0,
                true,
            ),
            (
                "thin base, thick vertex",
                vec![0.0, 3.0, 6.0, 9.0, 13.5, 19.5, 25.5],
                vec![3.0, 3.0, 3.0, 3.0, 6.0, 6.0, 6.0],
                0,
                0,
                true,
            ),
        ];
        for (name, z, thickness, missing, duplicates, gap_free) in table {
            let found = of(&z, &thickness);
            assert_eq!(
                (found.missing, found.duplicates, found.gap_free),
                (missing, duplicates, gap_free),
                "{name}"
            );
        }
    }

    #[test]
    fn planes_have_names() {
        let table = [
            ([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], "axial"),
            ([1.0, 0.0, 0.0, 0.0, 0.94, 0.34], "axial"),
            ([1.0, 0.0, 0.0, 0.0, 0.0, -1.0], "coronal"),
            ([0.0, 1.0, 0.0, 0.0, 0.0, -1.0], "sagittal"),
            ([0.707, -0.707, 0.0, 0.408, 0.408, -0.816], "oblique"),
            ([0.0; 6], "unknown"),
        ];
        for (orientation, name) in table {
            let one = slice(1, [0.0; 3], orientation);
            assert_eq!(Stack::of(&[&one]).plane, name, "{orientation:?}");
        }
    }

    #[test]
    fn a_projection_lacks_nothing_and_a_broken_header_is_not_gap_free() {
        let mut picture = slice(1, [0.0; 3], FLAT);
        (picture.position, picture.orientation) = (None, None);
        assert!(Stack::of(&[&picture]).gap_free);
        let whole = slice(2, [0.0; 3], FLAT);
        assert!(!Stack::of(&[&whole, &picture]).gap_free);
    }

    proptest! {
        #[test]
        fn removed_inner_slices_are_counted(n in 6_usize..60, spacing in 0.5_f64..8.0, at in 0_usize..60) {
            let hole = 2 + at % (n - 3);
            let z: Vec<f64> = (0..n).filter(|k| *k != hole).map(|k| k as f64 * spacing).collect();
            let found = of(&z, &[]);
            prop_assert_eq!(found.missing, u32::from(hole != n - 1));
            prop_assert!((found.spacing.unwrap() - spacing).abs() < 1e-6);
        }
    }
}
