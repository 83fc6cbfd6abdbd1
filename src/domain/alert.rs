//! Alerts: whom to page next, when, and when to stop. Paging goes up step by step until a person acknowledges; after the
//! last step the last resort is paged again and again. An alert is never silent and never without a recipient.

pub mod link_token;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Someone who can be paged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: String,
    pub roles: Vec<String>,
}

/// Whom to page, in which order. An alert keeps the policy it was raised under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    pub name: String,
    pub steps: Vec<PolicyStep>,
    /// A person or role that is paged when nobody on the steps acknowledged, until somebody does.
    pub last_resort: String,
    pub repeat_minutes: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyStep {
    /// Ids of people, or roles.
    pub to: Vec<String>,
    /// How long they have before the next step.
    pub wait_minutes: u32,
}

/// Where an alert stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AlertState {
    Raised {
        at: Timestamp,
    },
    /// `level` counts the steps from 0; the level after the last step is the last resort. `round` counts its repeats.
    Notified {
        level: usize,
        round: u32,
        at: Timestamp,
    },
    Acknowledged {
        by: String,
        at: Timestamp,
    },
    /// Somebody who did a thing over asked that it page nobody; it stands, is shown, and pages once somebody lets it.
    Withheld {
        because: String,
        at: Timestamp,
    },
    /// What it was about no longer holds.
    Retracted {
        because: String,
        at: Timestamp,
    },
}

/// A change that the state does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an alert that is {from} cannot be {to}")]
pub struct InvalidTransition {
    pub from: &'static str,
    pub to: &'static str,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Notify {
        level: usize,
        round: u32,
        reason: NotifyReason,
    },
    Wait {
        until: Timestamp,
    },
    Stop(StopReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyReason {
    FirstNotice,
    /// Those before did not acknowledge in time.
    NotAcknowledged,
    /// The last resort has been paged before.
    Repeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    Acknowledged,
    Withheld,
    Retracted,
}

impl NotifyReason {
    pub fn text(self) -> &'static str {
        match self {
            Self::FirstNotice => "first_notice",
            Self::NotAcknowledged => "not_acknowledged",
            Self::Repeat => "repeat",
        }
    }
}

impl AlertState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Raised { .. } => "raised",
            Self::Notified { .. } => "notified",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Withheld { .. } => "withheld",
            Self::Retracted { .. } => "retracted",
        }
    }

    pub fn notified(self, level: usize, round: u32, at: Timestamp) -> Result<Self, InvalidTransition> {
        match self {
            Self::Raised { .. } | Self::Notified { .. } => Ok(Self::Notified { level, round, at }),
            from @ (Self::Acknowledged { .. } | Self::Withheld { .. } | Self::Retracted { .. }) => {
                Err(from.refuses("notified"))
            }
        }
    }

    pub fn acknowledge(self, by: String, at: Timestamp) -> Result<Self, InvalidTransition> {
        match self {
            Self::Raised { .. } | Self::Notified { .. } | Self::Withheld { .. } => {
                Ok(Self::Acknowledged { by, at })
            }
            from @ (Self::Acknowledged { .. } | Self::Retracted { .. }) => Err(from.refuses("acknowledged")),
        }
    }

    pub fn retract(self, because: String, at: Timestamp) -> Result<Self, InvalidTransition> {
        match self {
            Self::Raised { .. } | Self::Notified { .. } | Self::Withheld { .. } => {
                Ok(Self::Retracted { because, at })
            }
            from @ (Self::Acknowledged { .. } | Self::Retracted { .. }) => Err(from.refuses("retracted")),
        }
    }

    /// Lets a withheld alert page after all.
    pub fn release(self, at: Timestamp) -> Result<Self, InvalidTransition> {
        match self {
            Self::Withheld { .. } => Ok(Self::Raised { at }),
            from @ (Self::Raised { .. }
            | Self::Notified { .. }
            | Self::Acknowledged { .. }
            | Self::Retracted { .. }) => Err(from.refuses("released")),
        }
    }

    fn refuses(&self, to: &'static str) -> InvalidTransition {
        InvalidTransition {
            from: self.name(),
            to,
        }
    }
}

/// What an alert needs now. A step whose time passed while nobody looked fires once, not once per missed step.
pub fn next_step(state: &AlertState, policy: &Policy, now: Timestamp) -> Step {
    match state {
        AlertState::Raised { .. } => Step::Notify {
            level: 0,
            round: 0,
            reason: NotifyReason::FirstNotice,
        },
        AlertState::Notified { level, round, at } => {
            let until = *at + policy.wait(*level);
            if now < until {
                return Step::Wait { until };
            }
            if *level < policy.steps.len() {
                return Step::Notify {
                    level: level + 1,
                    round: 0,
                    reason: NotifyReason::NotAcknowledged,
                };
            }
            Step::Notify {
                level: *level,
                round: round + 1,
                reason: NotifyReason::Repeat,
            }
        }
        AlertState::Acknowledged { .. } => Step::Stop(StopReason::Acknowledged),
        AlertState::Withheld { .. } => Step::Stop(StopReason::Withheld),
        AlertState::Retracted { .. } => Step::Stop(StopReason::Retracted),
    }
}

