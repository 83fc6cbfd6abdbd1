//! Which lesion is which on two studies: the nearest pairs first, none farther apart than a patient breathes and lies
//! differently. Where no place is known, lesions of one side and region are paired by their size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::course::{self, Course};
use super::register::Registered;
use super::{MeasuredChange, measured};
use crate::finding::{Lesion, Measurement};

/// Lesions farther apart than this are two (design value: breathing and another posture move a lung by 2 to 3 cm), mm.
pub const FARTHEST_MM: f64 = 30.0;

/// A lesion then and now; `None` on the side where it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LesionChange {
    /// Numbers within their results.
    pub now: Option<u32>,
    pub before: Option<u32>,
    pub course: Course,
    /// Between their centres once the images are laid over each other, mm.
    pub distance_mm: Option<f64>,
    pub measurements: Vec<MeasuredChange>,
}

pub fn pair(
    now: &[Lesion],
    before: &[Lesion],
    days: f64,
    registered: Option<&Registered>,
) -> Vec<LesionChange> {
    let mut candidates: Vec<(f64, usize, usize, Option<f64>)> = Vec::new();
    for (i, one) in now.iter().enumerate() {
        for (j, other) in before.iter().enumerate() {
            if let Some((rank, distance)) = nearness(one, other, registered) {
                candidates.push((rank, i, j, distance));
            }
        }
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut paired_now, mut paired_before) = (vec![false; now.len()], vec![false; before.len()]);
    let mut changes = Vec::new();
    for (_, i, j, distance_mm) in candidates {
        if paired_now[i] || paired_before[j] {
            continue;
        }
        (paired_now[i], paired_before[j]) = (true, true);
        changes.push(same(&now[i], &before[j], days, distance_mm));
    }
    let alone = |paired: &[bool], of: &[Lesion]| -> Vec<u32> {
        let left = of.iter().zip(paired).filter(|(_, paired)| !**paired);
        left.map(|(lesion, _)| lesion.number).collect()
    };
    let one_sided = |now, before, course| LesionChange {
        now,
        before,
        course,
        distance_mm: None,
        measurements: Vec::new(),
    };
    let new = alone(&paired_now, now).into_iter();
    changes.extend(new.map(|number| one_sided(Some(number), None, Course::New)));
    let gone = alone(&paired_before, before).into_iter();
    changes.extend(gone.map(|number| one_sided(None, Some(number), Course::Resolved)));
    changes.sort_by_key(|change| (change.now.is_none(), change.now, change.before));
    changes
}

/// How near two are, the smaller the nearer, and the distance where it is known. `None` where they cannot be one.
fn nearness(now: &Lesion, before: &Lesion, registered: Option<&Registered>) -> Option<(f64, Option<f64>)> {
    let sides = now.laterality.as_ref().zip(before.laterality.as_ref());
    if sides.is_some_and(|(a, b)| !a.is(b)) {
        return None;
    }
    let places = now.centre_mm.zip(before.centre_mm);
    if let Some((registered, (now, before))) = registered.zip(places) {
        let moved = registered.place(before);
        let distance = (0..3).map(|i| (now[i] - moved[i]).powi(2)).sum::<f64>().sqrt();
        return (distance <= FARTHEST_MM).then_some((distance, Some(distance)));
    }
    // Behind every pair whose distance is known; the larger ones find each other first.
    let order = f64::from(now.number.abs_diff(before.number)) + f64::from(now.number);
    now.location
        .is(&before.location)
        .then_some((FARTHEST_MM + order, None))
}

fn same(now: &Lesion, before: &Lesion, days: f64, distance_mm: Option<f64>) -> LesionChange {
    let of = |like: &Measurement| before.measurements.iter().find(|m| m.code.is(&like.code));
    let measurements: Vec<MeasuredChange> = now
        .measurements
        .iter()
        .filter_map(|m| Some(measured(m, of(m)?, days)))
        .collect();
    LesionChange {
        now: Some(now.number),
        before: Some(before.number),
        course: course::of_size(&measurements),
        distance_mm,
        measurements,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{self, Code};
    use crate::comparison::register::{Foreground, register};

    fn lesion(number: u32, centre: Option<[f64; 3]>, laterality: Option<Code>, mm: f64) -> Lesion {
        Lesion {
            number,
            location: code::BRAIN,
            laterality,
            measurements: vec![Measurement {
                code: code::LARGEST_DIAMETER,
                value: mm,
                unit: code::MILLIMETER,
            }],
            key_instance: None,
            centre_mm: centre,
        }
    }

    fn moved_by(x: f64) -> Registered {
        let body = |at: f64| {
            let points = (0..600).map(move |n| [f64::from(n % 20) * 6.0 + at, f64::from(n / 20) * 9.0, 0.0]);
            Foreground::of(points).unwrap()
        };
        register(&body(0.0), &body(x)).unwrap()
    }

    fn numbers(changes: &[LesionChange]) -> Vec<(Option<u32>, Option<u32>, Course)> {
        changes.iter().map(|c| (c.now, c.before, c.course)).collect()
    }

    #[test]
    fn the_nearest_are_one_after_the_images_are_laid_over_each_other() {
        let now = [
            lesion(1, Some([10.0, 10.0, 0.0]), None, 12.0),
            lesion(2, Some([90.0, 90.0, 0.0]), None, 9.0),
        ];
        let before = [
            lesion(1, Some([190.0, 88.0, 0.0]), None, 8.0),
            lesion(2, Some([111.0, 12.0, 0.0]), None, 7.0),
        ];
        let changes = pair(&now, &before, 90.0, Some(&moved_by(100.0)));
        assert_eq!(
            numbers(&changes),
            [
                (Some(1), Some(2), Course::Grown),
                (Some(2), Some(1), Course::Unchanged)
            ]
        );
        assert!(
            changes[0]
                .distance_mm
                .is_some_and(|mm| (mm - 5f64.sqrt()).abs() < 1e-6)
        );
    }

    #[test]
    fn what_is_too_far_away_is_new_and_what_is_missing_has_gone() {
        let now = [lesion(1, Some([10.0, 10.0, 0.0]), None, 12.0)];
        let before = [lesion(1, Some([10.0, 60.0, 0.0]), None, 12.0)];
        let changes = pair(&now, &before, 90.0, Some(&moved_by(0.0)));
        assert_eq!(
            numbers(&changes),
            [(Some(1), None, Course::New), (None, Some(1), Course::Resolved)]
        );
    }

    #[test]
    fn a_lesion_of_the_other_side_is_another() {
        let now = [lesion(1, None, Some(code::LEFT), 12.0)];
        let before = [lesion(1, None, Some(code::RIGHT), 12.0)];
        assert_eq!(pair(&now, &before, 90.0, None).len(), 2);
    }

    #[test]
    fn without_places_the_largest_find_each_other() {
        let now = [lesion(1, None, None, 20.0), lesion(2, None, None, 8.0)];
        let before = [lesion(1, None, None, 15.0), lesion(2, None, None, 9.0)];
        let changes = pair(&now, &before, 90.0, None);
        assert_eq!(
            numbers(&changes),
            [
                (Some(1), Some(1), Course::Grown),
                (Some(2), Some(2), Course::Unchanged)
            ]
        );
        assert_eq!(changes[0].distance_mm, None);
    }
}
