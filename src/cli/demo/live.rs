//! A hospital that goes on: every half minute or so somebody gets a head CT, pages are answered, reports are written, until
//! it is stopped. What happens is told in plain lines; every person is made up.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hospital::Hospital;
use super::outcome::text;
use super::visit::{Priority, Visit};
use super::{on_call, say, scanner};
use crate::cli::Failure;
use crate::imaging::phantom::HeadFinding;

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

/// Half of them bleed. Seconds since 1970 tell patients apart.
fn visit(hospital: &Hospital) -> Visit {
    let (mut dice, now) = (rand::rng(), hospital.now());
    let finding = if dice.random_bool(0.5) {
        HeadFinding::Any
    } else {
        HeadFinding::None
    };
    let priority = match dice.random_range(0..10) {
        0 => Priority::Stat,
        1..4 => Priority::Asap,
        _ => Priority::Routine,
    };
    Visit::new(now.timestamp().unsigned_abs(), finding, priority, now)
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
        "RIS      ordered a head CT, {accession}, priority {}: {answer}",
        visit.priority.code()
    ));
    let scan = scanner::scan(visit).await?;
    let images = hospital.send_images(&scan.files).await?;
    let holds = match scan.truth.finding_present {
        true => format!("a phantom with {:.0} mL of blood", scan.truth.volume_ml),
        false => "a phantom without blood".to_owned(),
    };
    say(&format!("scanner  sent {images} images of {accession}, {holds}"));
    watch(hospital, accession).await?;
    let pause = Duration::from_secs(rand::rng().random_range(TO_READ_S));
    tokio::time::sleep(pause).await;
    let impression = match scan.truth.finding_present {
        true => "SYNTHETIC REPORT: INTRACRANIAL HEMORRHAGE.",
        false => "SYNTHETIC REPORT: NO INTRACRANIAL HEMORRHAGE.",
    };
    let answer = hospital.report(visit, impression).await?;
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

fn line(item: &Value) -> Option<String> {
    let ai = item["ai"].get(0)?;
    let state = text(&ai["state"]);
    if matches!(state.as_str(), "waiting" | "queued" | "running") {
        return None;
    }
    let volume = ai["findings"][0]["measurements"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|m| m["unit"] == "mL")
        .and_then(|m| m["value"].as_f64())
        .map_or(String::new(), |ml| format!(", {ml:.0} mL"));
    Some(format!(
        "{}{volume}; rank {} on the worklist, {} without AI",
        state.replace('_', " "),
        item["rank"],
        item["rank_without_ai"]
    ))
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
