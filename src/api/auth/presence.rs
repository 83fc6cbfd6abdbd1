//! Whether the person of a session is still at the screen, and when they last proved who they are. It is kept with the
//! session's row, so that every tab, every process and a copy of the cookie are told the same.

use chrono::TimeDelta;
use tocsin_domain::clock::{Timestamp, from_micros};

use crate::storage::entity::session;

/// Acts that are nearer together than this are written once.
pub const NOTED_EVERY: TimeDelta = TimeDelta::seconds(15);
/// Stands for "proved in part": the provider knows them, and the code of their authenticator is still owed.
pub const HALF: i64 = 0;

/// What is known of the person behind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Here,
    /// Nothing was heard of them for as long as a session stays open by itself.
    Idle,
    /// They left, and said so.
    Locked,
    /// They have come half-way in.
    Half,
}

impl Presence {
    pub fn of(row: &session::Model, now: Timestamp, idle: TimeDelta) -> Self {
        match (row.locked_at, now >= from_micros(row.acted_at) + idle) {
            (Some(_), _) => Self::Locked,
            (None, true) => Self::Idle,
            (None, false) if row.proved_at == HALF => Self::Half,
            (None, false) => Self::Here,
        }
    }

    pub fn is_away(self) -> bool {
        match self {
            Self::Idle | Self::Locked => true,
            Self::Here | Self::Half => false,
        }
    }
}

/// Whether they proved who they are within `limit`.
pub fn is_fresh(proved_at: i64, now: Timestamp, limit: TimeDelta) -> bool {
    proved_at != HALF && now < from_micros(proved_at) + limit
}

/// What a proof comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Everything that a sign-in proves.
    Full,
    /// The screen is shown again; privileged acts ask once more.
    Unlock,
    /// The code of the authenticator is still owed.
    Half,
}

/// Who comes back to a locked screen need not reach for their authenticator; who wants to change something has to.
pub fn effect(before: Presence, owes_code: bool) -> Effect {
    match (owes_code, before) {
        (false, _) => Effect::Full,
        (true, Presence::Idle | Presence::Locked) => Effect::Unlock,
        (true, Presence::Here | Presence::Half) => Effect::Half,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::to_micros;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    fn row(locked_at: Option<i64>, proved_at: i64) -> session::Model {
        session::Model {
            session: "s".into(),
            subject: "a:1".into(),
            acted_at: to_micros(at(1_000)),
            proved_at,
            locked_at,
            ended: false,
            until: to_micros(at(9_000)),
            journey: None,
        }
    }

    #[test]
    fn a_session_locks_when_nobody_acts_and_at_once_when_told() {
        let idle = TimeDelta::minutes(10);
        let of = |row: &session::Model, second| Presence::of(row, at(second), idle);
        assert_eq!(of(&row(None, 1), 1_599), Presence::Here);
        assert_eq!(of(&row(None, 1), 1_600), Presence::Idle);
        assert_eq!(of(&row(Some(5), 1), 1_001), Presence::Locked);
        assert_eq!(of(&row(None, HALF), 1_001), Presence::Half);
        assert_eq!(of(&row(None, HALF), 1_600), Presence::Idle);
    }

    #[test]
    fn a_proof_is_fresh_for_a_while_and_half_a_proof_never() {
        let limit = TimeDelta::minutes(5);
        let proved = to_micros(at(1_000));
        assert!(is_fresh(proved, at(1_299), limit));
        assert!(!is_fresh(proved, at(1_300), limit));
        assert!(!is_fresh(HALF, at(1), limit));
    }

    #[test]
    fn a_screen_is_unlocked_without_a_code_and_nothing_else_is() {
        for before in [Presence::Here, Presence::Idle, Presence::Locked, Presence::Half] {
            assert_eq!(effect(before, false), Effect::Full);
        }
        assert_eq!(effect(Presence::Idle, true), Effect::Unlock);
        assert_eq!(effect(Presence::Locked, true), Effect::Unlock);
        assert_eq!(effect(Presence::Here, true), Effect::Half);
        assert_eq!(effect(Presence::Half, true), Effect::Half);
    }
}
