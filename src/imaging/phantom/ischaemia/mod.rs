//! Synthetic non-contrast head CT with early ischaemia of a middle cerebral artery's territory, or with what looks like it;
//! the mask is the tissue that has lost density.

mod aspects;
mod lesion;
mod spec;
mod truth;

use tocsin_domain::volume::{Mask, Volume};

use super::ct::{Ct, Made};
use super::dice::Dice;
use super::head::anatomy::{Anatomy, Tissue};
use super::head::effect::Effect;
use super::head::infarct::Infarct;
use super::head::model::Model;
use super::head::take::{Session, Taken, take};
use super::head::truth::measure;
use super::head::{HEAD_CT, Side};
use super::study::Study;
use lesion::Lesion;
use spec::Plan;

pub use aspects::Region;
pub use spec::{Degree, IschaemiaFinding, IschaemiaSpec};
pub use truth::IschaemiaTruth;

/// The study of a head CT for suspected stroke.
pub const STUDY: Study = Study {
    kind: "head-ct-ischaemia",
    patient_name: "STROKE",
    patient_code: "PHANTOM-S",
    accession_code: "PS",
    protocol: "HEAD STROKE",
    window: [35, 35],
    ..HEAD_CT
};

/// Makes a phantom. Pure: the specification decides every voxel.
pub fn ischaemia(spec: &IschaemiaSpec) -> Ct<IschaemiaTruth> {
    let seed = spec.head.seed;
    let plan = Plan::draw(spec);
    let anatomy = draw_anatomy(&plan, seed);
    let early = plan.finding == IschaemiaFinding::Early;
    let mut dice = Dice::new(seed, 21);
    let lesion = early.then(|| Lesion::new(&mut dice, &anatomy, &plan));
    let effect = swelling(&mut dice, &anatomy, &plan);
    let threads = spec.head.threads;
    let model = Model::with_lesion(&anatomy, &effect, threads, &|q, t: &Tissue| {
        lesion.as_ref().map_or((t.hu, 0.0), |l| l.change(q, t))
    });
    let session = Session {
        study: &STUDY,
        plan: &plan.scan,
        seed,
        metal: anatomy.metal(),
        threads,
    };
    let Taken { volume, mask, .. } = take(&model, &session);
    let loss = lesion.as_ref().map(|l| l.mean_loss(&anatomy, &effect));
    let truth = tell(seed, &plan, (&volume, &mask), (&effect, loss));
    Ct {
        study: STUDY,
        seed,
        plan: plan.scan,
        volume,
        mask,
        truth,
    }
}

/// The head with the distractor that the plan asks for. Old infarcts: 5 to 15 HU with a wider ventricle beside (drawn).
fn draw_anatomy(plan: &Plan, seed: u64) -> Anatomy {
    let mut anatomy = Anatomy::draw(&mut Dice::new(seed, 2), 0.0);
    let mut dice = Dice::new(seed, 22);
    anatomy.brain = match plan.finding {
        IschaemiaFinding::OldInfarct => anatomy.brain.with_infarct(old_infarct(&mut dice, plan.side)),
        IschaemiaFinding::Leukoaraiosis => anatomy.brain.with_leukoaraiosis(dice.between(5.0, 10.0)),
        IschaemiaFinding::None | IschaemiaFinding::Early | IschaemiaFinding::Any => anatomy.brain,
    };
    anatomy
}

fn old_infarct(dice: &mut Dice, side: f32) -> Infarct {
    Infarct {
        at: [
            side * dice.between(34.0, 50.0),
            dice.between(-36.0, 44.0),
            dice.between(2.0, 34.0),
        ],
        size: [
            dice.between(9.0, 18.0),
            dice.between(12.0, 26.0),
            dice.between(10.0, 20.0),
        ],
        hu: dice.between(5.0, 15.0),
        share: 1.0,
        widening: dice.between(2.0, 6.0),
    }
}

/// A large and frank infarct pushes the midline to the other side by up to 4 mm (design value).
fn swelling(dice: &mut Dice, anatomy: &Anatomy, plan: &Plan) -> Effect {
    let strength = dice.between(0.0, 1.0);
    let regions = plan.regions.len();
    if plan.finding != IschaemiaFinding::Early || plan.degree != Degree::Frank || regions < 5 {
        return Effect::none(anatomy.half);
    }
    let large = regions as f32 / 10.0;
    let centre = [plan.side * 38.0, -4.0, 10.0];
    Effect::new(
        anatomy.half,
        centre,
        14.0 * large * strength,
        -plan.side * 4.0 * large * strength,
    )
}

