//! What a manifest says of how a result is shown: what becomes of masks and boxes, how a map is made of where a classifier looked,
//! and what the classes are that only help. Shapes only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CodeSpec;

/// What shows a reader why, as far as the display policy goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Explanation {
    /// The mask itself.
    Mask,
    /// The boxes of a detection, filled.
    Boxes,
    /// A map that the network answers with: tensor `f32 [slice, channel, row, column]` of any rows and columns, which are laid over
    /// the model's grid. What is below 0 counts as 0.
    Map {
        tensor: String,
        #[serde(default)]
        channel: usize,
    },
    /// A patch of one value is slid over a key slice; where it lowers the score, the model looked. Made after the result, of what
    /// is flagged, and never waited for.
    Occlusion {
        /// Places by rows and by columns.
        grid: [usize; 2],
        /// Side of the patch, as a share of the side of the model's grid; no less than one place.
        patch: f64,
        /// What the patch holds, in the values before channels are made: after windows and norms, but before `stack_windows`.
        value: f32,
    },
    /// Nothing is kept to be shown.
    None,
}

/// A class of a segmentation that no finding is read from, such as the anatomy that a measurement needs: with a code it is exported
/// with the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentSpec {
    pub output: String,
    pub class: String,
    /// Segmented Property Category and Type of DICOM (PS3.16 CID 7150 and 7151).
    pub category: CodeSpec,
    pub property: CodeSpec,
}
