//! Judges an association request: accept it with its presentation contexts, or reject it with the standard's reason.
//! Pure: who calls and how busy we are is told, the answer is a PDU and a sentence.

use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderASCEReason,
    AssociationRJServiceProviderPresentationReason, AssociationRJServiceUserReason, AssociationRJSource,
    AssociationRQ, PresentationContextProposed, PresentationContextResult, PresentationContextResultReason,
    UserVariableItem,
};
use tocsin_domain::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

use super::settings::{Caller, ScpLimits};

const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
/// Every storage SOP class of the standard for composite objects is in here, also those of editions to come.
pub const STORAGE_ARC: &str = "1.2.840.10008.5.1.4.1.1.";

/// Storage classes of the standard elsewhere: retired hard copy and stored print, delivery instructions, hanging protocols,
/// palettes and implant templates.
pub const OTHER_STORAGE: [&str; 11] = [
    "1.2.840.10008.5.1.1.27",
    "1.2.840.10008.5.1.1.29",
    "1.2.840.10008.5.1.1.30",
    "1.2.840.10008.5.1.4.34.1",
    "1.2.840.10008.5.1.4.34.7",
    "1.2.840.10008.5.1.4.34.10",
    "1.2.840.10008.5.1.4.38.1",
    "1.2.840.10008.5.1.4.39.1",
    "1.2.840.10008.5.1.4.43.1",
    "1.2.840.10008.5.1.4.44.1",
    "1.2.840.10008.5.1.4.45.1",
];

/// Storage classes of manufacturers that archives commonly take.
pub const PRIVATE_STORAGE: [&str; 15] = [
    "1.2.392.200036.9116.7.8.1.1.1",
    "1.2.840.113619.4.2",
    "1.2.840.113619.4.3",
    "1.2.840.113619.4.26",
    "1.2.840.113619.4.27",
    "1.2.840.113619.4.30",
    "1.3.12.2.1107.5.9.1",
    "1.3.12.2.1107.5.99.3.10",
    "1.3.12.2.1107.5.99.3.11",
    "1.3.46.670589.2.3.1.1",
    "1.3.46.670589.2.4.1.1",
    "1.3.46.670589.5.0.1",
    "1.3.46.670589.5.0.1.1",
    "1.3.46.670589.5.0.10",
    "1.3.46.670589.11.0.0.12.2",
];

/// Transfer syntaxes in the order in which we prefer them. Bytes are stored as received, so what cannot be decoded here is
/// taken too; those that only point to pixels elsewhere are not.
pub const TRANSFER_SYNTAXES: [&str; 44] = [
    "1.2.840.10008.1.2.1",
    IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.52",
    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.54",
    "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.56",
    "1.2.840.10008.1.2.4.58",
    "1.2.840.10008.1.2.4.59",
    "1.2.840.10008.1.2.4.60",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.8.1",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.100.1",
    "1.2.840.10008.1.2.4.101",
    "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.102.1",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104",
    "1.2.840.10008.1.2.4.105",
    "1.2.840.10008.1.2.4.106",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.108",
];

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
}

