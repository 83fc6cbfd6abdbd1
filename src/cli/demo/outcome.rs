//! What one round of the demonstration came to, for programs: `docs/schemas/demo.schema.json`. The patients are made up.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The whole round.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Outcome {
    /// Every check is met.
    pub ok: bool,
    /// Version of Tocsin.
    pub version: String,
    /// From the start of the service to the last check, milliseconds.
    pub took_ms: i64,
    pub studies: Vec<StudyOutcome>,
    pub checks: Vec<Check>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Positive,
    Negative,
}

impl Kind {
    pub fn text(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StudyOutcome {
    pub kind: Kind,
    /// Null when no image of it was taken in.
    pub study_id: Option<String>,
    pub accession: String,
    /// Blood that the phantom holds, mL.
    pub truth_ml: f64,
    /// Each model's state and reason.
    pub analyses: Vec<Analysis>,
    pub findings: Vec<Finding>,
    /// On the worklist while both studies waited to be read.
    pub place: Option<Place>,
    /// What happened, in order.
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Analysis {
    pub model: String,
    pub version: String,
    pub state: String,
    pub reason: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    pub code: String,
    pub display: String,
    pub presence: String,
    pub flagged: bool,
    pub measurements: Vec<Measurement>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Measurement {
    pub display: String,
    pub value: f64,
    /// UCUM.
    pub unit: String,
}

/// From 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    pub rank: u64,
    /// Where it would stand had no model said anything.
    pub rank_without_ai: u64,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Stage {
    pub stage: String,
    /// Since the stage before it, milliseconds.
    pub ms: f64,
    /// Since the first image, milliseconds.
    pub since_first_image_ms: f64,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

/// The stages of a study, from what the API answered about it.
pub fn stages(study: &Value) -> Vec<Stage> {
    let mut since = 0.0;
    let rows = study["timeline"].as_array().into_iter().flatten();
    rows.enumerate()
        .map(|(index, row)| {
            let ms = if index == 0 {
                0.0
            } else {
                row["ms_since_previous"].as_f64().unwrap_or_default()
            };
            since += ms;
            Stage {
                stage: text(&row["event"]),
                ms,
                since_first_image_ms: since,
                detail: text(&row["detail"]),
            }
        })
        .collect()
}

pub fn analyses(study: &Value) -> Vec<Analysis> {
    let models = study["ai"].as_array().into_iter().flatten();
    models
        .map(|ai| Analysis {
            model: text(&ai["model"]),
            version: text(&ai["version"]),
            state: text(&ai["state"]),
            reason: text(&ai["reason"]),
        })
        .collect()
}

pub fn findings(study: &Value) -> Vec<Finding> {
    let models = study["ai"].as_array().into_iter().flatten();
    models
        .flat_map(|ai| ai["findings"].as_array().into_iter().flatten())
        .map(|finding| Finding {
            code: text(&finding["code"]),
            display: text(&finding["display"]),
            presence: text(&finding["presence"]),
            flagged: finding["flagged"].as_bool().unwrap_or_default(),
            measurements: measurements(finding),
        })
        .collect()
}

fn measurements(finding: &Value) -> Vec<Measurement> {
    let rows = finding["measurements"].as_array().into_iter().flatten();
    rows.map(|row| Measurement {
        display: text(&row["display"]),
        value: row["value"].as_f64().unwrap_or_default(),
        unit: text(&row["unit"]),
    })
    .collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The text of the schema file.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Outcome).to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_documentation_is_that_of_the_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/demo.schema.json");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == schema(),
            "docs/schemas/demo.schema.json differs; run `tocsin demo --schema > docs/schemas/demo.schema.json`"
        );
    }

    #[test]
    fn latencies_add_up_from_the_first_image() {
        let study = serde_json::json!({ "timeline": [
            { "event": "first_image", "ms_since_previous": 0.0, "detail": "" },
            { "event": "series_ready", "ms_since_previous": 40.5, "detail": "" },
            { "event": "inference_started", "ms_since_previous": 9.5, "detail": "" },
        ]});
        let found = stages(&study);
        let last = found.last().unwrap();
        assert_eq!(
            (last.stage.as_str(), last.ms, last.since_first_image_ms),
            ("inference_started", 9.5, 50.0)
        );
    }
}
