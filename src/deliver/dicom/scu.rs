//! The requesting side of an association: propose, send, read each answer, release.

use std::time::Duration;

use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use dicom_ul::pdu::{
    AssociationRQ, Pdu, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, UserVariableItem,
};
use tocsin_domain::dimse::{self, Response};
use tocsin_domain::part10::{FileMeta, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::status::StoreStatus;
use super::wire::{MAX_PDU_BYTES, Wire};
use super::{DeliverError, DicomPeer};

const CONNECT: Duration = Duration::from_secs(10);
const ASSOCIATE: Duration = Duration::from_secs(30);
/// One PDU to be taken by the peer, or to come whole once it has begun.
const TRANSFER: Duration = Duration::from_secs(30);
/// For the answer to an instance: archives index before they answer.
const ANSWER: Duration = Duration::from_secs(60);
const RELEASE: Duration = Duration::from_secs(5);

const VERIFICATION: &str = "1.2.840.10008.1.1";
const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// A DICOM file taken apart.
struct Object<'a> {
    meta: FileMeta,
    data_set: &'a [u8],
}

/// An association that the peer accepted.
struct Association {
    wire: Wire,
    proposed: Vec<PresentationContextProposed>,
    results: Vec<PresentationContextResult>,
    peer_max_pdu: u32,
    next_message: u16,
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
    let mut association = Association::request(peer, contexts_for(&objects)?).await?;
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
    let mut association = Association::request(peer, proposed).await?;
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

fn context(id: u8, class: &str, syntaxes: &[&str]) -> PresentationContextProposed {
    PresentationContextProposed {
        id,
        abstract_syntax: class.to_owned(),
        transfer_syntaxes: syntaxes.iter().map(|&syntax| syntax.to_owned()).collect(),
    }
}

impl Association {
    async fn request(
        peer: &DicomPeer,
        proposed: Vec<PresentationContextProposed>,
    ) -> Result<Self, DeliverError> {
        let mut wire = Wire::new(connect(peer).await?, MAX_PDU_BYTES);
        let request = Pdu::AssociationRQ(AssociationRQ {
            protocol_version: 1,
            calling_ae_title: peer.our_ae.clone(),
            called_ae_title: peer.ae_title.clone(),
            application_context_name: APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: proposed.clone(),
            user_variables: vec![
                UserVariableItem::MaxLength(MAX_PDU_BYTES),
                UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
                UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
            ],
        });
        wire.send(&request, ASSOCIATE).await.map_err(DeliverError::Wire)?;
        match wire
            .receive(ASSOCIATE, TRANSFER)
            .await
            .map_err(DeliverError::Wire)?
        {
            Pdu::AssociationAC(answer) => {
                let max = answer.user_variables.iter().find_map(|item| match item {
                    UserVariableItem::MaxLength(max) => Some(*max),
                    _ => None,
                });
                Ok(Self {
                    wire,
                    proposed,
                    results: answer.presentation_contexts,
                    peer_max_pdu: max.unwrap_or(0),
                    next_message: 1,
                })
            }
            Pdu::AssociationRJ(answer) => Err(DeliverError::Rejected {
                result: answer.result,
                source_of_it: answer.source,
            }),
            Pdu::AbortRQ { .. } => Err(DeliverError::Aborted),
            Pdu::Unknown { .. }
            | Pdu::AssociationRQ(_)
            | Pdu::PData { .. }
            | Pdu::ReleaseRQ
            | Pdu::ReleaseRP => Err(DeliverError::Unexpected),
        }
    }

    /// The id of an accepted context for a class whose proposed transfer syntax fits.
    fn accepted(&self, class: &str, fits: impl Fn(&str) -> bool) -> Option<u8> {
        let accepted = |id| {
            self.results
                .iter()
                .any(|r| r.id == id && r.reason == PresentationContextResultReason::Acceptance)
        };
        let proposed = self.proposed.iter().find(|context| {
            context.abstract_syntax == class
                && accepted(context.id)
                && context.transfer_syntaxes.iter().any(|syntax| fits(syntax))
        });
        proposed.map(|context| context.id)
    }

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

    /// The response to one of our messages; what else the peer says in between is passed over.
    async fn answer(&mut self, message: u16) -> Result<Response, DeliverError> {
        let mut command = Vec::new();
        loop {
            let values = match self
                .wire
                .receive(ANSWER, TRANSFER)
                .await
                .map_err(DeliverError::Wire)?
            {
                Pdu::PData { data } => data,
                Pdu::AbortRQ { .. } => return Err(DeliverError::Aborted),
                Pdu::Unknown { .. }
                | Pdu::AssociationRQ(_)
                | Pdu::AssociationAC(_)
                | Pdu::AssociationRJ(_)
                | Pdu::ReleaseRQ
                | Pdu::ReleaseRP => return Err(DeliverError::Unexpected),
            };
            for value in values {
                command.extend_from_slice(&value.data);
                if command.len() > dimse::MAX_COMMAND_BYTES {
                    return Err(DeliverError::Answer(dimse::CommandError::TooLong));
                }
                if value.is_last {
                    let response =
                        Response::parse(&std::mem::take(&mut command)).map_err(DeliverError::Answer)?;
                    if response.head.message_id == message {
                        return Ok(response);
                    }
                }
            }
        }
    }

    fn number(&mut self) -> u16 {
        let message = self.next_message;
        self.next_message = message.checked_add(1).unwrap_or(1);
        message
    }

    /// Everything is answered already, so a peer that does not answer this changes nothing.
    async fn release(mut self) {
        if self.wire.send(&Pdu::ReleaseRQ, RELEASE).await.is_ok() {
            let _ = self.wire.receive(RELEASE, RELEASE).await;
        }
    }
}

async fn connect(peer: &DicomPeer) -> Result<TcpStream, DeliverError> {
    let (host, port) = (peer.host.clone(), peer.port);
    match timeout(CONNECT, TcpStream::connect((peer.host.as_str(), port))).await {
        Ok(Ok(socket)) => Ok(socket),
        Ok(Err(source)) => Err(DeliverError::Connect { host, port, source }),
        Err(_) => Err(DeliverError::ConnectTimeout {
            host,
            port,
            seconds: CONNECT.as_secs(),
        }),
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

/// An error and its causes in one line.
fn chain(error: &DeliverError) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
