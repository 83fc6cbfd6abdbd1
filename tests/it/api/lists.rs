//! Lists: their pieces, their filters, what they find, and what looking at them leaves behind.

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::storage::deliveries::{DeliveryKind, DeliveryState};
use tocsin::storage::prior_searches::Purpose;
use tocsin::storage::versions::{self, Candidate, Kind};
use tocsin_domain::order::Hl7Event;

use super::desk::{Caller, Desk, desks};
use super::seed::{ACCESSION, order};

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Every id of a list, read two at a time.
async fn whole(desk: &Desk, path: &str, who: &Caller) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let piece = desk.get(&format!("{path}?limit=2{cursor}"), who).await.json();
        found.extend(ids(&piece));
        match piece["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[actix_web::test]
async fn rows_of_one_instant_are_neither_skipped_nor_repeated() {
    for desk in desks().await {
        let admin = desk.token(Role::Admin, "admin").await;
        let study = desk.study("1.2.3").await;
        for control in ["C1", "C2", "C3", "C4", "C5"] {
            desk.inbound(control, None).await;
            desk.alert(study).await;
            desk.delivery(study, DeliveryKind::KeyImage, DeliveryState::Pending)
                .await;
        }
        for path in ["/api/v1/messages", "/api/v1/alerts", "/api/v1/deliveries"] {
            let mut found = whole(&desk, path, &admin).await;
            assert_eq!(found.len(), 5, "{} {path}", desk.name);
            found.sort();
            found.dedup();
            assert_eq!(found.len(), 5, "{} {path}", desk.name);
        }
    }
}

#[actix_web::test]
async fn a_connection_shows_what_came_and_what_waits_and_can_be_tried() {
    for desk in desks().await {
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        let study = desk.study("1.2.3").await;
        let of = async |kind: &str| {
            let list = desk.get("/api/v1/connections", &who).await.json();
            let items = list["items"].as_array().unwrap().clone();
            items.into_iter().find(|item| item["kind"] == kind).unwrap()
        };
        assert_eq!(of("hl7_in").await["state"], "unused", "{}", desk.name);
        desk.inbound("C1", None).await;
        desk.inbound("C2", None).await;
        let ris = of("hl7_in").await;
        assert_eq!(
            (&ris["state"], &ris["last_hour"], &ris["usual_per_hour"]),
            (&json!("working"), &json!(2), &Value::Null)
        );
        desk.delivery(study, DeliveryKind::KeyImage, DeliveryState::Refused)
            .await;
        desk.delivery(study, DeliveryKind::KeyImage, DeliveryState::Pending)
            .await;
        let archive = of("hl7_out").await;
        assert_eq!(
            (&archive["state"], &archive["waiting"], &archive["refused"]),
            (&json!("refusing"), &json!(1), &json!(1)),
            "{archive}"
        );

        let tried = desk.json("/api/v1/connections/1/check", &who, json!({})).await;
        assert_eq!(
            tried.json(),
            json!({ "good": true, "answer": "it takes connections" })
        );
        let failed = desk.json("/api/v1/connections/2/check", &who, json!({})).await;
        assert_eq!(failed.json()["good"], false);
        let nobody = desk.json("/api/v1/connections/0/check", &who, json!({})).await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
        let kept = desk.audited().await;
        let tries = kept.iter().filter(|(action, _)| action == "connection.check");
        assert_eq!(tries.count(), 2);
    }
}

#[actix_web::test]
async fn a_filter_takes_the_words_it_names_and_no_others() {
    let desk = desks().await.remove(0);
    let admin = desk.token(Role::Admin, "admin").await;
    let study = desk.study("1.2.3").await;
    let refused = desk
        .delivery(study, DeliveryKind::KeyImage, DeliveryState::Refused)
        .await;
    desk.delivery(study, DeliveryKind::KeyImage, DeliveryState::Pending)
        .await;
    let list = desk.get("/api/v1/deliveries?state=refused", &admin).await.json();
    assert_eq!(ids(&list), [refused.to_string()]);
    for path in [
        "/api/v1/deliveries?state=lost",
        "/api/v1/quarantine?state=lost",
        "/api/v1/alerts?status=lost",
        "/api/v1/messages?cursor=x",
        "/api/v1/messages?limit=x",
    ] {
        let answer = desk.get(path, &admin).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.json()["type"].as_str().unwrap().ends_with("bad-request"));
    }
    let said = desk.get("/api/v1/deliveries?state=lost", &admin).await.json();
    assert_eq!(
        said["detail"],
        "state: expected one of held, pending, committed, confirmed, refused, cancelled"
    );
}

