//! One person's reading of a study as a unified procedure step (PS3.4 annex CC): where it stands, and what may be asked of
//! it. A step never goes back. A study that was given back, or whose report was retracted, waits again as the next step.

use uuid::Uuid;

use crate::ids::{StudyId, Uid, UidError};
use crate::worklist::Band;

/// Procedure Step State (0074,1000).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    Scheduled,
    InProgress,
    Completed,
    Canceled,
}

/// How a reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A final report arrived.
    Reported,
    /// Its reader said so; the report is still to come.
    SaidDone,
    /// Its reader stopped.
    Stopped,
    /// The study was given back at the desk.
    GivenBack,
    /// Nobody renewed the claim.
    Lapsed,
    OrderCancelled,
}

/// A reading that was begun, or that ended before anybody began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// From 1.
    pub number: u32,
    pub ending: Option<Ending>,
}

/// What decides where a study's reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The newest that is written down.
    pub latest: Option<Turn>,
    /// The study is on the worklist.
    pub waits: bool,
    /// Somebody holds it now.
    pub held: bool,
    pub order_cancelled: bool,
}

/// The reading of a study that counts now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub number: u32,
    pub step: Step,
    /// Why it is at an end.
    pub ending: Option<Ending>,
}

/// What a caller asks a step to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Claim,
    Complete,
    Cancel,
}

/// How the Transaction UID that came compares with the one that the reading was begun with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Missing,
    Wrong,
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    Claimed,
    Ended(Ending),
    /// It was there already; nothing changes.
    Already(Step),
}

/// Why a request cannot be done; each is one of the warnings of PS3.18 section 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The Transaction UID is missing.")]
    KeyMissing,
    #[error("The Transaction UID is incorrect.")]
    KeyWrong,
    #[error("The submitted request is inconsistent with the state of the UPS Instance.")]
    Inconsistent,
    #[error("The target URI did not reference a claimed Workitem.")]
    NotClaimed,
}

impl Step {
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::InProgress, Self::Completed, Self::Canceled];

    pub fn text(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Canceled => "CANCELED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.text() == text)
    }

    pub fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Canceled => true,
            Self::Scheduled | Self::InProgress => false,
        }
    }
}

impl Ending {
    pub const ALL: [Self; 6] = [
        Self::Reported,
        Self::SaidDone,
        Self::Stopped,
        Self::GivenBack,
        Self::Lapsed,
        Self::OrderCancelled,
    ];

    /// As stored.
    pub fn text(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::SaidDone => "said_done",
            Self::Stopped => "stopped",
            Self::GivenBack => "given_back",
            Self::Lapsed => "lapsed",
            Self::OrderCancelled => "order_cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.text() == text)
    }

    pub fn step(self) -> Step {
        match self {
            Self::Reported | Self::SaidDone => Step::Completed,
            Self::Stopped | Self::GivenBack | Self::Lapsed | Self::OrderCancelled => Step::Canceled,
        }
    }

    /// For people: Reason For Cancellation (0074,1238), or what a completion rests on.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reported => "the report arrived",
            Self::SaidDone => "its reader said so; the report is awaited",
            Self::Stopped => "its reader stopped",
            Self::GivenBack => "given back at the desk",
            Self::Lapsed => "the claim was not renewed",
            Self::OrderCancelled => "the order was cancelled",
        }
    }
}

/// Scheduled Procedure Step Priority (0074,1200): `LOW` is for those who place orders, never for us.
pub fn priority(band: Band) -> &'static str {
    match band {
        Band::Critical | Band::Urgent => "HIGH",
        Band::Routine => "MEDIUM",
    }
}

/// The work item of a study's reading, the same for the same reading: the study's id under the UUID root, and from the second
/// reading on its number.
///
/// # Errors
/// Never: the longest is 55 characters.
pub fn uid(study: StudyId, number: u32) -> Result<Uid, UidError> {
    let first = Uid::from_uuid(study.0);
    match number {
        0 | 1 => Ok(first),
        more => Uid::parse(&format!("{first}.{more}")),
    }
}

/// The study and the number of the reading that a UID of ours names.
pub fn of_uid(uid: &str) -> Option<(StudyId, u32)> {
    let rest = uid.strip_prefix("2.25.")?;
    let (study, number) = match rest.split_once('.') {
        Some((study, number)) => (study, number.parse().ok().filter(|number| *number > 1)?),
        None => (rest, 1),
    };
    let study = StudyId(Uuid::from_u128(study.parse().ok()?));
    // As we write it and no other way, so that one work item has one name.
    (self::uid(study, number).ok()?.as_str() == uid).then_some((study, number))
}

