//! Key Object Selection that takes objects of a result back (TID 2010, "Rejected for Quality Reasons"): an archive that
//! follows IHE IOCM hides what it names. Names nothing that was not sent.

use dicom_dictionary_std::tags;
use tocsin_domain::code::Code;
use tocsin_domain::finding::ResultStatus;
use tocsin_domain::ids::Uid;

use super::content::{Item, Value};
use super::dataset::DataSet;
use super::modules::{common, request, sop_reference};
use super::sc::SECONDARY_CAPTURE;
use super::seg::SEGMENTATION_STORAGE;
use super::sr::{COMPREHENSIVE_3D_SR, observer};
use super::sr_read::KEY_OBJECT_SELECTION;
use super::uids::ObjectKind;
use super::{Context, Object, ReportError, sr_codes as dcm};

const REJECTED: Code = Code::new("DCM", "113001", "Rejected for Quality Reasons");
const TITLE_MODIFIER: Code = Code::new("DCM", "113011", "Document Title Modifier");
/// The reasons of CID 7011 are faults of images, but for this one.
const OTHER_FAILURE: Code = Code::new("DCM", "111220", "Other failure");
const DESCRIPTION: Code = Code::new("DCM", "113012", "Key Object Description");

/// An object that an archive has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentObject {
    pub kind: ObjectKind,
    pub series: Uid,
    pub instance: Uid,
}

/// The selection as a Part 10 file: what was sent of older results, taken back by the result of the context.
///
/// # Errors
/// Nothing to take back, which a selection cannot say.
pub fn rejection(context: &Context, sent: &[SentObject]) -> Result<Object, ReportError> {
    if sent.is_empty() {
        return Err(ReportError::NoEvidence);
    }
    let kind = ObjectKind::RejectionNote;
    let description = format!("AI {} result, taken back", context.record.model.name);
    let document = common(context, kind, KEY_OBJECT_SELECTION, "KO", &description)
        .with(general(context, sent))
        .with(tree(context, sent).encode_root());
    Object::of(context, kind, KEY_OBJECT_SELECTION, document)
}

fn general(context: &Context, sent: &[SentObject]) -> DataSet {
    let study = &context.header.study_uid;
    let mut all: Vec<&Uid> = Vec::new();
    for object in sent {
        if !all.contains(&&object.series) {
            all.push(&object.series);
        }
    }
    let series = all.into_iter().map(|uid| {
        let own = sent.iter().filter(|object| object.series == *uid);
        let instances = own.map(|object| sop_reference(class(object.kind), &object.instance));
        DataSet::new()
            .uid(tags::SERIES_INSTANCE_UID, uid)
            .sequence(tags::REFERENCED_SOP_SEQUENCE, instances.collect())
    });
    let evidence = DataSet::new()
        .uid(tags::STUDY_INSTANCE_UID, study)
        .sequence(tags::REFERENCED_SERIES_SEQUENCE, series.collect());
    let general = DataSet::new()
        .sequence(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new())
        .sequence(
            tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            vec![evidence],
        );
    match request(context) {
        Some(order) => general.sequence(tags::REFERENCED_REQUEST_SEQUENCE, vec![order]),
        None => general,
    }
}

fn tree(context: &Context, sent: &[SentObject]) -> Item {
    let why = match context.record.status {
        ResultStatus::Withdrawn => "The AI result was withdrawn. Do not use it.",
        ResultStatus::Preliminary | ResultStatus::Corrected => {
            "The AI result was replaced by a corrected one."
        }
    };
    Item::contains(REJECTED, Value::Container("2010"))
        .holding([
            Item::modifier(TITLE_MODIFIER, Value::Code(OTHER_FAILURE)),
            Item::modifier(dcm::LANGUAGE, Value::Code(dcm::ENGLISH)),
        ])
        .holding(observer(context))
        .holding([Item::contains(DESCRIPTION, Value::Text(why.to_owned()))])
        .holding(sent.iter().map(reference))
}

/// Items of a selection carry no concept name.
fn reference(object: &SentObject) -> Item {
    let (sop_class, instance) = (class(object.kind), object.instance.clone());
    Item::unnamed(match object.kind {
        ObjectKind::StructuredReport | ObjectKind::RejectionNote => Value::Composite { sop_class, instance },
        ObjectKind::KeyImage | ObjectKind::Segmentation => Value::Picture { sop_class, instance },
    })
}

fn class(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::StructuredReport => COMPREHENSIVE_3D_SR,
        ObjectKind::KeyImage => SECONDARY_CAPTURE,
        ObjectKind::Segmentation => SEGMENTATION_STORAGE,
        ObjectKind::RejectionNote => KEY_OBJECT_SELECTION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sr_read::{Document, read};
    use crate::testing::{bleed, header, installation, uid};

    #[test]
    fn what_was_sent_is_taken_back_and_nothing_else() {
        let mut record = bleed();
        (record.status, record.id) = (
            ResultStatus::Withdrawn,
            tocsin_domain::ids::ResultId(uuid::Uuid::from_u128(11)),
        );
        let context = Context {
            record: &record,
            header: &header(),
            installation: &installation(),
            revision: 2,
            predecessor: None,
        };
        let sent = [
            (ObjectKind::StructuredReport, "1.2.3"),
            (ObjectKind::Segmentation, "1.2.4"),
        ]
        .map(|(kind, instance)| SentObject {
            kind,
            series: uid(&format!("{instance}.9")),
            instance: uid(instance),
        });
        let object = rejection(&context, &sent).expect("a selection");
        let read = read(&object.bytes, chrono_tz::UTC, record.produced_at).expect("a document");
        assert_eq!(read, Document::Rejection(vec![uid("1.2.3"), uid("1.2.4")]));
        assert!(rejection(&context, &[]).is_err());
    }
}
