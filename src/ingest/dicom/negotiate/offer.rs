//! What a caller is offered of each class that it proposes: whether, in which encoding, and who of both is what in it
//! (PS3.7 D.3.3.4).

use dicom_ul::pdu::{
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason, UserVariableItem,
};

use super::tables::{Access, Part, Service};
use super::tables::{PLAIN_SYNTAXES, TRANSFER_SYNTAXES, VERIFICATION, is_storage};
use super::{Rights, trim};
use crate::deliver::dicom::association::IMPLICIT_LITTLE;

/// What the peer may be that asked for the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest::dicom) struct Roles {
    pub scu: bool,
    pub scp: bool,
}

impl Roles {
    /// Where nothing else was proposed: who asks for the association asks for the service.
    pub(in crate::ingest::dicom) const USUAL: Self = Self {
        scu: true,
        scp: false,
    };
}

/// What this caller is offered.
pub(super) struct Offer<'a> {
    pub services: &'a [Service],
    pub rights: Rights,
}

impl Offer<'_> {
    pub(super) fn judge(&self, proposed: &PresentationContextProposed) -> PresentationContextResult {
        let refused = |reason| PresentationContextResult {
            id: proposed.id,
            reason,
            transfer_syntax: IMPLICIT_LITTLE.into(),
        };
        let class = trim(&proposed.abstract_syntax);
        let syntaxes = match self.service(class) {
            Some(service) if !self.may_use(service) => {
                return refused(PresentationContextResultReason::UserRejection);
            }
            Some(_) => &TRANSFER_SYNTAXES[..PLAIN_SYNTAXES],
            None if class == VERIFICATION || is_storage(class) => &TRANSFER_SYNTAXES[..],
            None => return refused(PresentationContextResultReason::AbstractSyntaxNotSupported),
        };
        let offered = |known: &&&str| {
            proposed
                .transfer_syntaxes
                .iter()
                .any(|syntax| trim(syntax) == **known)
        };
        match syntaxes.iter().find(offered) {
            Some(syntax) => PresentationContextResult {
                id: proposed.id,
                reason: PresentationContextResultReason::Acceptance,
                transfer_syntax: (*syntax).into(),
            },
            None => refused(PresentationContextResultReason::TransferSyntaxesNotSupported),
        }
    }

    /// A proposal of roles, as far as we take the other part.
    pub(super) fn agree(&self, item: &UserVariableItem) -> Option<(String, Roles)> {
        let UserVariableItem::ScuScpRoleSelectionSubItem(class, proposed) = item else {
            return None;
        };
        let class = trim(class);
        let (provides, uses) = match self.service(class) {
            Some(service) => (service.ours.provides(), service.ours.uses()),
            // Whoever may retrieve is sent objects over its own association.
            None if is_storage(class) => (true, !self.services.is_empty() && self.rights.may_retrieve()),
            None => (class == VERIFICATION, false),
        };
        let roles = Roles {
            scu: proposed.scu && provides,
            scp: proposed.scp && uses,
        };
        Some((class.to_owned(), roles))
    }

    /// Archives that report what they keep do not all say that they are the provider: nobody else would call for it.
    pub(super) fn usual(&self, class: &str) -> Roles {
        match self.service(class).map(|service| service.ours) {
            Some(Part::User) => Roles {
                scu: false,
                scp: true,
            },
            Some(Part::Provider) | None => Roles::USUAL,
        }
    }

    fn service(&self, class: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.class == class)
    }

    fn may_use(&self, service: &Service) -> bool {
        match service.access {
            Access::Everybody => true,
            Access::Retrievers => self.rights.may_retrieve(),
        }
    }
}
