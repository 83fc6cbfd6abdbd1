//! The report preview as programs get it, and as the page shows it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::finding::{Finding, ModelRef, ResultStatus, Statement};
use tocsin_domain::ids::{ResultId, StudyId};

use super::output::OutputView;
use crate::api::ai::{self, CodeView, FindingView, HoldView};
use crate::api::patient::PatientView;
use crate::report::changes::ChangedLine;
use crate::report::narrative::{Narrative, Piece};
use crate::report::outputs::Composed;
use crate::report::sr_tree::TreeItem;
use crate::report::text;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReportView {
    pub study_id: StudyId,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    pub patient: PatientView,
    /// Of all models and versions, newest first.
    pub results: Vec<ResultChoice>,
    /// The one that is shown; null while no model has given a result.
    pub report: Option<ResultReport>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResultChoice {
    pub result_id: ResultId,
    pub model: String,
    pub version: String,
    pub status: ResultStatus,
    pub produced_at: Timestamp,
    /// A newer result of the same model has replaced it.
    pub superseded: bool,
}

/// One result in all its forms.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResultReport {
    pub result_id: ResultId,
    pub status: ResultStatus,
    pub produced_at: Timestamp,
    pub model: ModelRef,
    pub series_uid: String,
    /// How many images were read.
    pub images: usize,
    pub outputs: Vec<OutputView>,
    /// Null where it left, or nothing of it waits.
    pub hold: Option<HoldView>,
    /// Whether it speaks for its model.
    pub standing: bool,
    pub narrative: NarrativeView,
    /// Null where nothing was sent before.
    pub changes: Option<ChangesView>,
    pub findings: Vec<FindingReport>,
    pub limitations: Vec<String>,
    pub statements: Vec<Statement>,
    pub structured_report: Shown<TreeItem>,
    pub message: Shown<MessageText>,
    /// A bundle of FHIR R4, sent nowhere by itself.
    pub fhir: Shown<Value>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NarrativeView {
    /// Each line in pieces, each piece with who says it.
    pub lines: Vec<Vec<Piece>>,
    /// The same as plain text.
    pub text: String,
    /// Why templates of the site were not used, each with its file and line.
    pub faults: Vec<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangesView {
    /// The result that was sent before.
    pub since: ResultId,
    pub produced_at: Timestamp,
    pub differs: bool,
    pub lines: Vec<ChangedLine>,
}

/// A form of a result.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Shown<T> {
    /// As it was sent, or tried; else it is a draft.
    pub fixed: bool,
    pub content: Option<T>,
    /// Why there is no content.
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageText {
    /// One segment a line, in the character set of its MSH-18.
    pub text: String,
    /// MSH-10; a draft has none yet.
    pub control_id: Option<String>,
    pub message_id: Option<String>,
    pub destination: Option<String>,
    pub ack_code: Option<String>,
    pub answer: Option<String>,
}

/// A finding, and what only a report says of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FindingReport {
    #[serde(flatten)]
    pub finding: FindingView,
    pub site: CodeView,
    /// The probability as people read it: `87.5 %`.
    pub certainty: Option<String>,
}

impl FindingReport {
    pub fn of(finding: &Finding) -> Self {
        Self {
            finding: ai::finding(finding),
            site: ai::code(&finding.site),
            certainty: finding.probability.map(text::percent),
        }
    }
}

impl NarrativeView {
    pub fn of(narrative: Narrative) -> Self {
        Self {
            text: narrative.text(),
            faults: narrative.faults.iter().map(ToString::to_string).collect(),
            lines: narrative.lines,
        }
    }
}

impl<T> Shown<T> {
    /// With what the bytes say.
    pub fn as_composed(composed: &Composed, content: Option<T>) -> Self {
        let (fixed, reason) = match composed {
            Composed::Fixed(_) => (true, None),
            Composed::Draft(_) => (false, None),
            Composed::Impossible(reason) => (false, Some(reason.clone())),
        };
        Self {
            fixed,
            content,
            reason,
        }
    }

    /// Never sent.
    pub fn of(composed: Result<T, String>) -> Self {
        let (content, reason) = match composed {
            Ok(content) => (Some(content), None),
            Err(reason) => (None, Some(reason)),
        };
        Self {
            fixed: false,
            content,
            reason,
        }
    }
}
