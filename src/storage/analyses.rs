//! Analyses: one row per model, version and set of inputs, with the state that people see.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::finding::{Presence, ResultRecord, ResultStatus};
use tocsin_domain::ids::{AnalysisId, ResultId, StudyId};
use tocsin_domain::work::{Urgency, Work};

use super::changes;
use super::entity::analysis::{self, Column, Entity};
use super::entity::study;
use super::error::StoreError;
use super::jobs::{self, Terms};
use super::prior_searches::Purpose;
use super::store::Tx;
use super::studies;
use super::waiting;

/// What people see of a model's work on a study (`ai[].state` of the worklist).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisState {
    Waiting,
    Queued,
    Running,
    Flagged,
    NotFlagged,
    Indeterminate,
    NotEligible,
    QualityRejected,
    Failed,
    Superseded,
    Withdrawn,
}

impl AnalysisState {
    pub const ALL: [Self; 11] = [
        Self::Waiting,
        Self::Queued,
        Self::Running,
        Self::Flagged,
        Self::NotFlagged,
        Self::Indeterminate,
        Self::NotEligible,
        Self::QualityRejected,
        Self::Failed,
        Self::Superseded,
        Self::Withdrawn,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Flagged => "flagged",
            Self::NotFlagged => "not_flagged",
            Self::Indeterminate => "indeterminate",
            Self::NotEligible => "not_eligible",
            Self::QualityRejected => "quality_rejected",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether the model has said its last word on these inputs.
    pub fn is_final(self) -> bool {
        match self {
            Self::Waiting | Self::Queued | Self::Running => false,
            Self::Flagged
            | Self::NotFlagged
            | Self::Indeterminate
            | Self::NotEligible
            | Self::QualityRejected
            | Self::Failed
            | Self::Superseded
            | Self::Withdrawn => true,
        }
    }
}

pub fn state_of(row: &analysis::Model) -> Result<AnalysisState, StoreError> {
    AnalysisState::ALL
        .into_iter()
        .find(|s| s.text() == row.state)
        .ok_or_else(|| StoreError::Inconsistent {
            table: "analysis",
            column: "state",
            id: row.id.clone(),
        })
}

/// What people see of a model that has given this result.
pub fn state_for(record: &ResultRecord) -> AnalysisState {
    let findings = &record.findings;
    if record.status == ResultStatus::Withdrawn {
        AnalysisState::Withdrawn
    } else if findings.iter().any(|finding| finding.flagged) {
        AnalysisState::Flagged
    } else if findings
        .iter()
        .any(|finding| finding.presence == Presence::Undetermined)
    {
        AnalysisState::Indeterminate
    } else {
        AnalysisState::NotFlagged
    }
}

pub fn id_of(row: &analysis::Model) -> Result<AnalysisId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "analysis",
        column: "id",
        id: row.id.clone(),
    })
}

/// The model and inputs that an analysis is about.
#[derive(Clone, Debug)]
pub struct Subject {
    pub study: StudyId,
    pub series: Option<String>,
    pub model: String,
    pub version: String,
    pub sha256: String,
    /// Hash over the instances that are read; empty where the model does not run.
    pub input_key: String,
}

