//! The order of the worklist: pure, total and stable, so that the same facts give the same list on every node.
//! A person's priority is the floor; nothing here can put a study below it.

pub mod claim;
pub mod priority;

use std::cmp::Reverse;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::StudyId;

pub use self::claim::{Claim, ClaimRefused};
pub use self::priority::PriorityMap;

/// How urgent a study is; the smaller comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    Critical,
    Urgent,
    Routine,
}

impl Band {
    pub const ALL: [Band; 3] = [Band::Critical, Band::Urgent, Band::Routine];

    /// The more urgent of the two: raising never lowers.
    #[must_use]
    pub fn raised_to(self, other: Option<Band>) -> Band {
        other.map_or(self, |band| self.min(band))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Urgent => "urgent",
            Self::Routine => "routine",
        }
    }
}

impl std::fmt::Display for Band {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a contribution comes from; the list without AI leaves the first kind out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A rule that reads what a model said.
    Ai,
    /// A rule that reads the order, the images' headers or the clock alone.
    Rule,
}

/// One reason why a study stands where it stands. It can only raise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Raise {
    pub origin: Origin,
    pub band: Option<Band>,
    pub score: u32,
}

/// The longest a study of each band may wait before it counts as overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaitCaps {
    /// Minutes.
    pub critical: u32,
    pub urgent: u32,
    pub routine: u32,
}

impl Default for WaitCaps {
    /// A provisional report of a head CT within the hour (NICE QS74) bounds the urgent band; the rest is a site's choice.
    fn default() -> Self {
        Self {
            critical: 15,
            urgent: 60,
            routine: 24 * 60,
        }
    }
}

impl WaitCaps {
    /// When a study of `band` becomes overdue.
    pub fn cap_at(&self, band: Band, arrived_at: Timestamp) -> Timestamp {
        let minutes = match band {
            Band::Critical => self.critical,
            Band::Urgent => self.urgent,
            Band::Routine => self.routine,
        };
        arrived_at + TimeDelta::minutes(i64::from(minutes))
    }
}

/// One study on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: StudyId,
    /// The priority a person gave, by the site's map.
    pub human: Band,
    pub raises: Vec<Raise>,
    pub arrived_at: Timestamp,
}

impl Item {
    /// The human band, raised.
    pub fn band(&self) -> Band {
        self.raises
            .iter()
            .fold(self.human, |band, raise| band.raised_to(raise.band))
    }

    pub fn score(&self) -> u32 {
        self.raises
            .iter()
            .fold(0, |sum: u32, raise| sum.saturating_add(raise.score))
    }

    /// The same study as if no model had run.
    pub fn without_ai(&self) -> Self {
        let raises = self
            .raises
            .iter()
            .filter(|raise| raise.origin == Origin::Rule)
            .cloned()
            .collect();
        Self {
            raises,
            ..self.clone()
        }
    }
}

/// An item in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ranked {
    pub id: StudyId,
    /// 1-based.
    pub rank: usize,
    pub rank_without_ai: usize,
    pub band: Band,
    pub score: u32,
    pub overdue: bool,
    pub wait_cap_at: Timestamp,
}

/// What decides the place. Critical studies are not reordered by waiting: among them what is worst comes first.
type Key = (Band, bool, Reverse<i64>, Reverse<u32>, Timestamp, StudyId);

fn key(item: &Item, caps: &WaitCaps, now: Timestamp) -> Key {
    let band = item.band();
    let late_by = now - caps.cap_at(band, item.arrived_at);
    let overdue = band != Band::Critical && late_by >= TimeDelta::zero();
    let late_us = if overdue {
        late_by.num_microseconds().unwrap_or(i64::MAX)
    } else {
        0
    };
    (
        band,
        !overdue,
        Reverse(late_us),
        Reverse(item.score()),
        item.arrived_at,
        item.id,
    )
}

/// The whole list at `now`, in order, each item with the place it would have without AI.
pub fn rank(items: &[Item], caps: &WaitCaps, now: Timestamp) -> Vec<Ranked> {
    let plain: Vec<Item> = items.iter().map(Item::without_ai).collect();
    let places = places(&plain, caps, now);
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_cached_key(|&n| key(&items[n], caps, now));
    let ranked = order.into_iter().enumerate().map(|(place, n)| {
        let item = &items[n];
        let wait_cap_at = caps.cap_at(item.band(), item.arrived_at);
        Ranked {
            id: item.id,
            rank: place + 1,
            rank_without_ai: places[n],
            band: item.band(),
            score: item.score(),
            overdue: now >= wait_cap_at,
            wait_cap_at,
        }
    });
    ranked.collect()
}

