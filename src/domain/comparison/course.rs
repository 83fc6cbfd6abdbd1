//! What became of a finding between two studies, in one word.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MeasuredChange;
use super::growth::{Extent, extent};
use crate::finding::Presence;

/// How a measurement moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    Larger,
    Smaller,
    /// Two measurements of the same thing may differ as much.
    WithinError,
    /// In another unit.
    NotComparable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// Nothing was compared.
    #[default]
    NotCompared,
    /// Not found on the earlier study.
    New,
    /// Found on the earlier study, and no longer.
    Resolved,
    Grown,
    Shrunk,
    /// Its size differs by no more than the error of measurement.
    Unchanged,
    /// Found on both; how large it is was not measured on both.
    Persists,
    /// One of the studies left it open.
    Undetermined,
}

impl Course {
    pub fn text(self) -> &'static str {
        match self {
            Self::NotCompared => "not compared",
            Self::New => "new",
            Self::Resolved => "resolved",
            Self::Grown => "grown",
            Self::Shrunk => "smaller",
            Self::Unchanged => "unchanged within measurement error",
            Self::Persists => "still there",
            Self::Undetermined => "not determined on both studies",
        }
    }
}

/// The most telling measure of size decides: the volume, else the diameter, else the area.
pub fn of(before: Presence, now: Presence, measured: &[MeasuredChange]) -> Course {
    match (before, now) {
        (Presence::Undetermined, _) | (_, Presence::Undetermined) => Course::Undetermined,
        (Presence::Absent, Presence::Present) => Course::New,
        (Presence::Present, Presence::Absent) => Course::Resolved,
        (Presence::Absent, Presence::Absent) => Course::NotCompared,
        (Presence::Present, Presence::Present) => of_size(measured),
    }
}

/// Of something that is there on both.
pub fn of_size(measured: &[MeasuredChange]) -> Course {
    let sizes = measured
        .iter()
        .filter(|m| m.trend != Trend::NotComparable)
        .filter_map(|m| Some((extent(&m.measurement)?, m.trend)));
    let telling = sizes.min_by_key(|(extent, _)| match extent {
        Extent::Volume => 0,
        Extent::Diameter => 1,
        Extent::Area => 2,
    });
    match telling.map(|(_, trend)| trend) {
        Some(Trend::Larger) => Course::Grown,
        Some(Trend::Smaller) => Course::Shrunk,
        Some(Trend::WithinError) => Course::Unchanged,
        Some(Trend::NotComparable) | None => Course::Persists,
    }
}