/// Records the decision to run or not; the same subject gives the same row. `true` when the row is new.
pub async fn decide(
    tx: &Tx,
    subject: &Subject,
    state: AnalysisState,
    reason: &str,
) -> Result<(AnalysisId, bool), StoreError> {
    let now = to_micros(tx.now());
    if let Some(known) = find(tx.conn(), subject).await? {
        let id = id_of(&known)?;
        // A model that has worked on these inputs keeps what it said.
        if !subject.input_key.is_empty() || known.state == state.text() && known.reason == reason {
            return Ok((id, false));
        }
        let mut row: analysis::ActiveModel = known.into();
        row.state = Set(state.text().to_owned());
        row.reason = Set(reason.to_owned());
        row.updated_at = Set(now);
        saved(tx, row).await?;
        return Ok((id, false));
    }
    let id = AnalysisId(tx.uuid());
    let row = analysis::ActiveModel {
        id: Set(id.to_string()),
        study_id: Set(subject.study.to_string()),
        series_id: Set(subject.series.clone()),
        model: Set(subject.model.clone()),
        version: Set(subject.version.clone()),
        sha256: Set(subject.sha256.clone()),
        input_key: Set(subject.input_key.clone()),
        state: Set(state.text().to_owned()),
        reason: Set(reason.to_owned()),
        result_id: Set(None),
        provider: Set(None),
        inference_ms: Set(None),
        created_at: Set(now),
        started_at: Set(None),
        finished_at: Set(None),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    changes::note(tx, subject.study).await?;
    Ok((id, true))
}

/// Queues a run on the images of an earlier one, behind the other runs of its model on this study.
pub async fn again(tx: &Tx, earlier: &analysis::Model, reason: String) -> Result<AnalysisId, StoreError> {
    let now = to_micros(tx.now());
    let id = AnalysisId(tx.uuid());
    // The images by the name they have, and after it which run this is: admission knows the first by the name alone.
    let images = earlier.input_key.split('+').next().unwrap_or_default();
    let row = analysis::ActiveModel {
        id: Set(id.to_string()),
        input_key: Set(format!("{images}+{id}")),
        state: Set(AnalysisState::Queued.text().to_owned()),
        reason: Set(reason),
        result_id: Set(None),
        provider: Set(None),
        inference_ms: Set(None),
        created_at: Set(now),
        started_at: Set(None),
        finished_at: Set(None),
        updated_at: Set(now),
        ..earlier.clone().into()
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    jobs::enqueue(
        tx,
        // Whoever takes it up puts it in the lane of its model.
        &Work::Infer {
            analysis: id,
            urgency: Urgency::default(),
        },
        inference(&earlier.study_id, &earlier.model),
    )
    .await?;
    Ok(id)
}

/// Runs of one model on one study keep their order, so that a fuller series is never overtaken by a poorer one.
pub fn inference(study: &str, model: &str) -> Terms {
    Terms {
        order_key: Some(format!("infer:{study}:{model}")),
        ..Terms::now()
    }
}

/// Studies of which a model refused the images since then, the latest refusal first.
pub async fn refused_for_quality(
    conn: &impl ConnectionTrait,
    since: Timestamp,
    most: u64,
) -> Result<Vec<String>, StoreError> {
    let to_be_read = Query::select()
        .column(study::Column::Id)
        .from(study::Entity)
        .and_where(study::Column::Purpose.eq(Purpose::Reading.text()))
        .to_owned();
    let studies: Vec<String> = Entity::find()
        .select_only()
        .column(Column::StudyId)
        .filter(Column::State.eq(AnalysisState::QualityRejected.text()))
        .filter(Column::StudyId.in_subquery(to_be_read))
        .filter(Column::UpdatedAt.gte(to_micros(since)))
        .order_by_desc(Column::UpdatedAt)
        .limit(most)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(studies)
}

async fn find(conn: &impl ConnectionTrait, subject: &Subject) -> Result<Option<analysis::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(subject.study.to_string()))
        .filter(Column::Model.eq(&subject.model))
        .filter(Column::Version.eq(&subject.version))
        .filter(Column::InputKey.eq(&subject.input_key))
        .one(conn)
        .await?)
}

pub async fn get(conn: &impl ConnectionTrait, id: AnalysisId) -> Result<analysis::Model, StoreError> {
    Entity::find_by_id(id.to_string())
        .one(conn)
        .await?
        .ok_or(StoreError::Missing("analysis"))
}

/// All analyses of a study, oldest first.
pub async fn of_study(
    conn: &impl ConnectionTrait,
    study: StudyId,
) -> Result<Vec<analysis::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .order_by_asc(Column::CreatedAt)
        .all(conn)
        .await?)
}

/// All analyses of several studies, for lists.
pub async fn of_studies(
    conn: &impl ConnectionTrait,
    studies: &[String],
) -> Result<Vec<analysis::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.is_in(studies.iter().cloned()))
        .order_by_asc(Column::CreatedAt)
        .all(conn)
        .await?)
}

