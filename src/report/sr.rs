//! The structured report: Comprehensive 3D SR, TID 1500, one per model run. Always preliminary, and unverified unless a
//! radiologist verified it; a negative and an undetermined result are reported as plainly as a positive one. Adds nothing to the record.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Evaluation, Finding, Lesion, Measurement, ModelRef};
use tocsin_domain::ids::Uid;

use super::content::{Item, Value};
use super::dataset::DataSet;
use super::modules::{common, procedure_code, references, request, sop_reference};
use super::uids::{self, ObjectKind};
use super::{Context, Object, ReportError, sr_codes as dcm, text};

pub const COMPREHENSIVE_3D_SR: &str = "1.2.840.10008.5.1.4.1.1.88.34";

/// The report as a Part 10 file.
pub fn structured_report(context: &Context) -> Result<Object, ReportError> {
    context.check()?;
    let record = context.record;
    let description = format!("AI {} report ({})", record.model.name, text::standing(record));
    let kind = ObjectKind::StructuredReport;
    let document = common(context, kind, COMPREHENSIVE_3D_SR, "SR", &description)
        .with(document_general(context))
        .with(coding_schemes())
        .with(tree(context).encode_root());
    Object::of(context, kind, COMPREHENSIVE_3D_SR, document)
}

fn document_general(context: &Context) -> DataSet {
    let record = context.record;
    let class = context.header.source.sop_class_uid.as_str();
    let instances = record
        .instance_uids
        .iter()
        .map(|uid| sop_reference(class, uid))
        .collect();
    let study = &context.header.study_uid;
    let general = DataSet::new()
        .sequence(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new())
        .text(tags::PRELIMINARY_FLAG, VR::CS, "PRELIMINARY")
        .text(tags::COMPLETION_FLAG, VR::CS, "COMPLETE")
        .with(verification(context))
        .sequence(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new())
        .sequence(
            tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            vec![references(study, &record.series_uid, instances)],
        );
    let general = match request(context) {
        Some(order) => general.sequence(tags::REFERENCED_REQUEST_SEQUENCE, vec![order]),
        None => general,
    };
    let Some(old) = context.predecessor else {
        return general;
    };
    let old = references(
        study,
        &old.series,
        vec![sop_reference(COMPREHENSIVE_3D_SR, &old.instance)],
    );
    general.sequence(tags::PREDECESSOR_DOCUMENTS_SEQUENCE, vec![old])
}

/// Verified by the radiologist where the site takes an agreement for that, and every finding has one (PS3.3 C.17.2).
fn verification(context: &Context) -> DataSet {
    let Some(verified) = context.record.verified_by() else {
        return DataSet::new().text(tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
    };
    let at = verified.at.with_timezone(&context.installation.offset);
    let name: String = verified.by.chars().filter(|c| !"\\^=".contains(*c)).collect();
    let observer = DataSet::new()
        .text(tags::VERIFYING_OBSERVER_NAME, VR::PN, &name)
        .text(tags::VERIFYING_ORGANIZATION, VR::LO, &context.installation.site)
        .text(
            tags::VERIFICATION_DATE_TIME,
            VR::DT,
            &at.format("%Y%m%d%H%M%S%z").to_string(),
        )
        .sequence(tags::VERIFYING_OBSERVER_IDENTIFICATION_CODE_SEQUENCE, Vec::new());
    DataSet::new()
        .text(tags::VERIFICATION_FLAG, VR::CS, "VERIFIED")
        .sequence(tags::VERIFYING_OBSERVER_SEQUENCE, vec![observer])
}

/// Who stands behind the designators that PS3.16 does not define.
fn coding_schemes() -> DataSet {
    let scheme = |designator: &str, name: &str, owner: &str| {
        DataSet::new()
            .text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, designator)
            .text(tags::CODING_SCHEME_NAME, VR::ST, name)
            .text(tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION, VR::ST, owner)
    };
    DataSet::new().sequence(
        tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE,
        vec![
            scheme("RADELEMENT", "RadElement common data elements", "RSNA and ACR"),
            scheme("99TOCSIN", "Concepts of Tocsin", "Tocsin"),
        ],
    )
}

