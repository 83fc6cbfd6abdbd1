//! An EHR asks for advice (CDS Hooks): who opens the chart of a patient learns of an alert that nobody has acknowledged, who
//! orders learns of what was recommended and of what is there; whoever is not trusted learns nothing.

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::storage::{card_feedback, studies};
use tocsin_domain::ids::StudyId;

use super::desk::{Answer, Caller, Desk, desks_with, request};
use super::seed::EVIL;

const VIEW: &str = "/cds-services/tocsin-critical-results";
const SIGN: &str = "/cds-services/tocsin-imaging-order-sign";
const SELECT: &str = "/cds-services/tocsin-imaging-order-select";
const SYSTEM: &str = "urn:oid:2.999.1";
const ORIGIN: &str = "https://ehr.example.org";

async fn desks() -> Vec<Desk> {
    let change = |settings: &mut tocsin::api::Settings| {
        settings.public_origin = Some("https://tocsin.example.org".to_owned());
        settings.cds.systems = [(SYSTEM.to_owned(), "EGH".to_owned())].into();
        settings.cds.origins = vec![ORIGIN.to_owned()];
        settings.cds.recent = TimeDelta::hours(72);
    };
    desks_with(change, || None).await
}

fn asked(hook: &str, number: &str, context: Value) -> Value {
    let mut whole = json!({ "userId": "Practitioner/1", "patientId": "7" });
    for (key, value) in context.as_object().unwrap() {
        whole[key] = value.clone();
    }
    json!({
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": whole,
        "prefetch": { "patient": { "resourceType": "Patient", "id": "7",
            "identifier": [{ "system": SYSTEM, "value": number }] } },
    })
}

fn ordering(code: &str, words: &str) -> Value {
    json!({ "selections": ["ServiceRequest/1"], "draftOrders": { "resourceType": "Bundle", "entry": [
        { "resource": { "resourceType": "ServiceRequest", "id": "1", "status": "draft", "intent": "order",
            "code": { "coding": [{ "system": "urn:site", "code": code, "display": words }] } } },
    ] } })
}

fn cards(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(
        !answer.text.contains("null") && !answer.text.contains("\"\""),
        "{}",
        answer.text
    );
    answer.json()["cards"].as_array().unwrap().clone()
}

fn summaries(answer: &Answer) -> Vec<String> {
    let cards = cards(answer);
    cards
        .iter()
        .map(|card| card["summary"].as_str().unwrap().to_owned())
        .collect()
}

impl Desk {
    /// As the rules would have written it.
    async fn recommend(&self, study: StudyId, text: &'static str) {
        let verdict = json!([{
            "pack": { "name": "chest", "sha256": "aa", "version": "1" },
            "band": null, "contributions": [], "pages": [], "reports": [], "routes": [], "faults": [],
            "recommends": [{ "rule": "nodule-flagged", "text": text, "citation": "ACR 2023" }],
        }]);
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let row = studies::lock(tx, study).await?;
                    let mut row: tocsin::storage::entity::study::ActiveModel = row.into();
                    row.verdict = sea_orm::ActiveValue::Set(Some(verdict.to_string()));
                    studies::save(tx, row).await
                })
            })
            .await
            .unwrap();
    }
}

#[actix_web::test]
async fn an_alert_that_nobody_acknowledged_is_a_critical_card_until_somebody_does() {
    for desk in desks().await {
        let ehr = desk.token(Role::Service, "ehr").await;
        let view = |number: &str| asked("patient-view", number, json!({}));
        assert_eq!(
            cards(&desk.json(VIEW, &ehr, view("MRN1")).await),
            Vec::<Value>::new()
        );
        let study = desk.study("1.2.3").await;
        assert_eq!(
            cards(&desk.json(VIEW, &ehr, view("MRN1")).await),
            Vec::<Value>::new()
        );

        let alert = desk.alert(study).await;
        let answer = desk.json(VIEW, &ehr, view("MRN1")).await;
        let cards_now = cards(&answer);
        let [card] = cards_now.as_slice() else {
            panic!("one card: {}", answer.text)
        };
        assert_eq!(card["indicator"], "critical");
        assert!(card["summary"].as_str().unwrap().chars().count() < 140);
        assert_eq!(
            card["links"][0]["url"],
            format!("https://tocsin.example.org/studies/{study}")
        );
        assert!(!answer.text.contains(EVIL) && !answer.text.contains("<script"));
        for phi in ["MRN1", "Jane", "19500102", "A100"] {
            assert!(!answer.text.contains(phi), "{phi}");
        }
        assert_eq!(
            cards(&desk.json(VIEW, &ehr, view("MRN2")).await),
            Vec::<Value>::new()
        );

        let mia = desk.token(Role::Radiologist, "mia").await;
        let done = desk
            .json(&format!("/api/v1/alerts/{alert}/acknowledge"), &mia, json!({}))
            .await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        assert_eq!(
            cards(&desk.json(VIEW, &ehr, view("MRN1")).await),
            Vec::<Value>::new()
        );
        let told = desk.audited().await;
        assert_eq!(
            told.iter().filter(|(action, _)| action == "cds.advice").count(),
            5
        );
    }
}

