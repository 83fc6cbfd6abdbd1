//! What the outputs of a manifest must satisfy, and the findings and measures that are read from them. Pure.

use super::check::{Checked, check_code, each, problem, quoted, range, refer, text};
use super::{
    Boxes, FindingSpec, Input, InputKind, Layout, Manifest, Measure, Output, OutputKind, Quantification,
};

/// More lesions than this are noise, not a finding.
const MAX_BOXES: usize = 1000;

pub(super) fn check_output(key: &str, output: &Output, input: &Input) -> Checked {
    text(&format!("{key}.name"), &output.name)?;
    each(&format!("{key}.classes"), &output.classes, |key, value| {
        text(key, value)
    })?;
    range(&format!("{key}.threshold"), output.threshold, 0.0, 1.0)?;
    check_aggregate(key, output)?;
    match (output.kind, &output.boxes) {
        (OutputKind::Detection, Some(boxes)) => check_boxes(&format!("{key}.boxes"), boxes, input),
        (OutputKind::Detection, None) => problem(
            format!("{key}.boxes"),
            "absent",
            "how the tensors of a detection are read",
        ),
        (_, Some(_)) => problem(format!("{key}.boxes"), "set", "none: only a detection has boxes"),
        (_, None) => Ok(()),
    }
}

fn check_aggregate(key: &str, output: &Output) -> Checked {
    match (output.kind, output.aggregate) {
        (OutputKind::Segmentation | OutputKind::Detection, Some(_)) => problem(
            format!("{key}.aggregate"),
            "set",
            "none: masks and boxes already cover the study",
        ),
        (OutputKind::Classification | OutputKind::Regression, None) => problem(
            format!("{key}.aggregate"),
            "absent",
            "max, top_k_mean, noisy_or or mean",
        ),
        (OutputKind::Segmentation | OutputKind::Detection, None)
        | (OutputKind::Classification | OutputKind::Regression, Some(_)) => Ok(()),
    }
}

fn check_boxes(key: &str, boxes: &Boxes, input: &Input) -> Checked {
    text(&format!("{key}.scores"), &boxes.scores)?;
    for (name, share) in [("iou", boxes.iou), ("join_slices", boxes.join_slices)] {
        share.map_or(Ok(()), |share| range(&format!("{key}.{name}"), share, 0.0, 1.0))?;
    }
    range(&format!("{key}.max_boxes"), boxes.max_boxes, 1, MAX_BOXES)?;
    if input.layout == Layout::Ncdhw {
        return problem("input.layout", "NCDHW", "NCHW: boxes lie in slices");
    }
    if input.kind == InputKind::Image && boxes.join_slices.is_some() {
        return problem(
            format!("{key}.join_slices"),
            "set",
            "none: an image has no neighbours",
        );
    }
    Ok(())
}

pub(super) fn check_finding(manifest: &Manifest, key: &str, finding: &FindingSpec) -> Checked {
    check_code(&format!("{key}.code"), &finding.code)?;
    check_code(&format!("{key}.site"), &finding.site)?;
    let output = refer(manifest, &finding.output, &finding.class, key)?;
    range(
        &format!("{key}.expected_sensitivity"),
        finding.expected_sensitivity,
        0.0,
        1.0,
    )?;
    range(
        &format!("{key}.expected_specificity"),
        finding.expected_specificity,
        0.0,
        1.0,
    )?;
    check_operating_point(key, finding, output.kind, manifest.input.kind)
}

/// What flags a finding is what its output has, and nothing else.
fn check_operating_point(key: &str, finding: &FindingSpec, output: OutputKind, input: InputKind) -> Checked {
    let wanted = match (output, input) {
        (OutputKind::Segmentation, InputKind::Volume) => "total_ml",
        (OutputKind::Segmentation, InputKind::Image) => "total_mm2",
        (OutputKind::Classification | OutputKind::Regression | OutputKind::Detection, _) => "score",
    };
    let ml = finding.total_ml.or(finding.largest_component_ml).is_some();
    for (name, set) in [
        ("total_ml", ml),
        ("total_mm2", finding.total_mm2.is_some()),
        ("score", finding.score.is_some()),
    ] {
        if set && name != wanted {
            return problem(format!("{key}.{name}"), "set", format!("{wanted} to flag it by"));
        }
    }
    match wanted {
        "total_ml" if finding.total_ml.is_none() => problem(
            format!("{key}.total_ml"),
            "absent",
            "the volume from which a mask is flagged",
        ),
        "total_mm2" if finding.total_mm2.is_none() => problem(
            format!("{key}.total_mm2"),
            "absent",
            "the area from which a mask on an image is flagged",
        ),
        _ => finding
            .score
            .map_or(Ok(()), |score| range(&format!("{key}.score"), score, 0.0, 1.0)),
    }
}

pub(super) fn check_quantification(manifest: &Manifest, quantification: &Quantification) -> Checked {
    range(
        "quantification.min_component_ml",
        quantification.min_component_ml,
        0.0,
        1e3,
    )?;
    let segmentation = manifest
        .output(&quantification.output)
        .filter(|output| output.kind == OutputKind::Segmentation);
    let Some(output) = segmentation else {
        return problem(
            "quantification.output",
            quoted(&quantification.output),
            "the name of a segmentation output",
        );
    };
    each(
        "quantification.measure",
        &quantification.measure,
        |key, measure| check_measure(key, *measure, manifest.input.kind, output),
    )
}

/// Of an image area, diameter and count are always measured; other words have an input that fits them, and classes.
fn check_measure(key: &str, measure: Measure, input: InputKind, output: &Output) -> Checked {
    if measure.input() != input {
        let expected = match input {
            InputKind::Image => "what is measured on an image",
            InputKind::Volume => "what is measured on a volume",
        };
        return problem(key, format!("{measure:?}"), expected);
    }
    let has = |class: &str| output.classes.iter().any(|known| known == class);
    match measure.classes().iter().find(|class| !has(class)) {
        Some(class) => problem(
            key,
            format!("{measure:?}"),
            format!("a class `{class}` of the output that it is read from"),
        ),
        None => Ok(()),
    }
}
