//! For tests: a study and its pictures, with as little as there can be and with everything.

use chrono::TimeDelta;
use tocsin_domain::appointment::AppointmentState;
use tocsin_domain::course::{Event, critical};
use tocsin_domain::finding::{DisplayPolicy, Presence};
use tocsin_domain::triage::verdict::Recommendation;
use tocsin_domain::worklist::Band;

use super::gantt;
use super::said;
use super::samples::{Amount, HOSTILE, alert, at, delivery, hostile, patient, reason};
use super::study::{LivePart, PriorPage, StudyPage, aside};
use crate::api::ai::{
    AiView, ChangeView, CodeView, EvaluationView, FindingView, HoldView, LesionView, MeasurementView,
};
use crate::api::announced::{AnnouncedView, AnnouncementView};
use crate::api::discussion::{CommentView, OpinionView};
use crate::api::preview::{LayerView, Marked, MarksView, Preset, StackView};
use crate::api::priors::{PriorSearchView, PriorView};
use crate::api::study::{StudyView, TimelineView};
use crate::storage::analyses::AnalysisState;

pub fn page(amount: Amount) -> StudyPage {
    StudyPage {
        live: live(amount),
        stacks: amount.list(stack(amount.list(marks()))),
        prior: amount.maybe(PriorPage {
            prior: prior(Amount::Most),
            stacks: vec![stack(Vec::new())],
        }),
    }
}

/// Pictures on which no model has marked anything.
pub fn unmarked() -> StudyPage {
    StudyPage {
        live: live(Amount::Most),
        stacks: vec![stack(Vec::new())],
        prior: None,
    }
}

/// Pictures on which a model has marked nothing that shows the finding best.
pub fn without_key() -> StudyPage {
    let marks = MarksView { key: None, ..marks() };
    StudyPage {
        live: live(Amount::Most),
        stacks: vec![stack(vec![marks])],
        prior: None,
    }
}

fn prior(amount: Amount) -> PriorView {
    PriorView {
        study_id: id(),
        accession: amount.maybe(hostile()),
        modality: "CT".to_owned(),
        description: hostile(),
        taken_at: at(),
        comparable: amount.yes(),
        contradiction: amount.maybe("another birth date"),
        report_status: amount.maybe("final".to_owned()),
    }
}

pub fn live(amount: Amount) -> LivePart {
    let study = study(amount);
    LivePart {
        gantt: gantt::of(&study.timeline, &study.critical_path),
        me: hostile(),
        taken_on: amount.maybe("20140101".to_owned()),
        flagged: study.ai.iter().any(|ai| ai.state == AnalysisState::Flagged),
        aside: aside(&study.ai),
        aside_alone: amount.yes(),
        opinions: said::of(&study.opinions, &study.ai, HOSTILE),
        viewer: amount.maybe("https://pacs.example.org/1".to_owned()),
        next: amount.maybe(hostile()),
        study,
    }
}

fn study(amount: Amount) -> StudyView {
    StudyView {
        study_id: id(),
        study_uid: hostile(),
        accession: amount.maybe(hostile()),
        modality: "CT".to_owned(),
        description: hostile(),
        patient: patient(amount),
        state: "settled".to_owned(),
        link: "conflict".to_owned(),
        link_detail: amount.maybe(hostile()),
        rank: amount.maybe(1),
        rank_without_ai: amount.maybe(2),
        wait_cap_at: amount.maybe(at()),
        ris_priority: amount.maybe(hostile()),
        order_state: amount.maybe("cancelled".to_owned()),
        scheduled_at: amount.maybe(at()),
        appointment: amount.maybe(AppointmentState::NoShow),
        band: amount.maybe(Band::Critical),
        score: 40.0,
        reasons: amount.list(reason()),
        opinions: amount
            .list([
                opinion("agree", id()),
                opinion("disagree", id()),
                opinion("agree", hostile()),
            ])
            .into_iter()
            .flatten()
            .collect(),
        comments: amount.list(comment()),
        recommendations: amount.list(Recommendation {
            rule: hostile(),
            text: hostile(),
            citation: hostile(),
        }),
        images: 12_345,
        sender: hostile(),
        arrived_at: at(),
        last_image_at: at(),
        claimed_by: amount.maybe(hostile()),
        report_status: amount.maybe("final".to_owned()),
        ai: match amount {
            Amount::Least => Vec::new(),
            Amount::Most => vec![ai(Amount::Least), ai(Amount::Most)],
        },
        series: Vec::new(),
        announced: amount.maybe(announced()),
        timeline: course(amount),
        critical_path: critical::path(&course(amount).iter().map(Event::from).collect::<Vec<_>>()),
        priors: amount.list(prior(Amount::Most)),
        prior_searches: amount.list(PriorSearchView {
            source: hostile(),
            state: "given_up".to_owned(),
            detail: hostile(),
            at: at(),
        }),
        alerts: match amount {
            Amount::Least => Vec::new(),
            Amount::Most => vec![alert(Amount::Least), alert(Amount::Most)],
        },
        results: Vec::new(),
        deliveries: amount.list(delivery(amount).delivery),
    }
}

