//! Where an instant lies on a drawing of time, whose long stretches without any event are cut or kept. Pure.

use std::ops::Range;

use chrono::TimeDelta;
use serde::Serialize;
use tocsin_domain::clock::Timestamp;

use super::helpers::duration;

/// Longer than this without an event is idle time.
const IDLE: TimeDelta = TimeDelta::seconds(30);
/// How wide what is cut is drawn, as a share of the drawing.
const CUT: f64 = 0.04;
/// Cuts never take more than this of it.
const CUTS: f64 = 0.5;

/// What becomes of idle time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle<'a> {
    /// A stretch within one of these is none: something worked through it.
    Cut(&'a [Range<Timestamp>]),
    Kept,
}

/// A stretch that was cut: where it is drawn, and how long it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Break {
    pub x: f64,
    pub width: f64,
    pub said: String,
    pub ms: f64,
}

/// Ascending instants, each with its place.
pub struct Axis {
    stops: Vec<(Timestamp, f64)>,
    pub breaks: Vec<Break>,
}

impl Axis {
    /// `at` in any order; the drawing is `width` wide.
    pub fn of(mut at: Vec<Timestamp>, idle: Idle<'_>, width: f64) -> Self {
        at.sort_unstable();
        at.dedup();
        let cut = |pair: &[Timestamp]| match idle {
            Idle::Kept => false,
            Idle::Cut(work) => {
                let within = |span: &Range<Timestamp>| span.start <= pair[0] && pair[1] <= span.end;
                pair[1] - pair[0] > IDLE && !work.iter().any(within)
            }
        };
        let cuts = at.windows(2).filter(|pair| cut(pair)).count();
        let shown = at.windows(2).filter(|pair| !cut(pair));
        let busy: f64 = shown.map(|pair| ms(pair[1] - pair[0])).sum();
        let share = match cuts {
            0 => 0.0,
            // Nothing but cuts: they have it all.
            _ if busy == 0.0 => 1.0 / cuts as f64,
            _ => CUT.min(CUTS / cuts as f64),
        };
        let scale = if busy > 0.0 {
            width * (1.0 - share * cuts as f64) / busy
        } else {
            0.0
        };
        let mut axis = Self {
            stops: at.first().map(|first| (*first, 0.0)).into_iter().collect(),
            breaks: Vec::new(),
        };
        let mut x = 0.0;
        for pair in at.windows(2) {
            let gap = pair[1] - pair[0];
            let step = if cut(pair) { share * width } else { ms(gap) * scale };
            if cut(pair) {
                axis.breaks.push(Break {
                    x: round(x),
                    width: round(step),
                    said: duration(gap),
                    ms: ms(gap),
                });
            }
            x += step;
            axis.stops.push((pair[1], x));
        }
        axis
    }

    /// Of an instant that the axis was made of.
    pub fn place(&self, at: Timestamp) -> f64 {
        match self.stops.binary_search_by_key(&at, |stop| stop.0) {
            Ok(found) => round(self.stops[found].1),
            Err(_) => 0.0,
        }
    }
}

pub fn ms(span: TimeDelta) -> f64 {
    span.num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0
}

pub fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::from_micros;

    fn at(seconds: i64) -> Timestamp {
        from_micros(seconds * 1_000_000)
    }

    #[test]
    fn what_is_kept_is_drawn_to_scale() {
        let axis = Axis::of(vec![at(100), at(0), at(25)], Idle::Kept, 1_000.0);
        assert_eq!([0, 25, 100].map(|s| axis.place(at(s))), [0.0, 250.0, 1_000.0]);
        assert_eq!(axis.breaks, []);
    }

    #[test]
    fn idle_time_is_cut_and_what_remains_shares_the_width_to_scale() {
        let axis = Axis::of(vec![at(0), at(10), at(3_610), at(3_620)], Idle::Cut(&[]), 1_000.0);
        assert_eq!(
            [0, 10, 3_610, 3_620].map(|s| axis.place(at(s))),
            [0.0, 480.0, 520.0, 1_000.0]
        );
        assert_eq!(
            axis.breaks,
            [Break {
                x: 480.0,
                width: 40.0,
                said: "1 h 00".into(),
                ms: 3_600_000.0
            }]
        );
    }

    #[test]
    fn thirty_seconds_are_not_idle_yet_and_many_cuts_leave_room() {
        assert_eq!(Axis::of(vec![at(0), at(30)], Idle::Cut(&[]), 1_000.0).breaks, []);
        let hours: Vec<_> = (0..40)
            .flat_map(|hour| [at(hour * 3_600), at(hour * 3_600 + 1)])
            .collect();
        let axis = Axis::of(hours, Idle::Cut(&[]), 1_000.0);
        assert_eq!(axis.breaks.len(), 39);
        assert!((axis.place(at(39 * 3_600 + 1)) - 1_000.0).abs() < 0.01);
        assert!(axis.place(at(1)) > 12.0);
    }

    #[test]
    fn a_minute_through_which_something_worked_is_not_idle() {
        let minutes = || vec![at(0), at(60), at(120)];
        let axis = Axis::of(minutes(), Idle::Cut(&[at(0)..at(60)]), 1_000.0);
        assert_eq!((axis.breaks.len(), axis.place(at(60))), (1, 960.0));
        let half = [at(0)..at(59), at(70)..at(120)];
        assert_eq!(Axis::of(minutes(), Idle::Cut(&half), 1_000.0).breaks.len(), 2);
    }

    #[test]
    fn one_instant_or_none_has_no_width() {
        assert_eq!(Axis::of(vec![at(7)], Idle::Cut(&[]), 1_000.0).place(at(7)), 0.0);
        assert_eq!(Axis::of(Vec::new(), Idle::Kept, 1_000.0).place(at(7)), 0.0);
    }
}
