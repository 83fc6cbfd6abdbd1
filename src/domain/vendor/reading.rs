//! From what a product told to the findings of a result. Presence is never guessed: where the product leaves it open and the
//! site has given no rule, the finding is undetermined and says why.

use super::meaning::{Known, Meaning};
use super::part::{self, Part};
use super::product::Product;
use super::{Told, Value};
use crate::code::{self, Code};
use crate::finding::{Evaluation, Finding, Lesion, Measurement, Presence};
use crate::ids::Uid;

/// Statements of one document that are read.
pub const MOST_GROUPS: usize = 500;
/// Things not understood that are named one by one.
const MOST_MISSED: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub findings: Vec<Finding>,
    pub not_understood: Vec<String>,
}

/// What decided on presence, in words.
struct Decided {
    presence: Presence,
    by: String,
}

pub fn read(told: &Told, product: &Product) -> Reading {
    let mut missed = told.not_understood.clone();
    let groups = told.groups.iter().take(MOST_GROUPS);
    let parts: Vec<Part> = groups
        .filter_map(|group| part::of(group, product, &mut missed))
        .collect();
    let mut kinds: Vec<Meaning> = Vec::new();
    for part in &parts {
        if !kinds.contains(&part.meaning) {
            kinds.push(part.meaning);
        }
    }
    let findings = kinds.into_iter().filter_map(|kind| {
        let own: Vec<&Part> = parts.iter().filter(|part| part.meaning == kind).collect();
        Some(finding(kind.finding()?, &own, product))
    });
    let findings = findings.collect();
    let more = missed.len().saturating_sub(MOST_MISSED);
    missed.truncate(MOST_MISSED);
    missed.extend((more > 0).then(|| format!("{more} more")));
    Reading {
        findings,
        not_understood: missed,
    }
}

fn finding(known: Known, parts: &[&Part], product: &Product) -> Finding {
    let (regions, whole): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.is_region);
    let decided = decide(&whole, &regions, product);
    let score = parts.iter().filter_map(|part| part.score).reduce(f64::max);
    let outlined = regions
        .iter()
        .filter(|part| part.presence != Some(Presence::Absent));
    let lesions: Vec<Lesion> = outlined
        .zip(1..)
        .map(|(part, number)| lesion(part, number, &known))
        .collect();
    // What is said of the only lesion is said of the finding.
    let measured = match (whole.as_slice(), regions.as_slice()) {
        ([], [only]) => vec![*only],
        _ => whole.clone(),
    };
    let mut measurements: Vec<Measurement> = measured
        .iter()
        .flat_map(|part| part.measurements.clone())
        .collect();
    if let (Some(score), false) = (score, product.calibrated) {
        measurements.push(Measurement {
            code: code::CERTAINTY,
            value: score * 100.0,
            unit: code::PERCENT,
        });
    }
    Finding {
        flagged: decided.presence == Presence::Present,
        presence: decided.presence,
        probability: score.filter(|_| product.calibrated),
        operating_point: decided.by,
        measurements,
        evaluations: evaluations(parts),
        lesions,
        lines: Vec::new(),
        key_instance: parts.iter().find_map(|part| part.images.first().cloned()),
        code: known.code,
        site: known.site,
    }
}

/// Its own word first; then the site's threshold; then what it outlines.
fn decide(whole: &[&Part], regions: &[&Part], product: &Product) -> Decided {
    let all = || whole.iter().chain(regions);
    let said: Vec<Presence> = all().filter_map(|part| part.presence).collect();
    let strongest = [Presence::Present, Presence::Undetermined, Presence::Absent];
    if let Some(presence) = strongest.into_iter().find(|one| said.contains(one)) {
        return Decided {
            presence,
            by: format!("as told by {}", product.manufacturer),
        };
    }
    let score = all().filter_map(|part| part.score).reduce(f64::max);
    if let Some((score, threshold)) = score.zip(product.threshold) {
        return Decided {
            presence: match score >= threshold {
                true => Presence::Present,
                false => Presence::Absent,
            },
            by: format!("score ≥ {threshold}"),
        };
    }
    if !regions.is_empty() || product.names_only_what_it_found {
        return Decided {
            presence: Presence::Present,
            by: format!("named by {}", product.manufacturer),
        };
    }
    Decided {
        presence: Presence::Undetermined,
        by: match score {
            Some(_) => "a score without a word on presence, and no threshold is configured".to_owned(),
            None => "the product does not say whether it is present".to_owned(),
        },
    }
}

fn lesion(part: &Part, number: u32, known: &Known) -> Lesion {
    let location = part.place.clone().or_else(|| part.site.clone());
    Lesion {
        number,
        location: location.unwrap_or_else(|| known.site.clone()),
        laterality: part.laterality.clone(),
        measurements: part.measurements.clone(),
        key_instance: part.images.first().cloned(),
        centre_mm: None,
    }
}

