//! Synthetic head CT: `head_ct` makes a volume, the mask of its blood and the truth about it from a seed alone; the same
//! seed gives the same bytes. For tests, demonstrations and training; never a substitute for images of people.

mod anatomy;
mod artefact;
mod bleed;
mod brain;
mod dice;
mod effect;
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
    HeadCt { volume, mask, truth, kernel: plan.kernel }
}

/// Ventricles must be able to hold the blood that is asked for.
fn ventricles_for(plan: &Plan) -> f32 {
    if plan.finding == HeadFinding::Intraventricular { (plan.volume_ml / 28.0).sqrt().clamp(0.6, 2.2) } else { 0.0 }
}

fn draw_bleeds(plan: &Plan, seed: u64, anatomy: &Anatomy) -> Vec<Bleed> {
    let mut dice = Dice::new(seed, 3);
    let mut bleeds: Vec<Bleed> =
        Bleed::draw(&mut dice, anatomy, plan.finding, plan.volume_ml).into_iter().collect();
    let second = match plan.finding {
        HeadFinding::Intraparenchymal if plan.volume_ml > 12.0 && dice.chance(0.25) => HeadFinding::Intraventricular,
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
    let shift = if lateral { ((first.volume_ml - 15.0) * 0.14 * strength).clamp(0.0, 14.0) } else { 0.0 };
    Effect::new(anatomy.half, first.centre, takes_room * first.volume_ml, -first.centre[0].signum() * shift)
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
