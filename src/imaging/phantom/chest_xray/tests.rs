//! Facts about whole chest phantoms.

use super::*;

fn made(spec: ChestXraySpec) -> ChestXray {
    chest_xray(&ChestXraySpec { matrix: 384, ..spec })
}

fn bare(seed: u64) -> ChestXraySpec {
    ChestXraySpec {
        distractors: Some(Vec::new()),
        view: Some(View::Pa),
        ..ChestXraySpec::new(seed)
    }
}

fn with_air(seed: u64, side: ChestSide, apex_cm: f64) -> ChestXraySpec {
    ChestXraySpec {
        pneumothorax: Some(PneumothoraxSpec {
            side: Some(side),
            mid_upper_cm: Some(apex_cm * 0.6),
            mid_lower_cm: Some(apex_cm * 0.4),
            ..PneumothoraxSpec::new(apex_cm)
        }),
        ..bare(seed)
    }
}

fn count(image: &ChestXray, bit: u8) -> usize {
    image.mask.iter().filter(|v| **v & bit != 0).count()
}

/// Mean column of what carries a bit, as a share of the width.
fn column(image: &ChestXray, bit: u8) -> f64 {
    let marked = (0..image.mask.len()).filter(|i| image.mask[*i] & bit != 0);
    let sum: usize = marked.map(|i| i % image.columns).sum();
    sum as f64 / count(image, bit) as f64 / image.columns as f64
}

