//! Measurements from masks: what a hemorrhage, an embolism, a pneumothorax, a nodule, an occluded artery and early ischaemia
//! measure and where they lie. Pure arithmetic on voxels;
//! nothing here guesses: what cannot be determined is left out, with the reason among the limitations.

pub mod aspects;
pub mod brain;
pub mod chest;
pub mod components;
pub mod cut_off;
pub mod embolism;
mod falx;
pub mod head;
mod headmap;
mod ich_score;
pub mod lumen;
pub mod midline;
pub mod nodule;
pub mod occlusion;
pub mod place;
pub mod pneumothorax;
pub mod reading;
pub mod shape;
pub mod side;
mod skull;
#[cfg(test)]
mod testing;
pub mod ventricles;

use components::Component;
use head::Head;
use reading::{count, ml, mm};

use crate::code;
use crate::finding::{Finding, Lesion, Presence};
use crate::volume::{Geometry, Mask, Volume};

/// Smaller components are neither counted nor listed, mL; they belong to the total.
pub const COUNTED_ML: f64 = 0.1;
/// More lesions than this are counted and not listed.
pub const LISTED: usize = 10;

/// From which volumes on a hemorrhage is flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    pub min_total_ml: f64,
    /// The largest component must reach this.
    pub min_component_ml: f64,
    /// From this total on, what is not flagged is undetermined instead of absent.
    pub undetermined_from_ml: Option<f64>,
}

/// What a mask says of a head CT.
#[derive(Clone, Debug, PartialEq)]
pub struct HemorrhageReading {
    pub finding: Finding,
    /// The slice with the largest area of blood.
    pub key_slice: Option<usize>,
    pub limitations: Vec<String>,
}

/// Measures the blood of `mask` on `volume` and decides by the operating point. The probability is left open: a volume
/// is not one.
pub fn hemorrhage(volume: &Volume, mask: &Mask, point: &OperatingPoint) -> HemorrhageReading {
    let found = match components::components(&volume.geometry, mask) {
        Ok(found) => found,
        Err(problem) => return unreadable(point, problem.to_string()),
    };
    // Folding from 0: the empty sum of floats is −0, which would be sent and shown as "-0".
    let total = found.iter().fold(0.0, |sum: f64, c| sum + c.volume_ml);
    let largest = found.first().map_or(0.0, |c| c.volume_ml);
    let presence = point.decide(total, largest);
    let mut reading = HemorrhageReading {
        finding: point.finding(presence),
        key_slice: key_slice(&volume.geometry, &found),
        limitations: Vec::new(),
    };
    reading.finding.measurements.push(ml(code::VOLUME, total));
    if presence == Presence::Absent {
        reading.key_slice = None;
        return reading;
    }
    reading.finding.key_instance = reading
        .key_slice
        .map(|k| volume.geometry.instance_uids[k].clone());
    describe(volume, mask, &found, &mut reading);
    reading
}

impl OperatingPoint {
    fn decide(&self, total: f64, largest: f64) -> Presence {
        if total > 0.0 && total >= self.min_total_ml && largest >= self.min_component_ml {
            return Presence::Present;
        }
        match self.undetermined_from_ml {
            Some(from) if total > 0.0 && total >= from => Presence::Undetermined,
            Some(_) | None => Presence::Absent,
        }
    }

    fn finding(&self, presence: Presence) -> Finding {
        Finding {
            code: code::INTRACRANIAL_HEMORRHAGE,
            site: code::BRAIN,
            presence,
            flagged: presence == Presence::Present,
            probability: None,
            operating_point: format!(
                "total volume ≥ {} mL and largest component ≥ {} mL",
                self.min_total_ml, self.min_component_ml
            ),
            measurements: Vec::new(),
            evaluations: Vec::new(),
            lesions: Vec::new(),
            lines: Vec::new(),
            key_instance: None,
        }
    }
}

/// A mask that cannot be measured is neither present nor absent.
fn unreadable(point: &OperatingPoint, problem: String) -> HemorrhageReading {
    HemorrhageReading {
        finding: point.finding(Presence::Undetermined),
        key_slice: None,
        limitations: vec![problem],
    }
}

fn describe(volume: &Volume, mask: &Mask, found: &[Component], reading: &mut HemorrhageReading) {
    let g = &volume.geometry;
    let counted: Vec<&Component> = found.iter().filter(|c| c.volume_ml >= COUNTED_ML).collect();
    let head = Head::find(volume);
    let abc: f64 = counted.iter().map(|c| shape::abc_over_2_ml(g, c)).sum();
    let diameter = found
        .iter()
        .map(|c| shape::largest_diameter(g, c))
        .fold(0.0, f64::max);
    let measurements = &mut reading.finding.measurements;
    measurements.push(ml(
        code::LARGEST_COMPONENT,
        found.first().map_or(0.0, |c| c.volume_ml),
    ));
    measurements.push(ml(code::VOLUME_ABC2, abc));
    measurements.push(mm(code::LARGEST_DIAMETER, diameter));
    measurements.push(count(code::COMPONENT_COUNT, counted.len()));
    match &head {
        Ok(head) => match midline::midline_shift(head) {
            Ok(shift) => measurements.push(mm(code::MIDLINE_SHIFT, shift.mm.abs())),
            Err(reason) => reading.limitations.push(reason.to_string()),
        },
        Err(reason) => reading.limitations.push(format!(
            "midline shift, location and side not determined: {reason}"
        )),
    }
    if counted.len() > LISTED {
        reading.limitations.push(format!(
            "{} components were counted, the {LISTED} largest are listed",
            counted.len()
        ));
    }
    let lesions = counted.iter().take(LISTED).zip(1..);
    reading.finding.lesions = lesions
        .map(|(c, number)| lesion(volume, mask, head.as_ref().ok(), c, number))
        .collect();
    let by_place = ich_score::by_place(&reading.finding.lesions);
    reading.finding.measurements.extend(by_place);
}

