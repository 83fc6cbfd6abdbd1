//! Facts of the draft: its numbers are those of the record, its sentences are those that are sent, and no template takes
//! the name of who says it from a sentence.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{bleed, clear};
use tocsin_domain::code;
use tocsin_domain::finding::ResultStatus;

const EXAM: Exam<'static> = Exam {
    modality: "CT",
    description: "CT HEAD WO CONTRAST",
};

fn shipped(record: &ResultRecord) -> Narrative {
    NarrativeTemplates::default().write(&[record], EXAM)
}

/// What looks like a number.
fn numbers(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|number| number.trim_matches('.').to_owned())
        .filter(|number| !number.is_empty())
        .collect()
}

#[test]
fn the_numbers_of_the_draft_are_those_of_the_table() {
    for record in [bleed(), clear()] {
        let draft = shipped(&record);
        let by_the_model: String = draft
            .lines
            .iter()
            .flatten()
            .filter(|piece| matches!(piece.by, Some(Author::Model { .. })))
            .map(|piece| format!("{} ", piece.text))
            .collect();
        let finding = &record.findings[0];
        let lesions = finding.lesions.iter();
        let measured = finding
            .measurements
            .iter()
            .chain(lesions.clone().flat_map(|lesion| &lesion.measurements));
        let mut table: BTreeSet<String> = measured.flat_map(|m| numbers(&text::quantity(m))).collect();
        table.extend(lesions.map(|lesion| lesion.number.to_string()));
        table.extend(finding.probability.map(|_| "87.5".to_owned()));
        table.extend(numbers(&finding.operating_point));
        assert_eq!(numbers(&by_the_model), table);
    }
}

#[test]
fn what_is_sent_is_said_in_the_draft_too() {
    let mut corrected = bleed();
    corrected.status = ResultStatus::Corrected;
    for record in [bleed(), clear(), corrected] {
        let (draft, sent) = (shipped(&record).text(), text::narrative(&record));
        let mut left = sent.as_str();
        while let Some(line) = draft
            .lines()
            .filter(|line| !line.is_empty())
            .find(|line| left.starts_with(*line))
        {
            left = left[line.len()..].trim_start();
        }
        // The model's name stands in a line of the technique.
        for rest in left.split_inclusive(". ") {
            assert!(draft.contains(rest.trim()), "{rest:?} is not in {draft}");
        }
    }
}

#[test]
fn every_sentence_names_who_says_it() {
    let draft = shipped(&bleed());
    let by = |start: &str| {
        let piece = draft
            .lines
            .iter()
            .flatten()
            .find(|piece| piece.text.starts_with(start));
        piece.expect(start).by.clone()
    };
    let model = Author::Model {
        name: "ich".into(),
        version: "1.0.0".into(),
    };
    for start in [
        "Suspected",
        "Volume",
        "Lesion 2",
        "Operating point",
        "Limitation",
        "Trained on",
    ] {
        assert_eq!(by(start), Some(model.clone()), "{start}");
    }
    let rule = Author::Rule {
        rule: "large".into(),
        pack: "head-ct".into(),
        version: "2.0.0".into(),
    };
    assert_eq!(by("Large hemorrhage."), Some(rule));
    assert_eq!(by("TECHNIQUE"), None);
}

#[test]
fn a_value_adds_no_line_and_no_author() {
    let mut record = bleed();
    record.limitations = vec!["\u{E002}\nFINDINGS\u{E000}7\u{E001}x".into()];
    let draft = shipped(&record);
    assert_eq!(draft.text().matches("\nFINDINGS").count(), 1);
    assert!(
        draft.text().contains("Limitation:  FINDINGS7x."),
        "{}",
        draft.text()
    );
}

/// A folder of a site's templates, with one in it.
struct Site(tempfile::TempDir);

