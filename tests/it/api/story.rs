//! Messages a second time, with the jobs that really do it and a RIS that really answers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use sea_orm::ActiveValue::Set;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use tempfile::TempDir;
use tocsin::api::auth::Role;
use tocsin::app::{load, settings};
use tocsin::config::Config;
use tocsin::inference::pool::Pool;
use tocsin::jobs::Handler;
use tocsin::notify::{Mailer, PageTemplates};
use tocsin::pipeline::env::Env;
use tocsin::storage::blobs::BlobStore;
use tocsin::storage::deliveries::{self, DeliveryState};
use tocsin::storage::entity::{self, imaging_order, patient, report};
use tocsin::storage::{leases, messages, studies};
use tocsin::telemetry::Metrics;
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::order::{Hl7Event, ReportEvent};
use tocsin_domain::triage::{CaseFacts, Pack};
use tocsin_domain::work::Lane;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::desk::{Desk, desks};
use super::seed::{ACCESSION, EVIL, order};

/// A RIS that takes every message and remembers it.
struct Ris {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Ris {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, heard) = (
            listener.local_addr().unwrap().port(),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let remember = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                let mut frame = Vec::new();
                while !frame.ends_with(b"\x1c\r") {
                    frame.push(line.read_u8().await.unwrap());
                }
                remember.lock().unwrap().push(String::from_utf8(frame).unwrap());
                let answer = "\x0bMSH|^~\\&|RIS||TOCSIN||20260314||ACK|1|P|2.5.1\rMSA|AA|CONTROL\r\x1c\r";
                let heard = remember.lock().unwrap().last().cloned().unwrap();
                let control = heard.split('|').nth(9).unwrap_or_default().to_owned();
                line.write_all(answer.replace("CONTROL", &control).as_bytes())
                    .await
                    .unwrap();
            }
        });
        Self { port, heard }
    }
}

/// What the jobs need, around the desk's database.
pub(super) fn workshop(desk: &Desk, folder: &TempDir, ris: u16) -> Env {
    let text = format!(
        "[site]\nname = \"General Hospital\"\ntime_zone = \"Europe/Berlin\"\n\
         [database]\nurl = \"sqlite://unused.db\"\n[storage]\nurl = \"file://blobs\"\n\
         [hl7]\ndefault_authority = \"EGH\"\n\
         [alerts]\ncapture_dir = \"mail\"\n\
         [ris]\nenabled = true\nhost = \"127.0.0.1\"\nport = {ris}\n"
    );
    let config = Config::from_text(Path::new("tocsin.toml"), folder.path(), &text, Vec::new()).unwrap();
    let ris = load::ris(&config, None).unwrap();
    let pipeline = settings::pipeline(
        &config,
        "http://localhost".into(),
        b"link key".to_vec(),
        "T".into(),
        ris,
        Vec::new(),
        None,
    );
    Env {
        store: desk.store().clone(),
        blobs: BlobStore::open(&folder.path().join("blobs")).unwrap(),
        settings: Arc::new(pipeline),
        metrics: Metrics::new(),
        priors: None,
        worklists: Arc::default(),
        fhir: desk.state.fhir.clone(),
        hooks: Vec::new(),
        hub: None,
        mailer: Mailer::from_config(&config.alerts).unwrap(),
        templates: PageTemplates::shipped().unwrap(),
        packs: Arc::default(),
        models: Arc::default(),
        absent_models: Arc::default(),
        worker: Arc::new(Pool::new(load::pool(&config, PathBuf::from("tocsin")))),
    }
}

/// Does what is due, until nothing is.
async fn work(desk: &Desk, env: &Env) {
    loop {
        let mut done = 0;
        for lane in Lane::ALL {
            for lease in leases::claim(desk.store(), lane, "test", 10).await.unwrap() {
                env.run(&lease).await.unwrap();
                done += 1;
            }
        }
        if done == 0 {
            return;
        }
    }
}

async fn rows(desk: &Desk) -> (u64, u64, u64) {
    let conn = desk.store().read();
    (
        imaging_order::Entity::find().count(conn).await.unwrap(),
        patient::Entity::find().count(conn).await.unwrap(),
        report::Entity::find().count(conn).await.unwrap(),
    )
}

