//! What is known of an ischaemic phantom because it was made so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ct::Made;
use super::super::head::Side;
use super::aspects::Region;
use super::spec::{Degree, IschaemiaFinding};

/// The content of `truth.json`; volume and slice are measured on the mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IschaemiaTruth {
    #[serde(flatten)]
    pub made: Made,
    /// Whether there is early ischaemic change.
    pub finding_present: bool,
    pub finding: IschaemiaFinding,
    /// The patient's side.
    pub side: Option<Side>,
    pub degree: Option<Degree>,
    pub regions: Vec<Region>,
    /// 10 less the number of affected regions.
    pub aspects: u8,
    /// Mean loss of density in the mask against the same head without ischaemia and noise, HU.
    pub mean_loss_hu: Option<f64>,
    pub volume_ml: f64,
    /// Index of the slice with the most ischaemic voxels.
    pub key_slice: Option<usize>,
    /// Density drawn for a visible clot in the artery's stem, HU.
    pub hyperdense_artery_hu: Option<f64>,
    pub midline_shift_mm: f64,
}
