//! What is known of a CT angiogram because it was made so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ct::Made;
use super::super::head::Side;
use super::variant::VariantAt;

/// Where an artery of the anterior circulation is occluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    IcaTerminus,
    M1Proximal,
    M1Distal,
    M2Upper,
    M2Lower,
}

/// The content of `truth.json`; volume and slice are measured on the mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CtaHeadTruth {
    #[serde(flatten)]
    pub made: Made,
    /// Whether an artery is occluded.
    pub finding_present: bool,
    pub segment: Option<Segment>,
    /// The patient's side.
    pub side: Option<Side>,
    /// Where the lumen ends, on its centre line: patient coordinates (LPS), mm.
    pub occlusion_mm: Option<[f64; 3]>,
    pub clot_hu: Option<f64>,
    /// Length of the clot along the artery; it may reach into the next segment.
    pub clot_mm: Option<f64>,
    /// How well the vessels behind fill, 0 not at all, 1 like the other side.
    pub collaterals: Option<f64>,
    /// Volume of the mask: the occluded segment from the occlusion to its next branching, mL.
    pub volume_ml: f64,
    /// Index of the slice with the most of it.
    pub key_slice: Option<usize>,
    /// Mean density of the arteries' lumen as drawn, HU.
    pub contrast_hu: f64,
    pub venous_hu: f64,
    /// What is unusual but no occlusion.
    pub variants: Vec<VariantAt>,
}
