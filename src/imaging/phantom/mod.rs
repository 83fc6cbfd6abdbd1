//! Synthetic head CT: `head_ct` makes a volume, the mask of its blood and the truth about it from a seed alone; the same
//! seed gives the same bytes. For tests, demonstrations and training; never a substitute for images of people.

mod anatomy;
mod artefact;
mod bleed;
mod brain;
pub mod chest_xray;
mod dice;
mod dicom;
mod effect;
mod identity;
mod model;
mod noise;
mod scan;
mod shape;
mod spec;
mod truth;

use tocsin_domain::volume::{Mask, Volume};

use anatomy::Anatomy;
use artefact::Artefacts;
use bleed::Bleed;
use dice::Dice;
use effect::Effect;
use model::Model;
use noise::Texture;
use scan::{Pose, Scanner};
use spec::Plan;

pub use dicom::{WriteError, dicom_slice, write_dicom, write_dump};
pub use identity::PhantomIdentity;
pub use spec::{HeadCtSpec, HeadFinding, Kernel};
pub use truth::{Location, Side, Truth, TruthGeometry};

/// A phantom: images, the mask of blood on the same grid, and what is true of them.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadCt {
    pub volume: Volume,
    /// 1 where at least half of a voxel is blood.
    pub mask: Mask,
    pub truth: Truth,
    pub kernel: Kernel,
}

/// Makes a phantom. Pure: the specification decides every voxel.
pub fn head_ct(spec: &HeadCtSpec) -> HeadCt {
    let plan = Plan::draw(spec);
    let mut dice = Dice::new(spec.seed, 2);
    let anatomy = Anatomy::draw(&mut dice, ventricles_for(&plan));
    let bleeds = draw_bleeds(&plan, spec.seed, &anatomy);
    let effect = mass_effect(&mut Dice::new(spec.seed, 4), &anatomy, &bleeds);
    let model = Model::build(&anatomy, &effect, &bleeds, spec.threads);
    let mut dice = Dice::new(spec.seed, 5);
    let pose = Pose::draw(&mut dice);
    let bottom = f64::from(dice.between(-72.0, -58.0));
    let scanner = Scanner {
        model: &model,
        pose: &pose,
        plan: &plan,
        texture: &Texture::draw(&mut dice, plan.kernel, plan.pixel_mm),
        artefacts: &Artefacts::draw(&mut dice, anatomy.metal()),
        seed: spec.seed,
    };
    let (volume, mask) = scanner.scan(scan::geometry(&plan, spec.seed, bottom), spec.threads);
    let truth = tell(spec.seed, &plan, (&volume, &mask), (&bleeds, &effect, &pose));
    HeadCt {
        volume,
        mask,
        truth,
        kernel: plan.kernel,
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

fn tell(
    seed: u64,
    plan: &Plan,
    (volume, mask): (&Volume, &Mask),
    (bleeds, effect, pose): (&[Bleed], &Effect, &Pose),
) -> Truth {
    let measured = truth::measure(&volume.geometry, mask);
    let present = measured.volume_ml > 0.0;
    let first = bleeds.first().filter(|_| present);
    let g = &volume.geometry;
    Truth {
        schema: 1,
        synthetic: true,
        kind: "head-ct".to_owned(),
        seed,
        finding_present: present,
        finding: if present { plan.finding } else { HeadFinding::None },
        location: first.map(|b| b.location),
        side: present.then(|| truth::side(mask, |i| pose.head_x(g, i))),
        volume_ml: measured.volume_ml,
        abc_mm: measured.abc_mm,
        midline_shift_mm: effect.midline_shift_mm(),
        key_slice: measured.key_slice,
        blood_hu: first.map(|b| f64::from(b.hu)),
        noise_hu: f64::from(plan.noise_hu),
        gantry_tilt_degrees: plan.tilt,
        geometry: TruthGeometry {
            slices: g.slices,
            rows: g.rows,
            columns: g.columns,
            pixel_spacing_mm: g.pixel_spacing,
            slice_spacing_mm: plan.slice_mm,
            orientation: g.orientation,
            origin: g.origins.first().copied().unwrap_or_default(),
        },
        mask_file: None,
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
