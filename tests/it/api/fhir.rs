//! FHIR as programs ask it: what is found and what is kept back, page by page, over both databases; and subscribers whom nobody
//! can reach.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};
use tocsin::api::auth::Role;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::patients;
use tocsin::storage::prior_searches::Purpose;
use tocsin_domain::phi::PatientIdentifier;

use super::desk::{Answer, Caller, Desk, audited, bearer, desks, request, send};
use super::seed::site;
use crate::hospital::{Hospital, Setup, everywhere};

struct Program<'a> {
    hospital: &'a Hospital,
    who: Caller,
}

impl Program<'_> {
    async fn of(hospital: &Hospital, role: Role) -> Program<'_> {
        let who = bearer(&hospital.running.store, role, role.text()).await;
        Program { hospital, who }
    }

    async fn ask(&self, method: Method, path: &str) -> Answer {
        let request = request(method, &format!("/fhir/{path}"), &self.who);
        send(&self.hospital.running.state, request).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    async fn ids(&self, path: &str) -> Vec<String> {
        ids(&self.get(path).await)
    }

    /// Of every page of a search.
    async fn all(&self, path: &str) -> Vec<String> {
        let (mut found, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let page = self.get(&path).await;
            found.extend(ids(&page));
            next = link(&page, "next").map(|url| url.split_once("/fhir/").unwrap().1.to_owned());
        }
        found
    }

    async fn subscribe(&self, criteria: &str) -> Answer {
        let body = json!({
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "results",
            "criteria": criteria,
            "channel": { "type": "rest-hook", "endpoint": "http://127.0.0.1:9/hooks/x" },
        });
        let request = request(Method::POST, "/fhir/Subscription", &self.who).set_json(body);
        send(&self.hospital.running.state, request).await
    }
}

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries
        .map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned())
        .collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    let link = links.iter().find(|link| link["relation"] == relation)?;
    Some(link["url"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_find_what_is_meant_and_each_look_is_on_the_chain() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(51, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        let program = Program::of(&hospital, Role::Service).await;
        let observations = program.all("Observation").await;
        assert!(observations.len() > 1, "a finding and its lesions");
        assert_eq!(program.all("Observation?_count=1").await, observations);
        let distinct: BTreeSet<&String> = observations.iter().collect();
        assert_eq!(distinct.len(), observations.len());
        assert!(program.ids("Observation?_count=0").await.is_empty());

        let [report] = program.ids("DiagnosticReport").await.try_into().unwrap();
        let [order] = program.ids("ServiceRequest").await.try_into().unwrap();
        let [study] = program.ids("ImagingStudy").await.try_into().unwrap();
        let whole = program.get(&format!("DiagnosticReport/{report}")).await;
        let patient = whole["subject"]["reference"].as_str().unwrap().to_owned();
        let issued = whole["issued"].as_str().unwrap().to_owned();
        for (path, found) in [
            ("DiagnosticReport?status=preliminary", true),
            ("DiagnosticReport?status=final,preliminary", true),
            ("DiagnosticReport?status=final", false),
            ("DiagnosticReport?status=final&status=preliminary", false),
            ("DiagnosticReport?code=http://loinc.org|18748-4", true),
            ("DiagnosticReport?code=|18748-4", false),
            (&format!("DiagnosticReport?patient={patient}"), true),
            (
                "DiagnosticReport?patient=Patient/00000000-0000-4000-8000-000000000000",
                false,
            ),
            (&format!("DiagnosticReport?based-on=ServiceRequest/{order}"), true),
            (
                &format!("DiagnosticReport?result=Observation/{}", observations[0]),
                true,
            ),
            (&format!("DiagnosticReport?_id={report}"), true),
            ("DiagnosticReport?_id=nothing", false),
            (
                &format!("DiagnosticReport?issued={}", issued.replace('+', "%2B")),
                true,
            ),
            ("DiagnosticReport?issued=ge2026-03-14", true),
            ("DiagnosticReport?issued=lt2026-03-14", false),
            ("DiagnosticReport?_lastUpdated=gt2026-03-15", false),
            ("DiagnosticReport?_lastUpdated=2026-03-14", true),
            (&format!("Task?focus=ImagingStudy/{study}&priority=stat"), true),
            ("Task?priority=routine", false),
            ("Task?authored-on=sa2026-03-14", false),
            ("Task?authored-on=2026-03", true),
            (&format!("Provenance?target=DiagnosticReport/{report}"), true),
            (&format!("ImagingStudy?basedon={order}&modality=CT"), true),
            ("ImagingStudy?modality=MR", false),
            ("Communication?status=completed&category=alert", true),
        ] {
            let matched = program.ids(path).await;
            assert_eq!(!matched.is_empty(), found, "{path}: {matched:?}");
        }
        let chain = audited(&hospital.running.store).await;
        let object = format!("study:{}", hospital.study().await.id);
        assert!(chain.contains(&("fhir.search".into(), object.clone())));
        assert!(chain.contains(&("fhir.read".into(), object)));
        hospital.close().await;
    })
    .await;
}

