//! Findings by the words of a manifest, from the true masks of phantoms: what is told, and what is not told without an embolism.

use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::Presence;
use tocsin_domain::volume::{Geometry, Mask, Volume};
use tocsin_imaging::phantom::chest_xray::{
    ChestSide, ChestXray, ChestXraySpec, LUNG_FIELD, NODULE, NoduleSpec, PLEURAL_AIR, PneumothoraxSpec, Zone,
    chest_xray,
};
use tocsin_imaging::phantom::{
    ARTERIES, CLOT, CtpaSpec, Distractors, LEFT_VENTRICLE, PeFinding, RIGHT_VENTRICLE, ctpa,
};

use super::*;
use crate::answers::ClassAnswer;

const EXAMPLE: &str = include_str!("../manifest/example.toml");

/// The example with other classes, words and operating point; the finding is of the first class.
fn manifest(kind: &str, classes: &[&str], words: &[&str]) -> Manifest {
    let list = |words: &[&str]| format!("[\"{}\"]", words.join("\", \""));
    let text = EXAMPLE
        .replace("classes = [\"hemorrhage\"]", &format!("classes = {}", list(classes)))
        .replace("class = \"hemorrhage\"", &format!("class = \"{}\"", classes[0]))
        .replace(
            "[\"volume_planimetric\", \"volume_abc2\", \"largest_diameter\", \"components\", \"midline_shift\", \"location\"]",
            &list(words),
        );
    let text = match kind {
        "image" => text
            .replace("kind = \"volume\"", "kind = \"image\"")
            .replace("total_ml = 1.0\nlargest_component_ml = 0.5", "total_mm2 = 20.0")
            .replace(
                "{ op = \"resample\", spacing_mm = [5.0, 1.25, 1.25], slices = \"box\", plane = \"bilinear\" },",
                "",
            )
            .replace("{ op = \"adjacent_slices\", count = 1 },", "")
            .replace("min_slices = 10\nkvp = [70.0, 150.0]", ""),
        _ => text
            .replace("total_ml = 1.0", "total_ml = 0.05")
            .replace("largest_component_ml = 0.5", "largest_component_ml = 0.02"),
    };
    let golden = text.find("[[golden]]").unwrap_or(text.len());
    Manifest::parse(&text[..golden], "m.toml").expect("a manifest")
}

fn answer(manifest: &Manifest, masks: impl IntoIterator<Item = Mask>) -> Vec<OutputAnswer> {
    let output = &manifest.outputs[0];
    let classes = output.classes.iter().zip(masks).map(|(class, mask)| ClassAnswer {
        class: class.clone(),
        mean_score: 0.0,
        slice_scores: Vec::new(),
        verdict: Verdict::Masks(vec![mask]),
    });
    vec![OutputAnswer {
        name: output.name.clone(),
        classes: classes.collect(),
    }]
}

fn part(bits: &[u8], bit: u8) -> Mask {
    Mask {
        voxels: bits.iter().map(|v| u8::from(v & bit != 0)).collect(),
    }
}

fn told(finding: &Finding, what: &Code) -> Vec<String> {
    finding
        .evaluated(what)
        .iter()
        .map(|value| value.display.to_string())
        .collect()
}

fn embolism(finding: PeFinding) -> (Quantified, f64) {
    let ct = ctpa(&CtpaSpec {
        matrix: 256,
        slice_mm: Some(2.0),
        distractors: Distractors::None,
        rv_lv: Some(1.3),
        ..CtpaSpec::new(3, finding)
    });
    let classes = [
        "pulmonary-embolism",
        "right-ventricle",
        "left-ventricle",
        "pulmonary-artery",
    ];
    let manifest = manifest(
        "volume",
        &classes,
        &["clot_volume", "most_proximal_vessel", "rv_lv_ratio"],
    );
    let bits = [CLOT, RIGHT_VENTRICLE, LEFT_VENTRICLE, ARTERIES];
    let answers = answer(&manifest, bits.map(|bit| part(&ct.mask.voxels, bit)));
    let exam = Exam::of_volume(ct.volume);
    (
        quantify(&manifest, &exam, &answers).expect("measurable"),
        ct.truth.rv_lv_ratio,
    )
}

#[test]
fn an_embolism_has_its_vessel_its_side_and_the_ventricles_with_their_lines() {
    let (quantified, truth) = embolism(PeFinding::Main);
    let finding = &quantified.findings[0];
    assert_eq!(finding.presence, Presence::Present);
    assert_eq!(
        told(finding, &code::MOST_PROXIMAL_VESSEL),
        ["Central pulmonary artery"]
    );
    let ratio = finding.measurement(&code::RV_LV_RATIO).expect("a ratio").value;
    assert!((ratio - truth).abs() < 0.1, "{ratio}, true {truth}");
    assert_eq!(told(finding, &code::RIGHT_HEART_STRAIN), ["Present"]);
    assert_eq!(finding.lines.len(), 2);
    for line in &finding.lines {
        let width = finding.measurement(&line.code).expect("a width").value;
        let (from, to) = (line.from_mm.expect("placed"), line.to_mm.expect("placed"));
        let long: f64 = (0..3).map(|a| (from[a] - to[a]).powi(2)).sum::<f64>().sqrt();
        assert!((long - width).abs() < 0.06, "{long} {width}");
    }
    assert_eq!(told(finding, &code::LATERALITY).len(), 1);
}

