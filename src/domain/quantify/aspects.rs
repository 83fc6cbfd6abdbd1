//! ASPECTS: ten regions of the middle cerebral artery's territory (Barber et al., Lancet 2000), one point less for each that shows
//! early ischaemia. The map is laid over the head by its skull; its borders are design values of a common head.

use super::brain::{BrainFrame, Place};
use super::components::{Component, MaskError, components};
use super::head::Head;
use super::reading::{Reading, ml, points};
use super::shape::{largest_section, sections};
use super::side::Side;
use crate::code::{self, Code};
use crate::finding::Lesion;
use crate::volume::{Geometry, Mask, Volume};

/// A region of the territory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    Caudate,
    Lentiform,
    InternalCapsule,
    Insula,
    M1,
    M2,
    M3,
    M4,
    M5,
    M6,
}

impl Region {
    pub const ALL: [Self; 10] = [
        Self::Caudate,
        Self::Lentiform,
        Self::InternalCapsule,
        Self::Insula,
        Self::M1,
        Self::M2,
        Self::M3,
        Self::M4,
        Self::M5,
        Self::M6,
    ];

    pub fn code(self) -> Code {
        match self {
            Self::Caudate => code::CAUDATE,
            Self::Lentiform => code::LENTIFORM,
            Self::InternalCapsule => code::INTERNAL_CAPSULE,
            Self::Insula => code::INSULA,
            Self::M1 => code::ASPECTS_M1,
            Self::M2 => code::ASPECTS_M2,
            Self::M3 => code::ASPECTS_M3,
            Self::M4 => code::ASPECTS_M4,
            Self::M5 => code::ASPECTS_M5,
            Self::M6 => code::ASPECTS_M6,
        }
    }

    /// The region at a place, of either side, in a vault of half extents `half`.
    pub fn at(place: Place, half: [f64; 3]) -> Option<Self> {
        let p = [place.left.abs(), place.back, place.up];
        match deep(p) {
            Deep::Region(region) => Some(region),
            Deep::Thalamus => None,
            Deep::Outside => cortical(p, half),
        }
    }
}

enum Deep {
    Region(Region),
    /// Belongs to another territory.
    Thalamus,
    Outside,
}

/// Middles and half extents of the nuclei: to the side, back, up; mm.
const CAUDATE: [[f64; 3]; 2] = [[15.0, -24.0, 9.0], [6.0, 10.0, 9.0]];
const LENTIFORM: [[f64; 3]; 2] = [[25.0, -4.0, 3.0], [7.5, 17.5, 10.5]];
const THALAMUS: [[f64; 3]; 2] = [[11.0, 12.0, 6.0], [8.0, 14.0, 9.0]];
const CAPSULE: [[f64; 3]; 2] = [[18.0, -3.0, 5.0], [9.0, 22.0, 11.0]];
const CAPSULE_FROM_MM: f64 = 9.0;
/// The insula's ribbon: how far it reaches to both sides of its surface, and where that lies; mm.
const RIBBON: (f64, f64) = (-5.5, 1.5);
const INSULA_BACK: (f64, f64) = (-34.0, 18.0);
const INSULA_UP: (f64, f64) = (-11.0, 17.0);
/// Between the level of the nuclei and the one above them; lowest and highest place of the cortex; mm.
const ABOVE: f64 = 15.0;
const CORTEX: (f64, f64) = (-18.0, 48.0);
const CORTEX_FROM_MM: f64 = 16.0;
/// Nearer to the middle than this share of the radius is white matter that belongs to no cortical region.
const CORTEX_RADIUS: f64 = 0.52;
/// Borders to the anterior and the posterior cerebral artery's cortex and between the three parts, degrees from the side to
/// the back.
const SECTORS: [f64; 4] = [-62.0, -24.0, 20.0, 50.0];

fn within(p: [f64; 3], [middle, half]: [[f64; 3]; 2]) -> bool {
    (0..3)
        .map(|a| ((p[a] - middle[a]) / half[a]).powi(2))
        .sum::<f64>()
        < 1.0
}

fn deep(p: [f64; 3]) -> Deep {
    if within(p, CAUDATE) {
        Deep::Region(Region::Caudate)
    } else if within(p, LENTIFORM) {
        Deep::Region(Region::Lentiform)
    } else if within(p, THALAMUS) {
        Deep::Thalamus
    } else if within(p, CAPSULE) && p[0] > CAPSULE_FROM_MM {
        Deep::Region(Region::InternalCapsule)
    } else if at_insula(p) && (RIBBON.0..RIBBON.1).contains(&from_insula(p)) {
        Deep::Region(Region::Insula)
    } else {
        Deep::Outside
    }
}

