//! Whether a series may be read, whether a study is settled, and when a study counts as stuck. Each answer says why, and
//! every wait has an end: a series that stays gappy becomes ready as it is, so that admission can name the fault.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A sender may still fill a gap, perhaps in another association; so long a gappy series waits for it.
pub const GAP_PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// What is known of the transmission of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesSignals {
    pub gap_free: bool,
    /// Every association that carried the series was released in order.
    pub released: bool,
    /// From MPPS, an instance availability notice or the order; `None` when nobody said.
    pub expected: Option<u32>,
    pub received: u32,
    pub last_arrival: Timestamp,
    /// Silence that stands for the end, learned per sender and protocol.
    pub quiet: TimeDelta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyBecause {
    AssociationReleased,
    ExpectedCountReached,
    Quiet,
    /// Nothing filled the gap for so long that the series is taken as it is.
    GapsRemain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitBecause {
    NothingReceived,
    Gaps,
    StillArriving,
    SeriesNotReady,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Readiness {
    Ready { because: ReadyBecause },
    Wait { until: Timestamp, because: WaitBecause },
}

/// Whether a series may be handed to a model, at `now`.
pub fn readiness(signals: &SeriesSignals, now: Timestamp) -> Readiness {
    let wait = |until, because| Readiness::Wait { until, because };
    let quiet_at = signals.last_arrival + signals.quiet;
    if signals.received == 0 {
        return wait(quiet_at.max(now + signals.quiet), WaitBecause::NothingReceived);
    }
    if !signals.gap_free {
        let patient_until = signals.last_arrival + signals.quiet.max(GAP_PATIENCE);
        return if now >= patient_until {
            Readiness::Ready {
                because: ReadyBecause::GapsRemain,
            }
        } else {
            wait(patient_until, WaitBecause::Gaps)
        };
    }
    match signals.expected {
        Some(expected) if signals.received >= expected => {
            return Readiness::Ready {
                because: ReadyBecause::ExpectedCountReached,
            };
        }
        // More was announced than came: a released association does not end the series, only silence does.
        Some(_) => {}
        None if signals.released => {
            return Readiness::Ready {
                because: ReadyBecause::AssociationReleased,
            };
        }
        None => {}
    }
    if now >= quiet_at {
        return Readiness::Ready {
            because: ReadyBecause::Quiet,
        };
    }
    wait(quiet_at, WaitBecause::StillArriving)
}

/// What is known of a study's transmission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudySignals {
    pub series: Vec<Readiness>,
    pub last_arrival: Timestamp,
    /// Silence between series that stands for the end of the study.
    pub quiet: TimeDelta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Settled {
    Yes,
    No { until: Timestamp, because: WaitBecause },
}

/// A study is settled when each of its series is ready and nothing came for the learned gap between series.
pub fn settled(signals: &StudySignals, now: Timestamp) -> Settled {
    let waiting = signals.series.iter().filter_map(|series| match series {
        Readiness::Ready { .. } => None,
        Readiness::Wait { until, .. } => Some(*until),
    });
    if let Some(until) = waiting.max() {
        return Settled::No {
            until,
            because: WaitBecause::SeriesNotReady,
        };
    }
    let quiet_at = signals.last_arrival + signals.quiet;
    if signals.series.is_empty() {
        return Settled::No {
            until: quiet_at.max(now + signals.quiet),
            because: WaitBecause::NothingReceived,
        };
    }
    if now < quiet_at {
        return Settled::No {
            until: quiet_at,
            because: WaitBecause::StillArriving,
        };
    }
    Settled::Yes
}

/// How long a study may stand before it is shown as stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadlineLimits {
    /// After the last sign of progress.
    pub idle: TimeDelta,
    /// After the first image, whatever happens.
    pub total: TimeDelta,
}

impl Default for DeadlineLimits {
    fn default() -> Self {
        Self {
            idle: TimeDelta::minutes(5),
            total: TimeDelta::minutes(30),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StuckBecause {
    NoProgress,
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Deadline {
    /// Look again then.
    Within {
        until: Timestamp,
    },
    Stuck {
        since: Timestamp,
        because: StuckBecause,
    },
}

/// Whether an unfinished study has stood still, or taken, too long (invariant 4).
pub fn deadline(
    first: Timestamp,
    last_progress: Timestamp,
    limits: &DeadlineLimits,
    now: Timestamp,
) -> Deadline {
    let idle = (last_progress + limits.idle, StuckBecause::NoProgress);
    let total = (first + limits.total, StuckBecause::TooLong);
    let (at, because) = if idle.0 <= total.0 { idle } else { total };
    if now >= at {
        Deadline::Stuck { since: at, because }
    } else {
        Deadline::Within { until: at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn signals() -> SeriesSignals {
        SeriesSignals {
            gap_free: true,
            released: false,
            expected: None,
            received: 30,
            last_arrival: at(100),
            quiet: TimeDelta::seconds(5),
        }
    }

    #[test]
    fn a_series_is_ready_for_one_of_several_reasons() {
        use ReadyBecause::{AssociationReleased, ExpectedCountReached, GapsRemain, Quiet};
        let ready = |because| Readiness::Ready { because };
        let wait = |until, because| Readiness::Wait {
            until: at(until),
            because,
        };
        let s = signals();
        let table = [
            ("arriving", s, 102, wait(105, WaitBecause::StillArriving)),
            ("quiet", s, 105, ready(Quiet)),
            (
                "released",
                SeriesSignals { released: true, ..s },
                100,
                ready(AssociationReleased),
            ),
            (
                "all came",
                SeriesSignals {
                    expected: Some(30),
                    ..s
                },
                100,
                ready(ExpectedCountReached),
            ),
            (
                "released, but more was announced",
                SeriesSignals {
                    expected: Some(31),
                    released: true,
                    ..s
                },
                101,
                wait(105, WaitBecause::StillArriving),
            ),
            (
                "gaps",
                SeriesSignals {
                    gap_free: false,
                    released: true,
                    ..s
                },
                150,
                wait(160, WaitBecause::Gaps),
            ),
            (
                "gaps for good",
                SeriesSignals { gap_free: false, ..s },
                160,
                ready(GapsRemain),
            ),
            (
                "nothing",
                SeriesSignals { received: 0, ..s },
                200,
                wait(205, WaitBecause::NothingReceived),
            ),
        ];
        for (name, signals, now, expected) in table {
            assert_eq!(readiness(&signals, at(now)), expected, "{name}");
        }
    }

    #[test]
    fn a_study_settles_when_every_series_is_ready_and_silence_fell() {
        let ready = Readiness::Ready {
            because: ReadyBecause::Quiet,
        };
        let wait = Readiness::Wait {
            until: at(130),
            because: WaitBecause::StillArriving,
        };
        let study = |series| StudySignals {
            series,
            last_arrival: at(100),
            quiet: TimeDelta::seconds(10),
        };
        assert_eq!(settled(&study(vec![ready, ready]), at(110)), Settled::Yes);
        let no = |until, because| Settled::No {
            until: at(until),
            because,
        };
        assert_eq!(
            settled(&study(vec![ready]), at(109)),
            no(110, WaitBecause::StillArriving)
        );
        assert_eq!(
            settled(&study(vec![ready, wait]), at(120)),
            no(130, WaitBecause::SeriesNotReady)
        );
    }

    #[test]
    fn a_study_that_stands_still_is_stuck_at_a_known_time() {
        let limits = DeadlineLimits::default();
        assert_eq!(
            deadline(at(0), at(60), &limits, at(100)),
            Deadline::Within { until: at(360) }
        );
        let stuck = |since, because| Deadline::Stuck {
            since: at(since),
            because,
        };
        assert_eq!(
            deadline(at(0), at(60), &limits, at(400)),
            stuck(360, StuckBecause::NoProgress)
        );
        assert_eq!(
            deadline(at(0), at(1790), &limits, at(1800)),
            stuck(1800, StuckBecause::TooLong)
        );
    }

    proptest! {
        #[test]
        fn waiting_until_the_named_time_ends_the_wait(
            gap_free: bool, released: bool, expected in prop::option::of(0_u32..60), received in 1_u32..60,
            quiet in 1_i64..60, now in 0_i64..300,
        ) {
            let s = SeriesSignals {
                gap_free, released, expected, received, last_arrival: at(100), quiet: TimeDelta::seconds(quiet),
            };
            if let Readiness::Wait { until, .. } = readiness(&s, at(now)) {
                prop_assert!(until > at(now));
                let ready = matches!(readiness(&s, until), Readiness::Ready { .. });
                prop_assert!(ready);
            }
        }
    }
}
