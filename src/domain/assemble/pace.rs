//! How fast a sender's images follow one another, learned from what arrived: after how much silence a series or a study
//! may be taken as complete. One record per sender and protocol; a pure update.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Silence stands for the end when it lasts this many times the 99th percentile of the gaps between images.
const MARGIN: f64 = 3.0;
/// A gap above the estimate raises it by this share; one below lowers it by 1/99 of that, which settles at the 99th
/// percentile.
const RISE: f64 = 0.2;
const FALL: f64 = RISE / 99.0;
const START_MS: f64 = 5_000.0;
const LEAST_MS: f64 = 1_000.0;
const MOST_MS: f64 = 60_000.0;

/// The 99th percentile of the gaps of one sender and protocol, in milliseconds, as a running estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pace {
    pub gap_ms: f64,
    /// Gaps seen.
    pub samples: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gap_ms: START_MS / MARGIN,
            samples: 0,
        }
    }
}

impl Pace {
    /// Takes one gap between two images of one series in. Gaps beyond the upper bound are pauses, not pace.
    #[must_use]
    pub fn observe(self, gap: TimeDelta) -> Self {
        let gap_ms = gap.num_milliseconds() as f64;
        if !(0.0..=MOST_MS).contains(&gap_ms) {
            return self;
        }
        let moved = if gap_ms > self.gap_ms {
            self.gap_ms * (1.0 + RISE)
        } else {
            self.gap_ms * (1.0 - FALL)
        };
        Self {
            gap_ms: moved.clamp(LEAST_MS / MARGIN, MOST_MS / MARGIN),
            samples: self.samples.saturating_add(1),
        }
    }

    /// How long a series must be silent to be taken as complete: 5 s at first, 1 to 60 s once learned.
    pub fn quiet(&self) -> TimeDelta {
        TimeDelta::milliseconds((self.gap_ms * MARGIN).clamp(LEAST_MS, MOST_MS) as i64)
    }

    /// How long a whole study must be silent: scanners pause between series, so twice as long, at most the upper bound.
    pub fn study_quiet(&self) -> TimeDelta {
        TimeDelta::milliseconds((self.gap_ms * MARGIN * 2.0).clamp(LEAST_MS, MOST_MS) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(gaps: impl Iterator<Item = i64>) -> Pace {
        gaps.fold(Pace::default(), |pace, ms| {
            pace.observe(TimeDelta::milliseconds(ms))
        })
    }

    #[test]
    fn it_starts_at_five_seconds_and_learns_within_bounds() {
        assert_eq!(Pace::default().quiet(), TimeDelta::milliseconds(5_000));
        assert_eq!(
            after((0..5_000).map(|_| 20)).quiet(),
            TimeDelta::milliseconds(1_000)
        );
        assert_eq!(
            after((0..100).map(|_| 59_000)).quiet(),
            TimeDelta::milliseconds(60_000)
        );
        let mixed = after((0..20_000).map(|k| if k % 50 == 0 { 3_000 } else { 100 }));
        assert!(
            (8_000..=15_000).contains(&mixed.quiet().num_milliseconds()),
            "{mixed:?}"
        );
    }

    #[test]
    fn a_pause_of_an_hour_teaches_nothing() {
        assert_eq!(Pace::default().observe(TimeDelta::hours(1)), Pace::default());
        assert_eq!(Pace::default().observe(TimeDelta::seconds(-1)), Pace::default());
    }

    proptest! {
        #[test]
        fn the_wait_is_always_between_one_and_sixty_seconds(gaps in prop::collection::vec(-10_000_i64..200_000, 0..300)) {
            let quiet = after(gaps.into_iter()).quiet().num_milliseconds();
            prop_assert!((1_000..=60_000).contains(&quiet));
        }
    }
}
