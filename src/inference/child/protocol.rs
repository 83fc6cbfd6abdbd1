//! What the service asks of its child process and what it answers. Data only. Names of patients never occur: instances are
//! named by ids of ours and by UIDs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tocsin_domain::admit::QualityReason;
use tocsin_domain::comparison::register::Foreground;
use tocsin_domain::explanation::{Explanation, KeySlice};
use tocsin_domain::finding::{Finding, ModelRef};
use tocsin_domain::ids::{InstanceId, Uid};

use super::super::boxes::Located;
use super::super::golden::GoldenReport;
use super::super::manifest::Urgency;
use super::super::onnx::{Fallback, Provider};

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceFile {
    pub id: InstanceId,
    pub path: PathBuf,
    /// Of the stored content; names it in the cache.
    pub sha256: String,
}

/// How a model is to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRequest {
    pub package: PathBuf,
    /// Hash of the manifest that was approved; another on disk is refused.
    pub content_hash: String,
    pub library: PathBuf,
    pub providers: Vec<Provider>,
    pub device_id: i32,
    /// A routine process gives way to urgent ones.
    pub urgency: Urgency,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Open a model, rehearse it and run its golden cases.
    Load(LoadRequest),
    /// Decode ahead and keep, as far as there is room.
    Prepare { files: Vec<SliceFile> },
    /// Read one series with a model that was loaded.
    Analyse {
        content_hash: String,
        files: Vec<SliceFile>,
    },
    /// Look again at one slice with a model that was loaded, for a map of where it looked.
    Explain {
        content_hash: String,
        files: Vec<SliceFile>,
        key: KeySlice,
    },
    /// Draw one frame.
    Picture(PictureRequest),
}

/// A frame as a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureRequest {
    pub file: SliceFile,
    /// 0-based.
    pub frame: u32,
    /// Centre and width; absent: the sender's own.
    pub window: Option<[f64; 2]>,
    pub form: PictureForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureForm {
    Png,
    /// `[row][column][red, green, blue]`.
    Rgb,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    Loaded(LoadReport),
    Prepared(Prepared),
    /// The attached bytes are the stored mask, if the model gives one.
    Analysed(Box<Analysis>),
    /// The attached bytes are the stored map (`heat`), empty where no place mattered.
    Explained,
    /// The attached bytes are the picture.
    Drawn {
        rows: usize,
        columns: usize,
    },
    Refused(Refusal),
}

/// Why a request was not done, and whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Refusal {
    /// The images: asking again gives the same answer.
    #[error("the images cannot be read: {reason}")]
    Images { reason: String },
    /// The images as well: they show what the model's manifest does not let it read.
    #[error("{}", texts(reasons))]
    Quality { reasons: Vec<QualityReason> },
    /// The model or its runtime.
    #[error("the model cannot be used: {reason}")]
    Model { reason: String },
}

fn texts(reasons: &[QualityReason]) -> String {
    reasons
        .iter()
        .map(|reason| reason.text.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    pub model: ModelRef,
    pub provider_used: Provider,
    /// What was asked for before it and did not work.
    pub fallbacks: Vec<Fallback>,
    pub library_version: String,
    pub golden: Vec<GoldenReport>,
    pub load_ms: u64,
    pub golden_ms: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    pub decoded: usize,
    /// Were there already.
    pub present: usize,
    /// No room in the cache.
    pub left_out: usize,
    pub failed: Vec<SliceFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceFailure {
    pub id: InstanceId,
    pub reason: String,
}

/// What one model says of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub model: ModelRef,
    pub provider_used: Provider,
    pub fallbacks: Vec<Fallback>,
    pub findings: Vec<Finding>,
    /// Conditions of the input that limit the result, in words.
    pub limitations: Vec<String>,
    /// What the bits of the stored mask mean, and which slices show the findings best.
    pub explanation: Explanation,
    pub series: SeriesRead,
    pub outputs: Vec<OutputSummary>,
    /// Where the body lies, for laying the images over others.
    #[serde(default)]
    pub foreground: Option<Foreground>,
    pub timing: Timing,
}

/// The series as it was read, feet to head; images in the order of their files, the first standing for the size of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesRead {
    pub instance_uids: Vec<Uid>,
    pub rows: usize,
    pub columns: usize,
    /// Row spacing, column spacing, mm.
    pub pixel_spacing: [f64; 2],
    /// Position of each slice along the normal, mm.
    pub offsets: Vec<f64>,
}

/// One class of one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputSummary {
    pub output: String,
    pub class: String,
    pub mean_score: f64,
    /// Of a segmentation of slices: its mask, nothing dropped.
    pub volume_ml: Option<f64>,
    /// Of a classification or regression; of a detection the best.
    pub score: Option<f32>,
    /// Slice of the series that holds most of the mask, or the best box.
    pub key_slice: Option<usize>,
    /// Of a detection, best first.
    pub boxes: Vec<Located>,
}

/// Where the time went, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Slices that were decoded for this request, and the time it took; the others were decoded ahead.
    pub decoded: usize,
    pub decode_ms: u64,
    /// Holding what the pixels show against the manifest.
    pub inspect_ms: u64,
    pub arrange_ms: u64,
    pub inference_ms: u64,
    pub quantify_ms: u64,
}
