//! What is known of a study from its images: facts of one instance, of a series, of the study.
//! Facts are read from headers; nothing here is inferred from pixels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Uid;
use crate::phi::{Demographics, PatientIdentifier};

/// Facts of one stored instance, as its header states them (PS3.3). Lengths in mm unless named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceFacts {
    pub sop_class_uid: Uid,
    pub sop_instance_uid: Uid,
    pub series_uid: Uid,
    pub study_uid: Uid,
    pub patient: Option<PatientIdentifier>,
    pub demographics: Demographics,
    pub accession: Option<String>,
    pub study_id: Option<String>,
    /// `YYYYMMDD` and `HHMMSS[.f]`, as sent.
    pub study_date: Option<String>,
    pub study_time: Option<String>,
    pub study_description: Option<String>,
    pub referring_physician: Option<crate::phi::Phi<String>>,
    pub modality: String,
    pub body_part: Option<String>,
    pub series_number: Option<i64>,
    pub series_description: Option<String>,
    pub protocol_name: Option<String>,
    pub manufacturer: Option<String>,
    pub device_model: Option<String>,
    pub station_name: Option<String>,
    /// Values of Image Type (0008,0008), e.g. `["ORIGINAL","PRIMARY","AXIAL"]`.
    pub image_type: Vec<String>,
    pub instance_number: Option<i64>,
    pub acquisition_number: Option<i64>,
    pub rows: u32,
    pub columns: u32,
    pub frames: u32,
    /// Row spacing, column spacing.
    pub pixel_spacing: Option<[f64; 2]>,
    pub slice_thickness: Option<f64>,
    /// Patient coordinates (LPS) of the centre of the first voxel.
    pub position: Option<[f64; 3]>,
    /// Direction cosines of a row and of a column.
    pub orientation: Option<[f64; 6]>,
    /// Degrees.
    pub gantry_tilt: Option<f64>,
    pub kvp: Option<f64>,
    pub kernel: Option<String>,
    pub contrast_agent: Option<String>,
    pub patient_age: Option<String>,
    pub patient_position: Option<String>,
    pub frame_of_reference_uid: Option<Uid>,
    pub photometric: Option<String>,
    pub has_pixels: bool,
}

/// Facts of one series. This is what eligibility expressions see as `series`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesFacts {
    pub series_uid: Uid,
    pub sop_class_uid: Uid,
    pub modality: String,
    /// Upper case, empty when the sender did not say.
    pub body_part: String,
    pub description: String,
    pub protocol: String,
    /// Image Type joined by backslashes, upper case.
    pub image_type: String,
    pub kernel: String,
    pub manufacturer: String,
    pub device_model: String,
    pub contrast: bool,
    pub kvp: Option<f64>,
    pub instances: u32,
    pub rows: u32,
    pub columns: u32,
    /// `axial`, `coronal`, `sagittal`, `oblique` or `unknown`, from the slice normal.
    pub plane: String,
    pub gantry_tilt_degrees: f64,
    pub slice_thickness_mm: Option<f64>,
    /// Median distance of neighbouring slices along the normal.
    pub slice_spacing_mm: Option<f64>,
    /// Distance from the first to the last slice plus one spacing.
    pub coverage_mm: Option<f64>,
    /// Rows × row spacing and columns × column spacing, the smaller.
    pub field_of_view_mm: Option<f64>,
    pub pixel_spacing_mm: Option<f64>,
    /// Slices that are missing between the first and the last, from the spacing.
    pub missing_slices: u32,
    /// Several slices at one position.
    pub duplicate_positions: u32,
    /// Orientation and spacing agree over all instances, and nothing is missing.
    pub gap_free: bool,
}

/// Facts of a study. This is what eligibility expressions and rules see as `study`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StudyFacts {
    pub study_uid: Uid,
    pub modality: String,
    pub description: String,
    pub body_part: String,
    pub sender_ae: String,
    pub instances: u32,
    pub series: Vec<SeriesFacts>,
    pub age_years: Option<i64>,
    pub sex: String,
    /// `linked`, `unmatched` or `conflict`.
    pub link: String,
    /// From the order; empty without one.
    pub procedure_code: String,
    pub procedure_text: String,
    /// HL7 patient class of PV1-2: `E`, `I`, `O`, … or empty.
    pub patient_class: String,
    pub location: String,
    /// What its modalities say of their work: `in_progress`, `completed`, `discontinued` where one of them gave up, or
    /// empty where none says anything.
    #[serde(default)]
    pub acquisition: String,
}
