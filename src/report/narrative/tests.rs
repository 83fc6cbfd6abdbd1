//! Facts of the draft: its numbers are those of the record, its sentences are those that are sent, and no template takes
//! the name of who says it from a sentence.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{bleed, clear};
use tocsin_domain::finding::ResultStatus;

const EXAM: Exam<'static> = Exam {
    modality: "CT",
    description: "CT HEAD WO CONTRAST",
};

fn shipped(record: &ResultRecord) -> Narrative {
    NarrativeTemplate::default().write(record, EXAM)
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

#[test]
fn a_template_of_the_site_is_read_again_and_a_broken_one_costs_its_wording_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("report")).expect("made");
    let write = |text: &str| std::fs::write(folder.path().join(SITE), text).expect("written");
    let template = NarrativeTemplate::new(Some(folder.path()));
    let draft = || template.write(&bleed(), EXAM);
    assert_eq!(draft(), shipped(&bleed()), "ours where the site has none");

    write("Ours: {{#each findings}}{{headline}}{{/each}}");
    assert_eq!(
        draft().text(),
        "Ours: Suspected intracranial hemorrhage, 24.13 mL, left deep.\n"
    );
    assert!(
        matches!(draft().lines[0][1].by, Some(Author::Model { .. })),
        "marked all the same"
    );
    write("Now {{images}}");
    assert_eq!((draft().text().as_str(), template.check()), ("Now 3\n", Ok(())));

    for (broken, word) in [("{{patient_name}}", "patient_name"), ("{{#if", "")] {
        write(broken);
        let draft = draft();
        assert_eq!(draft.lines, shipped(&bleed()).lines);
        let fault = draft.fault.expect("a fault").to_string();
        assert!(fault.contains(SITE) && fault.contains(word), "{fault}");
        assert!(template.check().is_err());
    }
}