const NOBODY_LISTENS: Setup = Setup {
    no_ris: false,
    more: "\n[fhir]\nfailures = 3\n[[fhir.receivers]]\nname = \"EHR\"\nurl = \"http://127.0.0.1:9/hooks\"\n",
    default_authority: "DEMO",
    when_paused: None,
    own_rules: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_out_of_reach_ends_in_error_and_what_it_is_owed_waits_for_a_person() {
    everywhere(NOBODY_LISTENS, async |hospital| {
        let program = Program::of(&hospital, Role::Service).await;
        let made = program.subscribe("DiagnosticReport?status=preliminary").await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let visit = hospital.patient(52, HeadFinding::None, Priority::Routine);
        hospital.scan(&visit).await;
        hospital.settle().await;
        // Nobody knows yet whose the images are.
        assert!(hospital.owed().await.contains(&"fhir_notice: held".to_owned()));
        hospital.order(&visit).await;
        hospital.settle().await;
        assert!(hospital.owed().await.contains(&"fhir_notice: refused".to_owned()));
        let subscription = program.get(&format!("Subscription/{id}")).await;
        assert_eq!(subscription["status"], "error", "{subscription:#}");
        let ended = program.ask(Method::DELETE, &format!("Subscription/{id}")).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        let chain = audited(&hospital.running.store).await;
        for action in ["fhir.subscribe", "fhir.unsubscribe"] {
            let entry = (action.to_owned(), format!("Subscription:{id}"));
            assert!(chain.contains(&entry), "{action}");
        }
        hospital.close().await;
    })
    .await;
}

async fn merge(desk: &Desk, retired: &'static str, stays: &'static str) {
    let of = |number: &str| PatientIdentifier {
        value: number.to_owned(),
        authority: "EGH".to_owned(),
    };
    let (retired, stays) = (of(retired), of(stays));
    desk.store()
        .write(move |tx| {
            Box::pin(async move {
                let retired = patients::find(tx.conn(), &site(), &retired).await?.unwrap();
                let stays = patients::find(tx.conn(), &site(), &stays).await?.unwrap();
                patients::merge(tx, retired, &stays).await
            })
        })
        .await
        .unwrap();
}

async fn found(desk: &Desk, path: &str, who: &Caller) -> Vec<String> {
    let answer = desk.get(path, who).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    ids(&answer.json())
}

#[actix_web::test]
async fn a_study_is_told_of_once_it_is_sure_whose_it_is() {
    for desk in desks().await {
        let who = desk.token(Role::Service, "ehr").await;
        let admin = desk.token(Role::Admin, "admin").await;
        desk.quarantined("1.2.3").await;
        let study = desk.study("1.2.3").await;
        let place = format!("/fhir/ImagingStudy/{study}");
        let hidden = desk.get(&place, &who).await;
        assert_eq!(
            hidden.status,
            StatusCode::NOT_FOUND,
            "{}: {}",
            desk.name,
            hidden.text
        );
        assert_eq!(hidden.json()["resourceType"], "OperationOutcome");
        assert!(found(&desk, "/fhir/ImagingStudy", &who).await.is_empty());
        assert!(found(&desk, "/fhir/Task", &who).await.is_empty());

        let decide = format!("/api/v1/reconciliation/{study}/resolve");
        let decided = desk.json(&decide, &admin, json!({ "no_order": true })).await;
        assert_eq!(decided.status, StatusCode::OK, "{}", decided.text);
        assert_eq!(
            found(&desk, "/fhir/ImagingStudy", &who).await,
            [study.to_string()]
        );
        let shown = desk.get(&place, &who).await.json();
        let patient = shown["subject"]["reference"].as_str().unwrap().to_owned();
        assert_eq!(patient, format!("Patient/images-{study}"));
        let named = desk.get(&format!("/fhir/{patient}"), &who).await.json();
        assert_eq!(named["identifier"][0]["value"], "MRN1");
        for query in ["patient.identifier=MRN1", &format!("patient={patient}")] {
            let path = format!("/fhir/Task?{query}");
            assert_eq!(found(&desk, &path, &who).await, [study.to_string()], "{path}");
        }
        assert!(
            found(&desk, "/fhir/Task?patient.identifier=MRN2", &who)
                .await
                .is_empty()
        );
    }
}

#[actix_web::test]
async fn what_no_database_could_answer_is_refused_before_it_is_asked() {
    for desk in desks().await {
        let admin = desk.token(Role::Admin, "admin").await;
        for route in [
            "Patient?identifier=%00",
            "Task?_id=a%00",
            "Observation?_cursor=1~0~%00",
        ] {
            let answer = desk.get(&format!("/fhir/{route}"), &admin).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}: {route}", desk.name);
        }
        for id in ["%00", "AuditEvent%2F1", "0001"] {
            for kind in [
                "Patient",
                "ServiceRequest",
                "AuditEvent",
                "Subscription",
                "Device",
            ] {
                let answer = desk.get(&format!("/fhir/{kind}/{id}"), &admin).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}: {kind}/{id}", desk.name);
            }
        }
    }
}

