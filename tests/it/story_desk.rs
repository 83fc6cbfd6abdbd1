//! What a person at the desk is shown of a study: its pictures in the order of looking, and what a model marked on them as
//! far as the model's policy lets that be shown.

use chrono::TimeDelta;
use serde_json::json;
use tocsin::api::auth::Role;
use tocsin::api::preview::{self, Preset};
use tocsin::api::waiting::{Ranked, WaitingList};
use tocsin::api::worklist;
use tocsin::cli::demo::exam::Exam;
use tocsin::cli::demo::scanner;
use tocsin::cli::demo::visit::{Priority, Visit};
use tocsin::deliver::dicom;
use tocsin::imaging::phantom::{HeadFinding, PhantomIdentity};
use tocsin::storage::{changes, instances, results, studies};
use tocsin_domain::finding::DisplayPolicy;
use tocsin_domain::ids::StudyId;

use crate::hospital::{Hospital, Setup, everywhere};

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_a_study_are_a_stack_and_a_policy_decides_whether_marks_are_on_it() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(12, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        let images = hospital.scan(&visit).await;
        hospital.settle().await;
        let state = &hospital.running.state;
        let id = studies::id_of(&hospital.study().await).unwrap();

        let stacks = preview::load(state, id).await.unwrap();
        let [stack] = stacks.as_slice() else {
            panic!("{} stacks of one series", stacks.len());
        };
        assert_eq!(stack.layers.len(), images.len());
        assert_eq!(stack.presets[0], Preset::Brain);
        assert!(
            stack
                .layers
                .windows(2)
                .all(|pair| pair[0].offset < pair[1].offset)
        );
        let marks = &stack.marks[0];
        let key = marks.key.expect("a key picture");
        assert!(marks.marked.iter().any(|marked| marked.layer == key));

        let store = &hospital.running.store;
        let row = instances::by_id(store.read(), &stack.layers[key].instance_id).await;
        let picture = state
            .previews
            .draw(&row.unwrap().unwrap(), 0, Some([40.0, 80.0]))
            .await
            .unwrap();
        assert!(picture.starts_with(b"\x89PNG"));

        let row = results::by_id(store.read(), marks.result_id)
            .await
            .unwrap()
            .unwrap();
        let mut record = results::record_of(&row).unwrap();
        record.model.display_policy = DisplayPolicy::NotifyOnly;
        store
            .write(move |tx| Box::pin(async move { results::complete(tx, &record).await }))
            .await
            .unwrap();
        assert!(preview::load(state, id).await.unwrap()[0].marks.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_study_is_a_change_that_screens_can_follow() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(13, HeadFinding::None, Priority::Routine);
        hospital.scan(&visit).await;
        hospital.settle().await;
        let conn = hospital.running.store.read();
        let told = changes::after(conn, 0).await.unwrap();
        let id = hospital.study().await.id;
        assert!(
            told.len() >= 5,
            "{} changes from arrival to the model's word",
            told.len()
        );
        assert!(told.iter().all(|change| change.study == id));
        assert!(told.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert_eq!(changes::latest(conn).await.unwrap(), told.last().unwrap().seq);
    })
    .await;
}

