//! The order of the reading worklist: pure, total and stable, so that every node shows the same list. The longest wait of
//! every band is bounded: a study past its cap goes before everything of its band that is not critical.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::StudyId;

/// How urgent a study is. Raised by rules, never lowered below what a human asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    Routine,
    Urgent,
    Critical,
}

impl Band {
    pub const ALL: [Self; 3] = [Self::Critical, Self::Urgent, Self::Routine];

    pub fn text(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Urgent => "urgent",
            Self::Routine => "routine",
        }
    }

    /// As stored; larger is more urgent.
    pub fn number(self) -> i16 {
        match self {
            Self::Routine => 0,
            Self::Urgent => 1,
            Self::Critical => 2,
        }
    }

    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.number() == number)
    }

    /// HL7 table 0485.
    pub fn hl7_priority(self) -> &'static str {
        match self {
            Self::Critical => "S",
            Self::Urgent => "A",
            Self::Routine => "R",
        }
    }
}

/// The site's words for priorities; what is not listed is routine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityMap(pub BTreeMap<String, Band>);

impl PriorityMap {
    pub fn band(&self, priority: Option<&str>) -> Band {
        let Some(said) = priority else {
            return Band::Routine;
        };
        self.0
            .get(&said.trim().to_ascii_uppercase())
            .copied()
            .unwrap_or(Band::Routine)
    }
}

impl Default for PriorityMap {
    fn default() -> Self {
        let critical = ["S", "STAT", "1"].map(|word| (word.to_owned(), Band::Critical));
        let urgent = ["A", "ASAP", "URGENT", "2"].map(|word| (word.to_owned(), Band::Urgent));
        Self(critical.into_iter().chain(urgent).collect())
    }
}

/// The longest a study of each band may wait before it is overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitCaps {
    pub critical: TimeDelta,
    pub urgent: TimeDelta,
    pub routine: TimeDelta,
}

impl WaitCaps {
    pub fn of(&self, band: Band) -> TimeDelta {
        match band {
            Band::Critical => self.critical,
            Band::Urgent => self.urgent,
            Band::Routine => self.routine,
        }
    }
}

/// Why a study stands where it stands; every contribution is at least zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// `order`, or the rule that spoke.
    pub source: String,
    /// What it did: `band: critical`, `score: +40`.
    pub effect: String,
    pub text: String,
}

/// What the order is decided from.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub study: StudyId,
    pub band: Band,
    /// Without anything the AI said.
    pub human_band: Band,
    /// Sum of the contributions, and of those that do not come from AI.
    pub score: f64,
    pub human_score: f64,
    pub arrived_at: Timestamp,
}

/// A place on the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub item: Item,
    /// From 1.
    pub rank: usize,
    /// The rank this study would have if no model had said anything about any study.
    pub rank_without_ai: usize,
    pub wait_cap_at: Timestamp,
    pub overdue: bool,
}

/// Sorts by band, then overdue before the rest (the longest overdue on top), then score, arrival and id.
pub fn rank(items: Vec<Item>, caps: &WaitCaps, now: Timestamp) -> Vec<Place> {
    let mut without_ai: Vec<(Key, StudyId)> = items
        .iter()
        .map(|i| (key(i, i.human_band, i.human_score, caps, now), i.study))
        .collect();
    without_ai.sort_by_key(|(key, _)| *key);
    let human: BTreeMap<StudyId, usize> = without_ai
        .into_iter()
        .enumerate()
        .map(|(n, (_, id))| (id, n + 1))
        .collect();
    let mut keyed: Vec<(Key, Item)> = items
        .into_iter()
        .map(|i| (key(&i, i.band, i.score, caps, now), i))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed
        .into_iter()
        .enumerate()
        .map(|(n, (_, item))| {
            let wait_cap_at = item.arrived_at + caps.of(item.band);
            let rank_without_ai = human.get(&item.study).copied().unwrap_or(n + 1);
            Place {
                rank: n + 1,
                rank_without_ai,
                wait_cap_at,
                overdue: wait_cap_at <= now,
                item,
            }
        })
        .collect()
}

type Key = (Reverse<Band>, Reverse<i64>, Reverse<i64>, Timestamp, StudyId);

fn key(item: &Item, band: Band, score: f64, caps: &WaitCaps, now: Timestamp) -> Key {
    // Critical studies are all due now; waiting longer does not reorder them before more severe ones.
    let overdue = match band {
        Band::Critical => 0,
        Band::Urgent | Band::Routine => (now - item.arrived_at - caps.of(band))
            .num_microseconds()
            .unwrap_or(0)
            .max(0),
    };
    (
        Reverse(band),
        Reverse(overdue),
        Reverse((score * 1000.0).round() as i64),
        item.arrived_at,
        item.study,
    )
}

