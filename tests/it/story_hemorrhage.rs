//! What the product is for, from the order to the person who was told: a hemorrhage goes to the top, everybody hears of it,
//! and the same images without one change nothing.

use chrono::TimeDelta;
use tocsin::api::found::{self, Standing};
use tocsin::cli::demo::archive::Kind;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::analyses::AnalysisState;
use tocsin_domain::code;
use tocsin_domain::worklist::Band;

use crate::hospital::{Setup, everywhere};

#[tokio::test(flavor = "multi_thread")]
async fn a_hemorrhage_goes_to_the_top_and_everybody_hears_of_it() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(11, HeadFinding::Intraparenchymal, Priority::Routine);
        assert_eq!(hospital.order(&visit).await, "AA");
        hospital.scan(&visit).await;
        hospital.settle().await;

        let item = hospital.item().await;
        assert_eq!((item.link.as_str(), item.band), ("linked", Band::Critical));
        let ai = &item.ai[0];
        assert_eq!((ai.model.as_str(), ai.state), ("ich", AnalysisState::Flagged));
        let volume = ai.findings[0]
            .measurements
            .iter()
            .find(|m| m.code == code::VOLUME.code)
            .unwrap();
        assert!((20.0..40.0).contains(&volume.value), "{} mL of 30", volume.value);
        let said: Vec<&str> = item.reasons.iter().map(|r| r.text.as_str()).collect();
        assert!(said.contains(&"Ordered with priority R"), "{said:?}");
        assert!(
            said.iter()
                .any(|s| s.starts_with("AI suspects intracranial hemorrhage")),
            "{said:?}"
        );

        assert_eq!(
            hospital.priorities_asked(&visit).await.last().map(String::as_str),
            Some("S")
        );
        let results = hospital.results_heard(&visit).await;
        assert_eq!(results.len(), 1);
        assert!(
            results[0].contains("Suspected intracranial hemorrhage, estimated volume"),
            "the rule's sentence"
        );
        let kept: Vec<Kind> = hospital
            .archive
            .all()
            .await
            .iter()
            .map(|kept| kept.kind)
            .collect();
        assert!(
            [Kind::StructuredReport, Kind::KeyImage, Kind::Segmentation]
                .iter()
                .all(|kind| kept.contains(kind)),
            "{kept:?}"
        );

        let mail = hospital.mail_to("team@hospital.example");
        assert_eq!(mail.len(), 1);
        assert!(!mail[0].contains("PHANTOM"), "no patient in a page");
        assert!(hospital.mail_to("radiologist@hospital.example").is_empty());
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_blood_pages_nobody() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(12, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;

        let item = hospital.item().await;
        assert_eq!(item.ai[0].state, AnalysisState::NotFlagged);
        assert_eq!(
            item.band,
            Band::Urgent,
            "the rule about emergency patients, no more"
        );
        assert_eq!(
            hospital.results_heard(&visit).await.len(),
            1,
            "that nothing was flagged is told too"
        );
        let kept: Vec<Kind> = hospital
            .archive
            .all()
            .await
            .iter()
            .map(|kept| kept.kind)
            .collect();
        assert_eq!(kept, [Kind::StructuredReport]);
        assert!(hospital.alerts().await.is_empty());
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ai_raised_stands_above_what_came_first() {
    everywhere(Setup::default(), async |hospital| {
        let clear = hospital.patient(13, HeadFinding::None, Priority::Routine);
        let bleeding = hospital.patient(14, HeadFinding::Subdural, Priority::Routine);
        for visit in [&clear, &bleeding] {
            hospital.order(visit).await;
            hospital.scan(visit).await;
            hospital.settle().await;
        }
        let places: Vec<(String, usize, usize)> = hospital
            .worklist()
            .await
            .into_iter()
            .map(|item| {
                (
                    item.accession.unwrap_or_default(),
                    item.rank,
                    item.rank_without_ai,
                )
            })
            .collect();
        let expected = [
            (bleeding.accession().to_owned(), 1, 2),
            (clear.accession().to_owned(), 2, 1),
        ];
        assert_eq!(places, expected);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_the_radiologist_takes_a_study_off_the_list_and_the_page_goes_on() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(15, HeadFinding::Intraparenchymal, Priority::Stat);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.worklist().await.len(), 1);

        let report = visit.report("SYNTHETIC REPORT: INTRACRANIAL HEMORRHAGE.", hospital.now());
        assert_eq!(hospital.say(&report).await, "AA");
        hospital.settle().await;
        assert_eq!(hospital.worklist().await.len(), 0);
        assert_eq!(hospital.study().await.report_status.as_deref(), Some("final"));
        for number in [
            visit.accession(),
            &format!(" {} ", hospital.study().await.study_uid),
        ] {
            let found = found::by_number(&hospital.running.state, number).await.unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|study| (study.accession.as_deref(), study.standing))
                .collect();
            assert_eq!(
                found,
                [(Some(visit.accession()), Standing::Read)],
                "who looks for it finds it"
            );
        }
        hospital.advance(TimeDelta::minutes(5)).await;
        assert_eq!(
            hospital.mail_to("radiologist@hospital.example").len(),
            1,
            "a report does not say that the stroke team knows"
        );
        hospital.close().await;
    })
    .await;
}
