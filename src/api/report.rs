//! What the models' results say to others: one record in five forms, how each stands with its receiver, and what changed
//! since the one that was sent before. Composes nothing itself: the jobs that send do.

mod file;
mod output;
mod view;

use actix_web::web::{Data, Json, Path, Query};
use async_trait::async_trait;
use serde::Deserialize;
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::{MessageId, ResultId, StudyId};

use super::ai::HoldView;
use super::auth::Principal;
use super::error::ApiError;
use super::patient::PatientView;
use super::state::State;
use super::views;
use crate::jobs::JobError;
use crate::report::changes::{self, Change};
use crate::report::hl7_charset::readable;
use crate::report::narrative::{Exam, Narrative};
use crate::report::outputs::{Composed, Outputs};
use crate::report::sr_tree::{self, TreeItem};
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState};
use crate::storage::entity::{delivery, message, study};
use crate::storage::{StoreError, holds, messages, results, studies};

pub use file::{File, Kind, file};
pub use output::{OutputState, OutputView};
pub use view::{
    ChangesView, FindingReport, MessageText, NarrativeView, ReportView, ResultChoice, ResultReport, Shown,
};

/// Of a delivery that is with its receiver.
const REACHED: [DeliveryState; 2] = [DeliveryState::Committed, DeliveryState::Confirmed];

/// What every result is owed to somebody as, or could be.
const USUAL: [DeliveryKind; 2] = [DeliveryKind::ResultMessage, DeliveryKind::StructuredReport];

/// Composes what a result says to others as the deliveries do.
#[async_trait]
pub trait Reports: Send + Sync {
    async fn outputs(&self, study: &study::Model, record: &ResultRecord) -> Result<Outputs, JobError>;
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Which {
    pub result: Option<ResultId>,
}

pub async fn get(
    state: Data<State>,
    id: Path<String>,
    which: Query<Which>,
    who: Principal,
) -> Result<Json<ReportView>, ApiError> {
    Ok(Json(load(&state, &who, &id, which.result).await?))
}

/// The results of a study, and one of them; the view is on the audit chain when this returns.
pub async fn load(
    state: &State,
    who: &Principal,
    id: &str,
    wanted: Option<ResultId>,
) -> Result<ReportView, ApiError> {
    let told = Told::load(state, id, wanted).await?;
    let report = match told.chosen {
        Some(at) => Some(report(state, &told, at).await?),
        None => None,
    };
    views::viewed(state, who, "report.view", [told.id.to_string()]).await?;
    let study = told.study;
    Ok(ReportView {
        study_id: told.id,
        patient: PatientView::of_images(&study),
        results: told.results.iter().rev().map(ResultChoice::of).collect(),
        accession: study.accession,
        modality: study.modality,
        description: study.description,
        report,
    })
}

/// A study, its results oldest first, which of them is meant, and what is owed of them.
struct Told {
    id: StudyId,
    study: study::Model,
    results: Vec<Known>,
    chosen: Option<usize>,
    owed: Vec<delivery::Model>,
}

struct Known {
    record: ResultRecord,
    superseded: bool,
}

impl Told {
    async fn load(state: &State, id: &str, wanted: Option<ResultId>) -> Result<Self, ApiError> {
        let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
        let conn = state.store.read();
        let study = studies::by_id(conn, id)
            .await?
            .ok_or(ApiError::NotFound("study"))?;
        let mut known = Vec::new();
        for row in results::of_study(conn, id).await? {
            known.push(Known {
                superseded: row.superseded_by.is_some(),
                record: results::record_of(&row)?,
            });
        }
        Ok(Self {
            id,
            study,
            chosen: choose(&known, wanted)?,
            results: known,
            owed: deliveries::of_study(conn, id).await?,
        })
    }

    fn exam(&self) -> Exam<'_> {
        Exam {
            modality: &self.study.modality,
            description: &self.study.description,
        }
    }

    /// What a draft is about: the result with whatever else stands of this study, what is suspected first; what does not stand is
    /// drafted alone.
    fn drafted(&self, at: usize) -> Vec<&ResultRecord> {
        let stands = |known: &&Known| !known.superseded && known.record.status != ResultStatus::Withdrawn;
        let chosen = &self.results[at];
        if !stands(&chosen) {
            return vec![&chosen.record];
        }
        let mut all: Vec<&ResultRecord> = self
            .results
            .iter()
            .filter(stands)
            .map(|known| &known.record)
            .collect();
        all.sort_by_key(|record| !record.findings.iter().any(|finding| finding.flagged));
        all
    }

    /// What is owed of one result; a change of priority is none of its forms.
    fn owed_of(&self, result: ResultId) -> impl Iterator<Item = &delivery::Model> {
        let id = result.to_string();
        self.owed.iter().filter(move |row| {
            row.result_id.as_ref() == Some(&id) && row.kind != DeliveryKind::PriorityChange.text()
        })
    }

    /// The last result of the same model before this one of which something reached its receiver.
    fn sent_before(&self, at: usize) -> Option<&ResultRecord> {
        let model = &self.results[at].record.model.name;
        let reached = |record: &&ResultRecord| {
            self.owed_of(record.id)
                .any(|row| REACHED.iter().any(|state| row.state == state.text()))
        };
        let earlier = self.results[..at].iter().rev().map(|known| &known.record);
        earlier.filter(|record| record.model.name == *model).find(reached)
    }
}

