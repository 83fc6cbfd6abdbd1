//! Judges an association request: accept it with its presentation contexts, or reject it with the standard's reason.
//! Pure: who calls and how busy we are is told, the answer is a PDU and a sentence.

mod offer;
mod tables;

use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderASCEReason,
    AssociationRJServiceProviderPresentationReason, AssociationRJServiceUserReason, AssociationRJSource,
    AssociationRQ, PresentationContextResultReason, RequestorRoles, UserVariableItem,
};
use tocsin_domain::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

use super::settings::{Caller, Rights, ScpLimits, ScpSettings};
use offer::Offer;
pub(super) use offer::Roles;
pub(super) use tables::is_storage;
pub use tables::{
    Access, OTHER_STORAGE, PRIVATE_STORAGE, Part, SERVICES, STORAGE_ARC, Service, TRANSFER_SYNTAXES,
    VERIFICATION,
};

const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// How many associations there are, this one not counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    pub all: usize,
    pub of_peer: usize,
}

/// An accepted presentation context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub id: u8,
    pub abstract_syntax: String,
    pub transfer_syntax: String,
    /// What the peer may be in it, which asked for the association (PS3.7 D.3.3.4).
    pub requester: Roles,
}

#[derive(Debug)]
pub(super) enum Decision {
    Accept {
        answer: AssociationAC,
        contexts: Vec<Context>,
        /// Longest PDU that the peer takes; 0 where it sets no limit.
        peer_max_pdu: u32,
    },
    Reject {
        answer: AssociationRJ,
        reason: Rejection,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Rejection {
    #[error("protocol version 1 is not among those offered")]
    ProtocolVersion,
    #[error("the application context is not DICOM's")]
    ApplicationContext,
    #[error("the called AE title is not ours")]
    CalledTitle,
    #[error("the calling AE title is not among the peers")]
    CallingTitle,
    #[error("the calling AE title does not belong to this address")]
    CallingAddress,
    #[error("somebody has paused what comes from this peer")]
    Paused,
    #[error("the peer has as many associations as it may have")]
    PeerLimit,
    #[error("there are as many associations as there may be")]
    Limit,
}

/// Accepts or rejects a request. `services` are offered besides verification and storage.
pub(super) fn decide(
    rq: &AssociationRQ,
    settings: &ScpSettings,
    caller: Caller,
    load: Load,
    services: &[Service],
) -> Decision {
    let limits = &settings.limits;
    let rights = match objection(rq, &settings.ae_title, caller, load, limits) {
        Ok(rights) => rights,
        Err(reason) => {
            return Decision::Reject {
                answer: rejection(reason),
                reason,
            };
        }
    };
    let offer = Offer { services, rights };
    let results: Vec<_> = rq
        .presentation_contexts
        .iter()
        .map(|proposed| offer.judge(proposed))
        .collect();
    let roles: Vec<_> = rq
        .user_variables
        .iter()
        .filter_map(|item| offer.agree(item))
        .collect();
    let of_class = |class: &str| {
        let agreed = roles.iter().find(|(of, _)| of == class);
        agreed.map_or_else(|| offer.usual(class), |(_, roles)| *roles)
    };
    let contexts = rq
        .presentation_contexts
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.reason == PresentationContextResultReason::Acceptance)
        .map(|(proposed, result)| Context {
            id: result.id,
            abstract_syntax: trim(&proposed.abstract_syntax).to_owned(),
            transfer_syntax: result.transfer_syntax.clone(),
            requester: of_class(trim(&proposed.abstract_syntax)),
        });
    let contexts = contexts.collect();
    let mut user_variables = vec![
        UserVariableItem::MaxLength(limits.pdu_bytes),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.into()),
    ];
    user_variables.extend(roles.into_iter().map(|(class, Roles { scu, scp })| {
        UserVariableItem::ScuScpRoleSelectionSubItem(class, RequestorRoles { scu, scp })
    }));
    let peer_max_pdu = rq.user_variables.iter().find_map(|item| match item {
        UserVariableItem::MaxLength(max) => Some(*max),
        _ => None,
    });
    let answer = AssociationAC {
        protocol_version: 1,
        calling_ae_title: rq.calling_ae_title.clone(),
        called_ae_title: rq.called_ae_title.clone(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: results,
        user_variables,
    };
    Decision::Accept {
        answer,
        contexts,
        peer_max_pdu: peer_max_pdu.unwrap_or(0),
    }
}

/// What the caller may do, unless it may not come in.
fn objection(
    rq: &AssociationRQ,
    ae_title: &str,
    caller: Caller,
    load: Load,
    limits: &ScpLimits,
) -> Result<Rights, Rejection> {
    if rq.protocol_version & 1 == 0 {
        return Err(Rejection::ProtocolVersion);
    }
    if trim(&rq.application_context_name) != APPLICATION_CONTEXT {
        return Err(Rejection::ApplicationContext);
    }
    if rq.called_ae_title.trim() != ae_title {
        return Err(Rejection::CalledTitle);
    }
    let rights = match caller {
        Caller::Known(rights) => rights,
        Caller::Paused => return Err(Rejection::Paused),
        Caller::UnknownTitle => return Err(Rejection::CallingTitle),
        Caller::WrongAddress => return Err(Rejection::CallingAddress),
    };
    if load.of_peer >= limits.associations_per_peer {
        return Err(Rejection::PeerLimit);
    }
    match load.all >= limits.associations {
        true => Err(Rejection::Limit),
        false => Ok(rights),
    }
}

/// Result, source and reason of PS3.8 table 9-21.
fn rejection(reason: Rejection) -> AssociationRJ {
    let user = |reason| {
        (
            AssociationRJResult::Permanent,
            AssociationRJSource::ServiceUser(reason),
        )
    };
    let busy = |reason| {
        (
            AssociationRJResult::Transient,
            AssociationRJSource::ServiceProviderPresentation(reason),
        )
    };
    let (result, source) = match reason {
        Rejection::ProtocolVersion => (
            AssociationRJResult::Permanent,
            AssociationRJSource::ServiceProviderASCE(
                AssociationRJServiceProviderASCEReason::ProtocolVersionNotSupported,
            ),
        ),
        Rejection::ApplicationContext => {
            user(AssociationRJServiceUserReason::ApplicationContextNameNotSupported)
        }
        Rejection::CalledTitle => user(AssociationRJServiceUserReason::CalledAETitleNotRecognized),
        Rejection::CallingTitle | Rejection::CallingAddress => {
            user(AssociationRJServiceUserReason::CallingAETitleNotRecognized)
        }
        Rejection::PeerLimit => busy(AssociationRJServiceProviderPresentationReason::LocalLimitExceeded),
        Rejection::Limit | Rejection::Paused => {
            busy(AssociationRJServiceProviderPresentationReason::TemporaryCongestion)
        }
    };
    AssociationRJ { result, source }
}

fn trim(uid: &str) -> &str {
    uid.trim_end_matches(['\0', ' '])
}

#[cfg(test)]
mod tests;
