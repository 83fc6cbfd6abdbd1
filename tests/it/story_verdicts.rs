//! What a radiologist decides about a result is told wherever the result went, in order and once; and what policy holds goes nowhere before
//! they let it go, while the list and the pages do not wait.

use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::cli::demo::http::Client;
use tocsin::cli::demo::visit::{Priority, Visit};
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::analyses::AnalysisState;
use tocsin_domain::ids::StudyId;
use tocsin_domain::worklist::Band;

use crate::hospital::{Hospital, Setup, everywhere};

const HEMORRHAGE: &str = "1386000";

async fn bleeding(hospital: &Hospital, seed: u64) -> (Visit, StudyId) {
    let visit = hospital.patient(seed, HeadFinding::Intraparenchymal, Priority::Routine);
    hospital.order(&visit).await;
    hospital.scan(&visit).await;
    hospital.settle().await;
    let id = hospital.item().await.study_id;
    (visit, id)
}

/// The result that stands.
async fn result(hospital: &Hospital) -> String {
    hospital.item().await.ai[0].result_id.unwrap().to_string()
}

async fn judge(hospital: &Hospital, who: &Client, id: StudyId, verdict: &str) -> u16 {
    let body = json!({ "result_id": result(hospital).await, "finding": HEMORRHAGE, "verdict": verdict });
    let path = format!("/api/v1/studies/{id}/opinions");
    let status = who.post_json(&path, &body).await.unwrap().status;
    hospital.settle().await;
    status
}

/// OBX-11 of the finding, OBX-16 and OBR-25 of each message, in their order.
async fn told(hospital: &Hospital, visit: &Visit) -> Vec<String> {
    let field = |message: &str, segment: &str, holds: &str, place: usize| {
        let line = message
            .split('\r')
            .find(|line| line.starts_with(segment) && line.contains(holds));
        let line = line.unwrap_or_default().to_owned();
        line.split('|').nth(place).unwrap_or_default().to_owned()
    };
    let heard = hospital.results_heard(visit).await;
    let one = |message: &String| {
        let finding = |place| field(message, "OBX", HEMORRHAGE, place);
        format!(
            "{} {} {}",
            finding(11),
            finding(16),
            field(message, "OBR", "", 25)
        )
    };
    heard.iter().map(one).collect()
}

/// The status of the report that stands, and of its first finding, as FHIR tells them; nothing where it tells of none.
async fn shown(hospital: &Hospital) -> Vec<String> {
    let reader = hospital.api(Role::Service).await;
    let mut all = Vec::new();
    for kind in ["DiagnosticReport", "Observation"] {
        let found: Value = reader.json(&format!("/fhir/{kind}")).await.unwrap();
        let status = found["entry"][0]["resource"]["status"].as_str();
        all.extend(status.map(str::to_owned));
    }
    all
}

