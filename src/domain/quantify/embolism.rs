//! Pulmonary embolism on a CT angiogram: volume of the clot, the most proximal artery that holds any, the side, and the widths of
//! the ventricles. The ventricles are measured by whoever calls this only where an embolism was found: a ratio of 1 is common
//! without one.

use super::components::Component;
use super::lumen::{Lumen, NoLumen, place};
use super::reading::{Reading, line, ml, mm, ratio};
use super::shape::{largest_section, sections};
use super::side::Side;
use super::ventricles::{Width, widths};
use super::{COUNTED_ML, LISTED};
use crate::code::{self, Code};
use crate::finding::Lesion;
use crate::volume::{Geometry, Mask};

/// From this ratio on the right ventricle counts as dilated (ESC and AHA/ACC name 1.0 on axial slices).
pub const DILATED: f64 = 1.0;

/// Level of a pulmonary artery, the most proximal first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The trunk or a main artery.
    Central,
    Lobar,
    Segmental,
    Subsegmental,
}

impl Level {
    const ALL: [Self; 4] = [Self::Central, Self::Lobar, Self::Segmental, Self::Subsegmental];

    pub fn code(self) -> Code {
        match self {
            Self::Central => code::CENTRAL_PULMONARY_ARTERY,
            Self::Lobar => code::LOBAR_PULMONARY_ARTERY,
            Self::Segmental => code::SEGMENTAL_PULMONARY_ARTERY,
            Self::Subsegmental => code::SUBSEGMENTAL_PULMONARY_ARTERY,
        }
    }
}

/// Widths against the trunk's from which an artery is central, and lobar. Design values, checked on phantoms; they fit the
/// usual diameters of adults: trunk 25 to 29 mm, main arteries 18 to 22, interlobar 14 to 16, segmental 5 to 6.
const CENTRAL_WIDTH: f64 = 0.60;
const LOBAR_WIDTH: f64 = 0.29;
/// A clot belongs to the most proximal level that holds this share of it.
const PROXIMAL_SHARE: f64 = 0.2;
/// Voxels of a clot that are looked at, evenly taken.
const SAMPLES: usize = 300;

/// Where one clot lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub level: Level,
    pub side: Side,
}

/// Volume, clots with their places, the most proximal vessel and the sides, from the clot and the lumen of the arteries from
/// trunk to segments.
pub fn clots(geometry: &Geometry, found: &[Component], arteries: Option<&Mask>, site: &Code) -> Reading {
    let total = found.iter().fold(0.0, |sum: f64, c| sum + c.volume_ml);
    let mut reading = Reading {
        measurements: vec![ml(code::VOLUME, total)],
        ..Reading::default()
    };
    if found.is_empty() {
        return reading;
    }
    let lumen = arteries
        .ok_or(NoLumen::Empty)
        .and_then(|mask| Lumen::of(geometry, mask));
    let seats: Vec<Option<Seat>> = found
        .iter()
        .map(|c| lumen.as_ref().ok().map(|l| seat(l, geometry, c)))
        .collect();
    match &lumen {
        Ok(_) => tell(&mut reading, seats.iter().flatten()),
        Err(reason) => reading.limitations.push(reason.to_string()),
    }
    let listed = found
        .iter()
        .zip(seats)
        .filter(|(c, _)| c.volume_ml >= COUNTED_ML / 10.0);
    let listed = listed.take(LISTED).zip(1..);
    reading.lesions = listed
        .map(|((clot, seat), number)| lesion(geometry, clot, seat, number, site))
        .collect();
    reading
}

fn tell<'s>(reading: &mut Reading, seats: impl Iterator<Item = &'s Seat> + Clone) {
    if let Some(level) = seats.clone().map(|seat| seat.level).min() {
        reading.tell(code::MOST_PROXIMAL_VESSEL, level.code());
    }
    if let Some(side) = seats.map(|seat| seat.side).reduce(Side::with) {
        reading.tell(code::LATERALITY, side.code());
    }
}

/// Level by the width of the artery around the clot, side by the trunk, which divides right from left.
pub fn seat(lumen: &Lumen, geometry: &Geometry, clot: &Component) -> Seat {
    let voxels: usize = clot.runs.iter().map(|r| r.voxels()).sum();
    let all = clot.runs.iter().flat_map(|run| {
        (run.first..=run.last).map(|c| place(geometry, run.slice as usize, run.row as usize, c as usize))
    });
    let places: Vec<[f64; 3]> = all.step_by(voxels.div_ceil(SAMPLES).max(1)).collect();
    let mut held = [0.0; 4];
    let mut left = 0.0;
    let each = 1.0 / places.len().max(1) as f64;
    // Columns run to the patient's left unless the rows are turned.
    let leftward = geometry.orientation[0] >= 0.0;
    for p in &places {
        held[level(lumen, *p) as usize] += each;
        left += each * f64::from(u8::from((p[0] > lumen.trunk_at[0]) == leftward));
    }
    let mut share = 0.0;
    let proximal = Level::ALL.into_iter().find(|level| {
        share += held[*level as usize];
        share >= PROXIMAL_SHARE
    });
    Seat {
        level: proximal.unwrap_or(Level::Subsegmental),
        side: Side::of_left_share(left),
    }
}