/// Where the reading of a study stands now.
pub fn standing(facts: Facts) -> Standing {
    let ended = |number, ending: Ending| Standing {
        number,
        step: ending.step(),
        ending: Some(ending),
    };
    let open = |number, step| Standing {
        number,
        step,
        ending: None,
    };
    let Some(latest) = facts.latest else {
        return match (facts.held, facts.order_cancelled, facts.waits) {
            (true, _, true) => open(1, Step::InProgress),
            (_, true, _) => ended(1, Ending::OrderCancelled),
            (false, false, true) => open(1, Step::Scheduled),
            (_, false, false) => ended(1, Ending::Reported),
        };
    };
    let ending = match latest.ending {
        Some(ending) => ending,
        None if facts.held => return open(latest.number, Step::InProgress),
        None => Ending::Lapsed,
    };
    // Whoever said that they are done keeps the study for as long as a claim lasts, so that its report can arrive.
    let awaited = ending == Ending::SaidDone && facts.held;
    let next = latest.number.saturating_add(1);
    match (facts.waits && !awaited, facts.held) {
        // Its report was retracted while its reader still held it.
        (true, true) => open(next, Step::InProgress),
        (true, false) if !facts.order_cancelled => open(next, Step::Scheduled),
        (true | false, _) => ended(latest.number, ending),
    }
}

/// Answers a request to change the state (PS3.4 table CC.1.1-2). The state speaks first: a second reader's own key is new,
/// and not wrong.
///
/// # Errors
/// Why not.
pub fn change(step: Step, key: Key, change: Change) -> Result<Granted, Refusal> {
    if key == Key::Missing {
        return Err(Refusal::KeyMissing);
    }
    match (step, change) {
        (Step::Scheduled, Change::Claim) => Ok(Granted::Claimed),
        (Step::InProgress, Change::Complete) => held(key).map(|()| Granted::Ended(Ending::SaidDone)),
        (Step::InProgress, Change::Cancel) => held(key).map(|()| Granted::Ended(Ending::Stopped)),
        (Step::Completed, Change::Complete) | (Step::Canceled, Change::Cancel) => Ok(Granted::Already(step)),
        (Step::Scheduled, Change::Complete | Change::Cancel)
        | (Step::InProgress, Change::Claim)
        | (Step::Completed, Change::Claim | Change::Cancel)
        | (Step::Canceled, Change::Claim | Change::Complete) => Err(Refusal::Inconsistent),
    }
}

/// Whether the one who holds this key may add to what the step says.
///
/// # Errors
/// Why not.
pub fn update(step: Step, key: Key) -> Result<(), Refusal> {
    match (step, key) {
        (Step::Scheduled, _) => Err(Refusal::NotClaimed),
        (Step::InProgress, Key::Missing) => Err(Refusal::KeyMissing),
        (Step::InProgress, _) => held(key),
        (Step::Completed | Step::Canceled, _) => Err(Refusal::Inconsistent),
    }
}

/// Whether somebody may be asked to stop; `true` when they have stopped already. What nobody reads cannot be stopped, and a
/// study is taken off this worklist by its order or its report alone.
///
/// # Errors
/// Why not.
pub fn request_cancel(step: Step) -> Result<bool, Refusal> {
    match step {
        Step::InProgress => Ok(false),
        Step::Canceled => Ok(true),
        Step::Scheduled | Step::Completed => Err(Refusal::Inconsistent),
    }
}

