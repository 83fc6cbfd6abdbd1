//! What people put right, each with its entry on the audit chain in the same transaction.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::storage::deliveries::{self, DeliveryKind, DeliveryState};
use tocsin::storage::entity::job;
use tocsin::storage::{instances, studies, timeline};
use tocsin_domain::ids::{DeliveryId, StudyId};
use tocsin_domain::work::Work;

use super::desk::{Desk, desks};
use super::seed::ACCESSION;

async fn jobs_for(desk: &Desk, work: &Work) -> u64 {
    job::Entity::find()
        .filter(job::Column::Payload.eq(serde_json::to_string(work).unwrap()))
        .count(desk.store().read())
        .await
        .unwrap()
}

async fn state_of(desk: &Desk, id: DeliveryId) -> String {
    deliveries::get(desk.store().read(), id).await.unwrap().state
}

async fn events(desk: &Desk, id: StudyId) -> Vec<String> {
    let rows = timeline::of_study(desk.store().read(), id).await.unwrap();
    rows.into_iter().map(|row| row.event).collect()
}

#[actix_web::test]
async fn one_reader_holds_a_study_until_they_give_it_back_or_half_an_hour_is_over() {
    for desk in desks().await {
        let (mia, tom) = (
            desk.token(Role::Radiologist, "mia").await,
            desk.token(Role::Radiologist, "tom").await,
        );
        let study = desk.study("1.2.3").await;
        let (claim, release) = (
            format!("/api/v1/studies/{study}/claim"),
            format!("/api/v1/studies/{study}/release"),
        );
        let held = desk.json(&claim, &mia, json!({})).await.json();
        assert_eq!(
            (&held["claimed_by"], &held["ends_at"]),
            (&json!("mia"), &json!("2026-03-14T09:30:00Z"))
        );
        let refused = desk.json(&claim, &tom, json!({})).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        let said = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            said.contains("mia") && said.contains("2026-03-14T09:00:00"),
            "{said}"
        );
        assert_eq!(
            desk.json(&release, &tom, json!({})).await.status,
            StatusCode::CONFLICT
        );

        assert_eq!(desk.json(&release, &mia, json!({})).await.status, StatusCode::OK);
        assert_eq!(
            desk.json(&release, &mia, json!({})).await.status,
            StatusCode::CONFLICT
        );
        assert_eq!(desk.json(&claim, &tom, json!({})).await.status, StatusCode::OK);
        desk.clock.advance(TimeDelta::minutes(31));
        assert_eq!(desk.json(&claim, &mia, json!({})).await.status, StatusCode::OK);
        let admin = desk.token(Role::Admin, "admin").await;
        assert_eq!(
            desk.json(&release, &admin, json!({})).await.status,
            StatusCode::OK
        );

        assert_eq!(
            events(&desk, study).await,
            ["claimed", "released", "claimed", "claimed", "released"]
        );
        let seen = desk.audited().await;
        let object = format!("study:{study}");
        let of = |action: &str| seen.iter().filter(|(a, o)| a == action && *o == object).count();
        assert_eq!((of("study.claim"), of("study.release")), (3, 2));
    }
}