fn level(lumen: &Lumen, p: [f64; 3]) -> Level {
    match lumen.calibre(p).map(|width| width / lumen.trunk) {
        None => Level::Subsegmental,
        Some(share) if share >= CENTRAL_WIDTH => Level::Central,
        Some(share) if share >= LOBAR_WIDTH => Level::Lobar,
        Some(_) => Level::Segmental,
    }
}

fn lesion(geometry: &Geometry, clot: &Component, seat: Option<Seat>, number: u32, site: &Code) -> Lesion {
    let section = largest_section(&sections(geometry, clot));
    Lesion {
        number,
        location: seat.map_or_else(|| site.clone(), |seat| seat.level.code()),
        laterality: seat.map(|seat| seat.side.code()),
        measurements: vec![ml(code::VOLUME, clot.volume_ml)],
        key_instance: section.and_then(|s| geometry.instance_uids.get(s.slice).cloned()),
        centre_mm: None,
    }
}

/// Widths of both ventricles and their ratio, with the two lines.
pub fn strain(geometry: &Geometry, right: &Mask, left: &Mask) -> Reading {
    let mut reading = Reading::default();
    let found = match widths(geometry, right, left) {
        Ok(found) => found,
        Err(reason) => {
            reading.limitations.push(reason.to_string());
            return reading;
        }
    };
    let quotient = found.right.mm / found.left.mm;
    reading.measurements = vec![
        mm(code::RIGHT_VENTRICLE_WIDTH, found.right.mm),
        mm(code::LEFT_VENTRICLE_WIDTH, found.left.mm),
        ratio(code::RV_LV_RATIO, quotient),
    ];
    let drawn = |code: Code, width: Width| line(geometry, code, width.slice, width.ends, true);
    reading
        .lines
        .extend(drawn(code::RIGHT_VENTRICLE_WIDTH, found.right));
    reading
        .lines
        .extend(drawn(code::LEFT_VENTRICLE_WIDTH, found.left));
    let dilated = if quotient >= DILATED {
        code::PRESENT
    } else {
        code::ABSENT
    };
    reading.tell(code::RIGHT_HEART_STRAIN, dilated);
    reading
}

#[cfg(test)]
mod tests {
    use super::super::components::components;
    use super::super::testing::{geometry, mask_where};
    use super::*;

    /// A trunk of 26 mm about x = 60, a lobar artery of 12 mm to its left and a segmental one of 6 mm to its right.
    fn tree() -> (Geometry, Mask) {
        let g = geometry(40, 80, 120, 1.0, 1.0);
        let mask = mask_where(&g, |k, r, c| {
            let (x, y, z) = (c as f64 - 60.0, r as f64 - 40.0, k as f64 - 20.0);
            let trunk = x.hypot(y) <= 13.0;
            let across = y.hypot(z);
            trunk || (x > 0.0 && x < 55.0 && across <= 6.0) || (x < 0.0 && x > -55.0 && across <= 3.0)
        });
        (g, mask)
    }

    fn seat_of(x: f64, y: f64) -> Seat {
        let (g, arteries) = tree();
        let clot = mask_where(&g, |k, r, c| {
            let far =
                (c as f64 - 60.0 - x).powi(2) + (r as f64 - 40.0 - y).powi(2) + (k as f64 - 20.0).powi(2);
            far <= 9.0
        });
        let found = components(&g, &clot).expect("measurable");
        seat(&Lumen::of(&g, &arteries).expect("a lumen"), &g, &found[0])
    }

    #[test]
    fn the_width_of_the_artery_around_a_clot_is_its_level() {
        for (x, y, level, side) in [
            (3.0, 0.0, Level::Central, Side::Both),
            (36.0, 0.0, Level::Lobar, Side::Left),
            (-40.0, 0.0, Level::Segmental, Side::Right),
            (-40.0, 20.0, Level::Subsegmental, Side::Right),
        ] {
            assert_eq!(seat_of(x, y).level, level, "{x} {y}");
            if x.abs() > 10.0 {
                assert_eq!(seat_of(x, y).side, side, "{x} {y}");
            }
        }
    }

    #[test]
    fn without_arteries_the_vessel_is_left_open_with_the_reason() {
        let (g, clot) = tree();
        let found = components(&g, &clot).expect("measurable");
        let site = Code::new("SCT", "81040000", "Pulmonary artery");
        let reading = clots(&g, &found, None, &site);
        assert!(reading.number(&code::VOLUME).is_some_and(|ml| ml > 10.0));
        assert!(reading.evaluations.is_empty() && reading.limitations[0].contains("no pulmonary arteries"));
        assert_eq!(reading.lesions[0].location, site);
    }
}
