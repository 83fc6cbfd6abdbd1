//! The words for a result, in one place: page, message, screen and image say the same. Never a patient's name, never a
//! diagnosis, never more than the record holds.

use tocsin_domain::assessment::Judged;
use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Finding, Lesion, Measurement, Presence, ResultRecord, ResultStatus, Statement};

use super::comparison_text;
use super::dataset::decimal;

/// Opens every text that leaves the system.
pub const NOT_A_REPORT: &str = "AI result, NOT a radiologist report.";
/// Drawn into every image that leaves the system, before what a radiologist made of it.
const NOT_FOR_DIAGNOSIS: &str = "AI RESULT - NOT FOR DIAGNOSTIC USE";

/// Drawn into every image of this result that leaves the system.
pub fn stamp(record: &ResultRecord) -> String {
    format!("{NOT_FOR_DIAGNOSIS} - {}", standing(record).to_uppercase())
}

/// What a radiologist made of the result as a whole, in a word.
pub fn standing(record: &ResultRecord) -> &'static str {
    match (record.verified_by(), record.is_confirmed()) {
        (Some(_), _) => "verified",
        (None, true) => "confirmed",
        (None, false) => "unverified",
    }
}

/// What radiologists made of its findings. Their reasons are for this service's own people.
pub fn assessed(record: &ResultRecord) -> Vec<String> {
    let each = record.findings.iter();
    each.filter_map(|finding| assessed_of(record, finding)).collect()
}

/// The same of one finding.
pub(super) fn assessed_of(record: &ResultRecord, finding: &Finding) -> Option<String> {
    let assessed = record.assessment_of(finding)?;
    let judged = match assessed.judged {
        Judged::Confirmed => "confirmed",
        Judged::Verified => "verified",
        Judged::Rejected => "rejected",
    };
    let at = assessed.at.format("%Y-%m-%d %H:%M UTC");
    let (name, by) = (&finding.code.display, &assessed.by);
    Some(format!("{name} {judged} by a radiologist: {by}, {at}."))
}

