//! The canonical result of one analysis. SR, ORU, FHIR, page and screen are all rendered from this record and add
//! nothing to it; a round trip through any of them gives the same facts back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assessment::Assessment;
use crate::clock::Timestamp;
use crate::code::{self, Code};
use crate::comparison::Comparison;
use crate::comparison::register::Foreground;
use crate::explanation::Explanation;
use crate::ids::{AnalysisId, ResultId, StudyId, Uid};
use crate::triage::PackRef;
use crate::vendor::Origin;

/// What one model run said of one study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResultRecord {
    pub id: ResultId,
    pub study: StudyId,
    pub analysis: AnalysisId,
    pub model: ModelRef,
    pub status: ResultStatus,
    pub produced_at: Timestamp,
    pub findings: Vec<Finding>,
    /// The series that was read, and its instances in the order they were read.
    pub series_uid: Uid,
    pub instance_uids: Vec<Uid>,
    /// The result this one replaces, which stays readable.
    pub supersedes: Option<ResultId>,
    /// Conditions of the input that limit the result, in words a reader understands.
    pub limitations: Vec<String>,
    /// Where the body lies in the images, for laying them over others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreground: Option<Foreground>,
    /// Against the latest earlier study that the same model has read; absent until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What the rules in force had to say of it when it was published; fixed from then on, like the rest.
    #[serde(default)]
    pub statements: Vec<Statement>,
    /// What may show a reader why, as far as the display policy goes.
    #[serde(default)]
    pub explanation: Explanation,
    #[serde(default)]
    pub origin: Origin,
    /// What radiologists made of its findings, one each at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<Assessment>,
}

/// A sentence that a rule adds to a result, and the exact rules that added it (invariant 11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    pub rule: String,
    pub pack: PackRef,
    pub text: String,
}

/// The exact model that ran (invariant 11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRef {
    pub name: String,
    pub version: String,
    /// SHA-256 of the model file, lower-case hexadecimal.
    pub sha256: String,
    pub manufacturer: String,
    /// What may be shown of it.
    pub display_policy: DisplayPolicy,
    /// One sentence printed wherever a result is shown, e.g. that the model was trained on phantoms.
    pub disclaimer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisplayPolicy {
    NotifyOnly,
    PreviewPlain,
    PreviewWithMarks,
}

/// Never final: only a radiologist makes a result final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    Preliminary,
    /// Replaces an earlier result of the same model on the same study.
    Corrected,
    Withdrawn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub code: Code,
    pub site: Code,
    pub presence: Presence,
    /// Above the operating point in force.
    pub flagged: bool,
    /// P(present) in 0..=1; `None` unless the model's score is calibrated (a raw score is not a probability).
    pub probability: Option<f64>,
    /// The operating point that decided, in words: `total volume ≥ 1 mL`.
    pub operating_point: String,
    pub measurements: Vec<Measurement>,
    /// What was found that has no number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<Evaluation>,
    pub lesions: Vec<Lesion>,
    /// Lengths as they were measured, for drawing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// The instance that shows the finding best.
    pub key_instance: Option<Uid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Present,
    Absent,
    Undetermined,
}

impl Presence {
    /// DICOM CID 240.
    pub fn code(self) -> Code {
        match self {
            Self::Present => code::PRESENT,
            Self::Absent => code::ABSENT,
            Self::Undetermined => code::UNDETERMINED,
        }
    }
}

/// A number with its unit; never one without the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    pub code: Code,
    pub value: f64,
    /// UCUM.
    pub unit: Code,
}

/// A property with a coded value: `most proximal vessel: lobar pulmonary artery`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluation {
    pub code: Code,
    pub value: Code,
}

/// A length with its two ends in one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What it measures.
    pub code: Code,
    pub instance: Uid,
    /// Column and row, as index coordinates: 0 is the middle of the first pixel.
    pub from_px: [f64; 2],
    pub to_px: [f64; 2],
    /// The same ends in patient coordinates (LPS), mm; absent on images without a place in the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_mm: Option<[f64; 3]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_mm: Option<[f64; 3]>,
}

impl Line {
    /// Column and row of both ends, as index coordinates.
    pub fn ends_px(&self) -> [[f64; 2]; 2] {
        [self.from_px, self.to_px]
    }
}

/// One connected component of a segmentation, or one box of a detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lesion {
    /// 1-based, largest first; of a detector the one with the best score first.
    pub number: u32,
    pub location: Code,
    pub laterality: Option<Code>,
    pub measurements: Vec<Measurement>,
    pub key_instance: Option<Uid>,
    /// Its centre in patient coordinates (LPS), mm; on a radiograph along the rows and the columns of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre_mm: Option<[f64; 3]>,
}

impl Finding {
    pub fn measurement(&self, code: &Code) -> Option<&Measurement> {
        self.measurements.iter().find(|m| m.code.is(code))
    }

    /// The values of an evaluation, in their order.
    pub fn evaluated(&self, code: &Code) -> Vec<&Code> {
        let told = self.evaluations.iter().filter(|told| told.code.is(code));
        told.map(|told| &told.value).collect()
    }
}
