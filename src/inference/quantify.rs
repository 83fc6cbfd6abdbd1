//! From a model's answers to findings: the operating point of the manifest decides, the domain measures. Pure.

mod lesions;
mod volumes;

use tocsin_domain::code::Code;
use tocsin_domain::finding::{Finding, Measurement, Presence};
use tocsin_domain::quantify::components::MaskError;

use self::lesions::{detected, outlined};
use self::volumes::{blood, in_the_head, segmented};
use super::answers::{OutputAnswer, Verdict};
use super::exam::Exam;
use super::manifest::{CodeSpec, FindingSpec, InputKind, Manifest, Probability};

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
        let (Some(output), Some(class)) = (output, class) else {
            continue;
        };
        let threshold = spec.score.unwrap_or(output.threshold);
        let (finding, limitations) = match (&class.verdict, exam.kind, &exam.parts[..]) {
            (Verdict::Score(score), _, _) => (scored(spec, threshold, *score), Vec::new()),
            (Verdict::Lesions { kept, left_out }, _, _) => detected(spec, threshold, exam, kept, *left_out),
            (Verdict::Masks(masks), InputKind::Volume, [part]) => match &masks[..] {
                [mask] if in_the_head(manifest, spec) => blood(spec, &part.volume, mask),
                [mask] => (
                    segmented(manifest, spec, mask, &part.volume.geometry)?,
                    Vec::new(),
                ),
                _ => continue,
            },
            (Verdict::Masks(masks), _, _) => outlined(spec, exam, masks)?,
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
        lesions: Vec::new(),
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
    Measurement { code, value, unit }
}

fn code(spec: &CodeSpec) -> Code {
    Code {
        system: spec.system.clone().into(),
        code: spec.value.clone().into(),
        display: spec.meaning.clone().into(),
    }
}
