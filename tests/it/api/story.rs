//! Messages a second time, with the jobs that really do it and a RIS that really answers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
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
use tocsin::storage::entity::{imaging_order, patient, report};
use tocsin::storage::{leases, messages};
use tocsin::telemetry::Metrics;
use tocsin_domain::order::{Hl7Event, ReportEvent};
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
fn workshop(desk: &Desk, folder: &TempDir, ris: u16) -> Env {
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
        None,
    );
    Env {
        store: desk.store().clone(),
        blobs: BlobStore::open(&folder.path().join("blobs")).unwrap(),
        settings: Arc::new(pipeline),
        metrics: Metrics::new(),
        priors: None,
        fhir: desk.state.fhir.clone(),
        hooks: Vec::new(),
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
            (unread, "could not be read when it came"),
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