#[actix_web::test]
async fn what_is_only_compared_with_is_told_to_nobody() {
    for desk in desks().await {
        let who = desk.token(Role::Service, "ehr").await;
        let study = desk.study_for("1.2.9", Purpose::Comparison).await;
        for kind in ["ImagingStudy", "Task"] {
            assert!(found(&desk, &format!("/fhir/{kind}"), &who).await.is_empty());
            let read = desk.get(&format!("/fhir/{kind}/{study}"), &who).await;
            assert_eq!(read.status, StatusCode::NOT_FOUND);
        }
    }
}

#[actix_web::test]
async fn the_audit_chain_is_for_those_who_may_read_it_and_orders_lead_to_who_stays_after_a_merge() {
    for desk in desks().await {
        let service = desk.token(Role::Service, "ehr").await;
        let governance = desk.token(Role::Governance, "gov").await;
        let refused = desk.get("/fhir/AuditEvent", &service).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["issue"][0]["code"], "forbidden");
        let order = desk.order("A1", "MRN7").await;
        let found_by = |number: &str| format!("/fhir/ServiceRequest?patient.identifier={number}");
        let by_patient = found(&desk, &found_by("MRN7"), &service).await;
        assert_eq!(by_patient, std::slice::from_ref(&order));
        let by_number = found(&desk, "/fhir/ServiceRequest?identifier=A1", &service).await;
        assert_eq!(by_number, [order]);
        assert!(found(&desk, &found_by("MRN8"), &service).await.is_empty());
        let stays = desk.order("A2", "MRN9").await;
        merge(&desk, "MRN7", "MRN9").await;
        for number in ["MRN7", "MRN9"] {
            let both = found(&desk, &found_by(number), &service).await;
            assert!(both.len() == 2 && both.contains(&stays), "{number}");
        }
        let retired = desk.get("/fhir/Patient?identifier=MRN7", &service).await.json();
        let retired = &retired["entry"][0]["resource"];
        assert_eq!(retired["active"], false);
        let survivor = retired["link"][0]["other"]["reference"].as_str().unwrap();
        let survivor = desk.get(&format!("/fhir/{survivor}"), &service).await.json();
        assert_eq!(survivor["identifier"][0]["value"], "MRN9");
        let newest = desk.get("/fhir/AuditEvent?_count=1", &governance).await.json();
        let event = &newest["entry"][0]["resource"];
        assert_eq!(event["subtype"][0]["code"], "fhir.read", "{event:#}");
        assert_eq!(event["agent"][0]["name"], "ehr");
    }
}