#[actix_web::test]
async fn a_message_is_found_by_what_it_is_and_by_its_study() {
    for desk in desks().await {
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        let study = desk.study("1.2.3").await;
        let (sent, _) = desk.outbound(study, DeliveryState::Confirmed).await;
        let came = desk
            .inbound("CTRL7", Some(Hl7Event::Orders(vec![order("A200", "MRN1")])))
            .await;
        for (q, expected) in [
            (ACCESSION, sent),
            ("1.2.3", sent),
            (&study.to_string(), sent),
            ("ORU", sent),
            ("CTRL7", came),
            ("ctrl7", came),
            ("CTR", came),
            ("A200", came),
            ("MRN1+CTRL7", came),
            ("RIS|EGH", came),
        ] {
            let list = desk.get(&format!("/api/v1/messages?q={q}"), &who).await.json();
            assert_eq!(ids(&list), [expected.to_string()], "{} {q}", desk.name);
        }
        for nothing in [
            "nothing-like-it",
            "MRN1+A300",
            "CTRL7&direction=out",
            "CTRL7&until=2020-01-01",
            "CT",
        ] {
            let path = format!("/api/v1/messages?q={nothing}");
            assert_eq!(
                desk.get(&path, &who).await.json()["items"],
                json!([]),
                "{nothing}"
            );
        }
        let wrong = desk.get("/api/v1/messages?since=yesterday", &who).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn every_look_at_a_patient_is_on_the_audit_chain() {
    for desk in desks().await {
        let admin = desk.token(Role::Admin, "admin").await;
        let study = desk.study("1.2.3").await;
        let message = desk.inbound("C1", None).await;
        desk.alert(study).await;
        desk.delivery(study, DeliveryKind::KeyImage, DeliveryState::Pending)
            .await;
        for (path, action, object) in [
            (
                "/api/v1/worklist".to_owned(),
                "worklist.view",
                format!("study:{study}"),
            ),
            (
                format!("/api/v1/studies/{study}"),
                "study.view",
                format!("study:{study}"),
            ),
            ("/api/v1/alerts".into(), "alerts.view", format!("study:{study}")),
            (
                "/api/v1/deliveries".into(),
                "deliveries.view",
                format!("study:{study}"),
            ),
            (
                "/api/v1/reconciliation".into(),
                "reconciliation.view",
                format!("study:{study}"),
            ),
            ("/api/v1/messages".into(), "messages.search", "messages".into()),
            (
                format!("/api/v1/messages/{message}"),
                "message.view",
                format!("message:{message}"),
            ),
            (
                "/api/v1/quarantine".into(),
                "quarantine.view",
                "quarantine".into(),
            ),
            ("/".into(), "worklist.view", format!("study:{study}")),
            (
                format!("/studies/{study}"),
                "study.view",
                format!("study:{study}"),
            ),
            (
                "/reconciliation".into(),
                "reconciliation.view",
                format!("study:{study}"),
            ),
            (
                format!("/messages/{message}"),
                "message.view",
                format!("message:{message}"),
            ),
        ] {
            assert_eq!(desk.get(&path, &admin).await.status, StatusCode::OK, "{path}");
            let last = desk.audited().await.pop().unwrap();
            assert_eq!(last, (action.to_owned(), object), "{} {path}", desk.name);
        }
    }
}

#[actix_web::test]
async fn what_is_in_force_is_listed_with_its_hash_and_whether_it_is_in_use() {
    for desk in desks().await {
        let who = desk.token(Role::Governance, "gov").await;
        desk.store()
            .write(|tx| {
                Box::pin(async move {
                    let candidate = |kind, name: &str, version: &str, hash: &str| Candidate {
                        kind,
                        name: name.into(),
                        version: version.into(),
                        sha256: hash.repeat(32),
                        content: None,
                    };
                    let model = candidate(Kind::Model, "ich", "1.0.0", "aa");
                    versions::activate(tx, &model, "first start").await?;
                    let rules = candidate(Kind::Rules, "head-ct", "2", "bb");
                    versions::activate(tx, &rules, "gov").await
                })
            })
            .await
            .unwrap();
        let models = desk.get("/api/v1/models", &who).await.json();
        let expected = json!({
            "name": "ich", "version": "1.0.0", "sha256": "aa".repeat(32), "state": "active",
            "active_since": "2026-03-14T09:00:00Z", "activated_by": "first start",
        });
        assert_eq!(models["items"], json!([expected]));
        let rules = desk.get("/api/v1/rules", &who).await.json();
        assert_eq!(
            (&rules["items"][0]["name"], &rules["items"][0]["state"]),
            (&json!("head-ct"), &json!("not_loaded"))
        );
    }
}

#[actix_web::test]
async fn a_number_finds_what_waits_and_what_is_on_no_list() {
    for desk in desks().await {
        let who = desk.token(Role::Radiologist, "mia").await;
        let waits = desk.study("1.2.3").await.to_string();
        let fetched = desk.study_for("1.2.4", Purpose::Comparison).await.to_string();
        let found = async |number: &str| -> Vec<(String, String)> {
            let list = desk
                .get(&format!("/api/v1/studies?number={number}"), &who)
                .await
                .json();
            let items = list["items"].as_array().unwrap().iter();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let mut pairs: Vec<_> = items
                .map(|one| (text(&one["study_id"]), text(&one["standing"])))
                .collect();
            pairs.sort();
            pairs
        };
        let mut both = vec![
            (waits.clone(), "waits".to_owned()),
            (fetched.clone(), "comparison".to_owned()),
        ];
        both.sort();
        for (number, expected) in [
            (ACCESSION, &both[..]),
            ("mrn1", &both),
            ("MRN", &[]),
            ("%25", &[]),
            ("", &[]),
        ] {
            assert_eq!(found(number).await, expected, "{} {number}", desk.name);
        }
        assert_eq!(found("1.2.4").await, [(fetched.clone(), "comparison".to_owned())]);

        let reader = desk.browser(Role::Radiologist, "mia").await;
        let page = desk
            .form("/worklist/search", &reader, &[("q", ACCESSION)])
            .await
            .text;
        assert!(page.contains("data-standing=\"comparison\"") && !page.contains("data-standing=\"waits\""));
        let looked = desk.audited().await.into_iter();
        assert_eq!(looked.filter(|(action, _)| action == "study.search").count(), 6);
    }
}
