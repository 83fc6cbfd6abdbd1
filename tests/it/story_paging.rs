//! A page goes on until a person has acknowledged: to the next one, to the last resort, again and again, across a restart.

use chrono::TimeDelta;
use tocsin::api::acknowledge::acknowledge;
use tocsin::api::auth::Role;
use tocsin::api::worklist;
use tocsin::api::worklist_query::WorklistQuery;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;
use tocsin_domain::audit::Event;
use tocsin_domain::ids::AlertId;

use crate::hospital::{Hospital, Setup, everywhere};

const TEAM: &str = "team@hospital.example";
const RADIOLOGIST: &str = "radiologist@hospital.example";
const CHIEF: &str = "chief@hospital.example";

async fn bleed(hospital: &Hospital, seed: u64) {
    let visit = hospital.patient(seed, HeadFinding::Intraparenchymal, Priority::Routine);
    hospital.order(&visit).await;
    hospital.scan(&visit).await;
    hospital.settle().await;
}

fn mails(hospital: &Hospital) -> [usize; 3] {
    [TEAM, RADIOLOGIST, CHIEF].map(|address| hospital.mail_to(address).len())
}

/// How long Prometheus is told that somebody has not been paged, and that nobody has answered; in seconds.
async fn unanswered(hospital: &Hospital) -> [i64; 2] {
    let api = hospital.api(Role::Service).await;
    let text = api.get("/metrics").await.unwrap().body;
    ["raised", "notified"].map(|state| {
        let series = format!("tocsin_oldest_alert_seconds{{state=\"{state}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&series));
        line.unwrap().parse().unwrap()
    })
}

async fn answer(hospital: &Hospital, by: &str) {
    let alerts = hospital.alerts().await;
    let id: AlertId = alerts[0].id.parse().unwrap();
    let event = Event::by_system(
        "alert.acknowledge",
        format!("alert:{id}"),
        "main",
        serde_json::json!({}),
    );
    acknowledge(&hospital.running.state, id, by.to_owned(), event)
        .await
        .unwrap();
}

/// What stands in the alert's column of the worklist, sorted by it.
async fn pressing(hospital: &Hospital) -> Vec<String> {
    let sorted = WorklistQuery {
        sort: "alert".to_owned(),
        ..WorklistQuery::default()
    };
    let list = worklist::load(&hospital.running.state, &sorted, "team", "")
        .await
        .unwrap();
    let alerts = list.items.into_iter().map(|item| item.alert);
    alerts
        .map(|alert| alert.map_or_else(|| "none".to_owned(), |alert| alert.status))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unacknowledged_bleed_reaches_the_chief_and_does_not_let_go() {
    everywhere(Setup::default(), async |hospital| {
        bleed(&hospital, 31).await;
        assert_eq!(mails(&hospital), [1, 0, 0]);
        hospital.advance(TimeDelta::minutes(5)).await;
        assert_eq!(mails(&hospital), [1, 1, 0]);
        hospital.advance(TimeDelta::minutes(10)).await;
        assert_eq!(mails(&hospital), [1, 1, 1]);
        hospital.advance(TimeDelta::minutes(45)).await;
        assert_eq!(mails(&hospital), [1, 1, 4], "every quarter of an hour");
        let last = hospital.mail_to(CHIEF).pop().unwrap();
        assert!(last.contains("Still not acknowledged"), "{last}");
        let [unpaged, unacknowledged] = unanswered(&hospital).await;
        assert_eq!(unpaged, 0);
        assert!((3600..3700).contains(&unacknowledged), "{unacknowledged}");

        answer(&hospital, "chief").await;
        assert_eq!(unanswered(&hospital).await, [0, 0]);
        hospital.advance(TimeDelta::hours(2)).await;
        assert_eq!(mails(&hospital), [1, 1, 4], "an acknowledgement ends it");
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_ran_out_while_the_service_was_down_fires_once() {
    everywhere(Setup::default(), async |hospital| {
        bleed(&hospital, 32).await;
        hospital.clock.advance(TimeDelta::hours(3));
        let hospital = hospital.restarted().await;
        hospital.advance(TimeDelta::seconds(15)).await;
        assert_eq!(
            mails(&hospital),
            [1, 1, 0],
            "the next person, and not every step that was missed"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledged_is_known_and_nobody_can_do_it_twice() {
    everywhere(Setup::default(), async |hospital| {
        bleed(&hospital, 33).await;
        assert_eq!(pressing(&hospital).await, ["notified"]);
        answer(&hospital, "team").await;
        let alert = hospital.alerts().await.remove(0);
        assert_eq!(
            (alert.status.as_str(), alert.acknowledged_by.as_deref()),
            ("acknowledged", Some("team"))
        );
        let id: AlertId = alert.id.parse().unwrap();
        let event = Event::by_system(
            "alert.acknowledge",
            format!("alert:{id}"),
            "main",
            serde_json::json!({}),
        );
        let again = acknowledge(&hospital.running.state, id, "chief".to_owned(), event).await;
        assert!(again.unwrap_err().to_string().contains("acknowledged"));
        let brief = hospital.item().await.alert.unwrap();
        assert_eq!(brief.acknowledged_by.as_deref(), Some("team"));

        bleed(&hospital, 34).await;
        let visit = hospital.patient(12, HeadFinding::None, Priority::Stat);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(pressing(&hospital).await, ["notified", "acknowledged", "none"]);

        let engineer = hospital.api(Role::IntegrationEngineer).await;
        let owed = engineer.json("/api/v1/deliveries").await.unwrap();
        let owed = owed["items"].as_array().unwrap();
        let said = owed
            .iter()
            .filter(|owed| owed["kind"] == "structured_report" && owed["model"] == "ich");
        assert_eq!(said.count(), 3, "one of each study");
        assert!(
            owed.iter().all(|owed| owed["patient"]["identifier"].is_string()),
            "{owed:?}"
        );
        hospital.close().await;
    })
    .await;
}

/// A mail folder that is no folder: the channel fails until somebody mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_sent_goes_out_when_the_channel_is_back() {
    everywhere(Setup::default(), async |hospital| {
        let folder = hospital.mail_folder();
        std::fs::write(&folder, "in the way").unwrap();
        bleed(&hospital, 34).await;
        assert_eq!(mails(&hospital), [0, 0, 0]);
        assert_eq!(hospital.pages().await[0].state, "failed");
        std::fs::remove_file(&folder).unwrap();
        hospital.advance(TimeDelta::seconds(20)).await;
        assert_eq!(mails(&hospital), [1, 0, 0], "within twenty seconds of its return");
        hospital.close().await;
    })
    .await;
}
