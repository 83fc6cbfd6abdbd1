//! The worklist in memory: narrow rows of everything that waits, ranked. Each look reads what changed since the look before,
//! by the sequence of changes that every process writes, so that ten thousand open studies cost no more than the few that
//! moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::worklist::{Band, Item, Place, WaitCaps, rank};
use tokio::sync::Mutex;

use super::described::Described;
use super::follow::Follower;
use crate::storage::alerts::{self, Pressing};
use crate::storage::analyses::{self, AnalysisState};
use crate::storage::entity::analysis;
use crate::storage::waiting::{self, Waiting};
use crate::storage::{Store, StoreError, changes, studies};

/// Places change by the clock alone, when a study becomes overdue: they are looked at afresh this often.
const RANKED_FOR: TimeDelta = TimeDelta::seconds(1);
/// After so many changes, or when nobody looked for so long, everything is read again: changes are not kept for ever.
const MANY: usize = 500;
const UNSEEN: TimeDelta = TimeDelta::minutes(1);

/// What is known of a study that waits, until it changes.
pub struct Known {
    pub study: Waiting,
    /// What the models that speak for it now said.
    pub ai: Vec<AnalysisState>,
    pub alert: Pressing,
    /// The rest of what a row shows, from when somebody first looked at it.
    pub described: OnceLock<Arc<Described>>,
}

impl Known {
    /// Whether a list of both would be picked and sorted alike.
    fn lists_as(&self, other: &Self) -> bool {
        self.study == other.study && self.ai == other.ai && self.alert == other.alert
    }
}

/// Everything that waits at one moment, by rank.
pub struct Snapshot {
    pub rows: Vec<Ranked>,
    by_study: BTreeMap<StudyId, usize>,
}

/// A study with its place.
#[derive(Clone)]
pub struct Ranked {
    pub place: Place,
    pub known: Arc<Known>,
}

impl Snapshot {
    fn of(
        known: &BTreeMap<StudyId, Arc<Known>>,
        caps: &WaitCaps,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let items = known
            .iter()
            .map(|(id, known)| item_of(*id, &known.study))
            .collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<Ranked> = rank(items, caps, now)
            .into_iter()
            .filter_map(|place| {
                let known = known.get(&place.item.study)?.clone();
                Some(Ranked { place, known })
            })
            .collect();
        let by_study = rows
            .iter()
            .enumerate()
            .map(|(at, row)| (row.place.item.study, at));
        Ok(Self {
            by_study: by_study.collect(),
            rows,
        })
    }

    /// Where a study stands; `None` when it does not wait to be read.
    pub fn place_of(&self, study: StudyId) -> Option<&Place> {
        let at = *self.by_study.get(&study)?;
        self.rows.get(at).map(|row| &row.place)
    }

    /// The one after it.
    pub fn after(&self, study: StudyId) -> Option<&Ranked> {
        let at = *self.by_study.get(&study)?;
        self.rows.get(at + 1)
    }
}

/// The worklist as this process last saw it.
#[derive(Default)]
pub struct WaitingList {
    seen: Mutex<Option<Seen>>,
}

struct Seen {
    follower: Follower,
    known: BTreeMap<StudyId, Arc<Known>>,
    ranked_at: Timestamp,
    snapshot: Arc<Snapshot>,
}

impl WaitingList {
    /// Everything that waits, as the database says now.
    ///
    /// # Errors
    /// A database that does not answer, or a row that cannot be read; the next look begins anew.
    pub async fn now(&self, store: &Store, caps: &WaitCaps) -> Result<Arc<Snapshot>, StoreError> {
        let mut seen = self.seen.lock().await;
        let looked = match seen.take() {
            Some(before) => again(before, store, caps).await?,
            None => whole(store, caps).await?,
        };
        let snapshot = looked.snapshot.clone();
        *seen = Some(looked);
        Ok(snapshot)
    }
}

