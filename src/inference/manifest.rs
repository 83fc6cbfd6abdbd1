//! The manifest of a model package: everything that a model needs to be admitted, fed, read, limited and checked, as data.
//! Parsing and validation only; it opens no file but the text it is given, and never runs a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use tocsin_domain::admit::{Eligibility, EligibilityRule, Quality};
use tocsin_domain::finding::DisplayPolicy;
pub use tocsin_domain::work::Urgency;

mod check;
mod check_explanation;
mod check_input;
mod check_output;
mod explanation;
mod input;
mod measure;
mod output;

use self::check::check;
pub use self::explanation::{Explanation, SegmentSpec};
pub use self::input::{Blend, Fit, Input, InputKind, Layout, Operation, PlaneResampling, SliceResampling};
pub use self::measure::{LEFT_VENTRICLE, LUNG, Measure, PULMONARY_ARTERY, RIGHT_VENTRICLE};
pub use self::output::{Activation, Aggregate, BoxFormat, BoxUnit, Boxes, Output, OutputKind};

/// Version of this format; a manifest states the one it was written for.
pub const SCHEMA: u32 = 1;

/// `models/<name>/manifest.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    /// Whether its runs may keep others waiting. Runs of routine models have a process of their own.
    #[serde(default)]
    pub urgency: Urgency,
    pub identity: Identity,
    pub eligibility: Eligibility,
    #[serde(default)]
    pub quality: Quality,
    pub input: Input,
    pub outputs: Vec<Output>,
    pub findings: Vec<FindingSpec>,
    pub quantification: Option<Quantification>,
    pub explanation: Explanation,
    /// Further classes of segmentations that are kept and exported.
    #[serde(default)]
    pub segments: Vec<SegmentSpec>,
    pub limits: Limits,
    #[serde(default)]
    pub golden: Vec<GoldenCase>,
}

/// Who made it, for what, from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Lower-case letters, digits and dashes; the folder's name.
    pub name: String,
    pub version: String,
    pub title: String,
    /// The network: file name inside the package folder, and its SHA-256 in lower-case hexadecimal.
    pub file: String,
    pub sha256: String,
    pub manufacturer: String,
    /// SPDX expression.
    pub licence: String,
    pub intended_use: String,
    pub training_data: String,
    /// Identifier of a regulatory clearance, or `none`.
    pub clearance: String,
    pub display_policy: DisplayPolicy,
    /// One sentence shown with every result.
    pub disclaimer: String,
}

/// A coded concept in the words of DICOM PS3.3 section 8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeSpec {
    pub system: String,
    pub value: String,
    pub meaning: String,
}

/// A statement that the model can make, and the operating point at which it makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingSpec {
    pub code: CodeSpec,
    pub site: CodeSpec,
    /// Output and class that it is read from.
    pub output: String,
    pub class: String,
    /// A segmentation is flagged when both are reached, mL, on the grid of the series.
    pub total_ml: Option<f64>,
    pub largest_component_ml: Option<f64>,
    /// A segmentation of images is flagged when this is reached, mm², on the pixels of the image.
    pub total_mm2: Option<f64>,
    /// Score from which a classification, a regression or the best box is flagged; the threshold of the output without it.
    pub score: Option<f32>,
    pub probability: Probability,
    pub expected_sensitivity: f64,
    pub expected_specificity: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Probability {
    /// The score is not a probability and is shown nowhere as one.
    None,
    /// The aggregated score was calibrated.
    Calibrated,
}

/// What is measured on which output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantification {
    pub output: String,
    pub measure: Vec<Measure>,
    /// Smaller components of a volume are dropped before anything is measured, mL.
    #[serde(default)]
    pub min_component_ml: f64,
}

/// What one analysis may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub seconds: u64,
    pub memory_mb: u64,
}

/// A stored input with the answer it must give; checked whenever the model is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldenCase {
    pub name: String,
    /// Gzipped NumPy array `<i2 [slice, row, column]` of Hounsfield units, inside the package folder; for a model of images
    /// `[image, row, column]` of values of which low ones are dark.
    pub input: String,
    /// SHA-256 of that file.
    pub sha256: String,
    /// Distance of slices, rows and columns, mm.
    pub spacing_mm: [f64; 3],
    pub expect: Vec<GoldenExpectation>,
}

/// One expected figure of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldenExpectation {
    pub output: String,
    pub class: String,
    pub figure: GoldenFigure,
    pub value: f64,
    pub tolerance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoldenFigure {
    /// Of the mask on the grid of the series, nothing dropped, mL.
    VolumeMl,
    /// Mean of the activated output over the model's grid, or over the boxes that were kept.
    MeanScore,
    /// Aggregated score of a classification or regression; best score of a detection, 0 without boxes.
    Score,
    /// Lesions of a detection.
    Lesions,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{place}: not a manifest of schema {SCHEMA}")]
    Syntax {
        place: String,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("{place}: `{key}` is {found}, expected {expected}")]
    Invalid {
        place: String,
        key: String,
        found: String,
        expected: String,
    },
}

impl Manifest {
    /// Reads and validates; `place` names the text in errors.
    pub fn parse(text: &str, place: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|source| ManifestError::Syntax {
            place: place.to_owned(),
            source: Box::new(source),
        })?;
        check(&manifest).map_err(|problem| ManifestError::Invalid {
            place: place.to_owned(),
            key: problem.key,
            found: problem.found,
            expected: problem.expected,
        })?;
        Ok(manifest)
    }

    /// The output of this name.
    pub fn output(&self, name: &str) -> Option<&Output> {
        self.outputs.iter().find(|output| output.name == name)
    }
}