#[derive(Debug)]
pub(super) enum Decision {
    Accept {
        answer: AssociationAC,
        contexts: Vec<Context>,
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

/// Accepts or rejects a request.
pub(super) fn decide(
    rq: &AssociationRQ,
    ae_title: &str,
    caller: Caller,
    load: Load,
    limits: &ScpLimits,
) -> Decision {
    if let Some(reason) = objection(rq, ae_title, caller, load, limits) {
        return Decision::Reject {
            answer: rejection(reason),
            reason,
        };
    }
    let results: Vec<_> = rq.presentation_contexts.iter().map(judge).collect();
    let contexts = rq
        .presentation_contexts
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.reason == PresentationContextResultReason::Acceptance)
        .map(|(proposed, result)| Context {
            id: result.id,
            abstract_syntax: trim(&proposed.abstract_syntax).to_owned(),
            transfer_syntax: result.transfer_syntax.clone(),
        });
    let contexts = contexts.collect();
    let answer = AssociationAC {
        protocol_version: 1,
        calling_ae_title: rq.calling_ae_title.clone(),
        called_ae_title: rq.called_ae_title.clone(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: results,
        user_variables: vec![
            UserVariableItem::MaxLength(limits.pdu_bytes),
            UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
            UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.into()),
        ],
    };
    Decision::Accept { answer, contexts }
}

fn objection(
    rq: &AssociationRQ,
    ae_title: &str,
    caller: Caller,
    load: Load,
    limits: &ScpLimits,
) -> Option<Rejection> {
    if rq.protocol_version & 1 == 0 {
        return Some(Rejection::ProtocolVersion);
    }
    if trim(&rq.application_context_name) != APPLICATION_CONTEXT {
        return Some(Rejection::ApplicationContext);
    }
    if rq.called_ae_title.trim() != ae_title {
        return Some(Rejection::CalledTitle);
    }
    match caller {
        Caller::Known => {}
        Caller::UnknownTitle => return Some(Rejection::CallingTitle),
        Caller::WrongAddress => return Some(Rejection::CallingAddress),
    }
    if load.of_peer >= limits.associations_per_peer {
        return Some(Rejection::PeerLimit);
    }
    (load.all >= limits.associations).then_some(Rejection::Limit)
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

fn judge(proposed: &PresentationContextProposed) -> PresentationContextResult {
    let refused = |reason| PresentationContextResult {
        id: proposed.id,
        reason,
        transfer_syntax: IMPLICIT_LITTLE.into(),
    };
    let class = trim(&proposed.abstract_syntax);
    if class != VERIFICATION && !is_storage(class) {
        return refused(PresentationContextResultReason::AbstractSyntaxNotSupported);
    }
    let offered = |known: &&&str| {
        proposed
            .transfer_syntaxes
            .iter()
            .any(|syntax| trim(syntax) == **known)
    };
    match TRANSFER_SYNTAXES.iter().find(offered) {
        Some(syntax) => PresentationContextResult {
            id: proposed.id,
            reason: PresentationContextResultReason::Acceptance,
            transfer_syntax: (*syntax).into(),
        },
        None => refused(PresentationContextResultReason::TransferSyntaxesNotSupported),
    }
}

/// Storage classes: all of the standard, retired ones too, and some of manufacturers.
pub(super) fn is_storage(class: &str) -> bool {
    class.starts_with(STORAGE_ARC) || OTHER_STORAGE.contains(&class) || PRIVATE_STORAGE.contains(&class)
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

    #[test]
    fn contexts_are_judged_one_by_one_and_explicit_little_endian_comes_first() {
        let rq = request(&[
            (CT, &[IMPLICIT_LITTLE, "1.2.840.10008.1.2.4.90", EXPLICIT]),
            (VERIFICATION, &[IMPLICIT_LITTLE]),
            ("1.2.840.10008.5.1.4.1.2.2.1", &[IMPLICIT_LITTLE]),
            (CT, &["1.2.840.10008.1.2.4.94"]),
        ]);
        let Decision::Accept { answer, contexts } = decide(
            &rq,
            "TOCSIN",
            Caller::Known,
            Load::default(),
            &ScpLimits::default(),
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
            ("OTHER", Caller::Known, quiet, Rejection::CalledTitle),
            ("TOCSIN", Caller::UnknownTitle, quiet, Rejection::CallingTitle),
            ("TOCSIN", Caller::WrongAddress, quiet, Rejection::CallingAddress),
            ("TOCSIN", Caller::Known, full, Rejection::Limit),
            ("TOCSIN", Caller::Known, greedy, Rejection::PeerLimit),
        ];
        for (title, caller, load, expected) in table {
            let decision = decide(&request(&[]), title, caller, load, &limits);
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
