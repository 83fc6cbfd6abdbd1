//! The worklist by UPS-RS and at the desk are one: a claim on one side is seen on the other, and every answer of the state
//! machine is the standard's.

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::storage::{readings, studies, timeline};
use tocsin_domain::ids::StudyId;
use tocsin_domain::reading::{self, Ending};

use super::desk::{Answer, Caller, Desk, desks, request};
use super::seed::ACCESSION;

const KEY: &str = "1.2.3.4";
const OTHER: &str = "1.2.3.5";

fn item(study: StudyId, number: u32) -> String {
    format!("/ups-rs/workitems/{}", reading::uid(study, number).unwrap())
}

impl Desk {
    async fn put_state(&self, path: &str, who: &Caller, state: &str, key: &str) -> Answer {
        let mut body = json!({ "00741000": { "vr": "CS", "Value": [state] } });
        if !key.is_empty() {
            body["00081195"] = json!({ "vr": "UI", "Value": [key] });
        }
        let request = request(Method::PUT, &format!("{path}/state"), who)
            .insert_header(("Content-Type", "application/dicom+json"))
            .set_payload(body.to_string());
        self.send(request).await
    }

    async fn post_dicom(&self, path: &str, who: &Caller, body: Value) -> Answer {
        let request = request(Method::POST, path, who)
            .insert_header(("Content-Type", "application/dicom+json"))
            .set_payload(body.to_string());
        self.send(request).await
    }

    async fn shown(&self, path: &str, who: &Caller) -> Value {
        let answer = self.get(path, who).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert_eq!(
            answer.headers.get("Content-Type").unwrap(),
            "application/dicom+json"
        );
        answer.json()[0].take()
    }

    async fn state_at(&self, path: &str, who: &Caller) -> String {
        let shown = self.shown(path, who).await;
        shown["00741000"]["Value"][0].as_str().unwrap().to_owned()
    }
}

fn warning(answer: &Answer) -> &str {
    let warnings: Vec<&str> = answer
        .headers
        .get_all("Warning")
        .map(|value| value.to_str().unwrap())
        .collect();
    warnings.first().copied().unwrap_or_default()
}

