//! What belongs together in a timeline: lanes of steps, some of which last from one event to another.

use super::Event;

/// What a lane is about, in the order in which lanes are shown; models stand apart from each other by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Images,
    Order,
    Model(String),
    Worklist,
    Alert,
    Page,
    Reader,
    Delivery,
}

impl Subject {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Order => "order",
            Self::Model(_) => "model",
            Self::Worklist => "worklist",
            Self::Alert => "alert",
            Self::Page => "page",
            Self::Reader => "reader",
            Self::Delivery => "delivery",
        }
    }

    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Model(name) => Some(name),
            _ => None,
        }
    }
}

/// A step at an instant, or one that lasts until another event; both are places in the timeline, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub begin: usize,
    pub end: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    pub subject: Subject,
    pub steps: Vec<Step>,
}

/// Every event is on one lane: as a step, or as the end of one that began before.
pub fn lanes(events: &[Event]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let subject = subject(event);
        let lane = match lanes.iter_mut().position(|lane| lane.subject == subject) {
            Some(known) => &mut lanes[known],
            None => {
                lanes.push(Lane {
                    subject,
                    steps: Vec::new(),
                });
                let new = lanes.len() - 1;
                &mut lanes[new]
            }
        };
        let open = lane
            .steps
            .iter_mut()
            .rfind(|step| step.end.is_none() && ends(&events[step.begin].name, &event.name));
        match open {
            Some(step) => step.end = Some(at),
            None => lane.steps.push(Step { begin: at, end: None }),
        }
    }
    lanes.sort_by(|a, b| a.subject.cmp(&b.subject));
    lanes
}

fn subject(event: &Event) -> Subject {
    match event.name.as_str() {
        "admission"
        | "inference_started"
        | "inference_finished"
        | "inference_failed"
        | "rerun"
        | "vendor_result"
        | "vendor_result_failed"
        | "vendor_result_left"
        | "result_withdrawn" => Subject::Model(event.model().to_owned()),
        "order_changed" | "priority_change_owed" => Subject::Order,
        "worklist_changed" | "ai_on_worklist" | "back_on_worklist" | "stuck" => Subject::Worklist,
        "alert_raised" | "alert_acknowledged" | "alert_retracted" => Subject::Alert,
        "page_queued" | "page_accepted" | "recipients" | "round" => Subject::Page,
        "claimed" | "released" | "reading_done" | "cancel_requested" | "report_received" => Subject::Reader,
        name if name.starts_with("link_") => Subject::Order,
        name if name.starts_with("delivery") => Subject::Delivery,
        _ => Subject::Images,
    }
}

/// Whether what began with the one event ended with the other.
fn ends(begun: &str, ended: &str) -> bool {
    match begun {
        "first_image" => ended == "series_ready",
        "step_begun" => matches!(ended, "step_completed" | "step_discontinued"),
        // A model that refuses what the pixels show does so after it was started.
        "inference_started" => matches!(ended, "inference_finished" | "inference_failed" | "admission"),
        "alert_raised" => matches!(ended, "alert_acknowledged" | "alert_retracted"),
        "page_queued" => ended == "page_accepted",
        "claimed" => matches!(ended, "released" | "reading_done"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BLEED, events};
    use super::*;

    #[test]
    fn every_event_is_on_exactly_one_lane() {
        let events = events(BLEED);
        let mut places: Vec<usize> = lanes(&events)
            .iter()
            .flat_map(|lane| &lane.steps)
            .flat_map(|step| [Some(step.begin), step.end])
            .flatten()
            .collect();
        places.sort_unstable();
        assert_eq!(places, (0..events.len()).collect::<Vec<_>>());
    }

    #[test]
    fn steps_last_until_what_ends_them_and_models_do_not_end_each_other() {
        let events = events(BLEED);
        let lanes = lanes(&events);
        let of = |subject: Subject| {
            lanes
                .iter()
                .find(|lane| lane.subject == subject)
                .map(|lane| lane.steps.clone())
        };
        assert_eq!(
            of(Subject::Images),
            Some(vec![Step {
                begin: 0,
                end: Some(2)
            }])
        );
        assert_eq!(
            of(Subject::Model("ich".into())),
            Some(vec![
                Step { begin: 3, end: None },
                Step {
                    begin: 4,
                    end: Some(6)
                }
            ])
        );
        assert_eq!(
            of(Subject::Model("ischaemia".into())),
            Some(vec![Step {
                begin: 5,
                end: Some(11)
            }])
        );
        assert_eq!(
            of(Subject::Alert),
            Some(vec![Step {
                begin: 8,
                end: Some(14)
            }])
        );
        assert_eq!(
            of(Subject::Reader),
            Some(vec![Step {
                begin: 12,
                end: Some(13)
            }])
        );
    }
}
