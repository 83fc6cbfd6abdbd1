//! A modality that says that it is at work and never says that it is done costs the study a bounded time; one that is done
//! costs it none.

use chrono::TimeDelta;
use tocsin::cli::demo::visit::{Priority, Visit};
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::StoreError;
use tocsin::storage::announcements::{self, New, What};
use tocsin_domain::announced::{PerformedStep, StepState};
use tocsin_domain::ids::{SiteId, Uid};

use crate::hospital::{Hospital, Setup, everywhere};

/// What its modality says at the beginning.
fn begun(visit: &Visit) -> PerformedStep {
    PerformedStep {
        state: StepState::InProgress,
        station: "CT1".into(),
        modality: "CT".into(),
        begun: ("20260314".into(), "101500".into()),
        ended: None,
        reason: None,
        studies: vec![visit.identity.study_uid.clone()],
        series: Vec::new(),
    }
}

async fn say(hospital: &Hospital, step: PerformedStep) {
    let said = hospital.running.store.write(move |tx| {
        Box::pin(async move {
            let uid = Uid::parse("1.2.3.4").expect("a UID");
            let new = New {
                site: &SiteId("main".into()),
                sop_uid: &uid,
                sender: "CT1",
                what: What::Step(&step),
            };
            announcements::insert(tx, &new).await?;
            Ok::<_, StoreError>(())
        })
    });
    said.await.expect("kept");
}

async fn told(hospital: &Hospital, event: &str) -> Vec<String> {
    let all = hospital.timeline().await;
    all.into_iter().filter(|line| line.starts_with(event)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_nobody_ends_delays_the_model_for_a_minute_and_no_longer() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(47, HeadFinding::Intraparenchymal, Priority::Stat);
        hospital.order(&visit).await;
        say(&hospital, begun(&visit)).await;
        hospital.scan(&visit).await;
        hospital.advance(TimeDelta::seconds(50)).await;
        assert_eq!(told(&hospital, "step_begun").await.len(), 1);
        let none: Vec<String> = Vec::new();
        assert_eq!(told(&hospital, "series_ready").await, none, "however quiet it is");
        hospital.advance(TimeDelta::seconds(15)).await;
        let ready = told(&hospital, "series_ready").await;
        assert!(ready.len() == 1 && ready[0].ends_with("quiet"), "{ready:?}");
        assert_eq!(hospital.study().await.state, "settled");
        assert_eq!(told(&hospital, "inference_finished").await.len(), 1);
        hospital.close().await;
    })
    .await;
}
