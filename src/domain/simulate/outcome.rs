//! What a simulation came to: who waited how long without models and with them, by group, with intervals from batch means, since the waits
//! of neighbours are alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patient::Patient;
use super::scenario::Scenario;

/// Parts of a run whose means are compared; each is far longer than what neighbours share.
const BATCHES: usize = 40;
/// Of the run, at its beginning, while the list fills; not counted.
const WARM_UP: f64 = 0.02;
/// 97.5 % point of Student's t with 39 degrees of freedom.
const T_39: f64 = 2.0227;

/// The studies that a row speaks of. Interrupting studies are counted apart, and in none of the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    All,
    /// With a finding that a model of the stream looks for.
    Diseased,
    NonDiseased,
    Flagged,
    NotFlagged,
    /// Diseased, and flagged by no model.
    Missed,
    /// With a finding that no model looks for.
    OtherFinding,
    /// One finding of one stream.
    Finding {
        stream: String,
        finding: String,
    },
    Interrupting,
}

/// Waits of one group in one arm, minutes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waits {
    pub mean: f64,
    /// Of the mean, by batch means.
    pub standard_error: f64,
    pub median: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub longest: f64,
    /// Share of those who waited beyond the cap, where there is one.
    pub beyond_cap: Option<f64>,
}

/// One group in both arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    pub group: Group,
    pub studies: u32,
    pub without_models: Waits,
    pub with_models: Waits,
    /// With less without, minutes; below 0 is time saved. The same studies are compared.
    pub change: f64,
    pub change_standard_error: f64,
    pub verdict: Verdict,
}

/// Whether models help a group or harm it, beyond what chance explains (95 %).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Gains,
    Loses,
    Unchanged,
}

/// The groups that the scenario has, and their waits in both arms.
pub fn rows(scenario: &Scenario, patients: &[Patient], without: &[f32], with: &[f32]) -> Vec<Row> {
    let from = (patients.len() as f64 * WARM_UP) as usize;
    let rows = groups(scenario).into_iter().filter_map(|group| {
        let members: Vec<usize> = (from..patients.len())
            .filter(|at| holds(scenario, &group, &patients[*at]))
            .collect();
        let batch = |at: usize| (at - from) * BATCHES / (patients.len() - from);
        row(group, &members, batch, without, with, scenario.wait_cap_minutes)
    });
    rows.collect()
}

/// Every group that a study belongs to.
pub(super) fn groups_of(scenario: &Scenario, patient: &Patient) -> Vec<Group> {
    let mut groups = groups(scenario);
    groups.retain(|group| holds(scenario, group, patient));
    groups
}

fn groups(scenario: &Scenario) -> Vec<Group> {
    let mut groups = vec![
        Group::All,
        Group::Diseased,
        Group::NonDiseased,
        Group::Flagged,
        Group::NotFlagged,
        Group::Missed,
        Group::OtherFinding,
    ];
    for stream in scenario.streams.iter().filter(|stream| !stream.interrupts()) {
        groups.extend(stream.findings.iter().map(|finding| Group::Finding {
            stream: stream.name.clone(),
            finding: finding.name.clone(),
        }));
    }
    groups.push(Group::Interrupting);
    groups
}

fn holds(scenario: &Scenario, group: &Group, patient: &Patient) -> bool {
    let stream = &scenario.streams[usize::from(patient.stream)];
    if stream.interrupts() {
        return *group == Group::Interrupting;
    }
    let finding = patient.finding.map(usize::from);
    let looked_for = finding.is_some_and(|at| stream.is_looked_for(at));
    match group {
        Group::All => true,
        Group::Diseased => looked_for,
        Group::NonDiseased => finding.is_none(),
        Group::Flagged => patient.flagged.is_some(),
        Group::NotFlagged => patient.flagged.is_none(),
        Group::Missed => looked_for && patient.flagged.is_none(),
        Group::OtherFinding => finding.is_some() && !looked_for,
        Group::Finding {
            stream: name,
            finding: of,
        } => *name == stream.name && finding.is_some_and(|at| stream.findings[at].name == *of),
        Group::Interrupting => false,
    }
}

fn row(
    group: Group,
    members: &[usize],
    batch: impl Fn(usize) -> usize,
    without: &[f32],
    with: &[f32],
    cap: Option<f64>,
) -> Option<Row> {
    if members.is_empty() {
        return None;
    }
    let change = |at: usize| f64::from(with[at]) - f64::from(without[at]);
    let (change, change_standard_error) = mean_of(members, &batch, change);
    let verdict = match change {
        _ if change.abs() <= T_39 * change_standard_error || change == 0.0 => Verdict::Unchanged,
        _ if change < 0.0 => Verdict::Gains,
        _ => Verdict::Loses,
    };
    Some(Row {
        group,
        studies: u32::try_from(members.len()).unwrap_or(u32::MAX),
        without_models: waits(members, &batch, without, cap),
        with_models: waits(members, &batch, with, cap),
        change,
        change_standard_error,
        verdict,
    })
}

fn waits(members: &[usize], batch: &impl Fn(usize) -> usize, all: &[f32], cap: Option<f64>) -> Waits {
    let (mean, standard_error) = mean_of(members, batch, |at| f64::from(all[at]));
    let mut sorted: Vec<f32> = members.iter().map(|at| all[*at]).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| f64::from(sorted[((sorted.len() - 1) as f64 * share).round() as usize]);
    let beyond = |cap: f64| sorted.len() - sorted.partition_point(|wait| f64::from(*wait) <= cap);
    Waits {
        mean,
        standard_error,
        median: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        longest: at(1.0),
        beyond_cap: cap.map(|cap| beyond(cap) as f64 / sorted.len() as f64),
    }
}

/// A mean and its standard error: the deviation of the batches' means over the root of their number, those weighted by how many of
/// the group they hold.
fn mean_of(members: &[usize], batch: &impl Fn(usize) -> usize, value: impl Fn(usize) -> f64) -> (f64, f64) {
    let mut batches = [(0.0, 0.0); BATCHES];
    for member in members {
        let (sum, count) = &mut batches[batch(*member).min(BATCHES - 1)];
        *sum += value(*member);
        *count += 1.0;
    }
    let all = members.len() as f64;
    let mean = batches.iter().map(|(sum, _)| sum).sum::<f64>() / all;
    let filled = batches.iter().filter(|(_, count)| *count > 0.0);
    let (mut number, mut squares) = (0.0, 0.0);
    for (sum, count) in filled {
        number += 1.0;
        squares += (sum - mean * count).powi(2);
    }
    if number < 2.0 {
        return (mean, f64::INFINITY);
    }
    (mean, (squares * number / (number - 1.0)).sqrt() / all)
}