async fn whole(store: &Store, caps: &WaitCaps) -> Result<Seen, StoreError> {
    let conn = store.read();
    // The number first: what changes while the rows are read is read once more.
    let follower = Follower::after(changes::latest(conn).await?);
    let rows = waiting::all(conn).await?;
    let said = analyses::waiting(conn).await?;
    let known = known(rows, said, &alerts::pressing_of_waiting(conn).await?)?;
    let now = store.now();
    Ok(Seen {
        snapshot: Arc::new(Snapshot::of(&known, caps, now)?),
        ranked_at: now,
        follower,
        known,
    })
}

async fn again(mut seen: Seen, store: &Store, caps: &WaitCaps) -> Result<Seen, StoreError> {
    let conn = store.read();
    let now = store.now();
    let changed = changes::after(conn, seen.follower.from()).await?;
    let aged = now - seen.ranked_at;
    if changed.len() > MANY || aged > UNSEEN {
        return whole(store, caps).await;
    }
    let numbers: Vec<i64> = changed.iter().map(|change| change.seq).collect();
    let news: BTreeSet<i64> = seen.follower.news(&numbers, now).into_iter().collect();
    let ids: BTreeSet<String> = changed
        .into_iter()
        .filter(|change| news.contains(&change.seq))
        .map(|change| change.study)
        .collect();
    let moved = !ids.is_empty() && refresh(&mut seen, store, ids).await?;
    if moved || aged >= RANKED_FOR || aged < TimeDelta::zero() {
        seen.snapshot = Arc::new(Snapshot::of(&seen.known, caps, now)?);
        seen.ranked_at = now;
    }
    Ok(seen)
}

/// Reads these studies again; whether anything that a list shows is different.
async fn refresh(seen: &mut Seen, store: &Store, ids: BTreeSet<String>) -> Result<bool, StoreError> {
    let ids: Vec<String> = ids.into_iter().collect();
    let conn = store.read();
    let said = studies::by_study(analyses::of_studies(conn, &ids).await?, |row| &row.study_id);
    let pressing = alerts::pressing_of(conn, &ids).await?;
    let read = known(waiting::of(conn, &ids).await?, said, &pressing)?;
    let mut moved = false;
    for (id, known) in read {
        moved |= match known.study.on_worklist {
            true => seen
                .known
                .insert(id, known.clone())
                .is_none_or(|before| !before.lists_as(&known)),
            false => seen.known.remove(&id).is_some(),
        };
    }
    Ok(moved)
}

fn known(
    rows: Vec<Waiting>,
    mut said: BTreeMap<String, Vec<analysis::Model>>,
    pressing: &BTreeMap<String, Pressing>,
) -> Result<BTreeMap<StudyId, Arc<Known>>, StoreError> {
    rows.into_iter()
        .map(|study| {
            let analyses = said.remove(&study.id).unwrap_or_default();
            let ai = analyses::current(&analyses).into_iter().map(analyses::state_of);
            let ai = ai.collect::<Result<_, _>>()?;
            let id = study.id.parse().map_err(|_| unreadable(&study, "id"))?;
            let known = Known {
                alert: pressing.get(&study.id).copied().unwrap_or(Pressing::None),
                study,
                ai,
                described: OnceLock::new(),
            };
            Ok((id, Arc::new(known)))
        })
        .collect()
}

/// What the order is decided from.
fn item_of(id: StudyId, row: &Waiting) -> Result<Item, StoreError> {
    let band = |column, number| Band::from_number(number).ok_or_else(|| unreadable(row, column));
    let human = band("human_band", row.human_band)?;
    let without_ai = band("band_without_ai", row.band_without_ai)?;
    Ok(Item {
        study: id,
        band: band("band", row.band)?,
        human_band: human.max(without_ai),
        score: row.score,
        human_score: row.score_without_ai,
        arrived_at: from_micros(row.arrived_at),
    })
}

fn unreadable(row: &Waiting, column: &'static str) -> StoreError {
    StoreError::Inconsistent {
        table: "study",
        column,
        id: row.id.clone(),
    }
}
