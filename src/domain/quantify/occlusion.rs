//! Which artery of the anterior circulation is occluded: its side and segment, from where a mark lies against the midline and the
//! level of the skull's base.

use super::brain::{BrainFrame, NoFrame, Place};
use super::components::{Component, Run};
use super::head::{Head, HeadError};
use super::reading::Reading;
use super::shape::{largest_section, sections};
use super::side::Side;
use crate::code::{self, Code};
use crate::finding::Lesion;
use crate::volume::{Geometry, Volume};

/// Distances from the midline at which the carotid ends in the stem of the middle cerebral artery, and at which that one
/// divides; mm at scale 1. Design values, checked on phantoms.
const TERMINUS_MM: f64 = 11.2;
const DIVISION_MM: f64 = 31.0;
/// Nearer to a border than this the segment is uncertain, mm.
const UNCERTAIN_MM: f64 = 3.0;
/// Where these arteries run, about the widest level of the vault: below, above; mm.
const LEVELS_MM: (f64, f64) = (-45.0, 30.0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    TerminalCarotid,
    M1,
    M2,
}

impl Segment {
    pub fn code(self) -> Code {
        match self {
            Self::TerminalCarotid => code::TERMINAL_CAROTID,
            Self::M1 => code::M1_SEGMENT,
            Self::M2 => code::M2_SEGMENT,
        }
    }

    /// By the distance from the midline; with the other one that it may as well be.
    pub fn at(lateral_mm: f64) -> (Self, Option<Self>) {
        let near = |border: f64| (lateral_mm - border).abs() < UNCERTAIN_MM;
        match lateral_mm {
            d if d < TERMINUS_MM => (Self::TerminalCarotid, near(TERMINUS_MM).then_some(Self::M1)),
            d if d < DIVISION_MM => {
                let other = match (near(TERMINUS_MM), near(DIVISION_MM)) {
                    (true, _) => Some(Self::TerminalCarotid),
                    (false, true) => Some(Self::M2),
                    (false, false) => None,
                };
                (Self::M1, other)
            }
            _ => (Self::M2, near(DIVISION_MM).then_some(Self::M1)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NoPlace {
    #[error("side and segment of the occlusion not determined: {0}")]
    Head(#[from] HeadError),
    #[error("side and segment of the occlusion not determined: {0}")]
    Frame(#[from] NoFrame),
}

/// Places of all marks, the largest first; the finding's segment is that of the largest.
pub fn occlusions(volume: &Volume, found: &[Component], site: &Code) -> Reading {
    let mut reading = Reading::default();
    if found.is_empty() {
        return reading;
    }
    let g = &volume.geometry;
    let frame = frame(volume);
    if let Err(reason) = &frame {
        reading.limitations.push(reason.to_string());
    }
    for (mark, number) in found.iter().zip(1..).take(super::LISTED) {
        let middle = frame
            .as_ref()
            .ok()
            .map(|(head, frame)| middle(head, frame, g, mark));
        let told = middle.map(|place| segment(&mut reading, place, number));
        reading.lesions.push(lesion(g, mark, number, told, site));
    }
    reading
}

fn frame(volume: &Volume) -> Result<(Head, BrainFrame), NoPlace> {
    let head = Head::find(volume)?;
    let frame = BrainFrame::find(&head)?;
    Ok((head, frame))
}

fn segment(reading: &mut Reading, place: Place, number: u32) -> (Segment, Side) {
    let side = if place.left >= 0.0 {
        Side::Left
    } else {
        Side::Right
    };
    let (segment, other) = Segment::at(place.left.abs());
    if number == 1 {
        reading.tell(code::OCCLUDED_SEGMENT, segment.code());
        reading.tell(code::LATERALITY, side.code());
        reading.limitations.push(match other {
            Some(other) => format!(
                "the segment is told by its distance from the midline, {:.0} mm, and is uncertain: it may be {}",
                place.left.abs(),
                other.code().display
            ),
            None => format!("the segment is told by its distance from the midline, {:.0} mm", place.left.abs()),
        });
        if !(LEVELS_MM.0..=LEVELS_MM.1).contains(&place.up) {
            reading
                .limitations
                .push("the mark lies at a level where the named artery does not usually run".to_owned());
        }
    }
    (segment, side)
}

/// Mean place of a component in the brain.
pub fn middle(head: &Head, frame: &BrainFrame, geometry: &Geometry, part: &Component) -> Place {
    let (mut sum, mut n) = ([0.0; 3], 0.0);
    for run in &part.runs {
        let column = f64::from(run.first + run.last) / 2.0;
        let position = head.map.frame().position(f64::from(run.row), column);
        let weight = Run::voxels(run) as f64;
        let at = [position[0], position[1], geometry.offsets[run.slice as usize]];
        (0..3).for_each(|a| sum[a] += at[a] * weight);
        n += weight;
    }
    let [x, y, z] = sum.map(|s| s / f64::max(n, 1.0));
    frame.place(head, [x, y], z)
}

fn lesion(
    geometry: &Geometry,
    mark: &Component,
    number: u32,
    told: Option<(Segment, Side)>,
    site: &Code,
) -> Lesion {
    let section = largest_section(&sections(geometry, mark));
    Lesion {
        number,
        location: told.map_or_else(|| site.clone(), |(segment, _)| segment.code()),
        laterality: told.map(|(_, side)| side.code()),
        measurements: Vec::new(),
        key_instance: section.and_then(|s| geometry.instance_uids.get(s.slice).cloned()),
        centre_mm: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::components::components;
    use super::super::testing::ball;
    use super::*;

    #[test]
    fn the_distance_from_the_midline_names_the_segment_and_says_where_it_is_uncertain() {
        for (mm, segment, other) in [
            (7.0, Segment::TerminalCarotid, None),
            (10.0, Segment::TerminalCarotid, Some(Segment::M1)),
            (13.0, Segment::M1, Some(Segment::TerminalCarotid)),
            (22.0, Segment::M1, None),
            (29.0, Segment::M1, Some(Segment::M2)),
            (33.0, Segment::M2, Some(Segment::M1)),
            (38.0, Segment::M2, None),
        ] {
            assert_eq!(Segment::at(mm), (segment, other), "{mm}");
        }
    }

    #[test]
    fn without_a_skull_side_and_segment_stay_open_with_the_reason() {
        let (geometry, mask) = ball(6.0, 1.0, 1.0);
        let found = components(&geometry, &mask).expect("measurable");
        let volume = Volume {
            voxels: vec![40; geometry.len()],
            geometry,
        };
        let site = Code::new("SCT", "17232002", "Middle cerebral artery");
        let reading = occlusions(&volume, &found, &site);
        assert!(reading.evaluations.is_empty());
        assert!(
            reading.limitations[0].contains("no closed skull"),
            "{:?}",
            reading.limitations
        );
        assert_eq!(
            (&reading.lesions[0].location, &reading.lesions[0].laterality),
            (&site, &None)
        );
    }
}
