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
pub const PULMONARY_EMBOLISM: Code = Code::new("SCT", "59282003", "Pulmonary embolism");
pub const PNEUMOTHORAX: Code = Code::new("SCT", "36118008", "Pneumothorax");
pub const OCCLUSION: Code = Code::new("SCT", "26036001", "Occlusion");
pub const ISCHEMIC_STROKE: Code = Code::new("SCT", "422504002", "Ischemic stroke");
pub const NODULE: Code = Code::new("SCT", "27925004", "Nodule");

/// What a person does with a study that waits (DICOM CID 9231).
pub const INTERPRETATION: Code = Code::new("DCM", "110005", "Interpretation");

/// Why a procedure step ended without being done (DICOM CID 9300, 9301).
pub const DISCONTINUED_UNSPECIFIED: Code = Code::new("DCM", "110513", "Discontinued for unspecified reason");
pub const ORDER_CANCELED: Code = Code::new("DCM", "110500", "Doctor canceled procedure");

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
pub const LATERALITY: Code = Code::new("SCT", "272741003", "Laterality");
pub const UPPER_LUNG_ZONE: Code = Code::new("SCT", "281392002", "Upper zone of lung");
pub const TERMINAL_CAROTID: Code = Code::new("SCT", "415646005", "Terminal internal carotid artery");
pub const M1_SEGMENT: Code = Code::new("SCT", "414722000", "Middle cerebral artery M1 segment");
pub const M2_SEGMENT: Code = Code::new("SCT", "414723005", "Middle cerebral artery M2 segment");
pub const CAUDATE: Code = Code::new("SCT", "11000004", "Caudate nucleus");
pub const INTERNAL_CAPSULE: Code = Code::new("SCT", "85637007", "Internal capsule");
pub const INSULA: Code = Code::new("SCT", "36169008", "Insula");

/// Measurements.
pub const VOLUME: Code = Code::new("SCT", "118565006", "Volume");
pub const AREA: Code = Code::new("SCT", "42798000", "Area");
pub const LONG_AXIS: Code = Code::new("SCT", "103339001", "Long Axis");
pub const SHORT_AXIS: Code = Code::new("SCT", "103340004", "Short Axis");
pub const MIDLINE_SHIFT: Code = Code::new("RADELEMENT", "RDE165", "Midline shift");
pub const DIAMETER: Code = Code::new("SCT", "81827009", "Diameter");
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

/// Pulmonary embolism.
pub const MOST_PROXIMAL_VESSEL: Code =
    Code::new("99TOCSIN", "PROXIMALVESSEL", "Most proximal vessel with clot");
pub const CENTRAL_PULMONARY_ARTERY: Code = Code::new("99TOCSIN", "CENTRALPA", "Central pulmonary artery");
pub const LOBAR_PULMONARY_ARTERY: Code = Code::new("99TOCSIN", "LOBARPA", "Lobar pulmonary artery");
pub const SEGMENTAL_PULMONARY_ARTERY: Code =
    Code::new("99TOCSIN", "SEGMENTALPA", "Segmental pulmonary artery");
pub const SUBSEGMENTAL_PULMONARY_ARTERY: Code =
    Code::new("99TOCSIN", "SUBSEGMENTALPA", "Subsegmental pulmonary artery");
pub const RIGHT_VENTRICLE_WIDTH: Code = Code::new(
    "99TOCSIN",
    "RVWIDTH",
    "Width of the right ventricle across the septum",
);
pub const LEFT_VENTRICLE_WIDTH: Code = Code::new(
    "99TOCSIN",
    "LVWIDTH",
    "Width of the left ventricle across the septum",
);
pub const RV_LV_RATIO: Code = Code::new("99TOCSIN", "RVLV", "RV/LV diameter ratio");
pub const RIGHT_HEART_STRAIN: Code = Code::new("99TOCSIN", "RHSTRAIN", "RV/LV ratio of 1.0 or more");

/// Pneumothorax.
pub const PLEURAL_DISTANCE_APEX: Code = Code::new("99TOCSIN", "PLEURALAPEX", "Pleural distance at the apex");
pub const PLEURAL_DISTANCE_HILUM: Code =
    Code::new("99TOCSIN", "PLEURALHILUM", "Pleural distance at the hilum");
