//! Slices of one series to a volume: checked against each other, ordered from the feet to the head. Pure; it neither decodes
//! nor guesses a position that no header states.

use tocsin_domain::assemble::stack::upwards;
use tocsin_domain::ids::Uid;
use tocsin_domain::volume::{Geometry, Volume};

use super::decode::{Doubt, Slice};

/// Direction cosines of one series differ by rounding only.
const ORIENTATION_TOLERANCE: f64 = 1e-3;
/// Relative difference of pixel spacings.
const SPACING_TOLERANCE: f64 = 1e-3;
/// Slices closer than this lie at the same place, mm.
const SAME_PLACE: f64 = 0.01;
/// Distances of pixels that scanners make, with a margin, mm.
const SPACING: std::ops::RangeInclusive<f64> = 0.01..=20.0;
/// Longer than any table moves, mm.
const MAX_EXTENT: f64 = 4_000.0;
/// Largest volume, voxels: 2 GiB of 16-bit values.
pub const MAX_VOXELS: usize = 1 << 30;

/// Why slices make no volume.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SeriesError {
    #[error("the series has no slices")]
    Empty,
    #[error("instance {instance}, frame {frame}: {name} is missing")]
    Missing {
        instance: Uid,
        frame: u32,
        name: &'static str,
    },
    #[error("instance {instance}, frame {frame}: {name} differs from the first slice")]
    Differs {
        instance: Uid,
        frame: u32,
        name: &'static str,
    },
    #[error("instances {one} and {other} lie at the same place ({at:.2} mm along the normal)")]
    SamePlace { one: Uid, other: Uid, at: f64 },
    #[error("instance {instance}: rows and columns are not at right angles")]
    NotOrthogonal { instance: Uid },
    #[error("instance {instance}, frame {frame}: {doubt}")]
    Doubtful { instance: Uid, frame: u32, doubt: Doubt },
    #[error("{name} is {found} mm, expected {expected}")]
    Extent {
        name: &'static str,
        found: f64,
        expected: &'static str,
    },
    #[error("{slices} slices of {rows} × {columns} are more than {MAX_VOXELS} voxels")]
    TooLarge {
        slices: usize,
        rows: usize,
        columns: usize,
    },
}

/// A slice whose place is known.
struct Placed<'s> {
    /// Among those that were given.
    at: usize,
    slice: &'s Slice,
    offset: f64,
    origin: [f64; 3],
}

/// Orders slices and copies them into one volume.
pub fn assemble<'s>(slices: impl IntoIterator<Item = &'s Slice>) -> Result<Volume, SeriesError> {
    let slices: Vec<&Slice> = slices.into_iter().collect();
    let (geometry, order) = arrange(&slices)?;
    let mut voxels = Vec::with_capacity(geometry.len());
    order
        .iter()
        .for_each(|at| voxels.extend_from_slice(&slices[*at].values));
    Ok(Volume { geometry, voxels })
}

/// Orders slices by what their headers say, their values left aside: the geometry of their volume, and for each of its slices
/// which of these it is.
pub fn arrange(slices: &[&Slice]) -> Result<(Geometry, Vec<usize>), SeriesError> {
    let first = *slices.first().ok_or(SeriesError::Empty)?;
    let (rows, columns) = (first.rows, first.columns);
    let within = slices
        .len()
        .checked_mul(rows * columns)
        .is_some_and(|voxels| voxels <= MAX_VOXELS);
    if !within {
        return Err(SeriesError::TooLarge {
            slices: slices.len(),
            rows,
            columns,
        });
    }
    let spacing = first.spacing.ok_or_else(|| missing(first, "Pixel Spacing"))?;
    let orientation = first
        .orientation
        .ok_or_else(|| missing(first, "Image Orientation (Patient)"))?;
    let normal = normal(&orientation).ok_or_else(|| SeriesError::NotOrthogonal {
        instance: first.instance_uid.clone(),
    })?;
    let mut placed = Vec::with_capacity(slices.len());
    for (at, slice) in slices.iter().copied().enumerate() {
        agree(slice, first, spacing, &orientation)?;
        let origin = slice
            .position
            .ok_or_else(|| missing(slice, "Image Position (Patient)"))?;
        placed.push(Placed {
            at,
            slice,
            offset: dot(&normal, &origin),
            origin,
        });
    }
    placed.sort_by(|a, b| a.offset.total_cmp(&b.offset));
    if let Some(pair) = placed
        .windows(2)
        .find(|pair| pair[1].offset - pair[0].offset < SAME_PLACE)
    {
        return Err(SeriesError::SamePlace {
            one: pair[0].slice.instance_uid.clone(),
            other: pair[1].slice.instance_uid.clone(),
            at: pair[0].offset,
        });
    }
    check_extent(&spacing, &placed)?;
    let geometry = Geometry {
        slices: placed.len(),
        rows,
        columns,
        pixel_spacing: spacing,
        offsets: placed.iter().map(|one| one.offset).collect(),
        orientation,
        origins: placed.iter().map(|one| one.origin).collect(),
        instance_uids: placed.iter().map(|one| one.slice.instance_uid.clone()).collect(),
    };
    let order = placed.iter().map(|one| one.at).collect();
    Ok((geometry, order))
}

/// An error for values on which nothing may be measured.
pub fn doubtful(slice: &Slice, doubt: Doubt) -> SeriesError {
    SeriesError::Doubtful {
        instance: slice.instance_uid.clone(),
        frame: slice.frame,
        doubt,
    }
}

fn missing(slice: &Slice, name: &'static str) -> SeriesError {
    SeriesError::Missing {
        instance: slice.instance_uid.clone(),
        frame: slice.frame,
        name,
    }
}

