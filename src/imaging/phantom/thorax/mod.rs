//! Synthetic CT pulmonary angiogram with or without embolism; the mask has a bit each for clot, ventricles and arteries.

mod airways;
mod arteries;
mod bones;
mod clot;
mod confounder;
mod contrast;
mod frame;
mod free;
mod great;
mod grid;
mod heart;
mod marks;
mod model;
mod spec;
mod tree;
mod truth;
mod veins;
mod wall;

use super::ct::{Artefacts, Body, Ct, Made, Pose, Scanner, Support, Sway, Texture, geometry};
use super::dice::Dice;
use super::identity::series_uid;
use super::shape::V3;
use super::study::Study;
use model::Thorax;
use spec::Plan;

pub use confounder::Distractor;
pub use marks::{ARTERIES, CLOT, LEFT_VENTRICLE, RIGHT_VENTRICLE};
pub use spec::{CtpaSpec, Distractors, Level, PeFinding};
pub use truth::CtpaTruth;

pub type Ctpa = Ct<CtpaTruth>;

/// The study of a CT pulmonary angiogram.
pub const CTPA: Study = Study {
    kind: "ctpa",
    patient_name: "THORAX",
    patient_code: "PHANTOMT",
    accession_code: "PT",
    body_part: "CHEST",
    study_description: "CT ANGIO CHEST PULMONARY",
    series_description: "PE AXIAL",
    protocol: "PULMONARY EMBOLISM",
    model_name: "Synthetic CTPA",
    contrast_agent: Some("IOHEXOL 350"),
    image_type: &["ORIGINAL", "PRIMARY", "AXIAL"],
    kvp: "100",
    window: [100, 700],
};

/// How differently people lie.
const SWAY: Sway = Sway {
    yaw: 1.5,
    pitch: 2.0,
    roll: 1.5,
    across: 6.0,
    height: 6.0,
};

impl Body for Thorax {
    fn at(&self, p: V3) -> (f32, f32) {
        self.grid.at(p)
    }
}

/// Makes a phantom. Pure: the specification decides every voxel.
pub fn ctpa(spec: &CtpaSpec) -> Ctpa {
    let plan = Plan::draw(spec);
    let thorax = Thorax::build(spec, &plan);
    let mut dice = Dice::new(spec.seed, 30);
    let pose = Pose::draw(&mut dice, &SWAY);
    let scanner = Scanner {
        body: &thorax,
        pose: &pose,
        plan: &plan.scan,
        texture: &Texture::draw(&mut dice, plan.scan.kernel, plan.scan.pixel_mm),
        artefacts: &table(&mut dice),
        seed: spec.seed,
    };
    let grid = geometry(&plan.scan, &series_uid(&CTPA, spec.seed), plan.bottom_mm);
    let (volume, mut mask) = scanner.scan(grid, spec.threads);
    marks::add(&thorax, &pose, &volume.geometry, &mut mask, spec.threads);
    let made = Made::new(&CTPA, spec.seed, &plan.scan, &volume.geometry);
    let truth = truth::tell(made, &thorax, &pose, (&volume, &mask));
    Ct {
        study: CTPA,
        seed: spec.seed,
        plan: plan.scan,
        volume,
        mask,
        truth,
    }
}

/// The table's shell under the back; streaks are part of the body, for they follow the vein's course.
fn table(dice: &mut Dice) -> Artefacts {
    let radius = dice.between(480.0, 560.0);
    Artefacts {
        streaks: None,
        rays: None,
        support: Some(Support {
            centre: [dice.between(-6.0, 6.0), 158.0 - radius],
            radius,
            hu: dice.between(-500.0, 0.0),
        }),
    }
}

#[cfg(test)]
mod tests {
    use tocsin_domain::inspect::CtSeen;

    use super::*;
    use crate::phantom::Side;

    fn small(seed: u64, finding: PeFinding) -> CtpaSpec {
        CtpaSpec {
            matrix: 192,
            slice_mm: Some(2.0),
            distractors: Distractors::None,
            trunk_hu: Some(330.0),
            ..CtpaSpec::new(seed, finding)
        }
    }

