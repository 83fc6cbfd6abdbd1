//! Synthetic non-contrast head CT with or without hemorrhage; the mask is its blood.

pub(super) mod anatomy;
pub(super) mod artefact;
mod bleed;
pub(super) mod brain;
mod calcified;
pub(super) mod effect;
pub(super) mod infarct;
pub(super) mod model;
mod spec;
pub(super) mod take;
pub(super) mod truth;

use super::ct::{Ct, Made};
use super::dice::Dice;
use super::study::Study;
use anatomy::Anatomy;
use bleed::Bleed;
use effect::Effect;
use model::Model;
use spec::Plan;
use take::{Session, Taken, take};

pub(super) use spec::scan_plan;
pub use spec::{HeadCtSpec, HeadFinding};
pub use truth::{Location, Side, Truth};

pub type HeadCt = Ct<Truth>;

/// The study of a head CT without contrast.
pub const HEAD_CT: Study = Study {
    kind: "head-ct",
    patient_name: "HEAD",
    patient_code: "PHANTOM",
    accession_code: "PH",
    body_part: "HEAD",
    study_description: "CT HEAD WO CONTRAST",
    series_description: "HEAD AXIAL",
    protocol: "HEAD ROUTINE",
    model_name: "Synthetic head CT",
    contrast_agent: None,
    image_type: &["ORIGINAL", "PRIMARY", "AXIAL"],
    kvp: "120",
    window: [40, 80],
};

/// Makes a phantom. Pure: the specification decides every voxel.
pub fn head_ct(spec: &HeadCtSpec) -> HeadCt {
    let plan = Plan::draw(spec);
    let mut dice = Dice::new(spec.seed, 2);
    let anatomy = Anatomy::draw(&mut dice, ventricles_for(&plan));
    let bleeds = draw_bleeds(&plan, spec.seed, &anatomy);
    let effect = mass_effect(&mut Dice::new(spec.seed, 4), &anatomy, &bleeds);
    let model = Model::build(&anatomy, &effect, &bleeds, spec.threads);
    let taken = take(
        &model,
        &Session {
            study: &HEAD_CT,
            plan: &plan.scan,
            seed: spec.seed,
            metal: anatomy.metal(),
            threads: spec.threads,
        },
    );
    let truth = tell(spec.seed, &plan, &taken, (&bleeds, &effect));
    let Taken { volume, mask, .. } = taken;
    Ct {
        study: HEAD_CT,
        seed: spec.seed,
        plan: plan.scan,
        volume,
        mask,
        truth,
    }
}

/// Ventricles must be able to hold the blood that is asked for.
fn ventricles_for(plan: &Plan) -> f32 {
    if plan.finding == HeadFinding::Intraventricular {
        (plan.volume_ml / 28.0).sqrt().clamp(0.6, 2.2)
    } else {
        0.0
    }
}

fn draw_bleeds(plan: &Plan, seed: u64, anatomy: &Anatomy) -> Vec<Bleed> {
    let mut dice = Dice::new(seed, 3);
    let mut bleeds: Vec<Bleed> = Bleed::draw(&mut dice, anatomy, plan.finding, plan.volume_ml)
        .into_iter()
        .collect();
    let second = match plan.finding {
        HeadFinding::Intraparenchymal if plan.volume_ml > 12.0 && dice.chance(0.25) => {
            HeadFinding::Intraventricular
        }
        HeadFinding::Subdural | HeadFinding::Epidural if dice.chance(0.15) => HeadFinding::Subarachnoid,
        HeadFinding::None
        | HeadFinding::Intraparenchymal
        | HeadFinding::Subdural
        | HeadFinding::Epidural
        | HeadFinding::Subarachnoid
        | HeadFinding::Intraventricular
        | HeadFinding::Any => return bleeds,
    };
    let share = dice.between(0.1, 0.3);
    bleeds.extend(Bleed::draw(&mut dice, anatomy, second, plan.volume_ml * share));
    bleeds[0].volume_ml *= 1.0 - share;
    bleeds
}

/// Larger bleeds that take room push the brain away, across the midline when they lie to one side.
fn mass_effect(dice: &mut Dice, anatomy: &Anatomy, bleeds: &[Bleed]) -> Effect {
    let strength = dice.between(0.3, 1.2);
    let Some(first) = bleeds.first() else {
        return Effect::none(anatomy.half);
    };
    let takes_room = match first.finding {
        HeadFinding::Intraparenchymal => 0.5,
        HeadFinding::Subdural | HeadFinding::Epidural => 0.0,
        HeadFinding::None | HeadFinding::Subarachnoid | HeadFinding::Intraventricular | HeadFinding::Any => {
            return Effect::none(anatomy.half);
        }
    };
    let lateral = first.location != Location::Infratentorial && first.centre[0].abs() > 6.0;
    let shift = if lateral {
        ((first.volume_ml - 15.0) * 0.14 * strength).clamp(0.0, 14.0)
    } else {
        0.0
    };
    Effect::new(
        anatomy.half,
        first.centre,
        takes_room * first.volume_ml,
        -first.centre[0].signum() * shift,
    )
}