/// Another visit of the same patient.
fn same_person(first: &Visit, again: PhantomIdentity) -> PhantomIdentity {
    PhantomIdentity {
        patient_name: first.identity.patient_name.clone(),
        patient_id: first.identity.patient_id.clone(),
        birth_date: first.identity.birth_date.clone(),
        sex: first.identity.sex.clone(),
        ..again
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_in_memory_is_the_list_in_the_database_whatever_happens() {
    everywhere(Setup::default(), async |hospital| {
        let state = &hospital.running.state;
        assert!(hospital.worklist().await.is_empty());
        for seed in 31..34 {
            let visit = hospital.patient(seed, HeadFinding::None, Priority::Routine);
            hospital.order(&visit).await;
            hospital.scan(&visit).await;
            agree(&hospital).await;
        }
        hospital.settle().await;
        agree(&hospital).await;
        let ids: [StudyId; 3] = hospital
            .worklist()
            .await
            .iter()
            .map(|item| item.study_id)
            .collect::<Vec<_>>()
            .try_into()
            .expect("three studies");
        hospital
            .running
            .store
            .write(move |tx| Box::pin(async move { studies::claim(tx, ids[1], "Dr Ito").await }))
            .await
            .unwrap();
        agree(&hospital).await;
        let taken = hospital
            .worklist()
            .await
            .into_iter()
            .filter(|item| item.claimed_by.is_some());
        assert_eq!(taken.count(), 1);
        hospital.advance(TimeDelta::minutes(31)).await;
        agree(&hospital).await;
        assert!(
            hospital
                .worklist()
                .await
                .iter()
                .all(|item| item.claimed_by.is_none())
        );
        let list = worklist::waiting(state).await.unwrap();
        assert_eq!(
            list.place_of(ids[2]).map(|place| place.rank),
            list.rows
                .iter()
                .position(|row| row.place.item.study == ids[2])
                .map(|at| at + 1)
        );
    })
    .await;
}

/// What the process shows against what a fresh one reads.
async fn agree(hospital: &Hospital) {
    let (store, caps) = (&hospital.running.store, hospital.running.state.settings.caps);
    let shown: Vec<_> = worklist::waiting(&hospital.running.state)
        .await
        .unwrap()
        .rows
        .iter()
        .map(told)
        .collect();
    let fresh = WaitingList::default().now(store, &caps).await.unwrap();
    let read: Vec<_> = fresh.rows.iter().map(told).collect();
    assert_eq!(shown, read);
}

fn told(row: &Ranked) -> (String, usize, i64, String, Option<String>) {
    let study = &row.known.study;
    let ai: Vec<&str> = row.known.ai.iter().map(|state| state.text()).collect();
    (
        study.id.clone(),
        row.place.rank,
        study.instances,
        ai.join(","),
        study.claimed_by.clone(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_comes_again_is_compared_with_the_last_time_and_a_model_can_be_asked_again() {
    everywhere(Setup::default(), async |hospital| {
        let mut first = hospital.patient(12, HeadFinding::Intraparenchymal, Priority::Routine);
        first.exam = Exam::HeadCt {
            finding: HeadFinding::Intraparenchymal,
            volume_ml: Some(15.0),
        };
        hospital.order(&first).await;
        hospital.scan(&first).await;
        hospital.settle().await;
        let before = hospital.item().await;
        hospital.advance(TimeDelta::hours(5)).await;

        let mut second = hospital.patient(112, HeadFinding::Intraparenchymal, Priority::Routine);
        second.identity = same_person(&first, second.identity);
        hospital.order(&second).await;
        hospital.scan(&second).await;
        hospital.settle().await;
        let list = hospital.worklist().await;
        let now = list
            .iter()
            .find(|item| item.study_id != before.study_id)
            .expect("the second study");
        let engineer = hospital.api(Role::Admin).await;
        let path = format!("/api/v1/studies/{}", now.study_id);
        let view = engineer.json(&path).await.unwrap();
        let priors = view["priors"].as_array().unwrap();
        assert_eq!(priors.len(), 1);
        assert_eq!(
            (&priors[0]["study_id"], &priors[0]["comparable"]),
            (&json!(before.study_id), &json!(true))
        );
        let volume = &view["ai"][0]["findings"][0]["measurements"][0];
        let change = &volume["change"];
        let (was, is) = (
            before.ai[0].findings[0].measurements[0].value,
            volume["value"].as_f64().unwrap(),
        );
        assert_eq!(change["before"].as_f64(), Some(was));
        assert!((change["delta"].as_f64().unwrap() - (is - was)).abs() < 1e-9);
        assert!(change["text"].as_str().unwrap().starts_with('+'), "{change}");
        let earlier = engineer
            .json(&format!("/api/v1/studies/{}", before.study_id))
            .await
            .unwrap();
        assert_eq!(earlier["priors"], json!([]), "what came later is no prior");

        let asked = json!({ "model": "ich", "reason": "doubtful" });
        let again = engineer
            .post_json(&format!("{path}/rerun"), &asked)
            .await
            .unwrap();
        assert_eq!(again.status, 200, "{}", again.body);
        let twice = engineer
            .post_json(&format!("{path}/rerun"), &asked)
            .await
            .unwrap();
        assert_eq!(twice.status, 409, "{}", twice.body);
        hospital.settle().await;
        let view = engineer.json(&path).await.unwrap();
        assert_eq!(view["results"].as_array().unwrap().len(), 2);
        let reason = view["ai"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("doubtful"), "{reason}");
        assert_eq!(view["ai"][0]["state"], "flagged");
        let nothing = json!({ "model": "pe", "reason": "why not" });
        let refused = engineer
            .post_json(&format!("{path}/rerun"), &nothing)
            .await
            .unwrap();
        assert!(refused.status == 409 && refused.body.contains("never been given images"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_cannot_be_used_are_asked_for_again_taken_on_and_linked_to_their_repeat() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(21, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        let files = scanner::scan(&visit).await.unwrap().files;
        // Every second slice is lost on the way.
        let gapped: Vec<_> = files.iter().step_by(2).cloned().collect();
        hospital.send(&gapped).await;
        hospital.advance(TimeDelta::minutes(3)).await;
        let technologist = hospital.api(Role::Technologist).await;
        let of = async || {
            let list = technologist.json("/api/v1/quality").await.unwrap();
            list["items"][0].clone()
        };
        let refused = of().await;
        assert_eq!(refused["stage"], "rejected", "{refused}");
        let path = format!("/api/v1/studies/{}/repeat", refused["study_id"].as_str().unwrap());
        let early = technologist
            .post_json(&path, &json!({ "action": "acknowledge" }))
            .await
            .unwrap();
        assert!(
            early.status == 409 && early.body.contains("nobody has asked"),
            "{}",
            early.body
        );
        let ask = json!({ "action": "request", "note": "slices missing" });
        assert_eq!(technologist.post_json(&path, &ask).await.unwrap().status, 200);
        assert_eq!(
            technologist.post_json(&path, &ask).await.unwrap().status,
            409,
            "once"
        );
        assert_eq!(of().await["stage"], "requested");
        let take = json!({ "action": "acknowledge" });
        assert_eq!(technologist.post_json(&path, &take).await.unwrap().status, 200);
        assert_eq!(of().await["stage"], "acknowledged");

        hospital.advance(TimeDelta::minutes(20)).await;
        let mut repeat = hospital.patient(22, HeadFinding::None, Priority::Routine);
        repeat.identity = same_person(&visit, repeat.identity);
        hospital.scan(&repeat).await;
        hospital.settle().await;
        let waiting = of().await;
        let candidate = waiting["candidates"][0]["study_id"].clone();
        let stranger = json!({ "action": "link", "study_id": refused["study_id"] });
        assert_eq!(
            technologist.post_json(&path, &stranger).await.unwrap().status,
            409
        );
        let link = json!({ "action": "link", "study_id": candidate });
        assert_eq!(technologist.post_json(&path, &link).await.unwrap().status, 200);
        let done = of().await;
        assert_eq!(
            (&done["stage"], &done["repeat"]["study_id"]),
            (&json!("repeated"), &candidate)
        );
        let reader = hospital.api(Role::StrokeTeam).await;
        assert_eq!(reader.get("/api/v1/quality").await.unwrap().status, 403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_setting_up_is_done_when_it_was_seen_and_not_before() {
    everywhere(Setup::default(), async |hospital| {
        let admin = hospital.api(Role::Admin).await;
        let done = async || {
            let steps = admin.json("/api/v1/start").await.unwrap();
            let done = steps["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|step| step["done"] == true);
            done.map(|step| step["step"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(done().await, ["model"]);
        let visit = hospital.patient(41, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        assert_eq!(done().await, ["message", "model"]);
        dicom::echo(&hospital.scanner()).await.unwrap();
        assert_eq!(done().await, ["echo", "message", "model"]);
        hospital.scan(&visit).await;
        assert_eq!(done().await, ["echo", "images", "message", "model"]);
        let nobody = admin
            .post_json("/api/v1/start/test-page", &json!({ "person": "x" }))
            .await
            .unwrap();
        assert_eq!(nobody.status, 404);
        let page = admin
            .post_json("/api/v1/start/test-page", &json!({ "person": "team" }))
            .await
            .unwrap();
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(done().await.contains(&"test_page".to_owned()));
        let mail = hospital.mail_to("team@hospital.example");
        assert!(mail.iter().any(|mail| mail.contains("[TEST]")), "{mail:?}");
    })
    .await;
}
