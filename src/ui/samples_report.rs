//! For tests: a result in each of its forms, with as little as there can be and with everything.

use tocsin_domain::code::Code;
use tocsin_domain::finding::{DisplayPolicy, ModelRef, ResultStatus, Statement};
use tocsin_domain::triage::PackRef;

use super::report::{Form, ReportPage};
use super::samples::{Amount, at, hostile, patient};
use super::samples_study::{code, finding, id};
use super::segments;
use crate::api::ai::HoldView;
use crate::api::report::{
    ChangesView, FindingReport, MessageText, NarrativeView, OutputState, OutputView, ReportView,
    ResultChoice, ResultReport, Shown,
};
use crate::report::changes;
use crate::report::narrative::{Author, Piece};
use crate::report::sr_tree::TreeItem;
use crate::storage::deliveries::DeliveryKind;

/// A study without any result.
pub fn none() -> ReportPage {
    page_of(Form::Narrative, Amount::Least, None)
}

pub fn page(form: Form, amount: Amount) -> ReportPage {
    page_of(form, amount, Some(result(amount)))
}

fn page_of(form: Form, amount: Amount, report: Option<ResultReport>) -> ReportPage {
    ReportPage {
        view: ReportView {
            study_id: id(),
            accession: amount.maybe(hostile()),
            modality: "CT".to_owned(),
            description: hostile(),
            patient: patient(amount),
            results: amount.list(choice()),
            report,
        },
        form,
        forms: Form::ALL,
        segments: segments::of(&format!("PD1|{}", hostile())),
        answer: amount.maybe(segments::of("MS1|AA1")).unwrap_or_default(),
        bundle: amount.maybe(hostile()),
    }
}

fn choice() -> ResultChoice {
    ResultChoice {
        result_id: id(),
        model: hostile(),
        version: "1.2.3".to_owned(),
        status: ResultStatus::Corrected,
        produced_at: at(),
        superseded: true,
    }
}

fn result(amount: Amount) -> ResultReport {
    ResultReport {
        result_id: id(),
        status: ResultStatus::Preliminary,
        produced_at: at(),
        model: ModelRef {
            name: hostile(),
            version: "1.2.3".to_owned(),
            sha256: hostile(),
            manufacturer: hostile(),
            display_policy: DisplayPolicy::PreviewWithMarks,
            disclaimer: hostile(),
        },
        series_uid: "1.2.3".to_owned(),
        images: 30,
        outputs: vec![output(Amount::Least), output(amount)],
        hold: amount.maybe(HoldView {
            finding: hostile(),
            since: at(),
        }),
        standing: true,
        narrative: narrative(amount),
        changes: amount.maybe(ChangesView {
            since: id(),
            produced_at: at(),
            differs: true,
            lines: changes::between("a1\nb1", "a1\nc1"),
        }),
        findings: amount.list(FindingReport {
            finding: finding(),
            site: code(),
            certainty: Some("87.5 %".to_owned()),
        }),
        limitations: amount.list(hostile()),
        statements: amount.list(statement()),
        structured_report: shown(amount, tree()),
        message: shown(amount, message()),
        fhir: shown(amount, serde_json::json!({ "resourceType": hostile() })),
    }
}

fn output(amount: Amount) -> OutputView {
    match amount {
        Amount::Least => OutputView::draft(DeliveryKind::StructuredReport),
        Amount::Most => OutputView {
            kind: DeliveryKind::ResultMessage,
            state: OutputState::Refused,
            delivery_id: Some(hostile()),
            destination: Some(hostile()),
            owed_at: Some(at()),
            since: Some(at()),
            attempts: 3,
            ack_code: Some("AE1".to_owned()),
            answer: Some(hostile()),
            message_id: Some(hostile()),
            may_go_again: true,
        },
    }
}

fn narrative(amount: Amount) -> NarrativeView {
    let said = |by| Piece { text: hostile(), by };
    let model = Author::Model {
        name: hostile(),
        version: "1.2.3".to_owned(),
    };
    let rule = Author::Rule {
        rule: hostile(),
        pack: hostile(),
        version: "1.2.3".to_owned(),
    };
    NarrativeView {
        lines: vec![vec![said(None), said(Some(model)), said(Some(rule))]],
        text: hostile(),
        faults: amount.list(hostile()),
    }
}

fn statement() -> Statement {
    Statement {
        rule: hostile(),
        pack: PackRef {
            name: hostile(),
            version: "1.2.3".to_owned(),
            sha256: hostile(),
        },
        text: hostile(),
    }
}

fn shown<T>(amount: Amount, content: T) -> Shown<T> {
    Shown {
        fixed: amount.yes(),
        reason: (!amount.yes()).then(hostile),
        content: amount.maybe(content),
    }
}

fn message() -> MessageText {
    MessageText {
        text: hostile(),
        control_id: Some(hostile()),
        message_id: Some(hostile()),
        destination: Some(hostile()),
        ack_code: Some("AA1".to_owned()),
        answer: Some("MSA|AA1".to_owned()),
    }
}

fn tree() -> TreeItem {
    let coded = || Some(Code::new("SCT", "1", "Q1"));
    let leaf = TreeItem {
        relation: Some("CONTAINS1".to_owned()),
        value_type: "NUM1".to_owned(),
        concept: coded(),
        value: hostile(),
        code: coded(),
        unit: coded(),
        children: Vec::new(),
    };
    TreeItem {
        relation: None,
        value_type: "CONTAINER1".to_owned(),
        concept: coded(),
        value: String::new(),
        code: None,
        unit: None,
        children: vec![leaf],
    }
}