    fn densities(ct: &Ctpa) -> Vec<f64> {
        let marked = ct.mask.voxels.iter().zip(&ct.volume.voxels);
        marked
            .filter(|(m, _)| **m & CLOT != 0)
            .map(|(_, v)| f64::from(*v))
            .collect()
    }

    #[test]
    fn the_seed_decides_every_voxel_whatever_the_number_of_threads() {
        let spec = CtpaSpec {
            matrix: 64,
            slice_mm: Some(8.0),
            distractors: Distractors::Many,
            ..CtpaSpec::new(5, PeFinding::Any)
        };
        let one = ctpa(&CtpaSpec {
            threads: 1,
            ..spec.clone()
        });
        assert_eq!(
            one,
            ctpa(&CtpaSpec {
                threads: 3,
                ..spec.clone()
            })
        );
        assert_ne!(
            one.volume.voxels,
            ctpa(&CtpaSpec { seed: 6, ..spec }).volume.voxels
        );
    }

    #[test]
    fn the_truth_is_what_the_mask_says_and_clot_is_thinner_than_contrast() {
        for (seed, finding, level, (least_ml, least_hu)) in [
            (1, PeFinding::Saddle, Level::Saddle, (1.0, 25.0)),
            (3, PeFinding::Subsegmental, Level::Subsegmental, (0.01, -200.0)),
        ] {
            let ct = ctpa(&small(seed, finding));
            let g = &ct.volume.geometry;
            let plane = g.rows * g.columns;
            let marked = (0..g.len()).filter(|i| ct.mask.voxels[*i] & CLOT != 0);
            let ml: f64 = marked.map(|i| g.voxel_ml(i / plane)).sum();
            assert!(
                (ct.truth.volume_ml - ml).abs() < 1e-6 && ml > least_ml,
                "{finding:?}: {ml} mL"
            );
            assert!(ct.truth.finding_present && ct.truth.level == Some(level) && ct.truth.clots > 0);
            let hu = densities(&ct);
            let mean = hu.iter().sum::<f64>() / hu.len() as f64;
            assert!((least_hu..150.0).contains(&mean), "{finding:?}: {mean} HU");
        }
    }

    #[test]
    fn a_patient_without_embolism_has_no_clot_and_the_densities_of_a_thorax() {
        let ct = ctpa(&small(9, PeFinding::None));
        assert!(ct.mask.voxels.iter().all(|v| v & CLOT == 0));
        assert!(!ct.truth.finding_present && ct.truth.level.is_none() && ct.truth.side.is_none());
        assert!((300.0..360.0).contains(&ct.truth.trunk_hu.expect("a trunk")));
        let share = |low: i16, high: i16| {
            let n = ct
                .volume
                .voxels
                .iter()
                .filter(|v| (low..high).contains(v))
                .count();
            n as f64 / ct.volume.voxels.len() as f64
        };
        assert!(share(-920, -700) > 0.1, "lung");
        assert!(share(450, 2000) > 0.005, "bone and dense contrast");
        assert!(share(-150, -50) > 0.05, "fat");
    }

    #[test]
    fn clots_of_one_side_lie_on_that_side_of_the_patient() {
        let sides = (10..13).map(|seed| ctpa(&small(seed, PeFinding::Segmental)));
        let one_sided: Vec<Ctpa> = sides
            .filter(|ct| ct.truth.side != Some(Side::Bilateral))
            .collect();
        assert!(!one_sided.is_empty());
        for ct in one_sided {
            let g = &ct.volume.geometry;
            let x = |i: usize| g.origins[0][0] + (i % g.columns) as f64 * g.pixel_spacing[1];
            let marked: Vec<f64> = (0..g.len())
                .filter(|i| ct.mask.voxels[*i] & CLOT != 0)
                .map(x)
                .collect();
            let mean = marked.iter().sum::<f64>() / marked.len() as f64;
            assert_eq!(
                ct.truth.side,
                Some(if mean > 0.0 { Side::Left } else { Side::Right })
            );
        }
    }