fn tree(context: &Context) -> Item {
    let procedure =
        procedure_code(context).map(|code| Item::modifier(dcm::PROCEDURE_REPORTED, Value::Code(code)));
    Item::contains(dcm::MEASUREMENT_REPORT, Value::Container("1500"))
        .holding([Item::modifier(dcm::LANGUAGE, Value::Code(dcm::ENGLISH))])
        .holding(observer(context))
        .holding(procedure)
        .holding([image_library(context), measurements(context), remarks(context)])
}

/// TID 1004: the model, as installed here.
pub(super) fn observer(context: &Context) -> Vec<Item> {
    let model = &context.record.model;
    let serial = &context.installation.serial;
    let name = format!("{}@{}", model.name, context.installation.site);
    vec![
        Item::context(dcm::OBSERVER_TYPE, Value::Code(dcm::DEVICE)),
        Item::context(dcm::DEVICE_UID, Value::UidRef(uids::device(serial, model))),
        Item::context(dcm::DEVICE_NAME, Value::Text(name)),
        Item::context(dcm::DEVICE_MANUFACTURER, Value::Text(model.manufacturer.clone())),
        Item::context(dcm::DEVICE_MODEL, Value::Text(model.name.clone())),
        Item::context(dcm::DEVICE_SERIAL, Value::Text(serial.clone())),
    ]
}

/// TID 1600: every image that was read.
fn image_library(context: &Context) -> Item {
    let source = &context.header.source;
    let modality = Item::acquisition(dcm::MODALITY, Value::Code(dcm::modality(&source.modality)));
    let frame = source.frame_of_reference_uid.as_ref();
    let frame = frame.map(|uid| Item::acquisition(dcm::FRAME_OF_REFERENCE, Value::UidRef(uid.clone())));
    let images = context
        .record
        .instance_uids
        .iter()
        .map(|uid| image(context, dcm::SOURCE, uid));
    let group = Item::contains(dcm::LIBRARY_GROUP, Value::Heading)
        .holding([modality])
        .holding(frame)
        .holding(images);
    Item::contains(dcm::IMAGE_LIBRARY, Value::Container("1600")).holding([group])
}

fn image(context: &Context, concept: Code, instance: &Uid) -> Item {
    let value = Value::Image {
        sop_class: context.header.source.sop_class_uid.clone(),
        instance: instance.clone(),
    };
    Item::contains(concept, value)
}

fn measurements(context: &Context) -> Item {
    let record = context.record;
    let groups = record.findings.iter().flat_map(|finding| {
        let lesions = finding
            .lesions
            .iter()
            .map(|lesion| lesion_group(context, finding, lesion));
        std::iter::once(study_group(context, finding))
            .chain(lesions)
            .collect::<Vec<_>>()
    });
    Item::contains(dcm::IMAGING_MEASUREMENTS, Value::Heading)
        .holding(algorithm(&record.model, None))
        .holding(groups)
}

/// TID 1501 for the study as a whole.
fn study_group(context: &Context, finding: &Finding) -> Item {
    let model = &context.record.model;
    let name = format!("{}, whole study", finding.code.display);
    let uid = uids::tracking(&context.header.study_uid, model, &[&finding.code.code]);
    let certainty = finding.probability.map(certainty);
    group(name, uid, finding)
        .holding([site(&finding.site, &finding.site, None)])
        .holding(algorithm(model, Some(finding)))
        .holding(certainty)
        .holding(finding.measurements.iter().map(total))
        .holding(finding.evaluations.iter().map(evaluation))
        .holding(key_image(context, finding.key_instance.as_ref()))
        .holding([Item::contains(
            dcm::PRESENCE,
            Value::Code(finding.presence.code()),
        )])
}

/// TID 1501 for one lesion. Without a segmentation object there is no region to refer to, so no TID 1411.
fn lesion_group(context: &Context, finding: &Finding, lesion: &Lesion) -> Item {
    let model = &context.record.model;
    let number = lesion.number.to_string();
    let result = context.record.id.to_string();
    let name = format!("{}, lesion {number}", finding.code.display);
    let uid = uids::tracking(
        &context.header.study_uid,
        model,
        &[&finding.code.code, &result, &number],
    );
    group(name, uid, finding)
        .holding([site(&finding.site, &lesion.location, lesion.laterality.as_ref())])
        .holding(algorithm(model, None))
        .holding(lesion.measurements.iter().map(number_item))
        .holding(key_image(context, lesion.key_instance.as_ref()))
}