/// A claim that nobody renewed for this long is free again.
pub const CLAIM_LASTS: TimeDelta = TimeDelta::minutes(30);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const CAPS: WaitCaps = WaitCaps {
        critical: TimeDelta::minutes(10),
        urgent: TimeDelta::minutes(60),
        routine: TimeDelta::minutes(240),
    };

    fn at(minutes: i64) -> Timestamp {
        crate::clock::from_micros(minutes * 60_000_000)
    }

    fn item(id: u128, human: Band, band: Band, score: f64, arrived: i64) -> Item {
        Item {
            study: StudyId(Uuid::from_u128(id)),
            band,
            human_band: human,
            score,
            human_score: 0.0,
            arrived_at: at(arrived),
        }
    }

    fn ids(places: &[Place]) -> Vec<u128> {
        places.iter().map(|p| p.item.study.0.as_u128()).collect()
    }

    #[test]
    fn a_raised_study_goes_up_and_keeps_the_rank_it_would_have_had() {
        let items = vec![
            item(1, Band::Routine, Band::Routine, 0.0, 0),
            item(2, Band::Urgent, Band::Urgent, 0.0, 1),
            item(3, Band::Routine, Band::Critical, 80.0, 2),
        ];
        let places = rank(items, &CAPS, at(3));
        assert_eq!(ids(&places), [3, 2, 1]);
        assert_eq!(
            places.iter().map(|p| p.rank_without_ai).collect::<Vec<_>>(),
            [3, 1, 2]
        );
    }

    #[test]
    fn an_overdue_study_goes_before_a_higher_score_of_its_band_and_never_before_a_critical_one() {
        let items = vec![
            item(1, Band::Routine, Band::Routine, 0.0, 0),
            item(2, Band::Routine, Band::Routine, 50.0, 200),
            item(3, Band::Routine, Band::Critical, 10.0, 239),
        ];
        assert_eq!(ids(&rank(items.clone(), &CAPS, at(239))), [3, 2, 1]);
        assert_eq!(ids(&rank(items, &CAPS, at(241))), [3, 1, 2]);
    }

    #[test]
    fn words_for_priorities_are_the_sites() {
        let map = PriorityMap::default();
        for (word, band) in [
            ("S", Band::Critical),
            ("stat", Band::Critical),
            ("A", Band::Urgent),
            ("R", Band::Routine),
        ] {
            assert_eq!(map.band(Some(word)), band, "{word}");
        }
        assert_eq!(map.band(None), Band::Routine);
    }

    fn any_band() -> impl Strategy<Value = Band> {
        prop_oneof![Just(Band::Routine), Just(Band::Urgent), Just(Band::Critical)]
    }

    proptest! {
        #[test]
        fn the_order_depends_on_the_facts_alone(
            mut facts in proptest::collection::vec((any_band(), any_band(), 0_u32..100, 0_i64..500), 1..40),
            now in 0_i64..1000,
        ) {
            let make = |(n, (human, band, score, arrived)): (usize, &(Band, Band, u32, i64))| {
                item(n as u128 + 1, *human, (*band).max(*human), f64::from(*score), *arrived)
            };
            let items: Vec<Item> = facts.iter().enumerate().map(make).collect();
            let forward = rank(items.clone(), &CAPS, at(now));
            let backward = rank(items.into_iter().rev().collect(), &CAPS, at(now));
            prop_assert_eq!(ids(&forward), ids(&backward));
            facts.clear();
        }

        #[test]
        fn raising_one_study_never_lowers_it(
            facts in proptest::collection::vec((any_band(), 0_u32..100, 0_i64..500), 2..30),
            now in 0_i64..1000,
        ) {
            let items: Vec<Item> = facts.iter().enumerate()
                .map(|(n, (band, score, arrived))| item(n as u128 + 1, *band, *band, f64::from(*score), *arrived)).collect();
            let rank_of = |places: &[Place]| places.iter().find(|p| p.item.study.0.as_u128() == 1).map(|p| p.rank);
            let before = rank_of(&rank(items.clone(), &CAPS, at(now)));
            let mut raised = items;
            raised[0].band = Band::Critical;
            raised[0].score += 10.0;
            prop_assert!(rank_of(&rank(raised, &CAPS, at(now))) <= before);
        }
    }
}
