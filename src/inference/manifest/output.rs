//! What a manifest says of the tensors that a network answers with. Shapes only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One tensor that the network answers with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Name of the tensor: `f32 [slice, class, row, column]` for a segmentation, with a further axis of slices before the
    /// rows in the layout NCDHW; the boxes of a detection; `[slice, class]` otherwise.
    pub name: String,
    pub kind: OutputKind,
    pub activation: Activation,
    /// Names of the classes, in the order of the tensor.
    pub classes: Vec<String>,
    /// Score from which a voxel belongs to the mask, a classification is positive, or a box is kept.
    pub threshold: f32,
    /// How slices, images or windows become a study; for `classification` and `regression`.
    pub aggregate: Option<Aggregate>,
    /// For `detection`.
    pub boxes: Option<Boxes>,
}

impl Output {
    /// The tensors that it is read from: its own, then scores, then labels.
    pub fn tensors(&self) -> Vec<&str> {
        let boxes = self.boxes.iter();
        let further = boxes.flat_map(|boxes| std::iter::once(&boxes.scores).chain(&boxes.labels));
        std::iter::once(&self.name)
            .chain(further)
            .map(String::as_str)
            .collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    Classification,
    Segmentation,
    Regression,
    Detection,
}

/// How the tensors of a detection are read: `f32 [slice, box, 4]`, or `[box, 4]` with a batch of 1, as for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Boxes {
    /// Tensor `f32 [slice, box]`; without `labels` also `[slice, box, class]`.
    pub scores: String,
    /// Tensor `int64`, `int32` or `f32 [slice, box]`; without it all boxes are of the one class, or have a score for each.
    pub labels: Option<String>,
    /// The label of the first of `classes`; boxes with a label below are background.
    #[serde(default)]
    pub first_label: i64,
    pub format: BoxFormat,
    pub unit: BoxUnit,
    /// Of two boxes of one class that share more than this of their union, the one with the lower score goes; absent where
    /// the network has seen to that.
    pub iou: Option<f32>,
    /// Boxes of one class on neighbouring slices that share at least this of the smaller are one lesion, shown by the best:
    /// what is round ends in small boxes.
    pub join_slices: Option<f32>,
    /// At most so many lesions of a class, the best first; the rest is counted among the limitations.
    pub max_boxes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoxFormat {
    /// Left, top, right, bottom.
    Xyxy,
    /// Column and row of the centre, width, height.
    Cxcywh,
}

/// Of the model's grid. Either way 0 is the outer edge of the first pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoxUnit {
    Pixels,
    /// 1 is the outer edge of the last pixel.
    Normalised,
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