/// One short line per result: `Suspected intracranial hemorrhage, 24.1 mL, left deep`.
pub fn headline(record: &ResultRecord) -> String {
    match record.findings.as_slice() {
        [] => "No finding was evaluated".to_owned(),
        findings => findings
            .iter()
            .map(finding_headline)
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// One short line per finding.
pub fn finding_headline(finding: &Finding) -> String {
    let name = lower_first(&finding.code.display);
    match (finding.presence, finding.flagged) {
        (Presence::Present, _) => {
            let mut words = vec![format!("Suspected {name}")];
            words.extend(finding.measurement(&code::VOLUME).map(quantity));
            words.extend(finding.lesions.first().map(place));
            words.join(", ")
        }
        (Presence::Undetermined, _) => format!("{} not determined", finding.code.display),
        (Presence::Absent, _) => format!("No {name} flagged"),
    }
}

/// The whole result as a paragraph of plain text: what, how much, where, by whom, within what limits. Messages carry it as
/// it is: no template can shorten it.
pub fn narrative(record: &ResultRecord) -> String {
    let mut sentences = vec![NOT_A_REPORT.to_owned()];
    sentences.extend(status_sentence(record.status).map(str::to_owned));
    sentences.extend(assessed(record));
    for finding in &record.findings {
        sentences.push(headline_sentence(finding));
        sentences.extend(numbers_sentence(finding));
        sentences.extend(finding.lesions.iter().map(lesion_sentence));
        sentences.push(operating_sentence(finding));
    }
    sentences.extend(compared(record));
    sentences.extend(record.statements.iter().map(statement_sentence));
    sentences.push(format!("{}.", model_name(record)));
    sentences.extend(limits(record));
    sentences.join(" ")
}

/// `Model ich 1.0.0`.
pub(super) fn model_name(record: &ResultRecord) -> String {
    format!("Model {} {}", record.model.name, record.model.version)
}

pub(super) fn headline_sentence(finding: &Finding) -> String {
    let headline = finding_headline(finding);
    match finding.presence {
        Presence::Absent => format!("{headline}; this does not exclude it."),
        Presence::Present | Presence::Undetermined => format!("{headline}."),
    }
}

pub(super) fn operating_sentence(finding: &Finding) -> String {
    format!("Operating point: {}.", stop(&finding.operating_point))
}

/// What a reader must know beside the numbers.
pub fn remarks(record: &ResultRecord) -> Vec<String> {
    let mut remarks = vec![NOT_A_REPORT.to_owned()];
    remarks.extend(status_sentence(record.status).map(str::to_owned));
    remarks.extend(assessed(record));
    remarks.extend(compared(record));
    remarks.extend(record.statements.iter().map(statement_sentence));
    remarks.extend(limits(record));
    remarks
}

/// `24.1 mL`.
pub fn quantity(measurement: &Measurement) -> String {
    amount(measurement.value, &measurement.unit.code)
}

/// Whether a UCUM unit is none: it writes what is counted in braces, as `{count}`.
pub fn is_count(unit: &str) -> bool {
    unit.starts_with('{')
}

/// A number with its UCUM unit, as people write it.
pub fn amount(value: f64, unit: &str) -> String {
    match unit {
        count if is_count(count) => decimal(value),
        "mm2" => format!("{} mm²", decimal(value)),
        "cm2" => format!("{} cm²", decimal(value)),
        "mm3" => format!("{} mm³", decimal(value)),
        "cm3" => format!("{} cm³", decimal(value)),
        unit => format!("{} {unit}", decimal(value)),
    }
}

/// `87.5 %`, of a probability.
pub fn percent(probability: f64) -> String {
    format!("{} %", decimal(probability * 100.0))
}

/// `left deep`, `infratentorial`, `bilateral brain ventricle`.
pub fn place(lesion: &Lesion) -> String {
    let region = lower_first(&lesion.location.display);
    match &lesion.laterality {
        Some(side) => format!("{} {region}", lower_first(&side.display)),
        None => region,
    }
}

pub(super) fn status_sentence(status: ResultStatus) -> Option<&'static str> {
    match status {
        ResultStatus::Preliminary => None,
        ResultStatus::Corrected => Some("This replaces an earlier result of the same model on this study."),
        ResultStatus::Withdrawn => Some("WITHDRAWN: do not use this result."),
    }
}

pub(super) fn numbers_sentence(finding: &Finding) -> Option<String> {
    let mut numbers: Vec<String> = finding.measurements.iter().map(named_quantity).collect();
    if let Some(probability) = finding.probability {
        numbers.push(format!("probability {}", percent(probability)));
    }
    let numbers = (!numbers.is_empty()).then(|| format!("{}.", upper_first(&numbers.join(", "))));
    let both: Vec<String> = numbers.into_iter().chain(evaluations_sentence(finding)).collect();
    (!both.is_empty()).then(|| both.join(" "))
}

/// `Most proximal vessel with clot: lobar pulmonary artery; laterality: left.`
fn evaluations_sentence(finding: &Finding) -> Option<String> {
    let each = finding.evaluations.iter();
    let told = each.map(|told| format!("{}: {}", label(&told.code), lower_first(&told.value.display)));
    let told = told.collect::<Vec<_>>().join("; ");
    (!told.is_empty()).then(|| format!("{}.", upper_first(&told)))
}

pub(super) fn lesion_sentence(lesion: &Lesion) -> String {
    let numbers: Vec<String> = lesion.measurements.iter().map(named_quantity).collect();
    let place = place(lesion);
    match numbers.is_empty() {
        true => format!("Lesion {}: {place}.", lesion.number),
        false => format!("Lesion {}: {place}; {}.", lesion.number, numbers.join(", ")),
    }
}

fn named_quantity(measurement: &Measurement) -> String {
    format!("{} {}", label(&measurement.code), quantity(measurement))
}

/// What changed since an earlier study; nothing where none was compared.
pub fn compared(record: &ResultRecord) -> Vec<String> {
    record
        .comparison
        .as_ref()
        .map(comparison_text::sentences)
        .unwrap_or_default()
}

pub(super) fn label(code: &Code) -> String {
    lower_first(&code.display)
}

pub(super) fn statement_sentence(statement: &Statement) -> String {
    format!("{}.", stop(&statement.text))
}

pub(super) fn limits(record: &ResultRecord) -> Vec<String> {
    let limitations = record
        .limitations
        .iter()
        .map(|l| format!("Limitation: {}.", stop(l)));
    let disclaimer = Some(record.model.disclaimer.trim()).filter(|d| !d.is_empty());
    limitations.chain(disclaimer.map(str::to_owned)).collect()
}

fn stop(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

/// Abbreviations keep their capitals.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    match (first, letters.clone().next()) {
        (Some(_), Some(second)) if second.is_uppercase() => text.to_owned(),
        (Some(first), _) => first.to_lowercase().chain(letters).collect(),
        (None, _) => String::new(),
    }
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A location of PV1-3 (point of care, room, bed, facility) for reading; `None` when it says nothing.
pub fn location(field: &str) -> Option<String> {
    let mut parts = field.split('^').map(str::trim);
    let mut next = || parts.next().unwrap_or_default();
    let (point, room, bed) = (next(), next(), next());
    let said = [("", point), ("room ", room), ("bed ", bed)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}{value}"))
        .collect::<Vec<_>>()
        .join(", ");
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use tocsin_domain::finding::Evaluation;

    use super::*;

    #[test]
    fn a_location_is_read_without_its_carets() {
        assert_eq!(location("ER^1^2^GH").as_deref(), Some("ER, room 1, bed 2"));
        assert_eq!(location("ER^^").as_deref(), Some("ER"));
        assert_eq!(location("^^^GH"), None);
    }

    #[test]
    fn what_has_no_number_is_told_after_the_numbers_and_units_in_braces_are_not_shown() {
        let mut finding = crate::testing::bleed().findings.remove(0);
        finding.measurements = vec![Measurement {
            code: code::RV_LV_RATIO,
            value: 1.25,
            unit: code::RATIO,
        }];
        finding.probability = None;
        finding.evaluations = vec![Evaluation {
            code: code::MOST_PROXIMAL_VESSEL,
            value: code::LOBAR_PULMONARY_ARTERY,
        }];
        assert_eq!(
            numbers_sentence(&finding).as_deref(),
            Some("RV/LV diameter ratio 1.25. Most proximal vessel with clot: lobar pulmonary artery.")
        );
    }
}
