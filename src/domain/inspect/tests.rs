//! What is seen of plain bodies, and which of their faults are told.

use super::*;
use crate::admit::QualityCode;
use crate::ids::Uid;
use crate::volume::{Geometry, Volume};

const SIZE: usize = 128;
const MM: f64 = 2.0;

/// HU at a place in mm from the middle of slice `k`.
fn volume(slices: usize, hu: impl Fn(usize, f64, f64) -> i16) -> Volume {
    let middle = (SIZE as f64 - 1.0) / 2.0;
    let mm = |at: usize| (at as f64 - middle) * MM;
    let voxels = (0..slices * SIZE * SIZE).map(|i| {
        let (k, row, column) = (i / SIZE / SIZE, i / SIZE % SIZE, i % SIZE);
        hu(k, mm(column), mm(row))
    });
    Volume {
        voxels: voxels.collect(),
        geometry: Geometry {
            slices,
            rows: SIZE,
            columns: SIZE,
            pixel_spacing: [MM, MM],
            offsets: (0..slices).map(|k| k as f64 * 5.0).collect(),
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            origins: (0..slices).map(|k| [0.0, 0.0, k as f64 * 5.0]).collect(),
            instance_uids: (0..slices)
                .map(|k| Uid::parse(&format!("1.2.{k}")).expect("a UID"))
                .collect(),
        },
    }
}

/// Noise without a generator, nearly normal, with this deviation: four even numbers added (each has a variance of 1/12).
fn grain(k: usize, x: f64, y: f64, hu: f64) -> i16 {
    let even = |n: f64| {
        let mixed = ((k as f64 + 31.0 * n) * 12.9898 + x * 78.233 + y * 37.719).sin() * 43_758.547;
        mixed - mixed.floor()
    };
    let sum = even(1.0) + even(2.0) + even(3.0) + even(4.0) - 2.0;
    (sum * 3.0_f64.sqrt() * hu).round() as i16
}

/// A bony shell with brain that shrinks toward the top, moved by `aside` mm.
fn head(k: usize, x: f64, y: f64, aside: f64) -> i16 {
    let size = 1.0 - k as f64 * 0.01;
    let r = ((x - aside) / (75.0 * size)).hypot(y / (90.0 * size));
    match r {
        _ if r < 0.9 => 35 + grain(k, x, y, 2.0),
        _ if r < 1.0 => 900,
        _ => -1000,
    }
}

/// Soft tissue, two lungs, a bright heart, a spine behind.
fn chest(k: usize, x: f64, y: f64, heart: i16) -> i16 {
    let within = |cx: f64, cy: f64, a: f64, b: f64| ((x - cx) / a).hypot((y - cy) / b) < 1.0;
    match () {
        () if within(0.0, 60.0, 16.0, 16.0) => 400,
        () if within(8.0, -20.0, 30.0, 28.0) => heart + grain(k, x, y, 5.0),
        () if within(-62.0, 0.0, 38.0, 60.0) || within(62.0, 0.0, 38.0, 60.0) => -850 + grain(k, x, y, 10.0),
        () if within(0.0, 0.0, 122.0, 92.0) => 40 + grain(k, x, y, 5.0),
        () => -1000,
    }
}

fn seen(of: &Volume) -> CtSeen {
    CtSeen::of(of, 2)
}

#[test]
fn a_head_and_a_chest_are_told_from_each_other_and_from_a_bottle() {
    let shown = |of: Volume| seen(&of).shown;
    assert_eq!(shown(volume(20, |k, x, y| head(k, x, y, 0.0))), Shown::Head);
    assert_eq!(shown(volume(20, |k, x, y| chest(k, x, y, 40))), Shown::Chest);
    let bottle = |_, x: f64, y: f64| if x.hypot(y) < 80.0 { 0 } else { -1000 };
    assert_eq!(shown(volume(20, bottle)), Shown::Other);
    assert_eq!(shown(volume(0, bottle)), Shown::Other);
}

#[test]
fn contrast_agent_is_seen_where_vessels_lie_and_not_in_bone() {
    let plain = seen(&volume(20, |k, x, y| chest(k, x, y, 40)));
    assert_eq!((plain.enhanced_ml, plain.enhanced_hu), (0.0, None));
    let bright = seen(&volume(20, |k, x, y| chest(k, x, y, 320)));
    // The ellipse of the heart in 20 slices of 5 mm.
    let truth = std::f64::consts::PI * 30.0 * 28.0 * 100.0 / 1000.0;
    assert!(
        (bright.enhanced_ml / truth - 1.0).abs() < 0.1,
        "{} mL",
        bright.enhanced_ml
    );
    let hu = bright.enhanced_hu.expect("a median");
    assert!((hu - 320.0).abs() < 5.0, "{hu} HU");
    let artery = |k, x: f64, y: f64| {
        if (x - 20.0).hypot(y) < 4.0 {
            300
        } else {
            head(k, x, y, 0.0)
        }
    };
    assert_eq!(seen(&volume(20, |k, x, y| head(k, x, y, 0.0))).enhanced_ml, 0.0);
    assert!(seen(&volume(20, artery)).enhanced_ml > 3.0);
}

