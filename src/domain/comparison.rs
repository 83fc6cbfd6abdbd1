//! A result against the one of the same model on an earlier study: what became of each finding, by how much each measurement
//! differs and whether that is more than it may differ by chance, and which lesion is which. Pure.

pub mod course;
pub mod error;
pub mod growth;
pub mod pairing;
pub mod register;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::code::Code;
use crate::compare::Earlier;
use crate::finding::{Finding, Measurement, Presence, ResultRecord};
use crate::ids::{ResultId, StudyId};
use course::{Course, Trend};
use error::measurement_error;
use growth::{Extent, doubling_days, extent};
use pairing::{LesionChange, pair};
use register::{Registered, register};

/// Beyond it a percentage says no more than that there was next to nothing before.
const MOST_PERCENT: f64 = 999.0;

/// What changed since one earlier study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub study: StudyId,
    pub result: ResultId,
    /// When the earlier images were taken.
    pub taken_at: Timestamp,
    /// The day on the site's wall clock, `YYYY-MM-DD`.
    pub taken_on: String,
    /// Between the images.
    pub interval_days: f64,
    /// Of the model that measured then, where it is another than now.
    pub model_version: Option<String>,
    /// How the earlier images were laid over these; absent where they could not be.
    pub registered: Option<Registered>,
    pub findings: Vec<FindingChange>,
}

impl Comparison {
    /// Whether a reader learns nothing new: the earlier result may have been amended itself.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let with_its_result = Self {
            result: other.result,
            ..self.clone()
        };
        with_its_result == *other
    }
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingChange {
    pub finding: Code,
    pub course: Course,
    pub measurements: Vec<MeasuredChange>,
    pub lesions: Vec<LesionChange>,
}

impl FindingChange {
    /// In which time it doubles its volume: by the volume, else by the diameter, else by the area. `None` unless it has
    /// grown beyond the error of measurement.
    pub fn doubling_days(&self) -> Option<f64> {
        let by = |wanted: Extent| {
            let of_kind = self
                .measurements
                .iter()
                .filter(|m| extent(&m.measurement) == Some(wanted));
            of_kind.filter_map(|m| m.doubling_days).next()
        };
        let grown = self.course == Course::Grown;
        let order = [Extent::Volume, Extent::Diameter, Extent::Area];
        grown.then(|| order.into_iter().find_map(by)).flatten()
    }
}

/// A measurement then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeasuredChange {
    pub measurement: Code,
    pub unit: Code,
    pub before: f64,
    pub now: f64,
    /// Of what it was before; absent when that was nothing, or next to it.
    pub percent: Option<f64>,
    /// By how much two measurements of the same thing may differ, in the unit.
    pub error: f64,
    pub trend: Trend,
    /// In which time the volume doubles if it goes on so; of what has grown beyond the error alone.
    pub doubling_days: Option<f64>,
}

/// The latest earlier result of the same model.
pub fn latest<'e, 'r>(
    now: &ResultRecord,
    taken_at: Timestamp,
    earlier: &'e [Earlier<'r>],
) -> Option<&'e Earlier<'r>> {
    earlier
        .iter()
        .filter(|e| e.record.model.name == now.model.name && e.record.study != now.study)
        .filter(|e| e.taken_at < taken_at)
        .max_by_key(|e| e.taken_at)
}

/// What changed; `taken_at` is when the images of `now` were taken, `taken_on` the day of the earlier ones.
pub fn compare(
    now: &ResultRecord,
    taken_at: Timestamp,
    before: &Earlier<'_>,
    taken_on: String,
) -> Comparison {
    let then = before.record;
    let interval_days = (taken_at - before.taken_at).num_minutes() as f64 / (24.0 * 60.0);
    let both = now.foreground.as_ref().zip(then.foreground.as_ref());
    let registered = both.and_then(|(now, then)| register(now, then).ok());
    let findings = now.findings.iter().filter_map(|finding| {
        let known = then.findings.iter().find(|known| known.code.is(&finding.code))?;
        change(finding, known, interval_days, registered.as_ref())
    });
    Comparison {
        study: then.study,
        result: then.id,
        taken_at: before.taken_at,
        taken_on,
        interval_days,
        model_version: (then.model.version != now.model.version).then(|| then.model.version.clone()),
        findings: findings.collect(),
        registered,
    }
}

/// What was not there and is not there is not told.
fn change(
    now: &Finding,
    before: &Finding,
    days: f64,
    registered: Option<&Registered>,
) -> Option<FindingChange> {
    let measurements: Vec<MeasuredChange> = match (before.presence, now.presence) {
        (Presence::Absent, Presence::Absent) => return None,
        (_, _) => now
            .measurements
            .iter()
            .filter_map(|m| Some(measured(m, before.measurement(&m.code)?, days)))
            .collect(),
    };
    Some(FindingChange {
        finding: now.code.clone(),
        course: course::of(before.presence, now.presence, &measurements),
        lesions: pair(&now.lesions, &before.lesions, days, registered),
        measurements,
    })
}

/// Both in the same unit.
pub(crate) fn measured(now: &Measurement, before: &Measurement, days: f64) -> MeasuredChange {
    let delta = now.value - before.value;
    let error = measurement_error(now, before);
    let trend = match delta {
        _ if now.unit != before.unit && !now.unit.is(&before.unit) => Trend::NotComparable,
        d if d.abs() <= error => Trend::WithinError,
        d if d > 0.0 => Trend::Larger,
        _ => Trend::Smaller,
    };
    MeasuredChange {
        measurement: now.code.clone(),
        unit: now.unit.clone(),
        before: before.value,
        now: now.value,
        percent: (before.value != 0.0)
            .then(|| delta / before.value * 100.0)
            .filter(|percent| percent.abs() <= MOST_PERCENT && trend != Trend::NotComparable),
        doubling_days: (trend == Trend::Larger)
            .then(|| doubling_days(now, before, days))
            .flatten(),
        error,
        trend,
    }
}

#[cfg(test)]
mod tests;