fn held(key: Key) -> Result<(), Refusal> {
    match key {
        Key::Right => Ok(()),
        Key::Wrong => Err(Refusal::KeyWrong),
        Key::Missing => Err(Refusal::KeyMissing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITING: Facts = Facts {
        latest: None,
        waits: true,
        held: false,
        order_cancelled: false,
    };

    fn after(ending: Option<Ending>) -> Facts {
        Facts {
            latest: Some(Turn { number: 1, ending }),
            ..WAITING
        }
    }

    #[test]
    fn where_a_reading_stands_follows_from_claims_reports_and_orders() {
        let held = |facts| Facts { held: true, ..facts };
        let read = |facts| Facts {
            waits: false,
            ..facts
        };
        let cancelled = |facts| Facts {
            order_cancelled: true,
            ..facts
        };
        for (facts, number, step) in [
            (WAITING, 1, Step::Scheduled),
            (held(WAITING), 1, Step::InProgress),
            (cancelled(WAITING), 1, Step::Canceled),
            (read(WAITING), 1, Step::Completed),
            (held(after(None)), 1, Step::InProgress),
            (held(cancelled(after(None))), 1, Step::InProgress),
            // Nobody renewed it: the step is over, and the study waits as the next.
            (after(None), 2, Step::Scheduled),
            (after(Some(Ending::GivenBack)), 2, Step::Scheduled),
            (after(Some(Ending::Stopped)), 2, Step::Scheduled),
            (cancelled(after(Some(Ending::GivenBack))), 1, Step::Canceled),
            (read(after(Some(Ending::Reported))), 1, Step::Completed),
            // Its report was retracted.
            (after(Some(Ending::Reported)), 2, Step::Scheduled),
            (held(after(Some(Ending::Reported))), 2, Step::InProgress),
            // Said to be done, and the report does not come.
            (held(after(Some(Ending::SaidDone))), 1, Step::Completed),
            (after(Some(Ending::SaidDone)), 2, Step::Scheduled),
            (cancelled(after(Some(Ending::OrderCancelled))), 1, Step::Canceled),
            // The order was placed again.
            (after(Some(Ending::OrderCancelled)), 2, Step::Scheduled),
        ] {
            let standing = standing(facts);
            assert_eq!((standing.number, standing.step), (number, step), "{facts:?}");
        }
    }

    #[test]
    fn a_key_opens_only_what_it_closed() {
        use Change::{Cancel, Claim, Complete};
        use Step::{Canceled, Completed, InProgress, Scheduled};
        let inconsistent = Err(Refusal::Inconsistent);
        for (step, key, asked, answer) in [
            (Scheduled, Key::Wrong, Claim, Ok(Granted::Claimed)),
            (Scheduled, Key::Missing, Claim, Err(Refusal::KeyMissing)),
            (Scheduled, Key::Wrong, Complete, inconsistent),
            (Scheduled, Key::Wrong, Cancel, inconsistent),
            (InProgress, Key::Wrong, Claim, inconsistent),
            (InProgress, Key::Right, Claim, inconsistent),
            (
                InProgress,
                Key::Right,
                Complete,
                Ok(Granted::Ended(Ending::SaidDone)),
            ),
            (
                InProgress,
                Key::Right,
                Cancel,
                Ok(Granted::Ended(Ending::Stopped)),
            ),
            (InProgress, Key::Wrong, Complete, Err(Refusal::KeyWrong)),
            (InProgress, Key::Missing, Cancel, Err(Refusal::KeyMissing)),
            (Completed, Key::Right, Complete, Ok(Granted::Already(Completed))),
            (Completed, Key::Right, Cancel, inconsistent),
            (Completed, Key::Wrong, Claim, inconsistent),
            (Canceled, Key::Wrong, Cancel, Ok(Granted::Already(Canceled))),
            (Canceled, Key::Right, Complete, inconsistent),
            (Canceled, Key::Right, Claim, inconsistent),
        ] {
            assert_eq!(change(step, key, asked), answer, "{step:?} {key:?} {asked:?}");
        }
    }

    #[test]
    fn a_reading_has_one_uid_and_a_uid_one_reading() {
        let study = StudyId(Uuid::from_u128(u128::MAX));
        for number in [1, 2, u32::MAX] {
            let uid = uid(study, number).expect("short enough");
            assert_eq!(of_uid(uid.as_str()), Some((study, number)));
        }
        for foreign in [
            "",
            "2.25.",
            "2.25.007",
            "2.25.7.1",
            "2.25.7.02",
            "2.25.x",
            "1.2.840",
            "2.25.7.2.3",
        ] {
            assert_eq!(of_uid(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn words_are_read_back_as_they_are_written() {
        for step in Step::ALL {
            assert_eq!(Step::parse(step.text()), Some(step));
        }
        for ending in Ending::ALL {
            assert_eq!(Ending::parse(ending.text()), Some(ending));
            assert!(ending.step().is_final());
        }
        assert_eq!(Step::parse("DISCONTINUED"), None);
    }
}
