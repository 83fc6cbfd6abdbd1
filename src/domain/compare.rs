//! What changed between results of one model on two studies of a patient: the same measurement of the same finding, never
//! numbers of different models, which may measure differently.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::code::Code;
use crate::finding::{Measurement, ResultRecord};
use crate::ids::StudyId;

/// Beyond it a percentage says no more than that there was next to nothing before.
const MOST_PERCENT: f64 = 999.0;

/// A measurement then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    pub finding: Code,
    pub measurement: Code,
    pub before: f64,
    /// In the unit of the measurement; negative when it became smaller.
    pub delta: f64,
    /// Of what it was before; `None` when that was nothing, or next to it.
    pub percent: Option<f64>,
    pub before_study: StudyId,
    /// When the earlier images were taken.
    pub before_at: Timestamp,
    /// Of the model that measured then, where it is another than now.
    pub before_version: Option<String>,
}

/// A result on an earlier study.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'r> {
    pub taken_at: Timestamp,
    pub record: &'r ResultRecord,
}

/// Each measurement of `now` against the latest earlier one of its kind.
pub fn changes(now: &ResultRecord, earlier: &[Earlier<'_>]) -> Vec<Change> {
    now.findings
        .iter()
        .flat_map(|finding| {
            finding
                .measurements
                .iter()
                .filter_map(|measured| change(now, &finding.code, measured, earlier))
        })
        .collect()
}

fn change(
    now: &ResultRecord,
    finding: &Code,
    measured: &Measurement,
    earlier: &[Earlier<'_>],
) -> Option<Change> {
    let (before, then) = earlier
        .iter()
        .filter(|earlier| earlier.record.model.name == now.model.name && earlier.record.study != now.study)
        .filter_map(|earlier| Some((earlier, measurement_of(earlier.record, finding, measured)?)))
        .max_by_key(|(earlier, _)| earlier.taken_at)?;
    let delta = measured.value - then;
    let version = &before.record.model.version;
    Some(Change {
        finding: finding.clone(),
        measurement: measured.code.clone(),
        before: then,
        delta,
        percent: (then != 0.0)
            .then(|| delta / then * 100.0)
            .filter(|percent| percent.abs() <= MOST_PERCENT),
        before_study: before.record.study,
        before_at: before.taken_at,
        before_version: (*version != now.model.version).then(|| version.clone()),
    })
}

fn measurement_of(record: &ResultRecord, finding: &Code, like: &Measurement) -> Option<f64> {
    record
        .findings
        .iter()
        .find(|known| known.code.is(finding))?
        .measurement(&like.code)
        .filter(|known| known.unit.is(&like.unit))
        .map(|known| known.value)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::code;
    use crate::explanation::Explanation;
    use crate::finding::{DisplayPolicy, Finding, ModelRef, Presence, ResultStatus};
    use crate::ids::{AnalysisId, ResultId, Uid};

    fn at(hour: i64) -> Timestamp {
        crate::clock::from_micros(hour * 3_600_000_000)
    }

    fn result(study: u128, model: &str, version: &str, volume: f64) -> ResultRecord {
        let volume = Measurement {
            code: Code::new("SCT", "118565006", "Volume"),
            value: volume,
            unit: Code::new("UCUM", "mL", "mL"),
        };
        ResultRecord {
            id: ResultId(Uuid::from_u128(study)),
            study: StudyId(Uuid::from_u128(study)),
            analysis: AnalysisId(Uuid::from_u128(study)),
            model: ModelRef {
                name: model.into(),
                version: version.into(),
                sha256: String::new(),
                manufacturer: String::new(),
                display_policy: DisplayPolicy::PreviewPlain,
                disclaimer: String::new(),
            },
            status: ResultStatus::Preliminary,
            produced_at: at(0),
            findings: vec![Finding {
                code: code::INTRACRANIAL_HEMORRHAGE,
                site: code::INTRACRANIAL_HEMORRHAGE,
                presence: Presence::Present,
                flagged: true,
                probability: None,
                operating_point: String::new(),
                measurements: vec![volume],
                evaluations: Vec::new(),
                lines: Vec::new(),
                lesions: Vec::new(),
                key_instance: None,
            }],
            series_uid: Uid::parse("1.2").unwrap(),
            instance_uids: Vec::new(),
            supersedes: None,
            limitations: Vec::new(),
            foreground: None,
            comparison: None,
            statements: Vec::new(),
            explanation: Explanation::default(),
            origin: Default::default(),
            assessments: Vec::new(),
        }
    }

    #[test]
    fn a_measurement_is_compared_with_the_latest_earlier_one_of_the_same_model() {
        let now = result(9, "ich", "2", 42.0);
        let (old, older, other) = (
            result(1, "ich", "1", 30.0),
            result(2, "ich", "2", 10.0),
            result(3, "else", "2", 99.0),
        );
        let earlier = |hour, record| Earlier {
            taken_at: at(hour),
            record,
        };
        let changes = changes(
            &now,
            &[
                earlier(5, &old),
                earlier(1, &older),
                earlier(7, &other),
                earlier(9, &now),
            ],
        );
        assert_eq!(changes.len(), 1);
        let change = &changes[0];
        assert_eq!(
            (change.before, change.delta, change.before_at),
            (30.0, 12.0, at(5))
        );
        assert_eq!(
            (change.percent, change.before_version.as_deref()),
            (Some(40.0), Some("1"))
        );
    }

    #[test]
    fn from_nothing_no_percentage_is_told_and_without_a_prior_nothing_is() {
        let (now, none) = (result(9, "ich", "1", 30.0), result(1, "ich", "1", 0.0));
        let hardly = result(1, "ich", "1", 0.01);
        let prior = Earlier {
            taken_at: at(1),
            record: &none,
        };
        let next_to_it = Earlier {
            record: &hardly,
            ..prior
        };
        assert_eq!(changes(&now, &[prior])[0].percent, None);
        assert_eq!(changes(&now, &[next_to_it])[0].percent, None);
        assert_eq!(changes(&now, &[prior])[0].before_version, None);
        assert_eq!(changes(&now, &[]), Vec::new());
    }
}