fn tell(seed: u64, plan: &Plan, taken: &Taken, (bleeds, effect): (&[Bleed], &Effect)) -> Truth {
    let measured = truth::measure(&taken.volume.geometry, &taken.mask);
    let present = measured.volume_ml > 0.0;
    let first = bleeds.first().filter(|_| present);
    let g = &taken.volume.geometry;
    Truth {
        made: Made::new(&HEAD_CT, seed, &plan.scan, g),
        finding_present: present,
        finding: if present { plan.finding } else { HeadFinding::None },
        location: first.map(|b| b.location),
        side: present.then(|| truth::side(&taken.mask, |i| taken.pose.place(g, i)[0])),
        volume_ml: measured.volume_ml,
        abc_mm: measured.abc_mm,
        midline_shift_mm: effect.midline_shift_mm(),
        key_slice: measured.key_slice,
        blood_hu: first.map(|b| f64::from(b.hu)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(seed: u64, finding: HeadFinding) -> HeadCt {
        head_ct(&HeadCtSpec {
            slice_mm: Some(5.0),
            matrix: 96,
            volume_ml: Some(30.0),
            ..HeadCtSpec::new(seed, finding)
        })
    }

    #[test]
    fn the_seed_decides_every_voxel_whatever_the_number_of_threads() {
        let spec = HeadCtSpec {
            matrix: 64,
            slices: Some(8),
            ..HeadCtSpec::new(5, HeadFinding::Any)
        };
        let one = head_ct(&HeadCtSpec {
            threads: 1,
            ..spec.clone()
        });
        assert_eq!(
            one,
            head_ct(&HeadCtSpec {
                threads: 3,
                ..spec.clone()
            })
        );
        assert_ne!(
            one.volume.voxels,
            head_ct(&HeadCtSpec { seed: 6, ..spec }).volume.voxels
        );
    }

    #[test]
    fn the_truth_is_what_the_mask_says_and_near_what_was_asked() {
        for (seed, finding) in [
            (1, HeadFinding::Intraparenchymal),
            (2, HeadFinding::Subdural),
            (3, HeadFinding::Epidural),
            (4, HeadFinding::Subarachnoid),
            (5, HeadFinding::Intraventricular),
        ] {
            let ct = small(seed, finding);
            let g = &ct.volume.geometry;
            let plane = g.rows * g.columns;
            let of_mask: f64 = ct
                .mask
                .voxels
                .iter()
                .enumerate()
                .map(|(i, v)| f64::from(*v) * g.voxel_ml(i / plane))
                .sum();
            assert!((ct.truth.volume_ml - of_mask).abs() < 1e-6);
            assert!((15.0..45.0).contains(&of_mask), "{finding:?}: {of_mask} mL");
            assert!(ct.truth.finding_present && ct.truth.finding == finding && ct.truth.side.is_some());
            let hu: Vec<f64> = (0..g.len())
                .filter(|i| ct.mask.voxels[*i] == 1)
                .map(|i| f64::from(ct.volume.voxels[i]))
                .collect();
            let mean = hu.iter().sum::<f64>() / hu.len() as f64;
            assert!((38.0..130.0).contains(&mean), "{finding:?}: {mean} HU");
        }
    }

    #[test]
    fn a_healthy_head_has_no_blood_and_the_densities_of_a_head() {
        let ct = small(9, HeadFinding::None);
        assert!(!ct.truth.finding_present && ct.truth.side.is_none() && ct.truth.volume_ml == 0.0);
        assert!(ct.mask.voxels.iter().all(|v| *v == 0));
        let share = |low: i16, high: i16| {
            let n = ct
                .volume
                .voxels
                .iter()
                .filter(|v| (low..high).contains(v))
                .count();
            n as f64 / ct.volume.voxels.len() as f64
        };
        assert!(share(-1024, -900) > 0.3, "air");
        assert!(share(15, 50) > 0.1, "brain");
        assert!(share(300, 2000) > 0.03, "bone");
    }

    #[test]
    fn slices_rise_from_the_feet_by_the_spacing_along_their_normal_even_when_tilted() {
        let spec = HeadCtSpec {
            tilt_degrees: Some(15.0),
            slice_mm: Some(4.0),
            slices: Some(5),
            matrix: 32,
            ..HeadCtSpec::new(2, HeadFinding::None)
        };
        let g = head_ct(&spec).volume.geometry;
        for pair in g.offsets.windows(2) {
            assert!((pair[1] - pair[0] - 4.0).abs() < 1e-9);
        }
        assert!((g.orientation[4].hypot(g.orientation[5]) - 1.0).abs() < 1e-12);
    }
}
