//! Volumes of a hemorrhage by place, and what of the ICH score (Hemphill 2001) the images give: volume of 30 mL or more, blood in a
//! ventricle, origin below the tentorium, one point each. Consciousness and age, which give the other points, are not in them.

use super::reading::{ml, points};
use crate::code::{self, Code};
use crate::finding::{Lesion, Measurement};

/// From this intraparenchymal volume on the score has a point, mL.
const LARGE_ML: f64 = 30.0;

/// Nothing when no lesion has a place: then nothing is known, which is not none.
pub fn by_place(lesions: &[Lesion]) -> Vec<Measurement> {
    let volume = |places: &[Code]| {
        let there = lesions
            .iter()
            .filter(|lesion| places.iter().any(|place| lesion.location.is(place)));
        let volumes = there.flat_map(|l| l.measurements.iter().filter(|m| m.code.is(&code::VOLUME)));
        volumes.fold(0.0, |sum, m| sum + m.value)
    };
    let below = volume(&[code::INFRATENTORIAL]);
    let parenchymal = volume(&[code::DEEP, code::LOBAR]) + below;
    let ventricular = volume(&[code::BRAIN_VENTRICLE]);
    let extra_axial = volume(&[code::EXTRA_AXIAL]);
    let mut found = Vec::new();
    for (code, ml_found) in [
        (code::INTRAPARENCHYMAL_VOLUME, parenchymal),
        (code::INTRAVENTRICULAR_VOLUME, ventricular),
        (code::EXTRA_AXIAL_VOLUME, extra_axial),
    ] {
        if ml_found > 0.0 {
            found.push(ml(code, ml_found));
        }
    }
    if parenchymal > 0.0 {
        let given = [parenchymal >= LARGE_ML, ventricular > 0.0, below > 0.0];
        found.push(points(
            code::ICH_SCORE_IMAGE,
            given.into_iter().filter(|yes| *yes).count() as f64,
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesion(location: Code, volume: f64) -> Lesion {
        Lesion {
            number: 1,
            location,
            laterality: None,
            measurements: vec![ml(code::VOLUME, volume)],
            key_instance: None,
            centre_mm: None,
        }
    }

    #[test]
    fn volumes_are_summed_by_place_and_the_points_are_those_of_the_images() {
        let told = |lesions: &[Lesion]| {
            let found = by_place(lesions);
            let each = found.iter().map(|m| (m.code.code.to_string(), m.value));
            each.collect::<Vec<_>>()
        };
        let (deep, ventricle) = (lesion(code::DEEP, 31.0), lesion(code::BRAIN_VENTRICLE, 4.0));
        assert_eq!(
            told(&[deep.clone(), ventricle]),
            [
                ("IPHVOL".to_owned(), 31.0),
                ("IVHVOL".to_owned(), 4.0),
                ("ICHSCOREIMAGE".to_owned(), 2.0)
            ]
        );
        let below = told(&[lesion(code::INFRATENTORIAL, 12.0)]);
        assert_eq!(
            below,
            [("IPHVOL".to_owned(), 12.0), ("ICHSCOREIMAGE".to_owned(), 1.0)]
        );
        // Extra-axial blood has no ICH score.
        assert_eq!(
            told(&[lesion(code::EXTRA_AXIAL, 50.0)]),
            [("EXTRAAXIALVOL".to_owned(), 50.0)]
        );
        assert!(told(&[lesion(code::BRAIN, 50.0)]).is_empty());
        assert_eq!(told(&[deep])[1], ("ICHSCOREIMAGE".to_owned(), 1.0));
    }
}
