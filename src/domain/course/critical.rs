//! The critical path: from the first image to the person who knows, the steps of which each waited for the one before. Its
//! legs have no gaps, so their lengths add up to the whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;

/// Where a leg of the path begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    FirstImage,
    SeriesReady,
    InferenceStarted,
    InferenceFinished,
    /// The list has the answer.
    AiOnWorklist,
    AlertRaised,
    /// The first page was taken by its channel.
    PageAccepted,
    AlertAcknowledged,
}

/// From one milestone to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leg {
    pub from: Milestone,
    pub to: Milestone,
    pub ms: f64,
    /// Which events of the timeline it lies between, from 0.
    pub begin: usize,
    pub end: usize,
}

/// The path as far as the study has come. An alert decides which model's answer counts; without one it is the last that the
/// worklist waited for.
pub fn path(events: &[Event]) -> Vec<Leg> {
    let mut reached = milestones(events);
    reached.dedup_by(|later, kept| later.1 <= kept.1);
    reached
        .windows(2)
        .map(|pair| leg(events, pair[0], pair[1]))
        .collect()
}

fn leg(events: &[Event], (from, begin): (Milestone, usize), (to, end): (Milestone, usize)) -> Leg {
    let span = events[end].at - events[begin].at;
    let ms = span.num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0;
    Leg {
        from,
        to,
        ms,
        begin,
        end,
    }
}

fn milestones(events: &[Event]) -> Vec<(Milestone, usize)> {
    let Some(first) = next(events, 0, "first_image") else {
        return Vec::new();
    };
    let raised = next(events, first, "alert_raised");
    let listed = next(events, first, "ai_on_worklist");
    let finished = last(events, raised.or(listed).unwrap_or(events.len()), |event| {
        event.name == "inference_finished"
    });
    let started = finished.and_then(|finished| {
        let model = events[finished].model();
        last(events, finished, |event| {
            event.name == "inference_started" && event.model() == model
        })
    });
    let ready = last(events, started.unwrap_or(events.len()), |event| {
        event.name == "series_ready"
    });
    let listed = finished.and_then(|finished| next(events, finished, "ai_on_worklist"));
    let accepted = raised.and_then(|raised| next(events, raised, "page_accepted"));
    let acknowledged = raised.and_then(|raised| next(events, raised, "alert_acknowledged"));
    [
        (Milestone::FirstImage, Some(first)),
        (Milestone::SeriesReady, ready),
        (Milestone::InferenceStarted, started),
        (Milestone::InferenceFinished, finished),
        (Milestone::AiOnWorklist, listed),
        (Milestone::AlertRaised, raised),
        (Milestone::PageAccepted, accepted),
        (Milestone::AlertAcknowledged, acknowledged),
    ]
    .into_iter()
    .filter_map(|(milestone, at)| Some((milestone, at?)))
    .collect()
}

fn next(events: &[Event], from: usize, name: &str) -> Option<usize> {
    events[from..]
        .iter()
        .position(|event| event.name == name)
        .map(|at| at + from)
}

fn last(events: &[Event], before: usize, wanted: impl Fn(&Event) -> bool) -> Option<usize> {
    events[..before].iter().rposition(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BLEED, events};
    use super::Milestone::*;
    use super::*;

    fn named(lines: &[(i64, &str, &str)]) -> Vec<(Milestone, f64)> {
        path(&events(lines)).iter().map(|leg| (leg.to, leg.ms)).collect()
    }

    #[test]
    fn each_leg_begins_where_the_one_before_ended_and_they_add_up() {
        let events = events(BLEED);
        let legs = path(&events);
        assert!(
            legs.windows(2)
                .all(|pair| pair[0].end == pair[1].begin && pair[0].to == pair[1].from)
        );
        assert_eq!(legs.iter().map(|leg| leg.ms).sum::<f64>(), 103_560.0);
        assert_eq!(
            named(BLEED),
            [
                (SeriesReady, 710.0),
                (InferenceStarted, 40.0),
                (InferenceFinished, 2_750.0),
                (AiOnWorklist, 10.0),
                (AlertRaised, 1.0),
                (PageAccepted, 49.0),
                (AlertAcknowledged, 100_000.0),
            ]
        );
    }

    #[test]
    fn the_answer_that_raised_the_alert_counts_and_not_a_later_one_of_another_model() {
        let events = events(BLEED);
        let answered = path(&events).into_iter().find(|leg| leg.to == InferenceFinished);
        assert_eq!(answered.map(|leg| (leg.begin, leg.end)), Some((4, 6)));
    }

    #[test]
    fn a_study_that_no_model_reads_has_the_path_that_it_has() {
        assert_eq!(
            named(&[
                (0, "first_image", ""),
                (900, "series_ready", ""),
                (901, "admission", "ich: not eligible")
            ]),
            [(SeriesReady, 900.0)]
        );
        assert_eq!(named(&[(0, "order_changed", "")]), []);
        assert_eq!(named(&[]), []);
    }

    #[test]
    fn what_happened_before_its_turn_is_left_out() {
        let path = named(&[
            (0, "first_image", ""),
            (10, "inference_started", "ich"),
            (20, "inference_finished", "ich: not flagged"),
            (30, "series_ready", "of a second series"),
        ]);
        assert_eq!(path, [(InferenceStarted, 10.0), (InferenceFinished, 10.0)]);
    }
}