fn lesion(volume: &Volume, mask: &Mask, head: Option<&Head>, component: &Component, number: u32) -> Lesion {
    let g = &volume.geometry;
    let place = head.and_then(|head| place::place(head, g, mask, component));
    let (location, laterality) = match place {
        Some(place) => (place.location, place.laterality),
        None => (code::BRAIN, None),
    };
    let section = shape::largest_section(&shape::sections(g, component));
    Lesion {
        number,
        location,
        laterality,
        measurements: vec![
            ml(code::VOLUME, component.volume_ml),
            ml(code::VOLUME_ABC2, shape::abc_over_2_ml(g, component)),
            mm(code::LARGEST_DIAMETER, shape::largest_diameter(g, component)),
        ],
        key_instance: section.map(|s| g.instance_uids[s.slice].clone()),
        centre_mm: None,
    }
}

/// The slice with the largest area over all components.
fn key_slice(geometry: &Geometry, found: &[Component]) -> Option<usize> {
    let mut areas = vec![0.0; geometry.slices];
    for section in found.iter().flat_map(|c| shape::sections(geometry, c)) {
        areas[section.slice] += section.area_mm2;
    }
    let largest = (0..areas.len()).max_by(|a, b| areas[*a].total_cmp(&areas[*b]))?;
    (areas[largest] > 0.0).then_some(largest)
}

#[cfg(test)]
mod tests {
    use super::testing::{ball, mask_where};
    use super::*;

    fn point() -> OperatingPoint {
        OperatingPoint {
            min_total_ml: 1.0,
            min_component_ml: 0.5,
            undetermined_from_ml: Some(0.3),
        }
    }

    fn volume_of(geometry: Geometry) -> Volume {
        Volume {
            voxels: vec![30; geometry.len()],
            geometry,
        }
    }

    #[test]
    fn the_operating_point_decides() {
        for (total, largest, expected) in [
            (5.0, 5.0, Presence::Present),
            (1.0, 0.5, Presence::Present),
            (5.0, 0.4, Presence::Undetermined),
            (0.9, 0.9, Presence::Undetermined),
            (0.2, 0.2, Presence::Absent),
            (0.0, 0.0, Presence::Absent),
        ] {
            assert_eq!(point().decide(total, largest), expected, "{total} {largest}");
        }
    }

    #[test]
    fn a_ball_outside_any_skull_is_measured_and_its_place_left_open() {
        let (geometry, mask) = ball(15.0, 0.5, 2.0);
        let middle = geometry.slices / 2;
        let reading = hemorrhage(&volume_of(geometry), &mask, &point());
        let finding = &reading.finding;
        assert!(finding.flagged && finding.probability.is_none());
        let volume = finding.measurement(&code::VOLUME).expect("a volume").value;
        assert!((volume - 14.14).abs() < 0.2, "{volume}");
        assert_eq!(reading.key_slice, Some(middle));
        assert_eq!(finding.lesions.len(), 1);
        assert_eq!(
            (&finding.lesions[0].location, &finding.lesions[0].laterality),
            (&code::BRAIN, &None)
        );
        assert!(finding.measurement(&code::MIDLINE_SHIFT).is_none());
        assert!(
            reading.limitations[0].contains("no closed skull"),
            "{:?}",
            reading.limitations
        );
    }

    #[test]
    fn no_blood_is_absent_with_a_volume_of_zero() {
        let (geometry, _) = ball(5.0, 1.0, 2.0);
        let mask = mask_where(&geometry, |_, _, _| false);
        let reading = hemorrhage(&volume_of(geometry), &mask, &point());
        assert_eq!(reading.finding.presence, Presence::Absent);
        assert_eq!(
            reading.finding.measurement(&code::VOLUME).map(|m| m.value),
            Some(0.0)
        );
        assert!(reading.finding.lesions.is_empty() && reading.key_slice.is_none());
    }

    #[test]
    fn a_mask_of_another_size_is_undetermined_with_its_reason() {
        let (geometry, _) = ball(5.0, 1.0, 2.0);
        let reading = hemorrhage(&volume_of(geometry), &Mask { voxels: vec![1; 3] }, &point());
        assert_eq!(reading.finding.presence, Presence::Undetermined);
        assert!(
            reading.limitations[0].contains("3 voxels"),
            "{:?}",
            reading.limitations
        );
    }
}
