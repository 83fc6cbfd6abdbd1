//! Storing objects elsewhere and asking whether somebody is there: propose, send, read each answer, release.

use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use dicom_ul::pdu::PresentationContextProposed;
use tocsin_domain::dimse::{self, Originator};
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

impl<'a> Object<'a> {
    fn read(file: &'a [u8], index: usize) -> Result<Self, DeliverError> {
        let (meta, start) =
            FileMeta::read(file).map_err(|source| DeliverError::NotDicom { index, source })?;
        Ok(Self {
            meta,
            data_set: &file[start..],
        })
    }
}

/// Sends DICOM files over one association; a status for each, in their order. An error means that none was sent.
pub async fn store<B: AsRef<[u8]>>(peer: &DicomPeer, files: &[B]) -> Result<Vec<StoreStatus>, DeliverError> {
    let objects = files
        .iter()
        .enumerate()
        .map(|(index, file)| Object::read(file.as_ref(), index));
    let objects: Vec<_> = objects.collect::<Result<_, DeliverError>>()?;
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<_> = objects
        .iter()
        .map(|object| {
            (
                object.meta.sop_class.as_str(),
                object.meta.transfer_syntax.as_str(),
            )
        })
        .collect();
    let mut sender = Sender::open(peer, &kinds).await?;
    let mut statuses = Vec::with_capacity(objects.len());
    for object in &objects {
        match sender.association.send(object, None).await {
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
    sender.close().await;
    Ok(statuses)
}

/// An association over which objects are sent one after another.
pub struct Sender {
    association: Association,
}

impl Sender {
    /// For objects of these classes and encodings.
    pub async fn open(peer: &DicomPeer, kinds: &[(&str, &str)]) -> Result<Self, DeliverError> {
        let association = Association::request(peer, contexts_for(kinds)?, Vec::new()).await?;
        Ok(Self { association })
    }

    /// Sends a DICOM file. After an error nothing more can be sent.
    pub async fn send(
        &mut self,
        file: &[u8],
        originator: Option<&Originator>,
    ) -> Result<StoreStatus, DeliverError> {
        let object = Object::read(file, 0)?;
        self.association.send(&object, originator).await
    }

    pub async fn close(self) {
        self.association.release().await;
    }
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

/// A context for each kind of object, in its own encoding, and for plain ones a second one in the other plain encoding.
fn contexts_for(wanted: &[(&str, &str)]) -> Result<Vec<PresentationContextProposed>, DeliverError> {
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for (class, syntax) in wanted {
        let other = other_plain(syntax).map(|other| (*class, other));
        for kind in std::iter::once((*class, *syntax)).chain(other) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
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
    async fn send(
        &mut self,
        object: &Object<'_>,
        originator: Option<&Originator>,
    ) -> Result<StoreStatus, DeliverError> {
        let (class, syntax) = (
            object.meta.sop_class.as_str(),
            object.meta.transfer_syntax.as_str(),
        );
        if let Some(context) = self.accepted(class, |offered| offered == syntax) {
            return self.exchange(context, object, object.data_set, originator).await;
        }
        let other = other_plain(syntax).and_then(|other| {
            let context = self.accepted(class, |offered| offered == other)?;
            Some((context, reencoded(object.data_set, syntax, other)?))
        });
        match other {
            Some((context, data_set)) => self.exchange(context, object, &data_set, originator).await,
            None => Ok(StoreStatus::NotAccepted),
        }
    }

    async fn exchange(
        &mut self,
        context: u8,
        object: &Object<'_>,
        data_set: &[u8],
        originator: Option<&Originator>,
    ) -> Result<StoreStatus, DeliverError> {
        let message = self.number();
        let (class, instance) = (object.meta.sop_class.as_str(), object.meta.sop_instance.as_str());
        let command = dimse::store_request(message, class, instance, originator);
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

/// The other of the two encodings that every peer knows.
fn other_plain(syntax: &str) -> Option<&'static str> {
    match syntax {
        EXPLICIT_LITTLE => Some(IMPLICIT_LITTLE),
        IMPLICIT_LITTLE => Some(EXPLICIT_LITTLE),
        _ => None,
    }
}

/// The same values in the other of these two encodings; `None` of any other, and where they cannot be read.
pub fn reencoded(data_set: &[u8], from: &str, to: &str) -> Option<Vec<u8>> {
    let plain = |syntax: &str| match syntax {
        EXPLICIT_LITTLE => Some(EXPLICIT_VR_LITTLE_ENDIAN.erased()),
        IMPLICIT_LITTLE => Some(IMPLICIT_VR_LITTLE_ENDIAN.erased()),
        _ => None,
    };
    let read = InMemDicomObject::read_dataset_with_ts(data_set, &plain(from)?).ok()?;
    let mut bytes = Vec::with_capacity(data_set.len());
    read.write_dataset_with_ts(&mut bytes, &plain(to)?).ok()?;
    Some(bytes)
}