/// A grid laid over an extent that no patient has would take all memory.
fn check_extent(spacing: &[f64; 2], placed: &[Placed<'_>]) -> Result<(), SeriesError> {
    if let Some(found) = spacing.iter().find(|mm| !is_pixel_distance(**mm)) {
        return Err(SeriesError::Extent {
            name: "Pixel Spacing",
            found: *found,
            expected: "0.01 to 20",
        });
    }
    let found = match placed {
        [first, .., last] => last.offset - first.offset,
        [] | [_] => 0.0,
    };
    if found > MAX_EXTENT {
        return Err(SeriesError::Extent {
            name: "the way from the first slice to the last",
            found,
            expected: "at most 4000",
        });
    }
    Ok(())
}

/// Whether pixels can lie so far apart, mm.
pub fn is_pixel_distance(mm: f64) -> bool {
    SPACING.contains(&mm)
}

fn agree(slice: &Slice, first: &Slice, spacing: [f64; 2], orientation: &[f64; 6]) -> Result<(), SeriesError> {
    let differs = |name| {
        let instance = slice.instance_uid.clone();
        Err(SeriesError::Differs {
            instance,
            frame: slice.frame,
            name,
        })
    };
    if let Some(doubt) = slice.doubt {
        return Err(doubtful(slice, doubt));
    }
    if (slice.rows, slice.columns) != (first.rows, first.columns) {
        return differs("Rows or Columns");
    }
    let own = slice.spacing.ok_or_else(|| missing(slice, "Pixel Spacing"))?;
    if own
        .iter()
        .zip(spacing)
        .any(|(a, b)| (a - b).abs() > SPACING_TOLERANCE * b)
    {
        return differs("Pixel Spacing");
    }
    let own = slice
        .orientation
        .ok_or_else(|| missing(slice, "Image Orientation (Patient)"))?;
    if own
        .iter()
        .zip(orientation)
        .any(|(a, b)| (a - b).abs() > ORIENTATION_TOLERANCE)
    {
        return differs("Image Orientation (Patient)");
    }
    Ok(())
}

/// Unit normal of the slices, towards the head (else towards the back, else towards the left); `None` when the directions
/// of rows and columns are not at right angles.
fn normal(orientation: &[f64; 6]) -> Option<[f64; 3]> {
    let [a, b, c, d, e, f] = *orientation;
    let cross = [b * f - c * e, c * d - a * f, a * e - b * d];
    let length = dot(&cross, &cross).sqrt();
    let skew = a * d + b * e + c * f;
    if (length - 1.0).abs() > 0.01 || skew.abs() > 0.01 {
        return None;
    }
    Some(upwards(cross).map(|part| part / length))
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(uid: &str, z: f64, value: i16) -> Slice {
        Slice {
            instance_uid: Uid::parse(uid).expect("uid"),
            frame: 0,
            rows: 1,
            columns: 2,
            values: vec![value; 2],
            inverted: false,
            spacing: Some([0.5, 0.5]),
            position: Some([-10.0, -20.0, z]),
            orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            mirrored: false,
            window: None,
            doubt: None,
        }
    }

    fn said(slices: &[Slice]) -> String {
        assemble(slices).map_or_else(|error| error.to_string(), |_| "a volume".into())
    }

    #[test]
    fn slices_are_ordered_from_the_feet_to_the_head() {
        let mut slices = [slice("1.3", 10.0, 3), slice("1.1", 0.0, 1), slice("1.2", 5.0, 2)];
        let volume = assemble(&slices).expect("volume");
        assert_eq!(volume.voxels, [1, 1, 2, 2, 3, 3]);
        assert_eq!(volume.geometry.offsets, [0.0, 5.0, 10.0]);
        assert_eq!(volume.geometry.instance_uids[2].as_str(), "1.3");
        // A table that shows the slices from the head down, rows from right to left: same order.
        slices
            .iter_mut()
            .for_each(|s| s.orientation = Some([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
        assert_eq!(assemble(&slices).expect("volume").voxels, [1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let good = || slice("1.1", 0.0, 0);
        let changed = |change: fn(&mut Slice)| {
            let mut other = slice("1.2", 5.0, 0);
            change(&mut other);
            [good(), other]
        };
        for (slices, says) in [
            (changed(|_| {}), "a volume"),
            (
                changed(|s| s.position = None),
                "instance 1.2, frame 0: Image Position (Patient) is missing",
            ),
            (
                changed(|s| s.rows = 2),
                "instance 1.2, frame 0: Rows or Columns differs",
            ),
            (changed(|s| s.spacing = Some([0.5, 0.6])), "Pixel Spacing differs"),
            (
                changed(|s| s.orientation = Some([1.0, 0.0, 0.0, 0.0, 0.0, -1.0])),
                "Image Orientation (Patient) differs",
            ),
            (
                changed(|s| s.position = Some([-10.0, -20.0, 0.0])),
                "instances 1.1 and 1.2 lie at the same place",
            ),
            (
                changed(|s| s.doubt = Some(Doubt::NotCalibrated)),
                "instance 1.2, frame 0: Rescale Slope or Intercept is not stated",
            ),
            (
                changed(|s| s.position = Some([0.0, 0.0, 1e9])),
                "from the first slice to the last is 1000000000 mm",
            ),
            (
                [good(), slice("1.2", 5.0, 0)].map(|s| Slice {
                    spacing: Some([0.0, 0.5]),
                    ..s
                }),
                "Pixel Spacing is 0 mm, expected 0.01 to 20",
            ),
        ] {
            let said = said(&slices);
            assert!(said.contains(says), "{said}, not {says}");
        }
        assert_eq!(said(&[]), "the series has no slices");
    }
}
