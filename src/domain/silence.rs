//! Whether a connection that says nothing is only quiet. What came at this hour on the days before says how much is usual; a
//! silence that would be rarer than one in a thousand, if it were chance, is none (Poisson: P(nothing) = e^−expected). Pure.

use std::collections::BTreeMap;

use crate::clock::{Timestamp, from_micros, to_micros};

/// How far back is looked.
pub const DAYS: i64 = 14;
pub const HOUR_MICROS: i64 = 3_600_000_000;
const HOURS_OF_DAY: i64 = 24;
/// With less history nothing is said.
const LEAST_DAYS: i64 = 3;
/// −ln 0.001.
const EXPECTED_IN_SILENCE: f64 = 6.9;

/// How a connection flows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flow {
    /// Nothing ever came.
    Never,
    /// It has not been there for long enough to know what is usual.
    New,
    /// As much as usual, or so little is usual that nothing means nothing.
    Usual,
    /// By now so many should have come, and none has.
    Silent { expected: f64 },
}

/// What came: how much in each hour, hours counted from 1970 (UTC), and when the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub hours: BTreeMap<i64, i64>,
    pub last: Option<Timestamp>,
}

impl Traffic {
    /// How much came within so many hours before now, the current one included.
    pub fn within(&self, hours: i64, now: Timestamp) -> i64 {
        let current = to_micros(now).div_euclid(HOUR_MICROS);
        self.hours
            .range(current - hours + 1..=current)
            .map(|(_, count)| count)
            .sum()
    }

    /// How much usually comes in an hour at this time of day; `None` without enough history.
    pub fn usual(&self, now: Timestamp) -> Option<f64> {
        let current = to_micros(now).div_euclid(HOUR_MICROS);
        let first = *self.hours.keys().next()?;
        let days = ((current - first) / HOURS_OF_DAY).min(DAYS);
        if days < LEAST_DAYS {
            return None;
        }
        let hour = |day: i64| {
            self.hours
                .get(&(current - day * HOURS_OF_DAY))
                .copied()
                .unwrap_or(0)
        };
        Some((1..=days).map(hour).sum::<i64>() as f64 / days as f64)
    }

    pub fn flow(&self, now: Timestamp) -> Flow {
        let Some(last) = self.last else {
            return Flow::Never;
        };
        if self.usual(now).is_none() {
            return Flow::New;
        }
        let expected = self.expected(to_micros(last), to_micros(now));
        match expected > EXPECTED_IN_SILENCE {
            true => Flow::Silent { expected },
            false => Flow::Usual,
        }
    }

    /// How many usually come between two instants; of a silence of more than a day its last day is looked at.
    fn expected(&self, from: i64, to: i64) -> f64 {
        let from = from.max(to - HOURS_OF_DAY * HOUR_MICROS);
        let mut expected = 0.0;
        let mut at = from;
        while at < to {
            let end = ((at.div_euclid(HOUR_MICROS) + 1) * HOUR_MICROS).min(to);
            let usual = self.usual(from_micros(at)).unwrap_or(0.0);
            expected += usual * (end - at) as f64 / HOUR_MICROS as f64;
            at = end;
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Twelve an hour from 8 to 18 o'clock on the ten days before, nothing at night.
    fn busy_by_day(now: Timestamp) -> Traffic {
        let current = to_micros(now).div_euclid(HOUR_MICROS);
        let hours = (1..=240).map(|back| current - back);
        let by_day = hours.filter(|hour| (8..18).contains(&hour.rem_euclid(24)));
        Traffic {
            hours: by_day.map(|hour| (hour, 12)).collect(),
            last: None,
        }
    }

    #[test]
    fn a_silence_is_judged_by_what_is_usual_at_this_time_of_day() {
        let noon = at("2026-03-14T12:00:00Z");
        let since = |minutes: i64, now: Timestamp| {
            let traffic = Traffic {
                last: Some(now - TimeDelta::minutes(minutes)),
                ..busy_by_day(now)
            };
            traffic.flow(now)
        };
        assert_eq!(busy_by_day(noon).usual(noon), Some(12.0));
        assert_eq!(since(30, noon), Flow::Usual, "six should have come");
        assert!(matches!(since(40, noon), Flow::Silent { expected } if (expected - 8.0).abs() < 1e-9));
        let night = at("2026-03-15T03:00:00Z");
        assert_eq!(since(8 * 60, night), Flow::Usual, "nothing comes at night");
    }

    #[test]
    fn what_is_new_or_never_came_is_not_silent() {
        let now = at("2026-03-14T12:00:00Z");
        assert_eq!(Traffic::default().flow(now), Flow::Never);
        let current = to_micros(now).div_euclid(HOUR_MICROS);
        let young = Traffic {
            hours: (1..48).map(|back| (current - back, 100)).collect(),
            last: Some(now - TimeDelta::hours(5)),
        };
        assert_eq!(young.flow(now), Flow::New);
        assert_eq!((young.within(2, now), young.within(24, now)), (100, 2300));
    }
}