#[actix_web::test]
async fn a_claim_is_one_at_the_desk_and_by_ups() {
    for desk in desks().await {
        let (mia, tom) = (
            desk.token(Role::Radiologist, "mia").await,
            desk.token(Role::Radiologist, "tom").await,
        );
        let study = desk.study("1.2.3").await;
        let (first, second) = (item(study, 1), item(study, 2));
        let claim = format!("/api/v1/studies/{study}/claim");
        let release = format!("/api/v1/studies/{study}/release");
        assert_eq!(desk.state_at(&first, &mia).await, "SCHEDULED");

        // Taken by UPS: the desk shows who, and takes it from nobody.
        let taken = desk.put_state(&first, &mia, "IN PROGRESS", KEY).await;
        assert_eq!((taken.status, taken.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(desk.state_at(&first, &tom).await, "IN PROGRESS");
        let listed = desk.get("/api/v1/worklist", &tom).await.json();
        assert_eq!(listed["items"][0]["claimed_by"], "mia");
        let refused = desk.json(&claim, &tom, json!({})).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
        let shown = desk.shown(&first, &tom).await;
        assert!(!shown.to_string().contains(KEY), "the key is the reader's alone");

        // Given back at the desk: that reading is over, and the study waits as the next.
        assert_eq!(desk.json(&release, &mia, json!({})).await.status, StatusCode::OK);
        assert_eq!(desk.state_at(&first, &tom).await, "CANCELED");
        let next = desk.shown(&second, &tom).await;
        assert_eq!(next["00741000"]["Value"][0], "SCHEDULED");
        assert_eq!(
            next["00741224"]["Value"][0]["00081155"]["Value"][0],
            reading::uid(study, 1).unwrap().as_str()
        );

        // Taken at the desk: in progress by UPS, and nobody has a key that would open it.
        assert_eq!(desk.json(&claim, &tom, json!({})).await.status, StatusCode::OK);
        assert_eq!(desk.state_at(&second, &mia).await, "IN PROGRESS");
        let other = desk.put_state(&second, &mia, "IN PROGRESS", KEY).await;
        assert_eq!(other.status, StatusCode::CONFLICT);
        let done = desk.put_state(&second, &mia, "COMPLETED", KEY).await;
        assert_eq!(done.status, StatusCode::BAD_REQUEST);
        assert_eq!(warning(&done), "299 tocsin: The Transaction UID is incorrect.");

        // Nobody renews it.
        desk.clock.advance(TimeDelta::minutes(31));
        assert_eq!(desk.state_at(&second, &mia).await, "CANCELED");
        assert_eq!(desk.state_at(&item(study, 3), &mia).await, "SCHEDULED");
        assert_eq!(
            desk.get(&item(study, 4), &mia).await.status,
            StatusCode::NOT_FOUND
        );
        let late = desk.put_state(&item(study, 3), &mia, "IN PROGRESS", OTHER).await;
        assert_eq!(late.status, StatusCode::OK, "{}", late.text);
        let row = readings::numbered(desk.store().read(), study, 2)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.ending.as_deref(), Some(Ending::Lapsed.text()));
        let audited = desk.audited().await;
        let claims = audited.iter().filter(|(action, _)| action == "study.claim");
        assert_eq!(claims.count(), 3);
    }
}

#[actix_web::test]
async fn every_request_for_a_state_is_answered_as_the_standard_says() {
    for desk in desks().await {
        let mia = desk.token(Role::Radiologist, "mia").await;
        let study = desk.study("1.2.3").await;
        let first = item(study, 1);
        let inconsistent = "The submitted request is inconsistent with the state of the UPS Instance.";
        let missing = "The Transaction UID is missing.";
        let incorrect = "The Transaction UID is incorrect.";
        for (state, key, status, words) in [
            ("COMPLETED", KEY, 409, inconsistent),
            ("CANCELED", KEY, 409, inconsistent),
            ("IN PROGRESS", "", 400, missing),
            ("IN PROGRESS", KEY, 200, ""),
            ("IN PROGRESS", KEY, 409, inconsistent),
            ("IN PROGRESS", OTHER, 409, inconsistent),
            ("COMPLETED", OTHER, 400, incorrect),
            ("COMPLETED", "", 400, missing),
            ("COMPLETED", KEY, 200, ""),
            (
                "COMPLETED",
                KEY,
                200,
                "The UPS is already in the requested state of COMPLETED.",
            ),
            ("CANCELED", KEY, 409, inconsistent),
            ("IN PROGRESS", OTHER, 409, inconsistent),
        ] {
            let answer = desk.put_state(&first, &mia, state, key).await;
            let place = format!("{}: {state} with {key:?}", desk.name);
            assert_eq!(answer.status.as_u16(), status, "{place}: {}", answer.text);
            let said = warning(&answer).trim_start_matches("299 tocsin: ");
            assert_eq!(said, words, "{place}");
        }
        for (state, key) in [("SCHEDULED", KEY), ("DONE", KEY), ("IN PROGRESS", "no uid")] {
            let answer = desk.put_state(&first, &mia, state, key).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{state} {key}");
        }
        for unknown in ["/ups-rs/workitems/1.2.3", "/ups-rs/workitems/2.25.7"] {
            let answer = desk.put_state(unknown, &mia, "IN PROGRESS", KEY).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
        }
        let plain = request(Method::PUT, &format!("{first}/state"), &mia).set_payload("{}");
        assert_eq!(desk.send(plain).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        for garbage in ["", "[]", "[1]", "null", "{\"00741000\": 7}", "[[[["] {
            let sent = request(Method::PUT, &format!("{first}/state"), &mia)
                .insert_header(("Content-Type", "application/dicom+json"))
                .set_payload(garbage);
            assert_eq!(desk.send(sent).await.status, StatusCode::BAD_REQUEST, "{garbage}");
        }
        let xml = request(Method::GET, &first, &mia).insert_header(("Accept", "application/dicom+xml"));
        assert_eq!(desk.send(xml).await.status, StatusCode::NOT_ACCEPTABLE);
    }
}

#[actix_web::test]
async fn what_its_reader_calls_done_is_offered_to_nobody_while_the_report_is_on_its_way() {
    for desk in desks().await {
        let (mia, tom) = (
            desk.token(Role::Radiologist, "mia").await,
            desk.token(Role::Radiologist, "tom").await,
        );
        let study = desk.study("1.2.3").await;
        let first = item(study, 1);
        desk.put_state(&first, &mia, "IN PROGRESS", KEY).await;
        desk.clock.advance(TimeDelta::minutes(29));
        let done = desk.put_state(&first, &mia, "COMPLETED", KEY).await;
        assert_eq!(done.status, StatusCode::OK);

        desk.clock.advance(TimeDelta::minutes(29));
        assert_eq!(desk.state_at(&first, &tom).await, "COMPLETED");
        let claim = format!("/api/v1/studies/{study}/claim");
        assert_eq!(
            desk.json(&claim, &tom, json!({})).await.status,
            StatusCode::CONFLICT,
            "held for its reader"
        );
        let row = studies::get(desk.store().read(), study).await.unwrap();
        assert_eq!(
            (row.on_worklist, row.report_status),
            (true, None),
            "nothing pretends a report"
        );
        let events: Vec<String> = timeline::of_study(desk.store().read(), study)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.event)
            .collect();
        assert_eq!(events, ["claimed", "reading_done"]);

        // It does not come: the study is offered again.
        desk.clock.advance(TimeDelta::minutes(2));
        assert_eq!(desk.state_at(&item(study, 2), &tom).await, "SCHEDULED");
        assert_eq!(desk.state_at(&first, &tom).await, "COMPLETED");
        let next = desk.put_state(&item(study, 2), &tom, "IN PROGRESS", OTHER).await;
        assert_eq!(next.status, StatusCode::OK);
        let stopped = desk.put_state(&item(study, 2), &tom, "CANCELED", OTHER).await;
        assert_eq!(stopped.status, StatusCode::OK);
        let again = desk.put_state(&item(study, 2), &tom, "CANCELED", OTHER).await;
        assert_eq!(again.status, StatusCode::OK);
        assert!(warning(&again).ends_with("already in the requested state of CANCELED."));
        let row = studies::get(desk.store().read(), study).await.unwrap();
        assert_eq!(row.claimed_by, None);
    }
}

#[actix_web::test]
async fn a_reader_says_how_far_they_are_and_others_ask_them_to_stop() {
    for desk in desks().await {
        let (mia, tom) = (
            desk.token(Role::Radiologist, "mia").await,
            desk.token(Role::Radiologist, "tom").await,
        );
        let study = desk.study("1.2.3").await;
        let first = item(study, 1);
        let progress = json!({
            "00741002": { "vr": "SQ", "Value": [{ "00741004": { "vr": "DS", "Value": [40] } }] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Somebody^Else" }] },
        });
        let with = |key: &str| format!("{first}?{key}");
        let unclaimed = desk.post_dicom(&with(KEY), &mia, progress.clone()).await;
        assert_eq!(unclaimed.status, StatusCode::CONFLICT);
        assert!(warning(&unclaimed).ends_with("did not reference a claimed Workitem."));
        let ask = format!("{first}/cancelrequest");
        assert_eq!(
            desk.post_dicom(&ask, &tom, json!({})).await.status,
            StatusCode::CONFLICT
        );

        desk.put_state(&first, &mia, "IN PROGRESS", KEY).await;
        desk.clock.advance(TimeDelta::minutes(20));
        for (key, status) in [("", 400), (OTHER, 400), (KEY, 200)] {
            let answer = desk.post_dicom(&with(key), &mia, progress.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{key}: {}", answer.text);
        }
        let bad = json!({ "00741002": { "vr": "SQ", "Value": "no list" } });
        assert_eq!(
            desk.post_dicom(&with(KEY), &mia, bad).await.status,
            StatusCode::BAD_REQUEST
        );
        let shown = desk.shown(&first, &tom).await;
        assert_eq!(shown["00741002"]["Value"][0]["00741004"]["Value"][0], 40);
        assert!(
            !shown.to_string().contains("Somebody"),
            "only the work is the reader's to tell"
        );
        // Whoever reports progress is there: the claim lasts from then.
        desk.clock.advance(TimeDelta::minutes(20));
        assert_eq!(desk.state_at(&first, &tom).await, "IN PROGRESS");

        let asked = desk
            .post_dicom(&ask, &tom, json!({ "00741238": { "vr": "LT", "Value": ["x"] } }))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED);
        assert_eq!(
            desk.state_at(&first, &tom).await,
            "IN PROGRESS",
            "its reader decides"
        );
        desk.put_state(&first, &mia, "CANCELED", KEY).await;
        let late = desk.post_dicom(&ask, &tom, json!({})).await;
        assert_eq!(late.status, StatusCode::ACCEPTED);
        assert!(warning(&late).ends_with("state of CANCELED."));
        let over = desk.post_dicom(&with(KEY), &mia, progress).await;
        assert_eq!(over.status, StatusCode::BAD_REQUEST);
        let made = desk.post_dicom("/ups-rs/workitems", &mia, json!({})).await;
        assert_eq!(made.status, StatusCode::CONFLICT);
        assert!(made.text.contains("send the images"));
    }
}

#[actix_web::test]
async fn a_search_finds_readings_in_the_order_of_the_worklist() {
    for desk in desks().await {
        let mia = desk.token(Role::Radiologist, "mia").await;
        let empty = desk.get("/ups-rs/workitems", &mia).await;
        assert_eq!((empty.status, empty.text.as_str()), (StatusCode::NO_CONTENT, ""));
        let mut studies = Vec::new();
        for uid in ["1.2.1", "1.2.2", "1.2.3"] {
            studies.push(desk.study(uid).await);
            desk.clock.advance(TimeDelta::minutes(1));
        }
        desk.put_state(&item(studies[1], 1), &mia, "IN PROGRESS", KEY)
            .await;
        let found = async |query: &str| {
            let answer = desk.get(&format!("/ups-rs/workitems?{query}"), &mia).await;
            let uids: Vec<String> = match answer.status {
                StatusCode::NO_CONTENT => Vec::new(),
                _ => answer
                    .json()
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|found| {
                        let uid = &found["0040A370"]["Value"][0]["0020000D"]["Value"][0];
                        uid.as_str().unwrap().to_owned()
                    })
                    .collect(),
            };
            (answer.status.as_u16(), uids)
        };
        let all = ["1.2.1", "1.2.2", "1.2.3"].map(str::to_owned).to_vec();
        assert_eq!(found("").await, (200, all.clone()));
        assert_eq!(found("limit=2").await, (206, all[..2].to_vec()));
        assert_eq!(found("limit=2&offset=2").await, (200, all[2..].to_vec()));
        assert_eq!(found("offset=9").await, (204, Vec::new()));
        assert_eq!(
            found("ProcedureStepState=IN%20PROGRESS").await,
            (200, all[1..2].to_vec())
        );
        assert_eq!(found("00741000=COMPLETED").await, (204, Vec::new()));
        assert_eq!(found("StudyInstanceUID=1.2.3,1.2.1").await.1, ["1.2.1", "1.2.3"]);
        assert_eq!(
            found(&format!(
                "AccessionNumber={ACCESSION}&InputReadinessState=INCOMPLETE"
            ))
            .await
            .1
            .len(),
            3
        );
        assert_eq!(found("InputReadinessState=READY").await, (204, Vec::new()));
        assert_eq!(
            found("ScheduledProcedureStepPriority=MEDIUM&PatientID=MRN1")
                .await
                .1
                .len(),
            3
        );
        assert_eq!(
            found("ScheduledProcedureStepStartDateTime=202603141002-").await.1,
            ["1.2.3"]
        );
        assert_eq!(
            desk.get("/ups-rs/workitems?Nonsense=1", &mia).await.status,
            StatusCode::BAD_REQUEST
        );
        let ignored = desk.get("/ups-rs/workitems?PatientSex=F", &mia).await;
        assert!(warning(&ignored).contains("PatientSex"));

        desk.put_state(&item(studies[1], 1), &mia, "CANCELED", KEY).await;
        assert_eq!(
            found("ProcedureStepState=CANCELED").await,
            (200, all[1..2].to_vec())
        );
        assert_eq!(
            found("StudyInstanceUID=1.2.2").await.1,
            ["1.2.2", "1.2.2"],
            "the next and the one before"
        );
        let audited = desk.audited().await;
        assert!(audited.iter().any(|(action, _)| action == "ups.search"));
    }
}
