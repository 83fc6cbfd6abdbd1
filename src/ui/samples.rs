//! For tests: what pages show, once with as little as there can be and once with everything, all texts hostile. Built from
//! the types of the API, so that a template and its values cannot drift apart.

use std::sync::Arc;

use tocsin_domain::clock::Timestamp;
use tocsin_domain::triage::verdict::{Contribution, Origin};
use tocsin_domain::worklist::{Band, Reason};

use super::frame::{Entry, Frame, Lock, May, NAVIGATION, Person};
use super::samples_study::ai;
use super::worklist::{self, Feed, WorklistPage};
use crate::api::Templates;
use crate::api::alerts::{AlertView, PageView};
use crate::api::associations::AssociationView;
use crate::api::deliveries::{DeliveryView, OwedView};
use crate::api::described::AlertBrief;
use crate::api::failures::FailureView;
use crate::api::found::{FoundStudy, Standing};
use crate::api::messages::MessageView;
use crate::api::patient::PatientView;
use crate::api::quarantine::QuarantineView;
use crate::api::reconciliation::{CandidateView, Then, Unreconciled};
use crate::api::replay_many::{Refused, ReplayedMany};
use crate::api::worklist::{Listed, WorklistItem};
use crate::api::worklist_query::WorklistQuery;
use crate::storage::entity::saved_view;

/// No element of ours has this name; every word of data holds a digit.
pub const HOSTILE: &str = "<blink>\"O'Brien7\"&1";

/// How much there is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Least,
    Most,
}

impl Amount {
    pub fn maybe<T>(self, value: T) -> Option<T> {
        (self == Self::Most).then_some(value)
    }

    pub fn list<T>(self, value: T) -> Vec<T> {
        self.maybe(value).into_iter().collect()
    }

    pub fn yes(self) -> bool {
        self == Self::Most
    }

    /// A text that is always there; it may be empty.
    pub fn text(self) -> String {
        self.maybe(hostile()).unwrap_or_default()
    }
}

pub fn hostile() -> String {
    HOSTILE.to_owned()
}

pub fn at() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

pub fn anonymous(templates: &Arc<dyn Templates>, amount: Amount) -> Frame {
    Frame {
        site: hostile(),
        zone: "Europe/Berlin".to_owned(),
        at: at(),
        version: "1.2.3",
        demonstration: amount.yes(),
        roles: amount.list("radiologist"),
        person: None,
        templates: templates.clone(),
    }
}

pub fn frame(templates: &Arc<dyn Templates>, amount: Amount) -> Frame {
    let nav = NAVIGATION.map(|(_, href, label)| Entry { href, label });
    let may = amount.yes();
    Frame {
        person: Some(Person {
            name: hostile(),
            role: "integration_engineer",
            csrf: hostile(),
            nav: if may { nav.into() } else { Vec::new() },
            lock: Lock {
                idle_seconds: 600,
                wall_stays: may,
                password: !may,
                token: may,
                provider: amount.maybe(hostile()),
            },
            may: May {
                claim: may,
                acknowledge: may,
                read_messages: may,
                read_raw: may,
                replay: may,
                edit: may,
                reconcile: may,
                dismiss: may,
                retry: may,
                judge: may,
                comment: may,
                rerun: may,
                decide: may,
                handle_repeat: may,
            },
        }),
        ..anonymous(templates, amount)
    }
}

pub fn patient(amount: Amount) -> PatientView {
    PatientView {
        name: amount.maybe(hostile()),
        display: hostile(),
        identifier: amount.maybe(hostile()),
        authority: amount.maybe(hostile()),
        birth_date: amount.maybe("19700101".to_owned()),
        sex: amount.maybe("F".to_owned()),
    }
}

pub fn worklist(amount: Amount) -> WorklistPage {
    let listed = Listed {
        items: amount.list(item(Amount::Most, Band::Critical)),
        critical: amount.list(item(Amount::Most, Band::Critical)),
        next: amount.maybe("1".to_owned()),
        waiting: amount.list(()).len(),
        matching: amount.list(()).len(),
        modalities: amount.list((hostile(), 1)).into_iter().collect(),
        bands: amount.list(("critical", 1)).into_iter().collect(),
    };
    shown(listed, amount)
}