/// Those of every study that waits to be read, by study.
pub async fn waiting(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<String, Vec<analysis::Model>>, StoreError> {
    let rows = Entity::find()
        .filter(Column::StudyId.in_subquery(waiting::ids()))
        .order_by_asc(Column::CreatedAt)
        .all(conn)
        .await?;
    Ok(studies::by_study(rows, |row| &row.study_id))
}

/// The rows that speak for the study now: per model the newest that is not superseded, and a decision not to run only
/// where nothing ran.
pub fn current(rows: &[analysis::Model]) -> Vec<&analysis::Model> {
    let mut models: Vec<&str> = rows.iter().map(|row| row.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    models
        .into_iter()
        .filter_map(|model| speaks(rows, model))
        .collect()
}

fn speaks<'r>(rows: &'r [analysis::Model], model: &str) -> Option<&'r analysis::Model> {
    let of_model = || {
        rows.iter()
            .filter(|row| row.model == model && row.state != AnalysisState::Superseded.text())
    };
    // What was found stands until something newer was found; a run that waits or fails takes nothing back.
    of_model()
        .filter(|row| row.result_id.is_some())
        .max_by_key(|row| row.finished_at)
        .or_else(|| {
            of_model()
                .filter(|row| !row.input_key.is_empty())
                .max_by_key(|row| row.created_at)
        })
        .or_else(|| of_model().max_by_key(|row| row.updated_at))
}

/// Saves the changed columns, and tells that the study looks different.
async fn saved(tx: &Tx, row: analysis::ActiveModel) -> Result<(), StoreError> {
    let row = row.update(tx.conn()).await?;
    let study = row.study_id.parse().map_err(|_| StoreError::Inconsistent {
        table: "analysis",
        column: "study_id",
        id: row.id.clone(),
    })?;
    changes::note(tx, study).await
}

pub async fn started(tx: &Tx, id: AnalysisId) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = analysis::ActiveModel {
        id: Set(id.to_string()),
        state: Set(AnalysisState::Running.text().to_owned()),
        started_at: Set(Some(now)),
        updated_at: Set(now),
        ..Default::default()
    };
    saved(tx, row).await
}

/// How an analysis ended.
#[derive(Clone, Debug)]
pub struct Ending {
    pub state: AnalysisState,
    pub reason: String,
    pub result: Option<ResultId>,
    pub provider: Option<String>,
    pub inference_ms: Option<i64>,
}

pub async fn finished(tx: &Tx, id: AnalysisId, ending: Ending) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = analysis::ActiveModel {
        id: Set(id.to_string()),
        state: Set(ending.state.text().to_owned()),
        reason: Set(ending.reason),
        result_id: Set(ending.result.map(|id| id.to_string())),
        provider: Set(ending.provider),
        inference_ms: Set(ending.inference_ms),
        finished_at: Set(Some(now)),
        updated_at: Set(now),
        ..Default::default()
    };
    saved(tx, row).await
}

/// A person has changed what stands for this analysis; the images were not read again.
pub async fn stands(
    tx: &Tx,
    row: analysis::Model,
    record: &ResultRecord,
    reason: &str,
) -> Result<(), StoreError> {
    let mut row: analysis::ActiveModel = row.into();
    row.state = Set(state_for(record).text().to_owned());
    row.reason = Set(reason.to_owned());
    row.result_id = Set(Some(record.id.to_string()));
    row.updated_at = Set(to_micros(tx.now()));
    saved(tx, row).await
}

/// The result of this analysis was amended; the images were not read again.
pub async fn amended(tx: &Tx, id: AnalysisId, result: ResultId) -> Result<(), StoreError> {
    let row = analysis::ActiveModel {
        id: Set(id.to_string()),
        result_id: Set(Some(result.to_string())),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    saved(tx, row).await
}

pub async fn set_state(tx: &Tx, id: AnalysisId, state: AnalysisState) -> Result<(), StoreError> {
    let row = analysis::ActiveModel {
        id: Set(id.to_string()),
        state: Set(state.text().to_owned()),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    saved(tx, row).await
}
