//! Which answers of an archive are taken, and why the others are not.

use super::*;
use crate::phi::Phi;

const BOUNDS: Bounds = Bounds {
    studies: 2,
    years: 5,
    instances: 100,
};

fn number(value: &str, authority: &str) -> PatientIdentifier {
    PatientIdentifier {
        value: value.into(),
        authority: authority.into(),
    }
}

fn anna() -> Demographics {
    Demographics {
        name: Some(Phi::from("Meier^Anna")),
        birth_date: Some(Phi::from("19610304")),
        sex: Some(Phi::from("F")),
    }
}

fn wanted() -> Wanted {
    Wanted {
        study_uid: Uid::parse("1.9").unwrap(),
        patient: number("P1", "GH"),
        demographics: anna(),
        date: "20251201".into(),
        time: Some("101500".into()),
        modality: "DX".into(),
        body_part: "CHEST".into(),
    }
}

fn study(uid: &str, date: &str) -> Described {
    Described {
        study_uid: Uid::parse(uid).unwrap(),
        patient: Some(number("P1", "")),
        demographics: anna(),
        date: Some(date.into()),
        time: None,
        modalities: vec!["CR".into(), "SR".into()],
        series: vec![
            series(uid, "CR", "THORAX", 2),
            series(&format!("{uid}.8"), "SR", "", 1),
        ],
    }
}

fn series(of: &str, modality: &str, body_part: &str, instances: u32) -> DescribedSeries {
    DescribedSeries {
        series_uid: Uid::parse(&format!("{of}.1")).unwrap(),
        modality: modality.into(),
        body_part: body_part.into(),
        instances: Some(instances),
    }
}

#[test]
fn the_newest_earlier_studies_of_the_same_part_are_fetched_without_their_reports() {
    let found = [
        study("1.1", "20240101"),
        study("1.2", "20250601"),
        study("1.3", "20230101"),
    ];
    let choice = choose(&found, &wanted(), &BOUNDS);
    let uids: Vec<&str> = choice.fetch.iter().map(|c| c.study_uid.as_str()).collect();
    assert_eq!(uids, ["1.2", "1.1"]);
    assert_eq!(choice.left_out, [LeftOut::Enough]);
    assert_eq!(choice.fetch[0].series, [Uid::parse("1.2.1").unwrap()]);
}

#[test]
fn what_an_archive_answers_beyond_the_question_is_left_out_with_a_reason() {
    let changed = |change: fn(&mut Described)| {
        let mut found = study("1.2", "20250601");
        change(&mut found);
        found
    };
    let table: [(Described, LeftOut); 11] = [
        (
            changed(|s| s.study_uid = Uid::parse("1.9").unwrap()),
            LeftOut::Itself,
        ),
        (
            changed(|s| s.patient = Some(number("P2", ""))),
            LeftOut::OtherPatient,
        ),
        (
            changed(|s| s.patient = Some(number("P1", "OTHER"))),
            LeftOut::OtherPatient,
        ),
        (changed(|s| s.patient = None), LeftOut::OtherPatient),
        (
            changed(|s| s.demographics.birth_date = Some(Phi::from("19700101"))),
            LeftOut::Contradicts(Contradiction::BirthDate),
        ),
        (changed(|s| s.date = None), LeftOut::WithoutDate),
        (changed(|s| s.date = Some("20251202".into())), LeftOut::NotEarlier),
        (changed(|s| s.date = Some("20251201".into())), LeftOut::NotEarlier),
        (changed(|s| s.date = Some("20201130".into())), LeftOut::TooOld),
        (
            changed(|s| s.modalities = vec!["CT".into()]),
            LeftOut::OtherModality,
        ),
        (
            changed(|s| s.series[0].body_part = "HAND".into()),
            LeftOut::OtherBodyPart,
        ),
    ];
    for (found, reason) in table {
        let choice = choose(std::slice::from_ref(&found), &wanted(), &BOUNDS);
        assert_eq!(choice.left_out.first(), Some(&reason), "{reason:?}");
        assert!(choice.fetch.is_empty());
    }
}

#[test]
fn five_years_to_the_day_are_not_too_old() {
    let choice = choose(&[study("1.2", "20201201")], &wanted(), &BOUNDS);
    assert_eq!(choice.fetch.len(), 1);
}

#[test]
fn on_one_day_the_time_decides() {
    let mut earlier = study("1.2", "20251201");
    earlier.time = Some("0900".into());
    assert_eq!(choose(&[earlier.clone()], &wanted(), &BOUNDS).fetch.len(), 1);
    earlier.time = Some("111500.5".into());
    assert_eq!(
        choose(&[earlier], &wanted(), &BOUNDS).left_out,
        [LeftOut::NotEarlier]
    );
}

#[test]
fn images_are_bounded_over_all_studies() {
    let mut large = study("1.2", "20250601");
    large.series[0].instances = Some(99);
    let choice = choose(&[large, study("1.1", "20240101")], &wanted(), &BOUNDS);
    assert_eq!(
        (choice.fetch.len(), choice.left_out),
        (1, vec![LeftOut::TooLarge])
    );
}

#[test]
fn an_identifier_that_would_be_a_pattern_is_not_asked_for() {
    for bad in ["", " ", "P*", "P?1", "P1\\P2", "P\u{7}"] {
        assert!(!can_be_asked_for(bad), "{bad:?}");
    }
    assert!(can_be_asked_for("PHANTOM-5"));
}