#[test]
fn without_an_embolism_the_ventricles_are_not_measured() {
    let (quantified, _) = embolism(PeFinding::None);
    let finding = &quantified.findings[0];
    assert_eq!(finding.presence, Presence::Absent);
    assert!(finding.measurement(&code::RV_LV_RATIO).is_none() && finding.lines.is_empty());
    assert!(finding.evaluations.is_empty() && quantified.limitations.is_empty());
}

fn image(spec: &ChestXraySpec) -> (ChestXray, Exam) {
    let image = chest_xray(spec);
    let geometry = Geometry {
        pixel_spacing: image.truth.pixel_spacing_mm,
        ..crate::exam::plain_geometry([1, image.rows, image.columns], [1.0, 1.0, 1.0])
    };
    let exam = Exam::of_images(&Volume {
        voxels: vec![0; geometry.len()],
        geometry,
    });
    (image, exam)
}

#[test]
fn a_pneumothorax_has_distances_sizes_side_and_a_warning_about_supine_images() {
    let mut spec = ChestXraySpec::new(5);
    spec.matrix = 512;
    spec.pneumothorax = Some(PneumothoraxSpec {
        side: Some(ChestSide::Right),
        ..PneumothoraxSpec::new(4.0)
    });
    let (image, exam) = image(&spec);
    let words = ["pleural_distance", "collins", "light", "tension_signs"];
    let manifest = manifest("image", &["pneumothorax", "lung"], &words);
    let masks = [PLEURAL_AIR, LUNG_FIELD].map(|bit| part(&image.mask, bit));
    let quantified = quantify(&manifest, &exam, &answer(&manifest, masks)).expect("measurable");
    let finding = &quantified.findings[0];
    let truth = image.truth.pneumothorax.expect("a pneumothorax");
    for (code, expected, within) in [
        (code::PLEURAL_DISTANCE_APEX, 10.0 * truth.apex_cm, 1.5),
        (code::PLEURAL_DISTANCE_UPPER, 10.0 * truth.mid_upper_cm, 1.5),
        (code::PLEURAL_DISTANCE_LOWER, 10.0 * truth.mid_lower_cm, 1.5),
        (code::COLLINS, truth.collins_percent, 2.0),
        (code::LIGHT, truth.light_percent, 2.0),
    ] {
        let value = finding.measurement(&code).expect("measured").value;
        assert!(
            (value - expected).abs() <= within,
            "{code:?}: {value}, true {expected}"
        );
    }
    assert_eq!(told(finding, &code::LATERALITY), ["Right"]);
    assert_eq!(told(finding, &code::LARGE_ACCP), ["Present"]);
    assert!(finding.lines.iter().all(|line| line.from_mm.is_none()) && finding.lines.len() == 4);
    assert!(
        quantified
            .limitations
            .iter()
            .any(|l| l.contains("not valid on supine")),
        "{:?}",
        quantified.limitations
    );
}

#[test]
fn lungs_that_are_cut_off_are_told_whether_something_was_found_or_not() {
    let mut spec = ChestXraySpec::new(5);
    spec.matrix = 512;
    let (mut image, exam) = image(&spec);
    let words = ["pleural_distance"];
    let manifest = manifest("image", &["pneumothorax", "lung"], &words);
    let limitations = |image: &ChestXray| {
        let masks = [PLEURAL_AIR, LUNG_FIELD].map(|bit| part(&image.mask, bit));
        quantify(&manifest, &exam, &answer(&manifest, masks))
            .expect("measurable")
            .limitations
    };
    assert_eq!(limitations(&image), Vec::<String>::new());
    let last = image.mask.len() - 100;
    image.mask[last..last + 50].fill(LUNG_FIELD);
    let said = limitations(&image);
    assert!(said[0].contains("they reach the lower border over"), "{said:?}");
}

#[test]
fn a_nodule_has_axes_volume_and_place() {
    let mut spec = ChestXraySpec::new(5);
    spec.matrix = 512;
    spec.nodule = Some(NoduleSpec {
        side: Some(ChestSide::Right),
        zone: Some(Zone::Upper),
        ..NoduleSpec::new(23.0)
    });
    let (image, exam) = image(&spec);
    let words = ["nodule_diameters", "nodule_volume", "lung_zone"];
    let manifest = manifest("image", &["nodule", "lung"], &words);
    let masks = [NODULE, LUNG_FIELD].map(|bit| part(&image.mask, bit));
    let quantified = quantify(&manifest, &exam, &answer(&manifest, masks)).expect("measurable");
    let finding = &quantified.findings[0];
    let long = finding.measurement(&code::LONG_AXIS).expect("an axis").value;
    let truth = image.truth.nodule.expect("a nodule").diameter_mm;
    assert!((long - truth).abs() < 1.5, "{long}, true {truth}");
    assert!(finding.measurement(&code::VOLUME_SPHERE).is_some());
    assert_eq!(told(finding, &code::LUNG_ZONE), ["Upper zone of lung"]);
    assert_eq!(finding.lesions[0].location, code::UPPER_LUNG_ZONE);
    assert_eq!(finding.lesions[0].laterality, Some(code::RIGHT));
}