/// Under the names by which rules know them: the side, and the segment that is occluded.
fn evaluations(parts: &[&Part]) -> Vec<Evaluation> {
    let mut all: Vec<Evaluation> = parts.iter().flat_map(|part| part.evaluations.clone()).collect();
    let mut add = |code: Code, value: Code| {
        let told = Evaluation { code, value };
        if !all.contains(&told) {
            all.push(told);
        }
    };
    let sides: Vec<Code> = [code::LEFT, code::RIGHT, code::BILATERAL]
        .into_iter()
        .filter(|side| {
            parts
                .iter()
                .any(|part| part.laterality.as_ref().is_some_and(|l| l.is(side)))
        })
        .collect();
    match sides.as_slice() {
        [] => {}
        [one] => add(code::LATERALITY, one.clone()),
        [_, _, ..] => add(code::LATERALITY, code::BILATERAL),
    }
    for segment in [code::TERMINAL_CAROTID, code::M1_SEGMENT, code::M2_SEGMENT] {
        let here = |part: &&Part| part.site.as_ref().is_some_and(|site| site.is(&segment));
        if parts
            .iter()
            .any(|part| here(part) && part.meaning == Meaning::VesselOcclusion)
        {
            add(code::OCCLUDED_SEGMENT, segment.clone());
        }
    }
    all
}

impl Told {
    /// Every image that it names.
    pub fn images(&self) -> Vec<Uid> {
        let mut all = self.instance_uids.clone();
        for uid in self.groups.iter().flat_map(|group| &group.images) {
            if !all.contains(uid) {
                all.push(uid.clone());
            }
        }
        all
    }

