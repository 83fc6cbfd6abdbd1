//! A pneumothorax on a frontal radiograph: distances between the pleurae, sizes estimated from them, and signs of tension. The
//! estimates were made on erect patients and hold for them only; on a supine one air gathers in front of the lung.

use super::chest::{Chest, Hemithorax, Span};
use super::reading::{Reading, line, mm, percent};
use super::side::Side;
use crate::code::{self, Code};
use crate::finding::Measurement;
use crate::volume::Geometry;

pub const ERECT_ONLY: &str =
    "sizes after Collins and Light hold for erect frontal images; they are not valid on supine ones";

/// From which distances a pneumothorax is large: BTS 2 cm at the hilum, ACCP 3 cm from lung to cupola.
const LARGE_BTS_MM: f64 = 20.0;
const LARGE_ACCP_MM: f64 = 30.0;
/// Less air than this has no side, mm².
const LEAST_MM2: f64 = 30.0;
/// Heights of the lung, from its top, at which distances are taken: middle of the upper and of the lower half, hilum.
const UPPER: f64 = 0.25;
const LOWER: f64 = 0.75;
const HILUM: f64 = 0.5;
/// Heights of the chest between which the middle of the mediastinum is taken: below the apices, above most of the heart.
const MEDIASTINUM: (f64, f64) = (0.2, 0.55);
/// There it usually lies this far to the left of the middle of the chest, mm.
const USUAL_LEFT_MM: f64 = 5.0;
/// From these on a displacement is a sign of tension; rotation and the heart alone give less. Design values, checked on
/// phantoms.
const SHIFT_MM: f64 = 9.0;
const DROP_MM: f64 = 15.0;
/// The right hemidiaphragm usually stands this much higher, mm.
const RIGHT_HIGHER_MM: f64 = 6.0;

/// Distances between the pleurae of one side, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distances {
    /// From the top of the pleural space to the top of the lung, down the image.
    pub apex: f64,
    pub hilum: f64,
    /// Across the image at the middle of the upper and the lower half of the lung.
    pub upper: f64,
    pub lower: f64,
    /// Widths of lung and hemithorax at the middle of the lung's height.
    pub lung: f64,
    pub hemithorax: f64,
}

impl Distances {
    /// After Collins (1995): 4.2 + 4.7 (A + B + C), distances in cm; percent.
    pub fn collins(&self) -> f64 {
        4.2 + 0.47 * (self.apex + self.upper + self.lower)
    }

    /// After Light: 100 (1 − L³/H³); percent.
    pub fn light(&self) -> f64 {
        100.0 * (1.0 - (self.lung / self.hemithorax.max(1e-9)).powi(3))
    }

    fn of(side: &Hemithorax, pixel: [f64; 2]) -> Option<Self> {
        let [down, across] = pixel;
        let [top, _] = side.lung_rows()?;
        let [first, _] = side.all_rows()?;
        let row = |share: f64| level(side, share).map(|r| &side.rows[r]);
        let gap = |share: f64| row(share).map(|row| row.air as f64 * across);
        let middle = row(HILUM)?;
        Some(Self {
            apex: top.saturating_sub(first) as f64 * down,
            hilum: gap(HILUM)?,
            upper: gap(UPPER)?,
            lower: gap(LOWER)?,
            lung: middle.lung as f64 * across,
            hemithorax: (middle.lung + middle.air) as f64 * across,
        })
    }
}

/// The row at a share of the lung's height.
fn level(side: &Hemithorax, share: f64) -> Option<usize> {
    let [top, base] = side.lung_rows()?;
    Some(top + ((base - top) as f64 * share).round() as usize)
}

/// What of it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub distances: bool,
    pub collins: bool,
    pub light: bool,
    pub tension: bool,
}

/// Measures the side with more air.
pub fn pneumothorax(geometry: &Geometry, chest: &Chest, wanted: Wanted) -> Reading {
    let mut reading = Reading::default();
    let pixel_mm2 = chest.pixel[0] * chest.pixel[1];
    let large = |side: &&Hemithorax| side.air_pixels() as f64 * pixel_mm2 >= LEAST_MM2;
    let sides: Vec<&Hemithorax> = [&chest.right, &chest.left].into_iter().filter(large).collect();
    let Some(side) = sides.iter().max_by_key(|side| side.air_pixels()) else {
        return reading;
    };
    let both = sides.iter().map(|side| side.side).reduce(Side::with);
    reading.tell(code::LATERALITY, both.unwrap_or(side.side).code());
    if sides.len() > 1 {
        let said = side.side.code().display.to_lowercase();
        reading.limitations.push(format!(
            "air on both sides: distances are those of the {said}, which has more"
        ));
    }
    match Distances::of(side, chest.pixel) {
        Some(found) => distances(&mut reading, (geometry, side), &found, wanted),
        None => reading
            .limitations
            .push("pleural distances not determined: the lung is not seen".to_owned()),
    }
    if wanted.tension {
        tension(&mut reading, chest, side);
    }
    reading
}