/// Rows of which as little is known as can be.
pub fn bare_rows() -> WorklistPage {
    let rows = Band::ALL.map(|band| item(Amount::Least, band));
    let listed = Listed {
        items: rows.to_vec(),
        critical: rows.to_vec(),
        next: None,
        waiting: 1_234,
        matching: 3,
        modalities: Default::default(),
        bands: Default::default(),
    };
    shown(listed, Amount::Least)
}

fn shown(listed: Listed, amount: Amount) -> WorklistPage {
    let view = saved_view::Model {
        id: hostile(),
        owner: hostile(),
        name: hostile(),
        query: "band=urgent".to_owned(),
        created_at: 0,
    };
    let feed = Feed {
        ae_title: hostile(),
        port: 11_112,
        last_image_at: amount.maybe(at()),
        ago: amount.maybe("12 min".to_owned()),
    };
    let query = WorklistQuery {
        cursor: amount.maybe("1".to_owned()),
        ..WorklistQuery::default()
    };
    let mut page = worklist::page(
        listed,
        query,
        &amount.text(),
        amount.list(view),
        feed,
        HOSTILE,
        at(),
    );
    page.elsewhere = amount.list(found());
    page
}

fn found() -> FoundStudy {
    FoundStudy {
        study_id: serde_json::from_str("\"00000000-0000-0000-0000-000000000001\"").expect("an id"),
        study_uid: hostile(),
        accession: Some(hostile()),
        modality: "CT".to_owned(),
        description: hostile(),
        patient: patient(Amount::Most),
        arrived_at: at(),
        report_status: Some(hostile()),
        standing: Standing::Read,
    }
}

fn item(amount: Amount, band: Band) -> WorklistItem {
    WorklistItem {
        rank: 1,
        rank_without_ai: 1 + amount.list(()).len(),
        study_id: serde_json::from_str("\"00000000-0000-0000-0000-000000000001\"").expect("an id"),
        study_uid: hostile(),
        accession: amount.maybe(hostile()),
        modality: "CT".to_owned(),
        description: amount.text(),
        ris_priority: amount.maybe(hostile()),
        order_state: amount.maybe("cancelled".to_owned()),
        band,
        score: 40.0,
        reasons: amount.list(reason()),
        contributions: amount.list(Contribution {
            rule: hostile(),
            version: 3,
            origin: Origin::Ai,
            band: Some(Band::Urgent),
            score: 40,
            text: hostile(),
        }),
        ai: amount.list(ai(Amount::Most)),
        arrived_at: at(),
        wait_cap_at: at(),
        overdue: amount.yes(),
        patient: patient(amount),
        state: "receiving".to_owned(),
        images: 12_345,
        sender: hostile(),
        link: "conflict".to_owned(),
        claimed_by: amount.maybe(hostile()),
        report_status: amount.maybe("final".to_owned()),
        alert: amount.maybe(AlertBrief {
            id: hostile(),
            status: "acknowledged".to_owned(),
            title: hostile(),
            acknowledged_by: Some(hostile()),
        }),
    }
}

pub fn reason() -> Reason {
    Reason {
        source: hostile(),
        effect: hostile(),
        text: hostile(),
    }
}

pub fn alert(amount: Amount) -> AlertView {
    AlertView {
        id: hostile(),
        study_id: hostile(),
        patient: patient(amount),
        accession: amount.maybe(hostile()),
        modality: "CT".to_owned(),
        description: amount.text(),
        status: "notified".to_owned(),
        title: hostile(),
        raised_at: at(),
        due_at: amount.maybe(at()),
        acknowledged_by: amount.maybe(hostile()),
        acknowledged_at: amount.maybe(at()),
        pages: amount.list(PageView {
            recipient: hostile(),
            channel: hostile(),
            reason: "not_acknowledged".to_owned(),
            state: "sent".to_owned(),
            attempts: 2,
            sent_at: Some(at()),
            last_error: Some(hostile()),
        }),
    }
}

