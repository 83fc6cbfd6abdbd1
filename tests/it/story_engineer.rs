//! What the engineer of the interfaces does: corrects a message by hand, sees beforehand what that will do, stops what comes in,
//! and looks how messages are read.

use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::cli::demo::http::Client;
use tocsin::cli::demo::visit::{Message, Priority};
use tocsin::deliver::{chain, dicom};
use tocsin::imaging::phantom::HeadFinding;

use crate::hospital::{Hospital, Setup, everywhere};

async fn done(client: &Client, path: &str, body: &Value) -> Value {
    let answer = client.post_json(path, body).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The only message that fits.
async fn message(client: &Client, query: &str) -> Value {
    let found = client.json(&format!("/api/v1/messages?{query}")).await.unwrap();
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{query}: {found}");
    items[0].clone()
}

async fn text_of(client: &Client, id: &str) -> String {
    let message = client.json(&format!("/api/v1/messages/{id}/edit")).await.unwrap();
    message["text"].as_str().unwrap().to_owned()
}

/// An order whose control code nobody knows.
fn misspelt(order: &Message) -> Message {
    Message {
        control_id: order.control_id.clone(),
        text: order.text.replace("ORC|NW|", "ORC|NWE|"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_failed_is_corrected_by_hand_and_applied_as_a_new_one() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(51, HeadFinding::None, Priority::Stat);
        hospital.scan(&visit).await;
        hospital.settle().await;
        hospital.refused(&misspelt(&visit.order(hospital.now()))).await;
        let engineer = hospital.api(Role::IntegrationEngineer).await;
        let failed = message(&engineer, "state=failed").await;
        let id = failed["id"].as_str().unwrap();
        let path = format!("/api/v1/messages/{id}/edit");
        let before = text_of(&engineer, id).await;
        let text = before.replace("ORC|NWE|", "ORC|NW|");

        let seen = done(&engineer, &path, &json!({ "text": before, "preview": true })).await;
        assert!(seen["refused"].as_str().unwrap().contains("ORC"), "{seen}");
        let seen = done(&engineer, &path, &json!({ "text": text, "preview": true })).await;
        assert_eq!(
            (&seen["refused"], &seen["id"]),
            (&Value::Null, &Value::Null),
            "{seen}"
        );
        assert_eq!(
            (&seen["changes"][0]["place"], &seen["changes"][0]["after"]),
            (&json!("ORC-1"), &json!("NW"))
        );
        let effects: Vec<&str> = seen["foreseen"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|f| f["effect"].as_str())
            .collect();
        assert!(effects.contains(&"band") && effects.contains(&"link"), "{seen}");
        assert_eq!(hospital.item().await.link, "unmatched", "nothing has happened");

        for (wish, refused) in [
            (json!({ "text": text }), "reason"),
            (json!({ "text": before, "reason": "x" }), "nothing was changed"),
            (json!({ "text": "PID|1", "reason": "x" }), "MSH"),
            (
                json!({ "text": format!("{text}⟦1"), "reason": "x" }),
                "hexadecimal",
            ),
        ] {
            let answer = engineer.post_json(&path, &wish).await.unwrap();
            assert!(
                answer.status == 400 && answer.body.contains(refused),
                "{}",
                answer.body
            );
        }
        let wish = json!({ "text": text, "reason": "NWE is no control code" });
        let reader = hospital.api(Role::Radiologist).await;
        assert_eq!(reader.post_json(&path, &wish).await.unwrap().status, 403);
        let made = done(&engineer, &path, &wish).await;
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(
            (item.link.as_str(), item.ris_priority.as_deref()),
            ("linked", Some("S"))
        );
        let applied = message(&engineer, "state=applied").await;
        assert_eq!(
            (&applied["id"], &applied["control_id"]),
            (&made["id"], &failed["control_id"])
        );
        assert_eq!(
            message(&engineer, "state=failed").await,
            failed,
            "the original stays as it was"
        );
        assert_eq!(text_of(&engineer, id).await, before);
        let groups = engineer.json("/api/v1/messages/failures").await.unwrap();
        assert_eq!(groups["items"], json!([]), "somebody has seen to it");
        // The sender's own repeat of what it sent is still answered as it was.
        hospital.refused(&misspelt(&visit.order(hospital.now()))).await;
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_sent_is_corrected_by_hand_and_sent_under_a_control_id_of_its_own() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(52, HeadFinding::Intraparenchymal, Priority::Stat);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let engineer = hospital.api(Role::IntegrationEngineer).await;
        let sent = message(&engineer, "direction=out&kind=ORU^R01").await;
        let id = sent["id"].as_str().unwrap();
        let path = format!("/api/v1/messages/{id}/edit");
        let text = text_of(&engineer, id)
            .await
            .replace("Suspected", "Suspected, again:");
        let seen = done(&engineer, &path, &json!({ "text": text, "preview": true })).await;
        assert!(
            seen["effects"]
                .to_string()
                .contains("under a control id of its own"),
            "{seen}"
        );
        let made = done(
            &engineer,
            &path,
            &json!({ "text": text, "reason": "the RIS lost a word" }),
        )
        .await;
        hospital.settle().await;
        let heard = hospital.results_heard(&visit).await;
        assert_eq!(heard.len(), 2);
        assert!(!heard[0].contains("again:") && heard[1].contains("Suspected, again:"));
        let control = |text: &str| text.split('|').nth(9).unwrap().to_owned();
        assert_ne!(control(&heard[0]), control(&heard[1]));
        let new = made["id"].as_str().unwrap();
        assert!(text_of(&engineer, new).await.contains(&control(&heard[1])));
        let owed = hospital.owed().await;
        let results = owed.iter().filter(|owed| *owed == "result_message: confirmed");
        assert_eq!(results.count(), 2, "{owed:?}");
        assert!(!text_of(&engineer, id).await.contains("again:"));
        hospital.close().await;
    })
    .await;
}

async fn connection(client: &Client, kind: &str) -> Value {
    let list = client.json("/api/v1/connections").await.unwrap();
    let all = list["items"].as_array().unwrap();
    let found = all
        .iter()
        .find(|one| one["kind"] == kind && one["may_be_paused"] == true);
    found.unwrap_or_else(|| panic!("{kind}: {list}")).clone()
}

async fn switch(client: &Client, kind: &str, what: &str) {
    let id = connection(client, kind).await["id"].as_str().unwrap().to_owned();
    let body = json!({ "reason": "the interface is mended" });
    let path = format!("/api/v1/connections/{id}/{what}");
    let body = if what == "pause" { body } else { json!({}) };
    done(client, &path, &body).await;
}

const SENDERS: &str = "[[hl7.peers]]\nname = \"RIS\"\nhost = \"127.0.0.1\"\napplication = \"DEMORIS\"\n\
                       [[dicom.peers]]\nae_title = \"DEMOCT\"\nhost = \"127.0.0.1\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_is_paused_over_a_restart_and_nothing_that_was_acknowledged_is_lost() {
    let setup = Setup {
        more: SENDERS,
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        for [messages, images] in [["hl7_in", "dicom_in"], ["hl7_listener", "dicom_listener"]] {
            let seed = if messages == "hl7_in" { 53 } else { 54 };
            let visit = hospital.patient(seed, HeadFinding::None, Priority::Routine);
            let engineer = hospital.api(Role::IntegrationEngineer).await;
            for kind in [messages, images] {
                switch(&engineer, kind, "pause").await;
                let shown = connection(&engineer, kind).await;
                assert_eq!(
                    (&shown["state"], &shown["paused"]["reason"]),
                    (&json!("paused"), &json!("the interface is mended"))
                );
            }
            turned_away(&hospital, seed).await;
            for kind in [messages, images] {
                switch(&engineer, kind, "resume").await;
            }
            assert_eq!(hospital.order(&visit).await, "AA");
            dicom::echo(&hospital.scanner()).await.unwrap();
        }
        hospital
            .scan(&hospital.patient(53, HeadFinding::None, Priority::Routine))
            .await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.link, "linked");

        let engineer = hospital.api(Role::IntegrationEngineer).await;
        switch(&engineer, "hl7_in", "pause").await;
        let hospital = hospital.restarted().await;
        let late = hospital.patient(55, HeadFinding::None, Priority::Routine);
        assert!(
            !hospital
                .refused(&late.order(hospital.now()))
                .await
                .contains("refused")
        );
        let engineer = hospital.api(Role::Admin).await;
        switch(&engineer, "hl7_in", "resume").await;
        assert_eq!(hospital.order(&late).await, "AA");
        hospital.settle().await;
        hospital.close().await;
    })
    .await;
}

