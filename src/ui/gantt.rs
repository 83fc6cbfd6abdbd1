//! A timeline as a drawing: the critical path on top, then a lane per subject, with long idle stretches cut or kept. Pure.

use std::ops::Range;

use chrono::TimeDelta;
use serde::Serialize;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::course::Event;
use tocsin_domain::course::critical::{Leg, Milestone};
use tocsin_domain::course::lanes;

use super::axis::{Axis, Break, Idle, ms, round};
use super::helpers::duration;
use super::sheet::Sheet;
use crate::api::study::TimelineView;

/// Units of the drawing.
const WIDTH: f64 = 1_000.0;
const LINE: f64 = 22.0;
/// A step that took less is still seen.
const THIN: f64 = 2.0;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gantt {
    /// From the first event to the last.
    pub total: String,
    /// From the first image to the last milestone reached, ms; the legs add up to it.
    pub path_ms: f64,
    pub legs: Vec<LegView>,
    pub cut: Drawing,
    pub kept: Drawing,
}

/// A leg in words: how long, until what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegView {
    pub to: String,
    pub ms: f64,
    pub said: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawing {
    pub height: f64,
    /// With room for words above.
    pub view_height: f64,
    pub path: Vec<Bar>,
    pub lanes: Vec<LaneView>,
    pub breaks: Vec<Break>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneView {
    pub subject: &'static str,
    pub model: Option<String>,
    pub y: f64,
    pub bars: Vec<Bar>,
}

/// A step; `event` began it or happened then, `until` ended it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    pub event: String,
    pub until: Option<String>,
    pub x: f64,
    pub width: f64,
    pub ms: f64,
    pub said: String,
}

pub fn of(timeline: &[TimelineView], legs: &[Leg]) -> Gantt {
    let events: Vec<Event> = timeline.iter().map(Event::from).collect();
    Gantt {
        total: spoken(timeline.last().map_or(0.0, |event| event.ms_since_first)),
        path_ms: round(legs.iter().map(|leg| leg.ms).sum()),
        legs: legs
            .iter()
            .map(|leg| LegView {
                to: name(leg.to),
                ms: leg.ms,
                said: spoken(leg.ms),
            })
            .collect(),
        cut: drawing(&events, legs, Idle::Cut(&models_at_work(&events))),
        kept: drawing(&events, legs, Idle::Kept),
    }
}

/// Nobody waits for nothing while a model waits for its turn or runs.
fn models_at_work(events: &[Event]) -> Vec<Range<Timestamp>> {
    let lanes = lanes::lanes(events).into_iter();
    let of_models = lanes.filter(|lane| lane.subject.model().is_some());
    let steps = of_models.flat_map(|lane| lane.steps);
    steps
        .filter_map(|step| Some(events[step.begin].at..events[step.end?].at))
        .collect()
}

fn drawing(events: &[Event], legs: &[Leg], idle: Idle<'_>) -> Drawing {
    let axis = Axis::of(events.iter().map(|event| event.at).collect(), idle, WIDTH);
    let lanes: Vec<LaneView> = lanes::lanes(events)
        .into_iter()
        .zip(1..)
        .map(|(lane, line)| LaneView {
            bars: lane
                .steps
                .iter()
                .map(|step| bar(&axis, events, step.begin, step.end))
                .collect(),
            subject: lane.subject.name(),
            model: lane.subject.model().map(str::to_owned),
            y: f64::from(line) * LINE,
        })
        .collect();
    let height = (lanes.len() + 1) as f64 * LINE;
    Drawing {
        height,
        view_height: height + LINE,
        path: legs
            .iter()
            .map(|leg| Bar {
                event: name(leg.to),
                until: None,
                ..bar(&axis, events, leg.begin, Some(leg.end))
            })
            .collect(),
        lanes,
        breaks: axis.breaks,
    }
}