fn group(name: String, uid: Uid, finding: &Finding) -> Item {
    Item::contains(dcm::MEASUREMENT_GROUP, Value::Container("1501")).holding([
        Item::context(dcm::TRACKING_IDENTIFIER, Value::Text(name)),
        Item::context(dcm::TRACKING_UID, Value::UidRef(uid)),
        Item::contains(dcm::FINDING, Value::Code(finding.code.clone())),
    ])
}

/// A qualitative evaluation of TID 1501.
fn evaluation(told: &Evaluation) -> Item {
    Item::contains(told.code.clone(), Value::Code(told.value.clone()))
}

/// A place with a standard code is the site itself; a region of ours narrows the finding's own.
fn site(of_finding: &Code, place: &Code, laterality: Option<&Code>) -> Item {
    let (place, region) = match place.system.as_ref() {
        "99TOCSIN" => (of_finding, Some(place)),
        _ => (place, None),
    };
    Item::modifier(dcm::FINDING_SITE, Value::Code(place.clone()))
        .holding(laterality.map(|side| Item::modifier(dcm::LATERALITY, Value::Code(side.clone()))))
        .holding(region.map(|r| Item::modifier(dcm::TOPOGRAPHICAL_MODIFIER, Value::Code(r.clone()))))
}

fn total(measurement: &Measurement) -> Item {
    let item = number_item(measurement);
    match measurement.code.is(&code::VOLUME) {
        true => item.holding([Item::modifier(dcm::DERIVATION, Value::Code(dcm::TOTAL))]),
        false => item,
    }
}

fn number_item(measurement: &Measurement) -> Item {
    let value = Value::Number {
        value: measurement.value,
        unit: measurement.unit.clone(),
    };
    Item::contains(measurement.code.clone(), value)
}

/// Percent; only calibrated scores are probabilities, and only those reach the record.
fn certainty(probability: f64) -> Item {
    let value = Value::Number {
        value: probability * 100.0,
        unit: code::PERCENT,
    };
    Item::contains(code::CERTAINTY, value)
}

/// The image to look at, where the policy of the model lets any be shown.
fn key_image(context: &Context, instance: Option<&Uid>) -> Option<Item> {
    let shown = context.record.model.display_policy.shows_pictures();
    instance
        .filter(|_| shown)
        .map(|uid| image(context, dcm::SOURCE_OF_MEASUREMENT, uid))
}

/// TID 4019.
fn algorithm(model: &ModelRef, finding: Option<&Finding>) -> Vec<Item> {
    let mut parameters = vec![format!("model_sha256={}", model.sha256)];
    if let Some(finding) = finding {
        parameters.push(format!("operating_point={}", finding.operating_point));
        parameters.push(format!("above_operating_point={}", finding.flagged));
        if finding.probability.is_some() {
            parameters.push("score_semantics=P(present)".to_owned());
        }
    }
    let parameters = parameters
        .into_iter()
        .map(|p| Item::modifier(dcm::ALGORITHM_PARAMETERS, Value::Text(p)));
    let mut items = vec![
        Item::modifier(dcm::ALGORITHM_NAME, Value::Text(model.name.clone())),
        Item::modifier(dcm::ALGORITHM_VERSION, Value::Text(model.version.clone())),
    ];
    items.extend(parameters);
    items.push(Item::modifier(
        dcm::ALGORITHM_FAMILY,
        Value::Code(dcm::ARTIFICIAL_INTELLIGENCE),
    ));
    items
}

/// What a reader must know beside the numbers: that no radiologist read this, what the model is for, what limits it.
fn remarks(context: &Context) -> Item {
    let comments = text::remarks(context.record).into_iter();
    let comments = comments.map(|remark| Item::contains(dcm::COMMENT, Value::Text(remark)));
    Item::contains(dcm::QUALITATIVE_EVALUATIONS, Value::Heading).holding(comments)
}