fn final_report() -> ReportEvent {
    serde_json::from_value(json!({
        "placer": null, "filler": null, "accession": ACCESSION, "study_uid": null,
        "status": "final", "text": EVIL, "radiologist": "Dr",
        "patient": order(ACCESSION, "MRN1").patient,
        "at": "2026-03-14T10:00:00Z",
    }))
    .unwrap()
}

#[actix_web::test]
async fn a_message_applied_twice_has_one_effect_and_a_preview_has_none() {
    for desk in desks().await {
        let folder = tempfile::tempdir().unwrap();
        let env = workshop(&desk, &folder, 1);
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        let study = desk.study("1.2.3").await;
        let placed = desk
            .inbound("C1", Some(Hl7Event::Orders(vec![order(ACCESSION, "MRN1")])))
            .await;
        let reported = desk
            .inbound("C2", Some(Hl7Event::Report(vec![final_report()])))
            .await;

        let path = format!("/api/v1/messages/{placed}/replay");
        let preview = desk.json(&format!("{path}?preview=true"), &who, json!({})).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
        assert!(
            preview.text.contains("A100 is not known and is created"),
            "{}",
            preview.text
        );
        assert!(!preview.text.contains("script"), "no patient in {}", preview.text);
        work(&desk, &env).await;
        assert_eq!(rows(&desk).await, (0, 0, 0), "{}", desk.name);

        for round in 0..2 {
            for message in [placed, reported] {
                let path = format!("/api/v1/messages/{message}/replay");
                let done = desk.json(&path, &who, json!({})).await.json();
                assert_eq!(done["job"], "queued", "{done}");
                // Asked again before it is done, it is still one job.
                assert_eq!(
                    desk.json(&path, &who, json!({})).await.json()["job"],
                    "brought_forward"
                );
                work(&desk, &env).await;
                let row = messages::by_id(desk.store().read(), message)
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!(row.state, "applied");
            }
            assert_eq!(rows(&desk).await, (1, 1, 1), "{} round {round}", desk.name);
        }
        let reader = desk.token(Role::Radiologist, "mia").await;
        let view = desk
            .get(&format!("/api/v1/studies/{study}"), &reader)
            .await
            .json();
        assert_eq!(
            (&view["link"], &view["report_status"]),
            (&json!("linked"), &json!("final"))
        );
        let preview = desk.json(&format!("{path}?preview=true"), &who, json!({})).await;
        assert!(
            preview.text.contains("stays as it is; 1 linked studies"),
            "{}",
            preview.text
        );
        let seen = desk.audited().await;
        let replays = seen
            .iter()
            .filter(|(action, _)| action == "message.replay")
            .count();
        assert_eq!(replays, 8);
    }
}

#[actix_web::test]
async fn what_cannot_be_replayed_says_why() {
    for desk in desks().await {
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        let study = desk.study("1.2.3").await;
        let ignored = Hl7Event::Ignored {
            reason: "BAR^P01 changes nothing".into(),
        };
        let ignored = desk.inbound("C1", Some(ignored)).await;
        let unread = desk.inbound("C2", None).await;
        let (held, _) = desk.outbound(study, DeliveryState::Held).await;
        for (message, because) in [
            (ignored, "is of a kind that changes nothing here"),
            (unread, "cannot be read: ORC"),
            (held, "is held until its study's order is decided"),
        ] {
            let answer = desk
                .json(&format!("/api/v1/messages/{message}/replay"), &who, json!({}))
                .await;
            assert_eq!(answer.status, StatusCode::CONFLICT);
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(
                detail.contains(because) && detail.contains(&message.to_string()),
                "{detail}"
            );
        }
    }
}