fn distances(
    reading: &mut Reading,
    (geometry, side): (&Geometry, &Hemithorax),
    found: &Distances,
    wanted: Wanted,
) {
    let listed = |wanted: bool, each: Vec<Measurement>| if wanted { each } else { Vec::new() };
    reading.measurements.extend(listed(
        wanted.distances,
        vec![
            mm(code::PLEURAL_DISTANCE_APEX, found.apex),
            mm(code::PLEURAL_DISTANCE_HILUM, found.hilum),
            mm(code::PLEURAL_DISTANCE_UPPER, found.upper),
            mm(code::PLEURAL_DISTANCE_LOWER, found.lower),
        ],
    ));
    reading.measurements.extend(listed(
        wanted.collins,
        vec![percent(code::COLLINS, found.collins())],
    ));
    reading
        .measurements
        .extend(listed(wanted.light, vec![percent(code::LIGHT, found.light())]));
    if wanted.collins || wanted.light {
        reading.limitations.push(ERECT_ONLY.to_owned());
    }
    if wanted.distances {
        let large = |yes: bool| if yes { code::PRESENT } else { code::ABSENT };
        reading.tell(code::LARGE_BTS, large(found.hilum >= LARGE_BTS_MM));
        reading.tell(code::LARGE_ACCP, large(found.apex >= LARGE_ACCP_MM));
        reading.lines = lines(side)
            .into_iter()
            .filter_map(|(code, ends)| line(geometry, code, 0, ends, false))
            .collect();
    }
}

/// Ends of the distances, column and row: the apex down the middle of the lung's top, the others across.
fn lines(side: &Hemithorax) -> Vec<(Code, [[f64; 2]; 2])> {
    let mut lines = Vec::new();
    if let (Some([top, _]), Some([first, _])) = (side.lung_rows(), side.all_rows())
        && let Some(span) = side.rows[top].lung_span
        && top > first
    {
        let column = (span.first + span.last) as f64 / 2.0;
        lines.push((
            code::PLEURAL_DISTANCE_APEX,
            [[column, first as f64 - 0.5], [column, top as f64 - 0.5]],
        ));
    }
    for (code, share) in [
        (code::PLEURAL_DISTANCE_UPPER, UPPER),
        (code::PLEURAL_DISTANCE_HILUM, HILUM),
        (code::PLEURAL_DISTANCE_LOWER, LOWER),
    ] {
        let row = level(side, share).map(|r| (r, &side.rows[r]));
        if let Some((r, row)) = row
            && let Some(Span { first, last }) = row.air_span
        {
            // The outermost pixels of air, as many as there are.
            let ends = match side.on_the_left {
                true => [first as f64 - 0.5, first as f64 - 0.5 + row.air as f64],
                false => [last as f64 + 0.5, last as f64 + 0.5 - row.air as f64],
            };
            lines.push((code, ends.map(|column| [column, r as f64])));
        }
    }
    lines
}

fn tension(reading: &mut Reading, chest: &Chest, side: &Hemithorax) {
    match shift_away(chest, side.side) {
        Some(shift) => {
            reading.measurements.push(mm(code::MEDIASTINAL_SHIFT, shift));
            if shift >= SHIFT_MM {
                reading.tell(code::TENSION_SIGN, code::MEDIASTINAL_SHIFT);
            }
        }
        None => reading
            .limitations
            .push("mediastinal shift not determined: both lungs are not seen at one height".to_owned()),
    }
    match drop(chest, side.side) {
        Some(drop) => {
            reading.measurements.push(mm(code::DIAPHRAGM_DROP, drop));
            if drop >= DROP_MM {
                reading.tell(code::TENSION_SIGN, code::DEPRESSED_DIAPHRAGM);
            }
        }
        None => reading
            .limitations
            .push("height of the hemidiaphragms not determined".to_owned()),
    }
}