#[actix_web::test]
async fn a_decision_about_the_order_releases_what_was_held_for_it() {
    for desk in desks().await {
        let who = desk.token(Role::Technologist, "tess").await;
        let study = desk.study("1.2.3").await;
        let order = desk.order(ACCESSION, "OTHER").await;
        let held = desk
            .delivery(study, DeliveryKind::ResultMessage, DeliveryState::Held)
            .await;
        let sr = desk
            .delivery(study, DeliveryKind::StructuredReport, DeliveryState::Held)
            .await;

        let list = desk.get("/api/v1/reconciliation", &who).await.json();
        let item = &list["items"][0];
        assert_eq!(
            (&item["study_id"], &item["held"]),
            (&json!(study.to_string()), &json!(2))
        );
        assert_eq!(item["candidates"][0]["order_id"], json!(order));

        let path = format!("/api/v1/reconciliation/{study}/resolve");
        for (wrong, status) in [
            (json!({}), StatusCode::BAD_REQUEST),
            (
                json!({ "order_id": order, "no_order": true }),
                StatusCode::BAD_REQUEST,
            ),
            (json!({ "accession": "A999" }), StatusCode::NOT_FOUND),
            (json!({ "order_id": study.to_string() }), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(
                desk.json(&path, &who, wrong.clone()).await.status,
                status,
                "{wrong}"
            );
        }
        assert_eq!(state_of(&desk, held).await, "held");

        // A number that was typed is not seen in a list: that it is somebody else's has to be said.
        let asked = desk.json(&path, &who, json!({ "accession": ACCESSION })).await;
        assert_eq!(asked.status, StatusCode::CONFLICT);
        assert!(asked.text.contains("is of another patient"), "{}", asked.text);
        assert_eq!(state_of(&desk, held).await, "held");
        let said = json!({ "accession": ACCESSION, "nevertheless": true });
        let done = desk.json(&path, &who, said).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        let done = done.json();
        assert_eq!(
            (&done["link"], &done["released"], &done["order_id"]),
            (&json!("linked"), &json!(2), &json!(order))
        );
        for delivery in [held, sr] {
            assert_eq!(state_of(&desk, delivery).await, "pending");
            assert_eq!(jobs_for(&desk, &Work::Deliver { delivery }).await, 1);
        }
        assert_eq!(jobs_for(&desk, &Work::TriageStudy { study }).await, 1);
        let row = studies::get(desk.store().read(), study).await.unwrap();
        assert_eq!(
            (row.order_id, row.link_resolved_by.as_deref()),
            (Some(order), Some("tess"))
        );
        assert_eq!(events(&desk, study).await, ["link_resolved"]);
        assert_eq!(
            desk.get("/api/v1/reconciliation", &who).await.json()["items"],
            json!([])
        );
        assert!(
            desk.audited()
                .await
                .iter()
                .any(|(action, _)| action == "reconciliation.resolve")
        );
    }
}

#[actix_web::test]
async fn a_study_without_an_order_keeps_back_only_what_would_name_nobody() {
    for desk in desks().await {
        let who = desk.token(Role::Technologist, "tess").await;
        let study = desk.study("1.2.3").await;
        let message = desk
            .delivery(study, DeliveryKind::ResultMessage, DeliveryState::Held)
            .await;
        let sr = desk
            .delivery(study, DeliveryKind::StructuredReport, DeliveryState::Held)
            .await;
        let path = format!("/api/v1/reconciliation/{study}/resolve");
        let done = desk.json(&path, &who, json!({ "no_order": true })).await.json();
        assert_eq!(
            (&done["link"], &done["released"]),
            (&json!("unmatched"), &json!(1))
        );
        assert_eq!(state_of(&desk, message).await, "held");
        assert_eq!(state_of(&desk, sr).await, "pending");
        // A person may change their mind.
        desk.order(ACCESSION, "MRN1").await;
        let done = desk
            .json(&path, &who, json!({ "accession": ACCESSION }))
            .await
            .json();
        assert_eq!(done["released"], json!(1));
        assert_eq!(state_of(&desk, message).await, "pending");
    }
}

#[actix_web::test]
async fn an_entry_of_the_quarantine_is_closed_once_with_a_reason_and_its_row_stays() {
    for desk in desks().await {
        let who = desk.token(Role::Technologist, "tess").await;
        let entry = desk.quarantined("1.2.3").await;
        let path = format!("/api/v1/quarantine/{entry}/dismiss");
        assert_eq!(
            desk.json(&path, &who, json!({ "reason": " " })).await.status,
            StatusCode::BAD_REQUEST
        );
        let done = desk
            .json(&path, &who, json!({ "reason": "sent again by the modality" }))
            .await;
        assert_eq!(done.json()["state"], "dismissed", "{}", done.text);
        let again = desk.json(&path, &who, json!({ "reason": "again" })).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(again.text.contains("tess"), "{}", again.text);
        let open = desk.get("/api/v1/quarantine?state=open", &who).await.json();
        assert_eq!(open["items"], json!([]));
        let rows = instances::quarantined(desk.store().read(), Some("dismissed"), None, 9)
            .await
            .unwrap();
        assert_eq!(rows[0].resolution.as_deref(), Some("sent again by the modality"));
        let seen = desk.audited().await;
        assert_eq!(
            seen.iter()
                .filter(|(action, _)| action == "quarantine.dismiss")
                .count(),
            1
        );
    }
}

#[actix_web::test]
async fn a_refused_delivery_goes_out_again_by_one_job_however_often_that_is_asked() {
    for desk in desks().await {
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        let study = desk.study("1.2.3").await;
        let refused = desk
            .delivery(study, DeliveryKind::ResultMessage, DeliveryState::Refused)
            .await;
        let path = |id: DeliveryId| format!("/api/v1/deliveries/{id}/retry");
        for expected in ["queued", "brought_forward"] {
            let answer = desk.json(&path(refused), &who, json!({})).await.json();
            assert_eq!(
                (&answer["state"], &answer["job"]),
                (&json!("pending"), &json!(expected))
            );
        }
        assert_eq!(jobs_for(&desk, &Work::Deliver { delivery: refused }).await, 1);
        for state in [
            DeliveryState::Held,
            DeliveryState::Confirmed,
            DeliveryState::Cancelled,
        ] {
            let id = desk.delivery(study, DeliveryKind::ResultMessage, state).await;
            let answer = desk.json(&path(id), &who, json!({})).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
            assert!(answer.text.contains(&id.to_string()));
            assert_eq!(state_of(&desk, id).await, state.text());
        }
        let seen = desk.audited().await;
        assert_eq!(
            seen.iter()
                .filter(|(action, _)| action == "delivery.retry")
                .count(),
            2
        );
    }
}

#[actix_web::test]
async fn an_alert_is_acknowledged_once_by_whoever_comes_first() {
    for desk in desks().await {
        let (mia, tom) = (
            desk.token(Role::Radiologist, "mia").await,
            desk.token(Role::StrokeTeam, "tom").await,
        );
        let study = desk.study("1.2.3").await;
        let alert = desk.alert(study).await;
        let path = format!("/api/v1/alerts/{alert}/acknowledge");
        assert_eq!(
            desk.json(&path, &mia, json!({})).await.json()["acknowledged_by"],
            "mia"
        );
        let second = desk.json(&path, &tom, json!({})).await;
        assert_eq!(second.status, StatusCode::CONFLICT);
        let list = desk.get("/api/v1/alerts?status=acknowledged", &tom).await.json();
        assert_eq!(list["items"][0]["acknowledged_by"], "mia");
        assert_eq!(jobs_for(&desk, &Work::StepAlert { alert }).await, 1);
        let seen = desk.audited().await;
        assert_eq!(
            seen.iter()
                .filter(|(action, _)| action == "alert.acknowledge")
                .count(),
            1
        );
    }
}

#[actix_web::test]
async fn the_same_repairs_are_done_by_forms() {
    for desk in desks().await {
        let who = desk.browser(Role::Admin, "admin").await;
        let study = desk.study("1.2.3").await;
        let order = desk.order(ACCESSION, "OTHER").await;
        let entry = desk.quarantined("1.2.3").await;
        let alert = desk.alert(study).await;
        let refused = desk
            .delivery(study, DeliveryKind::ResultMessage, DeliveryState::Refused)
            .await;
        let page = desk.get("/reconciliation", &who).await.text;
        let form = format!("action=\"/reconciliation/{study}/resolve\"");
        assert_eq!(
            page.matches(&form).count(),
            3,
            "its candidate, another order, none: {page}"
        );
        let resolve = format!("/reconciliation/{study}/resolve");
        let wrong = desk
            .form(&resolve, &who, &[("accession", "NOBODY-HAS-THIS")])
            .await;
        assert_eq!(wrong.status, StatusCode::NOT_FOUND);
        assert!(wrong.text.contains("Nothing was decided"), "{}", wrong.text);
        assert_eq!(wrong.text.matches(&form).count(), 3, "and it can be typed again");
        for (link, forms) in [("unmatched", 3), ("conflict", 0)] {
            let page = desk.get(&format!("/reconciliation?link={link}"), &who).await.text;
            assert_eq!(page.matches(&form).count(), forms, "{link}");
        }
        for (path, fields, leads_to) in [
            (
                format!("/studies/{study}/claim"),
                vec![("from", "worklist")],
                "/".to_owned(),
            ),
            (
                format!("/studies/{study}/release"),
                vec![],
                format!("/studies/{study}"),
            ),
            (
                format!("/reconciliation/{study}/resolve"),
                vec![("order_id", order.as_str())],
                "/reconciliation".into(),
            ),
            (
                format!("/quarantine/{entry}/dismiss"),
                vec![("reason", "known")],
                "/quarantine".into(),
            ),
            (format!("/alerts/{alert}/acknowledge"), vec![], "/alerts".into()),
            (
                format!("/deliveries/{refused}/retry"),
                vec![],
                "/deliveries".into(),
            ),
        ] {
            let answer = desk.form(&path, &who, &fields).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
            assert_eq!(answer.location(), leads_to, "{path}");
        }
        let seen: Vec<String> = desk
            .audited()
            .await
            .into_iter()
            .map(|(action, _)| action)
            .collect();
        for action in [
            "study.claim",
            "study.release",
            "reconciliation.resolve",
            "quarantine.dismiss",
            "alert.acknowledge",
            "delivery.retry",
        ] {
            assert_eq!(
                seen.iter().filter(|a| *a == action).count(),
                1,
                "{}: {action}",
                desk.name
            );
        }
    }
}

#[actix_web::test]
async fn the_head_of_the_audit_chain_moves_with_every_entry() {
    for desk in desks().await {
        let who = desk.token(Role::Governance, "gov").await;
        let head = |answer: Value| answer["seq"].as_i64().unwrap();
        let before = head(desk.get("/api/v1/audit/head", &who).await.json());
        let reader = desk.token(Role::Radiologist, "mia").await;
        desk.get("/api/v1/worklist", &reader).await;
        assert_eq!(
            head(desk.get("/api/v1/audit/head", &who).await.json()),
            before + 1
        );
    }
}
