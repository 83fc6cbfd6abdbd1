//! Outputs rendered from one result record: DICOM objects, HL7 messages and words. Renderers add nothing to the record
//! and never speak as a radiologist: everything here is preliminary.

pub mod canvas;
pub mod changes;
pub mod comparison_text;
mod content;
mod dataset;
pub mod dicom_json;
pub mod fhir;
pub mod fhir_parts;
pub mod fhir_study;
pub mod fhircast;
pub mod header;
pub mod hl7_answer;
pub mod hl7_build;
pub mod hl7_charset;
pub mod hl7_context;
pub mod hl7_diff;
pub mod hl7_edit;
pub mod hl7_fields;
pub mod hl7_keys;
pub mod hl7_problem;
pub mod hl7_text;
pub mod hl7_tree;
pub mod kos;
mod modules;
pub mod narrative;
pub mod nmd;
pub mod orm;
pub mod oru;
pub mod oru_rejection;
pub mod outputs;
pub mod read_profile;
pub mod sc;
pub mod seg;
pub mod site_profile;
pub mod sr;
mod sr_codes;
pub mod sr_read;
pub mod sr_tree;
#[cfg(test)]
mod testing;
pub mod text;
pub mod uids;
pub mod work_item;

use chrono::{DateTime, FixedOffset};
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::Uid;

pub use canvas::RgbImage;
pub use dataset::decimal;
pub use header::{Installation, Request, SourceSeries, StudyHeader};
pub use kos::{SentObject, rejection};
pub use sc::{Drawn, KeyImage, key_image};
pub use seg::{MarkedSlice, MarkedSlices, Placed, segmentation};
pub use sr::structured_report;
pub use uids::{ObjectKind, ObjectUids};

/// Everything a renderer may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub record: &'a ResultRecord,
    pub header: &'a StudyHeader,
    pub installation: &'a Installation,
    /// 1 for the first result of this model on this study, then upward; the Instance Number.
    pub revision: u32,
    /// The report that this one replaces.
    pub predecessor: Option<&'a ObjectUids>,
}

/// A DICOM object ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    pub sop_class_uid: Uid,
    pub uids: ObjectUids,
    /// Part 10 file, Explicit VR Little Endian.
    pub bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("a withdrawn result is not reported; its objects are rejected instead")]
    Withdrawn,
    #[error("the result names no instance that was read, and a report must list its evidence")]
    NoEvidence,
    #[error("key instance {0} is not among the instances that were read")]
    ForeignInstance(Uid),
    #[error(
        "a key image needs 1 to 4096 rows and columns of three bytes; this one is {rows} × {columns} with {bytes} bytes"
    )]
    Image {
        rows: usize,
        columns: usize,
        bytes: usize,
    },
    #[error("the display policy or the operating point of the model keeps this back")]
    NotShown,
    #[error("the model marked nothing")]
    NothingMarked,
    #[error("the marks take {bytes} bytes, more than one object holds")]
    MarksTooLarge { bytes: usize },
    #[error("the marks do not fit the images that were read")]
    Shape,
    #[error("a UID of the object is not valid")]
    Uid(#[from] tocsin_domain::ids::UidError),
    #[error("the file meta group cannot be built")]
    Meta(#[source] Box<dicom_object::WithMetaError>),
    #[error("the object cannot be encoded")]
    Write(#[source] Box<dicom_object::WriteError>),
}

impl<'a> Context<'a> {
    fn uids(&self, kind: ObjectKind) -> ObjectUids {
        ObjectUids::of(kind, &self.header.study_uid, &self.record.model, self.record.id)
    }

    /// The wall clock of the site when the result was made.
    fn produced_at(&self) -> DateTime<FixedOffset> {
        self.record.produced_at.with_timezone(&self.installation.offset)
    }

    /// What no object may be made of.
    fn check(&self) -> Result<(), ReportError> {
        let record = self.record;
        match record.status {
            ResultStatus::Preliminary | ResultStatus::Corrected => {}
            ResultStatus::Withdrawn => return Err(ReportError::Withdrawn),
        }
        if record.instance_uids.is_empty() {
            return Err(ReportError::NoEvidence);
        }
        let lesions = record.findings.iter().flat_map(|f| &f.lesions);
        let keys = record.findings.iter().filter_map(|f| f.key_instance.as_ref());
        let foreign = keys
            .chain(lesions.filter_map(|l| l.key_instance.as_ref()))
            .find(|uid| !record.instance_uids.contains(uid));
        match foreign {
            Some(uid) => Err(ReportError::ForeignInstance(uid.clone())),
            None => Ok(()),
        }
    }
}

impl Object {
    fn of(
        context: &Context,
        kind: ObjectKind,
        class: &str,
        set: dataset::DataSet,
    ) -> Result<Self, ReportError> {
        Ok(Self {
            sop_class_uid: Uid::parse(class)?,
            uids: context.uids(kind),
            bytes: set.file()?,
        })
    }
}
