//! Storing objects elsewhere and asking whether somebody is there: propose, send, read each answer, release.

use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use dicom_ul::pdu::PresentationContextProposed;
use tocsin_domain::dimse;
use tocsin_domain::part10::FileMeta;

use super::association::{Association, EXPLICIT_LITTLE, IMPLICIT_LITTLE, TRANSFER, context};
use super::status::StoreStatus;
use super::{DeliverError, DicomPeer};
use crate::deliver::chain;

const VERIFICATION: &str = "1.2.840.10008.1.1";

/// A DICOM file taken apart.
struct Object<'a> {
    meta: FileMeta,
    data_set: &'a [u8],
}

/// Sends DICOM files over one association; a status for each, in their order. An error means that none was sent.
pub async fn store<B: AsRef<[u8]>>(peer: &DicomPeer, files: &[B]) -> Result<Vec<StoreStatus>, DeliverError> {
    let objects = files.iter().enumerate().map(|(index, file)| {
        let file = file.as_ref();
        let (meta, start) =
            FileMeta::read(file).map_err(|source| DeliverError::NotDicom { index, source })?;
        Ok(Object {
            meta,
            data_set: &file[start..],
        })
    });
    let objects: Vec<_> = objects.collect::<Result<_, DeliverError>>()?;
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let mut association = Association::request(peer, contexts_for(&objects)?, Vec::new()).await?;
    let mut statuses = Vec::with_capacity(objects.len());
    for object in &objects {
        match association.send(object).await {
            Ok(status) => statuses.push(status),
            Err(error) => {
                let unknown = StoreStatus::Unknown {
                    reason: chain(&error),
                };
                statuses.resize(objects.len(), unknown);
                return Ok(statuses);
            }
        }
    }
    association.release().await;
    Ok(statuses)
}

/// Asks whether the peer answers at all (C-ECHO).
pub async fn echo(peer: &DicomPeer) -> Result<(), DeliverError> {
    let proposed = vec![context(1, VERIFICATION, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE])];
    let mut association = Association::request(peer, proposed, Vec::new()).await?;
    if association.accepted(VERIFICATION, |_| true).is_none() {
        association.release().await;
        return Err(DeliverError::EchoNotAccepted);
    }
    let message = association.number();
    association
        .wire
        .send_command(1, dimse::echo_request(message), TRANSFER)
        .await
        .map_err(DeliverError::Wire)?;
    let answer = association.answer(message).await?;
    association.release().await;
    if answer.status == dimse::STATUS_SUCCESS {
        Ok(())
    } else {
        Err(DeliverError::EchoStatus(answer.status))
    }
}

/// A context for each kind of object, in its own encoding, and for plain ones a second one in implicit VR.
fn contexts_for(objects: &[Object<'_>]) -> Result<Vec<PresentationContextProposed>, DeliverError> {
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for object in objects {
        let (class, syntax) = (
            object.meta.sop_class.as_str(),
            object.meta.transfer_syntax.as_str(),
        );
        let plain = [(class, syntax), (class, IMPLICIT_LITTLE)];
        for kind in &plain[..if syntax == EXPLICIT_LITTLE { 2 } else { 1 }] {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
    }
    if kinds.len() > 128 {
        return Err(DeliverError::TooManyContexts);
    }
    let ids = (1..=u8::MAX).step_by(2);
    Ok(kinds
        .iter()
        .zip(ids)
        .map(|((class, syntax), id)| context(id, class, &[syntax]))
        .collect())
}

impl Association {
    async fn send(&mut self, object: &Object<'_>) -> Result<StoreStatus, DeliverError> {
        let (class, syntax) = (
            object.meta.sop_class.as_str(),
            object.meta.transfer_syntax.as_str(),
        );
        if let Some(context) = self.accepted(class, |offered| offered == syntax) {
            return self.exchange(context, object, object.data_set).await;
        }
        let implicit = self.accepted(class, |offered| offered == IMPLICIT_LITTLE);
        match implicit.zip(as_implicit(object)) {
            Some((context, data_set)) => self.exchange(context, object, &data_set).await,
            None => Ok(StoreStatus::NotAccepted),
        }
    }

    async fn exchange(
        &mut self,
        context: u8,
        object: &Object<'_>,
        data_set: &[u8],
    ) -> Result<StoreStatus, DeliverError> {
        let message = self.number();
        let (class, instance) = (object.meta.sop_class.as_str(), object.meta.sop_instance.as_str());
        let command = dimse::store_request(message, class, instance);
        self.wire
            .send_command(context, command, TRANSFER)
            .await
            .map_err(DeliverError::Wire)?;
        let sent = self
            .wire
            .send_data(context, data_set, self.peer_max_pdu, TRANSFER)
            .await;
        sent.map_err(DeliverError::Wire)?;
        let answer = self.answer(message).await?;
        Ok(StoreStatus::of(answer.status, answer.comment))
    }
}

/// An explicit little endian data set in implicit VR.
fn as_implicit(object: &Object<'_>) -> Option<Vec<u8>> {
    if object.meta.transfer_syntax.as_str() != EXPLICIT_LITTLE {
        return None;
    }
    let explicit = EXPLICIT_VR_LITTLE_ENDIAN.erased();
    let data_set = InMemDicomObject::read_dataset_with_ts(object.data_set, &explicit).ok()?;
    let mut bytes = Vec::with_capacity(object.data_set.len());
    data_set
        .write_dataset_with_ts(&mut bytes, &IMPLICIT_VR_LITTLE_ENDIAN.erased())
        .ok()?;
    Some(bytes)
}