/// The chest of above below the fork of a windpipe: the trunk left and in front of it, the aorta on the right.
fn mediastinum(k: usize, x: f64, y: f64, [trunk, aorta]: [i16; 2]) -> i16 {
    let within = |cx: f64, cy: f64, r: f64| (x - cx).hypot(y - cy) < r;
    match () {
        () if k >= 10 && within(0.0, 20.0, 9.0) => -985,
        () if k < 10 && (within(-16.0, 20.0, 7.0) || within(16.0, 20.0, 7.0)) => -985,
        () if within(22.0, -18.0, 15.0) => trunk + grain(k, x, y, 5.0),
        () if within(-14.0, -18.0, 16.0) => aorta + grain(k, x, y, 5.0),
        () => chest(k, x, y, 45),
    }
}

#[test]
fn the_density_of_the_pulmonary_trunk_is_read_beside_an_aorta_of_another() {
    for [trunk, aorta] in [[340, 300], [150, 350], [45, 45], [400, 120]] {
        let of = seen(&volume(20, |k, x, y| mediastinum(k, x, y, [trunk, aorta])));
        let hu = of.trunk_hu.expect("a trunk");
        assert!((hu - f64::from(trunk)).abs() < 8.0, "{hu} HU, built {trunk}");
    }
    assert_eq!(seen(&volume(20, |k, x, y| chest(k, x, y, 320))).trunk_hu, None);
}

#[test]
fn noise_is_the_deviation_of_a_voxel() {
    let disc = |k, x: f64, y: f64| {
        if x.hypot(y) < 100.0 {
            40 + grain(k, x, y, 7.0)
        } else {
            -1000
        }
    };
    let noise = seen(&volume(6, disc)).noise_hu.expect("soft tissue");
    assert!((noise - 7.0).abs() < 0.5, "{noise} HU");
    assert_eq!(seen(&volume(6, |_, _, _| -1000)).noise_hu, None);
}

#[test]
fn faults_of_a_series_are_measured() {
    let good = seen(&volume(20, |k, x, y| head(k, x, y, 0.0)));
    assert_eq!(
        (good.metal_ml, good.repeated, good.out_of_order, good.cut_off),
        (0.0, 0, 0.0, 0.0)
    );
    assert!(good.jump_mm < 0.5, "{} mm", good.jump_mm);

    let moved = seen(&volume(20, |k, x, y| {
        head(k, x, y, if k == 10 { 6.0 } else { 0.0 })
    }));
    assert!((moved.jump_mm - 6.0).abs() < 1.0, "{} mm", moved.jump_mm);

    let twice = seen(&volume(20, |k, x, y| {
        head(if k == 10 { 9 } else { k }, x, y, 0.0)
    }));
    assert_eq!(twice.repeated, 1);

    // Every second pair changed places.
    let swapped = |k: usize| [0, 2, 1, 3][k % 4] + k / 4 * 4;
    let mixed = seen(&volume(20, |k, x, y| head(3 * swapped(k), x, y, 0.0)));
    assert!(mixed.out_of_order > 0.2, "{}", mixed.out_of_order);

    let clip = |k, x: f64, y: f64| {
        if k == 3 && x.hypot(y) < 3.2 {
            3071
        } else {
            head(k, x, y, 0.0)
        }
    };
    let metal = seen(&volume(20, clip)).metal_ml;
    assert!((0.1..0.3).contains(&metal), "{metal} mL");

    let near_edge = seen(&volume(20, |k, x, y| head(k, x, y, 75.0)));
    assert!(near_edge.cut_off > 0.1, "{}", near_edge.cut_off);
}

