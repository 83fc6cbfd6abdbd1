//! A pulmonary nodule on a frontal radiograph: its axes, what volume a sphere of its mean diameter has, and in which zone of
//! which lung it lies. Lengths are those in the image.

use super::chest::Chest;
use super::components::{Component, Run};
use super::reading::{cubic_mm, mm};
use super::shape::axes;
use super::side::Side;
use crate::code::{self, Code};
use crate::finding::Measurement;
use crate::volume::Geometry;

/// A third of the lung's height, from its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    Upper,
    Middle,
    Lower,
}

impl Zone {
    pub fn code(self) -> Code {
        match self {
            Self::Upper => code::UPPER_LUNG_ZONE,
            Self::Middle => code::MIDDLE_LUNG_ZONE,
            Self::Lower => code::LOWER_LUNG_ZONE,
        }
    }
}

/// Long axis, short axis across it, and their mean; mm.
pub fn diameters(geometry: &Geometry, nodule: &Component) -> Vec<Measurement> {
    let found = axes(geometry, nodule);
    vec![
        mm(code::LONG_AXIS, found.length),
        mm(code::SHORT_AXIS, found.width),
        mm(code::MEAN_DIAMETER, (found.length + found.width) / 2.0),
    ]
}

/// Of a sphere of the mean diameter, mm³: the quantity of which doubling times speak.
pub fn volume(geometry: &Geometry, nodule: &Component) -> Measurement {
    let found = axes(geometry, nodule);
    let mean = (found.length + found.width) / 2.0;
    cubic_mm(code::VOLUME_SPHERE, std::f64::consts::PI / 6.0 * mean.powi(3))
}

/// Side and zone of the nodule's middle.
pub fn zone(chest: &Chest, nodule: &Component) -> Option<(Side, Zone)> {
    let pixels: usize = nodule.runs.iter().map(Run::voxels).sum();
    let mean = |of: fn(&Run) -> f64| {
        nodule
            .runs
            .iter()
            .map(|run| of(run) * run.voxels() as f64)
            .sum::<f64>()
            / pixels.max(1) as f64
    };
    let row = mean(|run| f64::from(run.row));
    let column = mean(|run| f64::from(run.first + run.last) / 2.0);
    let side = chest.at(row as usize, column as usize)?;
    let [top, base] = side.all_rows()?;
    let zone = match (row - top as f64) / (base - top).max(1) as f64 {
        share if share < 1.0 / 3.0 => Zone::Upper,
        share if share < 2.0 / 3.0 => Zone::Middle,
        _ => Zone::Lower,
    };
    Some((side.side, zone))
}

#[cfg(test)]
mod tests {
    use super::super::chest::tests::chest;
    use super::super::components::components;
    use super::super::testing::{geometry, mask_where};
    use super::*;

    fn disc(row: f64, column: f64, half: [f64; 2]) -> Component {
        let g = geometry(1, 400, 300, 1.0, 1.0);
        let mask = mask_where(&g, |_, r, c| {
            ((r as f64 - row) / half[0]).powi(2) + ((c as f64 - column) / half[1]).powi(2) <= 1.0
        });
        components(&g, &mask).expect("measurable").remove(0)
    }

    #[test]
    fn an_ellipse_has_its_axes_and_the_sphere_of_their_mean() {
        let g = geometry(1, 400, 300, 0.5, 1.0);
        let nodule = disc(100.0, 60.0, [24.0, 18.0]);
        let found: Vec<f64> = diameters(&g, &nodule).iter().map(|m| m.value).collect();
        for (value, expected) in found.iter().zip([24.0, 18.0, 21.0]) {
            assert!((value - expected).abs() < 0.6, "{found:?}");
        }
        let volume = volume(&g, &nodule).value;
        assert!(
            (volume / (std::f64::consts::PI / 6.0 * 21.0_f64.powi(3)) - 1.0).abs() < 0.08,
            "{volume}"
        );
    }

    #[test]
    fn thirds_of_the_lung_are_its_zones_and_sides_are_the_patients() {
        let (g, lung, _) = chest(0, 0);
        let chest = Chest::find(&g, &lung, None).expect("a chest");
        for (row, column, expected) in [
            (80.0, 60.0, (Side::Right, Zone::Upper)),
            (200.0, 220.0, (Side::Left, Zone::Middle)),
            (320.0, 100.0, (Side::Right, Zone::Lower)),
        ] {
            assert_eq!(zone(&chest, &disc(row, column, [6.0, 6.0])), Some(expected));
        }
    }
}
