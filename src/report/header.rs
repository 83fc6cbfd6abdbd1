//! What the outputs repeat of the study and of this installation, so that they file beside the images they speak of.
//! Values are copied as the source has them; identifiers are never shortened or completed.

use chrono::FixedOffset;
use tocsin_domain::ids::Uid;
use tocsin_domain::order::{EntityId, Procedure};
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};
use tocsin_domain::study::InstanceFacts;

/// Patient, study and request as the source study states them (PS3.3 patient, general study and request modules).
#[derive(Clone, Debug, PartialEq)]
pub struct StudyHeader {
    pub patient: Option<PatientIdentifier>,
    pub demographics: Demographics,
    pub study_uid: Uid,
    pub study_id: Option<String>,
    /// `YYYYMMDD`.
    pub study_date: Option<String>,
    /// `HHMMSS[.f]`.
    pub study_time: Option<String>,
    pub study_description: Option<String>,
    pub accession: Option<String>,
    pub referring_physician: Option<Phi<String>>,
    pub institution: Option<String>,
    /// The order, when one is linked.
    pub request: Option<Request>,
    pub source: SourceSeries,
}

impl StudyHeader {
    /// As one of its instances states it.
    pub fn of(facts: InstanceFacts, request: Option<Request>) -> Self {
        Self {
            patient: facts.patient,
            demographics: facts.demographics,
            study_uid: facts.study_uid,
            study_id: facts.study_id,
            study_date: facts.study_date,
            study_time: facts.study_time,
            study_description: facts.study_description,
            accession: facts.accession,
            referring_physician: facts.referring_physician,
            institution: None,
            request,
            source: SourceSeries {
                modality: facts.modality,
                sop_class_uid: facts.sop_class_uid,
                frame_of_reference_uid: facts.frame_of_reference_uid,
                body_part: facts.body_part,
                orientation: facts.orientation,
            },
        }
    }
}

/// The order that asked for the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub placer: Option<EntityId>,
    pub filler: Option<EntityId>,
    pub procedure: Procedure,
}

/// The series that was read; its UID and its instances stand in the result record.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSeries {
    pub modality: String,
    pub sop_class_uid: Uid,
    pub frame_of_reference_uid: Option<Uid>,
    pub body_part: Option<String>,
    /// Direction cosines of a row and of a column.
    pub orientation: Option<[f64; 6]>,
}

/// This installation, as the objects that it makes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The site's short name.
    pub site: String,
    /// Stable per installation; names the device that observed.
    pub serial: String,
    /// Offset of the site's wall clock when the result was produced.
    pub offset: FixedOffset,
}