#[test]
fn each_limit_has_its_code_and_number() {
    let limits = PixelLimits {
        shows: Some(Shown::Head),
        contrast: Some(ContrastLimit::None { ml: 3.0 }),
        noise_hu: Some(20.0),
        metal_ml: Some(2.0),
        cut_off: Some(0.2),
        repeated_slices: Some(0),
        jump_mm: Some(4.0),
        out_of_order: Some(0.1),
        radiograph: None,
    };
    let good = CtSeen {
        shown: Shown::Head,
        noise_hu: Some(5.0),
        metal_ml: 0.0,
        cut_off: 0.0,
        repeated: 0,
        jump_mm: 1.0,
        out_of_order: 0.0,
        enhanced_ml: 0.5,
        enhanced_hu: None,
        trunk_hu: None,
    };
    assert!(limits.bad().is_empty() && limits.breaches(&good).is_empty());
    type Change = fn(&mut CtSeen);
    let table: [(Change, QualityCode, &str); 8] = [
        (
            |s| s.shown = Shown::Chest,
            QualityCode::BodyPart,
            "the images show chest, expected the head",
        ),
        (
            |s| s.enhanced_ml = 12.0,
            QualityCode::ContrastPhase,
            "12.0 mL of blood hold contrast agent, at most 3 mL may",
        ),
        (
            |s| s.noise_hu = Some(31.4),
            QualityCode::Noise,
            "noise 31.4 HU, at most 20 HU",
        ),
        (
            |s| s.metal_ml = 4.0,
            QualityCode::Metal,
            "metal 4.0 mL, at most 2 mL",
        ),
        (
            |s| s.cut_off = 0.5,
            QualityCode::Truncated,
            "the body crosses 50 % of the border of a slice, at most 20 %",
        ),
        (
            |s| s.repeated = 2,
            QualityCode::RepeatedSlices,
            "2 slices repeat the one before, at most 0 may",
        ),
        (
            |s| s.jump_mm = 9.0,
            QualityCode::Motion,
            "the body jumps 9.0 mm from one slice to the next, at most 4 mm",
        ),
        (
            |s| s.out_of_order = 0.4,
            QualityCode::SliceOrder,
            "40 % of the slices do not follow their neighbours, at most 10 %",
        ),
    ];
    for (change, code, text) in table {
        let mut seen = good.clone();
        change(&mut seen);
        let found = limits.breaches(&seen);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!((found[0].code, found[0].text.as_str()), (code, text));
    }
    let vessels = PixelLimits {
        contrast: Some(ContrastLimit::Present {
            ml: 20.0,
            hu: [180.0, 700.0],
        }),
        ..PixelLimits::default()
    };
    let of = |ml, hu| {
        vessels.breaches(&CtSeen {
            enhanced_ml: ml,
            enhanced_hu: hu,
            ..good.clone()
        })
    };
    assert_eq!(
        of(5.0, Some(300.0))[0].text,
        "5.0 mL of blood hold contrast agent, at least 20 mL are needed"
    );
    assert_eq!(
        of(90.0, Some(150.0))[0].text,
        "vessels at 150 HU, expected 180 to 700 HU"
    );
    assert!(of(90.0, Some(300.0)).is_empty());
    let late = CtSeen {
        enhanced_ml: 90.0,
        enhanced_hu: Some(300.0),
        trunk_hu: Some(120.0),
        ..good.clone()
    };
    assert_eq!(
        vessels.breaches(&late)[0].text,
        "the pulmonary trunk at 120 HU, expected 180 to 700 HU"
    );
    assert_eq!(
        PixelLimits {
            jump_mm: Some(-1.0),
            ..PixelLimits::default()
        }
        .bad(),
        ["jump_mm"]
    );
}

/// A plain frontal chest: lungs darker than the rest, in 8 bits.
fn radiograph(invert: bool) -> Vec<i16> {
    let value = |i: usize| {
        let (x, y) = (
            (i % SIZE) as f64 / SIZE as f64 - 0.5,
            (i / SIZE) as f64 / SIZE as f64 - 0.5,
        );
        let lung = ((x.abs() - 0.23) / 0.14).hypot(y / 0.32) < 1.0;
        let v = (if lung { 60.0 } else { 160.0 }) + 40.0 * (0.5 - x.abs());
        if invert { 255 - v as i16 } else { v as i16 }
    };
    (0..SIZE * SIZE).map(value).collect()
}

#[test]
fn a_radiograph_that_is_inverted_or_no_frontal_chest_is_told() {
    let of = |values: &[i16]| XraySeen::of(SIZE, SIZE, values);
    let upright = of(&radiograph(false));
    assert!(upright.frontal && !upright.inverted, "{upright:?}");
    let inverted = of(&radiograph(true));
    assert!(inverted.frontal && inverted.inverted, "{inverted:?}");
    let limits = RadiographLimits {
        frontal: true,
        saturated: Some(0.05),
        depth_bits: Some(4.0),
    };
    assert_eq!(limits.breaches(&upright), []);
    let codes = |seen: &XraySeen| -> Vec<QualityCode> {
        limits
            .breaches(seen)
            .into_iter()
            .map(|reason| reason.code)
            .collect()
    };
    assert_eq!(codes(&inverted), [QualityCode::Inverted]);
    let white = of(&vec![4; SIZE * SIZE]);
    assert_eq!(
        codes(&white),
        [QualityCode::View, QualityCode::Exposure, QualityCode::Exposure]
    );
    let slope: Vec<i16> = (0..SIZE * SIZE).map(|i| (i % SIZE) as i16).collect();
    let slope = of(&slope);
    assert!(!slope.frontal && !slope.inverted, "{slope:?}");
    assert!(
        (slope.depth_bits - 7.0).abs() < 1e-9 && slope.saturated > 0.01,
        "{slope:?}"
    );
}
