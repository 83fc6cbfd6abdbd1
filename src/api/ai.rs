//! What the models say of a study, one entry per model: a state with its reason, and the findings where there are any.

use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::code::Code;
use tocsin_domain::compare::Change;
use tocsin_domain::finding::{
    DisplayPolicy, Evaluation, Finding, Lesion, Measurement, Presence, ResultRecord,
};
use tocsin_domain::ids::{ResultId, StudyId};

use crate::report::text;
use crate::storage::StoreError;
use crate::storage::analyses::{self, AnalysisState};
use crate::storage::entity::{analysis, result_hold};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AiView {
    pub model: String,
    pub version: String,
    pub state: AnalysisState,
    /// Why it is in this state, in words.
    pub reason: String,
    pub findings: Vec<FindingView>,
    pub result_id: Option<ResultId>,
    /// The reading that speaks for the model; versions of its result share it.
    pub analysis_id: String,
    /// What radiologists made of the findings, in sentences.
    pub assessed: Vec<String>,
    /// Null where the result left, or nothing of it waits.
    pub hold: Option<HoldView>,
    /// The model's statement about itself; shown wherever its findings are.
    pub disclaimer: Option<String>,
    pub limitations: Vec<String>,
    /// What changed since the latest earlier study, in sentences.
    pub compared: Vec<String>,
    /// What may be shown of the model's findings; null where it found nothing.
    pub display_policy: Option<DisplayPolicy>,
    pub inference_ms: Option<i64>,
}

/// Nothing of the result leaves until a radiologist lets it go.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HoldView {
    /// For which policy holds it.
    pub finding: String,
    pub since: Timestamp,
}