fn tell(
    seed: u64,
    plan: &Plan,
    (volume, mask): (&Volume, &Mask),
    (effect, loss): (&Effect, Option<f64>),
) -> IschaemiaTruth {
    let measured = measure(&volume.geometry, mask);
    let present = plan.finding == IschaemiaFinding::Early;
    let regions = if present { plan.regions.clone() } else { Vec::new() };
    IschaemiaTruth {
        made: Made::new(&STUDY, seed, &plan.scan, &volume.geometry),
        finding_present: present,
        finding: plan.finding,
        side: present.then_some(if plan.side > 0.0 { Side::Left } else { Side::Right }),
        degree: present.then_some(plan.degree),
        aspects: 10 - regions.len() as u8,
        regions,
        mean_loss_hu: loss,
        volume_ml: measured.volume_ml,
        key_slice: measured.key_slice.filter(|_| present),
        hyperdense_artery_hu: plan.artery_hu.filter(|_| present).map(f64::from),
        midline_shift_mm: effect.midline_shift_mm(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(seed: u64, finding: IschaemiaFinding, degree: Degree, regions: usize) -> Ct<IschaemiaTruth> {
        let mut spec = IschaemiaSpec {
            degree: Some(degree),
            regions: Some(regions),
            side: Some(if seed.is_multiple_of(2) {
                Side::Left
            } else {
                Side::Right
            }),
            ..IschaemiaSpec::new(seed, finding)
        };
        spec.head.matrix = 96;
        spec.head.slice_mm = Some(5.0);
        spec.head.noise_hu = Some(1.0);
        ischaemia(&spec)
    }

    #[test]
    fn the_seed_decides_every_voxel_whatever_the_number_of_threads() {
        let spec = |seed, threads| {
            let mut spec = IschaemiaSpec::new(seed, IschaemiaFinding::Early);
            (spec.head.matrix, spec.head.slices, spec.head.threads) = (48, Some(6), threads);
            spec
        };
        let one = ischaemia(&spec(5, 1));
        assert_eq!(one, ischaemia(&spec(5, 3)));
        assert_ne!(one.volume.voxels, ischaemia(&spec(6, 1)).volume.voxels);
    }

    #[test]
    fn the_truth_is_what_the_mask_says_and_the_side_is_the_patients() {
        for (seed, degree, regions) in [(2, Degree::Frank, 4), (3, Degree::Moderate, 7)] {
            let ct = small(seed, IschaemiaFinding::Early, degree, regions);
            let g = &ct.volume.geometry;
            let marked: Vec<usize> = (0..g.len()).filter(|i| ct.mask.voxels[*i] == 1).collect();
            let ml: f64 = marked.iter().map(|i| g.voxel_ml(i / (g.rows * g.columns))).sum();
            assert!((ct.truth.volume_ml - ml).abs() < 1e-6 && ml > 10.0, "{ml}");
            let columns = marked.iter().map(|i| (i % g.columns) as f64).sum::<f64>() / marked.len() as f64;
            let left = g.origins[0][0] + columns * g.pixel_spacing[1] > 0.0;
            let told = ct.truth.side.expect("a side");
            assert_eq!(left, told == Side::Left, "seed {seed}");
            assert_eq!(ct.truth.regions.len(), regions);
            assert_eq!(usize::from(ct.truth.aspects), 10 - regions);
        }
    }

    #[test]
    fn affected_tissue_is_darker_than_the_same_place_of_the_other_side() {
        let ct = small(4, IschaemiaFinding::Early, Degree::Frank, 10);
        let well = small(4, IschaemiaFinding::None, Degree::Frank, 10);
        let mean = |of: &Ct<IschaemiaTruth>| {
            let voxels = (0..ct.mask.voxels.len()).filter(|i| ct.mask.voxels[*i] == 1);
            let hu: Vec<f64> = voxels.map(|i| f64::from(of.volume.voxels[i])).collect();
            hu.iter().sum::<f64>() / hu.len() as f64
        };
        let loss = mean(&well) - mean(&ct);
        let told = ct.truth.mean_loss_hu.expect("a loss");
        assert!((4.0..12.0).contains(&told), "{told}");
        assert!((loss - told).abs() < 2.5, "{loss} measured, {told} told");
    }

    #[test]
    fn heads_without_early_change_have_an_empty_mask_and_all_ten_points() {
        for finding in [
            IschaemiaFinding::None,
            IschaemiaFinding::OldInfarct,
            IschaemiaFinding::Leukoaraiosis,
        ] {
            let ct = small(7, finding, Degree::Frank, 5);
            assert!(ct.mask.voxels.iter().all(|v| *v == 0), "{finding:?}");
            assert!(!ct.truth.finding_present && ct.truth.side.is_none() && ct.truth.aspects == 10);
        }
    }
}