/// A message gets no answer, and an association is rejected for now; nothing of either is kept.
async fn turned_away(hospital: &Hospital, seed: u64) {
    let visit = hospital.patient(seed, HeadFinding::None, Priority::Routine);
    let why = hospital.refused(&visit.order(hospital.now())).await;
    assert!(!why.contains("refused with"), "{why}");
    let why = chain(&dicom::echo(&hospital.scanner()).await.unwrap_err());
    assert!(why.contains("reject"), "{why}");
    let engineer = hospital.api(Role::Admin).await;
    let known = engineer
        .json(&format!("/api/v1/messages?q={}", visit.accession()))
        .await
        .unwrap();
    assert_eq!(known["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_may_be_told_that_it_is_paused() {
    let setup = Setup {
        more: "[[hl7.peers]]\nname = \"RIS\"\nhost = \"127.0.0.1\"\napplication = \"DEMORIS\"\n",
        when_paused: Some("reject"),
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let visit = hospital.patient(56, HeadFinding::None, Priority::Routine);
        let engineer = hospital.api(Role::IntegrationEngineer).await;
        switch(&engineer, "hl7_in", "pause").await;
        let why = hospital.refused(&visit.order(hospital.now())).await;
        assert!(why.contains("paused"), "{why}");
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_says_where_facts_are_and_what_is_read_of_a_message_that_is_kept_nowhere() {
    everywhere(Setup::default(), async |hospital| {
        let engineer = hospital.api(Role::IntegrationEngineer).await;
        let list = engineer.json("/api/v1/site-profiles").await.unwrap();
        let all = list["items"].as_array().unwrap();
        assert!(all.len() >= 3, "{list}");
        assert!(
            all.iter()
                .all(|one| one["failed"] == 0 && one["problem"].is_null()),
            "{list}"
        );
        let used = all
            .iter()
            .find(|one| one["used_by"] == json!(["ris"]))
            .expect("the RIS's");
        let path = format!("/api/v1/site-profiles/{}", used["id"].as_str().unwrap());
        let profile = engineer.json(&path).await.unwrap();
        assert_eq!(profile["facts"][1]["fact"], "accession");
        assert!(profile["sample_messages"][0]["passed"] == true, "{profile}");

        let visit = hospital.patient(57, HeadFinding::None, Priority::Stat);
        let text = visit.order(hospital.now()).text.replace('\r', "\n");
        let read = done(&engineer, &format!("{path}/read"), &json!({ "message": text })).await;
        let fact = json!({ "place": "data.1.accession", "value": visit.accession() });
        assert!(read["facts"].as_array().unwrap().contains(&fact), "{read}");
        let nothing = engineer
            .post_json(&format!("{path}/read"), &json!({ "message": "PID|1" }))
            .await
            .unwrap();
        assert_eq!(nothing.status, 400);
        let kept = engineer.json("/api/v1/messages").await.unwrap();
        assert_eq!(kept["items"], json!([]));
        let reader = hospital.api(Role::Radiologist).await;
        assert_eq!(reader.get("/api/v1/site-profiles").await.unwrap().status, 403);
        hospital.close().await;
    })
    .await;
}