async fn archived(hospital: &Hospital) -> usize {
    hospital.archive.all().await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_radiologists_verdict_reaches_whoever_has_the_result() {
    everywhere(Setup::default(), async |hospital| {
        let (visit, id) = bleeding(&hospital, 71).await;
        let first = archived(&hospital).await;
        assert_eq!(told(&hospital, &visit).await, ["P  P"]);
        let qa = hospital.api(Role::QaReviewer).await;
        assert_eq!(judge(&hospital, &qa, id, "disagree").await, 201);
        assert_eq!(
            told(&hospital, &visit).await.len(),
            1,
            "an opinion, which is told nobody"
        );

        let radiologist = hospital.api(Role::Radiologist).await;
        for _ in 0..2 {
            assert_eq!(judge(&hospital, &radiologist, id, "agree").await, 201);
            assert_eq!(told(&hospital, &visit).await, ["P  P", "C  C"], "once");
        }
        let heard = hospital.results_heard(&visit).await;
        let said = "Intracranial hemorrhage confirmed by a radiologist: radiologist";
        assert!(heard[1].contains(said), "{}", heard[1]);
        assert_eq!(shown(&hospital).await, ["corrected", "corrected"]);
        assert_eq!(
            archived(&hospital).await,
            2 * first,
            "each object with what was made of it"
        );
        assert_eq!(hospital.item().await.band, Band::Critical);

        judge(&hospital, &radiologist, id, "disagree").await;
        let item = hospital.item().await;
        assert_eq!(
            (item.ai[0].state, item.band),
            (AnalysisState::Withdrawn, Band::Urgent)
        );
        assert!(
            item.ai[0].reason.contains("rejected by radiologist"),
            "{}",
            item.ai[0].reason
        );
        assert_eq!(told(&hospital, &visit).await[2], "W  C");
        assert_eq!(shown(&hospital).await, ["entered-in-error", "entered-in-error"]);
        assert_eq!(
            archived(&hospital).await,
            2 * first + 1,
            "a note that rejects them"
        );
        assert_eq!(hospital.alerts().await[0].status, "retracted");
        assert_eq!(
            hospital.priorities_asked(&visit).await.last().map(String::as_str),
            Some("A")
        );

        judge(&hospital, &radiologist, id, "agree").await;
        let item = hospital.item().await;
        assert_eq!(
            (item.ai[0].state, item.band),
            (AnalysisState::Flagged, Band::Critical)
        );
        assert_eq!(told(&hospital, &visit).await[3], "C  C", "the latest counts");
        assert_eq!(archived(&hospital).await, 3 * first + 1);
        assert_eq!(item.ai[0].assessed.len(), 1);

        let decision = |reason: &str, result: String| json!({ "result_id": result, "reason": reason });
        let body = decision("wrong patient", result(&hospital).await);
        let path = |what: &str| format!("/api/v1/studies/{id}/{what}");
        assert_eq!(qa.post_json(&path("withdraw"), &body).await.unwrap().status, 403);
        assert_eq!(
            radiologist
                .post_json(&path("withdraw"), &body)
                .await
                .unwrap()
                .status,
            200
        );
        hospital.settle().await;
        judge(&hospital, &radiologist, id, "agree").await;
        assert_eq!(
            told(&hospital, &visit).await.len(),
            5,
            "no verdict brings that back"
        );
        let body = decision("it was the right one", result(&hospital).await);
        assert_eq!(
            radiologist
                .post_json(&path("reinstate"), &body)
                .await
                .unwrap()
                .status,
            200
        );
        assert_eq!(
            radiologist
                .post_json(&path("reinstate"), &body)
                .await
                .unwrap()
                .status,
            409
        );
        hospital.settle().await;
        assert_eq!(told(&hospital, &visit).await[4..], ["W  C", "C  C"]);
        assert_eq!(hospital.item().await.ai[0].state, AnalysisState::Flagged);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_site_says_so_an_agreement_verifies() {
    let setup = Setup {
        more: "\n[results]\nagreement = \"verifies\"\n",
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let (visit, id) = bleeding(&hospital, 72).await;
        let radiologist = hospital.api(Role::Radiologist).await;
        judge(&hospital, &radiologist, id, "agree").await;
        assert_eq!(
            told(&hospital, &visit).await[1],
            "F radiologist C",
            "the finding; the report of the study is still to come"
        );
        assert_eq!(shown(&hospital).await, ["corrected", "final"]);
        judge(&hospital, &radiologist, id, "indeterminate").await;
        assert_eq!(told(&hospital, &visit).await[2], "C  C");
        assert_eq!(shown(&hospital).await, ["corrected", "corrected"]);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_holds_leaves_when_a_radiologist_lets_it_go() {
    let setup = Setup {
        more: "\n[results.findings]\n\"SCT:1386000\" = \"held\"\n",
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let (visit, id) = bleeding(&hospital, 73).await;
        let item = hospital.item().await;
        assert_eq!(item.band, Band::Critical, "the list does not wait");
        assert_eq!(
            hospital.mail_to("team@hospital.example").len(),
            1,
            "nor does the page"
        );
        assert_eq!(
            hospital.priorities_asked(&visit).await.last().map(String::as_str),
            Some("S")
        );
        assert_eq!(
            (told(&hospital, &visit).await.len(), archived(&hospital).await),
            (0, 0)
        );
        assert_eq!(shown(&hospital).await, [] as [&str; 0]);
        let radiologist = hospital.api(Role::Radiologist).await;
        let study = radiologist.json(&format!("/api/v1/studies/{id}")).await.unwrap();
        assert_eq!(study["ai"][0]["hold"]["finding"], "Intracranial hemorrhage");
        let owed = radiologist.json("/api/v1/deliveries?state=held").await.unwrap();
        let why = owed["items"][0]["last_error"].as_str().unwrap().to_owned();
        assert!(
            why.starts_with("held by policy (Intracranial hemorrhage)"),
            "{why}"
        );
        let waiting = owed["items"].as_array().unwrap().len();

        // What they say of it meanwhile waits with it.
        judge(&hospital, &radiologist, id, "agree").await;
        assert_eq!(told(&hospital, &visit).await.len(), 0);

        let path = format!("/api/v1/studies/{id}/let-go");
        let body = json!({ "result_id": result(&hospital).await });
        for role in [Role::QaReviewer, Role::IntegrationEngineer, Role::StrokeTeam] {
            let refused = hospital.api(role).await.post_json(&path, &body).await.unwrap();
            assert_eq!(refused.status, 403, "{role:?}");
        }
        let answer = radiologist.post_json(&path, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(
            answer.body.contains(&format!("\"deliveries\":{waiting}")),
            "{}",
            answer.body
        );
        hospital.settle().await;
        assert_eq!(
            told(&hospital, &visit).await,
            ["C  C"],
            "the one that stands, alone"
        );
        assert!(archived(&hospital).await >= 3);
        assert_eq!(shown(&hospital).await, ["corrected", "corrected"]);
        assert_eq!(
            radiologist.post_json(&path, &body).await.unwrap().status,
            409,
            "once"
        );
        let admin = hospital.api(Role::Admin).await;
        let audit = admin.json("/fhir/AuditEvent").await.unwrap().to_string();
        assert!(audit.contains("result.release"));

        judge(&hospital, &radiologist, id, "disagree").await;
        assert_eq!(
            told(&hospital, &visit).await,
            ["C  C", "W  C"],
            "what has left is taken back at once"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_before_it_left_is_told_nobody() {
    let setup = Setup {
        more: "\n[results]\nsend = \"held\"\n",
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let (visit, id) = bleeding(&hospital, 74).await;
        let radiologist = hospital.api(Role::Radiologist).await;
        judge(&hospital, &radiologist, id, "disagree").await;
        assert_eq!(hospital.item().await.ai[0].state, AnalysisState::Withdrawn);
        assert_eq!(
            (told(&hospital, &visit).await.len(), archived(&hospital).await),
            (0, 0)
        );
        let owed = hospital.owed().await;
        assert!(!owed.iter().any(|one| one.ends_with(": held")), "{owed:?}");
        assert!(owed.contains(&"result_message: cancelled".to_owned()), "{owed:?}");
        assert_eq!(shown(&hospital).await, [] as [&str; 0]);
        hospital.close().await;
    })
    .await;
}