    /// Whether anything in it could be a finding.
    pub fn is_empty(&self) -> bool {
        let blank = |value: &Value| matches!(value, Value::Text(_) | Value::Nothing);
        self.groups.iter().all(|group| {
            group.finding.is_none()
                && group
                    .said
                    .iter()
                    .all(|said| blank(&said.value) && said.flag.is_empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::product::testing::product;
    use super::super::{Group, Said, Speaker, Subject, Word};
    use super::*;

    fn code(system: &str, value: &str) -> Code {
        Code {
            system: system.to_owned().into(),
            code: value.to_owned().into(),
            display: "as sent".into(),
        }
    }

    fn said(system: &str, value: &str, told: Value) -> Said {
        Said {
            concept: code(system, value),
            value: told,
            flag: String::new(),
            probability: None,
        }
    }

    fn number(value: f64, unit: &str) -> Value {
        Value::Number {
            value,
            unit: Some(code("UCUM", unit)),
        }
    }

    fn group(finding: Option<Code>, said: Vec<Said>) -> Group {
        Group {
            place: "1.2".into(),
            finding,
            said,
            ..Group::default()
        }
    }

    fn told(groups: Vec<Group>) -> Told {
        Told {
            by: Speaker::default(),
            word: Word::Result,
            study: Subject::default(),
            groups,
            series_uid: None,
            instance_uids: Vec::new(),
            report: None,
            not_understood: Vec::new(),
            at: crate::clock::from_micros(0),
        }
    }

    const ICH: (&str, &str) = ("SCT", "1386000");

    #[test]
    fn presence_is_what_the_product_said_else_what_the_site_decided_else_open() {
        let bleed = || Some(code(ICH.0, ICH.1));
        let score = || said("DCM", "111012", number(70.0, "%"));
        let presence = |value| said("SCT", "705057003", Value::Coded(code("SCT", value)));
        let flag = |flag: &str| Said {
            flag: flag.into(),
            ..said(ICH.0, ICH.1, Value::Nothing)
        };
        let region = Group {
            is_region: true,
            ..group(bleed(), vec![])
        };
        for (name, one, threshold, expected) in [
            (
                "coded",
                group(bleed(), vec![presence("52101004")]),
                None,
                Presence::Present,
            ),
            (
                "absent",
                group(bleed(), vec![presence("2667000"), score()]),
                Some(0.5),
                Presence::Absent,
            ),
            (
                "score",
                group(bleed(), vec![score()]),
                Some(0.5),
                Presence::Present,
            ),
            ("low", group(bleed(), vec![score()]), Some(0.8), Presence::Absent),
            (
                "no threshold",
                group(bleed(), vec![score()]),
                None,
                Presence::Undetermined,
            ),
            (
                "nothing",
                group(bleed(), vec![]),
                Some(0.5),
                Presence::Undetermined,
            ),
            ("outlined", region, None, Presence::Present),
            ("flag", group(None, vec![flag("AA")]), None, Presence::Present),
            ("normal", group(None, vec![flag("N")]), None, Presence::Absent),
            (
                "word",
                group(None, vec![said(ICH.0, ICH.1, Value::Text("Negative".into()))]),
                None,
                Presence::Absent,
            ),
        ] {
            let product = Product {
                threshold,
                ..product()
            };
            let reading = read(&told(vec![one]), &product);
            assert_eq!(reading.findings.len(), 1, "{name}");
            assert_eq!(reading.findings[0].presence, expected, "{name}");
            assert_eq!(
                reading.findings[0].flagged,
                expected == Presence::Present,
                "{name}"
            );
            assert!(
                reading.not_understood.is_empty(),
                "{name}: {:?}",
                reading.not_understood
            );
        }
    }

    #[test]
    fn numbers_come_in_our_units_and_a_score_is_no_probability_unless_the_site_says_so() {
        let rows = vec![
            said(ICH.0, ICH.1, Value::Coded(code("DCM", "121053"))),
            said("SRT", "G-D705", number(1640.0, "mm3")),
            said("99RADELEMENT", "RDE165", number(0.42, "cm")),
            said("DCM", "111012", number(93.7, "%")),
            said("99ACME", "HU", number(61.0, "[hnsf'U]")),
        ];
        let document = told(vec![group(None, rows)]);
        let found = &read(&document, &product()).findings[0];
        let value = |c: &Code| found.measurement(c).map(|m| (m.value, m.unit.code.as_ref()));
        assert_eq!(value(&code::VOLUME), Some((1.64, "mL")));
        assert_eq!(value(&code::MIDLINE_SHIFT), Some((4.2, "mm")));
        assert_eq!(value(&code::CERTAINTY), Some((93.7, "%")));
        assert_eq!(
            value(&code("99ACME", "HU")),
            Some((61.0, "[hnsf'U]")),
            "kept as it is"
        );
        assert_eq!(found.probability, None);
        let calibrated = Product {
            calibrated: true,
            ..product()
        };
        let found = &read(&document, &calibrated).findings[0];
        assert_eq!(
            (found.probability, found.measurement(&code::CERTAINTY)),
            (Some(0.937), None)
        );
    }

    #[test]
    fn lesions_are_kept_apart_and_say_the_side() {
        let lesion = |side: &str, volume: f64| Group {
            is_region: true,
            laterality: Some(code("SRT", side)),
            site: Some(code("SCT", "35764002")),
            ..group(
                Some(code("SCT", "274100004")),
                vec![said("SCT", "118565006", number(volume, "mL"))],
            )
        };
        let whole = group(
            Some(code(ICH.0, ICH.1)),
            vec![said("SCT", "118565006", number(9.0, "mL"))],
        );
        let both = read(
            &told(vec![whole, lesion("G-A101", 5.0), lesion("G-A100", 4.0)]),
            &product(),
        );
        let found = &both.findings[0];
        assert_eq!((both.findings.len(), found.lesions.len()), (1, 2));
        assert_eq!(found.measurement(&code::VOLUME).map(|m| m.value), Some(9.0));
        assert!(found.lesions[0].location.is(&code::BRAIN_VENTRICLE));
        assert!(found.evaluated(&code::LATERALITY)[0].is(&code::BILATERAL));
        let alone = read(&told(vec![lesion("G-A101", 5.0)]), &product());
        assert_eq!(
            alone.findings[0].measurement(&code::VOLUME).map(|m| m.value),
            Some(5.0)
        );
    }

    #[test]
    fn what_is_not_known_is_named_and_never_guessed() {
        let unknown = group(Some(code("99ACME", "FRACTURE")), vec![]);
        let wrong_unit = group(
            Some(code(ICH.0, ICH.1)),
            vec![
                said("SCT", "118565006", number(9.0, "mm")),
                said("DCM", "111012", number(9.0, "mm")),
            ],
        );
        let reading = read(&told(vec![unknown, wrong_unit]), &product());
        assert_eq!(reading.findings.len(), 1);
        assert_eq!(
            reading.not_understood,
            [
                "finding code FRACTURE of scheme 99ACME (as sent) is not mapped (1.2)",
                "SCT 118565006 (as sent): a unit that does not measure this (1.2)",
                "DCM 111012 (as sent): expected a score in percent, or from 0 to 1 without a unit (1.2)",
            ]
        );
        let mapped = Product {
            codes: vec![(code("99ACME", "FRACTURE"), Meaning::Pneumothorax)],
            ..product()
        };
        let reading = read(
            &told(vec![group(Some(code("99ACME", "FRACTURE")), vec![])]),
            &mapped,
        );
        assert_eq!(reading.findings.len(), 1, "the site's own table goes first");
    }
}
