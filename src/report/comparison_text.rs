//! The words for a comparison with an earlier study: what became of each finding, by how much, and within which error.

use tocsin_domain::code;
use tocsin_domain::comparison::course::{Course, Trend};
use tocsin_domain::comparison::pairing::LesionChange;
use tocsin_domain::comparison::{Comparison, FindingChange, MeasuredChange};

use super::dataset::decimal;
use super::text::{amount, label};

/// One sentence that says with what, then one for each finding, and for each lesion where there are several.
pub fn sentences(comparison: &Comparison) -> Vec<String> {
    let days = decimal(comparison.interval_days.round());
    let version = comparison.model_version.as_ref();
    let version = version.map(|v| format!(", measured by version {v} of the model"));
    let mut sentences = vec![format!(
        "Compared with the study of {} ({days} days earlier{}).",
        comparison.taken_on,
        version.unwrap_or_default()
    )];
    for change in &comparison.findings {
        sentences.push(finding(change));
        let several = change.lesions.len() > 1;
        sentences.extend(change.lesions.iter().filter(|_| several).map(lesion));
    }
    sentences
}

/// `Solitary nodule of lung: grown; largest axial diameter 18 mm then, 23 mm now (+5 mm, +28 %, error of measurement 2 mm);
/// doubling time of the volume 173 days.`
fn finding(change: &FindingChange) -> String {
    let mut parts = vec![format!("{}: {}", change.finding.display, change.course.text())];
    if matches!(
        change.course,
        Course::Grown | Course::Shrunk | Course::Unchanged | Course::Persists
    ) {
        parts.extend(change.measurements.iter().filter_map(measured));
    }
    let doubling = change.doubling_days();
    parts.extend(doubling.map(|days| format!("doubling time of the volume {} days", decimal(days.round()))));
    format!("{}.", parts.join("; "))
}

fn lesion(change: &LesionChange) -> String {
    let name = match (change.now, change.before) {
        (Some(now), Some(before)) => format!("Lesion {now}, then lesion {before}"),
        (Some(now), None) => format!("Lesion {now}"),
        (None, Some(before)) => format!("Lesion {before} of then"),
        (None, None) => "A lesion".to_owned(),
    };
    let mut parts = vec![format!("{name}: {}", change.course.text())];
    parts.extend(change.measurements.iter().filter_map(measured));
    format!("{}.", parts.join("; "))
}

/// `None` of what cannot be compared.
fn measured(change: &MeasuredChange) -> Option<String> {
    let amount = |value: f64| amount(value, &change.unit.code);
    let delta = change.now - change.before;
    let (sign, percent) = (
        if delta > 0.0 { "+" } else { "" },
        change.percent.map(|percent| format!(", {percent:+.0} %")),
    );
    let words = match change.trend {
        Trend::NotComparable => return None,
        // As many as before: nothing to tell.
        Trend::WithinError if change.unit.is(&code::COUNT) => return None,
        Trend::WithinError => "unchanged within measurement error, ",
        Trend::Larger | Trend::Smaller => "",
    };
    Some(format!(
        "{} {words}{} then, {} now ({sign}{}{}, error of measurement {})",
        label(&change.measurement),
        amount(change.before),
        amount(change.now),
        amount(rounded(delta)),
        percent.unwrap_or_default(),
        amount((change.error * 10.0).round() / 10.0)
    ))
}

/// Hundredths: what the subtraction of rounded numbers adds behind them says nothing.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use tocsin_domain::code::{self, Code};
    use tocsin_domain::ids::{ResultId, StudyId};
    use uuid::Uuid;

    use super::*;

    fn nodule(now: f64, trend: Trend, course: Course) -> Comparison {
        Comparison {
            study: StudyId(Uuid::nil()),
            result: ResultId(Uuid::nil()),
            taken_at: tocsin_domain::clock::from_micros(0),
            taken_on: "2025-06-01".to_owned(),
            interval_days: 183.02,
            model_version: None,
            registered: None,
            findings: vec![FindingChange {
                finding: Code::new("SCT", "427359005", "Solitary nodule of lung"),
                course,
                measurements: vec![MeasuredChange {
                    measurement: code::LARGEST_DIAMETER,
                    unit: code::MILLIMETER,
                    before: 18.0,
                    now,
                    percent: Some((now - 18.0) / 18.0 * 100.0),
                    error: 2.0,
                    trend,
                    doubling_days: (trend == Trend::Larger).then_some(172.5),
                }],
                lesions: Vec::new(),
            }],
        }
    }

    #[test]
    fn growth_is_told_with_its_error_and_doubling_time() {
        assert_eq!(
            sentences(&nodule(23.0, Trend::Larger, Course::Grown)),
            [
                "Compared with the study of 2025-06-01 (183 days earlier).",
                "Solitary nodule of lung: grown; largest axial diameter 18 mm then, 23 mm now (+5 mm, +28 %, error of \
                 measurement 2 mm); doubling time of the volume 173 days."
            ]
        );
    }

    #[test]
    fn what_is_within_the_error_is_called_so() {
        let said = sentences(&nodule(19.0, Trend::WithinError, Course::Unchanged)).join(" ");
        assert!(
            said.contains("unchanged within measurement error, 18 mm then, 19 mm now"),
            "{said}"
        );
        assert!(!said.contains("doubling"), "{said}");
    }

    #[test]
    fn what_is_new_has_no_numbers_to_compare() {
        let said = sentences(&nodule(23.0, Trend::Larger, Course::New)).join(" ");
        assert!(said.ends_with("Solitary nodule of lung: new."), "{said}");
    }
}
