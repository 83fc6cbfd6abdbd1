//! What modalities and archives said of a study, noted on its timeline once. The decision what it means is
//! `tocsin_domain::announced`.

use tocsin_domain::announced::{Announcement, Said, StepState};
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::StudyId;

use super::env::Env;
use crate::storage::announcements::{self, Heard};
use crate::storage::{StoreError, Tx, timeline};

/// Says on the timeline what it does not say yet. `true` where there was such news.
pub(super) async fn note(tx: &Tx, study: StudyId, told: &[Told]) -> Result<bool, StoreError> {
    let mut news = false;
    for Told { one, heard_at } in told {
        if let Said::Step(_) = one.said {
            let begun = Announcement {
                said: Said::Step(StepState::InProgress),
                ..one.clone()
            };
            if announcements::is_news(tx, study, &begun).await? {
                let detail = format!("{}, told at {heard_at}", one.from);
                timeline::note(tx, study, "step_begun", detail).await?;
                news = true;
            }
        }
        let event = match one.said {
            Said::Step(StepState::InProgress) => continue,
            Said::Step(StepState::Completed) => "step_completed",
            Said::Step(StepState::Discontinued) => "step_discontinued",
            Said::Availability => "images_available",
        };
        if announcements::is_news(tx, study, one).await? {
            timeline::note(tx, study, event, listed(one)).await?;
            news = true;
        }
    }
    Ok(news)
}

/// What was said once, with when it was first heard, as people read it.
pub(super) struct Told {
    one: Announcement,
    heard_at: String,
}

pub(super) fn told(env: &Env, heard: &Heard) -> Vec<Told> {
    let said = heard.said.iter().map(|(row, one)| Told {
        one: one.clone(),
        heard_at: env.settings.local_time(from_micros(row.created_at)),
    });
    said.collect()
}

fn listed(one: &Announcement) -> String {
    let images: usize = one.series.iter().map(|series| series.instances.len()).sum();
    format!("{}: {images} images in {} series", one.from, one.series.len())
}