/// How far to the side of the insula's surface, which bends inward in front, behind and above; mm.
fn from_insula(p: [f64; 3]) -> f64 {
    p[0] - (38.0 - 0.004 * (p[1] + 8.0).powi(2) - 0.2 * (p[2] - 4.0))
}

fn at_insula(p: [f64; 3]) -> bool {
    (INSULA_BACK.0..INSULA_BACK.1).contains(&p[1]) && (INSULA_UP.0..INSULA_UP.1).contains(&p[2])
}

fn cortical(p: [f64; 3], half: [f64; 3]) -> Option<Region> {
    if !(CORTEX.0..CORTEX.1).contains(&p[2]) || p[0] < CORTEX_FROM_MM {
        return None;
    }
    let section = (1.0 - (p[2] / half[2]).powi(2)).max(0.05).sqrt();
    let (side, back) = (p[0] / (half[0] * section), p[1] / (half[1] * section));
    let lateral = match p[2] < ABOVE && at_insula(p) {
        true => from_insula(p) >= RIBBON.1,
        false => side.hypot(back) > CORTEX_RADIUS,
    };
    let angle = back.atan2(side).to_degrees();
    let part = SECTORS.windows(2).position(|w| (w[0]..w[1]).contains(&angle))?;
    let first = if p[2] < ABOVE { 4 } else { 7 };
    lateral.then(|| Region::ALL[first + part])
}

/// Distance of the places that are looked at, mm.
const STEP_MM: f64 = 2.0;
/// A region counts when this share of its places is marked (design value).
const AFFECTED_SHARE: f64 = 0.3;
/// A region of which less than this is in the scan is not judged, mL.
const LEAST_ML: f64 = 0.4;

/// How much of a region a scan shows and a mask marks, mL.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cover {
    pub shown_ml: f64,
    pub marked_ml: f64,
}

impl Cover {
    pub fn share(&self) -> f64 {
        self.marked_ml / self.shown_ml.max(1e-9)
    }
}

/// Total, affected regions and side, from a mask of early ischaemia.
pub fn aspects(volume: &Volume, mask: &Mask) -> Result<Reading, MaskError> {
    let g = &volume.geometry;
    let found = components(g, mask)?;
    let mut reading = Reading {
        measurements: vec![ml(
            code::VOLUME,
            found.iter().fold(0.0, |sum, c| sum + c.volume_ml),
        )],
        ..Reading::default()
    };
    if found.is_empty() {
        return Ok(reading);
    }
    let head = Head::find(volume).map_err(|reason| reason.to_string());
    let framed = head.and_then(|head| match BrainFrame::find(&head) {
        Ok(frame) => Ok((head, frame)),
        Err(reason) => Err(reason.to_string()),
    });
    match framed {
        Ok((head, frame)) => score(&mut reading, g, mask, &found, (&head, &frame)),
        Err(reason) => reading
            .limitations
            .push(format!("ASPECTS not determined: {reason}")),
    }
    Ok(reading)
}

fn score(
    reading: &mut Reading,
    g: &Geometry,
    mask: &Mask,
    found: &[Component],
    (head, frame): (&Head, &BrainFrame),
) {
    let covers = covers(g, mask, (head, frame));
    let marked = |side: usize| covers[side].iter().map(|c| c.marked_ml).sum::<f64>();
    let all = marked(0) + marked(1);
    if all <= 0.0 {
        reading
            .limitations
            .push("what is marked lies outside the territory that ASPECTS scores".to_owned());
        return;
    }
    let side = if marked(1) >= marked(0) {
        Side::Left
    } else {
        Side::Right
    };
    if Side::of_left_share(marked(1) / all) == Side::Both {
        let said = side.code().display.to_lowercase();
        reading
            .limitations
            .push(format!("both sides are marked; ASPECTS is that of the {said}"));
    }
    let cover = &covers[usize::from(side == Side::Left)];
    let missing: Vec<Region> = Region::ALL
        .into_iter()
        .filter(|r| cover[*r as usize].shown_ml < LEAST_ML)
        .collect();
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|r| r.code().display.to_string()).collect();
        reading
            .limitations
            .push(format!("not in the scan and not judged: {}", names.join(", ")));
    }
    let affected: Vec<Region> = Region::ALL
        .into_iter()
        .filter(|r| !missing.contains(r) && cover[*r as usize].share() >= AFFECTED_SHARE)
        .collect();
    reading
        .measurements
        .push(points(code::ASPECTS, 10.0 - affected.len() as f64));
    reading.tell(code::LATERALITY, side.code());
    affected
        .iter()
        .for_each(|region| reading.tell(code::ASPECTS_REGION, region.code()));
    let key = found.first().and_then(|part| largest_section(&sections(g, part)));
    let key = key.and_then(|section| g.instance_uids.get(section.slice).cloned());
    reading.lesions = affected
        .iter()
        .zip(1..)
        .map(|(region, number)| Lesion {
            number,
            location: region.code(),
            laterality: Some(side.code()),
            measurements: vec![ml(code::VOLUME, cover[*region as usize].marked_ml)],
            key_instance: key.clone(),
            centre_mm: None,
        })
        .collect();
}