pub const PLEURAL_DISTANCE_UPPER: Code = Code::new(
    "99TOCSIN",
    "PLEURALUPPER",
    "Pleural distance at the middle of the upper half",
);
pub const PLEURAL_DISTANCE_LOWER: Code = Code::new(
    "99TOCSIN",
    "PLEURALLOWER",
    "Pleural distance at the middle of the lower half",
);
pub const COLLINS: Code = Code::new("99TOCSIN", "COLLINS", "Pneumothorax size after Collins");
pub const LIGHT: Code = Code::new("99TOCSIN", "LIGHT", "Pneumothorax size after Light");
pub const LARGE_BTS: Code = Code::new("99TOCSIN", "LARGEBTS", "Large by the BTS (2 cm at the hilum)");
pub const LARGE_ACCP: Code = Code::new("99TOCSIN", "LARGEACCP", "Large by the ACCP (3 cm at the apex)");
pub const MEDIASTINAL_SHIFT: Code = Code::new(
    "99TOCSIN",
    "MEDSHIFT",
    "Mediastinal shift away from the pneumothorax",
);
pub const DIAPHRAGM_DROP: Code = Code::new("99TOCSIN", "DIADROP", "Drop of the hemidiaphragm");
pub const TENSION_SIGN: Code = Code::new("99TOCSIN", "TENSIONSIGN", "Sign of tension");
pub const DEPRESSED_DIAPHRAGM: Code = Code::new("99TOCSIN", "DIADEPRESSED", "Depressed hemidiaphragm");

/// Pulmonary nodule.
pub const MEAN_DIAMETER: Code = Code::new("99TOCSIN", "MEANDIAMETER", "Mean diameter");
pub const VOLUME_SPHERE: Code = Code::new("99TOCSIN", "SPHERE", "Volume of a sphere of the mean diameter");
pub const LUNG_ZONE: Code = Code::new("99TOCSIN", "LUNGZONE", "Lung zone");
pub const MIDDLE_LUNG_ZONE: Code = Code::new("99TOCSIN", "MIDDLEZONE", "Middle zone of lung");
pub const LOWER_LUNG_ZONE: Code = Code::new("99TOCSIN", "LOWERZONE", "Lower zone of lung");

/// Stroke. The regions of ASPECTS that have no standard code are named by their place on the head's map.
pub const OCCLUDED_SEGMENT: Code = Code::new("99TOCSIN", "OCCLUDED", "Occluded segment");
pub const ASPECTS: Code = Code::new("99TOCSIN", "ASPECTS", "ASPECTS");
pub const ASPECTS_REGION: Code = Code::new("99TOCSIN", "ASPECTSREGION", "Affected region of ASPECTS");
pub const LENTIFORM: Code = Code::new("99TOCSIN", "LENTIFORM", "Lentiform nucleus");
pub const ASPECTS_M1: Code = Code::new("99TOCSIN", "ASPECTSM1", "Cortical region M1");
pub const ASPECTS_M2: Code = Code::new("99TOCSIN", "ASPECTSM2", "Cortical region M2");
pub const ASPECTS_M3: Code = Code::new("99TOCSIN", "ASPECTSM3", "Cortical region M3");
pub const ASPECTS_M4: Code = Code::new("99TOCSIN", "ASPECTSM4", "Cortical region M4");
pub const ASPECTS_M5: Code = Code::new("99TOCSIN", "ASPECTSM5", "Cortical region M5");
pub const ASPECTS_M6: Code = Code::new("99TOCSIN", "ASPECTSM6", "Cortical region M6");

/// Hemorrhage by place, for its volumes and the ICH score.
pub const INTRAPARENCHYMAL_VOLUME: Code = Code::new("99TOCSIN", "IPHVOL", "Intraparenchymal volume");
pub const INTRAVENTRICULAR_VOLUME: Code = Code::new("99TOCSIN", "IVHVOL", "Intraventricular volume");
pub const EXTRA_AXIAL_VOLUME: Code = Code::new("99TOCSIN", "EXTRAAXIALVOL", "Extra-axial volume");
pub const ICH_SCORE_IMAGE: Code = Code::new(
    "99TOCSIN",
    "ICHSCOREIMAGE",
    "ICH score points from the images (of 3)",
);

/// Units (UCUM).
pub const MILLILITER: Code = Code::new("UCUM", "mL", "milliliter");
pub const MILLIMETER: Code = Code::new("UCUM", "mm", "millimeter");
pub const SQUARE_MILLIMETER: Code = Code::new("UCUM", "mm2", "square millimeter");
pub const PERCENT: Code = Code::new("UCUM", "%", "percent");
pub const CUBIC_MILLIMETER: Code = Code::new("UCUM", "mm3", "cubic millimeter");
pub const RATIO: Code = Code::new("UCUM", "{ratio}", "ratio");
pub const POINTS: Code = Code::new("UCUM", "{score}", "points");
pub const COUNT: Code = Code::new("UCUM", "{count}", "count");
