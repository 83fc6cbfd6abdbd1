//! One positive and one negative study through everything, watched from outside: the API, the RIS, the archive, the mail,
//! the phone. Ends when every check is met, or when time is up, and says then what is missing.

use std::time::Duration;

use serde_json::Value;
use tocsin_domain::clock::Timestamp;

use super::evidence::{Case, Evidence, Pressed, alerts, is_about};
use super::exam::Exam;
use super::hospital::Hospital;
use super::outcome::{self, Check, Kind, Outcome, Place, StudyOutcome, text};
use super::visit::{Priority, Visit};
use super::{on_call, say, scanner};
use crate::cli::Failure;
use crate::imaging::phantom::HeadFinding;
use crate::storage::audit::Verdict;

const LIMIT: chrono::TimeDelta = chrono::TimeDelta::seconds(180);
const LOOK: Duration = Duration::from_millis(300);
const VOLUME_ML: f64 = 30.0;

/// Runs the round in an open hospital.
pub async fn run(hospital: &Hospital, seed: u64) -> Result<Outcome, Failure> {
    let began = hospital.now();
    let mut evidence = begin(hospital, seed).await?;
    let mut reported = false;
    while hospital.now() - began < LIMIT {
        look(hospital, &mut evidence).await?;
        if evidence.pressed.is_none() {
            answer_page(hospital, &mut evidence).await?;
        }
        if !reported && met(&evidence.unread()) {
            report(hospital, &evidence).await?;
            reported = true;
        }
        if reported && filed(&evidence) {
            evidence.audit = Some(walk(hospital).await?);
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(outcome(&evidence, began, hospital.now()))
}

fn met(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.ok)
}

fn filed(evidence: &Evidence) -> bool {
    [&evidence.positive, &evidence.negative]
        .iter()
        .all(|case| case.study["report_status"] == "final")
}

/// Orders both scans and sends them, the negative one first, so that arrival alone would put it first.
async fn begin(hospital: &Hospital, seed: u64) -> Result<Evidence, Failure> {
    let now = hospital.now();
    let bleeding = Exam::HeadCt {
        finding: HeadFinding::Intraparenchymal,
        volume_ml: Some(VOLUME_ML),
    };
    let bleeding = Visit::new(seed, bleeding, Priority::Routine, now);
    let clear = Visit::new(seed + 1, Exam::head_ct(HeadFinding::None), Priority::Routine, now);
    let negative = admit(hospital, Kind::Negative, clear).await?;
    let positive = admit(hospital, Kind::Positive, bleeding).await?;
    Ok(Evidence {
        positive,
        negative,
        heard: Vec::new(),
        kept: Vec::new(),
        pages: Vec::new(),
        pressed: None,
        audit: None,
    })
}

async fn admit(hospital: &Hospital, kind: Kind, visit: Visit) -> Result<Case, Failure> {
    let order_answer = hospital.order(&visit).await?;
    say(&format!(
        "RIS      ordered {}, answered {order_answer}",
        visit.accession()
    ));
    let scan = scanner::scan(&visit).await?;
    let images = hospital.send_images(&scan.files).await?;
    say(&format!("scanner  sent {images} images of {}", visit.accession()));
    Ok(Case {
        kind,
        truth_ml: scan.blood_ml,
        visit,
        images,
        order_answer,
        study: Value::Null,
        place: None,
    })
}

async fn look(hospital: &Hospital, evidence: &mut Evidence) -> Result<(), Failure> {
    let list = hospital.api.json("/api/v1/worklist").await?;
    for case in [&mut evidence.positive, &mut evidence.negative] {
        look_at(hospital, case, &list).await?;
    }
    evidence.heard = hospital.heard.all().await;
    evidence.kept = hospital.kept.all().await;
    evidence.pages = on_call::pages(&hospital.mailbox.all().await);
    Ok(())
}

async fn look_at(hospital: &Hospital, case: &mut Case, list: &Value) -> Result<(), Failure> {
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    let item = items
        .iter()
        .find(|item| item["accession"] == case.visit.accession());
    let id = item.map_or_else(|| text(&case.study["study_id"]), |item| text(&item["study_id"]));
    if id.is_empty() {
        return Ok(());
    }
    let before = state(&case.study);
    case.study = hospital.api.json(&format!("/api/v1/studies/{id}")).await?;
    let after = state(&case.study);
    if before != after {
        say(&format!("models   {}: {after}", case.visit.accession()));
    }
    // Both are on the list from the first image on; the place counts once the models have spoken.
    let spoken = items
        .iter()
        .all(|item| matches!(item["ai"][0]["state"].as_str(), Some("flagged" | "not_flagged")));
    if let Some(item) = item
        && items.len() == 2
        && spoken
    {
        case.place = Some(Place {
            rank: item["rank"].as_u64().unwrap_or_default(),
            rank_without_ai: item["rank_without_ai"].as_u64().unwrap_or_default(),
        });
    }
    Ok(())
}

fn state(study: &Value) -> String {
    text(&study["ai"][0]["state"])
}

/// Opens the link of the first page about the positive study, looks whether that changed anything, and presses the button.
async fn answer_page(hospital: &Hospital, evidence: &mut Evidence) -> Result<(), Failure> {
    let case = &mut evidence.positive;
    let Some(page) = evidence.pages.iter().find(|page| is_about(page, case)) else {
        return Ok(());
    };
    say(&format!("mail     a page came to {}", page.to));
    let opened = on_call::open(&hospital.api, page).await?.status;
    let path = format!("/api/v1/studies/{}", text(&case.study["study_id"]));
    case.study = hospital.api.json(&path).await?;
    let acknowledged_after_opening = alerts(case)
        .iter()
        .any(|alert| !alert["acknowledged_by"].is_null());
    let posted = on_call::acknowledge(&hospital.api, page).await?.status;
    say("phone    the link was opened, then the button pressed");
    case.study = hospital.api.json(&path).await?;
    evidence.pressed = Some(Pressed {
        opened,
        acknowledged_after_opening,
        posted,
    });
    Ok(())
}

async fn report(hospital: &Hospital, evidence: &Evidence) -> Result<(), Failure> {
    for case in [&evidence.positive, &evidence.negative] {
        let impression = match case.kind {
            Kind::Positive => "SYNTHETIC REPORT: INTRACRANIAL HEMORRHAGE.",
            Kind::Negative => "SYNTHETIC REPORT: NO INTRACRANIAL HEMORRHAGE.",
        };
        let answer = hospital.report(&case.visit, impression).await?;
        say(&format!(
            "RIS      the radiologist reported {}, answered {answer}",
            case.visit.accession()
        ));
    }
    Ok(())
}

async fn walk(hospital: &Hospital) -> Result<Result<String, String>, Failure> {
    Ok(match hospital.audit().await? {
        Verdict::Whole { entries } => Ok(format!("{entries} entries")),
        Verdict::Broken(broken) => Err(broken.to_string()),
    })
}

fn outcome(evidence: &Evidence, began: Timestamp, now: Timestamp) -> Outcome {
    let checks = evidence.all();
    Outcome {
        ok: met(&checks),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        took_ms: (now - began).num_milliseconds(),
        studies: [&evidence.positive, &evidence.negative].map(study).into(),
        checks,
    }
}

fn study(case: &Case) -> StudyOutcome {
    StudyOutcome {
        kind: case.kind,
        study_id: case.study["study_id"].as_str().map(str::to_owned),
        accession: case.visit.accession().to_owned(),
        truth_ml: case.truth_ml,
        analyses: outcome::analyses(&case.study),
        findings: outcome::findings(&case.study),
        place: case.place,
        stages: outcome::stages(&case.study),
    }
}
