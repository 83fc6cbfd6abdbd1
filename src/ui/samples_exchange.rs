//! For tests: what the pages about messages show, once with as little and once with as much as there can be.

use serde_json::Value;

use super::edit::EditPage;
use super::samples::{Amount, at, hostile};
use super::site_profiles::{ProfilePage, ProfilesPage};
use crate::api::edit::{EditView, Edited, Lineage};
use crate::api::site_profiles::{
    FactView, PlaceView, ProcedureView, ProfileDetail, ProfileView, ReadView, Row, SampleView, WordView,
};
use crate::report::hl7_diff::Change;

fn profile_view(amount: Amount) -> ProfileView {
    ProfileView {
        id: hostile(),
        name: hostile(),
        used_by: amount.list(hostile()),
        changed: amount.yes(),
        problem: amount.maybe(hostile()),
        samples: 3,
        failed: amount.list(()).len(),
    }
}

pub fn profiles(amount: Amount) -> ProfilesPage {
    ProfilesPage {
        items: amount.list(profile_view(amount)),
    }
}

fn row() -> Row {
    Row {
        place: hostile(),
        value: hostile(),
    }
}

fn read(amount: Amount) -> ReadView {
    ReadView {
        refused: None,
        read: Value::Null,
        facts: amount.list(row()),
    }
}

pub fn profile(amount: Amount) -> ProfilePage {
    let place = PlaceView {
        place: hostile(),
        name: amount.maybe("Placer field 1"),
    };
    let sample = |passed| SampleView {
        name: hostile(),
        passed,
        differences: amount.list(hostile()),
        read: read(amount),
    };
    ProfilePage {
        profile: ProfileDetail {
            profile: profile_view(amount),
            facts: vec![FactView {
                fact: "clinical_information",
                places: amount.list(place),
            }],
            words: amount.list(WordView {
                fact: "patient_class",
                word: hostile(),
                means: hostile(),
            }),
            procedures: amount.list(ProcedureView {
                code: hostile(),
                body_part: amount.maybe(hostile()),
                contrast: amount.maybe("without".to_owned()),
                modality: amount.maybe(hostile()),
            }),
            writes: amount.list(row()),
            sample_messages: amount
                .maybe([true, false].map(sample))
                .into_iter()
                .flatten()
                .collect(),
        },
        message: amount.text(),
        tried: amount.maybe(ReadView {
            refused: None,
            ..read(amount)
        }),
        refused: amount.maybe(hostile()),
    }
}

pub fn lineage(amount: Amount) -> Lineage {
    let view = || EditView {
        message_id: hostile(),
        by: hostile(),
        reason: hostile(),
        at: at(),
    };
    Lineage {
        made_of: amount.maybe(view()),
        made: amount.list(view()),
    }
}

pub fn edit(amount: Amount) -> EditPage {
    let change = Change {
        place: hostile(),
        line: 2,
        name: amount.maybe("Patient name"),
        before: amount.maybe(hostile()),
        after: amount.maybe(hostile()),
    };
    EditPage {
        id: hostile(),
        direction: "in".to_owned(),
        text: amount.text(),
        reason: amount.text(),
        pages: amount.yes(),
        preview: amount.maybe(Edited {
            original: hostile(),
            id: None,
            preview: true,
            changes: vec![change],
            refused: Some(hostile()),
            effects: vec![hostile()],
            foreseen: Vec::new(),
            alerts: Default::default(),
            job: None,
        }),
        refused: amount.maybe(hostile()),
    }
}
