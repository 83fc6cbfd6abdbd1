//! Synthetic CT angiogram of the head, with or without an occlusion of a large artery; the mask is the course that the
//! occlusion took away, to the next branching.

mod branch;
mod circle;
mod course;
mod filling;
mod lesser;
mod lumen;
mod spec;
mod truth;
mod variant;

use tocsin_domain::volume::Volume;

use super::ct::{Ct, Made};
use super::dice::Dice;
use super::head::anatomy::{Anatomy, Tissue};
use super::head::effect::Effect;
use super::head::model::Model;
use super::head::take::{Session, Taken, take};
use super::head::truth::measure;
use super::head::{HEAD_CT, Side};
use super::study::Study;
use circle::Vessel;
use filling::{Filling, Occlusion};
use lumen::FilledHead;
use spec::Plan;
use variant::{Variant, VariantAt, has};

pub use spec::{CtaFinding, CtaHeadSpec};
pub use truth::{CtaHeadTruth, Segment};

/// The study of a CT angiogram of the head.
pub const STUDY: Study = Study {
    kind: "cta-head",
    patient_name: "ANGIO",
    patient_code: "PHANTOM-A",
    accession_code: "PA",
    study_description: "CTA HEAD W CONTRAST",
    series_description: "CTA HEAD THIN",
    protocol: "CTA HEAD",
    model_name: "Synthetic head CTA",
    contrast_agent: Some("IODINATED"),
    kvp: "100",
    window: [200, 700],
    ..HEAD_CT
};

/// Makes a phantom. Pure: the specification decides every voxel.
pub fn cta_head(spec: &CtaHeadSpec) -> Ct<CtaHeadTruth> {
    let plan = Plan::draw(spec);
    let mut anatomy = Anatomy::draw(&mut Dice::new(spec.seed, 2), 0.0);
    anatomy.brain = anatomy.brain.without_arteries(plan.venous_hu);
    let kept = plan.occlusion.map_or(0.0, |o| o.side);
    let variants = variant::draw(&mut Dice::new(spec.seed, 33), kept, plan.poor_bolus);
    let vessels = draw_vessels(&mut Dice::new(spec.seed, 34), &anatomy, &variants);
    let effect = Effect::none(anatomy.half);
    let tissue = |_, t: &Tissue| (t.hu, 0.0);
    let head = Model::with_lesion(&anatomy, &effect, spec.threads, &tissue);
    let filling = fill(&mut Dice::new(spec.seed, 35), &plan, &variants);
    let session = Session {
        study: &STUDY,
        plan: &plan.scan,
        seed: spec.seed,
        metal: anatomy.metal(),
        threads: spec.threads,
    };
    let taken = take(&FilledHead::new(head, &vessels, &filling), &session);
    let truth = tell(spec.seed, &plan, &taken, (&vessels, variants));
    let Taken { volume, mask, .. } = taken;
    Ct {
        study: STUDY,
        seed: spec.seed,
        plan: plan.scan,
        volume,
        mask,
        truth,
    }
}

/// All vessels, in the order in which they are drawn: what is given first wins where two meet.
fn draw_vessels(dice: &mut Dice, anatomy: &Anatomy, variants: &[VariantAt]) -> Vec<Vessel> {
    let mut circle = circle::circle(dice, variants);
    lesser::narrow(dice, &mut circle, variants);
    let mut vessels = lesser::calcifications(dice, &circle, variants);
    vessels.extend(lesser::aneurysms(dice, &circle, variants));
    let branches = branch::branches(dice, anatomy, &circle);
    vessels.extend(circle);
    vessels.extend(branches);
    vessels.extend(branch::deep_veins(dice));
    vessels
}

fn fill(dice: &mut Dice, plan: &Plan, variants: &[VariantAt]) -> Filling {
    let weak = [1.0, -1.0]
        .into_iter()
        .find(|s| has(variants, Variant::UnevenFilling, *s));
    let share = dice.between(0.7, 0.92);
    Filling {
        contrast: plan.contrast_hu,
        venous: plan.venous_hu,
        occlusion: plan.occlusion,
        uneven: weak.map(|side| (side, share)),
    }
}

/// Place on the centre line where the lumen ends, in the head's coordinates.
fn point(vessels: &[Vessel], occlusion: &Occlusion) -> Option<[f64; 3]> {
    let vessel = vessels
        .iter()
        .find(|v| v.name == occlusion.segment.vessel() && v.side == occlusion.side)?;
    let end = vessel.nodes.last()?.along;
    let node = vessel.nodes.iter().find(|n| n.along >= occlusion.from * end)?;
    Some(node.at.map(f64::from))
}

