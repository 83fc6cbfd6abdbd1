//! Whether a series may be read, whether a study is settled, and when a study counts as stuck. Each answer says why, and
//! every wait has an end: a series that stays gappy becomes ready as it is, so that admission can name the fault.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::announced::{Announced, ListedBy};
use crate::clock::Timestamp;

/// A sender may still fill a gap, perhaps in another association; so long a gappy series waits for it.
pub const GAP_PATIENCE: TimeDelta = TimeDelta::seconds(60);
/// Images that were announced are on their way; so long after the last one the others are waited for.
pub const LIST_PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// What is known of the transmission of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesSignals {
    pub gap_free: bool,
    /// Every association that carried the series was released in order.
    pub released: bool,
    /// From procedure steps and availability notices.
    pub announced: Announced,
    pub received: u32,
    pub last_arrival: Timestamp,
    /// Silence that stands for the end, learned per sender and protocol.
    pub quiet: TimeDelta,
    /// Silence that stands for the end while the modality says that it is still at work, if that is longer.
    pub step_patience: TimeDelta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyBecause {
    AssociationReleased,
    /// The modality has completed its step, and all that it made is here.
    StepCompleted,
    /// It has given its step up, and all that it made until then is here.
    StepDiscontinued,
    /// All that an archive says it keeps is here.
    NoticeFulfilled,
    Quiet,
    /// Images were announced and did not come for so long that the series is taken as it is.
    ImagesMissing,
    /// Nothing filled the gap for so long that the series is taken as it is.
    GapsRemain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitBecause {
    NothingReceived,
    Gaps,
    StillArriving,
    /// The modality is still at work.
    StepInProgress,
    ImagesMissing,
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
    let ready = |because| Readiness::Ready { because };
    // After so much silence it is ready, and for this reason; until then it waits for that one.
    let silence = |least: TimeDelta, so: ReadyBecause, because: WaitBecause| {
        let until = signals.last_arrival + signals.quiet.max(least);
        match now >= until {
            true => ready(so),
            false => Readiness::Wait { until, because },
        }
    };
    if signals.received == 0 {
        return Readiness::Wait {
            until: (signals.last_arrival + signals.quiet).max(now + signals.quiet),
            because: WaitBecause::NothingReceived,
        };
    }
    if !signals.gap_free {
        let patience = match signals.announced {
            // There is no more: the gap is in what was made.
            Announced::AllHere(ListedBy::CompletedStep | ListedBy::DiscontinuedStep) => {
                return ready(ReadyBecause::GapsRemain);
            }
            Announced::Working => GAP_PATIENCE.max(signals.step_patience),
            Announced::Missing(_) | Announced::AllHere(ListedBy::Notice) | Announced::Nothing => GAP_PATIENCE,
        };
        return silence(patience, ReadyBecause::GapsRemain, WaitBecause::Gaps);
    }
    match signals.announced {
        Announced::AllHere(ListedBy::CompletedStep) => ready(ReadyBecause::StepCompleted),
        Announced::AllHere(ListedBy::DiscontinuedStep) => ready(ReadyBecause::StepDiscontinued),
        Announced::AllHere(ListedBy::Notice) => ready(ReadyBecause::NoticeFulfilled),
        // More was announced than came: a released association does not end the series, only silence does.
        Announced::Missing(_) => silence(
            LIST_PATIENCE,
            ReadyBecause::ImagesMissing,
            WaitBecause::ImagesMissing,
        ),
        // Modalities send as they scan, and pause as they do: neither silence nor a release ends the series soon.
        Announced::Working => silence(
            signals.step_patience,
            ReadyBecause::Quiet,
            WaitBecause::StepInProgress,
        ),
        Announced::Nothing if signals.released => ready(ReadyBecause::AssociationReleased),
        Announced::Nothing => silence(TimeDelta::zero(), ReadyBecause::Quiet, WaitBecause::StillArriving),
    }
}

/// What is known of a study's transmission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudySignals {
    pub series: Vec<Readiness>,
    pub last_arrival: Timestamp,
    /// Silence between series that stands for the end of the study.
    pub quiet: TimeDelta,
    /// From procedure steps and availability notices.
    pub announced: Announced,
    /// As for a series.
    pub step_patience: TimeDelta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Settled {
    Yes,
    No { until: Timestamp, because: WaitBecause },
}

/// A study is settled when each of its series is ready and nothing came for the learned gap between series; at once where
/// all is here that its modalities, which are done, say they made.
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
    let after = |silence: TimeDelta| signals.last_arrival + silence;
    if signals.series.is_empty() {
        return Settled::No {
            until: after(signals.quiet).max(now + signals.quiet),
            because: WaitBecause::NothingReceived,
        };
    }
    let (until, because) = match signals.announced {
        Announced::AllHere(ListedBy::CompletedStep | ListedBy::DiscontinuedStep) => return Settled::Yes,
        Announced::Working => (
            after(signals.quiet.max(signals.step_patience)),
            WaitBecause::StepInProgress,
        ),
        Announced::Missing(_) => (
            after(signals.quiet.max(LIST_PATIENCE)),
            WaitBecause::ImagesMissing,
        ),
        // An archive may tell of one series at a time.
        Announced::AllHere(ListedBy::Notice) | Announced::Nothing => {
            (after(signals.quiet), WaitBecause::StillArriving)
        }
    };
    match now < until {
        true => Settled::No { until, because },
        false => Settled::Yes,
    }
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
            announced: Announced::Nothing,
            received: 30,
            last_arrival: at(100),
            quiet: TimeDelta::seconds(5),
            step_patience: TimeDelta::seconds(40),
        }
    }

    #[test]
    fn a_series_is_ready_for_one_of_several_reasons() {
        use ReadyBecause::{AssociationReleased, GapsRemain, ImagesMissing, Quiet, StepCompleted};
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
                    announced: Announced::AllHere(ListedBy::CompletedStep),
                    ..s
                },
                100,
                ready(StepCompleted),
            ),
            (
                "released, but more was announced",
                SeriesSignals {
                    announced: Announced::Missing(1),
                    released: true,
                    ..s
                },
                110,
                wait(160, WaitBecause::ImagesMissing),
            ),
            (
                "what was announced never comes",
                SeriesSignals {
                    announced: Announced::Missing(1),
                    ..s
                },
                160,
                ready(ImagesMissing),
            ),
            (
                "released and quiet, but the modality is at work",
                SeriesSignals {
                    announced: Announced::Working,
                    released: true,
                    ..s
                },
                139,
                wait(140, WaitBecause::StepInProgress),
            ),
            (
                "at work for ever",
                SeriesSignals {
                    announced: Announced::Working,
                    ..s
                },
                140,
                ready(Quiet),
            ),
            (
                "a gap, and the modality has made no more",
                SeriesSignals {
                    gap_free: false,
                    announced: Announced::AllHere(ListedBy::CompletedStep),
                    ..s
                },
                100,
                ready(GapsRemain),
            ),
            (
                "a gap, and an archive keeps no more yet",
                SeriesSignals {
                    gap_free: false,
                    announced: Announced::AllHere(ListedBy::Notice),
                    ..s
                },
                100,
                wait(160, WaitBecause::Gaps),
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
            announced: Announced::Nothing,
            step_patience: TimeDelta::seconds(40),
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
        let told = |announced| StudySignals {
            announced,
            ..study(vec![ready])
        };
        let all = |by| told(Announced::AllHere(by));
        assert_eq!(settled(&all(ListedBy::CompletedStep), at(100)), Settled::Yes);
        assert_eq!(
            settled(&all(ListedBy::Notice), at(100)),
            no(110, WaitBecause::StillArriving)
        );
        assert_eq!(
            settled(&told(Announced::Working), at(120)),
            no(140, WaitBecause::StepInProgress)
        );
        assert_eq!(settled(&told(Announced::Missing(3)), at(160)), Settled::Yes);
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
            gap_free: bool, released: bool, told in 0_usize..5, received in 1_u32..60, quiet in 1_i64..60,
            patience in 0_i64..200, now in 0_i64..300,
        ) {
            let announced = [
                Announced::Nothing, Announced::Working, Announced::Missing(2),
                Announced::AllHere(ListedBy::CompletedStep), Announced::AllHere(ListedBy::Notice),
            ][told];
            let s = SeriesSignals {
                gap_free, released, announced, received, last_arrival: at(100), quiet: TimeDelta::seconds(quiet),
                step_patience: TimeDelta::seconds(patience),
            };
            if let Readiness::Wait { until, .. } = readiness(&s, at(now)) {
                prop_assert!(until > at(now));
                let ready = matches!(readiness(&s, until), Readiness::Ready { .. });
                prop_assert!(ready);
            }
        }
    }
}
