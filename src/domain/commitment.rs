//! Storage commitment (PS3.4 annex J): an archive that has taken an object is asked to keep it safe. What each word of it
//! leads to.

use chrono::TimeDelta;

/// Storage Commitment Push Model, and its one instance that everybody knows.
pub const PUSH_MODEL: &str = "1.2.840.10008.1.20.1";
pub const PUSH_INSTANCE: &str = "1.2.840.10008.1.20.1.1";
/// The action that asks for it.
pub const REQUEST: u16 = 1;

/// An archive may look for an object on tape before it speaks; after this long nobody does.
pub const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// An object that the archive takes and does not keep so often is not sent again.
pub const MOST_FAILURES: i64 = 3;

/// Where the safe keeping of an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Asked,
    Committed,
    /// The archive said that it does not keep it.
    Failed,
    /// The archive has said nothing in time; it may still.
    Silent,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Asked, Self::Committed, Self::Failed, Self::Silent];

    pub fn text(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Committed => "committed",
            Self::Failed => "failed",
            Self::Silent => "silent",
        }
    }
}

/// What an archive says of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Kept,
    /// Failure Reason (0008,1197).
    NotKept(u16),
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing is owed any more.
    Done,
    SendAgain,
    /// A person has to look.
    GiveUp,
}

/// `failures` counts those before this word.
pub fn next(said: Said, failures: i64) -> Next {
    match said {
        Said::Kept => Next::Done,
        Said::NotKept(_) if failures + 1 < MOST_FAILURES => Next::SendAgain,
        Said::NotKept(_) => Next::GiveUp,
    }
}

/// A failure reason in words (PS3.3 C.14.1.1).
pub fn reason(code: u16) -> &'static str {
    match code {
        0x0110 => "processing failure",
        0x0112 => "no such object",
        0x0119 => "another class than the object has",
        0x0122 => "a class that is not kept",
        0x0131 => "a transaction of that UID exists already",
        0x0213 => "out of resources",
        _ => "for a reason of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_sent_again_and_not_for_ever() {
        let lost = Said::NotKept(0x0112);
        assert_eq!(
            [0, 1, 2].map(|failures| next(lost, failures)),
            [Next::SendAgain, Next::SendAgain, Next::GiveUp]
        );
        assert_eq!(next(Said::Kept, 2), Next::Done);
    }
}
