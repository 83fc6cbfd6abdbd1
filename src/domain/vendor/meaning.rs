//! What a code of another vendor can mean to us: one of the findings that our rules know, a measurement, or a word on
//! presence. A site's configuration names them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::{self, Code};
use crate::finding::Presence;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    IntracranialHemorrhage,
    PulmonaryEmbolism,
    Pneumothorax,
    PulmonaryNodule,
    VesselOcclusion,
    IschemicStroke,
    Volume,
    LongAxis,
    ShortAxis,
    Diameter,
    Area,
    MidlineShift,
    Aspects,
    RvLvRatio,
    /// That the finding is present, as the product is sure of it: 0 to 1, or percent.
    Score,
    Present,
    Absent,
    Undetermined,
    /// The concept that asks for presence, absence or neither.
    Presence,
    /// Says nothing of the patient.
    Ignored,
}

/// A finding as our own models give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub code: Code,
    pub site: Code,
}

const LUNG: Code = Code::new("SCT", "39607008", "Lung");
const PLEURA: Code = Code::new("SCT", "3120008", "Pleura");
const PULMONARY_ARTERY: Code = Code::new("SCT", "81040000", "Pulmonary artery");
const CEREBRAL_ARTERY: Code = Code::new("SCT", "88556005", "Cerebral artery");
const MIDDLE_CEREBRAL: Code = Code::new("SCT", "17232002", "Middle cerebral artery");

impl Meaning {
    /// The finding, where it is one.
    pub fn finding(self) -> Option<Known> {
        let known = |code, site| Some(Known { code, site });
        match self {
            Self::IntracranialHemorrhage => known(code::INTRACRANIAL_HEMORRHAGE, code::BRAIN),
            Self::PulmonaryEmbolism => known(code::PULMONARY_EMBOLISM, PULMONARY_ARTERY),
            Self::Pneumothorax => known(code::PNEUMOTHORAX, PLEURA),
            Self::PulmonaryNodule => known(code::NODULE, LUNG),
            Self::VesselOcclusion => known(code::OCCLUSION, CEREBRAL_ARTERY),
            Self::IschemicStroke => known(code::ISCHEMIC_STROKE, MIDDLE_CEREBRAL),
            Self::Volume
            | Self::LongAxis
            | Self::ShortAxis
            | Self::Diameter
            | Self::Area
            | Self::MidlineShift
            | Self::Aspects
            | Self::RvLvRatio
            | Self::Score
            | Self::Present
            | Self::Absent
            | Self::Undetermined
            | Self::Presence
            | Self::Ignored => None,
        }
    }

    /// The measurement and the unit in which we keep it.
    pub fn measurement(self) -> Option<(Code, Code)> {
        match self {
            Self::Volume => Some((code::VOLUME, code::MILLILITER)),
            Self::LongAxis => Some((code::LONG_AXIS, code::MILLIMETER)),
            Self::ShortAxis => Some((code::SHORT_AXIS, code::MILLIMETER)),
            Self::Diameter => Some((code::DIAMETER, code::MILLIMETER)),
            Self::Area => Some((code::AREA, code::SQUARE_MILLIMETER)),
            Self::MidlineShift => Some((code::MIDLINE_SHIFT, code::MILLIMETER)),
            Self::Aspects => Some((code::ASPECTS, code::POINTS)),
            Self::RvLvRatio => Some((code::RV_LV_RATIO, code::RATIO)),
            Self::IntracranialHemorrhage
            | Self::PulmonaryEmbolism
            | Self::Pneumothorax
            | Self::PulmonaryNodule
            | Self::VesselOcclusion
            | Self::IschemicStroke
            | Self::Score
            | Self::Present
            | Self::Absent
            | Self::Undetermined
            | Self::Presence
            | Self::Ignored => None,
        }
    }

    pub fn presence(self) -> Option<Presence> {
        match self {
            Self::Present => Some(Presence::Present),
            Self::Absent => Some(Presence::Absent),
            Self::Undetermined => Some(Presence::Undetermined),
            Self::IntracranialHemorrhage
            | Self::PulmonaryEmbolism
            | Self::Pneumothorax
            | Self::PulmonaryNodule
            | Self::VesselOcclusion
            | Self::IschemicStroke
            | Self::Volume
            | Self::LongAxis
            | Self::ShortAxis
            | Self::Diameter
            | Self::Area
            | Self::MidlineShift
            | Self::Aspects
            | Self::RvLvRatio
            | Self::Score
            | Self::Presence
            | Self::Ignored => None,
        }
    }
}