pub fn id<T: serde::de::DeserializeOwned>() -> T {
    serde_json::from_str("\"00000000-0000-0000-0000-000000000001\"").expect("an id")
}

fn announced() -> AnnouncedView {
    AnnouncedView {
        acquisition: "discontinued".to_owned(),
        images: 240,
        missing: 12,
        out_of_reach: 1,
        said: vec![AnnouncementView {
            from: hostile(),
            state: "discontinued".to_owned(),
            reason: Some(hostile()),
            images: 240,
            heard_at: at(),
            changed_at: at(),
            fetch_state: Some("given_up".to_owned()),
            fetch_detail: Some(hostile()),
        }],
    }
}

fn course(amount: Amount) -> Vec<TimelineView> {
    let steps = [step("first_image", 0), step("alert_raised", 90)];
    amount.list(steps).into_iter().flatten().collect()
}

fn step(event: &str, seconds: i64) -> TimelineView {
    let ms = seconds as f64 * 1_000.0;
    TimelineView {
        at: at() + TimeDelta::seconds(seconds),
        event: event.to_owned(),
        ms_since_first: ms,
        ms_since_previous: ms,
        detail: hostile(),
    }
}

fn opinion(verdict: &str, result_id: String) -> OpinionView {
    OpinionView {
        id: hostile(),
        analysis_id: Some(result_id.clone()),
        result_id,
        finding: hostile(),
        verdict: verdict.to_owned(),
        reason: Some(hostile()),
        by: hostile(),
        at: at(),
    }
}

fn comment() -> CommentView {
    CommentView {
        id: hostile(),
        text: hostile(),
        by: hostile(),
        at: at(),
    }
}

pub fn ai(amount: Amount) -> AiView {
    AiView {
        model: hostile(),
        version: "1.2.3".to_owned(),
        state: match amount {
            Amount::Least => AnalysisState::NotFlagged,
            Amount::Most => AnalysisState::Flagged,
        },
        reason: amount.text(),
        findings: amount.list(finding()),
        result_id: amount.maybe(id()),
        analysis_id: hostile(),
        assessed: amount.list(hostile()),
        hold: amount.maybe(HoldView {
            finding: hostile(),
            since: at(),
        }),
        disclaimer: amount.maybe(hostile()),
        limitations: amount.list(hostile()),
        compared: amount.list(hostile()),
        display_policy: amount.maybe(DisplayPolicy::PreviewWithMarks),
        inference_ms: amount.maybe(1_234),
    }
}

pub fn finding() -> FindingView {
    FindingView {
        system: hostile(),
        code: hostile(),
        display: hostile(),
        presence: Presence::Present,
        flagged: true,
        probability: Some(0.9),
        operating_point: hostile(),
        measurements: vec![measurement()],
        evaluations: vec![EvaluationView {
            system: hostile(),
            code: hostile(),
            display: hostile(),
            value: CodeView {
                system: hostile(),
                code: hostile(),
                display: hostile(),
            },
        }],
        lesions: vec![LesionView {
            number: 1,
            location: code(),
            laterality: Some(code()),
            place: hostile(),
            measurements: vec![measurement(), measurement()],
        }],
    }
}

pub fn code() -> CodeView {
    CodeView {
        system: hostile(),
        code: hostile(),
        display: hostile(),
    }
}

fn measurement() -> MeasurementView {
    MeasurementView {
        system: hostile(),
        code: hostile(),
        display: hostile(),
        value: 24.1,
        unit: "mL".to_owned(),
        text: "24.1 mL".to_owned(),
        change: Some(ChangeView {
            before: 12.0,
            before_text: "12 mL".to_owned(),
            delta: 12.1,
            text: "+12.1 mL".to_owned(),
            before_study: id(),
            before_at: at(),
            before_version: Some("1.2.2".to_owned()),
        }),
    }
}

fn stack(marks: Vec<MarksView>) -> StackView {
    StackView {
        series_id: hostile(),
        series_uid: hostile(),
        modality: "CT".to_owned(),
        description: hostile(),
        plane: HOSTILE.to_owned(),
        slice_thickness_mm: Some(5.0),
        presets: vec![Preset::Own],
        sides: None,
        layers: vec![LayerView {
            instance_id: hostile(),
            frame: 1,
            offset: None,
        }],
        marks,
    }
}

fn marks() -> MarksView {
    MarksView {
        result_id: id(),
        model: hostile(),
        key: Some(0),
        keys: vec![0],
        marked: vec![Marked { layer: 0, slice: 0 }],
        heat: vec![Marked { layer: 0, slice: 0 }],
    }
}
