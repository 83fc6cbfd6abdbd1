//! The requesting side of an association: propose, take what is accepted, talk, release. What the peer says comes as
//! commands and data sets, each within a time and a length.

use std::collections::VecDeque;
use std::time::Duration;

use dicom_ul::pdu::{
    AbortRQServiceProviderReason, AssociationRQ, PDataValue, PDataValueType, Pdu,
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason,
    UserVariableItem,
};
use tocsin_domain::dimse::query::Command;
use tocsin_domain::dimse::{self, Response};
use tocsin_domain::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{MAX_PDU_BYTES, Wire};
use super::{DeliverError, DicomPeer};
use crate::deliver::channel::Channel;

const CONNECT: Duration = Duration::from_secs(10);
const ASSOCIATE: Duration = Duration::from_secs(30);
/// One PDU to be taken by the peer, or to come whole once it has begun.
pub const TRANSFER: Duration = Duration::from_secs(30);
/// For an answer: archives index before they answer, and look long for what lies far away.
const ANSWER: Duration = Duration::from_secs(60);
const RELEASE: Duration = Duration::from_secs(5);

pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// An association that the peer accepted.
pub struct Association {
    pub(super) wire: Wire,
    proposed: Vec<PresentationContextProposed>,
    results: Vec<PresentationContextResult>,
    pub(super) peer_max_pdu: u32,
    next_message: u16,
    /// What came and was not looked at yet.
    values: VecDeque<PDataValue>,
}

/// Proposes a class in one of these encodings.
pub fn context(id: u8, class: &str, syntaxes: &[&str]) -> PresentationContextProposed {
    PresentationContextProposed {
        id,
        abstract_syntax: class.to_owned(),
        transfer_syntaxes: syntaxes.iter().map(|&syntax| syntax.to_owned()).collect(),
    }
}

impl Association {
    /// `roles` are further items of the request, such as that we take objects ourselves (PS3.7 D.3.3.4).
    pub async fn request(
        peer: &DicomPeer,
        proposed: Vec<PresentationContextProposed>,
        roles: Vec<UserVariableItem>,
    ) -> Result<Self, DeliverError> {
        let mut wire = Wire::new(connect(peer).await?, MAX_PDU_BYTES);
        let mut user_variables = vec![
            UserVariableItem::MaxLength(MAX_PDU_BYTES),
            UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
            UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
        ];
        user_variables.extend(roles);
        let request = Pdu::AssociationRQ(AssociationRQ {
            protocol_version: 1,
            calling_ae_title: peer.our_ae.clone(),
            called_ae_title: peer.ae_title.clone(),
            application_context_name: APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: proposed.clone(),
            user_variables,
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
                    values: VecDeque::new(),
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
    pub fn accepted(&self, class: &str, fits: impl Fn(&str) -> bool) -> Option<u8> {
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

    /// The transfer syntax in which a context was accepted.
    pub fn syntax_of(&self, context: u8) -> Option<&str> {
        let found = self.results.iter().find(|result| result.id == context);
        found.map(|result| result.transfer_syntax.trim_end_matches(['\0', ' ']))
    }

    /// The class that was proposed under a context.
    pub fn class_of(&self, context: u8) -> Option<&str> {
        let found = self.proposed.iter().find(|proposed| proposed.id == context);
        found.map(|proposed| proposed.abstract_syntax.as_str())
    }

    /// Says a command, and the data set that belongs to it.
    pub async fn say(
        &mut self,
        context: u8,
        command: Vec<u8>,
        data_set: Option<&[u8]>,
    ) -> Result<(), DeliverError> {
        self.wire
            .send_command(context, command, TRANSFER)
            .await
            .map_err(DeliverError::Wire)?;
        let Some(data_set) = data_set else { return Ok(()) };
        self.wire
            .send_data(context, data_set, self.peer_max_pdu, TRANSFER)
            .await
            .map_err(DeliverError::Wire)
    }

    /// The next piece of a command or a data set.
    pub async fn value(&mut self) -> Result<PDataValue, DeliverError> {
        loop {
            if let Some(value) = self.values.pop_front() {
                return Ok(value);
            }
            match self
                .wire
                .receive(ANSWER, TRANSFER)
                .await
                .map_err(DeliverError::Wire)?
            {
                Pdu::PData { data } => self.values.extend(data),
                Pdu::AbortRQ { .. } => return Err(DeliverError::Aborted),
                Pdu::Unknown { .. }
                | Pdu::AssociationRQ(_)
                | Pdu::AssociationAC(_)
                | Pdu::AssociationRJ(_)
                | Pdu::ReleaseRQ
                | Pdu::ReleaseRP => return Err(DeliverError::Unexpected),
            }
        }
    }

    /// The next command, and the context in which it came.
    pub async fn command(&mut self) -> Result<(u8, Command), DeliverError> {
        let mut command = Vec::new();
        loop {
            let value = self.value().await?;
            if value.value_type != PDataValueType::Command {
                return Err(DeliverError::Unexpected);
            }
            command.extend_from_slice(&value.data);
            if command.len() > dimse::MAX_COMMAND_BYTES {
                return Err(DeliverError::Answer(dimse::CommandError::TooLong));
            }
            if value.is_last {
                let command = Command::parse(&command).map_err(DeliverError::Answer)?;
                return Ok((value.presentation_context_id, command));
            }
        }
    }

    /// The data set that belongs to the command before it.
    pub async fn data_set(&mut self, limit: usize) -> Result<Vec<u8>, DeliverError> {
        let mut bytes = Vec::new();
        loop {
            let value = self.value().await?;
            if value.value_type != PDataValueType::Data {
                return Err(DeliverError::Unexpected);
            }
            if bytes.len() + value.data.len() > limit {
                return Err(DeliverError::TooLong { limit });
            }
            bytes.extend_from_slice(&value.data);
            if value.is_last {
                return Ok(bytes);
            }
        }
    }

    /// The response to one of our messages; responses to others are passed over.
    pub(super) async fn answer(&mut self, message: u16) -> Result<Response, DeliverError> {
        loop {
            match self.command().await? {
                (_, Command::Response(response)) if response.head.message_id == message => {
                    return Ok(response);
                }
                (_, Command::Response(_)) => {}
                (_, Command::Request(_)) => return Err(DeliverError::Unexpected),
            }
        }
    }

    pub fn number(&mut self) -> u16 {
        let message = self.next_message;
        self.next_message = message.checked_add(1).unwrap_or(1);
        message
    }

    /// Everything is answered already, so a peer that does not answer this changes nothing.
    pub async fn release(mut self) {
        if self.wire.send(&Pdu::ReleaseRQ, RELEASE).await.is_ok() {
            let _ = self.wire.receive(RELEASE, RELEASE).await;
        }
    }

    /// Ends what the peer would not end.
    pub async fn abort(mut self) {
        let reason = AbortRQServiceProviderReason::ReasonNotSpecified;
        self.wire.abort(reason, RELEASE).await;
    }
}

async fn connect(peer: &DicomPeer) -> Result<Channel, DeliverError> {
    let (host, port) = (peer.host.clone(), peer.port);
    let socket = match timeout(CONNECT, TcpStream::connect((peer.host.as_str(), port))).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(source)) => return Err(DeliverError::Connect { host, port, source }),
        Err(_) => {
            let seconds = CONNECT.as_secs();
            return Err(DeliverError::ConnectTimeout { host, port, seconds });
        }
    };
    match &peer.tls {
        Some(tls) => tls
            .connect(socket, &peer.host)
            .await
            .map_err(|source| DeliverError::Tls { host, port, source }),
        None => Ok(Channel::Plain(socket)),
    }
}
