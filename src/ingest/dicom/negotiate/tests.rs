//! Facts about the judgement of association requests.

use dicom_ul::pdu::PresentationContextProposed;

use super::tables::is_storage;
use super::*;
use crate::deliver::dicom::association::IMPLICIT_LITTLE;

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
    ScpSettings::new(ae_title, super::super::settings::Accept::Peers(vec![]))
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
        ("TOCSIN", Caller::Paused, quiet, Rejection::Paused),
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
fn a_peer_that_is_paused_or_comes_when_all_is_taken_may_try_again() {
    for reason in [Rejection::Paused, Rejection::Limit, Rejection::PeerLimit] {
        assert_eq!(
            rejection(reason).result,
            AssociationRJResult::Transient,
            "{reason:?}"
        );
    }
    assert_eq!(
        rejection(Rejection::CallingTitle).result,
        AssociationRJResult::Permanent
    );
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