fn mean_where(image: &ChestXray, wanted: impl Fn(u8) -> bool) -> f64 {
    let shown = image.shown();
    let values: Vec<f64> = (0..shown.len())
        .filter(|i| wanted(image.mask[*i]))
        .map(|i| f64::from(shown[i]))
        .collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn the_seed_decides_every_pixel_whatever_the_number_of_threads() {
    let spec = ChestXraySpec::mixed(9);
    let one = made(ChestXraySpec {
        threads: 1,
        ..spec.clone()
    });
    assert_eq!(
        one,
        made(ChestXraySpec {
            threads: 3,
            ..spec.clone()
        })
    );
    assert_ne!(one.pixels, made(ChestXraySpec { seed: 10, ..spec }).pixels);
}

#[test]
fn a_healthy_chest_has_two_dark_lungs_and_nothing_to_find() {
    for seed in 1..5 {
        let image = made(bare(seed));
        assert!(!image.truth.finding_present);
        assert_eq!(count(&image, PLEURAL_AIR | NODULE), 0);
        let share = count(&image, LUNG_FIELD) as f64 / image.mask.len() as f64;
        assert!((0.15..0.5).contains(&share), "lungs are {share} of the image");
        let (lung, rest) = (
            mean_where(&image, |m| m == LUNG_FIELD),
            mean_where(&image, |m| m == 0),
        );
        assert!(lung < rest, "{lung} {rest}");
    }
}

#[test]
fn distances_measured_on_the_mask_are_those_asked_for() {
    for (seed, apex) in [(1, 1.0), (2, 2.5), (3, 5.0)] {
        for side in ChestSide::BOTH {
            let image = made(with_air(seed, side, apex));
            let truth = image.truth.pneumothorax.expect("a pneumothorax");
            let near = |measured: f64, asked: f64| {
                assert!(
                    (measured - asked).abs() < 0.25 + 0.08 * asked,
                    "{measured} for {asked}: {truth:?}"
                );
            };
            near(truth.apex_cm, apex);
            near(truth.mid_upper_cm, apex * 0.6);
            near(truth.mid_lower_cm, apex * 0.4);
            let sum = truth.apex_cm + truth.mid_upper_cm + truth.mid_lower_cm;
            assert!((truth.collins_percent - (4.2 + 4.7 * sum)).abs() < 1e-9);
            assert!((0.0..100.0).contains(&truth.light_percent));
            let pixel = image.truth.pixel_spacing_mm[0].powi(2) / 100.0;
            assert!((truth.area_cm2 - count(&image, PLEURAL_AIR) as f64 * pixel).abs() < 1e-3);
        }
    }
}

#[test]
fn the_patients_right_lies_on_the_left_of_the_image() {
    for view in [View::Pa, View::Ap, View::PortableAp] {
        let at = |side| {
            let spec = ChestXraySpec {
                view: Some(view),
                ..with_air(4, side, 3.0)
            };
            column(&made(spec), PLEURAL_AIR)
        };
        assert!(at(ChestSide::Right) < 0.45 && at(ChestSide::Left) > 0.55);
    }
}

#[test]
fn pleural_air_is_darker_than_the_lung_it_left() {
    let image = made(with_air(5, ChestSide::Right, 4.0));
    let healthy = made(bare(5));
    let air = mean_where(&image, |m| m == PLEURAL_AIR);
    let shown = healthy.shown();
    let same: Vec<f64> = (0..shown.len())
        .filter(|i| image.mask[*i] == PLEURAL_AIR)
        .map(|i| f64::from(shown[i]))
        .collect();
    let before = same.iter().sum::<f64>() / same.len() as f64;
    assert!(air < before, "{air} {before}");
}

#[test]
fn tension_pushes_the_mediastinum_to_the_other_side() {
    let tense = |tension| {
        let mut spec = with_air(6, ChestSide::Left, 5.0);
        spec.pneumothorax.as_mut().expect("asked for").tension = tension;
        made(spec)
    };
    let (with, without) = (tense(true), tense(false));
    let truth = with.truth.pneumothorax.expect("a pneumothorax");
    assert!(truth.tension && truth.mediastinal_shift_mm > 10.0);
    let right_lung = |image: &ChestXray| {
        (0..image.mask.len())
            .filter(|i| image.mask[*i] == LUNG_FIELD && i % image.columns < image.columns / 2)
            .count()
    };
    assert!(right_lung(&with) < right_lung(&without));
}

#[test]
fn a_nodule_has_the_diameter_asked_for_and_stays_where_it_was() {
    let made_of = |seed, mm| {
        let spec = ChestXraySpec {
            patient_seed: Some(77),
            nodule: Some(NoduleSpec {
                side: Some(ChestSide::Left),
                zone: Some(Zone::Middle),
                ..NoduleSpec::new(mm)
            }),
            ..bare(seed)
        };
        let image = made(spec);
        let truth = image.truth.nodule.expect("a nodule");
        assert!(
            (truth.diameter_mm - mm).abs() < 0.08 * mm + 1.5,
            "{} for {mm}",
            truth.diameter_mm
        );
        let [row, column] = truth.centre_pixel.map(|v| v.round() as usize);
        assert!(image.mask[row * image.columns + column] & NODULE != 0);
        assert!(column > image.columns / 2);
        (truth, image.truth.pixel_spacing_mm[0])
    };
    let ((before, spacing), (now, _)) = (made_of(1, 18.0), made_of(2, 23.0));
    let moved = (before.centre_pixel[0] - now.centre_pixel[0])
        .hypot(before.centre_pixel[1] - now.centre_pixel[1])
        * spacing;
    assert!(moved < 45.0, "{moved} mm");
    assert_eq!((before.side, before.zone), (now.side, now.zone));
}

#[test]
fn monochrome1_is_the_inverse_of_monochrome2_and_shows_the_same() {
    let made_as = |photometric| {
        made(ChestXraySpec {
            photometric: Some(photometric),
            ..ChestXraySpec::mixed(8)
        })
    };
    let (one, two) = (
        made_as(Photometric::Monochrome1),
        made_as(Photometric::Monochrome2),
    );
    let most = two.header.largest();
    assert!(one.pixels.iter().zip(&two.pixels).all(|(a, b)| a + b == most));
    assert_eq!(one.shown(), two.shown());
}

#[test]
fn every_distractor_can_be_drawn_and_leaves_no_finding() {
    let plain = made(bare(3));
    for distractor in Distractor::ALL {
        let image = made(ChestXraySpec {
            distractors: Some(vec![distractor]),
            ..bare(3)
        });
        assert_ne!(image.pixels, plain.pixels, "{distractor:?}");
        assert!(!image.truth.finding_present);
        assert_eq!(image.truth.distractors, [distractor]);
    }
}

#[test]
fn a_mixed_worklist_holds_every_kind_of_case() {
    let specs: Vec<ChestXraySpec> = (0..200).map(ChestXraySpec::mixed).collect();
    let share = |wanted: &dyn Fn(&ChestXraySpec) -> bool| specs.iter().filter(|s| wanted(s)).count();
    assert!((50..120).contains(&share(&|s| s.pneumothorax.is_none() && s.nodule.is_none())));
    assert!(share(&|s| s.pneumothorax.is_some()) > 40 && share(&|s| s.nodule.is_some()) > 40);
    assert!(share(&|s| s.pneumothorax.as_ref().is_some_and(|p| p.apex_cm < 0.9)) > 5);
}