fn tell(
    seed: u64,
    plan: &Plan,
    taken: &Taken,
    (vessels, variants): (&[Vessel], Vec<VariantAt>),
) -> CtaHeadTruth {
    let volume: &Volume = &taken.volume;
    let measured = measure(&volume.geometry, &taken.mask);
    let occlusion = plan.occlusion.as_ref();
    let told = |value: fn(&Occlusion) -> f32| occlusion.map(|o| f64::from(value(o)));
    CtaHeadTruth {
        made: Made::new(&STUDY, seed, &plan.scan, &volume.geometry),
        finding_present: occlusion.is_some(),
        segment: occlusion.map(|o| o.segment),
        side: occlusion.map(|o| if o.side > 0.0 { Side::Left } else { Side::Right }),
        occlusion_mm: occlusion
            .and_then(|o| point(vessels, o))
            .map(|p| taken.pose.to_patient(p)),
        clot_hu: told(|o| o.clot_hu),
        clot_mm: told(|o| o.clot_mm),
        collaterals: told(|o| o.collaterals),
        volume_ml: measured.volume_ml,
        key_slice: measured.key_slice,
        contrast_hu: f64::from(plan.contrast_hu),
        venous_hu: f64::from(plan.venous_hu),
        variants,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(seed: u64, finding: CtaFinding, side: Side) -> Ct<CtaHeadTruth> {
        cta_head(&CtaHeadSpec {
            side: Some(side),
            contrast_hu: Some(350.0),
            slice_mm: Some(1.0),
            matrix: 192,
            noise_hu: Some(3.0),
            ..CtaHeadSpec::new(seed, finding)
        })
    }

    /// Patient coordinates (LPS) of a voxel, mm; the grid is not tilted.
    fn patient(ct: &Ct<CtaHeadTruth>, index: usize) -> [f64; 3] {
        let g = &ct.volume.geometry;
        let plane = g.rows * g.columns;
        let [x, y, z] = g.origins[index / plane];
        let (row, column) = (index % plane / g.columns, index % g.columns);
        let [dy, dx] = g.pixel_spacing;
        [x + column as f64 * dx, y + row as f64 * dy, z]
    }

    #[test]
    fn the_seed_decides_every_voxel_whatever_the_number_of_threads() {
        let spec = |seed, threads| CtaHeadSpec {
            slices: Some(6),
            matrix: 48,
            threads,
            ..CtaHeadSpec::new(seed, CtaFinding::Any)
        };
        let one = cta_head(&spec(5, 1));
        assert_eq!(one, cta_head(&spec(5, 3)));
        assert_ne!(one.volume.voxels, cta_head(&spec(6, 1)).volume.voxels);
    }

    #[test]
    fn the_mask_begins_where_the_truth_says_and_on_the_patients_side() {
        for (seed, finding, side) in [
            (2, CtaFinding::IcaTerminus, Side::Left),
            (3, CtaFinding::M1Proximal, Side::Right),
            (4, CtaFinding::M2, Side::Left),
        ] {
            let ct = small(seed, finding, side);
            let at = ct.truth.occlusion_mm.expect("an occlusion");
            assert_eq!(ct.truth.side, Some(side));
            let off = |p: [f64; 3]| (0..3).map(|k| (p[k] - at[k]).powi(2)).sum::<f64>().sqrt();
            let marked: Vec<usize> = (0..ct.mask.voxels.len())
                .filter(|i| ct.mask.voxels[*i] == 1)
                .collect();
            let places: Vec<[f64; 3]> = marked.iter().map(|i| patient(&ct, *i)).collect();
            let nearest = places.iter().map(|p| off(*p)).fold(f64::MAX, f64::min);
            assert!(nearest < 2.0, "{finding:?}: {nearest} mm");
            assert!(places.iter().all(|p| off(*p) < 40.0), "{finding:?}");
            let left = places.iter().map(|p| p[0]).sum::<f64>() > 0.0;
            assert_eq!(left, side == Side::Left, "{finding:?}");
            let g = &ct.volume.geometry;
            let ml: f64 = marked.iter().map(|i| g.voxel_ml(i / (g.rows * g.columns))).sum();
            assert!((ct.truth.volume_ml - ml).abs() < 1e-6);
            assert!((0.004..0.4).contains(&ml), "{finding:?}: {ml} mL");
        }
    }

    #[test]
    fn an_occluded_stem_has_no_contrast_and_that_of_the_other_side_has() {
        let ct = small(6, CtaFinding::M1Proximal, Side::Left);
        let open = small(6, CtaFinding::None, Side::Left);
        let mean = |of: &Ct<CtaHeadTruth>| {
            let voxels = (0..ct.mask.voxels.len()).filter(|i| ct.mask.voxels[*i] == 1);
            let hu: Vec<f64> = voxels.map(|i| f64::from(of.volume.voxels[i])).collect();
            hu.iter().sum::<f64>() / hu.len() as f64
        };
        assert!((25.0..110.0).contains(&mean(&ct)), "{}", mean(&ct));
        assert!((190.0..400.0).contains(&mean(&open)), "{}", mean(&open));
    }

    #[test]
    fn a_patent_circle_has_an_empty_mask_and_arteries_as_dense_as_drawn() {
        let ct = small(9, CtaFinding::None, Side::Left);
        assert!(ct.mask.voxels.iter().all(|v| *v == 0));
        assert!(!ct.truth.finding_present && ct.truth.segment.is_none() && ct.truth.occlusion_mm.is_none());
        let share = |low: i16, high: i16| {
            let within = ct.volume.voxels.iter().filter(|v| (low..high).contains(v));
            within.count() as f64 / ct.volume.voxels.len() as f64
        };
        assert!(share(10, 60) > 0.15, "brain");
        assert!(share(300, 400) > 0.0005, "arteries and bone's border");
        assert!(share(500, 3000) > 0.03, "bone");
    }
}
