//! A product of another vendor speaks of a study: its word raises it and pages, its withdrawal takes that back; and a result
//! that a person takes back is taken back everywhere.

use chrono::TimeDelta;
use sea_orm::EntityTrait;
use tocsin::api::auth::Role;
use tocsin::cli::demo::visit::{Message, Priority, Visit};
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::analyses::AnalysisState;
use tocsin::storage::entity::vendor_document;
use tocsin_domain::worklist::Band;

use crate::hospital::{Hospital, Setup, everywhere};

/// Heads are read by the vendor's product alone.
const ACME: &str = r#"
[inference]
only = []
[[vendors]]
name = "acme_ich"
manufacturer = "Acme AI"
algorithms = ["ICH-Detect"]
reads_as = "ich"
messages_from = { application = "ACME" }
"#;

fn acme() -> Setup {
    Setup {
        more: ACME,
        ..Setup::default()
    }
}

/// The product's message about a visit: one finding, with this status in OBX-11.
fn oru(hospital: &Hospital, visit: &Visit, patient: &str, status: &str, presence: &str) -> Message {
    let at = hospital.now().format("%Y%m%d%H%M%S+0000");
    let control_id = format!("V{}", hospital.now().timestamp_micros());
    let by = "ICH-Detect^ICH-Detect 2.3.1^99ACME|SN1^Acme AI";
    let study = visit.identity.study_uid.as_str();
    let text = format!(
        "MSH|^~\\&|ACME|AI|TOCSIN|DEMO|{at}||ORU^R01^ORU_R01|{control_id}|P|2.5.1\r\
         PID|1||{patient}^^^DEMO^MR\r\
         OBR|1||F{accession}^DEMORIS|||||||||||||||{accession}||||{at}|||P\r\
         OBX|1|ST|113014^DICOM Study^DCM|1|{study}||||||O\r\
         OBX|2|CE|1386000^Intracranial hemorrhage^SCT|1|{presence}|||AA|0.94||{status}||||||{by}\r\
         OBX|3|NM|118565006^Volume^SCT|1|31000|mm3^^UCUM|||||{status}||||||{by}\r",
        accession = visit.accession(),
    );
    Message { control_id, text }
}

const PRESENT: &str = "52101004^Present^SCT";
const ABSENT: &str = "272519000^Absent^SCT";

