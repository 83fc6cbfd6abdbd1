//! For tests: people, tokens, doors and steps, with as little as there can be and with everything.

use tocsin_domain::repeat::Stage;

use super::connections::ConnectionsPage;
use super::invite::InvitePage;
use super::people::{self, PeoplePage};
use super::prove::ProvePage;
use super::quality::QualityPage;
use super::samples::{Amount, association, at, hostile, patient};
use super::samples_study::id;
use super::start::StartPage;
use super::tokens::{self, TokensPage};
use crate::api::connections::{CheckView, ConnectionKind, ConnectionState, ConnectionView};
use crate::api::pauses::PauseView;
use crate::api::people::PersonView;
use crate::api::quality::{Candidate, QualityView, Refusal, RepeatView};
use crate::api::start::{Reachable, Step, StepView};
use crate::api::tokens::{MadeToken, TokenView};

pub fn people(amount: Amount) -> PeoplePage {
    let row = |amount: Amount, state: &str| people::Row {
        person: PersonView {
            id: hostile(),
            name: hostile(),
            role: "admin".to_owned(),
            state: state.to_owned(),
            provider: amount.maybe(hostile()),
            has_factor: amount.yes(),
            last_sign_in_at: amount.maybe(at()),
            invited_until: amount.maybe(at()),
            created_at: at(),
        },
        own: !amount.yes(),
        active: state != "deactivated",
    };
    PeoplePage {
        items: amount
            .list([
                row(Amount::Least, "active"),
                row(Amount::Most, "invited"),
                row(Amount::Most, "deactivated"),
            ])
            .into_iter()
            .flatten()
            .collect(),
        roles: vec!["admin"],
        made: amount.maybe(people::Made {
            name: hostile(),
            link: hostile(),
        }),
    }
}

pub fn tokens(amount: Amount) -> TokensPage {
    let token = |amount: Amount| TokenView {
        id: hostile(),
        name: hostile(),
        role: "service".to_owned(),
        created_by: hostile(),
        created_at: at(),
        last_used_at: amount.maybe(at()),
        expires_at: amount.maybe(at()),
        revoked: amount.yes(),
    };
    let row = |amount: Amount| tokens::Row {
        token: token(amount),
        expired: amount.yes(),
        active: !amount.yes(),
    };
    TokensPage {
        items: amount
            .list([row(Amount::Least), row(Amount::Most)])
            .into_iter()
            .flatten()
            .collect(),
        roles: vec!["service"],
        made: amount.maybe(MadeToken {
            id: hostile(),
            token: hostile(),
            name: hostile(),
            role: "service".to_owned(),
            expires_at: Some(at()),
        }),
    }
}

pub fn invite(amount: Amount) -> InvitePage {
    InvitePage {
        name: hostile(),
        shortest: 12,
        wrong: amount.yes(),
    }
}

pub fn prove(amount: Amount) -> ProvePage {
    ProvePage {
        name: hostile(),
        problem: amount.maybe("sign-in-unknown").unwrap_or_default(),
        locked: amount.yes(),
        password: !amount.yes(),
        code: !amount.yes(),
        token: amount.yes(),
        provider: amount.maybe(hostile()),
        way: hostile(),
        back: hostile(),
        csrf: hostile(),
    }
}

pub fn quality(amount: Amount) -> QualityPage {
    let item = |stage: Stage, amount: Amount| QualityView {
        study_id: id(),
        accession: amount.maybe(hostile()),
        modality: "CT".to_owned(),
        description: hostile(),
        patient: patient(amount),
        sender: hostile(),
        arrived_at: at(),
        stage,
        refusals: amount.list(Refusal {
            model: hostile(),
            reason: hostile(),
            at: at(),
        }),
        repeat: amount.maybe(RepeatView {
            note: hostile(),
            requested_by: hostile(),
            requested_at: at(),
            acknowledged_by: Some(hostile()),
            acknowledged_at: Some(at()),
            study_id: Some(hostile()),
            linked_by: Some(hostile()),
            linked_at: Some(at()),
        }),
        candidates: amount.list(Candidate {
            study_id: id(),
            accession: Some(hostile()),
            description: hostile(),
            arrived_at: at(),
        }),
    };
    QualityPage {
        items: amount
            .list([
                item(Stage::Rejected, Amount::Least),
                item(Stage::Requested, Amount::Most),
                item(Stage::Repeated, Amount::Most),
            ])
            .into_iter()
            .flatten()
            .collect(),
        next: amount.maybe(hostile()),
    }
}

pub fn connections(amount: Amount) -> ConnectionsPage {
    let kinds = [
        ConnectionKind::Hl7In,
        ConnectionKind::DicomIn,
        ConnectionKind::Hl7Out,
        ConnectionKind::DicomOut,
        ConnectionKind::PriorSource,
        ConnectionKind::WorklistSource,
        ConnectionKind::Hl7Listener,
        ConnectionKind::DicomListener,
        ConnectionKind::Subscriber,
        ConnectionKind::FhircastHub,
    ];
    let states = [
        ConnectionState::Unused,
        ConnectionState::Working,
        ConnectionState::Silent,
        ConnectionState::Waiting,
        ConnectionState::Refusing,
        ConnectionState::Working,
        ConnectionState::Paused,
        ConnectionState::Working,
        ConnectionState::Unused,
        ConnectionState::Waiting,
    ];
    let view = |(kind, state)| ConnectionView {
        id: "0".to_owned(),
        kind,
        name: hostile(),
        address: hostile(),
        tls: amount.yes(),
        profile: amount.maybe(hostile()),
        state,
        last_at: amount.maybe(at()),
        last_hour: amount.maybe(3),
        last_day: amount.maybe(40),
        usual_per_hour: amount.maybe(2.5),
        failed_last_day: amount.maybe(1),
        waiting: amount.maybe(2),
        refused: amount.maybe(1),
        p95_seconds: amount.maybe(0.4),
        last_error: amount.maybe(hostile()),
        detail: amount.maybe(hostile()),
        may_be_checked: amount.yes(),
        may_be_tested: amount.yes(),
        may_be_paused: true,
        paused: amount.maybe(PauseView {
            reason: hostile(),
            by: hostile(),
            since: at(),
        }),
    };
    let all = kinds.into_iter().zip(states).map(view);
    ConnectionsPage {
        items: all.collect(),
        certificate_ends: amount.maybe(at()),
        associations: amount.list(association(amount)),
        checked: amount.maybe(CheckView {
            good: amount.yes(),
            answer: hostile(),
        }),
    }
}

pub fn start(amount: Amount) -> StartPage {
    let all = [
        Step::Administrator,
        Step::Echo,
        Step::Images,
        Step::Message,
        Step::Model,
        Step::TestPage,
        Step::People,
    ];
    let view = |step| StepView {
        step,
        done: amount.yes(),
        at: amount.maybe(at()),
        detail: amount.maybe(hostile()),
    };
    StartPage {
        steps: all.map(view).to_vec(),
        done: 3,
        people: amount.list(Reachable {
            id: hostile(),
            name: hostile(),
        }),
        sent: amount.maybe(hostile()),
        failed: amount.maybe(hostile()),
    }
}