#[actix_web::test]
async fn who_orders_learns_what_was_recommended_and_what_is_there() {
    for desk in desks().await {
        let ehr = desk.token(Role::Service, "ehr").await;
        desk.order("A100", "MRN1").await;
        let study = desk.study("1.2.3").await;
        desk.recommend(study, "Consider CT of the chest without contrast.")
            .await;
        let sign = async |code: &str, words: &str| {
            let answer = desk
                .json(SIGN, &ehr, asked("order-sign", "MRN1", ordering(code, words)))
                .await;
            summaries(&answer)
        };
        let answered = sign("9", "CT chest plain").await;
        assert_eq!(answered.len(), 1, "{answered:?}");
        assert!(answered[0].starts_with("This order answers a recommendation: Consider CT of the chest"));
        let open = sign("9", "CT abdomen").await;
        assert!(
            open[0].starts_with("Recommended, and not ordered yet"),
            "{open:?}"
        );
        let repeat = sign("1", "CT head").await;
        assert!(
            repeat
                .iter()
                .any(|said| said.starts_with("The same examination is ordered already")),
            "{repeat:?}"
        );

        let select = asked("order-select", "MRN1", ordering("1", "CT head"));
        assert_eq!(summaries(&desk.json(SELECT, &ehr, select).await).len(), 2);
        let mut unchosen = asked("order-select", "MRN1", ordering("1", "CT chest"));
        unchosen["context"]["selections"] = json!([]);
        let only = summaries(&desk.json(SELECT, &ehr, unchosen).await);
        assert_eq!(
            only,
            Vec::<String>::new(),
            "nothing is said of an order that was not chosen"
        );
        // What was ordered long ago and never done is no reason to wonder.
        desk.clock.advance(TimeDelta::hours(73));
        assert_eq!(sign("1", "CT head").await.len(), 1);
    }
}

#[actix_web::test]
async fn what_cannot_be_answered_is_said_and_who_is_not_trusted_is_refused() {
    for desk in desks().await {
        let ehr = desk.token(Role::Service, "ehr").await;
        let listed = desk.get("/cds-services", &Caller::Nobody).await.json();
        let hooks: Vec<&Value> = listed["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["hook"])
            .collect();
        assert_eq!(hooks, ["patient-view", "order-select", "order-sign"]);

        let good = asked("patient-view", "MRN1", json!({}));
        let mut unfetched = good.clone();
        unfetched["prefetch"] = json!({ "patient": null });
        let mut stranger = good.clone();
        stranger["prefetch"]["patient"]["identifier"][0]["system"] = "urn:else".into();
        for (body, status) in [
            (good.clone(), 200),
            (unfetched, 412),
            (stranger, 412),
            (asked("order-sign", "MRN1", json!({})), 400),
            (json!({ "hook": "patient-view" }), 400),
            (json!([]), 400),
        ] {
            let answer = desk.json(VIEW, &ehr, body).await;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        }
        let unknown = desk.json("/cds-services/nothing", &ehr, good.clone()).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        let mia = desk.token(Role::Radiologist, "mia").await;
        assert_eq!(
            desk.json(VIEW, &mia, good.clone()).await.status,
            StatusCode::FORBIDDEN
        );
        for token in ["a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            let who = Caller::Bearer(token.to_owned());
            assert_eq!(
                desk.json(VIEW, &who, good.clone()).await.status,
                StatusCode::UNAUTHORIZED
            );
        }
    }
}

#[actix_web::test]
async fn feedback_is_kept_and_a_page_of_a_known_origin_may_ask() {
    for desk in desks().await {
        let ehr = desk.token(Role::Service, "ehr").await;
        let card = "f6b95768-b1c8-40dc-8385-bf3504b82ffb";
        let said = json!({ "feedback": [{ "card": card, "outcome": "overridden",
            "overrideReason": { "reason": { "code": "seen", "system": "urn:x" }, "userComment": "told Jane Doe" },
            "outcomeTimestamp": "2026-03-14T09:00:00Z" }] });
        let kept = desk.json(&format!("{VIEW}/feedback"), &ehr, said).await;
        assert_eq!(kept.status, StatusCode::OK, "{}", kept.text);
        let rows = card_feedback::of_card(desk.store().read(), card).await.unwrap();
        assert_eq!(
            (rows[0].outcome.as_str(), rows[0].reason.as_deref()),
            ("overridden", Some("seen"))
        );
        let bad = desk
            .json(&format!("{VIEW}/feedback"), &ehr, json!({ "feedback": [] }))
            .await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        assert!(
            desk.audited()
                .await
                .contains(&("cds.feedback".to_owned(), format!("card:{card}")))
        );

        let asks = |origin: &str, path: &str| {
            request(Method::OPTIONS, path, &Caller::Nobody)
                .insert_header(("Origin", origin))
                .insert_header(("Access-Control-Request-Method", "POST"))
        };
        let may = desk.send(asks(ORIGIN, VIEW)).await;
        assert_eq!(may.status, StatusCode::NO_CONTENT);
        assert_eq!(may.headers.get("Access-Control-Allow-Origin").unwrap(), ORIGIN);
        for (origin, path) in [
            ("https://evil.example.org", VIEW),
            (ORIGIN, "/api/v1/worklist"),
            (ORIGIN, "/cds-servicesx"),
        ] {
            let answer = desk.send(asks(origin, path)).await;
            assert!(
                answer.headers.get("Access-Control-Allow-Origin").is_none(),
                "{origin} {path}"
            );
        }
        let read = desk
            .send(request(Method::GET, "/cds-services", &Caller::Nobody).insert_header(("Origin", ORIGIN)))
            .await;
        assert_eq!(read.headers.get("Access-Control-Allow-Origin").unwrap(), ORIGIN);
        assert!(read.headers.get("Access-Control-Allow-Credentials").is_none());
    }
}