/// How far the middle between the lungs lies from where it usually is, away from the side with air; mm. Negative toward it.
fn shift_away(chest: &Chest, from: Side) -> Option<f64> {
    let [top, base] = chest.side(from).all_rows()?;
    let row = |share: f64| top + ((base - top) as f64 * share) as usize;
    let off = |r: usize| {
        let (right, left) = (chest.right.rows[r].span()?, chest.left.rows[r].span()?);
        let (a, b, leftward) = match chest.right.on_the_left {
            true => (right, left, 1.0),
            false => (left, right, -1.0),
        };
        let between = (a.last + b.first) as f64 / 2.0;
        let chest = (a.first + b.last) as f64 / 2.0;
        Some((between - chest) * leftward)
    };
    let mut offs: Vec<f64> = (row(MEDIASTINUM.0)..=row(MEDIASTINUM.1))
        .filter_map(off)
        .collect();
    offs.sort_by(f64::total_cmp);
    let leftward = offs.get(offs.len() / 2)? * chest.pixel[1] - USUAL_LEFT_MM;
    Some(if from == Side::Right { leftward } else { -leftward })
}

/// How far the hemidiaphragm of a side lies below where the other one lets it be expected, mm.
fn drop(chest: &Chest, from: Side) -> Option<f64> {
    let (right, left) = (chest.right.diaphragm()?, chest.left.diaphragm()?);
    let lower = (right as f64 - left as f64) * chest.pixel[0] + RIGHT_HIGHER_MM;
    Some(if from == Side::Right { lower } else { -lower })
}

#[cfg(test)]
mod tests {
    use super::super::chest::tests::chest;
    use super::*;

    const ALL: Wanted = Wanted {
        distances: true,
        collins: true,
        light: true,
        tension: true,
    };

    fn distances(apex: f64, upper: f64, lower: f64, lung: f64, hemithorax: f64) -> Distances {
        Distances {
            apex,
            hilum: 0.0,
            upper,
            lower,
            lung,
            hemithorax,
        }
    }

    #[test]
    fn the_formulas_give_what_their_papers_say() {
        // A + B + C = 4.5 cm; L 8 cm, H 10 cm.
        let d = distances(20.0, 15.0, 10.0, 80.0, 100.0);
        assert!((d.collins() - 25.35).abs() < 1e-9, "{}", d.collins());
        assert!((d.light() - 48.8).abs() < 1e-9, "{}", d.light());
    }

    #[test]
    fn distances_are_those_of_the_masks_and_the_lines_are_as_long() {
        let (g, lung, air) = chest(25, 40);
        let chest = Chest::find(&g, &lung, Some(&air)).expect("a chest");
        let reading = pneumothorax(&g, &chest, ALL);
        for (code, expected) in [
            (code::PLEURAL_DISTANCE_APEX, 40.0),
            (code::PLEURAL_DISTANCE_HILUM, 25.0),
            (code::PLEURAL_DISTANCE_UPPER, 25.0),
            (code::PLEURAL_DISTANCE_LOWER, 25.0),
        ] {
            assert_eq!(reading.number(&code), Some(expected), "{code:?}");
            let drawn = reading
                .lines
                .iter()
                .find(|line| line.code.is(&code))
                .expect("a line");
            let long = (drawn.from_px[0] - drawn.to_px[0]).hypot(drawn.from_px[1] - drawn.to_px[1]);
            assert!((long - expected).abs() < 1e-9, "{code:?}: {long}");
        }
        let told = |code: &Code| {
            reading
                .evaluations
                .iter()
                .find(|e| e.code.is(code))
                .map(|e| e.value.clone())
        };
        assert_eq!(told(&code::LATERALITY), Some(code::LEFT));
        assert_eq!(told(&code::LARGE_BTS), Some(code::PRESENT));
        assert_eq!(told(&code::LARGE_ACCP), Some(code::PRESENT));
        assert!(told(&code::TENSION_SIGN).is_none());
        assert!(reading.limitations.iter().any(|l| l == ERECT_ONLY));
    }

    #[test]
    fn without_air_nothing_is_said() {
        let (g, lung, _) = chest(0, 0);
        let chest = Chest::find(&g, &lung, None).expect("a chest");
        assert_eq!(pneumothorax(&g, &chest, ALL), Reading::default());
    }
}
