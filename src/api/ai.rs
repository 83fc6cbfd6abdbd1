//! What the models say of a study, one entry per model: a state with its reason, and the findings where there are any.

use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::code::Code;
use tocsin_domain::finding::{Finding, Lesion, Measurement, Presence, ResultRecord};
use tocsin_domain::ids::ResultId;

use crate::report::text;
use crate::storage::StoreError;
use crate::storage::analyses::{self, AnalysisState};
use crate::storage::entity::analysis;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AiView {
    pub model: String,
    pub version: String,
    pub state: AnalysisState,
    /// Why it is in this state, in words.
    pub reason: String,
    pub findings: Vec<FindingView>,
    pub result_id: Option<ResultId>,
    /// The model's statement about itself; shown wherever its findings are.
    pub disclaimer: Option<String>,
    pub limitations: Vec<String>,
    pub inference_ms: Option<i64>,
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
    pub lesions: Vec<LesionView>,
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
pub fn ai_of(rows: &[analysis::Model], records: &[ResultRecord]) -> Result<Vec<AiView>, StoreError> {
    analyses::current(rows)
        .into_iter()
        .map(|row| {
            let record = row
                .result_id
                .as_deref()
                .and_then(|id| records.iter().find(|r| r.id.to_string() == id));
            view(row, record)
        })
        .collect()
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
        disclaimer: record.map(|r| r.model.disclaimer.clone()),
        limitations: record.map(|r| r.limitations.clone()).unwrap_or_default(),
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
        lesions: finding.lesions.iter().map(lesion).collect(),
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
    }
}

pub fn code(code: &Code) -> CodeView {
    CodeView {
        system: code.system.to_string(),
        code: code.code.to_string(),
        display: code.display.to_string(),
    }
}
