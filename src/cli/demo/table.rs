//! A round's outcome as text for a terminal. It decides nothing.

use super::outcome::{Outcome, StudyOutcome};

pub fn render(outcome: &Outcome) -> String {
    let mut text = String::new();
    for study in &outcome.studies {
        text.push_str(&stages(study));
    }
    text.push('\n');
    for check in &outcome.checks {
        let mark = if check.ok { "ok      " } else { "MISSING " };
        text.push_str(&format!("{mark} {} ({})\n", check.name, check.detail));
    }
    text
}

fn stages(study: &StudyOutcome) -> String {
    let mut text = format!(
        "\n{} study {}, {:.1} mL of blood in the phantom\n{:>12}{:>12}  stage\n",
        study.kind.text(),
        study.accession,
        study.truth_ml,
        "ms",
        "total ms"
    );
    for stage in &study.stages {
        text.push_str(&format!(
            "{:>12.0}{:>12.0}  {} {}\n",
            stage.ms, stage.since_first_image_ms, stage.stage, stage.detail
        ));
    }
    for finding in study.findings.iter().filter(|finding| finding.flagged) {
        for measurement in &finding.measurements {
            text.push_str(&format!(
                "{:>24}  {} {:.1} {}\n",
                "", measurement.display, measurement.value, measurement.unit
            ));
        }
    }
    text
}
