//! Judges an association request: accept it with its presentation contexts, or reject it with the standard's reason.
//! Pure: who calls and how busy we are is told, the answer is a PDU and a sentence.

mod tables;

use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderASCEReason,
    AssociationRJServiceProviderPresentationReason, AssociationRJServiceUserReason, AssociationRJSource,
    AssociationRQ, PresentationContextProposed, PresentationContextResult, PresentationContextResultReason,
    RequestorRoles, UserVariableItem,
};
use tocsin_domain::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

use super::settings::{Caller, Rights, ScpLimits, ScpSettings};
use crate::deliver::dicom::association::IMPLICIT_LITTLE;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Roles {
    pub scu: bool,
    pub scp: bool,
}

impl Roles {
    /// Where nothing else was proposed: who asks for the association asks for the service.
    pub(super) const USUAL: Self = Self {
        scu: true,
        scp: false,
    };
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
        Rejection::Limit => busy(AssociationRJServiceProviderPresentationReason::TemporaryCongestion),
    };
    AssociationRJ { result, source }
}

/// What this caller is offered.
struct Offer<'a> {
    services: &'a [Service],
    rights: Rights,
}

impl Offer<'_> {
    fn judge(&self, proposed: &PresentationContextProposed) -> PresentationContextResult {
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
            Some(_) => &TRANSFER_SYNTAXES[..tables::PLAIN_SYNTAXES],
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
    fn agree(&self, item: &UserVariableItem) -> Option<(String, Roles)> {
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
    fn usual(&self, class: &str) -> Roles {
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

fn trim(uid: &str) -> &str {
    uid.trim_end_matches(['\0', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const EXPLICIT: &str = "1.2.840.10008.1.2.1";

    fn request(contexts: &[(&str, &[&str])]) -> AssociationRQ {
        let proposed = contexts
            .iter()
            .zip((1..).step_by(2))
            .map(|((class, syntaxes), id)| PresentationContextProposed {
                id,
                abstract_syntax: (*class).into(),
                transfer_syntaxes: syntaxes.iter().map(|s| (*s).into()).collect(),
            });
        AssociationRQ {
            protocol_version: 1,
            calling_ae_title: "CT1".into(),
            called_ae_title: "TOCSIN".into(),
            application_context_name: APPLICATION_CONTEXT.into(),
            presentation_contexts: proposed.collect(),
            user_variables: vec![],
        }
    }

    fn settings(ae_title: &str) -> ScpSettings {
        ScpSettings::new(ae_title, super::super::Accept::Peers(vec![]))
    }

    #[test]
    fn whoever_may_retrieve_is_offered_it_and_takes_objects_over_its_own_association() {
        let find = tocsin_domain::dimse::query::STUDY_ROOT_FIND;
        let mut rq = request(&[(find, &[IMPLICIT_LITTLE]), (CT, &[EXPLICIT])]);
        rq.user_variables = [(CT, false, true), (find, true, true)]
            .map(|(class, scu, scp)| {
                UserVariableItem::ScuScpRoleSelectionSubItem(class.into(), RequestorRoles { scu, scp })
            })
            .into();
        let judged = |rights| match decide(
            &rq,
            &settings("TOCSIN"),
            Caller::Known(rights),
            Load::default(),
            &SERVICES,
        ) {
            Decision::Accept { answer, contexts, .. } => (answer, contexts),
            Decision::Reject { reason, .. } => panic!("rejected: {reason}"),
        };
        let (_, contexts) = judged(Rights::SendAndRetrieve);
        let roles: Vec<_> = contexts
            .iter()
            .map(|c| (c.requester.scu, c.requester.scp))
            .collect();
        assert_eq!(roles, [(true, false), (false, true)]);
        let (answer, contexts) = judged(Rights::Send);
        assert_eq!(
            answer.presentation_contexts[0].reason.clone() as u8,
            1,
            "user rejection"
        );
        assert_eq!((contexts[0].id, contexts[0].requester.scp), (3, false));
    }

    #[test]
    fn contexts_are_judged_one_by_one_and_explicit_little_endian_comes_first() {
        let rq = request(&[
            (CT, &[IMPLICIT_LITTLE, "1.2.840.10008.1.2.4.90", EXPLICIT]),
            (VERIFICATION, &[IMPLICIT_LITTLE]),
            ("1.2.840.10008.5.1.4.1.2.2.1", &[IMPLICIT_LITTLE]),
            (CT, &["1.2.840.10008.1.2.4.94"]),
        ]);
        let Decision::Accept { answer, contexts, .. } = decide(
            &rq,
            &settings("TOCSIN"),
            Caller::Known(Rights::Send),
            Load::default(),
            &[],
        ) else {
            panic!("rejected");
        };
        let accepted: Vec<_> = contexts
            .iter()
            .map(|c| (c.id, c.transfer_syntax.as_str()))
            .collect();
        assert_eq!(accepted, [(1, EXPLICIT), (3, IMPLICIT_LITTLE)]);
        let reasons: Vec<_> = answer
            .presentation_contexts
            .iter()
            .map(|c| c.reason.clone() as u8)
            .collect();
        assert_eq!(reasons, [0, 0, 3, 4]);
    }

    #[test]
    fn a_rejection_says_why() {
        let limits = ScpLimits::default();
        let full = Load {
            all: limits.associations,
            of_peer: 1,
        };
        let greedy = Load {
            all: 30,
            of_peer: limits.associations_per_peer,
        };
        let quiet = Load::default();
        let table = [
            (
                "OTHER",
                Caller::Known(Rights::Send),
                quiet,
                Rejection::CalledTitle,
            ),
            ("TOCSIN", Caller::UnknownTitle, quiet, Rejection::CallingTitle),
            ("TOCSIN", Caller::WrongAddress, quiet, Rejection::CallingAddress),
            ("TOCSIN", Caller::Known(Rights::Send), full, Rejection::Limit),
            (
                "TOCSIN",
                Caller::Known(Rights::Send),
                greedy,
                Rejection::PeerLimit,
            ),
        ];
        for (title, caller, load, expected) in table {
            let settings = settings("TOCSIN");
            let request = AssociationRQ {
                called_ae_title: title.into(),
                ..request(&[])
            };
            let decision = decide(&request, &settings, caller, load, &[]);
            assert!(
                matches!(decision, Decision::Reject { reason, .. } if reason == expected),
                "{expected:?}"
            );
        }
    }

    #[test]
    fn storage_is_told_from_other_services() {
        let storage = [
            CT,
            "1.2.840.10008.5.1.4.1.1.88.34",
            "1.2.840.10008.5.1.1.29",
            "1.3.12.2.1107.5.9.1",
        ];
        let other = [
            "1.2.840.10008.1.20.1",
            "1.2.840.10008.1.3.10",
            "1.2.840.10008.5.1.4.31",
            VERIFICATION,
            "1.2.3",
        ];
        assert!(storage.iter().all(|class| is_storage(class)));
        assert!(!other.iter().any(|class| is_storage(class)));
    }
}
