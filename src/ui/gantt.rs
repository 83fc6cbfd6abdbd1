//! A timeline as bars: each event on its own line, as long as it took since the one before. Long idle stretches are cut and
//! labelled, so that seconds of work stay visible beside hours of waiting. Pure.

use chrono::TimeDelta;
use serde::Serialize;

use super::helpers::duration;
use super::sheet::Sheet;
use crate::api::study::TimelineView;

/// What is longer than this is idle time, and drawn as a break.
const IDLE: TimeDelta = TimeDelta::seconds(30);
/// How wide a break is drawn, ms.
const BREAK_MS: f64 = 3_000.0;
/// Units of the drawing.
const WIDTH: f64 = 1_000.0;
const LINE: f64 = 22.0;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gantt {
    pub width: f64,
    pub height: f64,
    pub bars: Vec<Bar>,
    /// First to last event, without anything cut.
    pub total_ms: f64,
    pub total: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    pub event: String,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub ms: f64,
    /// The time before this event was idle, and is drawn shorter than it was.
    pub idle: Option<String>,
}

pub fn of(timeline: &[TimelineView]) -> Gantt {
    let drawn: Vec<f64> = timeline
        .iter()
        .map(|event| drawn_ms(event.ms_since_previous))
        .collect();
    let sum: f64 = drawn.iter().sum();
    let scale = if sum > 0.0 { WIDTH / sum } else { 0.0 };
    let mut at = 0.0;
    let bars = timeline
        .iter()
        .zip(drawn)
        .enumerate()
        .map(|(line, (event, drawn))| {
            let x = at * scale;
            at += drawn;
            Bar {
                event: event.event.clone(),
                x: round(x),
                y: line as f64 * LINE,
                width: round(drawn * scale),
                ms: event.ms_since_previous,
                idle: is_idle(event.ms_since_previous).then(|| duration(span(event.ms_since_previous))),
            }
        })
        .collect();
    let total_ms = timeline.iter().map(|event| event.ms_since_previous).sum();
    Gantt {
        width: WIDTH,
        height: timeline.len() as f64 * LINE,
        bars,
        total_ms,
        total: duration(span(total_ms)),
    }
}

fn is_idle(ms: f64) -> bool {
    ms > IDLE.num_milliseconds() as f64
}

fn drawn_ms(ms: f64) -> f64 {
    if is_idle(ms) { BREAK_MS } else { ms.max(0.0) }
}

fn span(ms: f64) -> TimeDelta {
    TimeDelta::microseconds((ms * 1_000.0) as i64)
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The same rows for a spreadsheet.
pub fn sheet(timeline: &[TimelineView]) -> Sheet {
    let mut sheet = Sheet::new(["at", "event", "ms_since_previous", "detail"]);
    for event in timeline {
        sheet.row([
            event.at.to_rfc3339(),
            event.event.clone(),
            event.ms_since_previous.to_string(),
            event.detail.clone(),
        ]);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::Timestamp;

    fn event(name: &str, ms: f64, detail: &str) -> TimelineView {
        TimelineView {
            at: Timestamp::UNIX_EPOCH,
            event: name.into(),
            ms_since_previous: ms,
            detail: detail.into(),
        }
    }

    #[test]
    fn bars_fill_the_width_and_idle_time_is_cut_and_said() {
        let gantt = of(&[
            event("a", 0.0, ""),
            event("b", 1_000.0, ""),
            event("c", 3_600_000.0, ""),
        ]);
        assert_eq!(gantt.total_ms, 3_601_000.0);
        let (b, c) = (&gantt.bars[1], &gantt.bars[2]);
        assert_eq!((b.x, b.width, b.idle.as_deref()), (0.0, 250.0, None));
        assert_eq!((c.x, c.width, c.idle.as_deref()), (250.0, 750.0, Some("1 h 00")));
        assert_eq!(of(&[]).bars, Vec::new());
    }
}