async fn documents(hospital: &Hospital) -> Vec<(String, String)> {
    let rows = vendor_document::Entity::find()
        .all(hospital.running.store.read())
        .await
        .unwrap();
    rows.into_iter().map(|row| (row.state, row.reason)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_word_raises_a_study_and_its_withdrawal_takes_that_back() {
    everywhere(acme(), async |hospital| {
        let visit = hospital.patient(61, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let before = hospital.item().await;
        assert!(before.ai.is_empty(), "nobody has read it");
        assert_eq!(hospital.alerts().await.len(), 0);

        let patient = visit.identity.patient_id.clone();
        let said = oru(&hospital, &visit, &patient, "P", PRESENT);
        assert_eq!(hospital.say(&said).await, "AA");
        hospital.settle().await;
        let item = hospital.item().await;
        let ai = &item.ai[0];
        assert_eq!(
            (ai.model.as_str(), ai.version.as_str(), ai.state),
            ("acme_ich", "2.3.1", AnalysisState::Flagged)
        );
        assert_eq!(ai.findings[0].measurements[0].text, "31 mL");
        assert_eq!(item.band, Band::Critical);
        assert_eq!(
            hospital.priorities_asked(&visit).await.last().map(String::as_str),
            Some("S")
        );
        let mail = hospital.mail_to("team@hospital.example");
        assert_eq!(mail.len(), 1);
        assert!(mail[0].contains("Acme AI"), "whose word it is: {}", mail[0]);
        assert!(
            hospital.results_heard(&visit).await.is_empty(),
            "their result is theirs to send"
        );
        assert!(hospital.archive.all().await.is_empty());
        let pages = hospital.api(Role::Radiologist).await;
        let id = item.study_id;
        for path in [
            format!("/api/v1/studies/{id}"),
            format!("/api/v1/studies/{id}/report"),
        ] {
            let answer = pages.get(&path).await.unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }

        // The same again, under another number, is no news.
        hospital.advance(TimeDelta::seconds(5)).await;
        let again = oru(&hospital, &visit, &patient, "P", PRESENT);
        hospital.say(&again).await;
        hospital.settle().await;
        assert_eq!(hospital.mail_to("team@hospital.example").len(), 1, "paged once");

        hospital.advance(TimeDelta::seconds(5)).await;
        let withdrawn = oru(&hospital, &visit, &patient, "W", PRESENT);
        assert_eq!(hospital.say(&withdrawn).await, "AA");
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(item.ai[0].state, AnalysisState::Withdrawn);
        assert_eq!(item.band, before.band, "as if nobody had spoken");
        assert_eq!(hospital.alerts().await[0].status, "retracted");
        assert_eq!(
            hospital.priorities_asked(&visit).await.last().map(String::as_str),
            Some("A"),
            "the head of an emergency patient, as before"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_waits_for_its_images_and_one_of_another_patient_changes_nothing() {
    everywhere(acme(), async |hospital| {
        let visit = hospital.patient(62, HeadFinding::None, Priority::Routine);
        let patient = visit.identity.patient_id.clone();
        let early = oru(&hospital, &visit, &patient, "P", PRESENT);
        hospital.say(&early).await;
        hospital.settle().await;
        assert!(hospital.worklist().await.is_empty());
        assert_eq!(documents(&hospital).await[0].0, "waiting");
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.ai[0].state, AnalysisState::Flagged);

        // A newer word replaces it; a late one does not.
        hospital.advance(TimeDelta::seconds(5)).await;
        hospital.say(&oru(&hospital, &visit, &patient, "C", ABSENT)).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.ai[0].state, AnalysisState::NotFlagged);
        let late = Message {
            text: early.text.replace(&early.control_id, "LATE1"),
            control_id: "LATE1".into(),
        };
        hospital.say(&late).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.ai[0].state, AnalysisState::NotFlagged);

        hospital.advance(TimeDelta::seconds(5)).await;
        hospital
            .say(&oru(&hospital, &visit, "SOMEBODY", "P", PRESENT))
            .await;
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(item.ai[0].state, AnalysisState::NotFlagged, "what stood stands");
        let refused: Vec<_> = documents(&hospital)
            .await
            .into_iter()
            .filter(|(state, _)| state == "conflict")
            .collect();
        assert_eq!(refused.len(), 1);
        assert!(refused[0].1.contains("different patients"), "{refused:?}");
        let told = hospital.timeline().await;
        assert!(
            told.iter().any(|line| line.contains("different patients")),
            "{told:?}"
        );
        assert!(!told.iter().any(|line| line.contains("SOMEBODY")));
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_a_product_changes_nothing() {
    let shadow = Setup {
        more: r#"
[inference]
only = []
[[vendors]]
name = "acme_ich"
manufacturer = "Acme AI"
reads_as = "ich"
mode = "shadow"
messages_from = { application = "ACME" }
"#,
        ..Setup::default()
    };
    everywhere(shadow, async |hospital| {
        let visit = hospital.patient(63, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let patient = visit.identity.patient_id.clone();
        hospital
            .say(&oru(&hospital, &visit, &patient, "P", PRESENT))
            .await;
        hospital.settle().await;
        assert!(hospital.item().await.ai.is_empty());
        assert!(hospital.alerts().await.is_empty());
        let told = hospital.timeline().await;
        assert!(
            told.iter()
                .any(|line| line.contains("would have flagged Intracranial hemorrhage")),
            "{told:?}"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_takes_back_is_taken_back_everywhere() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(64, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let item = hospital.item().await;
        let (id, result) = (item.study_id, item.ai[0].result_id.unwrap());
        let kept = hospital.archive.all().await.len();
        let radiologist = hospital.api(Role::Radiologist).await;
        let path = format!("/api/v1/studies/{id}/withdraw");
        let body = serde_json::json!({ "result_id": result, "reason": "an artefact" });
        let answer = radiologist.post_json(&path, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        hospital.settle().await;
        let after = hospital.item().await;
        assert_eq!(after.ai[0].state, AnalysisState::Withdrawn);
        assert!(after.band < Band::Critical);
        let heard = hospital.results_heard(&visit).await;
        assert!(heard.last().unwrap().contains("|W|"), "{heard:?}");
        assert_eq!(
            hospital.archive.all().await.len(),
            kept + 1,
            "a rejection of what was sent"
        );
        assert_eq!(hospital.alerts().await[0].status, "retracted");
        assert!(
            hospital
                .owed()
                .await
                .contains(&"rejection_note: confirmed".to_owned())
        );
        let again = radiologist.post_json(&path, &body).await.unwrap();
        assert_eq!(again.status, 409, "once: {}", again.body);
        hospital.close().await;
    })
    .await;
}
