//! A hospital that goes on: every half minute or so somebody comes for an exam, pages are answered, reports are written, until
//! it is stopped. What happens is told in plain lines; every person is made up.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exam::Exam;
use super::hospital::Hospital;
use super::outcome::text;
use super::visit::{Priority, Visit};
use super::{on_call, say, scanner};
use crate::cli::Failure;

const BETWEEN_PATIENTS_S: std::ops::Range<u64> = 20..40;
const TO_READ_S: std::ops::Range<u64> = 60..150;
const TO_PHONE_S: std::ops::Range<u64> = 8..25;
const LOOK: Duration = Duration::from_secs(1);
/// Looks at one study before its story is left to the pages in the browser.
const LOOKS: usize = 180;

/// Runs until `stop`; patients under way are dropped where they are, which the service must bear anyway.
pub async fn run(hospital: Arc<Hospital>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let phones = tasks.spawn(stop.clone().run_until_cancelled_owned(phones(hospital.clone())));
    let neighbours = tasks.spawn(
        stop.clone()
            .run_until_cancelled_owned(neighbours(hospital.clone())),
    );
    loop {
        let visit = visit(&hospital);
        let story = patient(hospital.clone(), visit);
        tasks.spawn(stop.clone().run_until_cancelled_owned(story));
        let pause = Duration::from_secs(rand::rng().random_range(BETWEEN_PATIENTS_S));
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    tasks.close();
    tasks.wait().await;
    drop((phones, neighbours));
}

/// Seconds since 1970 tell patients apart.
fn visit(hospital: &Hospital) -> Visit {
    let (mut dice, now) = (rand::rng(), hospital.now());
    let exam = Exam::drawn(&mut dice);
    let priority = match dice.random_range(0..10) {
        0 => Priority::Stat,
        1..4 => Priority::Asap,
        _ => Priority::Routine,
    };
    Visit::new(now.timestamp().unsigned_abs(), exam, priority, now)
}

async fn patient(hospital: Arc<Hospital>, visit: Visit) {
    if let Err(failure) = story(&hospital, &visit).await {
        say(&format!("trouble  {}: {failure}", visit.accession()));
    }
}

async fn story(hospital: &Hospital, visit: &Visit) -> Result<(), Failure> {
    let accession = visit.accession();
    let answer = hospital.order(visit).await?;
    say(&format!(
        "RIS      ordered {}, {accession}, priority {}: {answer}",
        visit.exam.said(),
        visit.priority.code()
    ));
    let scan = scanner::scan(visit).await?;
    let images = hospital.send_images(&scan.files).await?;
    say(&format!(
        "scanner  sent {images} images of {accession}, {}",
        scan.holds
    ));
    watch(hospital, accession).await?;
    let pause = Duration::from_secs(rand::rng().random_range(TO_READ_S));
    tokio::time::sleep(pause).await;
    let answer = hospital.report(visit, scan.impression).await?;
    say(&format!(
        "RIS      the radiologist reported {accession}: {answer}"
    ));
    Ok(())
}

/// Tells what the models said and where the study stands, once they have spoken.
async fn watch(hospital: &Hospital, accession: &str) -> Result<(), Failure> {
    for _ in 0..LOOKS {
        let list = hospital.api.json("/api/v1/worklist").await?;
        let items = list["items"].as_array().into_iter().flatten();
        let found = items.into_iter().find(|item| item["accession"] == accession);
        if let Some(line) = found.and_then(line) {
            say(&format!("Tocsin   {accession}: {line}"));
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    say(&format!("Tocsin   {accession}: not analysed yet"));
    Ok(())
}

/// What the models that read the study said; nothing while one is still at work.
fn line(item: &Value) -> Option<String> {
    let models = || item["ai"].as_array().into_iter().flatten();
    let at_work = |ai: &Value| matches!(text(&ai["state"]).as_str(), "waiting" | "queued" | "running");
    if models().next().is_none() || models().any(at_work) {
        return None;
    }
    let said: Vec<String> = models()
        .filter(|ai| ai["state"] != "not_eligible")
        .map(answer)
        .collect();
    Some(format!(
        "{}; rank {} on the worklist, {} without AI",
        if said.is_empty() {
            "no model reads it".to_owned()
        } else {
            said.join(", ")
        },
        item["rank"],
        item["rank_without_ai"]
    ))
}

fn answer(ai: &Value) -> String {
    let volume = ai["findings"][0]["measurements"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|m| m["unit"] == "mL")
        .and_then(|m| m["value"].as_f64())
        .map_or(String::new(), |ml| format!(" {ml:.1} mL"));
    format!(
        "{} {}{volume}",
        text(&ai["model"]),
        text(&ai["state"]).replace('_', " ")
    )
}

/// Somebody answers each page after a while.
async fn phones(hospital: Arc<Hospital>) {
    let mut answered = 0;
    loop {
        let pages = on_call::pages(&hospital.mailbox.all().await);
        for page in pages.iter().skip(answered) {
            say(&format!("mail     a page came to {}", page.to));
            let pause = Duration::from_secs(rand::rng().random_range(TO_PHONE_S));
            tokio::time::sleep(pause).await;
            let pressed = match on_call::open(&hospital.api, page).await {
                Ok(_) => on_call::acknowledge(&hospital.api, page).await,
                Err(failure) => Err(failure),
            };
            match pressed {
                Ok(answer) if answer.status == 200 => say(&format!("phone    {} acknowledged", page.to)),
                Ok(answer) => say(&format!(
                    "phone    the button was answered with {}",
                    answer.status
                )),
                Err(failure) => say(&format!("phone    {failure}")),
            }
        }
        answered = pages.len();
        tokio::time::sleep(LOOK).await;
    }
}

/// Tells what the RIS and the archive received.
async fn neighbours(hospital: Arc<Hospital>) {
    let (mut heard, mut kept) = (0, 0);
    loop {
        let messages = hospital.heard.all().await;
        for message in messages.iter().skip(heard) {
            say(&match message.is_priority_change() {
                true => format!(
                    "RIS      received {}: priority {}",
                    message.kind, message.priority
                ),
                false => format!("RIS      received {}", message.kind),
            });
        }
        let objects = hospital.kept.all().await;
        for object in objects.iter().skip(kept) {
            say(&format!("archive  received a {}", object.kind.text()));
        }
        (heard, kept) = (messages.len(), objects.len());
        tokio::time::sleep(LOOK).await;
    }
}
