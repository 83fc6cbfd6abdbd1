//! What can be found on a chest radiograph of the phantom, and what can be mistaken for it. Names only; each is drawn
//! elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A side of the patient. The image shows the patient's right on its left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChestSide {
    Right,
    Left,
}

impl ChestSide {
    pub const BOTH: [Self; 2] = [Self::Right, Self::Left];

    /// Direction of the side in the image.
    pub(super) fn sign(self) -> f32 {
        match self {
            Self::Right => -1.0,
            Self::Left => 1.0,
        }
    }

    pub(super) fn index(self) -> usize {
        match self {
            Self::Right => 0,
            Self::Left => 1,
        }
    }
}

/// A third of the height of a lung field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    Upper,
    Middle,
    Lower,
}

/// How the border of a nodule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoduleEdge {
    Sharp,
    IllDefined,
}

/// A pneumothorax to be made. Distances are between the pleurae, in the image at its pixel spacing, cm. `None` means: as
/// the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct PneumothoraxSpec {
    pub side: Option<ChestSide>,
    pub apex_cm: f64,
    /// At the middle of the upper and of the lower half of the lung.
    pub mid_upper_cm: Option<f64>,
    pub mid_lower_cm: Option<f64>,
    /// Pushes the mediastinum away and the diaphragm down.
    pub tension: bool,
}

impl PneumothoraxSpec {
    pub fn new(apex_cm: f64) -> Self {
        Self {
            side: None,
            apex_cm,
            mid_upper_cm: None,
            mid_lower_cm: None,
            tension: false,
        }
    }
}

/// A nodule to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NoduleSpec {
    /// In the image at its pixel spacing, mm.
    pub diameter_mm: f64,
    pub side: Option<ChestSide>,
    pub zone: Option<Zone>,
    pub edge: Option<NoduleEdge>,
    /// Density against soft tissue, 0..1; above 1 it holds calcium.
    pub density: Option<f64>,
}

impl NoduleSpec {
    pub fn new(diameter_mm: f64) -> Self {
        Self {
            diameter_mm,
            side: None,
            zone: None,
            edge: None,
            density: None,
        }
    }
}

/// What is no finding of ours but can look like one, or hide one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distractor {
    /// A step of density without a line, vessels beyond it.
    SkinFold,
    /// The shoulder blade's inner border over the lung.
    ScapularEdge,
    EcgLeads,
    CentralLine,
    EndotrachealTube,
    GastricTube,
    Pacemaker,
    /// A thin-walled air space in an upper lobe.
    Bulla,
    ApicalCap,
    NippleShadows,
    /// A small dense calcified nodule, which is not in the mask.
    CalcifiedGranuloma,
    /// The patient is turned about the long axis.
    Rotation,
    /// A costophrenic angle lies outside the image.
    ClippedAngle,
    Overexposure,
    Underexposure,
}

impl Distractor {
    pub const ALL: [Self; 15] = [
        Self::SkinFold,
        Self::ScapularEdge,
        Self::EcgLeads,
        Self::CentralLine,
        Self::EndotrachealTube,
        Self::GastricTube,
        Self::Pacemaker,
        Self::Bulla,
        Self::ApicalCap,
        Self::NippleShadows,
        Self::CalcifiedGranuloma,
        Self::Rotation,
        Self::ClippedAngle,
        Self::Overexposure,
        Self::Underexposure,
    ];
}
