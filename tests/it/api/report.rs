//! A result before others and after: the page, its twin for programs, and the files say what was sent, and each look and
//! each file is on the audit chain.

use std::path::Path;

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;

use super::desk::{Answer, Caller, audited, bearer, desks, request, send};
use crate::hospital::{Hospital, Setup, everywhere};

const FORMS: [&str; 5] = ["narrative", "structured", "sr", "hl7", "fhir"];

struct Reader<'a> {
    hospital: &'a Hospital,
    who: Caller,
    study: String,
}

impl Reader<'_> {
    async fn of(hospital: &Hospital, role: Role) -> Reader<'_> {
        Reader {
            hospital,
            who: bearer(&hospital.running.store, role, role.text()).await,
            study: hospital.study().await.id,
        }
    }

    /// Below the study's address.
    async fn get(&self, path: &str) -> Answer {
        let path = path.replace("STUDY", &self.study);
        send(
            &self.hospital.running.state,
            request(Method::GET, &path, &self.who),
        )
        .await
    }

    async fn view(&self, query: &str) -> Value {
        let answer = self.get(&format!("/api/v1/studies/STUDY/report{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    async fn page(&self, query: &str) -> String {
        let answer = self.get(&format!("/studies/STUDY/report{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.text
    }
}

fn state(view: &Value, kind: &str) -> String {
    let outputs = view["report"]["outputs"].as_array().unwrap();
    let output = outputs.iter().find(|output| output["kind"] == kind);
    output.expect(kind)["state"].as_str().unwrap().to_owned()
}

/// The bundle's only resource of a kind.
fn resource<'a>(bundle: &'a Value, kind: &str) -> &'a Value {
    let mut entries = bundle["entry"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["resource"]["resourceType"] == kind);
    &entry.expect(kind)["resource"]
}

#[tokio::test(flavor = "multi_thread")]
async fn five_forms_of_one_result_say_what_was_sent() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(41, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let reader = Reader::of(&hospital, Role::Radiologist).await;
        let view = reader.view("").await;
        let report = &view["report"];
        assert_eq!(state(&view, "result_message"), "acknowledged");
        assert_eq!(state(&view, "structured_report"), "sent");
        assert_eq!(report["changes"], Value::Null, "nothing was sent before");

        // The very bytes.
        let heard = hospital.results_heard(&visit).await;
        let message = &report["message"];
        assert_eq!(message["fixed"], true);
        assert_eq!(
            message["content"]["text"].as_str().unwrap(),
            heard[0].replace('\r', "\n")
        );
        let control = heard[0].split('|').nth(9).unwrap();
        assert_eq!(message["content"]["control_id"], control);
        let page = reader.page("?as=hl7").await;
        assert!(page.contains(control) && page.contains("Answered CA."), "{page}");
        let saved = reader.get("/studies/STUDY/report/oru.hl7").await;
        assert_eq!(saved.bytes, heard[0].as_bytes());
        let saved = reader.get("/studies/STUDY/report/sr.dcm").await;
        assert_eq!(&saved.bytes[128..132], b"DICM");
        assert_eq!(report["structured_report"]["content"]["value"], "TID 1500");
        assert_eq!(report["structured_report"]["fixed"], true);

        // The numbers, in every form.
        let narrative = report["narrative"]["text"].as_str().unwrap();
        let (tree, bundle) = (
            report["structured_report"].to_string(),
            &report["fhir"]["content"],
        );
        for measured in report["findings"][0]["measurements"].as_array().unwrap() {
            let text = measured["text"].as_str().unwrap();
            let number = text.split(' ').next().unwrap();
            assert!(narrative.contains(text), "{text} in {narrative}");
            assert!(
                tree.contains(&format!("\"value\":\"{number}\"")),
                "{number} in the tree"
            );
            assert!(
                bundle.to_string().contains(&format!("\"value\":{number}")),
                "{number} in the bundle"
            );
            assert!(
                reader.page("?as=structured").await.contains(text),
                "{text} in the table"
            );
        }
        assert!(
            narrative.contains("Suspected intracranial hemorrhage, estimated volume"),
            "the rule's sentence"
        );

        // The patient as in the message.
        let patient = resource(bundle, "Patient");
        let pid = heard[0].split('\r').find(|line| line.starts_with("PID")).unwrap();
        let number = patient["identifier"][0]["value"].as_str().unwrap();
        assert!(
            pid.split('|').nth(3).unwrap().starts_with(&format!("{number}^")),
            "{pid}"
        );
        let conclusion = resource(bundle, "DiagnosticReport")["conclusion"]
            .as_str()
            .unwrap();
        let first = conclusion.split(". ").next().unwrap();
        assert!(heard[0].contains(first), "{first}");
        let saved = reader.get("/studies/STUDY/report/fhir.json").await;
        assert_eq!(&saved.json(), bundle);
        let kept = saved
            .headers
            .get("Content-Disposition")
            .unwrap()
            .to_str()
            .unwrap();
        assert!(kept.starts_with("attachment; filename=\"report-"), "{kept}");

        let exported: Vec<(String, String)> = audited(&hospital.running.store)
            .await
            .into_iter()
            .filter(|(action, _)| action == "report.export")
            .collect();
        let object = format!("study:{}", reader.study);
        assert_eq!(exported, vec![("report.export".to_owned(), object); 3]);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_result_says_what_changed_and_the_older_one_can_be_chosen() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(42, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        let files = tocsin::cli::demo::scanner::scan(&visit).await.unwrap().files;
        let (early, late) = files.split_at(files.len() - 4);
        hospital.send(early).await;
        hospital.settle().await;
        let reader = Reader::of(&hospital, Role::Admin).await;
        let first = reader.view("").await["report"]["result_id"].clone();
        hospital.send(late).await;
        hospital.settle().await;

        let view = reader.view("").await;
        assert_eq!(view["results"].as_array().unwrap().len(), 2);
        let changes = &view["report"]["changes"];
        assert_eq!((&changes["since"], &changes["differs"]), (&first, &json!(true)));
        let page = reader.page("").await;
        assert!(
            page.contains("<del>") && page.contains("<ins>This replaces an earlier result"),
            "{page}"
        );
        let older = reader.view(&format!("?result={}", first.as_str().unwrap())).await;
        assert_eq!(older["report"]["result_id"], first);
        assert_eq!(older["report"]["changes"], Value::Null);
        assert_eq!(older["results"][1]["superseded"], true);

        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/report.schema.json");
        let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&view)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(!validator.is_valid(&json!({})));
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_order_the_message_is_held_and_every_other_form_is_there() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(43, HeadFinding::None, Priority::Routine);
        hospital.scan(&visit).await;
        hospital.settle().await;
        let reader = Reader::of(&hospital, Role::Radiologist).await;
        let view = reader.view("").await;
        assert_eq!(state(&view, "result_message"), "held");
        assert_eq!(state(&view, "structured_report"), "sent");
        let message = &view["report"]["message"];
        assert_eq!(
            (&message["fixed"], &message["content"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(
            message["reason"],
            "no order with a patient is known for this study"
        );
        let saved = reader.get("/studies/STUDY/report/oru.hl7").await;
        assert_eq!(saved.status, StatusCode::CONFLICT, "{}", saved.text);
        for form in FORMS {
            let page = reader.page(&format!("?as={form}")).await;
            assert!(page.contains(&format!("id=\"{form}\"")), "{form}");
        }
        let wrong = reader.get("/studies/STUDY/report?as=pdf").await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        let other = "00000000-0000-4000-8000-000000000000";
        let none = reader.get(&format!("/studies/STUDY/report?result={other}")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        hospital.close().await;
    })
    .await;
}

#[actix_web::test]
async fn a_study_that_no_model_has_read_says_so() {
    for desk in desks().await {
        let study = desk.study("1.2.3").await;
        let who = desk.browser(Role::Radiologist, "mia").await;
        let page = desk.get(&format!("/studies/{study}/report"), &who).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(page.text.contains("No model has given a result"), "{}", page.text);
        let view = desk
            .get(&format!("/api/v1/studies/{study}/report"), &who)
            .await
            .json();
        assert_eq!((&view["report"], &view["results"]), (&Value::Null, &json!([])));
        let file = desk.get(&format!("/studies/{study}/report/sr.dcm"), &who).await;
        assert_eq!(file.status, StatusCode::NOT_FOUND);
        let seen = desk.audited().await;
        assert!(
            seen.contains(&("report.view".into(), format!("study:{study}"))),
            "{seen:?}"
        );
    }
}