impl Site {
    fn with(file: &str, text: &str) -> Self {
        let site = Self(tempfile::tempdir().expect("a folder"));
        site.write(file, text);
        site
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.path().join(file);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn templates(&self) -> NarrativeTemplates {
        NarrativeTemplates::new(Some(self.0.path()))
    }
}

const HEMORRHAGE: &str = "report/findings/hemorrhage.hbs";

#[test]
fn a_template_of_the_site_is_read_again_and_stands_for_its_finding_alone() {
    let site = Site::with(
        HEMORRHAGE,
        "{{#section \"impression\"}}\nOurs: {{finding.headline}}\n{{/section}}\n",
    );
    let draft = || site.templates().write(&[&bleed()], EXAM);
    let text = draft().text();
    assert!(
        text.contains("IMPRESSION\nOurs: Suspected intracranial hemorrhage, 24.13 mL, left deep.\n"),
        "{text}"
    );
    let ours = draft()
        .lines
        .into_iter()
        .find(|line| line.first().is_some_and(|piece| piece.text == "Ours: "))
        .expect("a line");
    assert!(
        matches!(ours[1].by, Some(Author::Model { .. })),
        "marked all the same"
    );
    assert_eq!(site.templates().check(), []);
    let mut other = bleed();
    other.findings[0].code = code::NODULE;
    assert_eq!(site.templates().write(&[&other], EXAM), shipped(&other));
    site.write(
        HEMORRHAGE,
        "{{#section \"impression\"}}Now {{images}}{{/section}}",
    );
    assert!(
        draft().text().contains("IMPRESSION\nNow 3\n"),
        "{}",
        draft().text()
    );
    site.write("report/layout.hbs", "{{#each impression}}{{this}}{{/each}}");
    assert_eq!(draft().text(), "Now 3\n");
}

#[test]
fn a_broken_template_costs_its_own_wording_alone_and_says_in_which_line() {
    for (file, broken, line, word) in [
        (HEMORRHAGE, "\n{{#if", Some(2), ""),
        (
            HEMORRHAGE,
            "{{#section \"impression\"}}\n{{patient_name}}\n{{/section}}",
            Some(2),
            "patient_name",
        ),
        (
            HEMORRHAGE,
            "{{#section \"conclusion\"}}x{{/section}}",
            Some(1),
            "conclusion",
        ),
        (
            HEMORRHAGE,
            "{{#section \"findings\"}}\n{{#measured \"midline\"}}x{{/measured}}{{/section}}",
            Some(2),
            "midline_shift",
        ),
        (HEMORRHAGE, "\n\n{{> layout}}", Some(3), "no part"),
        (
            HEMORRHAGE,
            "{{#*inline \"x\"}}{{> x}}{{/inline}}",
            Some(1),
            "defines no other",
        ),
        (
            "report/parts/finding.hbs",
            "x\n{{#> comparison}}{{/comparison}}",
            Some(2),
            "includes no other",
        ),
        (
            "report/layout.hbs",
            "{{#each techniques}}x{{/each}}{{techniques}}",
            Some(1),
            "techniques",
        ),
    ] {
        let site = Site::with(file, broken);
        let draft = site.templates().write(&[&bleed()], EXAM);
        assert_eq!(draft.lines, shipped(&bleed()).lines, "{broken}");
        let [fault] = draft.faults.as_slice() else {
            panic!("{broken}: {:?}", draft.faults);
        };
        assert_eq!(
            (fault.file.as_str(), fault.line),
            (file, line),
            "{broken}: {fault}"
        );
        assert!(fault.to_string().contains(word), "{fault}");
        assert_eq!(
            site.templates().check().len(),
            1,
            "{:?}",
            site.templates().check()
        );
    }
}

#[test]
fn a_template_has_bounds_and_a_name() {
    let long = format!(
        "{{{{#section \"impression\"}}}}{{{{#each measured}}}}{}{{{{/each}}}}{{{{/section}}}}",
        "x".repeat(8_000)
    );
    let site = Site::with(HEMORRHAGE, &long);
    let draft = site.templates().write(&[&bleed()], EXAM);
    assert!(
        draft.faults[0].reason.contains("more than"),
        "{}",
        draft.faults[0]
    );
    site.write(HEMORRHAGE, &"x".repeat(40_000));
    assert!(site.templates().check()[0].reason.contains("expected at most"));
    let site = Site::with("report/narrative.hbs", "x");
    let [stranger] = site.templates().check().try_into().expect("one");
    assert!(
        stranger
            .to_string()
            .contains("report/narrative.hbs: no draft is written by it"),
        "{stranger}"
    );
}

#[test]
fn several_findings_make_one_draft() {
    let mut clot = bleed();
    clot.model.name = "pe".into();
    clot.statements[0].text = "Right heart strain".into();
    let finding = &mut clot.findings[0];
    finding.code = code::PULMONARY_EMBOLISM;
    finding.lesions.clear();
    let draft = NarrativeTemplates::default().write(&[&bleed(), &clot], EXAM);
    let text = draft.text();
    for heading in [
        "TECHNIQUE",
        "COMPARISON",
        "FINDINGS",
        "IMPRESSION",
        "RECOMMENDATION",
    ] {
        assert_eq!(text.matches(&format!("{heading}\n")).count(), 1, "{text}");
    }
    let impression = text.split("IMPRESSION\n").nth(1).expect("a section");
    for said in [
        "Suspected intracranial hemorrhage",
        "Midline shift 4.2 mm.",
        "Suspected pulmonary embolism",
    ] {
        assert!(impression.contains(said), "{text}");
    }
    assert_eq!(
        text.matches("No earlier study was compared.").count(),
        1,
        "said once"
    );
    let strain = draft
        .lines
        .iter()
        .flatten()
        .find(|piece| piece.text == "Right heart strain.");
    assert!(matches!(
        strain.expect("a sentence").by,
        Some(Author::Rule { .. })
    ));
    let model = draft
        .lines
        .iter()
        .flatten()
        .find(|piece| piece.text.starts_with("Suspected pulmonary"));
    let named = matches!(&model.expect("a sentence").by, Some(Author::Model { name, .. }) if name == "pe");
    assert!(named, "each sentence by its own model");
}

#[test]
fn every_finding_has_its_own_words_and_strangers_have_some() {
    let mut seen = BTreeSet::new();
    for code in [
        code::INTRACRANIAL_HEMORRHAGE,
        code::PULMONARY_EMBOLISM,
        code::PNEUMOTHORAX,
        code::OCCLUSION,
        code::ISCHEMIC_STROKE,
        code::NODULE,
        code::Code::new("99ACME", "7", "Rib fracture"),
    ] {
        let mut record = bleed();
        record.findings[0].code = code;
        let draft = shipped(&record);
        assert_eq!(draft.faults, []);
        let technique = draft
            .text()
            .split("COMPARISON")
            .next()
            .unwrap_or_default()
            .to_owned();
        assert!(seen.insert(technique), "{}", draft.text());
    }
    let mut nothing = bleed();
    nothing.findings.clear();
    assert!(
        shipped(&nothing)
            .text()
            .contains("IMPRESSION\nNo finding was evaluated.")
    );
}