pub fn delivery(amount: Amount) -> OwedView {
    let delivery = DeliveryView {
        id: hostile(),
        study_id: hostile(),
        kind: "structured_report".to_owned(),
        destination: hostile(),
        state: "refused".to_owned(),
        attempts: 1_234,
        commitment: amount.maybe(hostile()),
        last_error: amount.maybe(hostile()),
        message_id: amount.maybe(hostile()),
        created_at: at(),
        updated_at: at(),
    };
    OwedView {
        delivery,
        patient: patient(amount),
        accession: amount.maybe(hostile()),
        model: amount.maybe(hostile()),
        version: amount.maybe(hostile()),
    }
}

pub fn association(amount: Amount) -> AssociationView {
    AssociationView {
        id: hostile(),
        calling_ae: hostile(),
        called_ae: hostile(),
        peer: hostile(),
        outcome: "rejected".to_owned(),
        reason: amount.maybe(hostile()),
        stored: 2,
        refused: 1,
        times: 3,
        at: at(),
    }
}

pub fn failure(amount: Amount) -> FailureView {
    FailureView {
        direction: "in".to_owned(),
        peer: hostile(),
        kind: "ORM^O01".to_owned(),
        state: "failed".to_owned(),
        problem: amount.maybe(hostile()),
        count: 312,
        studies: 3,
        first_at: at(),
        last_at: at(),
    }
}

pub fn replayed(amount: Amount) -> ReplayedMany {
    ReplayedMany {
        preview: true,
        messages: 312,
        replayed: 310,
        refused: amount.list(Refused {
            because: hostile(),
            messages: 2,
        }),
        effects: amount.list(hostile()),
        alerts: Default::default(),
        confirm: amount.maybe("REPLAY 312".to_owned()),
    }
}

pub fn message(amount: Amount) -> MessageView {
    MessageView {
        id: hostile(),
        direction: "out".to_owned(),
        peer: hostile(),
        control_id: hostile(),
        kind: hostile(),
        state: "applied".to_owned(),
        ack_code: amount.maybe("AA1".to_owned()),
        problem: amount.maybe(hostile()),
        flagged: amount.yes(),
        study_id: amount.maybe(hostile()),
        at: at(),
    }
}

pub fn quarantined(amount: Amount) -> QuarantineView {
    QuarantineView {
        id: hostile(),
        sop_instance_uid: hostile(),
        study_uid: hostile(),
        calling_ae: hostile(),
        transfer_syntax: hostile(),
        length: 1_234_567,
        sha256: hostile(),
        kept_sha256: hostile(),
        reason: hostile(),
        state: "open".to_owned(),
        resolved_by: amount.maybe(hostile()),
        resolution: amount.maybe(hostile()),
        received_at: at(),
    }
}

pub fn unreconciled(amount: Amount) -> Unreconciled {
    Unreconciled {
        study_id: item(amount, Band::Routine).study_id,
        study_uid: hostile(),
        accession: amount.maybe(hostile()),
        modality: "CT".to_owned(),
        description: hostile(),
        arrived_at: at(),
        link: "unmatched".to_owned(),
        reason: hostile(),
        patient: patient(amount),
        held: amount.list(()).len(),
        candidates: amount
            .list(candidate(Amount::Most))
            .into_iter()
            .chain([candidate(Amount::Least)])
            .collect(),
    }
}

fn candidate(amount: Amount) -> CandidateView {
    CandidateView {
        order_id: hostile(),
        accession: amount.maybe(hostile()),
        study_uid: amount.maybe(hostile()),
        placer_number: amount.maybe(hostile()),
        filler_number: amount.maybe(hostile()),
        procedure: hostile(),
        state: "placed".to_owned(),
        patient: amount.maybe(patient(amount)),
        then: Then {
            releases: if amount.yes() { 2 } else { 0 },
            accession: amount.maybe(hostile()),
            priority: amount.maybe(hostile()),
            other_patient: amount.yes(),
        },
    }
}
