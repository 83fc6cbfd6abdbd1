//! Who looked at which patient: an entry on the audit chain, committed before the answer is sent. A page that refreshes
//! itself writes another entry only when it shows a study that the last entry did not name, or after some minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use chrono::TimeDelta;
use tocsin_domain::clock::Timestamp;

use super::auth::{Principal, Proof};
use super::error::ApiError;
use super::state::State;
use crate::storage::audit;

const FRESH: TimeDelta = TimeDelta::minutes(10);
/// Sessions that are remembered; beyond that all are forgotten, and their next refresh writes an entry.
const SESSIONS: usize = 10_000;

/// What each session has been shown, by the token of its forms.
#[derive(Debug, Default)]
pub struct Views {
    shown: Mutex<BTreeMap<String, Shown>>,
}

#[derive(Debug)]
struct Shown {
    studies: BTreeSet<String>,
    at: Timestamp,
}

impl Views {
    fn covers(&self, session: &str, studies: &BTreeSet<String>, now: Timestamp) -> bool {
        let Ok(shown) = self.shown.lock() else {
            return false;
        };
        shown
            .get(session)
            .is_some_and(|known| now < known.at + FRESH && studies.is_subset(&known.studies))
    }

    fn remember(&self, session: &str, studies: BTreeSet<String>, now: Timestamp) {
        let Ok(mut shown) = self.shown.lock() else { return };
        if shown.len() >= SESSIONS {
            shown.clear();
        }
        shown.insert(session.to_owned(), Shown { studies, at: now });
    }

    /// Besides what was shown already, as long as that is fresh.
    fn add(&self, session: String, studies: BTreeSet<String>, now: Timestamp) {
        let Ok(mut shown) = self.shown.lock() else { return };
        match shown.get_mut(&session).filter(|known| now < known.at + FRESH) {
            Some(known) => known.studies.extend(studies),
            None => {
                if shown.len() >= SESSIONS {
                    shown.clear();
                }
                shown.insert(session, Shown { studies, at: now });
            }
        }
    }
}

/// Notes that these studies were shown to somebody, one entry for all. Nothing may be shown before this returned.
pub async fn viewed(
    state: &State,
    who: &Principal,
    action: &str,
    studies: impl IntoIterator<Item = String>,
) -> Result<(), ApiError> {
    let studies: BTreeSet<String> = studies.into_iter().collect();
    let detail = serde_json::json!({ "studies": studies });
    let object = match (studies.first(), studies.len()) {
        (Some(only), 1) => format!("study:{only}"),
        _ => "studies".to_owned(),
    };
    note(state, who, action, object, detail).await?;
    if let Proof::Session { csrf, .. } = &who.proof {
        state.views.remember(csrf, studies, state.now());
    }
    Ok(())
}

/// The same for a list that refreshes itself.
pub async fn viewed_again(
    state: &State,
    who: &Principal,
    action: &str,
    studies: impl IntoIterator<Item = String>,
) -> Result<(), ApiError> {
    let studies: BTreeSet<String> = studies.into_iter().collect();
    match &who.proof {
        Proof::Session { csrf, .. } if state.views.covers(csrf, &studies, state.now()) => Ok(()),
        Proof::Session { .. } | Proof::Bearer { .. } => viewed(state, who, action, studies).await,
    }
}

/// The same for what is fetched piece by piece, as viewers fetch images: by sessions and tokens alike, apart from what they see on pages.
pub async fn viewed_in_pieces(
    state: &State,
    who: &Principal,
    action: &str,
    studies: impl IntoIterator<Item = String>,
) -> Result<(), ApiError> {
    let studies: BTreeSet<String> = studies.into_iter().collect();
    let by = match &who.proof {
        Proof::Session { csrf, .. } => csrf,
        Proof::Bearer { token_id } => token_id,
    };
    let by = format!("{action} {by}");
    if state.views.covers(&by, &studies, state.now()) {
        return Ok(());
    }
    let first = studies.first().cloned().unwrap_or_default();
    let detail = serde_json::json!({ "studies": studies });
    note(state, who, action, format!("study:{first}"), detail).await?;
    state.views.add(by, studies, state.now());
    Ok(())
}

/// An entry about anything else that was looked at.
pub async fn note(
    state: &State,
    who: &Principal,
    action: &str,
    object: String,
    detail: serde_json::Value,
) -> Result<(), ApiError> {
    let event = who.did(action, object, &state.settings.site.0, detail);
    state
        .store
        .write_together(move |tx| Box::pin(async move { audit::record(tx, event).await }))
        .await?;
    Ok(())
}
