//! Concept names of TID 1500 and the templates in it, as PS3.16 prints them. A table, nothing else.

use tocsin_domain::code::Code;

const fn dcm(code: &'static str, display: &'static str) -> Code {
    Code::new("DCM", code, display)
}

const fn sct(code: &'static str, display: &'static str) -> Code {
    Code::new("SCT", code, display)
}

pub const MEASUREMENT_REPORT: Code = dcm("126000", "Imaging Measurement Report");
pub const LANGUAGE: Code = dcm("121049", "Language of Content Item and Descendants");
pub const ENGLISH: Code = Code::new("RFC5646", "en-US", "English (United States)");
pub const PROCEDURE_REPORTED: Code = dcm("121058", "Procedure reported");

pub const OBSERVER_TYPE: Code = dcm("121005", "Observer Type");
pub const DEVICE: Code = dcm("121007", "Device");
pub const DEVICE_UID: Code = dcm("121012", "Device Observer UID");
pub const DEVICE_NAME: Code = dcm("121013", "Device Observer Name");
pub const DEVICE_MANUFACTURER: Code = dcm("121014", "Device Observer Manufacturer");
pub const DEVICE_MODEL: Code = dcm("121015", "Device Observer Model Name");
pub const DEVICE_SERIAL: Code = dcm("121016", "Device Observer Serial Number");

pub const IMAGE_LIBRARY: Code = dcm("111028", "Image Library");
pub const LIBRARY_GROUP: Code = dcm("126200", "Image Library Group");
pub const MODALITY: Code = dcm("121139", "Modality");
pub const FRAME_OF_REFERENCE: Code = dcm("112227", "Frame of Reference UID");
pub const SOURCE: Code = sct("260753009", "Source");

pub const IMAGING_MEASUREMENTS: Code = dcm("126010", "Imaging Measurements");
pub const MEASUREMENT_GROUP: Code = dcm("125007", "Measurement Group");
pub const TRACKING_IDENTIFIER: Code = dcm("112039", "Tracking Identifier");
pub const TRACKING_UID: Code = dcm("112040", "Tracking Unique Identifier");
pub const FINDING: Code = dcm("121071", "Finding");
pub const FINDING_SITE: Code = sct("363698007", "Finding Site");
pub const LATERALITY: Code = sct("272741003", "Laterality");
pub const TOPOGRAPHICAL_MODIFIER: Code = sct("106233006", "Topographical modifier");
pub const PRESENCE: Code = sct("705057003", "Presence");
pub const DERIVATION: Code = dcm("121401", "Derivation");
pub const TOTAL: Code = sct("255619001", "Total");
pub const SOURCE_OF_MEASUREMENT: Code = dcm("121112", "Source of Measurement");

pub const ALGORITHM_NAME: Code = dcm("111001", "Algorithm Name");
pub const ALGORITHM_VERSION: Code = dcm("111003", "Algorithm Version");
pub const ALGORITHM_PARAMETERS: Code = dcm("111002", "Algorithm Parameters");
pub const ALGORITHM_FAMILY: Code = dcm("111000", "Algorithm Family");
pub const ARTIFICIAL_INTELLIGENCE: Code = dcm("123110", "Artificial Intelligence");

pub const QUALITATIVE_EVALUATIONS: Code = Code::new("UMLS", "C0034375", "Qualitative Evaluations");
pub const COMMENT: Code = dcm("121106", "Comment");

/// CID 29 as far as models read images here; any other modality goes by its own abbreviation.
pub fn modality(term: &str) -> Code {
    match term {
        "CT" => dcm("CT", "Computed Tomography"),
        "MR" => dcm("MR", "Magnetic Resonance"),
        "CR" => dcm("CR", "Computed Radiography"),
        "DX" => dcm("DX", "Digital Radiography"),
        other => Code {
            system: "DCM".into(),
            code: other.to_owned().into(),
            display: other.to_owned().into(),
        },
    }
}
