//! An earlier study that an archive was asked for comes after the first result: it is compared with, and is nobody's work.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tocsin::app::machine;
use tocsin::cli::demo::exam::Exam;
use tocsin::cli::demo::scanner;
use tocsin::cli::demo::visit::{Priority, Visit};
use tocsin::deliver::dicom::{self, Verdict};
use tocsin::imaging::phantom::{HeadFinding, PhantomIdentity};
use tocsin::storage::entity::study;
use tocsin::storage::jobs::{self, Terms};
use tocsin::storage::prior_searches::{self, Purpose, Sender};
use tocsin::storage::{Store, leases, results, studies};
use tocsin_domain::clock::ManualClock;
use tocsin_domain::comparison::course::Course;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{AnalysisId, Uid};
use tocsin_domain::work::{Lane, Urgency, Work};

use crate::database::databases;
use crate::hospital::{Hospital, Setup, everywhere};

/// A bleed of 15 mL five days before one of 30 mL.
fn twice(hospital: &Hospital) -> (Visit, Visit) {
    let mut before = hospital.patient(112, HeadFinding::Intraparenchymal, Priority::Routine);
    before.exam = Exam::HeadCt {
        finding: HeadFinding::Intraparenchymal,
        volume_ml: Some(15.0),
    };
    let day = (hospital.now() - TimeDelta::days(5)).format("%Y%m%d");
    before.identity.date = day.to_string();
    let now = hospital.patient(12, HeadFinding::Intraparenchymal, Priority::Routine);
    before.identity = PhantomIdentity {
        patient_name: now.identity.patient_name.clone(),
        patient_id: now.identity.patient_id.clone(),
        birth_date: now.identity.birth_date.clone(),
        sex: now.identity.sex.clone(),
        ..before.identity
    };
    (before, now)
}

/// From now on the study is expected from whoever calls itself as the scanner does.
async fn expect(hospital: &Hospital, asker: &Visit, uid: &Uid) {
    let asker = row(hospital, &asker.identity.study_uid).await.expect("the study");
    let (uid, sender) = (
        uid.clone(),
        Sender {
            source: "PACS".to_owned(),
            title: scanner::AE_TITLE.to_owned(),
        },
    );
    let expected = hospital
        .running
        .store
        .write(move |tx| Box::pin(async move { prior_searches::expect(tx, &asker, &sender, &uid).await }));
    expected.await.unwrap();
}

async fn row(hospital: &Hospital, uid: &Uid) -> Option<study::Model> {
    let found = study::Entity::find().filter(study::Column::StudyUid.eq(uid.as_str()));
    found.one(hospital.running.store.read()).await.unwrap()
}

async fn records(hospital: &Hospital, visit: &Visit) -> Vec<ResultRecord> {
    let row = row(hospital, &visit.identity.study_uid).await.expect("the study");
    let id = studies::id_of(&row).unwrap();
    let rows = results::of_study(hospital.running.store.read(), id)
        .await
        .unwrap();
    rows.iter().map(|row| results::record_of(row).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_an_archive_amends_the_result_and_is_nobodys_work() {
    everywhere(Setup::default(), async |hospital| {
        let (before, now) = twice(&hospital);
        hospital.order(&now).await;
        hospital.scan(&now).await;
        hospital.settle().await;
        assert_eq!(
            hospital.results_heard(&now).await.len(),
            1,
            "the first result waits for nothing"
        );
        let (alerts, owed) = (hospital.alerts().await.len(), hospital.owed().await.len());

        expect(&hospital, &now, &before.identity.study_uid).await;
        hospital.scan(&before).await;
        hospital.settle().await;

        let prior = row(&hospital, &before.identity.study_uid)
            .await
            .expect("the earlier study");
        assert_eq!(Purpose::of(&prior), Purpose::Comparison);
        assert_eq!(hospital.item().await.accession.as_deref(), Some(now.accession()));
        assert!(
            hospital.results_heard(&before).await.is_empty(),
            "it is told to nobody"
        );
        assert_eq!(hospital.alerts().await.len(), alerts);

        let records = records(&hospital, &now).await;
        let [first, amended] = records.as_slice() else {
            panic!("{} results", records.len());
        };
        assert!(first.comparison.is_none());
        assert_eq!(amended.supersedes, Some(first.id));
        let comparison = amended.comparison.as_ref().expect("a comparison");
        assert_eq!(comparison.interval_days, 5.0);
        assert_eq!(comparison.findings[0].course, Course::Grown);
        let doubling = comparison.findings[0]
            .measurements
            .iter()
            .find_map(|m| m.doubling_days);
        assert!(
            doubling.is_some_and(|days| (3.0..8.0).contains(&days)),
            "{doubling:?}"
        );
        let told = hospital.results_heard(&now).await;
        assert_eq!(told.len(), 2);
        assert!(told[1].contains("5 days earlier"), "{}", told[1]);
        assert_eq!(
            hospital.owed().await.len(),
            owed + 4,
            "report, picture, segmentation and message of the amended result"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_somebody_else_is_refused() {
    everywhere(Setup::default(), async |hospital| {
        let (mut before, now) = twice(&hospital);
        before.identity.birth_date = "19010101".to_owned();
        hospital.order(&now).await;
        hospital.scan(&now).await;
        hospital.settle().await;
        expect(&hospital, &now, &before.identity.study_uid).await;
        let files = scanner::scan(&before).await.unwrap().files;
        let statuses = dicom::store(&hospital.scanner(), &files[..1]).await.unwrap();
        assert_eq!(statuses[0].verdict(), Verdict::Failed, "{statuses:?}");
        assert!(row(&hospital, &before.identity.study_uid).await.is_none());
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_compared_with_waits_while_something_waits_to_be_read() {
    for database in databases().await {
        let clock = Arc::new(ManualClock::at("2026-03-14T09:00:00Z".parse().unwrap()));
        let key = b"audit key".to_vec();
        let store = Store::open(&database.url, clock, machine::ids(), key)
            .await
            .unwrap();
        let analysis = AnalysisId(uuid::Uuid::from_u128(1));
        let queued = store.write(move |tx| {
            Box::pin(async move {
                jobs::enqueue(tx, &Work::InferPrior { analysis }, Terms::now()).await?;
                let urgency = Urgency::Urgent;
                jobs::enqueue(tx, &Work::Infer { analysis, urgency }, Terms::now()).await
            })
        });
        queued.await.unwrap();
        let take = async |lane| leases::claim(&store, lane, "test", 10).await.unwrap();
        assert!(take(Lane::Comparison).await.is_empty(), "one waits");
        let first = take(Lane::Inference).await.remove(0);
        assert!(take(Lane::Comparison).await.is_empty(), "one runs");
        let done = store.write(move |tx| Box::pin(async move { leases::complete(tx, &first).await }));
        done.await.unwrap();
        assert_eq!(take(Lane::Comparison).await.len(), 1);
    }
}