fn bar(axis: &Axis, events: &[Event], begin: usize, end: Option<usize>) -> Bar {
    let from = events[begin].at;
    let to = end.map_or(from, |end| events[end].at);
    let x = axis.place(from).min(WIDTH - THIN);
    Bar {
        event: events[begin].name.clone(),
        until: end.map(|end| events[end].name.clone()),
        x,
        width: round((axis.place(to) - x).max(THIN)),
        ms: ms(to - from),
        said: spoken(ms(to - from)),
    }
}

/// As it is written in answers: `series_ready`.
fn name(milestone: Milestone) -> String {
    match serde_json::to_value(milestone) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

/// Milliseconds as people say them: seconds of a minute keep a tenth.
fn spoken(ms: f64) -> String {
    if ms < 60_000.0 {
        return format!("{:.1} s", ms / 1_000.0);
    }
    duration(TimeDelta::microseconds((ms * 1_000.0) as i64))
}

/// The timeline for a spreadsheet.
pub fn sheet(timeline: &[TimelineView]) -> Sheet {
    let mut sheet = Sheet::new(["at", "event", "ms_since_first", "ms_since_previous", "detail"]);
    for event in timeline {
        sheet.row([
            event.at.to_rfc3339(),
            event.event.clone(),
            event.ms_since_first.to_string(),
            event.ms_since_previous.to_string(),
            event.detail.clone(),
        ]);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::from_micros;
    use tocsin_domain::course::critical;

    fn drawn(lines: &[(i64, &str, &str)]) -> Gantt {
        let timeline = timeline(lines);
        let events: Vec<Event> = timeline.iter().map(Event::from).collect();
        of(&timeline, &critical::path(&events))
    }

    fn timeline(lines: &[(i64, &str, &str)]) -> Vec<TimelineView> {
        let mut before = lines.first().map_or(0, |line| line.0);
        lines
            .iter()
            .map(|&(ms, event, detail)| TimelineView {
                at: from_micros(ms * 1_000),
                event: event.into(),
                ms_since_first: (ms - lines[0].0) as f64,
                ms_since_previous: (ms - std::mem::replace(&mut before, ms)) as f64,
                detail: detail.into(),
            })
            .collect()
    }

    #[test]
    fn a_minute_of_waiting_for_an_acknowledgement_is_a_long_bar_and_a_short_break() {
        let gantt = drawn(&[
            (0, "first_image", ""),
            (1_000, "series_ready", ""),
            (1_000, "inference_started", "ich"),
            (3_000, "inference_finished", "ich: flagged"),
            (3_000, "alert_raised", ""),
            (123_000, "alert_acknowledged", ""),
        ]);
        let said: Vec<_> = gantt
            .legs
            .iter()
            .map(|leg| (leg.to.as_str(), leg.said.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("series_ready", "1.0 s"),
                ("inference_started", "0.0 s"),
                ("inference_finished", "2.0 s"),
                ("alert_raised", "0.0 s"),
                ("alert_acknowledged", "2 min"),
            ]
        );
        assert_eq!((gantt.path_ms, gantt.total.as_str()), (123_000.0, "2 min"));
        let alert = |drawing: &Drawing| {
            let lane = drawing.lanes.iter().find(|lane| lane.subject == "alert");
            lane.map(|lane| (lane.bars[0].x, lane.bars[0].width, lane.bars[0].ms))
        };
        assert_eq!(alert(&gantt.cut), Some((960.0, 40.0, 120_000.0)));
        assert_eq!(alert(&gantt.kept), Some((24.39, 975.61, 120_000.0)));
        assert_eq!((gantt.cut.breaks.len(), gantt.kept.breaks.len()), (1, 0));
    }

    #[test]
    fn a_study_of_which_nothing_is_known_has_an_empty_drawing() {
        let gantt = of(&[], &[]);
        assert_eq!(
            (gantt.legs.len(), gantt.cut.lanes.len(), gantt.total.as_str()),
            (0, 0, "0.0 s")
        );
    }
}