#[actix_web::test]
async fn a_message_sent_again_is_the_same_message() {
    for desk in desks().await {
        let (folder, ris) = (tempfile::tempdir().unwrap(), Ris::start().await);
        let env = workshop(&desk, &folder, ris.port);
        let who = desk.browser(Role::Admin, "admin").await;
        let study = desk.study("1.2.3").await;
        let order = desk.order(ACCESSION, "MRN1").await;
        let resolve = format!("/reconciliation/{study}/resolve");
        desk.form(&resolve, &who, &[("order_id", &order)]).await;
        let (message, delivery) = desk.outbound(study, DeliveryState::Refused).await;

        let path = format!("/messages/{message}/replay");
        let preview = desk.form(&path, &who, &[("preview", "yes")]).await;
        assert!(
            preview.text.contains("The same bytes go to ris again"),
            "{}",
            preview.text
        );
        for sent in 1..=2 {
            let answer = desk.form(&path, &who, &[]).await;
            assert_eq!(
                answer.location(),
                format!("/messages/{message}"),
                "{}",
                answer.text
            );
            work(&desk, &env).await;
            assert_eq!(ris.heard.lock().unwrap().len(), sent);
            let row = deliveries::get(desk.store().read(), delivery).await.unwrap();
            assert_eq!(row.state, "confirmed", "{:?}", row.last_error);
        }
        let heard = ris.heard.lock().unwrap().clone();
        assert_eq!(heard[0], heard[1], "the same bytes both times");
    }
}

pub(super) const PACK: &str = "name: p\ntitle: P\nversion: '1'\nfacts: 1\n";
pub(super) const STAT: &str = "id: stat\ntitle: T\nversion: 1\nwhen: order.priority == 'S'\nreason: because\n\
                    then: {raise: critical, page: {policy: stroke}}\n";

pub(super) async fn gives_facts(desk: &Desk, study: StudyId) {
    let facts = CaseFacts::blank(Uid::parse("1.2.3").unwrap()).study;
    let row = entity::study::ActiveModel {
        id: Set(study.to_string()),
        facts: Set(Some(serde_json::to_string(&facts).unwrap())),
        ..Default::default()
    };
    desk.store()
        .write(move |tx| Box::pin(async move { studies::save(tx, row).await }))
        .await
        .unwrap();
}

