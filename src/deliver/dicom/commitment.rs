//! Asks an archive to keep an object safe (PS3.4 J.3.2). It says so when it knows, over an association of its own.

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use tocsin_domain::commitment::{PUSH_INSTANCE, PUSH_MODEL, REQUEST};
use tocsin_domain::dimse;
use tocsin_domain::dimse::normalized::action_request;

use super::association::{Association, EXPLICIT_LITTLE, IMPLICIT_LITTLE, context};
use super::{DeliverError, DicomPeer};

/// Returns when the archive has taken the question.
pub async fn ask_to_keep(
    peer: &DicomPeer,
    transaction: &str,
    sop_class: &str,
    sop_instance: &str,
) -> Result<(), DeliverError> {
    let proposed = vec![context(1, PUSH_MODEL, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE])];
    let mut association = Association::request(peer, proposed, Vec::new()).await?;
    let Some(context) = association.accepted(PUSH_MODEL, |_| true) else {
        association.release().await;
        return Err(DeliverError::CommitmentNotAccepted);
    };
    let syntax = match association.syntax_of(context) {
        Some(IMPLICIT_LITTLE) => IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Some(_) | None => EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    let mut asked = Vec::with_capacity(256);
    question(transaction, sop_class, sop_instance)
        .write_dataset_with_ts(&mut asked, &syntax)
        .map_err(|_| DeliverError::Unexpected)?;
    let message = association.number();
    let command = action_request(message, PUSH_MODEL, PUSH_INSTANCE, REQUEST);
    association.say(context, command, Some(&asked)).await?;
    let answer = association.answer(message).await?;
    association.release().await;
    match answer.status {
        dimse::STATUS_SUCCESS => Ok(()),
        status => Err(DeliverError::CommitmentStatus(status)),
    }
}

fn question(transaction: &str, sop_class: &str, sop_instance: &str) -> InMemDicomObject {
    let text = |tag: Tag, value: &str| DataElement::new(tag, VR::UI, PrimitiveValue::from(value));
    let mut object = InMemDicomObject::new_empty();
    object.put(text(tags::REFERENCED_SOP_CLASS_UID, sop_class));
    object.put(text(tags::REFERENCED_SOP_INSTANCE_UID, sop_instance));
    let mut question = InMemDicomObject::new_empty();
    question.put(text(tags::TRANSACTION_UID, transaction));
    question.put(DataElement::new(
        tags::REFERENCED_SOP_SEQUENCE,
        VR::SQ,
        DataSetSequence::from(vec![object]),
    ));
    question
}