/// Of every region, right and left.
pub fn covers(g: &Geometry, mask: &Mask, (head, frame): (&Head, &BrainFrame)) -> [[Cover; 10]; 2] {
    let step = |mm: f64| ((STEP_MM / mm).round() as usize).max(1);
    let [down, across] = g.pixel_spacing.map(step);
    let mut covers = [[Cover::default(); 10]; 2];
    let mut before = f64::NEG_INFINITY;
    for k in 0..g.slices {
        if g.offsets[k] - before < STEP_MM - 0.01 {
            continue;
        }
        let reach = g
            .offsets
            .get(k + 1..)
            .and_then(|rest| rest.iter().find(|z| **z - g.offsets[k] >= STEP_MM - 0.01));
        let thick = reach.map_or(g.extent(k), |z| z - g.offsets[k]);
        before = g.offsets[k];
        let each_ml = down as f64 * across as f64 * g.pixel_spacing[0] * g.pixel_spacing[1] * thick / 1000.0;
        for r in (0..g.rows).step_by(down) {
            for c in (0..g.columns).step_by(across) {
                let position = head.map.frame().position(r as f64, c as f64);
                let place = frame.place(head, position, g.offsets[k]);
                let Some(region) = Region::at(place, frame.half) else {
                    continue;
                };
                let cover = &mut covers[usize::from(place.left > 0.0)][region as usize];
                cover.shown_ml += each_ml;
                if mask.voxels[(k * g.rows + r) * g.columns + c] != 0 {
                    cover.marked_ml += each_ml;
                }
            }
        }
    }
    covers
}

#[cfg(test)]
mod tests {
    use super::super::testing::ball;
    use super::*;

    const HALF: [f64; 3] = [68.0, 84.0, 72.0];

    #[test]
    fn every_region_has_its_place_on_either_side_and_no_other_territory_has_one() {
        for ([x, back, up], region) in [
            ([15.0, -24.0, 9.0], Some(Region::Caudate)),
            ([25.0, -4.0, 3.0], Some(Region::Lentiform)),
            ([17.0, -8.0, 4.0], Some(Region::InternalCapsule)),
            ([36.0, -8.0, 4.0], Some(Region::Insula)),
            ([40.0, -48.0, 4.0], Some(Region::M1)),
            ([56.0, -4.0, 0.0], Some(Region::M2)),
            ([50.0, 36.0, 8.0], Some(Region::M3)),
            ([36.0, -40.0, 28.0], Some(Region::M4)),
            ([52.0, 0.0, 28.0], Some(Region::M5)),
            ([42.0, 34.0, 28.0], Some(Region::M6)),
            ([11.0, 12.0, 6.0], None),
            ([8.0, -60.0, 10.0], None),
            ([12.0, 66.0, 10.0], None),
            ([5.0, 0.0, 50.0], None),
        ] {
            for left in [x, -x] {
                assert_eq!(
                    Region::at(Place { left, back, up }, HALF),
                    region,
                    "{left} {back} {up}"
                );
            }
        }
    }

    #[test]
    fn without_a_skull_the_score_stays_open_with_the_reason() {
        let (geometry, mask) = ball(20.0, 1.0, 2.0);
        let volume = Volume {
            voxels: vec![30; geometry.len()],
            geometry,
        };
        let reading = aspects(&volume, &mask).expect("measurable");
        assert!(reading.number(&code::ASPECTS).is_none() && reading.number(&code::VOLUME).is_some());
        assert!(
            reading.limitations[0].starts_with("ASPECTS not determined"),
            "{:?}",
            reading.limitations
        );
    }

    #[test]
    fn a_mask_that_marks_nothing_says_nothing_of_the_score() {
        let (geometry, mask) = ball(5.0, 1.0, 2.0);
        let volume = Volume {
            voxels: vec![30; geometry.len()],
            geometry,
        };
        let empty = Mask {
            voxels: vec![0; mask.voxels.len()],
        };
        let reading = aspects(&volume, &empty).expect("measurable");
        assert_eq!(reading.number(&code::VOLUME), Some(0.0));
        assert!(reading.limitations.is_empty() && reading.evaluations.is_empty());
    }
}