    #[test]
    fn clot_lies_in_arteries_only() {
        let spec = small(4, PeFinding::Main);
        let thorax = Thorax::build(&spec, &Plan::draw(&spec));
        let clot: Vec<usize> = (0..thorax.grid.clot.len())
            .filter(|i| thorax.grid.clot[*i] > 250)
            .collect();
        assert!(clot.len() > 500);
        for i in clot {
            assert!(thorax.grid.artery[i] > 245 && (20..120).contains(&thorax.grid.hu[i]));
        }
    }

    /// Volume of what carries a bit, mL, and its mean place across the patient, mm.
    fn part(ct: &Ctpa, bit: u8) -> (f64, f64) {
        let g = &ct.volume.geometry;
        let plane = g.rows * g.columns;
        let marked: Vec<usize> = (0..g.len()).filter(|i| ct.mask.voxels[*i] & bit != 0).collect();
        let ml = marked.iter().map(|i| g.voxel_ml(i / plane)).sum();
        let x = |i: &usize| g.origins[0][0] + (i % g.columns) as f64 * g.pixel_spacing[1];
        (ml, marked.iter().map(x).sum::<f64>() / marked.len() as f64)
    }

    #[test]
    fn the_right_heart_and_arteries_are_marked_where_blood_is_dense() {
        let ct = ctpa(&small(9, PeFinding::None));
        let (right, left) = (part(&ct, RIGHT_VENTRICLE), part(&ct, LEFT_VENTRICLE));
        assert!((60.0..260.0).contains(&right.0), "right ventricle {right:?}");
        assert!((40.0..160.0).contains(&left.0), "left ventricle {left:?}");
        assert!((40.0..160.0).contains(&part(&ct, ARTERIES).0), "arteries");
        assert!(left.1 > right.1, "the left ventricle lies to the left");
        for bit in [RIGHT_VENTRICLE, ARTERIES] {
            let both = ct.mask.voxels.iter().zip(&ct.volume.voxels);
            let (dense, all) = both
                .filter(|(m, _)| **m & bit != 0)
                .fold((0, 0), |(dense, all), (_, hu)| {
                    (dense + i32::from(*hu > 120), all + 1)
                });
            assert!(f64::from(dense) > 0.9 * f64::from(all), "{bit}: {dense} of {all}");
        }
    }

    #[test]
    fn parts_of_the_heart_and_arteries_are_apart() {
        let ct = ctpa(&small(3, PeFinding::Main));
        for bits in &ct.mask.voxels {
            assert!((bits & !CLOT).count_ones() < 2, "{bits}");
        }
    }

    #[test]
    fn clot_of_large_arteries_lies_in_the_lumen_and_clot_beyond_the_segments_does_not() {
        let share = |seed, finding| {
            let ct = ctpa(&small(seed, finding));
            let clot: Vec<u8> = ct.mask.voxels.into_iter().filter(|m| m & CLOT != 0).collect();
            let within = clot.iter().filter(|m| **m & ARTERIES != 0).count();
            within as f64 / clot.len() as f64
        };
        assert!(share(1, PeFinding::Saddle) > 0.8);
        assert!(share(3, PeFinding::Subsegmental) < 0.5);
    }

    #[test]
    fn the_density_of_the_trunk_can_be_read_from_the_images() {
        for (seed, hu, finding) in [
            (21, 150.0, PeFinding::None),
            (22, 330.0, PeFinding::Saddle),
            (23, 220.0, PeFinding::Segmental),
        ] {
            let ct = ctpa(&CtpaSpec {
                trunk_hu: Some(hu),
                ..small(seed, finding)
            });
            let read = CtSeen::of(&ct.volume, 2).trunk_hu.expect("a trunk");
            let built = ct.truth.trunk_hu.expect("a trunk");
            assert!(
                (read - built).abs() < 0.12 * built,
                "seed {seed}: {read} HU, built {built}"
            );
        }
    }

    #[test]
    fn a_ratio_that_is_asked_for_is_built() {
        for (seed, ratio) in [(7, 0.8), (8, 1.1), (9, 1.5)] {
            let mut dice = Dice::new(seed, 3);
            let frame = frame::Frame::draw(&mut dice);
            let widths = heart::Heart::draw(&mut dice, &frame, ratio).widths();
            let built = widths.right / widths.left;
            assert!((built - ratio).abs() < 0.02, "{built}, wanted {ratio}");
        }
    }
}