impl HoldView {
    pub fn of(row: &result_hold::Model) -> Self {
        Self {
            finding: row.finding.clone(),
            since: from_micros(row.created_at),
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FindingView {
    pub system: String,
    pub code: String,
    pub display: String,
    pub presence: Presence,
    pub flagged: bool,
    /// Null unless the model's score is calibrated.
    pub probability: Option<f64>,
    pub operating_point: String,
    pub measurements: Vec<MeasurementView>,
    /// What was found that has no number.
    pub evaluations: Vec<EvaluationView>,
    pub lesions: Vec<LesionView>,
}

/// `Most proximal vessel with clot`: `Lobar pulmonary artery`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EvaluationView {
    pub system: String,
    pub code: String,
    pub display: String,
    pub value: CodeView,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MeasurementView {
    pub system: String,
    pub code: String,
    pub display: String,
    pub value: f64,
    /// UCUM.
    pub unit: String,
    /// Both, as people read them: `24.1 mL`.
    pub text: String,
    /// Against the patient's latest earlier study that this model measured.
    pub change: Option<ChangeView>,
}

/// What a measurement was before, and by how much it changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangeView {
    pub before: f64,
    /// As people read it: `30 mL`.
    pub before_text: String,
    /// In the unit of the measurement; negative when it became smaller.
    pub delta: f64,
    /// With its sign: `+12 mL (+40 %)`.
    pub text: String,
    pub before_study: StudyId,
    pub before_at: Timestamp,
    /// Of the model that measured then, where it is another than now.
    pub before_version: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LesionView {
    pub number: u32,
    pub location: CodeView,
    pub laterality: Option<CodeView>,
    /// Both, as people read them: `left deep`.
    pub place: String,
    pub measurements: Vec<MeasurementView>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CodeView {
    pub system: String,
    pub code: String,
    pub display: String,
}

/// The models that speak for a study now, from all its analyses and the results that are known.
/// What a reader must see first comes first; models that do not read the study come last.
pub fn ai_of(rows: &[analysis::Model], records: &[ResultRecord]) -> Result<Vec<AiView>, StoreError> {
    let views = analyses::current(rows).into_iter().map(|row| {
        let record = row
            .result_id
            .as_deref()
            .and_then(|id| records.iter().find(|r| r.id.to_string() == id));
        view(row, record)
    });
    let mut views = views.collect::<Result<Vec<_>, _>>()?;
    views.sort_by_key(|view| place(view.state));
    Ok(views)
}

fn place(state: AnalysisState) -> u8 {
    match state {
        AnalysisState::Flagged => 0,
        AnalysisState::Indeterminate => 1,
        AnalysisState::QualityRejected | AnalysisState::Failed => 2,
        AnalysisState::Waiting | AnalysisState::Queued | AnalysisState::Running => 3,
        AnalysisState::NotFlagged => 4,
        AnalysisState::Superseded | AnalysisState::Withdrawn => 5,
        AnalysisState::NotEligible => 6,
    }
}

fn view(row: &analysis::Model, record: Option<&ResultRecord>) -> Result<AiView, StoreError> {
    let findings = record.map_or(&[][..], |r| r.findings.as_slice());
    Ok(AiView {
        model: row.model.clone(),
        version: row.version.clone(),
        state: analyses::state_of(row)?,
        reason: row.reason.clone(),
        findings: findings.iter().map(finding).collect(),
        result_id: record.map(|r| r.id),
        analysis_id: row.id.clone(),
        assessed: record.map(text::assessed).unwrap_or_default(),
        hold: None,
        disclaimer: record.map(|r| r.model.disclaimer.clone()),
        limitations: record.map(|r| r.limitations.clone()).unwrap_or_default(),
        compared: record.map(text::compared).unwrap_or_default(),
        display_policy: record.map(|r| r.model.display_policy),
        inference_ms: row.inference_ms,
    })
}

pub fn finding(finding: &Finding) -> FindingView {
    let code = code(&finding.code);
    FindingView {
        system: code.system,
        code: code.code,
        display: code.display,
        presence: finding.presence,
        flagged: finding.flagged,
        probability: finding.probability,
        operating_point: finding.operating_point.clone(),
        measurements: finding.measurements.iter().map(measurement).collect(),
        evaluations: finding.evaluations.iter().map(evaluation).collect(),
        lesions: finding.lesions.iter().map(lesion).collect(),
    }
}

fn evaluation(told: &Evaluation) -> EvaluationView {
    let what = code(&told.code);
    EvaluationView {
        system: what.system,
        code: what.code,
        display: what.display,
        value: code(&told.value),
    }
}

fn lesion(lesion: &Lesion) -> LesionView {
    LesionView {
        number: lesion.number,
        location: code(&lesion.location),
        laterality: lesion.laterality.as_ref().map(code),
        place: text::place(lesion),
        measurements: lesion.measurements.iter().map(measurement).collect(),
    }
}

fn measurement(measurement: &Measurement) -> MeasurementView {
    let code = code(&measurement.code);
    MeasurementView {
        system: code.system,
        code: code.code,
        display: code.display,
        value: measurement.value,
        unit: measurement.unit.code.to_string(),
        text: text::quantity(measurement),
        change: None,
    }
}

/// Says of each result whether it waits. A withdrawn one waits for nobody.
pub fn hold(ai: &mut [AiView], holds: &[result_hold::Model]) {
    for view in ai
        .iter_mut()
        .filter(|view| view.state != AnalysisState::Withdrawn)
    {
        let known = holds.iter().find(|row| row.analysis_id == view.analysis_id);
        view.hold = known.map(HoldView::of);
    }
}

/// Says of each measurement what it was before.
pub fn compare(ai: &mut [AiView], changes: &[Change]) {
    let findings = ai.iter_mut().flat_map(|view| view.findings.iter_mut());
    for finding in findings {
        for measured in &mut finding.measurements {
            let change = changes.iter().find(|change| {
                change.finding.code == finding.code && change.measurement.code == measured.code
            });
            measured.change = change.map(|change| change_view(change, &measured.unit));
        }
    }
}

fn change_view(change: &Change, unit: &str) -> ChangeView {
    let amount = |value: f64| text::amount(value, unit);
    let sign = if change.delta > 0.0 { "+" } else { "" };
    let percent = change
        .percent
        .filter(|_| !text::is_count(unit))
        .map(|percent| format!(" ({percent:+.0} %)"))
        .unwrap_or_default();
    ChangeView {
        before: change.before,
        before_text: amount(change.before),
        delta: change.delta,
        text: format!("{sign}{}{percent}", amount(change.delta)),
        before_study: change.before_study,
        before_at: change.before_at,
        before_version: change.before_version.clone(),
    }
}

pub fn code(code: &Code) -> CodeView {
    CodeView {
        system: code.system.to_string(),
        code: code.code.to_string(),
        display: code.display.to_string(),
    }
}