/// The 1-based place of each item, in the order of `items`.
fn places(items: &[Item], caps: &WaitCaps, now: Timestamp) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_cached_key(|&n| key(&items[n], caps, now));
    let mut places = vec![0; items.len()];
    for (place, n) in order.into_iter().enumerate() {
        places[n] = place + 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn item(n: u128, human: Band, arrived: i64, raises: &[Raise]) -> Item {
        Item {
            id: StudyId(Uuid::from_u128(n)),
            human,
            raises: raises.to_vec(),
            arrived_at: at(arrived),
        }
    }

    fn ai(band: Option<Band>, score: u32) -> Raise {
        Raise {
            origin: Origin::Ai,
            band,
            score,
        }
    }

    fn check(items: &[Item], now: i64, expected: &[(u128, usize)]) {
        let ranked = rank(items, &WaitCaps::default(), at(now));
        let found: Vec<_> = ranked
            .iter()
            .map(|r| (r.id.0.as_u128(), r.rank_without_ai))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_flagged_routine_study_overtakes_and_shows_its_place_without_ai() {
        let items = [
            item(1, Band::Urgent, 0, &[]),
            item(2, Band::Routine, 1, &[ai(Some(Band::Critical), 100)]),
            item(3, Band::Routine, 0, &[]),
        ];
        check(&items, 5, &[(2, 3), (1, 1), (3, 2)]);
    }

    #[test]
    fn overdue_studies_come_first_in_their_band_the_longest_overdue_on_top() {
        let items = [
            item(1, Band::Urgent, 50, &[ai(None, 500)]),
            item(2, Band::Urgent, 10, &[]),
            item(3, Band::Urgent, 0, &[]),
            item(4, Band::Critical, 60, &[]),
            item(5, Band::Critical, 0, &[]),
        ];
        check(&items, 75, &[(5, 1), (4, 2), (3, 3), (2, 4), (1, 5)]);
    }

    #[test]
    fn among_critical_studies_the_score_decides_and_not_the_wait() {
        let items = [
            item(1, Band::Critical, 0, &[]),
            item(2, Band::Critical, 30, &[ai(None, 10)]),
        ];
        check(&items, 200, &[(2, 2), (1, 1)]);
    }

    fn any_band() -> impl Strategy<Value = Band> {
        prop::sample::select(Band::ALL.to_vec())
    }

    fn any_raise() -> impl Strategy<Value = Raise> {
        (any::<bool>(), prop::option::of(any_band()), 0_u32..500).prop_map(|(is_ai, band, score)| Raise {
            origin: if is_ai { Origin::Ai } else { Origin::Rule },
            band,
            score,
        })
    }

    fn any_items() -> impl Strategy<Value = Vec<Item>> {
        let one = (any_band(), prop::collection::vec(any_raise(), 0..4), 0_i64..3_000);
        prop::collection::vec(one, 0..40).prop_map(|rows| {
            let numbered = rows.into_iter().enumerate();
            numbered
                .map(|(n, (human, raises, arrived))| item(n as u128, human, arrived, &raises))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn the_order_is_total_and_does_not_depend_on_the_order_of_rows(items in any_items(), now in 0_i64..4_000) {
            let caps = WaitCaps::default();
            let mut reversed = items.clone();
            reversed.reverse();
            let ranked = rank(&items, &caps, at(now));
            prop_assert_eq!(&ranked, &rank(&reversed, &caps, at(now)));
            let mut places: Vec<_> = ranked.iter().map(|r| r.rank_without_ai).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (1..=items.len()).collect::<Vec<_>>());
            prop_assert!(ranked.windows(2).all(|pair| pair[0].band <= pair[1].band));
        }

        #[test]
        fn ai_never_puts_a_study_below_the_band_it_has_without(items in any_items()) {
            for item in &items {
                prop_assert!(item.band() <= item.without_ai().band());
                prop_assert!(item.without_ai().band() <= item.human);
                prop_assert!(item.score() >= item.without_ai().score());
            }
        }

        #[test]
        fn raising_one_study_leaves_the_band_and_the_relative_order_of_the_others(
            items in any_items(), which in 0_usize..40, raise in any_raise(), now in 0_i64..4_000,
        ) {
            prop_assume!(!items.is_empty());
            let which = which % items.len();
            let mut raised = items.clone();
            raised[which].raises.push(raise);
            let others = |items: &[Item]| -> Vec<(StudyId, Band)> {
                let ranked = rank(items, &WaitCaps::default(), at(now));
                ranked.iter().filter(|r| r.id != items[which].id).map(|r| (r.id, r.band)).collect()
            };
            prop_assert_eq!(others(&items), others(&raised));
        }
    }
}
