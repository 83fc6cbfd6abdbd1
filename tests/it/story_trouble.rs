//! What goes wrong stays visible and takes nothing away: models that fail, images that come late, neighbours that are down
//! or say no, studies that stand still.

use chrono::TimeDelta;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::analyses::AnalysisState;
use tocsin::storage::{deliveries, studies};
use tocsin_domain::worklist::Band;

use crate::hospital::{Setup, everywhere};

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_run_leaves_the_study_where_a_person_put_it() {
    let setup = Setup {
        more: "[inference]\nlibrary = \"/etc/passwd\"\n",
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let visit = hospital.patient(41, HeadFinding::Intraparenchymal, Priority::Stat);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(item.band, Band::Critical, "as ordered");
        assert_eq!(item.ai[0].state, AnalysisState::Failed);
        assert!(
            item.ai[0].reason.contains("ONNX Runtime"),
            "{}",
            item.ai[0].reason
        );
        let said: Vec<&str> = item.reasons.iter().map(|r| r.text.as_str()).collect();
        assert!(
            said.iter().any(|s| s.starts_with("Not analysed by AI")),
            "{said:?}"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_images_reopen_a_study_and_the_newer_result_supersedes() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(42, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        let files = tocsin::cli::demo::scanner::scan(&visit).await.unwrap().files;
        let (early, late) = files.split_at(files.len() - 4);
        hospital.send(early).await;
        hospital.settle().await;
        let first = hospital.item().await;
        assert_eq!(first.images, early.len() as i64);
        hospital.send(late).await;
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(
            (item.images, item.state.as_str()),
            (files.len() as i64, "settled")
        );
        assert_eq!(item.ai[0].state, AnalysisState::Flagged);
        assert_ne!(item.ai[0].result_id, first.ai[0].result_id);
        let timeline = hospital.timeline().await;
        assert!(
            timeline.iter().any(|line| line.starts_with("reopened")),
            "{timeline:#?}"
        );
        let results = hospital.results_heard(&visit).await;
        assert_eq!(results.len(), 2);
        assert!(results[1].contains("This replaces an earlier result"));
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_to_a_ris_that_is_down_is_delivered_in_order_when_it_is_back() {
    let setup = Setup {
        no_ris: true,
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let visit = hospital.patient(43, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert!(
            hospital
                .owed()
                .await
                .contains(&"result_message: pending".to_owned())
        );
        assert_eq!(
            hospital.mail_to("team@hospital.example").len(),
            1,
            "a page waits for no RIS"
        );
        let conn = hospital.running.store.read();
        let id = studies::id_of(&hospital.study().await).unwrap();
        let owed = deliveries::of_study(conn, id).await.unwrap();
        let mut overtaken = Vec::new();
        for row in owed.iter().filter(|row| row.kind == "priority_change") {
            overtaken.push(deliveries::is_overtaken(conn, row).await.unwrap());
        }
        assert_eq!(
            overtaken,
            [true, false],
            "the first, sent again later, would undo the second"
        );
        hospital.advance(TimeDelta::hours(1)).await;
        hospital.ris_comes_up().await;
        hospital.advance(TimeDelta::minutes(3)).await;
        assert_eq!(hospital.priorities_asked(&visit).await, ["A", "S"]);
        assert_eq!(hospital.results_heard(&visit).await.len(), 1);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_moves_an_emergency_head_ct_up_without_any_news() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(44, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let before = hospital.item().await.score;
        hospital.advance(TimeDelta::minutes(24)).await;
        assert_eq!(hospital.item().await.score, before);
        hospital.advance(TimeDelta::minutes(2)).await;
        assert_eq!(hospital.item().await.score, before + 40.0);
        let changes = |lines: Vec<String>| lines.iter().filter(|l| l.starts_with("worklist_changed")).count();
        let so_far = changes(hospital.timeline().await);
        hospital.advance(TimeDelta::minutes(30)).await;
        assert_eq!(
            changes(hospital.timeline().await),
            so_far,
            "looking again is no change"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_images_again_change_nothing() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(45, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        let files = hospital.scan(&visit).await;
        hospital.settle().await;
        let before = hospital.item().await;
        hospital.send(&files).await;
        hospital.settle().await;
        let after = hospital.item().await;
        assert_eq!(
            (after.images, &after.ai[0].result_id),
            (before.images, &before.ai[0].result_id)
        );
        assert_eq!(hospital.results_heard(&visit).await.len(), 1);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_were_damaged_go_on_as_they_were_and_take_nothing_back() {
    let setup = Setup {
        own_rules: true,
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let visit = hospital.patient(46, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let before = hospital.item().await;
        assert_eq!(before.band, Band::Critical);

        std::fs::write(hospital.rule("ich-large.yaml"), "rules: [").unwrap();
        let hospital = hospital.restarted().await;
        hospital.advance(TimeDelta::minutes(2)).await;
        let after = hospital.item().await;
        assert_eq!((after.band, after.score), (before.band, before.score));
        let alerts: Vec<String> = hospital.alerts().await.into_iter().map(|a| a.status).collect();
        assert!(
            !alerts.is_empty() && !alerts.contains(&"retracted".to_owned()),
            "{alerts:?}"
        );

        let next = hospital.patient(47, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&next).await;
        hospital.scan(&next).await;
        hospital.settle().await;
        let bands: Vec<Band> = hospital.worklist().await.iter().map(|item| item.band).collect();
        assert_eq!(bands, [Band::Critical, Band::Critical]);
        hospital.close().await;
    })
    .await;
}
