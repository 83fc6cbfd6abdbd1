//! From a model's answers to findings: the operating point of the manifest decides, the domain measures. Pure.

mod asked;
mod lesions;
mod stroke;
#[cfg(test)]
mod tests;
mod thorax;
mod volumes;

use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Finding, Measurement, Presence};
use tocsin_domain::quantify::components::MaskError;
use tocsin_domain::volume::Mask;

use self::asked::Asked;
use self::lesions::{detected, outlined};
use self::volumes::{blood, parts, segmented};
use super::answers::{OutputAnswer, Verdict};
use super::exam::{Exam, Part};
use super::manifest::{CodeSpec, FindingSpec, InputKind, Manifest, Measure, Probability};

/// Findings of one study, and what limits them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantified {
    pub findings: Vec<Finding>,
    pub limitations: Vec<String>,
}

/// A finding with its limitations.
type Quoted = (Finding, Vec<String>);

/// Every finding that the manifest lets the model make.
pub fn quantify(manifest: &Manifest, exam: &Exam, answers: &[OutputAnswer]) -> Result<Quantified, MaskError> {
    let mut quantified = Quantified::default();
    for spec in &manifest.findings {
        let output = manifest.output(&spec.output);
        let answer = answers.iter().find(|answer| answer.name == spec.output);
        let class = answer.and_then(|answer| answer.classes.iter().find(|class| class.class == spec.class));
        let (Some(output), Some(answer), Some(class)) = (output, answer, class) else {
            continue;
        };
        let asked = Asked::of(manifest, &spec.output);
        let threshold = spec.score.unwrap_or(output.threshold);
        let (finding, limitations) = match (&class.verdict, exam.kind, &exam.parts[..]) {
            (Verdict::Score(score), _, _) => (scored(spec, threshold, *score), Vec::new()),
            (Verdict::Lesions { kept, left_out }, _, _) => detected(spec, threshold, exam, kept, *left_out),
            (Verdict::Masks(masks), InputKind::Volume, [part]) => match &masks[..] {
                [mask] => in_volume(&asked, spec, answer, part, mask)?,
                _ => continue,
            },
            (Verdict::Masks(masks), _, _) => {
                thorax::radiograph(&asked, answer, exam, masks, outlined(spec, exam, masks)?)?
            }
        };
        quantified.findings.push(finding);
        for limitation in limitations {
            if !quantified.limitations.contains(&limitation) {
                quantified.limitations.push(limitation);
            }
        }
    }
    Ok(quantified)
}

/// A mask over a stack of slices, by what is asked of it.
fn in_volume(
    asked: &Asked,
    spec: &FindingSpec,
    answer: &OutputAnswer,
    part: &Part,
    mask: &Mask,
) -> Result<Quoted, MaskError> {
    if asked.of_a_head() {
        return Ok(blood(spec, &part.volume, mask));
    }
    let geometry = &part.volume.geometry;
    let parts = parts(asked, geometry, mask)?;
    if asked.of_emboli() {
        return Ok(thorax::emboli(asked, spec, answer, geometry, &parts));
    }
    if asked.has(Measure::OcclusionSegment) {
        return Ok(stroke::occlusion(asked, spec, &part.volume, &parts));
    }
    if asked.has(Measure::Aspects) {
        return stroke::ischaemia(asked, spec, &part.volume, mask, &parts);
    }
    Ok((segmented(asked, spec, geometry, &parts), Vec::new()))
}

/// A finding of this presence, without measurements.
fn finding(spec: &FindingSpec, presence: Presence, operating_point: String) -> Finding {
    Finding {
        code: code(&spec.code),
        site: code(&spec.site),
        presence,
        flagged: presence == Presence::Present,
        probability: None,
        operating_point,
        measurements: Vec::new(),
        evaluations: Vec::new(),
        lesions: Vec::new(),
        lines: Vec::new(),
        key_instance: None,
    }
}

fn present(flagged: bool) -> Presence {
    if flagged {
        Presence::Present
    } else {
        Presence::Absent
    }
}

fn scored(spec: &FindingSpec, threshold: f32, score: f32) -> Finding {
    Finding {
        probability: probability(spec, score),
        ..finding(spec, present(score >= threshold), format!("score ≥ {threshold}"))
    }
}

/// A raw score is not a probability.
fn probability(spec: &FindingSpec, score: f32) -> Option<f64> {
    match spec.probability {
        Probability::Calibrated => Some(f64::from(score)),
        Probability::None => None,
    }
}

fn measurement(code: Code, value: f64, unit: Code) -> Measurement {
    // More digits of a volume than a hundredth of a millilitre would say more than was measured.
    let value = match unit.is(&code::MILLILITER) {
        true => (value * 100.0).round() / 100.0,
        false => value,
    };
    Measurement { code, value, unit }
}

fn code(spec: &CodeSpec) -> Code {
    Code {
        system: spec.system.clone().into(),
        code: spec.value.clone().into(),
        display: spec.meaning.clone().into(),
    }
}
