//! Coded concepts: a code means nothing without the system that defines it.
//! The table holds what the outputs share; SNOMED CT codes are those that DICOM PS3.16 lists or the cited sources give.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A concept, with the designator of its coding scheme as DICOM PS3.16 chapter 8 writes it (`SCT`, `DCM`, `LN`, `UCUM`,
/// `RADELEMENT`, `99TOCSIN`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    pub system: Cow<'static, str>,
    pub code: Cow<'static, str>,
    pub display: Cow<'static, str>,
}

impl Code {
    pub const fn new(system: &'static str, code: &'static str, display: &'static str) -> Self {
        Self {
            system: Cow::Borrowed(system),
            code: Cow::Borrowed(code),
            display: Cow::Borrowed(display),
        }
    }

    /// The same concept, whatever either side calls it.
    pub fn is(&self, other: &Code) -> bool {
        self.system == other.system && self.code == other.code
    }
}

/// Findings.
pub const INTRACRANIAL_HEMORRHAGE: Code = Code::new("SCT", "1386000", "Intracranial hemorrhage");

/// Presence, DICOM CID 240.
pub const PRESENT: Code = Code::new("SCT", "52101004", "Present");
pub const ABSENT: Code = Code::new("SCT", "272519000", "Absent");
pub const UNDETERMINED: Code = Code::new("SCT", "373068000", "Undetermined");

/// Segmented Property Category, DICOM CID 7150.
pub const MORPHOLOGICALLY_ABNORMAL: Code = Code::new("SCT", "49755003", "Morphologically Abnormal Structure");
pub const ANATOMICAL_STRUCTURE: Code = Code::new("SCT", "123037004", "Anatomical Structure");

/// Anatomy.
pub const BRAIN: Code = Code::new("SCT", "12738006", "Brain");
pub const BRAIN_VENTRICLE: Code = Code::new("SCT", "35764002", "Brain ventricle");
pub const LEFT: Code = Code::new("SCT", "7771000", "Left");
pub const RIGHT: Code = Code::new("SCT", "24028007", "Right");
pub const BILATERAL: Code = Code::new("SCT", "51440002", "Bilateral");

/// Measurements.
pub const VOLUME: Code = Code::new("SCT", "118565006", "Volume");
pub const AREA: Code = Code::new("SCT", "42798000", "Area");
pub const LONG_AXIS: Code = Code::new("SCT", "103339001", "Long Axis");
pub const SHORT_AXIS: Code = Code::new("SCT", "103340004", "Short Axis");
pub const MIDLINE_SHIFT: Code = Code::new("RADELEMENT", "RDE165", "Midline shift");
pub const CERTAINTY: Code = Code::new("DCM", "111012", "Certainty of Finding");

/// Concepts without a verified standard code; the private designator begins with 99 (PS3.16 chapter 8).
pub const VOLUME_ABC2: Code = Code::new("99TOCSIN", "ABC2", "Volume by ABC/2");
pub const LARGEST_DIAMETER: Code = Code::new("99TOCSIN", "DIAMETER", "Largest axial diameter");
pub const COMPONENT_COUNT: Code = Code::new("99TOCSIN", "COMPONENTS", "Number of components");
pub const LARGEST_COMPONENT: Code = Code::new("99TOCSIN", "LARGESTVOL", "Volume of the largest component");
pub const DEEP: Code = Code::new("99TOCSIN", "DEEP", "Deep");
pub const LOBAR: Code = Code::new("99TOCSIN", "LOBAR", "Lobar");
pub const INFRATENTORIAL: Code = Code::new("99TOCSIN", "INFRATENTORIAL", "Infratentorial");
pub const EXTRA_AXIAL: Code = Code::new("99TOCSIN", "EXTRAAXIAL", "Extra-axial");

/// Units (UCUM).
pub const MILLILITER: Code = Code::new("UCUM", "mL", "milliliter");
pub const MILLIMETER: Code = Code::new("UCUM", "mm", "millimeter");
pub const SQUARE_MILLIMETER: Code = Code::new("UCUM", "mm2", "square millimeter");
pub const PERCENT: Code = Code::new("UCUM", "%", "percent");
pub const COUNT: Code = Code::new("UCUM", "{count}", "count");