#[actix_web::test]
async fn a_replay_pages_nobody_before_somebody_lets_it() {
    for desk in desks().await {
        let folder = tempfile::tempdir().unwrap();
        let mut env = workshop(&desk, &folder, 1);
        let files = [("pack.yaml", PACK), ("stat.yaml", STAT)].map(|(name, text)| (name.into(), text.into()));
        env.packs = Arc::new(vec![Pack::parse("p", &files).unwrap()]);
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        let reader = desk.browser(Role::Radiologist, "mia").await;
        gives_facts(&desk, desk.study("1.2.3").await).await;
        let placed = desk
            .inbound("C1", Some(Hl7Event::Orders(vec![order(ACCESSION, "MRN1")])))
            .await;

        let path = format!("/api/v1/messages/{placed}/replay");
        assert_eq!(desk.json(&path, &who, json!({})).await.status, StatusCode::OK);
        work(&desk, &env).await;
        let alerts = desk.get("/api/v1/alerts?status=withheld", &reader).await.json();
        let alert = alerts["items"][0]["id"]
            .as_str()
            .expect("one is withheld")
            .to_owned();
        assert_eq!(alerts["items"][0]["pages"], json!([]), "{}", desk.name);

        // Said once more, it is still withheld.
        desk.json(&path, &who, json!({})).await;
        work(&desk, &env).await;
        let alerts = desk.get("/api/v1/alerts", &reader).await.json();
        assert_eq!(alerts["items"].as_array().unwrap().len(), 1);

        let release = format!("/alerts/{alert}/release");
        assert_eq!(
            desk.form(&release, &reader, &[]).await.status,
            StatusCode::SEE_OTHER
        );
        work(&desk, &env).await;
        let alerts = desk.get("/api/v1/alerts", &reader).await.json();
        assert_eq!(alerts["items"][0]["status"], "notified");
        let again = desk.form(&release, &reader, &[]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
    }
}

#[actix_web::test]
async fn what_failed_alike_is_replayed_together_by_who_says_how_many() {
    for desk in desks().await {
        let who = desk.token(Role::IntegrationEngineer, "ines").await;
        for number in 0..52 {
            let said = Hl7Event::Orders(vec![order(ACCESSION, "MRN1")]);
            let id = desk.inbound(format!("C{number}").leak(), Some(said)).await;
            desk.store()
                .write(move |tx| {
                    let because = Some("ORC[1]-1: expected a known code".to_owned());
                    Box::pin(async move { messages::set_state(tx, id, "failed", because, None).await })
                })
                .await
                .unwrap();
        }
        let groups = desk.get("/api/v1/messages/failures", &who).await.json();
        let group = &groups["items"][0];
        assert_eq!((&group["count"], &group["peer"]), (&json!(52), &json!("RIS|EGH")));
        let asked = |more: serde_json::Value| {
            let mut body = json!({ "peer": "RIS|EGH", "state": "failed" });
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            body
        };
        let path = "/api/v1/messages/replays";
        let preview = desk
            .json(path, &who, asked(json!({ "preview": true })))
            .await
            .json();
        assert_eq!(
            (&preview["replayed"], &preview["confirm"]),
            (&json!(52), &json!("REPLAY 52"))
        );
        assert_eq!(rows(&desk).await, (0, 0, 0));
        let silent = desk.json(path, &who, asked(json!({}))).await;
        assert_eq!(silent.status, StatusCode::BAD_REQUEST, "{}", silent.text);
        let all = desk
            .json(path, &who, json!({ "state": "applied", "peer": "RIS|EGH" }))
            .await;
        assert_eq!(all.status, StatusCode::BAD_REQUEST);
        let done = desk
            .json(path, &who, asked(json!({ "confirm": "REPLAY 52" })))
            .await
            .json();
        assert_eq!(done["replayed"], 52, "{done}");
        let groups = desk.get("/api/v1/messages/failures", &who).await.json();
        assert_eq!(groups["items"], json!([]));
    }
}

#[actix_web::test]
async fn what_is_owed_to_a_paused_neighbour_waits_until_it_is_let_go() {
    for desk in desks().await {
        let (folder, ris) = (tempfile::tempdir().unwrap(), Ris::start().await);
        let env = workshop(&desk, &folder, ris.port);
        let who = desk.token(Role::Admin, "admin").await;
        let study = desk.study("1.2.3").await;
        let order = desk.order(ACCESSION, "MRN1").await;
        let resolve = format!("/api/v1/reconciliation/{study}/resolve");
        desk.json(&resolve, &who, json!({ "order_id": order })).await;

        let path = "/api/v1/connections/1/pause";
        for reason in ["", "   "] {
            let answer = desk.json(path, &who, json!({ "reason": reason })).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        }
        let why = json!({ "reason": "the RIS is being updated" });
        assert_eq!(desk.json(path, &who, why.clone()).await.status, StatusCode::OK);
        assert_eq!(desk.json(path, &who, why).await.status, StatusCode::CONFLICT);
        let nobody = desk
            .json("/api/v1/connections/9/pause", &who, json!({ "reason": "x" }))
            .await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);

        let (message, delivery) = desk.outbound(study, DeliveryState::Refused).await;
        let again = format!("/api/v1/messages/{message}/replay");
        desk.json(&again, &who, json!({})).await;
        let lease = leases::claim(desk.store(), Lane::Delivery, "test", 1)
            .await
            .unwrap();
        assert!(env.run(&lease[0]).await.is_err(), "{}", desk.name);
        let row = deliveries::get(desk.store().read(), delivery).await.unwrap();
        let said = row.last_error.unwrap_or_default();
        assert_eq!(
            (row.state.as_str(), said.as_str()),
            ("pending", "paused: the RIS is being updated")
        );
        let list = desk.get("/api/v1/connections", &who).await.json();
        let shown = &list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == "1")
            .unwrap();
        assert_eq!(
            (&shown["state"], &shown["paused"]["by"]),
            (&json!("paused"), &json!("admin"))
        );
        assert!(ris.heard.lock().unwrap().is_empty());

        let resumed = desk.json("/api/v1/connections/1/resume", &who, json!({})).await;
        assert_eq!(resumed.status, StatusCode::OK);
        env.run(&lease[0]).await.unwrap();
        assert_eq!(ris.heard.lock().unwrap().len(), 1);
        let nothing = desk.json("/api/v1/connections/1/resume", &who, json!({})).await;
        assert_eq!(nothing.status, StatusCode::CONFLICT);
        let seen = desk.audited().await;
        let actions: Vec<_> = seen.iter().map(|(action, _)| action.as_str()).collect();
        for action in ["connection.pause", "connection.resume"] {
            assert_eq!(
                actions.iter().filter(|one| **one == action).count(),
                1,
                "{action}"
            );
        }
    }
}
