//! The manifest of a model package: everything that a model needs to be admitted, fed, read, limited and checked, as data.
//! Parsing and validation only; it opens no file but the text it is given, and never runs a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use tocsin_domain::admit::{Eligibility, EligibilityRule, Quality};
use tocsin_domain::finding::DisplayPolicy;

use super::manifest_check::check;

/// Version of this format; a manifest states the one it was written for.
pub const SCHEMA: u32 = 1;

/// `models/<name>/manifest.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    pub identity: Identity,
    pub eligibility: Eligibility,
    #[serde(default)]
    pub quality: Quality,
    pub input: Input,
    pub outputs: Vec<Output>,
    pub findings: Vec<FindingSpec>,
    pub quantification: Option<Quantification>,
    pub explanation: Explanation,
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

/// What the network is fed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub kind: InputKind,
    /// Name of the input tensor.
    pub name: String,
    pub layout: Layout,
    /// Slices per run.
    pub batch: usize,
    /// Applied in order; `super::recipe` says which orders can run.
    pub operations: Vec<Operation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A stack of slices with geometry.
    Volume,
    /// Each image for itself.
    Image,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Layout {
    /// `f32 [slice, channel, row, column]`.
    #[serde(rename = "NCHW")]
    Nchw,
}

/// One step between stored values and the tensor. `super::grid` and `super::channels` say what each computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Stored values to Hounsfield units (PS3.3 C.11.1). Always first; done while decoding.
    ModalityLut,
    Clip {
        range: [f32; 2],
    },
    /// To this distance of slices, rows and columns, mm.
    Resample {
        spacing_mm: [f64; 3],
        slices: SliceResampling,
        plane: PlaneResampling,
    },
    /// The whole image to rows × columns, whatever its spacing.
    Resize {
        size: [usize; 2],
        plane: PlaneResampling,
    },
    /// Rows × columns about the centre of mass of what is brighter than `above`; outside the image `fill`.
    CropForeground {
        above: f32,
        size: [usize; 2],
        fill: f32,
    },
    /// Rows × columns about the centre of the image; outside the image `fill`.
    Pad {
        size: [usize; 2],
        fill: f32,
    },
    /// One channel: `[centre, width]` to 0..=1, clipped.
    Window {
        window: [f32; 2],
    },
    /// One channel per `[centre, width]`.
    StackWindows {
        windows: Vec<[f32; 2]>,
    },
    /// (value − low) / (high − low), with the volume's own extremes without a range.
    Minmax {
        range: Option<[f32; 2]>,
    },
    /// (value − mean) / deviation, with the volume's own figures where absent.
    Zscore {
        mean: Option<f32>,
        deviation: Option<f32>,
    },
    /// The channels of the slices k − count … k + count; the first and the last repeat at the ends.
    AdjacentSlices {
        count: usize,
    },
    /// The one channel three times.
    ToRgb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SliceResampling {
    /// Slabs of the asked thickness, each the mean of the slices in it weighted by their overlap.
    Box,
    /// As they are.
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaneResampling {
    Bilinear,
}

/// One tensor that the network answers with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Name of the tensor: `f32 [slice, class, row, column]` for a segmentation, `[slice, class]` otherwise.
    pub name: String,
    pub kind: OutputKind,
    pub activation: Activation,
    /// Names of the classes, in the order of the tensor.
    pub classes: Vec<String>,
    /// Score from which a voxel belongs to the mask, or a classification is positive.
    pub threshold: f32,
    /// How slices become a study; for `classification` and `regression`.
    pub aggregate: Option<Aggregate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    Classification,
    Segmentation,
    Regression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    None,
    Sigmoid,
    Softmax,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Aggregate {
    Max,
    TopKMean { k: usize },
    NoisyOr,
    Mean,
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

/// What is measured on which mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantification {
    pub output: String,
    pub measure: Vec<Measure>,
    /// Smaller components are dropped before anything is measured, mL.
    pub min_component_ml: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    VolumePlanimetric,
    VolumeAbc2,
    LargestDiameter,
    Components,
    MidlineShift,
    Location,
}

/// What shows a reader why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Explanation {
    /// The mask itself.
    Mask,
    None,
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
    /// Gzipped NumPy array `<i2 [slice, row, column]` of Hounsfield units, inside the package folder.
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
    /// Mean of the activated output over the model's grid.
    MeanScore,
    /// Aggregated score of a classification or regression.
    Score,
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