impl Policy {
    /// How long those paged at a level have. At least a minute, so that no policy can page without pause.
    pub fn wait(&self, level: usize) -> TimeDelta {
        let minutes = self
            .steps
            .get(level)
            .map_or(self.repeat_minutes, |step| step.wait_minutes);
        TimeDelta::minutes(i64::from(minutes.max(1)))
    }

    /// The people of a level: those named, and those who have a named role. A level that reaches nobody pages the last
    /// resort instead, and if that is nobody either, everyone there is.
    pub fn recipients<'p>(&self, level: usize, people: &'p [Person]) -> Vec<&'p Person> {
        let named = self.steps.get(level).map_or(&[][..], |step| step.to.as_slice());
        let found = who(named, people);
        if !found.is_empty() {
            return found;
        }
        let found = who(std::slice::from_ref(&self.last_resort), people);
        if found.is_empty() {
            people.iter().collect()
        } else {
            found
        }
    }
}

fn who<'p>(named: &[String], people: &'p [Person]) -> Vec<&'p Person> {
    people
        .iter()
        .filter(|p| named.iter().any(|n| *n == p.id || p.roles.contains(n)))
        .collect()
}

/// Names a page, so that a step reaches each person once: `2.0` is the third level, `3.4` the fourth repeat of the last.
pub fn step_key(level: usize, round: u32) -> String {
    format!("{level}.{round}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minutes: i64) -> Timestamp {
        crate::clock::from_micros(minutes * 60_000_000)
    }

    fn person(id: &str, role: &str) -> Person {
        Person {
            id: id.into(),
            name: id.into(),
            email: format!("{id}@example.org"),
            roles: vec![role.into()],
        }
    }

    fn policy() -> Policy {
        Policy {
            name: "stroke".into(),
            steps: vec![
                PolicyStep {
                    to: vec!["stroke_team".into()],
                    wait_minutes: 5,
                },
                PolicyStep {
                    to: vec!["attending".into()],
                    wait_minutes: 10,
                },
            ],
            last_resort: "chief".into(),
            repeat_minutes: 15,
        }
    }

    #[test]
    fn an_alert_that_nobody_acknowledges_climbs_and_then_repeats() {
        let policy = policy();
        let mut state = AlertState::Raised { at: at(0) };
        let mut pages = Vec::new();
        for minute in 0..=50 {
            if let Step::Notify { level, round, reason } = next_step(&state, &policy, at(minute)) {
                pages.push((minute, level, round, reason));
                state = state
                    .notified(level, round, at(minute))
                    .expect("it is still open");
            }
        }
        use NotifyReason::{FirstNotice, NotAcknowledged, Repeat};
        assert_eq!(
            pages,
            [
                (0, 0, 0, FirstNotice),
                (5, 1, 0, NotAcknowledged),
                (15, 2, 0, NotAcknowledged),
                (30, 2, 1, Repeat),
                (45, 2, 2, Repeat)
            ]
        );
    }

    #[test]
    fn an_acknowledged_alert_pages_nobody_and_is_not_acknowledged_twice() {
        let state = AlertState::Raised { at: at(0) }
            .acknowledge("mia".into(), at(1))
            .expect("it is open");
        assert_eq!(
            next_step(&state, &policy(), at(99)),
            Step::Stop(StopReason::Acknowledged)
        );
        let again = state.acknowledge("ben".into(), at(2));
        assert_eq!(
            again,
            Err(InvalidTransition {
                from: "acknowledged",
                to: "acknowledged"
            })
        );
    }

    #[test]
    fn a_withheld_alert_pages_nobody_until_somebody_lets_it() {
        let because = "a replay without pages".to_owned();
        let state = AlertState::Withheld { because, at: at(0) };
        assert_eq!(
            next_step(&state, &policy(), at(99)),
            Step::Stop(StopReason::Withheld)
        );
        assert!(state.clone().acknowledge("mia".into(), at(1)).is_ok());
        assert!(state.clone().retract("gone".into(), at(1)).is_ok());
        assert!(state.clone().notified(0, 0, at(1)).is_err());
        let released = state.release(at(2)).expect("it was withheld");
        assert!(matches!(
            next_step(&released, &policy(), at(2)),
            Step::Notify { level: 0, .. }
        ));
        assert!(released.release(at(3)).is_err());
    }

    #[test]
    fn a_level_without_people_reaches_the_last_resort_and_never_nobody() {
        let people = [person("mia", "stroke_team"), person("zoe", "chief")];
        let ids = |level| {
            policy()
                .recipients(level, &people)
                .iter()
                .map(|p| p.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(0), ["mia"]);
        assert_eq!(ids(1), ["zoe"]);
        assert_eq!(ids(2), ["zoe"]);
        assert_eq!(policy().recipients(1, &people[..1]).len(), 1);
    }

    proptest! {
        #[test]
        fn no_step_fires_twice_whenever_the_clock_is_looked_at(looks in proptest::collection::vec(0_i64..40, 1..60)) {
            let policy = policy();
            let mut now = 0;
            let mut state = AlertState::Raised { at: at(0) };
            let mut fired = std::collections::BTreeSet::new();
            for pause in looks {
                now += pause;
                if let Step::Notify { level, round, .. } = next_step(&state, &policy, at(now)) {
                    prop_assert!(fired.insert(step_key(level, round)));
                    state = state.notified(level, round, at(now)).expect("it is still open");
                }
            }
        }
    }
}