/// The wanted one; else the newest that stands; else the newest.
fn choose(known: &[Known], wanted: Option<ResultId>) -> Result<Option<usize>, ApiError> {
    match wanted {
        Some(wanted) => known
            .iter()
            .position(|known| known.record.id == wanted)
            .map(Some)
            .ok_or(ApiError::NotFound("result of this study")),
        // What a model suspects before what another does not.
        None => Ok(known
            .iter()
            .rposition(|known| {
                !known.superseded && known.record.findings.iter().any(|finding| finding.flagged)
            })
            .or_else(|| known.iter().rposition(|known| !known.superseded))
            .or(known.len().checked_sub(1))),
    }
}

impl ResultChoice {
    fn of(known: &Known) -> Self {
        let record = &known.record;
        Self {
            result_id: record.id,
            model: record.model.name.clone(),
            version: record.model.version.clone(),
            status: record.status,
            produced_at: record.produced_at,
            superseded: known.superseded,
        }
    }
}

async fn report(state: &State, told: &Told, at: usize) -> Result<ResultReport, ApiError> {
    let record = &told.results[at].record;
    let composed = compose(state, &told.study, record).await?;
    let mut sent = None;
    let mut outputs = Vec::new();
    for row in told.owed_of(record.id) {
        let message = message_of(state, row).await?;
        outputs.push(OutputView::of(row, message.as_ref())?);
        sent = sent.or(message);
    }
    for kind in USUAL {
        if !outputs.iter().any(|output| output.kind == kind) {
            outputs.push(OutputView::draft(kind));
        }
    }
    let narrative = written(state, &told.drafted(at), told.exam());
    let changes = told.sent_before(at).map(|before| {
        let was = written(state, &[before], told.exam()).text();
        let now = written(state, &[record], told.exam()).text();
        let lines = changes::between(&was, &now);
        ChangesView {
            since: before.id,
            produced_at: before.produced_at,
            differs: lines.iter().any(|line| line.change != Change::Kept),
            lines,
        }
    });
    Ok(ResultReport {
        result_id: record.id,
        status: record.status,
        produced_at: record.produced_at,
        model: record.model.clone(),
        series_uid: record.series_uid.to_string(),
        images: record.instance_uids.len(),
        outputs,
        hold: hold_of(state, &told.results[at]).await?,
        standing: !told.results[at].superseded,
        narrative: NarrativeView::of(narrative),
        changes,
        findings: record.findings.iter().map(FindingReport::of).collect(),
        limitations: record.limitations.clone(),
        statements: record.statements.clone(),
        structured_report: tree(&composed.structured_report)?,
        message: text(&composed.message, sent),
        fhir: Shown::of(composed.fhir),
    })
}

/// Why nothing of it leaves; nothing of what was replaced or taken back.
async fn hold_of(state: &State, known: &Known) -> Result<Option<HoldView>, StoreError> {
    let record = &known.record;
    if known.superseded || record.status == ResultStatus::Withdrawn {
        return Ok(None);
    }
    let hold = holds::of(state.store.read(), &record.analysis.to_string()).await?;
    Ok(hold
        .filter(|hold| hold.released_at.is_none())
        .as_ref()
        .map(HoldView::of))
}

/// Everything that a result says, from those who say it.
async fn compose(state: &State, study: &study::Model, record: &ResultRecord) -> Result<Outputs, ApiError> {
    state.reports.outputs(study, record).await.map_err(|error| {
        tracing::error!(study.id = %study.id, %error, "the outputs of a result could not be composed");
        ApiError::Unavailable
    })
}

/// A draft by the site's templates, or by ours, and then the log says why.
fn written(state: &State, records: &[&ResultRecord], exam: Exam<'_>) -> Narrative {
    let narrative = state.narrative.write(records, exam);
    for fault in &narrative.faults {
        tracing::error!(%fault, "a template of the site failed; ours is shown");
    }
    narrative
}

async fn message_of(state: &State, row: &delivery::Model) -> Result<Option<message::Model>, StoreError> {
    let id = row
        .message_id
        .as_deref()
        .and_then(|id| id.parse::<MessageId>().ok());
    match id {
        Some(id) => messages::by_id(state.store.read(), id).await,
        None => Ok(None),
    }
}

fn tree(composed: &Composed) -> Result<Shown<TreeItem>, ApiError> {
    let content = composed.bytes().map(sr_tree::read).transpose();
    let content = content.map_err(|error| {
        tracing::error!(%error, "a structured report of ours cannot be shown");
        ApiError::Internal
    })?;
    Ok(Shown::as_composed(composed, content))
}

fn text(composed: &Composed, sent: Option<message::Model>) -> Shown<MessageText> {
    let lines = |bytes: &[u8]| readable(bytes).replace('\r', "\n");
    let content = composed.bytes().map(|bytes| {
        let text = lines(bytes);
        match sent {
            Some(sent) => MessageText {
                text,
                control_id: Some(sent.control_id),
                message_id: Some(sent.id),
                destination: Some(sent.peer),
                ack_code: sent.ack_code,
                answer: sent.ack.as_deref().map(lines),
            },
            None => MessageText {
                text,
                control_id: None,
                message_id: None,
                destination: None,
                ack_code: None,
                answer: None,
            },
        }
    });
    Shown::as_composed(composed, content)
}
