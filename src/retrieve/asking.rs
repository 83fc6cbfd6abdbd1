//! An association in which one service is asked for: the context that was accepted for it, and its questions.

use dicom_object::InMemDicomObject;
use dicom_ul::pdu::{PresentationContextProposed, UserVariableItem};
use tocsin_domain::dimse::Response;

use super::RetrieveError;
use super::identifier;
use crate::deliver::dicom::association::{Association, EXPLICIT_LITTLE, IMPLICIT_LITTLE, context};
use crate::deliver::dicom::{DeliverError, DicomPeer};

/// An association with its service.
pub struct Asking {
    pub association: Association,
    pub context: u8,
    pub syntax: String,
}

/// A service of the query/retrieve class (PS3.4 C.6.2).
#[derive(Clone, Copy)]
pub struct Service {
    pub sop_class: &'static str,
    /// For people.
    pub name: &'static str,
}

impl Asking {
    /// `storage` and `roles` are proposed besides, for what comes back over the same association.
    pub async fn open(
        peer: &DicomPeer,
        service: Service,
        storage: Vec<PresentationContextProposed>,
        roles: Vec<UserVariableItem>,
    ) -> Result<Self, RetrieveError> {
        let mut proposed = vec![context(1, service.sop_class, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE])];
        proposed.extend(storage);
        let association = Association::request(peer, proposed, roles)
            .await
            .map_err(RetrieveError::Peer)?;
        let accepted = association.accepted(service.sop_class, |_| true);
        let Some(context) = accepted else {
            association.release().await;
            return Err(RetrieveError::NotServed(service.name));
        };
        let syntax = association
            .syntax_of(context)
            .unwrap_or(IMPLICIT_LITTLE)
            .to_owned();
        Ok(Self {
            association,
            context,
            syntax,
        })
    }

    /// Says a command with the data set that says what is asked for.
    pub async fn ask(&mut self, command: Vec<u8>, asked: &InMemDicomObject) -> Result<(), RetrieveError> {
        let bytes = identifier::encode(asked, &self.syntax)?;
        let said = self.association.say(self.context, command, Some(&bytes)).await;
        said.map_err(RetrieveError::Peer)
    }

    /// The data set that an answer brings, if it brings one.
    pub async fn data_of(&mut self, response: &Response) -> Result<Option<InMemDicomObject>, RetrieveError> {
        if !response.head.has_data_set {
            return Ok(None);
        }
        let limit = identifier::MAX_ANSWER_BYTES;
        let bytes = self
            .association
            .data_set(limit)
            .await
            .map_err(RetrieveError::Peer)?;
        identifier::decode(&bytes, &self.syntax).map(Some)
    }
}

/// What an answer says went wrong.
pub fn refused(service: Service, response: &Response) -> RetrieveError {
    RetrieveError::Status {
        service: service.name,
        status: response.status,
        // At most 64 characters of what every peer can show: it goes into rows and onto pages.
        comment: response
            .comment
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect(),
    }
}

/// A message that may not come here.
pub fn unexpected() -> RetrieveError {
    RetrieveError::Peer(DeliverError::Unexpected)
}
