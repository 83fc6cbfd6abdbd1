//! What a manifest may ask to be measured on a mask, and what each word needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InputKind;

/// Classes that are read beside the one of the finding.
pub const LUNG: &str = "lung";
pub const RIGHT_VENTRICLE: &str = "right-ventricle";
pub const LEFT_VENTRICLE: &str = "left-ventricle";
pub const PULMONARY_ARTERY: &str = "pulmonary-artery";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    VolumePlanimetric,
    VolumeAbc2,
    LargestDiameter,
    Components,
    /// Of a head.
    MidlineShift,
    /// Of a hemorrhage.
    Location,
    /// Of pulmonary emboli: volume, clots by artery and side.
    ClotVolume,
    MostProximalVessel,
    /// Where an embolism is flagged, never without.
    RvLvRatio,
    /// Side and segment of an occluded artery of the head.
    OcclusionSegment,
    /// Score and affected regions of early ischaemia.
    Aspects,
    /// Of a pneumothorax on an erect frontal image: distances at apex and hilum, and between.
    PleuralDistance,
    Collins,
    Light,
    /// Mediastinal shift, depressed hemidiaphragm.
    TensionSigns,
    /// Of a nodule on a frontal image: long and short axis and their mean.
    NoduleDiameters,
    /// Of a sphere of the mean diameter.
    NoduleVolume,
    LungZone,
}

impl Measure {
    /// The kind of input that has it.
    pub fn input(self) -> InputKind {
        match self {
            Self::VolumePlanimetric
            | Self::VolumeAbc2
            | Self::LargestDiameter
            | Self::Components
            | Self::MidlineShift
            | Self::Location
            | Self::ClotVolume
            | Self::MostProximalVessel
            | Self::RvLvRatio
            | Self::OcclusionSegment
            | Self::Aspects => InputKind::Volume,
            Self::PleuralDistance
            | Self::Collins
            | Self::Light
            | Self::TensionSigns
            | Self::NoduleDiameters
            | Self::NoduleVolume
            | Self::LungZone => InputKind::Image,
        }
    }

    /// Classes that the output must have beside the one of the finding.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::VolumePlanimetric
            | Self::VolumeAbc2
            | Self::LargestDiameter
            | Self::Components
            | Self::MidlineShift
            | Self::Location
            | Self::ClotVolume
            | Self::OcclusionSegment
            | Self::Aspects
            | Self::NoduleDiameters
            | Self::NoduleVolume => &[],
            Self::MostProximalVessel => &[PULMONARY_ARTERY],
            Self::RvLvRatio => &[RIGHT_VENTRICLE, LEFT_VENTRICLE],
            Self::PleuralDistance | Self::Collins | Self::Light | Self::TensionSigns | Self::LungZone => {
                &[LUNG]
            }
        }
    }
}
