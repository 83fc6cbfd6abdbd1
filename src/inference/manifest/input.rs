//! What a manifest says of the input: its tensor, and the operations from stored values to it. Shapes only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the network is fed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub kind: InputKind,
    /// Name of the input tensor.
    pub name: String,
    pub layout: Layout,
    /// Slices, images or windows per run.
    pub batch: usize,
    /// Applied in order; `crate::recipe` says which orders can run.
    pub operations: Vec<Operation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A stack of slices with geometry.
    Volume,
    /// Each image for itself, as in radiography: no place in the patient, and a distance of pixels only where the header
    /// states one. Low values are dark: MONOCHROME1 is turned (least + greatest − value).
    Image,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Layout {
    /// `f32 [slice, channel, row, column]`.
    #[serde(rename = "NCHW")]
    Nchw,
    /// `f32 [window, channel, slice, row, column]`; the last operation is `sliding_window`.
    #[serde(rename = "NCDHW")]
    Ncdhw,
}

/// One step between stored values and the tensor. `crate::grid` and `crate::channels` say what each computes.
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
    /// The whole image to rows × columns, whatever its spacing; what `letterbox` leaves over is `fill`.
    Resize {
        size: [usize; 2],
        plane: PlaneResampling,
        #[serde(default)]
        fit: Fit,
        #[serde(default)]
        fill: f32,
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
    /// These percentiles (0 to 100) of the source values of the volume or image to 0 and 1, clipped. Filled pixels do not
    /// count.
    Percentiles {
        range: [f32; 2],
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
    /// Windows of slices × rows × columns over the whole grid, neighbours sharing `overlap` of each side; their answers are
    /// blended before the activation. A grid smaller than a window lies in its middle, surrounded by `fill`, which is a value
    /// of the input tensor.
    SlidingWindow {
        size: [usize; 3],
        overlap: f64,
        blend: Blend,
        #[serde(default)]
        fill: f32,
    },
}

/// How an image is brought to another shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Rows and columns each for itself.
    #[default]
    Stretch,
    /// Both by the same factor, in the middle.
    Letterbox,
}

/// The weight of a place in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blend {
    /// The same everywhere.
    Mean,
    /// A bell about the middle; its deviation is an eighth of the side.
    Gaussian,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SliceResampling {
    /// Slabs of the asked thickness, each the mean of the slices in it weighted by their overlap.
    Box,
    /// Between the two neighbours, by distance.
    Linear,
    /// As they are.
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaneResampling {
    /// Between the four neighbours.
    Bilinear,
    /// The mean of what a pixel covers, where pixels become larger; else bilinear.
    Area,
}
