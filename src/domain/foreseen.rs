//! What something would change of a study, seen before it is done: its place on the worklist, whom its alerts page, what
//! others are told. Pure; two standings of a study are compared, and no patient is named.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::worklist::Band;

/// How a study stands, as far as people are concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub on_worklist: bool,
    pub band: Band,
    pub score: f64,
    /// Whether its order is sure.
    pub link: String,
    /// Title and status of each alert, by its key.
    pub alerts: BTreeMap<String, (String, String)>,
    /// What is owed, and to whom, by its key.
    pub owed: BTreeMap<String, (String, String)>,
}

/// One thing that would change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    JoinsWorklist,
    LeavesWorklist,
    Band {
        from: Band,
        to: Band,
    },
    Score {
        from: f64,
        to: f64,
    },
    Link {
        from: String,
        to: String,
    },
    /// It pages.
    AlertRaised {
        title: String,
    },
    /// It is shown, and pages nobody before somebody lets it.
    AlertWithheld {
        title: String,
    },
    AlertRetracted {
        title: String,
    },
    Owed {
        kind: String,
        to: String,
    },
}

/// An effect and the study that it is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Foreseen {
    /// An id of ours.
    pub study: String,
    pub accession: Option<String>,
    #[serde(flatten)]
    pub effect: Effect,
}

/// What differs, in the order in which people want to know it.
pub fn effects(before: &Standing, after: &Standing) -> Vec<Effect> {
    let mut all = Vec::new();
    for (key, (title, status)) in &after.alerts {
        let title = title.clone();
        let was = before.alerts.get(key).map(|(_, status)| status.as_str());
        match (was, status.as_str()) {
            (was, now) if was == Some(now) => {}
            (_, "withheld") => all.push(Effect::AlertWithheld { title }),
            (_, "retracted") => all.push(Effect::AlertRetracted { title }),
            (None, _) => all.push(Effect::AlertRaised { title }),
            (Some(_), _) => {}
        }
    }
    match (before.on_worklist, after.on_worklist) {
        (false, true) => all.push(Effect::JoinsWorklist),
        (true, false) => all.push(Effect::LeavesWorklist),
        (true, true) | (false, false) => {}
    }
    if before.band != after.band {
        let (from, to) = (before.band, after.band);
        all.push(Effect::Band { from, to });
    }
    if before.score != after.score {
        let (from, to) = (before.score, after.score);
        all.push(Effect::Score { from, to });
    }
    if before.link != after.link {
        let (from, to) = (before.link.clone(), after.link.clone());
        all.push(Effect::Link { from, to });
    }
    let new = after
        .owed
        .iter()
        .filter(|(key, _)| !before.owed.contains_key(*key));
    all.extend(new.map(|(_, (kind, to))| Effect::Owed {
        kind: kind.clone(),
        to: to.clone(),
    }));
    all
}

impl Foreseen {
    /// For people.
    pub fn sentence(&self) -> String {
        let study = match &self.accession {
            Some(accession) => format!("The study with accession number {accession}"),
            None => format!("The study {}", self.study),
        };
        match &self.effect {
            Effect::JoinsWorklist => format!("{study} comes onto the worklist."),
            Effect::LeavesWorklist => format!("{study} leaves the worklist."),
            Effect::Band { from, to } => {
                format!("{study} goes from the band {} to {}.", from.text(), to.text())
            }
            Effect::Score { from, to } => format!("{study} goes from the score {from} to {to}."),
            Effect::Link { from, to } => format!("{study}: its order goes from {from} to {to}."),
            Effect::AlertRaised { title } => format!("{study}: an alert is raised and pages people: {title}"),
            Effect::AlertWithheld { title } => {
                format!("{study}: an alert is raised and withheld, so that nobody is paged: {title}")
            }
            Effect::AlertRetracted { title } => format!("{study}: an alert is retracted: {title}"),
            Effect::Owed { kind, to } => format!("{study}: {} goes to {to}.", kind.replace('_', " ")),
        }
    }
}

/// How many alerts something would raise, withhold and retract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertCounts {
    /// They page.
    pub raised: usize,
    /// They are shown, and page nobody before somebody lets them.
    pub withheld: usize,
    pub retracted: usize,
}

impl AlertCounts {
    pub fn of<'a>(effects: impl IntoIterator<Item = &'a Foreseen>) -> Self {
        let mut counts = Self::default();
        for foreseen in effects {
            match foreseen.effect {
                Effect::AlertRaised { .. } => counts.raised += 1,
                Effect::AlertWithheld { .. } => counts.withheld += 1,
                Effect::AlertRetracted { .. } => counts.retracted += 1,
                Effect::JoinsWorklist
                | Effect::LeavesWorklist
                | Effect::Band { .. }
                | Effect::Score { .. }
                | Effect::Link { .. }
                | Effect::Owed { .. } => {}
            }
        }
        counts
    }

    /// For people.
    pub fn sentence(self) -> String {
        let Self {
            raised,
            withheld,
            retracted,
        } = self;
        match raised + withheld + retracted {
            0 => "Alerts: none would be raised, withheld or retracted.".to_owned(),
            _ => format!(
                "Alerts: {raised} would page, {withheld} would be withheld, {retracted} would be retracted."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        Standing {
            on_worklist: true,
            band: Band::Routine,
            score: 0.0,
            link: "linked".to_owned(),
            alerts: BTreeMap::new(),
            owed: BTreeMap::new(),
        }
    }

    fn pair(first: &str, second: &str) -> (String, String) {
        (first.to_owned(), second.to_owned())
    }

    #[test]
    fn what_differs_is_an_effect_and_what_does_not_is_none() {
        let before = standing();
        assert!(effects(&before, &before).is_empty());
        let after = Standing {
            band: Band::Critical,
            score: 40.0,
            alerts: [("k".to_owned(), pair("Bleed", "withheld"))].into(),
            owed: [("o".to_owned(), pair("priority_change", "ris"))].into(),
            ..standing()
        };
        let found = effects(&before, &after);
        assert_eq!(
            found[..2],
            [
                Effect::AlertWithheld {
                    title: "Bleed".to_owned()
                },
                Effect::Band {
                    from: Band::Routine,
                    to: Band::Critical
                },
            ]
        );
        assert_eq!(found.len(), 4);
        let gone = Standing {
            on_worklist: false,
            alerts: [("k".to_owned(), pair("Bleed", "retracted"))].into(),
            ..after.clone()
        };
        let found = effects(&after, &gone);
        assert_eq!(
            found,
            [
                Effect::AlertRetracted {
                    title: "Bleed".to_owned()
                },
                Effect::LeavesWorklist
            ]
        );
        let on = |effect| Foreseen {
            study: "1".to_owned(),
            accession: Some("A1".to_owned()),
            effect,
        };
        let all: Vec<Foreseen> = found.into_iter().map(on).collect();
        let counts = AlertCounts::of(&all);
        assert_eq!(counts.retracted, 1);
        assert!(counts.sentence().contains("1 would be retracted"));
        assert!(AlertCounts::default().sentence().contains("none"));
        assert_eq!(
            all[1].sentence(),
            "The study with accession number A1 leaves the worklist."
        );
    }

    #[test]
    fn an_alert_that_pages_already_is_not_raised_again() {
        let with = |status: &str| Standing {
            alerts: [("k".to_owned(), pair("Bleed", status))].into(),
            ..standing()
        };
        assert!(effects(&with("raised"), &with("notified")).is_empty());
        assert_eq!(effects(&standing(), &with("raised")).len(), 1);
    }
}
